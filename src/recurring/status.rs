use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// What is known of a timer at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TimerStatus {
    /// What the timer is called.
    pub name: Arc<str>,
    /// Where it stands.
    pub state: TimerState,
    /// When the next call is planned, by the calendar; `None` while a call runs, while a strategy is asked,
    /// and when there is no next one. For the first call of a run a cron timer knows it from the start on, the
    /// others when their task has run.
    pub next_run: Option<SystemTime>,
    /// The call that ended last, if there was one.
    pub last: Option<LastCall>,
}

/// Where a timer stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum TimerState {
    /// It was not started yet.
    #[default]
    New,
    /// It waits for its next call.
    Waiting,
    /// The callback runs.
    Calling,
    /// It has ended; it can be started again.
    Ended(TimerEnd),
}

impl TimerState {
    /// Whether it was started, and has not ended.
    #[must_use]
    pub fn is_running(&self) -> bool {
        matches!(self, Self::Waiting | Self::Calling)
    }
}

/// Why a timer has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TimerEnd {
    /// Its strategy said [`Next::Stop`](super::Next::Stop), or its calendar has no more dates.
    Finished,
    /// It was asked to stop.
    Stopped,
    /// It was asked to stop, and its call took longer than the limit.
    Cut,
    /// It was aborted, or its runtime has ended.
    Aborted,
    /// Its strategy failed with this error or panic.
    Failed(Arc<str>),
}

impl fmt::Display for TimerEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Finished => f.write_str("finished"),
            Self::Stopped => f.write_str("stopped"),
            Self::Cut => f.write_str("stopped, and its call was cut"),
            Self::Aborted => f.write_str("aborted"),
            Self::Failed(why) => write!(f, "strategy failed: {why}"),
        }
    }
}

/// A call that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LastCall {
    /// When it began, by the calendar.
    pub began: SystemTime,
    /// How long it took.
    pub took: Duration,
    /// What came of it.
    pub outcome: CallOutcome,
}

/// What came of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallOutcome {
    /// It returned.
    Done,
    /// It returned this error.
    Failed(Arc<str>),
    /// It returned this error, which is one of those that are to be [suppressed](super::RecurringCallback::suppress).
    Suppressed(Arc<str>),
    /// It panicked with this text.
    Panicked(Arc<str>),
    /// It was dropped with its timer.
    Cut,
}

impl CallOutcome {
    /// Whether it returned, and no error.
    #[must_use]
    pub fn is_done(&self) -> bool {
        *self == Self::Done
    }
}
