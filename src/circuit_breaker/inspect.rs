use std::fmt;
use std::sync::Arc;

use crate::retry::AnyError;

/// Which errors are failures; implemented by [`AnyError`] and [`FailureIf`].
pub trait Inspect<E> {
    /// Whether this one is.
    #[doc(hidden)]
    fn is_failure(&self, error: &E) -> bool;
}

impl<E> Inspect<E> for AnyError {
    fn is_failure(&self, _: &E) -> bool {
        true
    }
}

type Rule<E> = Arc<dyn Fn(&E) -> bool + Send + Sync>;

/// Errors of one type that a rule of yours holds for; made by
/// [`failure_if`](super::CircuitBreakerBuilder::failure_if).
pub struct FailureIf<E>(Rule<E>);

impl<E> FailureIf<E> {
    pub(super) fn new(rule: impl Fn(&E) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(rule))
    }
}

impl<E> Inspect<E> for FailureIf<E> {
    fn is_failure(&self, error: &E) -> bool {
        (self.0)(error)
    }
}

/// The rule is shared.
impl<E> Clone for FailureIf<E> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<E> fmt::Debug for FailureIf<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FailureIf").finish_non_exhaustive()
    }
}

/// A rule that is not kept.
#[cfg(feature = "macros")]
#[derive(Debug)]
pub struct By<F>(pub(crate) F);

#[cfg(feature = "macros")]
impl<E, F: Fn(&E) -> bool> Inspect<E> for By<F> {
    fn is_failure(&self, error: &E) -> bool {
        (self.0)(error)
    }
}
