//! The loop of every timer: wait, call, again.

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::CallResult;
use super::call::Place;
use super::core::{Core, Started, When};
use super::status::TimerEnd;
use crate::chance::Chance;
use crate::error::{BoxError, end_of_panic, error_text};
use crate::future::{Either, catch_panic, race, yield_now};
use crate::runtime::Runtime;
use crate::time::Sleep;

/// Says when the calls of a timer are due.
pub(crate) trait Rhythm: Send + 'static {
    /// When the first call is, as far as that is known before the timer has run at all.
    fn first(&self, _runtime: &Runtime) -> When {
        When::Unknown
    }

    /// Waits until the next call is due; `false` when there is none any more.
    fn due(&mut self, desk: &mut Desk) -> impl Future<Output = Result<bool, BoxError>> + Send;
}

/// What a rhythm works with.
pub(crate) struct Desk {
    core: Arc<Core>,
    pub(crate) runtime: Runtime,
    /// Used again for each wait.
    sleep: Sleep,
    chance: Option<Chance>,
}

impl Desk {
    fn new(started: &Started) -> Self {
        let runtime = started.runtime.clone();
        Self {
            core: Arc::clone(&started.core),
            sleep: runtime.sleep(Duration::ZERO),
            runtime,
            chance: None,
        }
    }

    /// Waits; others run meanwhile also if it is for no time at all.
    pub(crate) async fn sleep(&mut self, duration: Duration) {
        if duration.is_zero() {
            yield_now().await;
        } else {
            self.sleep.reset(duration);
            (&mut self.sleep).await;
        }
    }

    /// Waits for this long, at the end of which is a call.
    pub(crate) async fn wait(&mut self, duration: Duration) {
        // What the clock cannot show is never.
        let at = self.runtime.now().checked_add(duration);
        self.core.waits(at.map_or(When::Unknown, When::At));
        self.sleep(duration).await;
    }

    /// Waits until this moment, at which is a call; the clock has just been looked at.
    pub(crate) async fn wait_until(&mut self, at: Instant, now: Instant) {
        self.core.waits(When::At(at));
        let left = at.saturating_duration_since(now);
        self.sleep(left).await;
    }

    /// Tells when the next call is.
    #[cfg(feature = "cron")]
    pub(crate) fn plan(&self, date: std::time::SystemTime) {
        self.core.waits(When::Date(date));
    }

    pub(crate) fn missed(&self, calls: u64) {
        self.core.missed(calls);
    }

    pub(crate) fn skipped(&self) {
        self.core.waits(When::Unknown);
        self.core.statistic.skipped.add_one();
    }

    #[cfg(feature = "cron")]
    pub(crate) fn name(&self) -> &str {
        &self.core.name
    }

    /// A duration up to this one, by chance.
    pub(crate) fn up_to(&mut self, most: Duration) -> Duration {
        if most.is_zero() {
            return most;
        }
        let chance = self.chance.get_or_insert_with(|| Chance::of(&self.runtime));
        chance.up_to(most)
    }
}

/// Runs a timer to its end.
pub(crate) async fn drive<F, Fut>(
    started: Started,
    callback: Arc<F>,
    mut rhythm: impl Rhythm,
) -> TimerEnd
where
    F: Fn() -> Fut + Send + Sync + 'static,
    Fut: Future<Output: CallResult> + Send + 'static,
{
    let run = Arc::clone(&started.run);
    let mut desk = Desk::new(&started);
    let mut place = Place::new(&started);
    let mut stop = pin!(run.stop.wait());
    let mut cut = pin!(run.cut.wait());
    let end = loop {
        let due = catch_panic(rhythm.due(&mut desk));
        match race(stop.as_mut(), due).await {
            Either::First(()) => break TimerEnd::Stopped,
            Either::Second(Ok(Ok(true))) => {}
            Either::Second(Ok(Ok(false))) => break TimerEnd::Finished,
            Either::Second(Ok(Err(error))) => {
                let error = error_text(&*error);
                tracing::error!(timer = %started.core.name, %error, "strategy failed: the timer ends");
                break TimerEnd::Failed(error.into());
            }
            Either::Second(Err(panic)) => {
                let panic = end_of_panic(panic);
                tracing::error!(timer = %started.core.name, %panic, "strategy panicked: the timer ends");
                break TimerEnd::Failed(format!("panicked: {panic}").into());
            }
        }
        let callback = Arc::clone(&callback);
        // Called inside: it may panic before there is a future.
        let call = catch_panic(async move { callback().await.call_result() });
        if let Either::First(()) = race(cut.as_mut(), place.call(call)).await {
            break TimerEnd::Cut;
        }
    };
    // A call that is cut has gone, or has a task of its own, before anybody hears of the end.
    drop(place);
    started.end(end)
}
