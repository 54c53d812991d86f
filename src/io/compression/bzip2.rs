//! bzip2, by the crate of that name.

use std::io::{self, Error, ErrorKind};

use bzip2::{Action, Compress, Decompress, Status};

use super::damage::Wrong;
use super::reading::{Begin, Format, Step, Then};
use super::writing::Compressor;

/// What each stream begins with; a digit from 1 to 9 follows.
const MAGIC: &[u8] = b"BZh";
/// How much room is made at once for what is compressed.
const ROOM: usize = 32 * 1024;

/// A stream that is read. Unlike other formats it stands before anything: what is no stream behind the first is left
/// alone, as `bzip2` and Python do.
pub(super) struct Bzip2(Decompress);

impl Bzip2 {
    pub(super) fn new() -> Self {
        Self(Decompress::new(false))
    }
}

impl Format for Bzip2 {
    const NAME: &'static str = "bzip2";
    const MAY_BE_EMPTY: bool = false;
    const TELLING: usize = MAGIC.len() + 1;

    fn begin(&mut self, bytes: &[u8], first: bool) -> Begin {
        let name = bytes.iter().zip(MAGIC).all(|(byte, magic)| byte == magic);
        let digit = bytes
            .get(MAGIC.len())
            .is_none_or(|digit| (b'1'..=b'9').contains(digit));
        match name && digit {
            true => {
                *self = Self::new();
                Begin::Member
            }
            false if first => Begin::Wrong,
            false => Begin::Ignored,
        }
    }

    fn decode(&mut self, bytes: &[u8], into: &mut [u8]) -> Step {
        let before = (self.0.total_in(), self.0.total_out());
        let result = self.0.decompress(bytes, into);
        Step {
            taken: (self.0.total_in() - before.0) as usize,
            given: (self.0.total_out() - before.1) as usize,
            then: match result {
                Ok(Status::StreamEnd) => Then::End,
                Ok(Status::MemNeeded) => Then::Wrong(Wrong {
                    kind: ErrorKind::OutOfMemory,
                    what: "there is no memory for a block".into(),
                }),
                Ok(_) => Then::More,
                Err(_) => Then::Wrong(Wrong::corrupt("the data is corrupt")),
            },
        }
    }
}

/// A stream that is written.
pub(super) struct Blocks {
    level: u32,
    stream: Compress,
}

impl Blocks {
    pub(super) fn new(level: i32) -> Self {
        let level = level.unsigned_abs();
        // How long it tries on bad input before it takes the slower way that knows no bad input: the default.
        let stream = Compress::new(bzip2::Compression::new(level), 0);
        Self { level, stream }
    }

    fn run(&mut self, mut data: &[u8], into: &mut Vec<u8>, action: Action) -> io::Result<Status> {
        loop {
            into.reserve(ROOM);
            let before = self.stream.total_in();
            let status = self.stream.compress_vec(data, into, action);
            let status = status.map_err(Error::other)?;
            data = &data[(self.stream.total_in() - before) as usize..];
            if data.is_empty() && into.len() < into.capacity() || status == Status::StreamEnd {
                return Ok(status);
            }
        }
    }
}

impl Compressor for Blocks {
    fn compress(&mut self, data: &[u8], into: &mut Vec<u8>) -> io::Result<()> {
        self.run(data, into, Action::Run).map(drop)
    }

    /// A block that is ended early does not end on a byte: it could not be read before the next.
    fn flush(&mut self, _into: &mut Vec<u8>) -> io::Result<()> {
        Ok(())
    }

    fn finish(&mut self, into: &mut Vec<u8>) -> io::Result<()> {
        while self.run(&[], into, Action::Finish)? != Status::StreamEnd {}
        *self = Self::new(self.level.cast_signed());
        Ok(())
    }
}
