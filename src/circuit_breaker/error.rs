use std::error::Error;
use std::fmt::{self, Write};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::machine::Refused;
use super::state::State;
use crate::error::BoxError;
use crate::resilience::{CallError, Refusal};

/// Says that a [`CircuitBreaker`](super::CircuitBreaker) did not let a call through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CircuitBroken {
    state: State,
    retry_after: Duration,
    last_error: Option<Arc<str>>,
}

impl CircuitBroken {
    pub(super) fn new(refused: Refused) -> Self {
        let Refused {
            state,
            retry_after,
            last_error,
        } = refused;
        Self {
            state,
            retry_after,
            last_error,
        }
    }

    /// What the breaker was: [`State::Broken`] or [`State::Recovering`].
    #[must_use]
    pub fn state(&self) -> State {
        self.state
    }

    /// After how long a call may be let through: when it is broken no longer. While it recovers, after how
    /// long one is let through for certain: some are before that.
    #[must_use]
    pub fn retry_after(&self) -> Duration {
        self.retry_after
    }

    /// What the error says that was counted last, up to 256 bytes of it.
    #[must_use]
    pub fn last_error(&self) -> Option<&str> {
        self.last_error.as_deref()
    }
}

impl fmt::Display for CircuitBroken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the circuit is {}", self.state)?;
        match &self.last_error {
            Some(error) => write!(f, ", after: {error}"),
            None => Ok(()),
        }
    }
}

impl Error for CircuitBroken {}

/// As the cause of an error of the kind [`Other`](io::ErrorKind::Other).
impl From<CircuitBroken> for io::Error {
    fn from(broken: CircuitBroken) -> Self {
        Self::other(broken)
    }
}

impl From<CircuitBroken> for Refusal {
    fn from(broken: CircuitBroken) -> Self {
        let retry_after = broken.retry_after;
        Self::Broken { retry_after }
    }
}

/// Says why a call of a [`CircuitBreaker`](super::CircuitBreaker) has no value.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BreakerError<E> {
    /// The error of the operation, as it is.
    Failed(E),
    /// The operation was not begun.
    Broken(CircuitBroken),
}

impl<E> BreakerError<E> {
    /// The error of the operation, if it is one.
    pub fn failed(self) -> Option<E> {
        match self {
            Self::Failed(error) => Some(error),
            Self::Broken(_) => None,
        }
    }

    /// The error of the operation, or what it makes of a refusal.
    pub fn into_error(self) -> E
    where
        E: From<CircuitBroken>,
    {
        match self {
            Self::Failed(error) => error,
            Self::Broken(broken) => broken.into(),
        }
    }

    /// The error inside of it, of whichever kind it is.
    pub fn into_inner(self) -> BoxError
    where
        E: Into<BoxError>,
    {
        match self {
            Self::Failed(error) => error.into(),
            Self::Broken(broken) => broken.into(),
        }
    }
}

impl<E> From<CircuitBroken> for BreakerError<E> {
    fn from(broken: CircuitBroken) -> Self {
        Self::Broken(broken)
    }
}

impl<E> From<BreakerError<E>> for CallError<E> {
    fn from(error: BreakerError<E>) -> Self {
        match error {
            BreakerError::Failed(error) => Self::Failed(error),
            BreakerError::Broken(broken) => Self::Refused(broken.into()),
        }
    }
}

impl<E> fmt::Display for BreakerError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Failed(_) => "the operation has failed",
            Self::Broken(_) => "the operation was not let through",
        })
    }
}

impl<E: Error + 'static> Error for BreakerError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Failed(error) => Some(error),
            Self::Broken(broken) => Some(broken),
        }
    }
}

/// The beginning of what an error says.
pub(super) fn text_of(error: &dyn fmt::Display) -> Arc<str> {
    let mut text = Beginning(String::new());
    // It fails when there is more than is wanted, or else by the error's own doing.
    let _ = write!(text, "{error}");
    text.0.into()
}

struct Beginning(String);

impl Write for Beginning {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        const MOST: usize = 256;
        let left = MOST.saturating_sub(self.0.len());
        if more.len() <= left {
            self.0.push_str(more);
            return Ok(());
        }
        self.0.push_str(&more[..more.floor_char_boundary(left)]);
        Err(fmt::Error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_between_two_letters() {
        assert_eq!(&*text_of(&"short"), "short");
        assert_eq!(text_of(&"x".repeat(300)).len(), 256);
        let text = text_of(&format!("x{}", "ü".repeat(300)));
        assert_eq!(text.len(), 255);
        assert!(text.ends_with('ü'));
    }
}
