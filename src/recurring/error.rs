use std::fmt;
use std::time::Duration;

use crate::runtime::NoRuntime;

/// Says why a timer was not started.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum StartError {
    /// It runs already.
    Running,
    /// The interval is zero.
    ZeroInterval,
    /// At a fixed rate the jitter must be below the interval.
    Jitter {
        /// The jitter that was set.
        jitter: Duration,
        /// The interval.
        interval: Duration,
    },
    /// The cron expression is not valid.
    #[cfg(feature = "cron")]
    Cron(crate::cron::CronError),
    /// There is no runtime to run it on.
    NoRuntime(NoRuntime),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Running => f.write_str("the timer runs already"),
            Self::ZeroInterval => f.write_str("interval: expected a duration above zero, got 0"),
            Self::Jitter { jitter, interval } => write!(
                f,
                "jitter: expected a duration below the interval of {interval:?}, got {jitter:?}"
            ),
            #[cfg(feature = "cron")]
            Self::Cron(_) => f.write_str("the timer has no valid cron expression"),
            Self::NoRuntime(_) => f.write_str("the timer was not started"),
        }
    }
}

impl std::error::Error for StartError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            #[cfg(feature = "cron")]
            Self::Cron(error) => Some(error),
            Self::NoRuntime(error) => Some(error),
            Self::Running | Self::ZeroInterval | Self::Jitter { .. } => None,
        }
    }
}

impl From<NoRuntime> for StartError {
    fn from(error: NoRuntime) -> Self {
        Self::NoRuntime(error)
    }
}

#[cfg(feature = "cron")]
impl From<crate::cron::CronError> for StartError {
    fn from(error: crate::cron::CronError) -> Self {
        Self::Cron(error)
    }
}

/// Says that a timer was to be stopped that does not run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct NotRunning;

impl fmt::Display for NotRunning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the timer does not run")
    }
}

impl std::error::Error for NotRunning {}
