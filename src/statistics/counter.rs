use std::fmt;

use super::Value;
use super::lane::Slot;

/// Counts what happens.
///
/// It never goes down, and is exact, however many threads count.
///
/// # Cost
///
/// Counting takes no lock and no locked instruction: one or two nanoseconds, on any number of threads
/// at once (up to 64; those beyond share an atomic). It takes eight bytes for each thread that counts.
#[derive(Debug)]
pub struct Counter {
    slot: Slot,
}

impl Counter {
    /// Makes one that says 0.
    #[must_use]
    pub fn new() -> Self {
        Self { slot: Slot::take() }
    }

    /// Counts one.
    #[inline]
    pub fn add_one(&self) {
        self.slot.add(1);
    }

    /// Counts one, and says how many there are by now in the part of the count that this thread adds to:
    /// enough to do something at one in so many.
    #[inline]
    pub(crate) fn add_one_here(&self) -> u64 {
        self.slot.add(1)
    }

    /// Counts one in each of these.
    #[inline]
    pub(crate) fn add_one_to_each<const N: usize>(counters: [&Self; N]) {
        Slot::add_one_to_each(counters.map(|counter| &counter.slot));
    }

    /// Counts several at once.
    #[inline]
    pub fn add(&self, count: u64) {
        self.slot.add(count);
    }

    /// What was counted, as far as this thread knows of it: all that happened before, not
    /// necessarily what happens on other threads this moment.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.slot.total()
    }
}

impl Default for Counter {
    fn default() -> Self {
        Self::new()
    }
}

impl From<&Counter> for Value {
    fn from(counter: &Counter) -> Self {
        Self::Counter(counter.total())
    }
}

/// The total.
impl fmt::Display for Counter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.total().fmt(f)
    }
}
