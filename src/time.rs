//! Waiting, on the clock of the current runtime.
//!
//! Functions look the runtime up at their first poll, so that their futures may be made anywhere;
//! `Runtime` has methods of the same names for an explicit one.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use pin_project_lite::pin_project;

use crate::runtime::{self, Runtime};

/// Waits for this long, counted from the first poll.
///
/// Zero is ready at once; `Duration::MAX` waits for ever.
///
/// # Panics
///
/// At the first poll, with the text of [`NoRuntime`](runtime::NoRuntime), when no runtime is at
/// hand.
///
/// # Cost
///
/// One allocation, at the first poll.
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use std::time::Duration;
///
/// # aiomisc::adapters::Smol::new().block_on(async {
/// aiomisc::time::sleep(Duration::from_millis(1)).await;
/// # }); }
/// ```
#[must_use = "futures do nothing unless polled"]
pub fn sleep(duration: Duration) -> Sleep {
    Sleep {
        wait: Wait::Idle {
            runtime: None,
            duration,
        },
    }
}

/// Gives a future this long, counted from the first poll; then drops it at the next one.
///
/// The future is polled first: one that is ready makes it in any time, even zero.
///
/// # Errors
///
/// [`Elapsed`] when the time is over.
///
/// # Panics
///
/// With the text of [`NoRuntime`](runtime::NoRuntime), when the future has to wait and no runtime is
/// at hand.
///
/// # Cancel safety
///
/// That of the future.
///
/// # Cost
///
/// None while the future is ready at its first poll; else one allocation for the timer.
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use aiomisc::time::timeout;
/// use std::time::Duration;
///
/// # aiomisc::adapters::Smol::new().block_on(async {
/// assert_eq!(timeout(Duration::ZERO, async { 7 }).await, Ok(7));
/// assert!(timeout(Duration::from_millis(1), std::future::pending::<()>()).await.is_err());
/// # }); }
/// ```
pub fn timeout<F: Future>(limit: Duration, future: F) -> Timeout<F> {
    Timeout {
        limit: sleep(limit),
        future,
    }
}

/// Ticks with this period. The first tick is at once.
///
/// A tick that comes late does not move those after it: they stay on the grid of the first one,
/// and ticks that were missed altogether are skipped and counted; [`Interval::missed`] tells how
/// many. Other tasks run before a tick that is late, and a period of zero ticks as often as it is
/// asked.
///
/// # Panics
///
/// At the first tick, with the text of [`NoRuntime`](runtime::NoRuntime), when no runtime is at
/// hand.
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use std::time::Duration;
///
/// # aiomisc::adapters::Smol::new().block_on(async {
/// let mut ticks = aiomisc::time::interval(Duration::from_millis(1));
/// ticks.tick().await;
/// ticks.tick().await;
/// # }); }
/// ```
#[must_use]
pub fn interval(period: Duration) -> Interval {
    Interval {
        runtime: None,
        period,
        next: None,
        sleep: None,
        armed: false,
        yielded: false,
        missed: 0,
    }
}

/// A wait; made by [`sleep`] and [`Runtime::sleep`].
#[must_use = "futures do nothing unless polled"]
pub struct Sleep {
    wait: Wait,
}

enum Wait {
    /// Not polled yet.
    Idle {
        runtime: Option<Runtime>,
        duration: Duration,
    },
    Running(Pin<Box<dyn runtime::Sleep>>),
    /// Over without a timer.
    Over {
        runtime: Option<Runtime>,
    },
}

impl Sleep {
    pub(crate) fn on(runtime: Runtime, duration: Duration) -> Self {
        Self {
            wait: Wait::Idle {
                runtime: Some(runtime),
                duration,
            },
        }
    }

    /// Starts anew with this length, counted from now if it was polled before, else from the first
    /// poll. Reuses the timer.
    pub fn reset(&mut self, duration: Duration) {
        match &mut self.wait {
            Wait::Idle { duration: old, .. } => *old = duration,
            Wait::Running(sleep) => sleep.as_mut().reset(duration),
            Wait::Over { runtime } => {
                let runtime = runtime.take().or_else(|| Runtime::current().ok());
                self.wait = match runtime {
                    Some(runtime) => Wait::Running(runtime.backend().sleep(duration)),
                    None => Wait::Idle { runtime, duration },
                };
            }
        }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if let Wait::Idle { runtime, duration } = &mut self.wait {
            if duration.is_zero() {
                let runtime = runtime.take();
                self.wait = Wait::Over { runtime };
                return Poll::Ready(());
            }
            let runtime = runtime.take().unwrap_or_else(current);
            self.wait = Wait::Running(runtime.backend().sleep(*duration));
        }
        match &mut self.wait {
            Wait::Running(sleep) => sleep.as_mut().poll(cx),
            Wait::Idle { .. } | Wait::Over { .. } => Poll::Ready(()),
        }
    }
}

impl fmt::Debug for Sleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sleep").finish_non_exhaustive()
    }
}

pin_project! {
    /// A future with a limit; made by [`timeout`] and [`Runtime::timeout`].
    #[must_use = "futures do nothing unless polled"]
    #[derive(Debug)]
    pub struct Timeout<F> {
        limit: Sleep,
        #[pin]
        future: F,
    }
}

impl<F> Timeout<F> {
    pub(crate) fn on(runtime: Runtime, limit: Duration, future: F) -> Self {
        Self {
            limit: Sleep::on(runtime, limit),
            future,
        }
    }

    /// The future inside, as it is by then.
    pub fn into_inner(self) -> F {
        self.future
    }
}

impl<F: Future> Future for Timeout<F> {
    type Output = Result<F::Output, Elapsed>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Poll::Ready(output) = this.future.poll(cx) {
            return Poll::Ready(Ok(output));
        }
        // Only now is a timer needed.
        Pin::new(this.limit).poll(cx).map(|()| Err(Elapsed))
    }
}

/// Says that the time was over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Elapsed;

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the time limit has elapsed")
    }
}

impl std::error::Error for Elapsed {}

impl From<Elapsed> for std::io::Error {
    fn from(elapsed: Elapsed) -> Self {
        Self::new(std::io::ErrorKind::TimedOut, elapsed)
    }
}

/// Ticks at a fixed rate; made by [`interval`] and [`Runtime::interval`].
pub struct Interval {
    runtime: Option<Runtime>,
    period: Duration,
    next: Option<Instant>,
    /// Made at the first wait and used again for those after it.
    sleep: Option<Pin<Box<dyn runtime::Sleep>>>,
    /// Whether `sleep` waits for `next`.
    armed: bool,
    yielded: bool,
    missed: u64,
}

impl Interval {
    pub(crate) fn on(runtime: Runtime, period: Duration) -> Self {
        Self {
            runtime: Some(runtime),
            ..interval(period)
        }
    }

    /// Waits for the next tick; gives the moment that it was meant for.
    ///
    /// # Cancel safety
    ///
    /// A tick whose wait is dropped comes at the next call.
    pub async fn tick(&mut self) -> Instant {
        poll_fn(|cx| self.poll_tick(cx)).await
    }

    /// The poll form of [`tick`](Self::tick).
    pub fn poll_tick(&mut self, cx: &mut Context<'_>) -> Poll<Instant> {
        let runtime = self.runtime.get_or_insert_with(current);
        let timer = runtime.backend();
        let Some(due) = self.next else {
            let now = timer.now();
            self.plan(now, now);
            return Poll::Ready(now);
        };
        let left = due.saturating_duration_since(timer.now());
        if left.is_zero() && !self.armed && !std::mem::replace(&mut self.yielded, true) {
            // One turn for the others between two ticks: if each comes late, nobody ever waits.
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if !left.is_zero() {
            let sleep = match &mut self.sleep {
                Some(sleep) => {
                    if !self.armed {
                        sleep.as_mut().reset(left);
                    }
                    sleep
                }
                none => none.insert(timer.sleep(left)),
            };
            self.armed = true;
            ready!(sleep.as_mut().poll(cx));
        }
        let now = timer.now().max(due);
        self.plan(due, now);
        Poll::Ready(due)
    }

    /// How many ticks were skipped since the start because they were not asked for in time.
    #[must_use]
    pub fn missed(&self) -> u64 {
        self.missed
    }

    /// The period.
    #[must_use]
    pub fn period(&self) -> Duration {
        self.period
    }

    /// Begins anew: the next tick is one period from now.
    ///
    /// # Panics
    ///
    /// With the text of [`NoRuntime`](runtime::NoRuntime), when it has not ticked yet and no runtime
    /// is at hand.
    pub fn reset(&mut self) {
        let now = self.runtime.get_or_insert_with(current).now();
        self.plan(now, now);
    }

    /// Finds the tick after `due` that is not over yet.
    fn plan(&mut self, due: Instant, now: Instant) {
        let late = now.saturating_duration_since(due).as_nanos();
        // One that is due at this very moment is not missed yet.
        let skipped = late
            .saturating_sub(1)
            .checked_div(self.period.as_nanos())
            .unwrap_or(0);
        let skipped = u32::try_from(skipped).unwrap_or(u32::MAX - 1);
        self.missed += u64::from(skipped);
        let step = self
            .period
            .checked_mul(skipped + 1)
            .unwrap_or(Duration::MAX);
        // Beyond what the clock can show means never: a century will do.
        let century = Duration::from_secs(100 * 365 * 86_400);
        self.next = due.checked_add(step).or_else(|| now.checked_add(century));
        self.armed = false;
        self.yielded = false;
    }
}

impl fmt::Debug for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interval")
            .field("period", &self.period)
            .finish_non_exhaustive()
    }
}

fn current() -> Runtime {
    Runtime::current().unwrap_or_else(|error| panic!("{error}"))
}
