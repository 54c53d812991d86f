use std::error::Error;
use std::fmt;
use std::sync::Arc;

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
