//! Files that are compressed while they are written, whatever their format is.

use std::fs::File;
use std::io::{self, ErrorKind, Write};

use super::Encoder;

/// How much data a compressor gets at once, and about how much of what it made is written at once.
const SIZE: usize = 64 * 1024;

/// What is particular to a format, and the member of it that is being written. What is made is put behind what is in
/// the vector.
pub(super) trait Compressor: Send {
    /// Takes all of the data.
    fn compress(&mut self, data: &[u8], into: &mut Vec<u8>) -> io::Result<()>;

    /// Gives what makes the data so far readable, where the format has a way to.
    fn flush(&mut self, into: &mut Vec<u8>) -> io::Result<()>;

    /// Ends the member; more data is another.
    fn finish(&mut self, into: &mut Vec<u8>) -> io::Result<()>;
}

/// A file that is written.
pub(super) struct Writing<C> {
    file: File,
    compressor: C,
    data: Vec<u8>,
    compressed: Vec<u8>,
    /// How much of that is written.
    written: usize,
    /// Has the member ended, with no other begun?
    finished: bool,
}

impl<C: Compressor> Writing<C> {
    pub(super) fn new(file: File, compressor: C) -> Self {
        Self {
            file,
            compressor,
            data: Vec::with_capacity(SIZE),
            compressed: Vec::with_capacity(SIZE),
            written: 0,
            finished: false,
        }
    }

    fn compress(&mut self) -> io::Result<()> {
        if !self.data.is_empty() {
            self.compressor.compress(&self.data, &mut self.compressed)?;
            self.data.clear();
        }
        Ok(())
    }

    /// Writes what is compressed; what could not be written stays.
    fn write_out(&mut self) -> io::Result<()> {
        while self.written < self.compressed.len() {
            match self.file.write(&self.compressed[self.written..]) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(count) => self.written += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.compressed.clear();
        self.written = 0;
        Ok(())
    }
}

impl<C: Compressor> Write for Writing<C> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        // Before anything is taken, so that an error means that nothing was.
        if self.compressed.len() >= SIZE {
            self.write_out()?;
        }
        if data.is_empty() {
            return Ok(0);
        }
        self.finished = false;
        if self.data.is_empty() && data.len() >= SIZE {
            self.compressor
                .compress(&data[..SIZE], &mut self.compressed)?;
            return Ok(SIZE);
        }
        let count = data.len().min(SIZE - self.data.len());
        self.data.extend_from_slice(&data[..count]);
        if self.data.len() == SIZE {
            self.compress()?;
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        if !self.finished {
            self.compress()?;
            self.compressor.flush(&mut self.compressed)?;
        }
        self.write_out()?;
        self.file.flush()
    }
}

impl<C: Compressor> Encoder for Writing<C> {
    fn finish(&mut self) -> io::Result<()> {
        if !self.finished {
            self.compress()?;
            self.compressor.finish(&mut self.compressed)?;
            self.finished = true;
        }
        self.write_out()?;
        self.file.flush()
    }
}
