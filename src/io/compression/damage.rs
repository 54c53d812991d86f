//! What is wrong with a compressed file.

use std::error::Error;
use std::fmt;
use std::io::{self, ErrorKind};

/// A file that is not what its format wants. It is kept, to be told again.
#[derive(Clone, Debug)]
pub(super) struct Damage {
    kind: ErrorKind,
    format: &'static str,
    what: String,
    /// How many bytes of data came before.
    after: u64,
}

impl Damage {
    pub(super) fn new(format: &'static str, after: u64, wrong: Wrong) -> Self {
        Self {
            kind: wrong.kind,
            format,
            what: wrong.what,
            after,
        }
    }

    pub(super) fn error(&self) -> io::Error {
        io::Error::new(self.kind, self.clone())
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            format,
            what,
            after,
            ..
        } = self;
        write!(f, "{format}: {what}, after {after} bytes of data")
    }
}

impl Error for Damage {}

/// What a format finds wrong, without the place.
#[derive(Debug)]
pub(super) struct Wrong {
    pub(super) kind: ErrorKind,
    pub(super) what: String,
}

impl Wrong {
    /// It is cut.
    pub(super) fn cut() -> Self {
        Self {
            kind: ErrorKind::UnexpectedEof,
            what: "the file ends in the middle".into(),
        }
    }

    pub(super) fn corrupt(what: impl Into<String>) -> Self {
        Self {
            kind: ErrorKind::InvalidData,
            what: what.into(),
        }
    }
}
