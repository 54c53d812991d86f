//! What was read and nobody has asked for yet.

use std::mem;

/// Room before what is read in the background, for what is left of the buffer before it then: a line that is
/// cut in two, as a rule.
const MARGIN: usize = 4 << 10;

/// Bytes that were read ahead, behind some of those that were taken already.
#[derive(Default)]
pub(super) struct Ahead {
    bytes: Vec<u8>,
    /// Where the bytes that were taken begin; before them there is nothing but room.
    first: usize,
    /// Where the others begin.
    start: usize,
}

impl Ahead {
    /// An empty one with room for [`prepend`](Self::prepend), in the memory of this one.
    pub(super) fn emptied(mut self) -> Self {
        self.bytes.clear();
        self.bytes.resize(MARGIN, 0);
        Self {
            bytes: self.bytes,
            first: MARGIN,
            start: MARGIN,
        }
    }

    pub(super) fn rest(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    /// How many bytes before them are there still.
    pub(super) fn taken(&self) -> usize {
        self.start - self.first
    }

    /// Passes over so many bytes, or all that there are; gives how many. A buffer that one large read has
    /// made, which is much larger than `capacity`, does not stay.
    pub(super) fn consume(&mut self, count: usize, capacity: usize) -> usize {
        let count = count.min(self.rest().len());
        self.start += count;
        if self.rest().is_empty() && self.bytes.capacity() / 4 > capacity {
            *self = Self::default();
        }
        count
    }

    /// As [`consume`](Self::consume), and gives the bytes.
    pub(super) fn take(&mut self, count: usize, capacity: usize) -> Vec<u8> {
        let count = count.min(self.rest().len());
        if self.start == 0 && count == self.bytes.len() && count > capacity {
            return mem::take(&mut self.bytes);
        }
        let taken = self.rest()[..count].to_vec();
        self.consume(count, capacity);
        taken
    }

    /// Makes the rest begin so many bytes behind the first that is there.
    pub(super) fn move_to(&mut self, place: usize) {
        self.start = (self.first + place).min(self.bytes.len());
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.first = 0;
        self.start = 0;
    }

    /// Has `read` write up to so many bytes behind the rest; it gives how many it has written, and what this
    /// gives. What was taken goes.
    pub(super) fn extend<R>(
        &mut self,
        most: usize,
        read: impl FnOnce(&mut [u8]) -> (usize, R),
    ) -> (usize, R) {
        self.bytes.drain(self.first..self.start);
        self.start = self.first;
        let before = self.bytes.len();
        self.bytes.resize(before + most, 0);
        let (count, given) = read(&mut self.bytes[before..]);
        self.bytes.truncate(before + count);
        (count, given)
    }

    /// Puts bytes before the rest, in the place of what was taken.
    ///
    /// # Cost
    ///
    /// A copy of them; of the rest as well, where there is no room for them.
    pub(super) fn prepend(&mut self, bytes: &[u8]) {
        if let Some(place) = self.start.checked_sub(bytes.len()) {
            self.bytes[place..self.start].copy_from_slice(bytes);
            self.start = place;
        } else {
            self.bytes.splice(..self.start, bytes.iter().copied());
            self.start = 0;
        }
        self.first = self.start;
    }
}

/// What is read from while a job reads on behind it.
pub(super) struct Lent {
    pub(super) ahead: Ahead,
    /// The place in the file where it ends.
    pub(super) end: u64,
}

impl Lent {
    pub(super) fn position(&self) -> u64 {
        self.end - self.ahead.rest().len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(bytes: &[u8]) -> Ahead {
        let mut ahead = Ahead::default();
        read(&mut ahead, bytes);
        ahead
    }

    fn read(ahead: &mut Ahead, bytes: &[u8]) {
        let (count, ()) = ahead.extend(bytes.len() + 1, |room| {
            room[..bytes.len()].copy_from_slice(bytes);
            (bytes.len(), ())
        });
        assert_eq!(count, bytes.len());
    }

    #[test]
    fn what_is_left_stands_before_what_is_read_behind_it() {
        for (old, left) in [(3, 0), (3, 1), (3, 3), (3 * MARGIN, 2 * MARGIN)] {
            let bytes: Vec<u8> = (0..=u8::MAX).cycle().take(old).collect();
            let mut before = of(&bytes);
            before.consume(old - left, 1 << 20);
            let mut behind = Ahead::default().emptied();
            assert_eq!(behind.rest(), b"");
            read(&mut behind, b"new");
            behind.prepend(before.rest());
            assert_eq!(behind.rest(), [before.rest(), b"new"].concat());
            assert_eq!(behind.taken(), 0);
            assert_eq!(behind.take(left + 1, 1), [before.rest(), b"n"].concat());
            read(&mut behind, b"er");
            assert_eq!(behind.rest(), b"ewer");
        }
    }

    #[test]
    fn what_was_taken_can_be_gone_back_to_until_more_is_read() {
        let mut ahead = of(b"abcdef");
        assert_eq!(ahead.take(4, 64), b"abcd");
        assert_eq!(ahead.taken(), 4);
        ahead.move_to(1);
        assert_eq!(ahead.rest(), b"bcdef");
        assert_eq!(ahead.consume(2, 64), 2);
        read(&mut ahead, b"g");
        assert_eq!((ahead.rest(), ahead.taken()), (&b"defg"[..], 0));
        ahead.clear();
        assert_eq!((ahead.rest(), ahead.taken()), (&b""[..], 0));
    }

    #[test]
    fn a_large_buffer_does_not_stay() {
        let mut ahead = of(&[1; 100]);
        assert_eq!(ahead.take(100, 10), [1; 100]);
        assert_eq!(ahead.bytes.capacity(), 0);
        let mut ahead = of(&[1; 100]);
        assert_eq!(ahead.consume(200, 10), 100);
        assert_eq!(ahead.bytes.capacity(), 0);
    }
}
