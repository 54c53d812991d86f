use std::error::Error;
use std::fmt;
use std::time::Duration;

use crate::error::BoxError;
use crate::time::Elapsed;

/// Says why a call has no value: its operation failed, or was not let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallError<E> {
    /// The error of the operation, as it is.
    Failed(E),
    /// The operation took too long.
    Elapsed,
    /// The operation was not begun.
    Refused(Refusal),
}

/// Says who did not let a call through, and at which stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Refusal {
    /// The circuit breaker is broken, or recovers and does not let this one through.
    Broken {
        /// After how long it lets calls through again; while it recovers, after how long it does for certain.
        retry_after: Duration,
    },
    /// The [`LoadShed`](super::LoadShed) has as many calls as its limit is now.
    Overloaded,
    /// The [`RateLimiter`](super::RateLimiter) has no call left, and its queue is full or not to be waited in.
    RateLimited {
        /// After how long there is one for somebody.
        retry_after: Duration,
    },
    /// The [`Bulkhead`](super::Bulkhead) is full, and so is its queue.
    QueueFull,
    /// The time in a queue was over.
    WaitedTooLong,
}

impl<E> CallError<E> {
    /// The error of the operation, if it is one.
    pub fn failed(self) -> Option<E> {
        match self {
            Self::Failed(error) => Some(error),
            Self::Elapsed | Self::Refused(_) => None,
        }
    }

    /// Who did not let it through, if nobody did.
    #[must_use]
    pub fn refusal(&self) -> Option<Refusal> {
        match self {
            Self::Refused(refusal) => Some(*refusal),
            Self::Failed(_) | Self::Elapsed => None,
        }
    }

    /// The error inside of it, of whichever kind it is.
    pub fn into_inner(self) -> BoxError
    where
        E: Into<BoxError>,
    {
        match self {
            Self::Failed(error) => error.into(),
            Self::Elapsed => Elapsed.into(),
            Self::Refused(refusal) => refusal.into(),
        }
    }
}

impl<E> From<Refusal> for CallError<E> {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl<E> From<Elapsed> for CallError<E> {
    fn from(_: Elapsed) -> Self {
        Self::Elapsed
    }
}

impl<E> fmt::Display for CallError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Failed(_) => "the operation has failed",
            Self::Elapsed => "the operation has taken too long",
            Self::Refused(_) => "the operation was not let through",
        })
    }
}

impl<E: Error + 'static> Error for CallError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Failed(error) => Some(error),
            Self::Elapsed => Some(&Elapsed),
            Self::Refused(refusal) => Some(refusal),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Broken { .. } => f.write_str("the circuit is broken"),
            Self::Overloaded => f.write_str("there is too much load"),
            Self::RateLimited { retry_after } => {
                write!(
                    f,
                    "there were too many calls: try again after {retry_after:?}"
                )
            }
            Self::QueueFull => f.write_str("all places are taken, and those in the queue as well"),
            Self::WaitedTooLong => f.write_str("no place was free in time"),
        }
    }
}

impl Error for Refusal {}
