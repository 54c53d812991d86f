use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use crate::error::BoxError;
use crate::time::Elapsed;

/// Says why a call has no value, where a time-out cannot be the operation's own error; from
/// [`Backoff::try_call`](super::Backoff::try_call).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RetryError<E> {
    /// The last error of the operation.
    Failed(E),
    /// The last attempt took too long, or the deadline passed before there was any outcome.
    Elapsed,
}

impl<E> RetryError<E> {
    /// The error of the operation, if it is one.
    pub fn failed(self) -> Option<E> {
        match self {
            Self::Failed(error) => Some(error),
            Self::Elapsed => None,
        }
    }

    /// The error of the operation, or what it makes of a time-out.
    pub fn into_error(self) -> E
    where
        E: From<Elapsed>,
    {
        match self {
            Self::Failed(error) => error,
            Self::Elapsed => E::from(Elapsed),
        }
    }

    /// The error inside of it, of whichever kind it is.
    pub fn into_inner(self) -> BoxError
    where
        E: Into<BoxError>,
    {
        match self {
            Self::Failed(error) => error.into(),
            Self::Elapsed => Elapsed.into(),
        }
    }
}

impl<E> fmt::Display for RetryError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(_) => f.write_str("the last attempt has failed"),
            Self::Elapsed => f.write_str("the attempts have taken too long"),
        }
    }
}

impl<E: Error + 'static> Error for RetryError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Failed(error) => Some(error),
            Self::Elapsed => Some(&Elapsed),
        }
    }
}

/// Says which setting cannot be, what was expected, and what there was: of a [`Backoff`](super::Backoff), a
/// [`Pause`](super::Pause), a [`RetryBudget`](super::RetryBudget), or a part of `resilience`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidSetting {
    setting: &'static str,
    expected: Cow<'static, str>,
    got: String,
}

impl InvalidSetting {
    pub(crate) fn new(
        setting: &'static str,
        expected: impl Into<Cow<'static, str>>,
        got: impl fmt::Debug,
    ) -> Self {
        Self::said(setting, expected, format!("{got:?}"))
    }

    pub(crate) fn said(
        setting: &'static str,
        expected: impl Into<Cow<'static, str>>,
        got: impl Into<String>,
    ) -> Self {
        Self {
            setting,
            expected: expected.into(),
            got: got.into(),
        }
    }

    /// What the setting is called.
    #[must_use]
    pub fn setting(&self) -> &str {
        self.setting
    }
}

impl fmt::Display for InvalidSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            setting,
            expected,
            got,
        } = self;
        write!(f, "{setting}: expected {expected}, got {got}")
    }
}

impl Error for InvalidSetting {}
