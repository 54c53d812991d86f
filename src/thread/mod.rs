//! Work that blocks its thread, and how it is kept from blocking everything else.
//!
//! ```
//! # #[cfg(feature = "smol")] {
//! use aiomisc::thread;
//!
//! # aiomisc::run(async {
//! let random = thread::run(|| {
//!     use std::io::Read;
//!     let mut bytes = vec![0; 100];
//!     std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
//!     std::io::Result::Ok(bytes)
//! });
//! assert_eq!(random.await.expect("no panic").expect("it can be read").len(), 100);
//! # }, []).expect("no service fails");
//! # }
//! ```
//!
//! | for | use |
//! |---|---|
//! | calls that block for a while | [`run`], `#[threaded]`: a [`ThreadPool`] of the entrypoint's `pool_size` |
//! | work that takes long, or for ever | [`run_separate`], `#[threaded_separate]`: a thread of its own |
//! | a future, from such a thread | [`sync_wait`] |
//!
//! # What holds
//!
//! - A job sees the runtime, the context variables and the `tracing` span of where it was submitted.
//! - A job is submitted by the call, and its result is what the [`Job`] gives when it is awaited. Dropping
//!   the `Job` before it has begun keeps it from running.
//! - A panic of a job is an error for who waits for it, and goes to the log when nobody does.
//! - In a simulation jobs run in lock-step with the tasks: one thing at a time, in an order that depends
//!   on the seed alone.

mod builder;
mod error;
mod gate;
pub mod iterate;
mod job;
mod pool;
mod queue;
mod runner;
mod separate;
mod statistic;
mod sync_wait;
mod worker;

pub use self::builder::{InvalidPool, Overflow, ThreadPoolBuilder};
pub(crate) use self::builder::{POOL_SIZES, default_size};
pub use self::error::JobError;
#[doc(inline)]
pub use self::iterate::{Iterate, IterateError, ThreadedIter, iterate, iterate_separate};
pub use self::job::Job;
pub use self::pool::{LeftOver, ThreadPool};
pub use self::separate::Separate;
pub use self::statistic::ThreadPoolStatistic;
pub use self::sync_wait::{SyncWaitError, sync_wait, sync_wait_on};
pub(crate) use self::worker::{Cut, cut, wait};

/// Runs a closure that may block on a thread of the [current pool](ThreadPool::current);
/// [`ThreadPool::run`] says the rest.
#[track_caller]
pub fn run<T, F>(job: F) -> Job<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    ThreadPool::current().run(job)
}

/// Runs a closure on a thread of its own: for work that takes long, or has no end. [`Separate`] has the
/// options.
#[track_caller]
pub fn run_separate<T, F>(job: F) -> Job<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    Separate::new().run(job)
}
