use std::time::Duration;

use super::Value;
use super::lane::Slot;

/// Adds up lengths of time; shown in seconds.
///
/// It is exact to the nanosecond, and begins anew after 584 years. Its cost is that of a
/// [`Counter`](super::Counter).
#[derive(Debug)]
pub struct Sum {
    nanoseconds: Slot,
}

impl Sum {
    /// Makes one that says 0.
    #[must_use]
    pub fn new() -> Self {
        Self {
            nanoseconds: Slot::take(),
        }
    }

    /// Adds a length of time, of which there is no more than 584 years.
    #[inline]
    pub fn add(&self, length: Duration) {
        self.nanoseconds.add(nanoseconds(length));
    }

    /// What was added, as far as this thread knows of it.
    #[must_use]
    pub fn total(&self) -> Duration {
        Duration::from_nanos(self.nanoseconds.total())
    }
}

impl Default for Sum {
    fn default() -> Self {
        Self::new()
    }
}

impl From<&Sum> for Value {
    fn from(sum: &Sum) -> Self {
        Self::Sum(sum.total())
    }
}

/// Without the division that `Duration::as_nanos` leads to.
#[inline]
pub(super) fn nanoseconds(length: Duration) -> u64 {
    let seconds = length.as_secs().saturating_mul(1_000_000_000);
    seconds.saturating_add(u64::from(length.subsec_nanos()))
}
