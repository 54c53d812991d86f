//! What functions may take and return; what the attributes read their types from.

use std::convert::Infallible;

use super::arg::Arg;

/// What a function returns that works on a batch by position: `Vec<R>`, or `Result<Vec<R>, E>`.
#[diagnostic::on_unimplemented(
    message = "a batch by position gives a `Vec<R>` or a `Result<Vec<R>, E>`, and not `{Self}`",
    label = "one result for each of the values, in their order"
)]
pub trait BatchOutput {
    /// The result of one call.
    type Item: Send + 'static;
    /// The error of the batch.
    type Error: Send + Sync + 'static;

    /// The results by position, or the error of all.
    ///
    /// # Errors
    ///
    /// The function's own.
    fn into_results(self) -> Result<Vec<Self::Item>, Self::Error>;
}

impl<R: Send + 'static> BatchOutput for Vec<R> {
    type Item = R;
    type Error = Infallible;

    fn into_results(self) -> Result<Self, Infallible> {
        Ok(self)
    }
}

impl<R: Send + 'static, E: Send + Sync + 'static> BatchOutput for Result<Vec<R>, E> {
    type Item = R;
    type Error = E;

    fn into_results(self) -> Self {
        self
    }
}

/// What a function returns that sets its results one by one: nothing, or `Result<(), E>`.
#[diagnostic::on_unimplemented(
    message = "a batch that sends its results gives `()` or a `Result<(), {E}>`, and not `{Self}`",
    label = "results are sent by `arg.sender.send(…)`"
)]
pub trait BatchEnd<E> {
    /// Whether it went well.
    ///
    /// # Errors
    ///
    /// The function's own.
    fn into_end(self) -> Result<(), E>;
}

impl<E> BatchEnd<E> for () {
    fn into_end(self) -> Result<(), E> {
        Ok(())
    }
}

impl<E> BatchEnd<E> for Result<(), E> {
    fn into_end(self) -> Self {
        self
    }
}

/// What a function takes that works on a batch: `Vec<V>`.
#[diagnostic::on_unimplemented(
    message = "a batch is a `Vec<V>` of the values of its calls, and not `{Self}`",
    label = "take a `Vec`, call it with one value"
)]
pub trait BatchInput {
    /// A value.
    type Item: Send + 'static;
}

impl<V: Send + 'static> BatchInput for Vec<V> {
    type Item = V;
}

/// What a function takes that sets its results one by one: `Vec<Arg<V, R, E>>`.
#[diagnostic::on_unimplemented(
    message = "a batch that sends its results is a `Vec<aiomisc::Arg<V, R, E>>`, and not `{Self}`",
    label = "take a `Vec<Arg<…>>`, call it with one value"
)]
pub trait BatchArgs {
    /// A value.
    type Item: Send + 'static;
    /// The result of one call.
    type Output: Send + 'static;
    /// The error of one call, or of the batch.
    type Error: Send + Sync + 'static;
}

impl<V, R, E> BatchArgs for Vec<Arg<V, R, E>>
where
    V: Send + 'static,
    R: Send + 'static,
    E: Send + Sync + 'static,
{
    type Item = V;
    type Output = R;
    type Error = E;
}
