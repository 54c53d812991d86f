use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use super::Value;
use super::lane::Slot;

/// How many there are now: goes up and down.
///
/// # Cost
///
/// A change is one atomic operation on one number, which threads that change it at the same time have
/// to hand to each other.
pub struct Gauge {
    /// The `i64` in two's complement.
    cell: &'static AtomicU64,
    _slot: Slot,
}

impl Gauge {
    /// Makes one that says 0.
    #[must_use]
    pub fn new() -> Self {
        let slot = Slot::take();
        Self {
            cell: slot.shared(),
            _slot: slot,
        }
    }

    /// Says that there are so many.
    #[inline]
    pub fn set(&self, value: i64) {
        self.cell.store(value.cast_unsigned(), Ordering::Relaxed);
    }

    /// Says that there are so many more, or less.
    #[inline]
    pub fn add(&self, change: i64) {
        self.cell
            .fetch_add(change.cast_unsigned(), Ordering::Relaxed);
    }

    /// Says that there is one more, until the value returned is dropped: nothing that is cancelled or
    /// panics is forgotten.
    ///
    /// ```
    /// # use aiomisc::statistics::Gauge;
    /// let running = Gauge::new();
    /// let one = running.hold();
    /// assert_eq!(running.value(), 1);
    /// drop(one);
    /// assert_eq!(running.value(), 0);
    /// ```
    #[inline]
    #[must_use = "there is one less when this is dropped"]
    pub fn hold(&self) -> Held<'_> {
        self.add(1);
        Held(self)
    }

    /// How many there are.
    #[must_use]
    pub fn value(&self) -> i64 {
        self.cell.load(Ordering::Relaxed).cast_signed()
    }
}

impl Default for Gauge {
    fn default() -> Self {
        Self::new()
    }
}

impl From<&Gauge> for Value {
    fn from(gauge: &Gauge) -> Self {
        Self::Gauge(gauge.value())
    }
}

/// The value.
impl fmt::Display for Gauge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value().fmt(f)
    }
}

impl fmt::Debug for Gauge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Gauge").field(&self.value()).finish()
    }
}

/// One that a [`Gauge`] counts; from [`Gauge::hold`].
#[derive(Debug)]
pub struct Held<'a>(&'a Gauge);

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.add(-1);
    }
}

/// A number with a fraction that is set from time to time, such as a ratio.
pub struct FloatGauge {
    /// The bits of the `f64`.
    cell: &'static AtomicU64,
    _slot: Slot,
}

impl FloatGauge {
    /// Makes one that says 0.
    #[must_use]
    pub fn new() -> Self {
        let slot = Slot::take();
        Self {
            cell: slot.shared(),
            _slot: slot,
        }
    }

    /// Puts a number in place of the one before.
    #[inline]
    pub fn set(&self, value: f64) {
        self.cell.store(value.to_bits(), Ordering::Relaxed);
    }

    /// The number that was set last.
    #[must_use]
    pub fn value(&self) -> f64 {
        f64::from_bits(self.cell.load(Ordering::Relaxed))
    }
}

impl Default for FloatGauge {
    fn default() -> Self {
        Self::new()
    }
}

impl From<&FloatGauge> for Value {
    fn from(gauge: &FloatGauge) -> Self {
        Self::Float(gauge.value())
    }
}

/// The value.
impl fmt::Display for FloatGauge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value().fmt(f)
    }
}

impl fmt::Debug for FloatGauge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FloatGauge").field(&self.value()).finish()
    }
}
