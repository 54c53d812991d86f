//! What runs on the thread.

use std::error::Error;
use std::iter::successors;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use super::bridge::Producer;
use super::statistic::IteratorStatistic;
use super::yielder::{Gone, Yielder};
use crate::BoxError;
use crate::error::{ended, error_text};
use crate::flag::Flag;
use crate::runtime::Origin;
use crate::statistics::Instance;

/// Why a producer has ended before its time, where it was no panic. Goes to the log when nobody asks for it.
#[derive(Debug)]
pub(super) struct Failure {
    origin: Origin,
    /// None: the pool was shut down while the producer waited.
    error: Option<BoxError>,
}

impl Failure {
    /// Gives the error to who asks for it.
    pub(super) fn heard(mut self) -> Option<BoxError> {
        self.error.take()
    }
}

impl Drop for Failure {
    fn drop(&mut self) {
        if let Some(error) = &self.error {
            let Origin { name, location } = &self.origin;
            let error = error_text(&**error);
            tracing::warn!(iterator = %name, made_at = %location, %error, "nobody has asked for this error");
        }
    }
}

/// A producer that has not begun. Its parts are dropped in this order, also when it never begins.
pub(super) struct Production<T, F> {
    produce: F,
    yielder: Yielder<T>,
    statistic: Instance<IteratorStatistic>,
    origin: Origin,
    over: Over,
}

/// Tells, when it is dropped, that nothing of the producer is left.
pub(super) struct Over(Arc<Flag>);

impl<T, F> Production<T, F>
where
    F: FnOnce(&mut Yielder<T>) -> Result<(), BoxError>,
{
    pub(super) fn new(
        produce: F,
        producer: Producer<T>,
        statistic: Instance<IteratorStatistic>,
        origin: Origin,
        over: &Arc<Flag>,
    ) -> Self {
        Self {
            produce,
            yielder: Yielder::new(producer),
            statistic,
            origin,
            over: Over(Arc::clone(over)),
        }
    }

    pub(super) fn run(self) -> Result<(), Failure> {
        // Dropped from the last to the first, also by a panic.
        let _over = self.over;
        let mut yielder = self.yielder;
        let produce = self.produce;
        if !yielder.begin() {
            return Ok(());
        }
        self.statistic.started.add_one();
        let produced = produce(&mut yielder);
        let error = match produced {
            _ if yielder.is_cut() => None,
            Ok(()) => return Ok(()),
            Err(error) if yielder.is_closed() && is_gone(&*error) => return Ok(()),
            Err(error) => Some(error),
        };
        Err(Failure {
            origin: self.origin,
            error,
        })
    }
}

impl Drop for Over {
    fn drop(&mut self) {
        self.0.set();
    }
}

/// Makes an iterator and sends what it gives. The iterator is asked for an item only when there is room.
pub(super) fn feed<I: IntoIterator>(
    make: impl FnOnce() -> I,
    yielder: &mut Yielder<I::Item>,
) -> Result<(), BoxError> {
    let mut items = make().into_iter();
    let fed = catch_unwind(AssertUnwindSafe(|| -> Result<(), Gone> {
        loop {
            yielder.reserve()?;
            match items.next() {
                Some(item) => yielder.put(item)?,
                None => return Ok(()),
            }
        }
    }));
    // By itself: a panic in it, during another one, would be the end of the process.
    let dropped = catch_unwind(AssertUnwindSafe(|| drop(items)));
    match ended(fed, dropped) {
        Ok(fed) => Ok(fed?),
        Err(payload) => resume_unwind(payload),
    }
}

/// Whether a function has returned because its consumer has gone.
fn is_gone(error: &(dyn Error + 'static)) -> bool {
    const CAUSES: usize = 32;
    let mut causes = successors(Some(error), |&error| error.source()).take(CAUSES);
    causes.any(|error| error.is::<Gone>())
}
