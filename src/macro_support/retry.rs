//! What `#[timeout]`, `#[asyncbackoff]` and `#[asyncretry]` expand to.

use std::time::Duration;

use crate::retry::{
    AnyError, Attempt, Backoff, BackoffBuilder, InvalidSetting, OnError, Retry, Rules, Timed,
    Untimed, timed, untimed,
};
use crate::time::{Elapsed, timeout};

/// Settings with a name.
pub fn backoff(name: &'static str) -> BackoffBuilder<AnyError, Timed> {
    Backoff::builder().name(name)
}

/// Settings with a name, and so many attempts as are set.
pub fn retry(name: &'static str) -> BackoffBuilder<AnyError, Untimed> {
    Backoff::retry(None).name(name)
}

/// What was built.
///
/// # Panics
///
/// If it cannot be.
pub fn made<T>(built: Result<T, InvalidSetting>) -> T {
    built.unwrap_or_else(|error| panic!("{error}"))
}

/// A call with limits on its time.
///
/// # Errors
///
/// As [`Backoff::call`].
pub async fn call_timed<T, E: From<Elapsed>, F: Future<Output = Result<T, E>>>(
    backoff: &Backoff,
    rules: &impl Rules<E>,
    operation: impl FnMut(Attempt) -> F,
) -> Result<T, E> {
    timed(backoff.plan(), rules, operation).await
}

/// A call of a [`Backoff`] that has no limits on its time.
///
/// # Errors
///
/// As [`Retry::call`].
pub async fn call_untimed<T, E, F: Future<Output = Result<T, E>>>(
    backoff: &Backoff,
    rules: &impl Rules<E>,
    operation: impl FnMut(Attempt) -> F,
) -> Result<T, E> {
    untimed(backoff.plan(), rules, operation).await
}

/// A call.
///
/// # Errors
///
/// As [`Retry::call`].
pub async fn call_retry<T, E, F: Future<Output = Result<T, E>>>(
    retry: &Retry,
    rules: &impl Rules<E>,
    operation: impl FnMut(Attempt) -> F,
) -> Result<T, E> {
    untimed(retry.plan(), rules, operation).await
}

/// Every error is tried again.
#[must_use]
pub fn any_error() -> AnyError {
    AnyError
}

/// Rules for the errors of a result.
#[must_use]
pub fn rules<T: Outcome>() -> OnError<T::Error> {
    OnError::new()
}

/// A `Result`.
#[diagnostic::on_unimplemented(
    message = "the function returns `{Self}`, and not a `Result`",
    label = "expected a `Result`"
)]
pub trait Outcome {
    /// Of its error.
    type Error;
}

impl<T, E> Outcome for Result<T, E> {
    type Error = E;
}

/// A `Result` that a time-out can be an error of.
#[diagnostic::on_unimplemented(
    message = "a time-out cannot become `{Self}`",
    label = "expected a `Result` whose error is `From<aiomisc::time::Elapsed>`",
    note = "`aiomisc::BoxError` and `std::io::Error` are such errors"
)]
pub trait OrElapsed {
    /// The error.
    fn elapsed(elapsed: Elapsed) -> Self;
}

impl<T, E: From<Elapsed>> OrElapsed for Result<T, E> {
    fn elapsed(elapsed: Elapsed) -> Self {
        Err(E::from(elapsed))
    }
}

/// Gives a future so long.
pub async fn within<F: Future<Output: OrElapsed>>(limit: Duration, future: F) -> F::Output {
    let result = timeout(limit, future).await;
    result.unwrap_or_else(F::Output::elapsed)
}
