//! Many calls made one: those that come within a short time are worked on together.
//!
//! ```
//! # #[cfg(feature = "smol")] {
//! use aiomisc::Aggregator;
//! use futures::future::join_all;
//! use std::time::Duration;
//!
//! # aiomisc::adapters::Smol::new().block_on(async {
//! let squares = Aggregator::builder()
//!     .leeway(Duration::from_millis(10))
//!     .max_count(64)
//!     .build(|numbers: Vec<u64>| async move {
//!         println!("{} numbers at once", numbers.len());
//!         numbers.into_iter().map(|number| number * number).collect::<Vec<_>>()
//!     })?;
//!
//! let calls = join_all((0..5).map(|number| squares.call(number))).await;
//! let results: Result<Vec<_>, _> = calls.into_iter().collect();
//! assert_eq!(results?, [0, 1, 4, 9, 16]);
//! # Ok::<(), aiomisc::BoxError>(())
//! # }).expect("it works"); }
//! ```
//!
//! # What holds
//!
//! - A batch begins when its window, which is counted from its **first** call, is over, or when it is full; and
//!   not before one of the [places](AggregatorBuilder::most_batches) for batches is free.
//! - It runs in a task of its own, which belongs to none of the callers: whoever goes neither stops nor repeats
//!   it. The value of a caller that has gone before the beginning is left out, and a batch that everybody has
//!   left does not run.
//! - Each call gets an answer: the result of its position, or the one that was sent for it; a
//!   [`ResultNotSetError`] if there is none; the error of the batch, in an `Arc`, or its panic.
//! - The runtime is looked up anew for each call, so that an aggregator in a `static` outlives any runtime. Each
//!   runtime has batches of its own, and places for them: calls on one never wait for another, as in tests that run
//!   side by side. What they share is the limit on calls that wait. When a runtime ends under a batch, its calls
//!   get [`AggregateError::Ended`].

mod arg;
mod batch;
mod builder;
mod engine;
mod error;
mod gate;
mod handle;
mod output;
mod statistic;

pub use self::arg::{Arg, ArgSender};
pub use self::builder::{AggregatorBuilder, InvalidAggregator};
pub use self::error::{AggregateError, ResultNotSetError};
pub use self::handle::{Aggregator, AggregatorAsync};
pub use self::output::{BatchArgs, BatchEnd, BatchInput, BatchOutput};
pub use self::statistic::AggregateStatistic;
