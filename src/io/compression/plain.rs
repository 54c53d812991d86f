//! A file that is not compressed.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

use super::{Decoder, Encoder};

/// The file itself: what reads and writes it has buffers of its own.
pub(super) struct Plain {
    file: File,
    /// Where it stood, if it stands anywhere.
    start: Option<u64>,
}

impl Plain {
    pub(super) fn reader(mut file: File) -> Self {
        let start = file.stream_position().ok();
        Self { file, start }
    }

    pub(super) fn writer(file: File) -> Self {
        Self { file, start: None }
    }
}

impl Read for Plain {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.file.read(into)
    }
}

impl Decoder for Plain {
    fn rewind(&mut self) -> io::Result<()> {
        let start = SeekFrom::Start(self.start.unwrap_or(0));
        self.file.seek(start).map(drop)
    }
}

impl Write for Plain {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.file.write(data)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Encoder for Plain {
    fn finish(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
