//! A circuit breaker: where too many calls fail, it lets none through for a while, and then a few that show
//! whether it can go on.
//!
//! ```
//! # #[cfg(feature = "smol")] {
//! use aiomisc::circuit_breaker::{BreakerError, CircuitBreaker};
//! use std::io;
//! use std::time::Duration;
//!
//! # async fn fetch() -> io::Result<u8> { Ok(7) }
//! # aiomisc::adapters::Smol::new().block_on(async {
//! // When 20 % of the calls within 20 seconds fail, it is broken for 5 seconds.
//! let breaker = CircuitBreaker::builder(0.2, Duration::from_secs(20))
//!     .broken_time(Duration::from_secs(5))
//!     .name("github")
//!     .build()?;
//!
//! match breaker.call_async(fetch()).await {
//!     Ok(answer) => assert_eq!(answer, 7),
//!     Err(BreakerError::Broken(broken)) => println!("again in {:?}", broken.retry_after()),
//!     Err(error) => println!("it has failed: {error}"),
//! }
//! # Ok::<(), aiomisc::BoxError>(())
//! # }).unwrap(); }
//! ```
//!
//! `#[cutout]` has a function call itself through a breaker of its own, and a
//! [`Policy`](crate::resilience::Policy) takes a breaker as one of its parts.
//!
//! # States
//!
//! | it is | calls | until |
//! |---|---|---|
//! | [passing](State::Passing) | go through, and are counted in the window | the window has [enough calls](CircuitBreakerBuilder::minimum_calls), of which a share has failed that is the error ratio or greater |
//! | [broken](State::Broken) | are refused | the [broken time](CircuitBreakerBuilder::broken_time) is over |
//! | [recovering](State::Recovering) | go through by [chance, or a few at once](Recovery), the others are refused | passing: the [recovery time](CircuitBreakerBuilder::recovery_time) is over and a call has succeeded, or enough probes have; broken: half the error ratio of those that went through have failed |
//!
//! After a recovery it does not break within the [passing time](CircuitBreakerBuilder::passing_time).
//!
//! # What holds
//!
//! - An error is a failure unless [`failure_if`](CircuitBreakerBuilder::failure_if) says otherwise, and so are a
//!   panic and a call that is [too slow](CircuitBreakerBuilder::slow_call). A call that is dropped, and an error
//!   that is no failure, are neither: they do not count.
//! - A refused call counts nowhere but in the [figures](CircuitBreakerStatistic).
//! - A failure is counted at its time, and only in the state in which its call began.
//! - The window is as long as it is set, of ten parts, and goes on by a part at a time.
//! - A success while it is passing reads no clock, but for the very first call and one in 64 of each thread. Those
//!   since the last look, which is one of these, a failure or a question, are spread evenly over the time since
//!   then: at most 63 of each thread are counted earlier or later than they were. With
//!   [`slow_call`](CircuitBreakerBuilder::slow_call) each is counted at its time.
//! - A probe that is dropped, or has no outcome in its time, gives its place back.
//! - Times are those of the current runtime, and so is chance: exact in a simulation. What shares a breaker
//!   shares a clock.
//! - A time that is over is over, whether somebody calls or not; it is noticed, and told, at the next call or
//!   question.
//!
//! A change of the state is an event of `tracing`, a warning where it breaks, and an item of
//! [`changes`](CircuitBreaker::changes).

mod breaker;
mod builder;
mod core;
mod error;
mod feed;
mod guard;
mod inspect;
mod machine;
mod places;
mod state;
mod statistic;
mod window;

pub use self::breaker::{CircuitBreaker, CircuitBreakerFor};
pub use self::builder::CircuitBreakerBuilder;
pub use self::error::{BreakerError, CircuitBroken};
pub use self::feed::Changes;
pub use self::guard::Guard;
#[cfg(feature = "macros")]
#[doc(hidden)]
pub use self::inspect::By;
pub use self::inspect::{FailureIf, Inspect};
pub use self::state::{Change, Counts, Reason, Recovery, State};
pub use self::statistic::CircuitBreakerStatistic;
