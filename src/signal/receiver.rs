use std::fmt;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::error::ReceiverError;
use crate::error::{BoxError, end_of_panic};
use crate::future::catch_panic;

/// A receiver's place among those of a signal; from [`Signal::connect`](super::Signal::connect).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Connection(u64);

/// Where a receiver was connected.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) file: &'static str,
    pub(super) line: u32,
}

impl From<&'static Location<'static>> for Place {
    fn from(location: &'static Location<'static>) -> Self {
        Self {
            file: location.file(),
            line: location.line(),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

type Answer = Pin<Box<dyn Future<Output = Result<(), BoxError>> + Send>>;

pub(super) struct Receiver<E> {
    pub(super) connection: Connection,
    name: &'static str,
    place: Place,
    function: Box<dyn Fn(E) -> Answer + Send + Sync>,
}

impl<E: Clone> Receiver<E> {
    pub(super) fn new<F, Fut>(name: &'static str, place: Place, function: F) -> Self
    where
        F: Fn(E) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self {
            connection: Connection(NEXT.fetch_add(1, Ordering::Relaxed)),
            name,
            place,
            function: Box::new(move |event| Box::pin(function(event))),
        }
    }

    /// Its panic is its error: also that of cloning the event, and of making the future.
    pub(super) async fn call(&self, event: &E) -> Result<(), ReceiverError> {
        let made = catch_unwind(AssertUnwindSafe(|| (self.function)(event.clone())));
        let outcome = match made {
            Ok(answer) => catch_panic(answer).await,
            Err(panic) => Err(panic),
        };
        let cause: BoxError = match outcome {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => error,
            Err(panic) => format!("panicked: {}", end_of_panic(panic)).into(),
        };
        Err(ReceiverError::new(self.name, self.place, cause))
    }

    pub(super) fn too_slow(&self, limit: Duration) -> ReceiverError {
        let cause = format!("took longer than the limit of {limit:?}");
        ReceiverError::new(self.name, self.place, cause.into())
    }
}

impl<E> fmt::Debug for Receiver<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` ({})", self.name, self.place)
    }
}
