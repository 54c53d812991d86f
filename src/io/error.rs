//! What goes wrong with files.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::mode::ModeError;
use crate::error::BoxError;

/// Says which file could not be opened or replaced; the cause is in `source()`.
///
/// It goes into an [`io::Error`] of the same kind, so that `?` works where those are returned.
#[derive(Debug)]
pub struct FileError {
    action: &'static str,
    path: PathBuf,
    kind: io::ErrorKind,
    source: BoxError,
}

impl FileError {
    pub(super) fn opening(path: &Path, error: io::Error) -> Self {
        Self::new("open", path, error.kind(), error.into())
    }

    pub(super) fn invalid(path: &Path, error: ModeError) -> Self {
        Self::new("open", path, io::ErrorKind::InvalidInput, error.into())
    }

    pub(super) fn replacing(path: &Path, error: io::Error) -> Self {
        Self::new("replace", path, error.kind(), error.into())
    }

    fn new(action: &'static str, path: &Path, kind: io::ErrorKind, source: BoxError) -> Self {
        Self {
            action,
            path: path.to_owned(),
            kind,
            source,
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

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {} {}", self.action, self.path.display())
    }
}

impl std::error::Error for FileError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.source)
    }
}

impl From<FileError> for io::Error {
    fn from(error: FileError) -> Self {
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

pub(super) fn closed() -> io::Error {
    io::Error::other("the file is closed")
}
