//! Pools of objects (row C1 of the parity table).
#![cfg(all(
    unix,
    feature = "macros",
    feature = "testing",
    any(feature = "smol", feature = "tokio", feature = "simulation")
))]
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails at that place"
)]

#[path = "pool/closing.rs"]
mod closing;
#[path = "pool/faults.rs"]
mod faults;
#[path = "pool/hostile.rs"]
mod hostile;
#[path = "pool/lab.rs"]
mod lab;
#[path = "pool/promises.rs"]
mod promises;
#[path = "shared/mod.rs"]
mod shared;
#[path = "pool/stress.rs"]
mod stress;
#[cfg(feature = "simulation")]
#[path = "pool/times.rs"]
mod times;
