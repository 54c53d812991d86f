use std::time::Duration;

use crate::error::BoxError;

/// What a [`Strategy`] says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Next {
    /// Call after this long.
    Wait(Duration),
    /// Do not call; ask again after this long.
    Skip(Duration),
    /// Call no more.
    Stop,
}

impl From<Duration> for Next {
    fn from(wait: Duration) -> Self {
        Self::Wait(wait)
    }
}

/// Says before each call how long to wait for it.
///
/// Closures that return a [`Next`], a [`Duration`], or a `Result` of one of them are strategies; for
/// closures whose answer has to be awaited there is
/// [`RecurringCallback::start_async`](super::RecurringCallback::start_async).
pub trait Strategy: Send + 'static {
    /// The next step. It is asked for at the start, and again when the call, or what was to be skipped, is over.
    ///
    /// # Errors
    ///
    /// An error ends the timer, as a panic does: it is logged, and told by the timer's
    /// [state](super::TimerState).
    fn next(&mut self) -> impl Future<Output = Result<Next, BoxError>> + Send;
}

impl<F, A> Strategy for F
where
    F: FnMut() -> A + Send + 'static,
    A: Answer,
{
    fn next(&mut self) -> impl Future<Output = Result<Next, BoxError>> + Send {
        let answer = self().answer();
        std::future::ready(answer)
    }
}

/// A closure whose answer has to be awaited.
pub(super) struct Awaited<F>(pub(super) F);

impl<F, Fut> Strategy for Awaited<F>
where
    F: FnMut() -> Fut + Send + 'static,
    Fut: Future<Output: Answer> + Send,
{
    async fn next(&mut self) -> Result<Next, BoxError> {
        let answer = (self.0)();
        answer.await.answer()
    }
}

/// What a closure that is a [`Strategy`] may return: a [`Next`], a [`Duration`], or a `Result` of one of them.
#[diagnostic::on_unimplemented(
    message = "a strategy returns a `Next`, a `Duration`, or a `Result` of one of them, and not `{Self}`",
    label = "the error of the `Result` is any that goes into a `BoxError`"
)]
pub trait Answer: Send {
    /// As a step.
    ///
    /// # Errors
    ///
    /// The closure's.
    fn answer(self) -> Result<Next, BoxError>;
}

impl Answer for Next {
    fn answer(self) -> Result<Next, BoxError> {
        Ok(self)
    }
}

impl Answer for Duration {
    fn answer(self) -> Result<Next, BoxError> {
        Ok(self.into())
    }
}

impl<E: Into<BoxError> + Send> Answer for Result<Next, E> {
    fn answer(self) -> Result<Next, BoxError> {
        self.map_err(Into::into)
    }
}

impl<E: Into<BoxError> + Send> Answer for Result<Duration, E> {
    fn answer(self) -> Result<Next, BoxError> {
        self.map(Next::Wait).map_err(Into::into)
    }
}
