//! What goes wrong with files.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::mode::ModeError;
use crate::error::BoxError;

/// Says which file could not be opened; the cause is in `source()`.
///
/// It goes into an [`io::Error`] of the same kind, so that `?` works where those are returned.
#[derive(Debug)]
pub struct OpenError {
    path: PathBuf,
    kind: io::ErrorKind,
    source: BoxError,
}

impl OpenError {
    pub(super) fn new(path: &Path, error: io::Error) -> Self {
        Self {
            path: path.to_owned(),
            kind: error.kind(),
            source: error.into(),
        }
    }

    pub(super) fn invalid(path: &Path, error: ModeError) -> Self {
        Self {
            path: path.to_owned(),
            kind: io::ErrorKind::InvalidInput,
            source: error.into(),
        }
    }

    /// What kind of error it is: [`InvalidInput`](io::ErrorKind::InvalidInput) for a
    /// [mode](super::Mode) that is none, else that of the cause.
    #[must_use]
    pub fn kind(&self) -> io::ErrorKind {
        self.kind
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot open {}", self.path.display())
    }
}

impl std::error::Error for OpenError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.source)
    }
}

impl From<OpenError> for io::Error {
    fn from(error: OpenError) -> Self {
        Self::new(error.kind, error)
    }
}

/// An error that says what cannot be done with a file.
pub(super) fn unsupported(text: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, text.into())
}

pub(super) fn invalid(text: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, text.into())
}
