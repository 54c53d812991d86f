use std::fmt;

use super::receiver::Place;
use crate::error::{BoxError, Chain};

/// Says which receivers of a signal failed: all of them, in the order in which they were called.
#[derive(Debug)]
pub struct SignalError {
    signal: &'static str,
    /// At least one.
    failures: Vec<ReceiverError>,
}

impl SignalError {
    pub(super) fn unless_empty(
        signal: &'static str,
        failures: Vec<ReceiverError>,
    ) -> Result<(), Self> {
        if failures.is_empty() {
            return Ok(());
        }
        Err(Self { signal, failures })
    }

    /// The signal's name.
    #[must_use]
    pub fn signal(&self) -> &'static str {
        self.signal
    }

    /// What failed; never empty.
    #[must_use]
    pub fn failures(&self) -> &[ReceiverError] {
        &self.failures
    }
}

impl fmt::Display for SignalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the signal {}: ", self.signal)?;
        for (index, failure) in self.failures.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            // Only one cause can be the source, so that all are here.
            write!(f, "{separator}{failure}: {}", failure.causes())?;
        }
        Ok(())
    }
}

impl std::error::Error for SignalError {}

/// Says which receiver failed, or panicked; why is in `source()`.
#[derive(Debug)]
pub struct ReceiverError {
    receiver: &'static str,
    place: String,
    cause: BoxError,
}

impl ReceiverError {
    pub(super) fn new(receiver: &'static str, place: Place, cause: BoxError) -> Self {
        Self {
            receiver,
            place: place.to_string(),
            cause,
        }
    }

    /// The receiver's name.
    #[must_use]
    pub fn receiver(&self) -> &'static str {
        self.receiver
    }

    /// Where it was connected, as `file:line`.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.place
    }

    /// The chain of causes on one line.
    pub(super) fn causes(&self) -> impl fmt::Display {
        Chain(&*self.cause)
    }
}

impl fmt::Display for ReceiverError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "receiver `{}` ({}) failed", self.receiver, self.place)
    }
}

impl std::error::Error for ReceiverError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.cause)
    }
}

/// Says that a signal is frozen, so that nothing can be connected or disconnected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frozen {
    signal: &'static str,
}

impl Frozen {
    pub(super) fn new(signal: &'static str) -> Self {
        Self { signal }
    }

    /// The signal's name.
    #[must_use]
    pub fn signal(&self) -> &'static str {
        self.signal
    }
}

impl fmt::Display for Frozen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the signal {} is frozen", self.signal)
    }
}

impl std::error::Error for Frozen {}
