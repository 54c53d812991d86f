use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::time::Duration;

use super::places::Refused;
use crate::error::BoxError;
use crate::runtime::NoRuntime;

/// Says why there is no object. `E` is the error of the [manager](super::PoolManager).
#[derive(Debug)]
#[non_exhaustive]
pub enum AcquireError<E> {
    /// The pool is closed.
    Closed,
    /// As many callers wait as [may](super::PoolBuilder::most_waiting).
    Busy,
    /// The time was over.
    #[non_exhaustive]
    Timeout {
        /// What it was over for.
        stage: AcquireStage,
        /// The limit.
        limit: Duration,
    },
    /// There is no idle object, and none could be made. The error is the manager's own.
    Create(E),
    /// The manager panicked.
    #[non_exhaustive]
    Panicked {
        /// What it was doing.
        stage: AcquireStage,
        /// The message of the panic.
        text: String,
    },
    /// The pool has no runtime yet, and none is at hand.
    NoRuntime(NoRuntime),
}

/// How far a call of [`acquire`](super::Pool::acquire) has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AcquireStage {
    /// It waits: all objects are lent, and there may be no more.
    Waiting,
    /// An object is being made.
    Creating,
    /// An object that was idle is being checked.
    Checking,
}

impl<E> AcquireError<E> {
    /// Whether the time was over, at whatever stage.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        matches!(self, Self::Timeout { .. })
    }

    /// Whether the pool is closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        matches!(self, Self::Closed)
    }

    /// Where the call was when it failed, if it had begun.
    #[must_use]
    pub fn stage(&self) -> Option<AcquireStage> {
        match self {
            Self::Timeout { stage, .. } | Self::Panicked { stage, .. } => Some(*stage),
            Self::Create(_) => Some(AcquireStage::Creating),
            Self::Closed | Self::Busy | Self::NoRuntime(_) => None,
        }
    }

    /// The manager's own error; or else this one, as an `AcquireError<Infallible>`. It is for `?` where the
    /// manager's error is no [`Error`](std::error::Error), as a [`BoxError`] and a text are not:
    ///
    /// ```
    /// use aiomisc::pool::AcquireError;
    /// use aiomisc::{BoxError, Pool, PoolManager};
    ///
    /// async fn first<M: PoolManager>(pool: &Pool<M>) -> Result<(), BoxError> {
    ///     let _object = pool.acquire().await.map_err(AcquireError::into_inner)?;
    ///     Ok(())
    /// }
    /// ```
    pub fn into_inner(self) -> BoxError
    where
        E: Into<BoxError>,
    {
        let own: AcquireError<Infallible> = match self {
            Self::Create(error) => return error.into(),
            Self::Closed => AcquireError::Closed,
            Self::Busy => AcquireError::Busy,
            Self::Timeout { stage, limit } => AcquireError::Timeout { stage, limit },
            Self::Panicked { stage, text } => AcquireError::Panicked { stage, text },
            Self::NoRuntime(error) => AcquireError::NoRuntime(error),
        };
        own.into()
    }
}

impl<E> From<Refused> for AcquireError<E> {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Closed => Self::Closed,
            Refused::Full => Self::Busy,
        }
    }
}

impl<E> fmt::Display for AcquireError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("the pool is closed"),
            Self::Busy => f.write_str("too many wait for an object of the pool"),
            Self::Timeout { stage, limit } => {
                write!(f, "no object of the pool within {limit:?}: {stage}")
            }
            Self::Create(_) => f.write_str("an object for the pool could not be made"),
            Self::Panicked { stage, text } => {
                write!(f, "the manager of the pool panicked, {stage}: {text}")
            }
            Self::NoRuntime(_) => f.write_str("the pool has no runtime"),
        }
    }
}

impl<E: Error + 'static> Error for AcquireError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Create(error) => Some(error),
            Self::NoRuntime(error) => Some(error),
            _ => None,
        }
    }
}

impl fmt::Display for AcquireStage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Waiting => "while all of them were in use",
            Self::Creating => "while one was being made",
            Self::Checking => "while one was being checked",
        })
    }
}

/// Says what was left of a pool when the time of its [`close`](super::Pool::close) was over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LeftInPool {
    /// Places of objects that were lent or being made, each of which is destroyed when it is given back; and of
    /// those being destroyed that [keep theirs](super::PoolStatus::in_use).
    pub in_use: usize,
    /// Objects whose taking down had not ended, and was cut off.
    pub destroying: usize,
}

impl fmt::Display for LeftInPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { in_use, destroying } = self;
        write!(
            f,
            "the pool was closed with {in_use} objects in use and {destroying} that were being destroyed"
        )
    }
}

impl Error for LeftInPool {}
