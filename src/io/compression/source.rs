//! The compressed bytes of a file, on their way into a decoder.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};

/// How many compressed bytes are read at once.
const SIZE: usize = 64 * 1024;
/// Room to put bytes back that a decoder has taken and turned out not to need.
const BACK: usize = 64;

/// A file with a buffer in front of it.
pub(super) struct Source {
    file: File,
    /// Where the file stood at the beginning; a pipe stands nowhere.
    start: Option<u64>,
    buffer: Box<[u8]>,
    /// The bytes that were read and not taken yet.
    from: usize,
    to: usize,
}

impl Source {
    pub(super) fn new(mut file: File) -> Self {
        let start = file.stream_position().ok();
        Self {
            file,
            start,
            buffer: vec![0; BACK + SIZE].into(),
            from: BACK,
            to: BACK,
        }
    }

    /// The next bytes: none at the end of the file.
    pub(super) fn bytes(&mut self) -> io::Result<&[u8]> {
        self.at_least(1)
    }

    /// The next bytes, at least so many unless the file ends before.
    pub(super) fn at_least(&mut self, count: usize) -> io::Result<&[u8]> {
        debug_assert!(count <= BACK, "more than there is room for");
        while self.to - self.from < count {
            self.make_room();
            match self.file.read(&mut self.buffer[self.to..]) {
                Ok(0) => break,
                Ok(more) => self.to += more,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(&self.buffer[self.from..self.to])
    }

    pub(super) fn take(&mut self, count: usize) {
        self.from += count;
        debug_assert!(self.from <= self.to, "more than there was");
    }

    /// Puts the bytes back that were taken last.
    pub(super) fn put_back(&mut self, bytes: &[u8]) {
        debug_assert!(bytes.len() <= BACK, "more than was to be expected");
        self.from -= bytes.len();
        self.buffer[self.from..][..bytes.len()].copy_from_slice(bytes);
    }

    /// Goes back to where the file stood at the beginning.
    pub(super) fn rewind(&mut self) -> io::Result<()> {
        let start = SeekFrom::Start(self.start.unwrap_or(0));
        self.file.seek(start)?;
        self.from = BACK;
        self.to = BACK;
        Ok(())
    }

    /// Moves what is left, which is little, to the front.
    fn make_room(&mut self) {
        self.buffer.copy_within(self.from..self.to, BACK);
        self.to = BACK + (self.to - self.from);
        self.from = BACK;
    }
}
