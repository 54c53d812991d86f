//! gzip (RFC 1952), by flate2 and zlib-rs.

use std::io::{self, Error};

use flate2::{Compress, Decompress, FlushCompress, FlushDecompress, Status};

use super::damage::Wrong;
use super::reading::{Begin, Format, Step, Then};
use super::writing::Compressor;

/// The largest window, as a power of two: all that the format has.
const WINDOW_BITS: u8 = 15;
/// What each member begins with.
const MAGIC: [u8; 2] = [0x1F, 0x8B];
/// How much room is made at once for what is compressed.
const ROOM: usize = 32 * 1024;

/// A member that is read: header, checksum and length are the decoder's affair.
pub(super) struct Gzip(Decompress);

impl Gzip {
    pub(super) fn new() -> Self {
        Self(Decompress::new_gzip(WINDOW_BITS))
    }
}

impl Format for Gzip {
    const NAME: &'static str = "gzip";
    const MAY_BE_EMPTY: bool = true;
    const TELLING: usize = MAGIC.len();

    fn begin(&mut self, bytes: &[u8], first: bool) -> Begin {
        if bytes.iter().zip(&MAGIC).all(|(byte, magic)| byte == magic) {
            self.0.reset(true);
            return Begin::Member;
        }
        match bytes.iter().take_while(|&&byte| byte == 0).count() {
            0 => Begin::Wrong,
            _ if first => Begin::Wrong,
            zeros => Begin::Padding(zeros),
        }
    }

    fn decode(&mut self, bytes: &[u8], into: &mut [u8]) -> Step {
        let before = (self.0.total_in(), self.0.total_out());
        let result = self.0.decompress(bytes, into, FlushDecompress::None);
        Step {
            taken: (self.0.total_in() - before.0) as usize,
            given: (self.0.total_out() - before.1) as usize,
            then: match result {
                Ok(Status::StreamEnd) => Then::End,
                Ok(Status::Ok | Status::BufError) => Then::More,
                Err(error) => Then::Wrong(Wrong::corrupt(
                    error.message().unwrap_or("the data is corrupt"),
                )),
            },
        }
    }
}

/// A member that is written, without a name and a time: the same data gives the same file.
pub(super) struct Deflate(Compress);

impl Deflate {
    pub(super) fn new(level: i32) -> Self {
        let level = flate2::Compression::new(level.unsigned_abs());
        Self(Compress::new_gzip(level, WINDOW_BITS))
    }

    /// Compresses until the data is taken and there is room left.
    fn run(
        &mut self,
        mut data: &[u8],
        into: &mut Vec<u8>,
        flush: FlushCompress,
    ) -> io::Result<Status> {
        loop {
            into.reserve(ROOM);
            let before = self.0.total_in();
            let status = self.0.compress_vec(data, into, flush);
            let status = status.map_err(Error::other)?;
            data = &data[(self.0.total_in() - before) as usize..];
            if data.is_empty() && into.len() < into.capacity() || status == Status::StreamEnd {
                return Ok(status);
            }
        }
    }
}

impl Compressor for Deflate {
    fn compress(&mut self, data: &[u8], into: &mut Vec<u8>) -> io::Result<()> {
        self.run(data, into, FlushCompress::None).map(drop)
    }

    fn flush(&mut self, into: &mut Vec<u8>) -> io::Result<()> {
        self.run(&[], into, FlushCompress::Sync).map(drop)
    }

    fn finish(&mut self, into: &mut Vec<u8>) -> io::Result<()> {
        while self.run(&[], into, FlushCompress::Finish)? != Status::StreamEnd {}
        self.0.reset();
        Ok(())
    }
}
