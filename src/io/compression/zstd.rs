//! Zstandard (RFC 8878), by the format's own library.

use std::io;

use zstd::stream::raw::{CParameter, DParameter, Decoder, Encoder, InBuffer, Operation, OutBuffer};

use super::damage::Wrong;
use super::reading::{Begin, Format, Step, Then};
use super::writing::Compressor;

/// What each frame begins with.
const MAGIC: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];
/// What frames begin with that have nothing for us, but for the low half of the first byte.
const SKIPPED: [u8; 4] = [0x50, 0x2A, 0x4D, 0x18];
/// The largest window, as a power of two: 128 MiB, which `zstd` makes without asking.
const WINDOW_BITS: u32 = 27;
/// How many bytes the header of a frame is told by.
const FIRST: usize = 5;
/// How much room is made at once for what is compressed.
const ROOM: usize = 32 * 1024;

/// A frame that is read.
///
/// The library gives nothing of what it has decoded in the call that fails. So it gets what it asks for, a block at
/// most, and nothing before it has given all that is decoded.
pub(super) struct Zstd {
    frame: Decoder<'static>,
    /// How many bytes it asks for.
    asks: usize,
    /// There may be more decoded than there was room for.
    has_more: bool,
}

impl Zstd {
    pub(super) fn new() -> io::Result<Self> {
        let mut frame = Decoder::new()?;
        frame.set_parameter(DParameter::WindowLogMax(WINDOW_BITS))?;
        Ok(Self {
            frame,
            asks: FIRST,
            has_more: false,
        })
    }

    fn run(&mut self, bytes: &[u8], into: &mut [u8]) -> Step {
        let room = into.len();
        let mut bytes = InBuffer::around(bytes);
        let mut into = OutBuffer::around(into);
        let result = self.frame.run(&mut bytes, &mut into);
        let (taken, given) = (bytes.pos(), into.pos());
        self.has_more = given == room;
        let then = match result {
            Ok(0) => Then::End,
            Ok(asks) => {
                self.asks = asks;
                Then::More
            }
            Err(error) => Then::Wrong(Wrong::corrupt(error.to_string())),
        };
        Step { taken, given, then }
    }
}

impl Format for Zstd {
    const NAME: &'static str = "zstd";
    const MAY_BE_EMPTY: bool = false;
    const TELLING: usize = MAGIC.len();

    fn begin(&mut self, bytes: &[u8], _first: bool) -> Begin {
        let frame = bytes.iter().zip(&MAGIC).all(|(byte, magic)| byte == magic);
        let skipped = bytes[0] & 0xF0 == SKIPPED[0]
            && bytes[1..]
                .iter()
                .zip(&SKIPPED[1..])
                .all(|(byte, magic)| byte == magic);
        if !frame && !skipped {
            return Begin::Wrong;
        }
        self.asks = FIRST;
        self.has_more = false;
        match self.frame.reinit() {
            Ok(()) => Begin::Member,
            Err(_) => Begin::Wrong,
        }
    }

    fn decode(&mut self, bytes: &[u8], into: &mut [u8]) -> Step {
        if self.has_more {
            let step = self.run(&[], into);
            if step.given > 0 || !matches!(step.then, Then::More) {
                return step;
            }
        }
        let asked = bytes.len().min(self.asks);
        self.run(&bytes[..asked], into)
    }
}

/// A frame that is written, with a checksum.
pub(super) struct Frames(Encoder<'static>);

impl Frames {
    pub(super) fn new(level: i32) -> io::Result<Self> {
        let mut frame = Encoder::new(level)?;
        frame.set_parameter(CParameter::ChecksumFlag(true))?;
        Ok(Self(frame))
    }

    /// Has the frame give something until it says that nothing is left.
    fn drain(
        &mut self,
        into: &mut Vec<u8>,
        give: impl Fn(&mut Encoder<'static>, &mut OutBuffer<'_, Vec<u8>>) -> io::Result<usize>,
    ) -> io::Result<()> {
        loop {
            into.reserve(ROOM);
            let end = into.len();
            if give(&mut self.0, &mut OutBuffer::around_pos(into, end))? == 0 {
                return Ok(());
            }
        }
    }
}

impl Compressor for Frames {
    fn compress(&mut self, data: &[u8], into: &mut Vec<u8>) -> io::Result<()> {
        let mut data = InBuffer::around(data);
        while data.pos() < data.src.len() {
            into.reserve(ROOM);
            let end = into.len();
            self.0
                .run(&mut data, &mut OutBuffer::around_pos(into, end))?;
        }
        Ok(())
    }

    fn flush(&mut self, into: &mut Vec<u8>) -> io::Result<()> {
        self.drain(into, |frame, into| frame.flush(into))
    }

    fn finish(&mut self, into: &mut Vec<u8>) -> io::Result<()> {
        self.drain(into, |frame, into| frame.finish(into, true))?;
        self.0.reinit()
    }
}
