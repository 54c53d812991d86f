//! Objects that are expensive to make, such as connections: made once, lent many times.
//!
//! ```
//! # #[cfg(feature = "smol")] {
//! use aiomisc::{Pool, PoolManager};
//! use std::convert::Infallible;
//!
//! struct Engines;
//!
//! impl PoolManager for Engines {
//!     type Object = Vec<u64>;
//!     type Error = Infallible;
//!
//!     async fn create(&self) -> Result<Vec<u64>, Infallible> {
//!         Ok((0..1000).collect())
//!     }
//!
//!     async fn check(&self, engine: &mut Vec<u64>) -> Result<bool, Infallible> {
//!         Ok(engine.len() == 1000)
//!     }
//! }
//!
//! # aiomisc::adapters::Smol::new().block_on(async {
//! let pool = Pool::builder(Engines).maximum(4).build()?;
//! let engine = pool.acquire().await?;
//! assert_eq!(engine[7], 7);
//! drop(engine); // and the next one gets it
//! pool.close(std::time::Duration::from_secs(5)).await?;
//! # Ok::<(), aiomisc::BoxError>(())
//! # }).expect("it works"); }
//! ```
//!
//! # What holds
//!
//! - **First what is there.** An object is made only when none is idle and there are fewer than the maximum.
//! - **Nothing costs a place.** A making that fails, panics or is dropped gives its place to the next; so does
//!   an object whose check says no, fails, panics or is dropped, which is destroyed and never lent. After a
//!   check that said no or failed the same call goes on with another object.
//! - **Who waits longest is next.** What is given back goes straight to the head of the line, and who comes
//!   later cannot overtake. An unfair hand-over would be faster, because who gives an object back gets it
//!   again without waiting; but then others may wait for ever.
//! - **Callers may go at any moment.** Dropping a call of [`acquire`](Pool::acquire) loses neither an object
//!   nor a place, and the turn of who has left is the next one's.
//! - **Nothing is kept for ever** that should not be: a task looks after idle objects that grow old, as long
//!   as there are any, and one makes objects ahead, as long as there are too few.
//! - **Nobody waits for an end.** Objects are destroyed in tasks of their own, within a limit, and failures of
//!   that go to the log. At most as many as the maximum are destroyed while others take their places.
//!
//! `thread::ThreadPool`, a pool of threads, is another thing.

mod acquire;
mod builder;
mod destroy;
mod error;
mod fill;
mod guard;
mod handle;
mod item;
mod keep;
mod line;
mod manager;
mod places;
mod shared;
mod statistic;
mod turn;

pub use self::builder::{InvalidObjectPool, Lend, PoolBuilder};
pub use self::error::{AcquireError, AcquireStage, LeftInPool};
pub use self::guard::Pooled;
pub use self::handle::{Pool, PoolStatus};
pub use self::manager::PoolManager;
pub use self::statistic::PoolStatistic;
