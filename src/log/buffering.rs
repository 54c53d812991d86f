use std::time::Duration;

/// How records wait for the thread that writes them.
///
/// The thread writes when half of the records are there, when the interval is over since the first
/// one, or when a flush is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Buffering {
    pub(super) records: usize,
    pub(super) interval: Duration,
    pub(super) overflow: Overflow,
}

/// What becomes of a record when the buffer is full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Overflow {
    /// Who logs waits for room; the default. Where nothing was written for five seconds, the place is
    /// taken for stuck, and records are dropped until it moves again: a program does not stand still
    /// for ever because nobody reads its log.
    #[default]
    Wait,
    /// The record is dropped, and counted.
    Drop,
}

impl Buffering {
    /// Room for so many records (at least 1). Default: 1024.
    #[must_use]
    pub fn records(mut self, records: usize) -> Self {
        self.records = records.max(1);
        self
    }

    /// How long a record waits, at most. Default: 0.2 s.
    #[must_use]
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// What becomes of a record when there is no room.
    #[must_use]
    pub fn overflow(mut self, overflow: Overflow) -> Self {
        self.overflow = overflow;
        self
    }
}

impl Default for Buffering {
    fn default() -> Self {
        Self {
            records: 1024,
            interval: Duration::from_millis(200),
            overflow: Overflow::Wait,
        }
    }
}
