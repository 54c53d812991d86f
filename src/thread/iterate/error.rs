use std::any::Any;
use std::error::Error;
use std::fmt;
use std::panic::Location;

use super::produce::Failure;
use crate::BoxError;
use crate::runtime::Origin;
use crate::thread::JobError;

/// Says why an iterator on a thread has ended before its time.
#[derive(Debug)]
pub struct IterateError(Box<Inner>);

#[derive(Debug)]
struct Inner {
    origin: Origin,
    cause: Cause,
}

#[derive(Debug)]
enum Cause {
    /// It panicked, or could not begin.
    Job(JobError),
    Failed(BoxError),
    Cut,
    /// An item that nobody has taken panicked when it was dropped.
    Drop(String),
}

impl IterateError {
    /// Whether code of the user's panicked: the iterator, its clean-up, or an item when it was dropped.
    #[must_use]
    pub fn is_panic(&self) -> bool {
        self.panic_text().is_some()
    }

    /// The message of the panic, if it was one.
    #[must_use]
    pub fn panic_text(&self) -> Option<&str> {
        match &self.0.cause {
            Cause::Job(error) => error.panic_text(),
            Cause::Drop(text) => Some(text),
            _ => None,
        }
    }

    /// Whether the function of [`Iterate::push`](super::Iterate::push) returned an error: the
    /// [`source`](Error::source), which [`downcast`](Self::downcast) gives.
    #[must_use]
    pub fn is_failure(&self) -> bool {
        matches!(self.0.cause, Cause::Failed(_))
    }

    /// Whether the pool was shut down, before the iterator began or while it waited.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        match &self.0.cause {
            Cause::Cut => true,
            Cause::Job(error) => error.is_closed(),
            _ => false,
        }
    }

    /// Whether the pool's queue was full, and its rule is [`Overflow::Refuse`](crate::thread::Overflow::Refuse).
    #[must_use]
    pub fn is_refused(&self) -> bool {
        matches!(&self.0.cause, Cause::Job(error) if error.is_refused())
    }

    /// The error that the function returned, if it is of this type.
    ///
    /// # Errors
    ///
    /// Gives this error back if there is none, or it is of another type.
    pub fn downcast<E: Error + Send + Sync + 'static>(self) -> Result<E, Self> {
        let inner = *self.0;
        let cause = match inner.cause {
            Cause::Failed(error) => match error.downcast() {
                Ok(error) => return Ok(*error),
                Err(error) => Cause::Failed(error),
            },
            other => other,
        };
        Err(Self(Box::new(Inner { cause, ..inner })))
    }

    /// What the panic was called with, for [`std::panic::resume_unwind`].
    ///
    /// # Errors
    ///
    /// Gives this error back if it was no panic.
    pub fn into_panic(self) -> Result<Box<dyn Any + Send>, Self> {
        let inner = *self.0;
        let cause = match inner.cause {
            Cause::Drop(text) => return Ok(Box::new(text)),
            Cause::Job(error) => match error.into_panic() {
                Ok(payload) => return Ok(payload),
                Err(error) => Cause::Job(error),
            },
            other => other,
        };
        Err(Self(Box::new(Inner { cause, ..inner })))
    }

    /// What the iterator is called: the name given, or the type of its closure.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.origin.name
    }

    /// Where the iterator was made.
    #[must_use]
    pub fn made_at(&self) -> &'static Location<'static> {
        self.0.origin.location
    }

    pub(super) fn of_job(origin: &Origin, error: JobError) -> Self {
        Self::new(origin, Cause::Job(error))
    }

    pub(super) fn of_producer(origin: &Origin, failure: Failure) -> Self {
        Self::new(origin, failure.heard().map_or(Cause::Cut, Cause::Failed))
    }

    pub(super) fn of_drop(origin: &Origin, panic: String) -> Self {
        Self::new(origin, Cause::Drop(panic))
    }

    fn new(origin: &Origin, cause: Cause) -> Self {
        let origin = origin.clone();
        Self(Box::new(Inner { origin, cause }))
    }
}

impl fmt::Display for IterateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { origin, cause } = &*self.0;
        let Origin { name, location } = origin;
        let what = match cause {
            Cause::Job(error) => return error.fmt(f),
            Cause::Failed(_) => "failed",
            Cause::Cut => "was cut off: its pool was shut down, and the time for that is over",
            Cause::Drop(_) => "left an item that panicked when it was dropped",
        };
        write!(f, "job `{name}` (submitted at {location}) {what}")?;
        match cause {
            Cause::Drop(text) => write!(f, ": {text}"),
            _ => Ok(()),
        }
    }
}

impl Error for IterateError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.0.cause {
            Cause::Job(error) => error.source(),
            Cause::Failed(error) => Some(&**error),
            Cause::Cut | Cause::Drop(_) => None,
        }
    }
}
