//! What a timer, its handles and its task share.

use std::cell::Cell;
use std::ptr;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use super::error::StartError;
use super::status::{CallOutcome, LastCall, TimerEnd, TimerState, TimerStatus};
use super::{Suppress, TimerStatistic};
use crate::error::{BoxError, end_of_panic, error_text};
use crate::flag::Flag;
use crate::future::Panic;
use crate::runtime::Runtime;
use crate::statistics::Instance;

/// One timer, over all its runs.
pub(crate) struct Core {
    pub(super) name: Arc<str>,
    pub(super) statistic: Instance<TimerStatistic>,
    pub(super) shield: bool,
    pub(super) stop_limit: Duration,
    suppress: Option<Suppress>,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    state: TimerState,
    /// The run that goes on, or the last one.
    run: Option<(Arc<Run>, Runtime)>,
    /// Whether a call goes on that its timer has left.
    left: bool,
    next: When,
    last: Option<(Instant, Duration, CallOutcome)>,
}

/// When the next call is planned.
#[derive(Clone, Copy, Default)]
pub(crate) enum When {
    #[default]
    Unknown,
    At(Instant),
    #[cfg(feature = "cron")]
    Date(SystemTime),
}

impl Core {
    pub(super) fn new(
        name: Arc<str>,
        shield: bool,
        stop_limit: Duration,
        suppress: Option<Suppress>,
    ) -> Self {
        Self {
            statistic: TimerStatistic::new(Arc::clone(&name)),
            name,
            shield,
            stop_limit,
            suppress,
            inner: Mutex::default(),
        }
    }

    /// Begins a run, if none goes on.
    pub(super) fn begin(self: &Arc<Self>, runtime: &Runtime) -> Result<Started, StartError> {
        let runtime = runtime.unowned();
        let run = Arc::new(Run::default());
        let mut inner = self.inner();
        if inner.state.is_running() || inner.left {
            return Err(StartError::Running);
        }
        inner.state = TimerState::Waiting;
        inner.next = When::Unknown;
        let before = inner.run.replace((Arc::clone(&run), runtime.clone()));
        drop(inner);
        drop(before);
        Ok(Started {
            core: Arc::clone(self),
            run,
            runtime,
        })
    }

    /// The run that goes on.
    pub(super) fn run(&self) -> Option<(Arc<Run>, Runtime)> {
        let inner = self.inner();
        inner.run.clone().filter(|_| inner.state.is_running())
    }

    pub(super) fn status(&self) -> TimerStatus {
        let inner = self.inner();
        let (state, next, last) = (inner.state.clone(), inner.next, inner.last.clone());
        let runtime = inner.run.as_ref().map(|(_, runtime)| runtime.clone());
        drop(inner);
        let mut status = TimerStatus {
            name: Arc::clone(&self.name),
            state,
            next_run: None,
            last: None,
        };
        // A timer that was never started has neither.
        if let Some(runtime) = runtime {
            let (now, wall) = (runtime.now(), runtime.wall_now());
            status.next_run = match next {
                When::Unknown => None,
                When::At(at) => wall.checked_add(at.saturating_duration_since(now)),
                #[cfg(feature = "cron")]
                When::Date(date) => Some(date),
            };
            status.last = last.map(|(began, took, outcome)| LastCall {
                began: wall
                    .checked_sub(now.saturating_duration_since(began))
                    .unwrap_or(SystemTime::UNIX_EPOCH),
                took,
                outcome,
            });
        }
        status
    }

    pub(super) fn waits(&self, next: When) {
        self.inner().next = next;
    }

    pub(super) fn missed(&self, calls: u64) {
        if calls > 0 {
            self.statistic.missed.add(calls);
            tracing::warn!(timer = %self.name, calls, "calls were missed: those before took too long");
        }
    }

    pub(super) fn call_began(&self) {
        self.statistic.call_count.add_one();
        let mut inner = self.inner();
        inner.state = TimerState::Calling;
        inner.next = When::Unknown;
    }

    pub(super) fn call_ended(
        &self,
        began: Instant,
        now: Instant,
        result: Result<Result<(), BoxError>, Panic>,
    ) {
        let outcome = match result {
            Ok(Ok(())) => {
                self.statistic.done.add_one();
                CallOutcome::Done
            }
            Ok(Err(error)) => self.failed(&error),
            Err(panic) => {
                self.statistic.fail.add_one();
                let panic = end_of_panic(panic);
                tracing::error!(timer = %self.name, %panic, "callback panicked");
                CallOutcome::Panicked(panic.into())
            }
        };
        self.keep(began, now, outcome);
    }

    fn failed(&self, error: &BoxError) -> CallOutcome {
        let suppressed = self.suppress.as_ref().is_some_and(|suppress| {
            // One that panics suppresses nothing.
            let asked = std::panic::AssertUnwindSafe(|| suppress(error));
            std::panic::catch_unwind(asked).unwrap_or_else(|panic| {
                end_of_panic(panic);
                false
            })
        });
        let text = error_text(&**error);
        if suppressed {
            self.statistic.suppressed.add_one();
            tracing::debug!(timer = %self.name, error = %text, "callback failed, as was foreseen");
            CallOutcome::Suppressed(text.into())
        } else {
            self.statistic.fail.add_one();
            tracing::error!(timer = %self.name, error = %text, "callback failed");
            CallOutcome::Failed(text.into())
        }
    }

    pub(super) fn call_cut(&self, began: Instant, now: Instant, panic: Option<Panic>) {
        if let Some(panic) = panic {
            let panic = end_of_panic(panic);
            tracing::error!(timer = %self.name, %panic, "callback panicked when it was cut");
        }
        self.keep(began, now, CallOutcome::Cut);
    }

    /// The call goes on without its timer.
    pub(super) fn call_left(&self) {
        self.inner().left = true;
    }

    fn keep(&self, began: Instant, now: Instant, outcome: CallOutcome) {
        let took = now.saturating_duration_since(began);
        self.statistic.sum_time.add(took);
        let mut inner = self.inner();
        inner.left = false;
        if inner.state == TimerState::Calling {
            inner.state = TimerState::Waiting;
        }
        let before = inner.last.replace((began, took, outcome));
        drop(inner);
        drop(before);
    }

    fn end(&self, end: TimerEnd) {
        let mut inner = self.inner();
        inner.state = TimerState::Ended(end);
        inner.next = When::Unknown;
    }

    /// Nobody else's code runs under this lock.
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One run of a timer, from a start to its end.
#[derive(Default)]
pub(crate) struct Run {
    /// Call no more.
    pub(super) stop: Flag,
    /// Drop the call that goes on.
    pub(super) cut: Flag,
    ended: Flag,
    end: OnceLock<TimerEnd>,
}

thread_local! {
    /// The run whose callback is being polled on this thread.
    static INSIDE: Cell<*const Run> = const { Cell::new(ptr::null()) };
}

impl Run {
    /// Asks for the end, and waits for it; at the limit the call that goes on is dropped.
    pub(super) async fn stop(&self, runtime: &Runtime, limit: Duration) -> TimerEnd {
        self.stop.set();
        if self.is_inside() {
            // The callback stops its own timer: it cannot wait for itself.
            return TimerEnd::Stopped;
        }
        if runtime.timeout(limit, self.ended.wait()).await.is_err() {
            self.cut.set();
            self.ended.wait().await;
        }
        self.end.get().cloned().unwrap_or(TimerEnd::Aborted)
    }

    /// Whether the code that asks is a call of this run.
    fn is_inside(&self) -> bool {
        INSIDE.get() == ptr::from_ref(self)
    }

    /// Polls a call of this run.
    pub(super) fn inside<R>(&self, poll: impl FnOnce() -> R) -> R {
        struct Before(*const Run);
        impl Drop for Before {
            fn drop(&mut self) {
                INSIDE.set(self.0);
            }
        }
        let _before = Before(INSIDE.replace(self));
        poll()
    }
}

/// A run that has begun. When it is dropped the run has ended, in whatever way.
pub(crate) struct Started {
    pub(super) core: Arc<Core>,
    pub(super) run: Arc<Run>,
    pub(super) runtime: Runtime,
}

impl Started {
    /// Asks the run for its end, for whoever drives it.
    pub(crate) fn stopper(&self) -> Stopper {
        Stopper(Arc::clone(&self.run))
    }

    pub(super) fn end(self, end: TimerEnd) -> TimerEnd {
        // Nobody else sets it.
        let _ = self.run.end.set(end.clone());
        end
    }
}

/// Asks a run for its end.
pub(crate) struct Stopper(Arc<Run>);

impl Stopper {
    pub(crate) fn stop(&self) {
        self.0.stop.set();
    }

    /// Waits until the run has ended.
    #[cfg(feature = "cron")]
    pub(crate) async fn ended(&self) {
        self.0.ended.wait().await;
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let end = self.run.end.get_or_init(|| TimerEnd::Aborted).clone();
        self.core.end(end);
        self.run.ended.set();
    }
}
