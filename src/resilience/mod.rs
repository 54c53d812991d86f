//! Around calls that may fail: limits on their number, a second attempt beside the first, an answer in place of
//! an error.
//!
//! | tool | what it does with a call |
//! |---|---|
//! | [`Bulkhead`] | lets so many through at the same time, the others wait in order |
//! | [`RateLimiter`] | lets so many through in a length of time, the others wait in order |
//! | [`LoadShed`] | refuses calls while those on their way take too long |
//! | [`Hedge`] | begins a second attempt beside one that takes long |
//! | [`Fallback`] | makes a value of an error |
//! | [`Policy`] | several of these around one call, with a [`Backoff`](crate::retry::Backoff) and a [`CircuitBreaker`](crate::circuit_breaker::CircuitBreaker), in an order that is written down |
//!
//! Each of them is a handle that is cloned, works alone, and is generic over the error of the operation, which
//! it gives back as it is in [`CallError::Failed`]. What was not let through is a [`Refusal`], which says at
//! which stage. Dropping a call at any point gives back what it had.
//!
//! With the feature `tower` each is also a `tower::Layer`, and so are [`Backoff`](crate::retry::Backoff),
//! [`Retry`](crate::retry::Retry) and [`CircuitBreaker`](crate::circuit_breaker::CircuitBreaker).

mod breaker;
mod bulkhead;
mod error;
mod fallback;
mod hedge;
#[cfg(feature = "tower")]
mod layer;
mod load_shed;
mod places;
mod policy;
mod rate_limiter;
mod statistic;

pub use self::breaker::{Breaker, BreakerGuard, NoBreaker};
pub use self::bulkhead::{Bulkhead, BulkheadBuilder, BulkheadPlace};
pub use self::error::{CallError, Refusal};
pub use self::fallback::{Fallback, NoFallback, Recover};
pub use self::hedge::{Hedge, HedgeBuilder};
#[cfg(feature = "tower")]
pub use self::layer::{Guarded, Recovered, Repeated};
#[cfg(feature = "tower")]
#[doc(hidden)]
pub use self::layer::{Once, Repeat};
pub use self::load_shed::{Load, LoadShed, LoadShedBuilder};
pub use self::policy::Policy;
pub use self::rate_limiter::{RateLimiter, RateLimiterBuilder};
pub use self::statistic::{
    BulkheadStatistic, FallbackStatistic, HedgeStatistic, LoadShedStatistic, RateLimiterStatistic,
};
