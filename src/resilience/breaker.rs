use super::error::Refusal;

/// What a [`Policy`](super::Policy) needs of a circuit breaker.
pub trait Breaker<E> {
    /// A call that was let through. Dropped, it is neither a success nor a failure.
    type Guard<'a>: BreakerGuard<E> + Send
    where
        Self: 'a;

    /// Lets a call through.
    ///
    /// # Errors
    ///
    /// [`Refusal::Broken`]
    fn try_enter(&self) -> Result<Self::Guard<'_>, Refusal>;
}

/// A call that a [`Breaker`] has let through.
pub trait BreakerGuard<E> {
    /// It has succeeded.
    fn success(self);

    /// It has failed: with this error, or else because it took too long.
    fn failure(self, error: Option<&E>);

    /// It has panicked, and this is what the panic says: neither a success nor a failure, unless the breaker
    /// says otherwise.
    fn panicked(self, text: &str)
    where
        Self: Sized,
    {
        drop((self, text));
    }
}

/// None: every call goes through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct NoBreaker;

impl<E> Breaker<E> for NoBreaker {
    type Guard<'a> = Self;

    #[inline]
    fn try_enter(&self) -> Result<Self, Refusal> {
        Ok(Self)
    }
}

impl<E> BreakerGuard<E> for NoBreaker {
    fn success(self) {}

    fn failure(self, _: Option<&E>) {}
}
