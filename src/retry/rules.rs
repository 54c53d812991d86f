use std::any::Any;
use std::fmt;
use std::io;
use std::time::Duration;

use crate::error::BoxError;
use crate::time::Elapsed;

/// What to do about an error; implemented by [`AnyError`] and [`OnError`].
pub trait Rules<E> {
    /// Whether another attempt may help.
    #[doc(hidden)]
    fn retries(&self, error: &E) -> bool;

    /// Whether none will.
    #[doc(hidden)]
    fn gives_up(&self, error: &E) -> bool;

    /// The delay that the error asks for.
    #[doc(hidden)]
    fn delay(&self, error: &E) -> Option<Duration>;
}

/// Every error is tried again, of whatever type it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AnyError;

impl<E> Rules<E> for AnyError {
    #[inline]
    fn retries(&self, _: &E) -> bool {
        true
    }

    #[inline]
    fn gives_up(&self, _: &E) -> bool {
        false
    }

    #[inline]
    fn delay(&self, _: &E) -> Option<Duration> {
        None
    }
}

type Rule<E, T> = Box<dyn Fn(&E) -> T + Send + Sync>;

/// Errors of one type, by rules of yours; made by
/// [`retry_if`](super::BackoffBuilder::retry_if) and its kin.
pub struct OnError<E> {
    retry_if: Option<Rule<E, bool>>,
    giveup: Option<Rule<E, bool>>,
    retry_after: Option<Rule<E, Option<Duration>>>,
}

impl<E> OnError<E> {
    /// No rules: every error is tried again.
    #[must_use]
    pub fn new() -> Self {
        Self {
            retry_if: None,
            giveup: None,
            retry_after: None,
        }
    }

    /// Has only those errors tried again that this holds for, and time-outs.
    #[must_use]
    pub fn retry_if(mut self, rule: impl Fn(&E) -> bool + Send + Sync + 'static) -> Self {
        self.retry_if = Some(Box::new(rule));
        self
    }

    /// Has errors that this holds for end the call.
    #[must_use]
    pub fn giveup(mut self, rule: impl Fn(&E) -> bool + Send + Sync + 'static) -> Self {
        self.giveup = Some(Box::new(rule));
        self
    }

    /// Has errors ask for the length of the pause.
    #[must_use]
    pub fn retry_after(
        mut self,
        rule: impl Fn(&E) -> Option<Duration> + Send + Sync + 'static,
    ) -> Self {
        self.retry_after = Some(Box::new(rule));
        self
    }
}

impl<E> Default for OnError<E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<E: 'static> Rules<E> for OnError<E> {
    fn retries(&self, error: &E) -> bool {
        self.retry_if
            .as_ref()
            .is_none_or(|rule| is_timeout(error) || rule(error))
    }

    fn gives_up(&self, error: &E) -> bool {
        self.giveup.as_ref().is_some_and(|rule| rule(error))
    }

    fn delay(&self, error: &E) -> Option<Duration> {
        self.retry_after.as_ref().and_then(|rule| rule(error))
    }
}

impl<E> fmt::Debug for OnError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnError")
            .field("retry_if", &self.retry_if.is_some())
            .field("giveup", &self.giveup.is_some())
            .field("retry_after", &self.retry_after.is_some())
            .finish()
    }
}

/// Whether it says that something took too long, as far as that can be seen from outside.
fn is_timeout<E: 'static>(error: &E) -> bool {
    let error: &dyn Any = error;
    let io = |error: &io::Error| error.kind() == io::ErrorKind::TimedOut;
    if let Some(error) = error.downcast_ref::<BoxError>() {
        return error.is::<Elapsed>() || error.downcast_ref::<io::Error>().is_some_and(io);
    }
    error.is::<Elapsed>() || error.downcast_ref::<io::Error>().is_some_and(io)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_outs_are_known() {
        let late = || io::Error::from(io::ErrorKind::TimedOut);
        assert!(is_timeout(&Elapsed));
        assert!(is_timeout(&late()));
        assert!(is_timeout(&io::Error::from(Elapsed)));
        assert!(is_timeout(&BoxError::from(Elapsed)));
        assert!(is_timeout(&BoxError::from(late())));
        assert!(!is_timeout(&BoxError::from("late")));
        assert!(!is_timeout(&io::Error::from(io::ErrorKind::NotFound)));
        assert!(!is_timeout(&"late"));
    }
}
