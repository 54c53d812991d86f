//! Where bytes go and come from: a file as it is, or one through a compressor.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::sync::Arc;

use super::compression::{Compression, Decoder, Encoder, decoder, encoder};
use super::error::{closed, unsupported};

/// A file, and how it is compressed.
pub(super) struct Channel {
    /// None when it is closed.
    file: Option<Arc<File>>,
    compression: Compression,
    level: Option<i32>,
    state: State,
}

enum State {
    Plain,
    Reading(Box<dyn Decoder>),
    Writing(Box<dyn Encoder>),
    /// What was compressed is complete, with its trailer.
    Finished,
}

impl Channel {
    pub(super) fn new(
        file: Arc<File>,
        compression: Compression,
        level: Option<i32>,
        reading: bool,
    ) -> io::Result<Self> {
        let mut channel = Self {
            file: Some(file),
            compression,
            level,
            state: State::Finished,
        };
        if compression == Compression::None {
            channel.state = State::Plain;
        } else if reading {
            channel.state = State::Reading(channel.decoder()?);
        } else {
            channel.state = State::Writing(channel.encoder()?);
        }
        Ok(channel)
    }

    fn decoder(&self) -> io::Result<Box<dyn Decoder>> {
        decoder(self.compression, self.file()?.try_clone()?)
    }

    fn encoder(&self) -> io::Result<Box<dyn Encoder>> {
        encoder(self.compression, self.file()?.try_clone()?, self.level)
    }

    pub(super) fn shared(&self) -> Option<&Arc<File>> {
        self.file.as_ref()
    }

    pub(super) fn file(&self) -> io::Result<&File> {
        self.file.as_deref().ok_or_else(closed)
    }

    pub(super) fn close(&mut self) {
        self.state = State::Finished;
        self.file = None;
    }

    pub(super) fn is_plain(&self) -> bool {
        matches!(self.state, State::Plain)
    }

    pub(super) fn is_writing(&self) -> bool {
        matches!(self.state, State::Writing(_))
    }

    /// Makes what is compressed so far complete, and begins to read it from its beginning; true if
    /// this is not where it was before.
    pub(super) fn start_reading(&mut self) -> io::Result<bool> {
        self.finish()?;
        if !matches!(self.state, State::Finished) {
            return Ok(false);
        }
        self.file()?.rewind()?;
        self.state = State::Reading(self.decoder()?);
        Ok(true)
    }

    /// Begins to write at the end of the file; true if that was not under way.
    pub(super) fn start_writing(&mut self) -> io::Result<bool> {
        if !matches!(self.state, State::Reading(_) | State::Finished) {
            return Ok(false);
        }
        self.file()?.seek(SeekFrom::End(0))?;
        self.state = State::Writing(self.encoder()?);
        Ok(true)
    }

    pub(super) fn finish(&mut self) -> io::Result<()> {
        if let State::Writing(encoder) = &mut self.state {
            encoder.finish()?;
            self.state = State::Finished;
        }
        Ok(())
    }

    pub(super) fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            let outcome = match &mut self.state {
                State::Plain => self.file.as_deref().ok_or_else(closed)?.read(buf),
                State::Reading(decoder) => decoder.read(buf),
                State::Writing(_) | State::Finished => return Err(unsupported("not reading")),
            };
            match outcome {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                outcome => return outcome,
            }
        }
    }

    pub(super) fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        loop {
            let outcome = match &mut self.state {
                State::Plain => self.file.as_deref().ok_or_else(closed)?.write(data),
                State::Writing(encoder) => encoder.write(data),
                State::Reading(_) | State::Finished => return Err(unsupported("not writing")),
            };
            match outcome {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                outcome => return outcome,
            }
        }
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        match &mut self.state {
            State::Writing(encoder) => encoder.flush(),
            _ => Ok(()),
        }
    }

    /// Goes to a place of the file itself.
    pub(super) fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file()?.seek(to)
    }

    /// Goes to the beginning of what is compressed, to read.
    pub(super) fn rewind(&mut self) -> io::Result<()> {
        match &mut self.state {
            State::Reading(decoder) => decoder.rewind(),
            _ => Err(unsupported("not reading")),
        }
    }
}
