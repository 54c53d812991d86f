use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

use crate::error::BoxError;
use crate::runtime::NoRuntime;

/// Says why a call has no result. `E` is the error of the function.
#[derive(Debug)]
#[non_exhaustive]
pub enum AggregateError<E> {
    /// The function has returned without a result for this call.
    NotSet(ResultNotSetError),
    /// The error that was set for this call alone.
    Own(E),
    /// The error of the whole batch, which every call of it gets.
    Batch(Arc<E>),
    /// The function panicked: the message, for every call of the batch.
    Panicked(Arc<str>),
    /// As many calls wait as [may](super::AggregatorBuilder::most_waiting).
    Busy,
    /// The runtime has ended before the batch did.
    Ended,
    /// There is no runtime at hand.
    NoRuntime(NoRuntime),
}

/// Says that the function has returned without a result for one of the values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResultNotSetError;

impl<E> AggregateError<E> {
    /// The function's own error; or else this one, as an `AggregateError<Infallible>`. It is for `?` where the
    /// function's error is no [`Error`](std::error::Error), as a [`BoxError`] and a text are not:
    ///
    /// ```
    /// # #[cfg(all(feature = "smol", feature = "macros"))] mod example {
    /// use aiomisc::BoxError;
    /// use aiomisc::aggregate::AggregateError;
    ///
    /// #[aiomisc::aggregate(leeway_ms = 1)]
    /// async fn names(ids: Vec<u32>) -> Result<Vec<String>, String> {
    ///     Err(format!("{} ids, and nobody there", ids.len()))
    /// }
    ///
    /// async fn greeting(id: u32) -> Result<String, BoxError> {
    ///     Ok(format!("hello, {}", names(id).await.map_err(AggregateError::into_inner)?))
    /// }
    /// # pub fn main() {
    /// # aiomisc::adapters::Smol::new().block_on(async {
    /// assert_eq!(greeting(7).await.unwrap_err().to_string(), "1 ids, and nobody there");
    /// # });
    /// # }
    /// # }
    /// # fn main() {
    /// #     #[cfg(all(feature = "smol", feature = "macros"))]
    /// #     example::main();
    /// # }
    /// ```
    ///
    /// That of a whole batch stays where it is, for the other calls have it as well: it is inside of an error that
    /// says the same.
    pub fn into_inner(self) -> BoxError
    where
        E: Into<BoxError> + fmt::Debug + fmt::Display + Send + Sync + 'static,
    {
        let own: AggregateError<Infallible> = match self {
            Self::Own(error) => return error.into(),
            Self::Batch(error) => return Shared(error).into(),
            Self::NotSet(error) => AggregateError::NotSet(error),
            Self::Panicked(text) => AggregateError::Panicked(text),
            Self::Busy => AggregateError::Busy,
            Self::Ended => AggregateError::Ended,
            Self::NoRuntime(error) => AggregateError::NoRuntime(error),
        };
        own.into()
    }
}

/// The error of a batch, which need not be an [`Error`].
struct Shared<E>(Arc<E>);

impl<E: fmt::Debug> fmt::Debug for Shared<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<E: fmt::Display> fmt::Display for Shared<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<E: fmt::Debug + fmt::Display> Error for Shared<E> {}

impl<E> fmt::Display for AggregateError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSet(error) => error.fmt(f),
            Self::Own(_) => f.write_str("the value could not be worked on"),
            Self::Batch(_) => f.write_str("the batch has failed"),
            Self::Panicked(text) => write!(f, "the batch panicked: {text}"),
            Self::Busy => f.write_str("too many calls wait for their batch"),
            Self::Ended => f.write_str("the runtime of the batch has ended"),
            Self::NoRuntime(_) => f.write_str("there is no runtime for the batch"),
        }
    }
}

impl<E: Error + 'static> Error for AggregateError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Own(error) => Some(error),
            Self::Batch(error) => Some(&**error),
            Self::NoRuntime(error) => Some(error),
            _ => None,
        }
    }
}

impl fmt::Display for ResultNotSetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the function has given no result for this value")
    }
}

impl Error for ResultNotSetError {}
