use std::fmt::{self, Display};

use super::core::Passage;
use super::inspect::Inspect;
use crate::resilience::BreakerGuard;
use crate::retry::AnyError;

/// A call that a [`CircuitBreaker`](super::CircuitBreaker) has let through. Dropped, it is neither a success nor
/// a failure, and gives the place back that it had as a probe.
#[must_use = "dropped at once, it is neither a success nor a failure"]
pub struct Guard<'a, R = AnyError> {
    passage: Passage<'a>,
    inspect: &'a R,
}

impl<'a, R> Guard<'a, R> {
    pub(super) fn new(passage: Passage<'a>, inspect: &'a R) -> Self {
        Self { passage, inspect }
    }

    /// The call has succeeded; if it took longer than a [slow one](super::CircuitBreakerBuilder::slow_call), it
    /// has failed.
    ///
    /// # Panics
    ///
    /// With the text of [`NoRuntime`](crate::runtime::NoRuntime), when the clock is needed and no runtime is at
    /// hand: for slow calls, and while it recovers.
    #[inline]
    pub fn success(self) {
        self.passage.success();
    }

    /// The call has failed, whatever [`failure_if`](super::CircuitBreakerBuilder::failure_if) holds for.
    ///
    /// # Panics
    ///
    /// With the text of [`NoRuntime`](crate::runtime::NoRuntime), when no runtime is at hand.
    pub fn failure(self, error: impl Display) {
        self.passage.failure(&error);
    }

    /// The call has ended with this: an error is a failure if
    /// [`failure_if`](super::CircuitBreakerBuilder::failure_if) holds for it.
    ///
    /// # Panics
    ///
    /// As [`failure`](Self::failure).
    #[inline]
    pub fn ended<T, E: Display>(self, result: &Result<T, E>)
    where
        R: Inspect<E>,
    {
        match result {
            Ok(_) => self.passage.success(),
            Err(error) => self.passage.error(self.inspect, error),
        }
    }
}

impl<E: Display, R: Inspect<E>> BreakerGuard<E> for Guard<'_, R> {
    #[inline]
    fn success(self) {
        self.passage.success();
    }

    fn failure(self, error: Option<&E>) {
        match error {
            Some(error) => self.passage.error(self.inspect, error),
            None => self.passage.failure(&crate::time::Elapsed),
        }
    }

    fn panicked(self, text: &str) {
        self.passage.failure(&format_args!("a panic: {text}"));
    }
}

impl<R> fmt::Debug for Guard<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard").finish_non_exhaustive()
    }
}
