use std::array;
use std::fmt;
use std::time::Duration;

use super::Value;
use super::lane::Slot;
use super::sum::nanoseconds;

/// The upper bounds of the buckets, in microseconds. The last bucket has none.
const BOUNDS: [u64; 16] = [
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000,
    1_000_000, 2_500_000, 5_000_000, 10_000_000,
];
const BUCKETS: usize = BOUNDS.len() + 1;

/// How long things take: counts lengths of time by buckets, from 100 µs to 10 s in steps of 1, 2.5
/// and 5, and adds them up.
///
/// # Cost
///
/// That of two [`Counter`](super::Counter)s, and a look for the bucket; eighteen numbers, of eight
/// bytes for each thread that counts.
pub struct Histogram {
    buckets: [Slot; BUCKETS],
    sum: Slot,
}

impl Histogram {
    /// Makes one that has seen nothing.
    #[must_use]
    pub fn new() -> Self {
        Self {
            buckets: array::from_fn(|_| Slot::take()),
            sum: Slot::take(),
        }
    }

    /// Counts a length of time. One that is as long as a bound belongs to the bucket below it.
    #[inline]
    pub fn observe(&self, length: Duration) {
        let length = nanoseconds(length);
        let bucket = BOUNDS.partition_point(|bound| bound * 1000 < length);
        self.buckets[bucket].add(1);
        self.sum.add(length);
    }

    /// What was counted, as far as this thread knows of it.
    #[must_use]
    pub fn distribution(&self) -> Distribution {
        Distribution {
            counts: self.buckets.each_ref().map(Slot::total),
            sum: Duration::from_nanos(self.sum.total()),
        }
    }
}

impl Default for Histogram {
    fn default() -> Self {
        Self::new()
    }
}

impl From<&Histogram> for Value {
    fn from(histogram: &Histogram) -> Self {
        Self::Histogram(Box::new(histogram.distribution()))
    }
}

impl fmt::Debug for Histogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.distribution().fmt(f)
    }
}

/// What a [`Histogram`] has counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Distribution {
    counts: [u64; BUCKETS],
    sum: Duration,
}

impl Distribution {
    /// How many lengths were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// All of them together.
    #[must_use]
    pub fn sum(&self) -> Duration {
        self.sum
    }

    /// How many there are in each bucket, with its upper bound; the last has none.
    pub fn buckets(&self) -> impl Iterator<Item = (Option<Duration>, u64)> + '_ {
        let bounds = BOUNDS.into_iter().map(Duration::from_micros);
        let bounds = bounds.map(Some).chain([None]);
        bounds.zip(self.counts.iter().copied())
    }

    #[cfg(any(feature = "openmetrics", feature = "metrics"))]
    pub(super) fn merge(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(other.counts) {
            *count = count.wrapping_add(more);
        }
        self.sum = self.sum.saturating_add(other.sum);
    }
}
