//! The executors that the library runs on. Mechanism only: no limits, no retries, no time-outs.
//!
//! | adapter | feature | what it drives |
//! |---|---|---|
//! | [`Smol`] | `smol` | executors of its own, or one of yours, over the reactor of async-io |
//! | [`Tokio`] | `tokio` | the tokio runtime around, one of yours, or one of its own |
//! | [`Simulation`] | `simulation` | itself: virtual time, a network in memory, one thread, one seed |
//!
//! Each converts into a [`Runtime`](crate::runtime::Runtime).

#[cfg(all(unix, feature = "simulation"))]
pub mod simulation;
#[cfg(all(unix, feature = "smol"))]
mod smol;
#[cfg(all(unix, feature = "tokio"))]
mod tokio;

#[cfg(all(unix, feature = "simulation"))]
pub use self::simulation::Simulation;
#[cfg(all(unix, feature = "smol"))]
pub use self::smol::Smol;
#[cfg(all(unix, feature = "tokio"))]
pub use self::tokio::Tokio;
