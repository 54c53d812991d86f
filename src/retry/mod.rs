//! Trying again: limits on the time of an attempt and of all of them, pauses between them, and an end.
//!
//! A [`Backoff`] is set up once and called from anywhere, also from many tasks at once:
//!
//! ```
//! # #[cfg(feature = "smol")] {
//! use aiomisc::retry::{Backoff, BackoffFor, Jitter, Pause};
//! use std::io;
//! use std::time::Duration;
//!
//! # async fn connect() -> io::Result<u8> { Ok(7) }
//! # aiomisc::adapters::Smol::new().block_on(async {
//! let backoff: BackoffFor<io::Error> = Backoff::builder()
//!     .attempt_timeout(Duration::from_secs(1))
//!     .deadline(Duration::from_secs(30))
//!     .pause(Pause::exponential(Duration::from_millis(50)).jitter(Jitter::Full))
//!     .giveup(|error: &io::Error| error.kind() == io::ErrorKind::PermissionDenied)
//!     .build()
//!     .expect("the settings are right");
//!
//! let connection = backoff.call(|_attempt| connect()).await?;
//! # assert_eq!(connection, 7);
//! # Ok::<(), io::Error>(())
//! # }).unwrap(); }
//! ```
//!
//! [`Backoff::retry`] has no limits on time and no pauses; `#[asyncbackoff]` and `#[asyncretry]` make an
//! `async fn` try again by itself, and `#[timeout]` gives it one limit.
//!
//! # What holds
//!
//! - An attempt that fails or takes too long is followed by another, unless, in this order: the error is none
//!   to be tried again ([`retry_if`](BackoffBuilder::retry_if)), there were as many attempts as there may be
//!   ([`max_tries`](BackoffBuilder::max_tries)), the error ends it ([`giveup`](BackoffBuilder::giveup)), or the
//!   [`RetryBudget`] is spent.
//! - A time-out is always tried again, while there are attempts left; a call that is dropped never is.
//! - In between is a pause, as the error asks for ([`retry_after`](BackoffBuilder::retry_after)) or as
//!   [`Pause`] says. Other tasks have a turn even if it has no length.
//! - At the deadline an attempt that goes on is dropped, and so is a pause. The call ends then with the outcome
//!   of the last attempt that came to its end, also if that was a time-out; or with a time-out if none has.
//! - An operation is polled before its time is looked at: one that is ready at once makes it in any time.
//! - Errors are given as they are, and need no bounds.
//! - Time and chance are those of the current runtime: exact in a simulation.
//!
//! # Figures
//!
//! [`BackoffStatistic`] for each [`Backoff`], [`RetryStatistic`] for each [`Retry`]; `sum_time` has no pauses in
//! it, and is measured for those that have a name.

mod attempt;
mod backoff;
mod budget;
mod builder;
mod call;
mod error;
mod pause;
mod rules;
mod statistic;

pub use self::attempt::Attempt;
pub use self::backoff::{Backoff, BackoffFor, Retry, RetryFor};
pub use self::budget::RetryBudget;
pub use self::builder::{BackoffBuilder, Timed, Untimed};
pub use self::error::{InvalidSetting, RetryError};
pub use self::pause::{Jitter, Pause};
pub use self::rules::{AnyError, OnError, Rules};
pub use self::statistic::{BackoffStatistic, RetryStatistic};

pub(crate) use self::backoff::timed;
#[cfg(feature = "macros")]
pub(crate) use self::backoff::untimed;
