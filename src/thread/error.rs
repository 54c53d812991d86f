use std::any::Any;
use std::fmt;
use std::io;
use std::panic::Location;
use std::sync::{Mutex, PoisonError};

use crate::error::panic_text;
use crate::runtime::{NoRuntime, Origin};

/// Says why a job has no result.
#[derive(Debug)]
pub struct JobError {
    origin: Origin,
    cause: Cause,
}

#[derive(Debug)]
pub(super) enum Cause {
    /// The pool was shut down before the job began.
    Closed,
    /// The pool's queue was full, with so many jobs.
    Refused(usize),
    /// The runtime that the job was submitted on has ended before the job began.
    Ended,
    NoRuntime(NoRuntime),
    /// There was no thread to be had.
    NoThread(io::Error),
    Panicked {
        text: String,
        payload: Mutex<Option<Box<dyn Any + Send>>>,
    },
}

impl JobError {
    pub(super) fn new(origin: &Origin, cause: Cause) -> Self {
        Self {
            origin: origin.clone(),
            cause,
        }
    }

    /// Whether the pool was shut down before the job began.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        matches!(self.cause, Cause::Closed)
    }

    /// Whether the pool's queue was full, and its rule is [`Overflow::Refuse`](super::Overflow::Refuse).
    #[must_use]
    pub fn is_refused(&self) -> bool {
        matches!(self.cause, Cause::Refused(_))
    }

    /// Whether the job panicked. In every other case it has not begun, and its closure was dropped.
    #[must_use]
    pub fn is_panic(&self) -> bool {
        matches!(self.cause, Cause::Panicked { .. })
    }

    /// The message of the panic, if it was one.
    #[must_use]
    pub fn panic_text(&self) -> Option<&str> {
        match &self.cause {
            Cause::Panicked { text, .. } => Some(text),
            _ => None,
        }
    }

    /// What the panic was called with, for [`std::panic::resume_unwind`].
    ///
    /// # Errors
    ///
    /// Gives the error back if it was no panic.
    pub fn into_panic(self) -> Result<Box<dyn Any + Send>, Self> {
        match self.cause {
            Cause::Panicked { text, payload } => {
                let payload = payload.into_inner().unwrap_or_else(PoisonError::into_inner);
                Ok(payload.unwrap_or_else(|| Box::new(text)))
            }
            _ => Err(self),
        }
    }

    /// What the job was called.
    #[must_use]
    pub fn job_name(&self) -> &str {
        &self.origin.name
    }

    /// Where the job was submitted.
    #[must_use]
    pub fn submitted_at(&self) -> &'static Location<'static> {
        self.origin.location
    }
}

impl Cause {
    pub(super) fn panicked(payload: Box<dyn Any + Send>) -> Self {
        Self::Panicked {
            text: panic_text(&*payload),
            payload: Mutex::new(Some(payload)),
        }
    }
}

impl fmt::Display for JobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Origin { name, location } = &self.origin;
        write!(f, "job `{name}` (submitted at {location}) ")?;
        match &self.cause {
            Cause::Closed => f.write_str("did not run: its pool was shut down"),
            Cause::Refused(limit) => {
                write!(
                    f,
                    "was refused: the queue of its pool is full, with {limit} jobs"
                )
            }
            Cause::Ended => f.write_str("did not run: its runtime has ended"),
            Cause::NoRuntime(_) => f.write_str("did not run"),
            Cause::NoThread(_) => f.write_str("did not run: there can be no thread for it"),
            Cause::Panicked { text, .. } => write!(f, "panicked: {text}"),
        }
    }
}

impl std::error::Error for JobError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.cause {
            Cause::NoRuntime(error) => Some(error),
            Cause::NoThread(error) => Some(error),
            _ => None,
        }
    }
}
