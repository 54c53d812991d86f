//! Why a service failed, where the cause is not an error of its own.

use std::fmt;
use std::time::Duration;

use crate::error::BoxError;

/// Stands for a panic where an error is reported.
#[derive(Debug)]
pub(crate) struct Panicked(pub(crate) String);

impl fmt::Display for Panicked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "panicked: {}", self.0)
    }
}

impl std::error::Error for Panicked {}

/// Says that a service did not start in time, and what it did not do.
#[derive(Debug)]
pub(crate) struct NotReady(pub(crate) Duration);

impl fmt::Display for NotReady {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let limit = self.0;
        write!(
            f,
            "neither returned nor called `ServiceContext::ready` within {limit:?}"
        )
    }
}

impl std::error::Error for NotReady {}

/// Says that a service's `stop` took longer than it may.
#[derive(Debug)]
pub(super) struct LimitExceeded(pub(super) Duration);

impl fmt::Display for LimitExceeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "took longer than the limit of {:?}", self.0)
    }
}

impl std::error::Error for LimitExceeded {}

/// Says that a `start` was given up and did not end all the same.
#[derive(Debug)]
pub(crate) struct NotDropped(pub(crate) Duration);

impl fmt::Display for NotDropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "its `start` was given up, and has not ended for {:?}: it blocks its thread",
            self.0
        )
    }
}

impl std::error::Error for NotDropped {}

/// Says that the running part of a service had to be dropped.
#[derive(Debug)]
pub(super) struct StillRunning(pub(super) Duration);

impl fmt::Display for StillRunning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "its `start` went on for the whole limit of {:?}, and was dropped (it can look out for \
             `ServiceContext::stopping`)",
            self.0
        )
    }
}

impl std::error::Error for StillRunning {}

/// Says that a service failed too often to be started once more; the cause is its last failure.
#[derive(Debug)]
pub(crate) struct GaveUp {
    pub(crate) restarts: usize,
    pub(crate) within: Duration,
    pub(crate) last: BoxError,
}

impl fmt::Display for GaveUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            restarts, within, ..
        } = self;
        write!(
            f,
            "failed again after {restarts} restarts within {within:?}"
        )
    }
}

impl std::error::Error for GaveUp {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.last)
    }
}
