//! The side of a file that blocks: what its jobs do, with the data that travels with them.

use std::fs::File;
use std::io::{self, SeekFrom};
use std::mem;
use std::sync::Arc;

use super::ahead::{Ahead, Lent};
use super::channel::Channel;
use super::error::{invalid, unsupported};
use super::mode::Mode;

/// A job reads so much at once at most, however much is asked for, or half of what it has read before: so a
/// read without an end can be given up.
const LARGEST_READ: usize = 8 << 20;

/// How much is read ahead at first.
const FIRST_STRIDE: usize = 64 << 10;

/// A file with its buffers. It is in the handle while nothing is done, and in a job else.
pub(super) struct Engine {
    channel: Channel,
    mode: Mode,
    seekable: bool,
    capacity: usize,
    /// How much is read ahead at once: twice as much each time, up to the capacity.
    stride: usize,
    ahead: Ahead,
    /// Memory for the next buffer that is lent.
    spare: Ahead,
    /// What is to be written, but for the first `written` bytes.
    back: Vec<u8>,
    written: usize,
    /// Where `ahead` begins, or what is left of `back`.
    position: u64,
    /// Where the channel is.
    actual: u64,
    /// Where the content of a compressed file ends, once that is known.
    end: Option<u64>,
    /// Whether it is appended to a content of unknown length: `position` counts what was appended.
    adrift: bool,
    /// What reading failed with behind what is read ahead.
    failure: Option<io::Error>,
    /// Whether a compressor may hold on to what was written.
    dirty: bool,
}

impl Engine {
    pub(super) fn new(
        channel: Channel,
        mode: Mode,
        capacity: usize,
        place: Option<u64>,
        was_empty: bool,
    ) -> Box<Self> {
        // Nothing is known of the length of what is compressed already.
        let counted = place.filter(|_| channel.is_plain());
        let adrift = !channel.is_plain() && mode.appends() && place != Some(0);
        Box::new(Self {
            channel,
            mode,
            seekable: place.is_some(),
            capacity,
            stride: FIRST_STRIDE.min(capacity),
            ahead: Ahead::default(),
            spare: Ahead::default(),
            back: Vec::new(),
            written: 0,
            position: counted.unwrap_or(0),
            actual: counted.unwrap_or(0),
            end: (was_empty && mode.writable()).then_some(0),
            adrift,
            failure: None,
            dirty: false,
        })
    }

    // ---- what the handle does by itself, without blocking ----

    pub(super) fn seekable(&self) -> bool {
        self.seekable
    }

    pub(super) fn shared(&self) -> Option<&Arc<File>> {
        self.channel.shared()
    }

    pub(super) fn is_plain(&self) -> bool {
        self.channel.is_plain()
    }

    pub(super) fn ahead(&self) -> &[u8] {
        self.ahead.rest()
    }

    /// Where the next read or write is. In a file that is appended to it is a guess while something is to
    /// be written.
    pub(super) fn position(&self) -> u64 {
        self.position + self.to_write() as u64
    }

    /// How many bytes are to be written.
    pub(super) fn to_write(&self) -> usize {
        self.back.len() - self.written
    }

    /// Whether a flush has something to do.
    pub(super) fn is_dirty(&self) -> bool {
        self.dirty || self.to_write() > 0
    }

    pub(super) fn consume(&mut self, count: usize) {
        self.position += self.ahead.consume(count, self.capacity) as u64;
    }

    /// Takes so many bytes of what is read ahead.
    pub(super) fn take(&mut self, count: usize) -> Vec<u8> {
        let taken = self.ahead.take(count, self.capacity);
        self.position += taken.len() as u64;
        taken
    }

    /// Whether there may be something to read in the background, in a compressed file that is read alone, and
    /// is worth it: a whole buffer was read before, and no more than two are there.
    pub(super) fn can_read_on(&self, count: u64) -> bool {
        let alone = !self.is_plain() && self.seekable && !self.mode.writable();
        let whole = self.capacity.min(LARGEST_READ);
        alone
            && self.failure.is_none()
            && count == whole as u64
            && self.ahead().len() / 2 <= self.capacity
    }

    /// Gives away what is read ahead, to be read from while a job reads on behind it.
    pub(super) fn lend(&mut self) -> Lent {
        self.position += self.ahead().len() as u64;
        let next = mem::take(&mut self.spare).emptied();
        Lent {
            ahead: mem::replace(&mut self.ahead, next),
            end: self.position,
        }
    }

    /// Takes back what is left of what was lent, before what was read since.
    pub(super) fn take_back(&mut self, lent: Lent) {
        self.position = lent.position();
        self.ahead.prepend(lent.ahead.rest());
        self.spare = lent.ahead;
    }

    /// Makes ready for a write at the logical position.
    pub(super) fn turn_to_writing(&mut self) -> io::Result<()> {
        if !self.seekable {
            return Ok(());
        }
        let inside = !self.is_plain() && !self.channel.is_writing() && !self.mode.appends();
        if inside && self.end != Some(self.position) {
            return Err(unsupported(
                "a compressed file can be written at its end alone: read up to there first",
            ));
        }
        self.forget_ahead();
        Ok(())
    }

    /// Goes to another place, without a call of the system: the next read or write goes there. Only with a
    /// plain file, and with nothing to be written.
    pub(super) fn go_to(&mut self, place: u64) -> io::Result<u64> {
        if i64::try_from(place).is_err() {
            return Err(invalid(format!("there is no place {place} in a file")));
        }
        let end = self.position + self.ahead().len() as u64;
        let first = self.position - self.ahead.taken() as u64;
        if (first..=end).contains(&place) {
            // What was read ahead holds on.
            self.ahead
                .move_to(usize::try_from(place - first).unwrap_or(0));
            self.position = place;
        } else {
            self.forget_ahead();
            self.position = place;
        }
        Ok(place)
    }

    fn forget_ahead(&mut self) {
        self.ahead.clear();
        self.failure = None;
    }

    /// Takes what is to be written, behind what there is. An empty buffer is left in its place.
    pub(super) fn load(&mut self, data: &mut Vec<u8>) {
        if self.back.is_empty() {
            mem::swap(&mut self.back, data);
        } else {
            self.back.append(data);
        }
        // A buffer that one large write has made does not stay.
        if data.capacity() / 4 > self.capacity {
            *data = Vec::new();
        }
    }

    // ---- what jobs do ----

    /// Reads some more, so many bytes at most. Gives how many; 0 is the end.
    pub(super) fn fill(&mut self, most: usize) -> io::Result<u64> {
        self.drain()?;
        if let Some(failure) = self.failure.take() {
            return Err(failure);
        }
        self.align_reading()?;
        // Half as much again at least, so that a long line is not looked through too often. A pipe gives
        // little at a time, whatever it is asked for.
        let before = self.ahead().len();
        let limit = match self.seekable {
            true => LARGEST_READ.max(before / 2),
            false => 0,
        };
        let largest = self.capacity.min(LARGEST_READ);
        let mut most = most.clamp(1, limit.max(largest));
        if most <= self.capacity {
            most = most.min(self.stride);
            self.stride = (2 * self.stride).min(largest);
        }
        // A compressor gives little at a time; a pipe what there is.
        let whole = !self.is_plain() && self.seekable;
        let channel = &mut self.channel;
        let (count, outcome) = self.ahead.extend(most, |room| {
            let mut end = 0;
            loop {
                match channel.read(&mut room[end..]) {
                    Ok(0) => return (end, Ok(true)),
                    Ok(count) => end += count,
                    Err(error) => return (end, Err(error)),
                }
                if !whole || end == room.len() {
                    return (end, Ok(false));
                }
            }
        });
        let count = count as u64;
        self.actual += count;
        match outcome {
            // After the good data; a decoder that is asked again says it again.
            Err(error) if count > 0 => self.failure = Some(error),
            Err(error) => return Err(error),
            Ok(true) => self.end = Some(self.actual),
            Ok(false) => {}
        }
        Ok(count)
    }

    /// Reads the next buffer before anybody asks for it. What fails is told to who does.
    pub(super) fn read_on(&mut self) -> u64 {
        self.fill(self.capacity).unwrap_or_else(|error| {
            self.failure = Some(error);
            0
        })
    }

    /// Puts the channel where the next byte after what is read ahead is.
    fn align_reading(&mut self) -> io::Result<()> {
        if !self.is_plain() && self.channel.start_reading()? {
            self.actual = 0;
            self.forget_ahead();
        }
        if !self.is_plain() && self.adrift {
            self.skip_to(u64::MAX)?;
            self.position = self.actual;
            self.adrift = false;
        }
        let wanted = self.position + self.ahead().len() as u64;
        if wanted == self.actual || !self.seekable {
            return Ok(());
        }
        if self.is_plain() {
            self.channel.seek(SeekFrom::Start(wanted))?;
            self.actual = wanted;
            return Ok(());
        }
        if wanted < self.actual {
            self.channel.rewind()?;
            self.actual = 0;
        }
        self.skip_to(wanted)?;
        Ok(())
    }

    /// Reads on up to a place, or to the end before it.
    fn skip_to(&mut self, place: u64) -> io::Result<()> {
        let mut scratch = vec![0; 16 * 1024];
        while self.actual < place {
            let left = usize::try_from(place - self.actual).unwrap_or(usize::MAX);
            let most = left.min(scratch.len());
            let count = self.channel.read(&mut scratch[..most])?;
            if count == 0 {
                self.end = Some(self.actual);
                break;
            }
            self.actual += count as u64;
        }
        Ok(())
    }

    /// Writes all that is to be written; what could not be written stays.
    pub(super) fn drain(&mut self) -> io::Result<()> {
        if self.to_write() == 0 {
            self.back.clear();
            self.written = 0;
            return Ok(());
        }
        self.align_writing()?;
        while self.to_write() > 0 {
            let count = self.channel.write(&self.back[self.written..])?;
            self.written += count;
            self.position += count as u64;
            self.actual += count as u64;
        }
        self.back.clear();
        self.written = 0;
        if self.mode.appends() && self.seekable && self.is_plain() {
            self.actual = self.channel.seek(SeekFrom::Current(0))?;
            self.position = self.actual;
        }
        Ok(())
    }

    fn align_writing(&mut self) -> io::Result<()> {
        if !self.is_plain() {
            if self.channel.start_writing()? {
                match self.end {
                    Some(end) => self.position = end,
                    None => self.adrift = true,
                }
            }
            self.end = None;
            self.dirty = true;
            return Ok(());
        }
        if self.seekable && !self.mode.appends() && self.actual != self.position {
            self.channel.seek(SeekFrom::Start(self.position))?;
            self.actual = self.position;
        }
        Ok(())
    }

    pub(super) fn flush(&mut self) -> io::Result<u64> {
        self.drain()?;
        self.channel.flush()?;
        self.dirty = false;
        Ok(0)
    }

    /// Goes to a place, with calls of the system.
    pub(super) fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.drain()?;
        if self.is_plain() {
            let place = match to {
                SeekFrom::Start(place) => place,
                SeekFrom::Current(by) => moved(self.position, by)?,
                SeekFrom::End(_) => {
                    let place = self.channel.seek(to)?;
                    self.forget_ahead();
                    self.actual = place;
                    place
                }
            };
            return self.go_to(place);
        }
        self.find_place()?;
        let place = match to {
            SeekFrom::Start(place) => place,
            SeekFrom::Current(by) => moved(self.position, by)?,
            SeekFrom::End(by) => moved(self.end()?, by)?,
        };
        if place == self.position {
            return Ok(place);
        }
        if !self.mode.readable() {
            return Err(unsupported(
                "in a compressed file that is written one cannot go to another place",
            ));
        }
        if (self.position..=self.position + self.ahead().len() as u64).contains(&place) {
            self.consume(usize::try_from(place - self.position).unwrap_or(0));
            return Ok(place);
        }
        self.forget_ahead();
        let before = mem::replace(&mut self.position, place);
        if let Err(error) = self.align_reading() {
            // The good data before the error can be read from where it was.
            self.position = before;
            return Err(error);
        }
        self.position = self.actual;
        Ok(self.position)
    }

    /// Finds out where it is after it was appended to a compressed file.
    fn find_place(&mut self) -> io::Result<()> {
        if self.adrift && self.mode.readable() {
            self.align_reading()?;
        }
        Ok(())
    }

    /// Where the content of a compressed file ends.
    fn end(&mut self) -> io::Result<u64> {
        if !self.mode.readable() {
            return Ok(self.position);
        }
        self.align_reading()?;
        // What was read ahead is not followed by where the channel is then: that is seen when it is read.
        self.skip_to(u64::MAX)?;
        Ok(self.actual)
    }

    /// The first four bytes of the file behind their number, as those of one number.
    pub(super) fn first_bytes(&mut self) -> io::Result<u64> {
        self.drain()?;
        self.find_place()?;
        let place = self.position;
        if let Err(error) = self.look_at_beginning() {
            self.forget_ahead();
            self.position = place;
            return Err(error);
        }
        let some = &self.ahead()[..self.ahead().len().min(4)];
        let mut packed = [0; 8];
        packed[4..4 + some.len()].copy_from_slice(some);
        packed[0] = u8::try_from(some.len()).unwrap_or(4);
        self.seek(SeekFrom::Start(place))?;
        Ok(u64::from_be_bytes(packed))
    }

    fn look_at_beginning(&mut self) -> io::Result<()> {
        self.seek(SeekFrom::Start(0))?;
        while self.ahead().len() < 4 && self.fill(4)? > 0 {}
        Ok(())
    }

    /// Cuts the file, or makes it longer with zeros. The position stays.
    pub(super) fn truncate(&mut self, size: Option<u64>) -> io::Result<u64> {
        self.drain()?;
        if !self.is_plain() {
            return Err(unsupported("a compressed file cannot be truncated"));
        }
        let size = size.unwrap_or(self.position);
        self.channel.file()?.set_len(size)?;
        // What was read ahead may be gone.
        self.forget_ahead();
        Ok(size)
    }

    pub(super) fn sync(&mut self, metadata: bool) -> io::Result<u64> {
        self.flush()?;
        if metadata {
            self.channel.file()?.sync_all()?;
        } else {
            self.channel.file()?.sync_data()?;
        }
        Ok(0)
    }

    /// Writes what is left, and makes what is compressed complete.
    pub(super) fn finish(&mut self) -> io::Result<u64> {
        self.drain()?;
        self.channel.finish()?;
        self.dirty = false;
        Ok(0)
    }

    /// Closes the file after `finish`.
    pub(super) fn close(&mut self) -> io::Result<u64> {
        self.finish()?;
        self.channel.close();
        Ok(0)
    }

    /// Whether `finish` has something to do.
    pub(super) fn is_unfinished(&self) -> bool {
        self.to_write() > 0 || self.channel.is_writing()
    }
}

/// A place so many bytes away.
pub(super) fn moved(from: u64, by: i64) -> io::Result<u64> {
    from.checked_add_signed(by)
        .ok_or_else(|| invalid("there is no place before the beginning of a file"))
}
