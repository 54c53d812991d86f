use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use super::TimerStatistic;
use super::core::{Core, Run};
use super::status::{TimerEnd, TimerStatus};
use crate::runtime::{Runtime, Task};
use crate::statistics::Instance;

/// A timer that runs; awaiting it gives why it has [ended](TimerEnd). Dropping it lets the timer go on.
///
/// # Cancel safety
///
/// Awaiting `&mut task` may be dropped and begun again.
#[must_use = "call `detach` to say that the timer goes on by itself"]
pub struct TimerTask {
    core: Arc<Core>,
    run: Arc<Run>,
    runtime: Runtime,
    task: Task<TimerEnd>,
}

impl TimerTask {
    pub(super) fn new(
        core: Arc<Core>,
        run: Arc<Run>,
        runtime: Runtime,
        task: Task<TimerEnd>,
    ) -> Self {
        Self {
            core,
            run,
            runtime,
            task,
        }
    }

    /// Stops the timer: no call begins any more, and the one that goes on may end within the limit that
    /// the timer was made with. Gives why the timer has ended.
    ///
    /// # Cancel safety
    ///
    /// The timer stops as soon as this was polled. If it is dropped, nobody enforces the limit.
    pub async fn stop(self) -> TimerEnd {
        let limit = self.core.stop_limit;
        self.stop_within(limit).await
    }

    /// Stops the timer as [`stop`](Self::stop) does, with this limit.
    ///
    /// # Cancel safety
    ///
    /// As [`stop`](Self::stop).
    pub async fn stop_within(self, limit: Duration) -> TimerEnd {
        self.run.stop(&self.runtime, limit).await
    }

    /// Asks for the timer and its call to be dropped; a call that is
    /// [shielded](super::RecurringCallback::shield) goes on.
    pub fn abort(&self) {
        self.task.abort();
    }

    /// Whether the timer has ended.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.task.is_finished()
    }

    /// Lets the timer go on by itself. The same as dropping it, said aloud.
    pub fn detach(self) {}

    /// What is known of the timer.
    #[must_use]
    pub fn status(&self) -> TimerStatus {
        self.core.status()
    }

    /// A handle that tells the status and the figures.
    #[must_use]
    pub fn monitor(&self) -> TimerMonitor {
        TimerMonitor::new(Arc::clone(&self.core))
    }
}

impl Future for TimerTask {
    type Output = TimerEnd;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<TimerEnd> {
        // It does not panic: without a result it was aborted.
        let end = Pin::new(&mut self.task).poll(cx);
        end.map(|end| end.unwrap_or(TimerEnd::Aborted))
    }
}

impl fmt::Debug for TimerTask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimerTask")
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}

/// Tells the status and the figures of a timer. Cloning it is cheap; it does not keep the timer running.
#[derive(Clone)]
pub struct TimerMonitor {
    core: Arc<Core>,
}

impl TimerMonitor {
    pub(super) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// What the timer is called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.core.name
    }

    /// Where the timer stands, its next call and its last one.
    #[must_use]
    pub fn status(&self) -> TimerStatus {
        self.core.status()
    }

    /// The figures, of all runs of the timer.
    #[must_use]
    pub fn statistics(&self) -> &Instance<TimerStatistic> {
        &self.core.statistic
    }
}

impl fmt::Debug for TimerMonitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimerMonitor")
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}
