use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::error::InvalidSetting;

/// The parts of a token that are counted.
const PARTS: u64 = 1000;

/// Limits how many retries there are in all, so that a peer in trouble is not buried under them. A handle:
/// clones share the budget, and so may any number of [`Backoff`](super::Backoff)s.
///
/// It is a bucket of tokens, full at first. Each retry takes one, and where there is none left, the call ends
/// with its last error. Each call that succeeds puts a part of a token back, 0.1 by default, so that in the
/// long run there is one retry for ten successes. This is the retry quota that the SDKs of AWS have in their
/// standard mode, in the terms of the retry budgets of Finagle; there is no time in it.
///
/// ```
/// use aiomisc::retry::{Backoff, RetryBudget};
///
/// let budget = RetryBudget::new(20, 0.2)?;
/// let backoff = Backoff::builder().max_tries(5).budget(&budget).build()?;
/// assert_eq!(budget.tokens(), 20.0);
/// # Ok::<(), aiomisc::retry::InvalidSetting>(())
/// ```
///
/// # Cancel safety
///
/// A call that is dropped before the retry that it took a token for has begun puts the token back.
///
/// # Cost
///
/// A success reads one number while the bucket is full, and writes it otherwise. No lock, no clock.
#[derive(Clone)]
pub struct RetryBudget {
    bucket: Arc<Bucket>,
}

struct Bucket {
    parts: AtomicU64,
    capacity: u64,
    refund: u64,
}

impl RetryBudget {
    /// Makes a full one: with so many tokens (1 to 1 000 000), and with so much of one back for each success
    /// (0.001 to 1, to the thousandth).
    ///
    /// # Errors
    ///
    /// [`InvalidSetting`] if one of the two is something else.
    pub fn new(capacity: u32, refund: f64) -> Result<Self, InvalidSetting> {
        if !(1..=1_000_000).contains(&capacity) {
            let expected = "a number from 1 to 1000000";
            return Err(InvalidSetting::new(
                "capacity of the budget",
                expected,
                capacity,
            ));
        }
        if !(0.001..=1.0).contains(&refund) {
            let expected = "a number from 0.001 to 1";
            return Err(InvalidSetting::new(
                "refund of the budget",
                expected,
                refund,
            ));
        }
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is between one and a thousand"
        )]
        let refund = (refund * 1000.0).round() as u64;
        Ok(Self::of(u64::from(capacity) * PARTS, refund))
    }

    fn of(capacity: u64, refund: u64) -> Self {
        let bucket = Bucket {
            parts: AtomicU64::new(capacity),
            capacity,
            refund,
        };
        Self {
            bucket: Arc::new(bucket),
        }
    }

    /// How many tokens there are, with parts.
    #[must_use]
    pub fn tokens(&self) -> f64 {
        let parts = self.bucket.parts.load(Ordering::Relaxed);
        // Both are far below what a float can count.
        f64::from(u32::try_from(parts).unwrap_or(u32::MAX)) / 1000.0
    }

    /// Takes a token, which goes back unless it is spent.
    pub(crate) fn take(&self) -> Option<Token<'_>> {
        let taken = self
            .bucket
            .parts
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |parts| {
                parts.checked_sub(PARTS)
            });
        taken.is_ok().then(|| Token(Some(&self.bucket)))
    }

    /// A call has succeeded.
    #[inline]
    pub(crate) fn refund(&self) {
        if self.bucket.parts.load(Ordering::Relaxed) < self.bucket.capacity {
            self.bucket.put(self.bucket.refund);
        }
    }
}

impl Bucket {
    #[cold]
    fn put(&self, parts: u64) {
        let fill = |has: u64| Some((has + parts).min(self.capacity));
        // It cannot fail: there is always something to store.
        let _ = self
            .parts
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, fill);
    }
}

/// The right to one retry.
pub(crate) struct Token<'a>(Option<&'a Bucket>);

impl Token<'_> {
    /// The retry begins.
    pub(crate) fn spend(mut self) {
        self.0 = None;
    }
}

impl Drop for Token<'_> {
    fn drop(&mut self) {
        if let Some(bucket) = self.0 {
            bucket.put(PARTS);
        }
    }
}

/// 100 tokens, and 0.1 back for each success.
impl Default for RetryBudget {
    fn default() -> Self {
        Self::of(100 * PARTS, 100)
    }
}

impl fmt::Debug for RetryBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetryBudget")
            .field("tokens", &self.tokens())
            .field("capacity", &(self.bucket.capacity / PARTS))
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_that_is_not_spent_goes_back() {
        let budget = RetryBudget::new(1, 0.25).unwrap();
        let token = budget.take().expect("it is full");
        assert!(budget.take().is_none());
        drop(token);
        budget.take().expect("it is full again").spend();
        for tokens in [0.25, 0.5, 0.75, 1.0, 1.0] {
            assert!(budget.tokens() == 1.0 || budget.take().is_none());
            budget.refund();
            assert!((budget.tokens() - tokens).abs() < f64::EPSILON);
        }
    }

    #[test]
    fn what_cannot_be_is_told() {
        let problem = |capacity, refund| RetryBudget::new(capacity, refund).unwrap_err();
        assert_eq!(
            problem(0, 0.1).to_string(),
            "capacity of the budget: expected a number from 1 to 1000000, got 0"
        );
        assert_eq!(problem(1_000_001, 0.1).setting(), "capacity of the budget");
        for refund in [0.0, -0.1, 1.1, f64::NAN, f64::INFINITY] {
            assert_eq!(problem(1, refund).setting(), "refund of the budget");
        }
    }
}
