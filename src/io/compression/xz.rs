//! xz and the older .lzma, by lzma-rust2.

use std::io::{self, ErrorKind, Write};

use lzma_rust2::{
    Action, LzmaOptions, LzmaStream, LzmaWriter, Status, XzOptions, XzStream, XzWriter,
};

use super::damage::Wrong;
use super::reading::{Begin, Format, Step, Then};
use super::writing::Compressor;

/// What each stream begins with.
const MAGIC: [u8; 6] = [0xFD, b'7', b'z', b'X', b'Z', 0];
/// Padding between streams comes in so many bytes.
const PADDING: usize = 4;
/// The header of .lzma: properties, size of the dictionary, size of the data.
const LZMA_HEADER: usize = 13;
/// The memory that a stream may ask for, in KiB: a dictionary of 256 MiB and what is around it.
const MEMORY: u32 = 256 * 1024 + 256;
/// How many compressed bytes are decoded at once: an error takes the data of those away.
const PIECE: usize = 512;

/// A stream that is read, of one format or the other.
pub(super) enum Xz {
    Xz(Box<XzStream>),
    Lzma(Box<LzmaStream>),
}

impl Xz {
    pub(super) fn new() -> Self {
        Self::Xz(Box::new(XzStream::new_mem_limit(false, MEMORY)))
    }

    fn lzma() -> Self {
        Self::Lzma(Box::new(LzmaStream::new_mem_limit(MEMORY, None)))
    }

    /// Bytes taken and given so far.
    fn totals(&self) -> (u64, u64) {
        match self {
            Self::Xz(stream) => (stream.total_in(), stream.total_out()),
            Self::Lzma(stream) => (stream.total_in(), stream.total_out()),
        }
    }

    fn wrong(&self, error: &io::Error, at_end: bool) -> Wrong {
        let needed = match self {
            Self::Xz(stream) => stream.memory_usage(),
            Self::Lzma(stream) => stream.memory_usage(),
        };
        match error.kind() {
            ErrorKind::UnexpectedEof if at_end => Wrong::cut(),
            kind @ ErrorKind::OutOfMemory => Wrong {
                kind,
                what: format!(
                    "{} MiB of memory are needed, at most {} are allowed",
                    needed.unwrap_or(0).div_ceil(1024),
                    MEMORY / 1024
                ),
            },
            kind @ ErrorKind::Unsupported => Wrong {
                kind,
                what: error.to_string(),
            },
            _ => Wrong::corrupt(error.to_string()),
        }
    }
}

impl Format for Xz {
    const NAME: &'static str = "xz";
    const MAY_BE_EMPTY: bool = false;
    const TELLING: usize = LZMA_HEADER;

    fn begin(&mut self, bytes: &[u8], first: bool) -> Begin {
        let zeros = bytes.iter().take_while(|&&byte| byte == 0).count();
        if bytes.iter().zip(&MAGIC).all(|(byte, magic)| byte == magic) {
            *self = Self::new();
            Begin::Member
        } else if zeros >= PADDING && !first {
            Begin::Padding(zeros / PADDING * PADDING)
        } else if looks_like_lzma(bytes) {
            *self = Self::lzma();
            Begin::Member
        } else {
            Begin::Wrong
        }
    }

    fn decode(&mut self, bytes: &[u8], into: &mut [u8]) -> Step {
        let at_end = bytes.is_empty();
        let action = if at_end { Action::Finish } else { Action::Run };
        let piece = &bytes[..bytes.len().min(PIECE)];
        let before = self.totals();
        let result = match self {
            Self::Xz(stream) => stream.process(piece, into, action),
            Self::Lzma(stream) => stream.process(piece, into, action),
        };
        let after = self.totals();
        Step {
            taken: (after.0 - before.0) as usize,
            given: (after.1 - before.1) as usize,
            then: match result {
                Ok(result) if result.status == Status::StreamEnd => Then::End,
                Ok(_) => Then::More,
                Err(error) => Then::Wrong(self.wrong(&error, at_end)),
            },
        }
    }

    fn unused(&self) -> &[u8] {
        match self {
            Self::Xz(_) => &[],
            Self::Lzma(stream) => stream.unused_input(),
        }
    }
}

/// The format has no magic bytes. What programs write has dictionaries of 2ⁿ or 2ⁿ + 2ⁿ⁻¹ bytes and less than 256 GiB
/// of data: what `xz` looks at, too. As far as there are bytes.
fn looks_like_lzma(header: &[u8]) -> bool {
    let properties = header.first().is_none_or(|&byte| byte < 9 * 5 * 5);
    let dictionary = header.get(1..5).and_then(|bytes| bytes.try_into().ok());
    let dictionary = dictionary.map(u32::from_le_bytes).is_none_or(|size| {
        let lowest = size & size.wrapping_neg();
        size == u32::MAX || size != 0 && (size == lowest || size == 3 * lowest)
    });
    let size = header.get(5..13).and_then(|bytes| bytes.try_into().ok());
    let size = size
        .map(u64::from_le_bytes)
        .is_none_or(|size| size < 1 << 38 || size == u64::MAX);
    properties && dictionary && size
}

/// A stream of .xz that is written.
pub(super) struct ToXz {
    level: u32,
    /// Made for the first data: it has megabytes.
    stream: Option<Box<XzWriter<Vec<u8>>>>,
}

impl ToXz {
    pub(super) fn new(level: i32) -> Self {
        Self {
            level: level.unsigned_abs(),
            stream: None,
        }
    }

    fn begun(&mut self) -> io::Result<Box<XzWriter<Vec<u8>>>> {
        match self.stream.take() {
            Some(stream) => Ok(stream),
            None => XzWriter::new(Vec::new(), XzOptions::with_preset(self.level)).map(Box::new),
        }
    }
}

impl Compressor for ToXz {
    fn compress(&mut self, data: &[u8], into: &mut Vec<u8>) -> io::Result<()> {
        let mut stream = self.begun()?;
        stream.write_all(data)?;
        into.append(stream.inner_mut());
        self.stream = Some(stream);
        Ok(())
    }

    /// Ending a block early would cost much of what its dictionary saves.
    fn flush(&mut self, _into: &mut Vec<u8>) -> io::Result<()> {
        Ok(())
    }

    fn finish(&mut self, into: &mut Vec<u8>) -> io::Result<()> {
        let stream = self.begun()?;
        into.append(&mut stream.finish()?);
        Ok(())
    }
}

/// A stream of .lzma that is written, with a mark at its end.
pub(super) struct ToLzma {
    level: u32,
    /// Made for the first data: it has megabytes.
    stream: Option<Box<LzmaWriter<Vec<u8>>>>,
}

impl ToLzma {
    pub(super) fn new(level: i32) -> Self {
        Self {
            level: level.unsigned_abs(),
            stream: None,
        }
    }

    fn begun(&mut self) -> io::Result<Box<LzmaWriter<Vec<u8>>>> {
        match self.stream.take() {
            Some(stream) => Ok(stream),
            None => {
                let options = LzmaOptions::with_preset(self.level);
                LzmaWriter::new_use_header(Vec::new(), &options, None).map(Box::new)
            }
        }
    }
}

impl Compressor for ToLzma {
    fn compress(&mut self, data: &[u8], into: &mut Vec<u8>) -> io::Result<()> {
        let mut stream = self.begun()?;
        stream.write_all(data)?;
        into.append(stream.inner_mut());
        self.stream = Some(stream);
        Ok(())
    }

    /// The format has no way to.
    fn flush(&mut self, _into: &mut Vec<u8>) -> io::Result<()> {
        Ok(())
    }

    fn finish(&mut self, into: &mut Vec<u8>) -> io::Result<()> {
        let stream = self.begun()?;
        into.append(&mut stream.finish()?);
        Ok(())
    }
}
