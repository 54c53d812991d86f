use std::fmt;
use std::sync::Arc;

use super::engine::{Given, Taker};
use super::error::AggregateError;

/// A value, and where its result goes: what the function of an [`AggregatorAsync`](super::AggregatorAsync) gets.
#[non_exhaustive]
pub struct Arg<V, R, E> {
    /// What the call was made with.
    pub value: V,
    /// Takes the result.
    pub sender: ArgSender<R, E>,
}

/// Takes the result of one call. A call whose result was not sent when the function returns gets a
/// [`ResultNotSetError`](super::ResultNotSetError).
pub struct ArgSender<R, E> {
    batch: Arc<dyn Taker<Given<R, E>>>,
    seat: usize,
}

impl<V, R, E> Arg<V, R, E> {
    pub(super) fn new(value: V, batch: Arc<dyn Taker<Given<R, E>>>, seat: usize) -> Self {
        let sender = ArgSender { batch, seat };
        Self { value, sender }
    }
}

impl<R, E> ArgSender<R, E> {
    /// Gives the call its result, or its own error.
    ///
    /// # Errors
    ///
    /// Gives it back when nobody waits for it: the caller has gone, or the function has returned already.
    pub fn send(self, result: Result<R, E>) -> Result<(), Result<R, E>> {
        let given = result.map_err(AggregateError::Own);
        self.batch
            .take(self.seat, given)
            .map_err(|back| match back {
                Ok(result) => Ok(result),
                Err(AggregateError::Own(error)) => Err(error),
                Err(_) => unreachable!("it was the call's own"),
            })
    }

    /// Whether somebody waits for the result.
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        self.batch.is_wanted(self.seat)
    }
}

impl<V: fmt::Debug, R, E> fmt::Debug for Arg<V, R, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Arg")
            .field("value", &self.value)
            .finish_non_exhaustive()
    }
}

impl<R, E> fmt::Debug for ArgSender<R, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ArgSender").finish_non_exhaustive()
    }
}
