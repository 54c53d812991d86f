//! Calls gathered into batches (row C7 of the parity table).
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

#[path = "aggregate/attribute.rs"]
mod attribute;
#[path = "aggregate/errors.rs"]
mod errors;
#[cfg(feature = "tokio")]
#[path = "aggregate/hostile.rs"]
mod hostile;
#[path = "aggregate/promises.rs"]
mod promises;
#[cfg(feature = "tokio")]
#[path = "aggregate/runtimes.rs"]
mod runtimes;
#[path = "shared/mod.rs"]
mod shared;
#[path = "aggregate/stress.rs"]
mod stress;
#[cfg(feature = "simulation")]
#[path = "aggregate/times.rs"]
mod times;

use std::sync::{Arc, Mutex};

/// The batches that a function was called with.
#[derive(Clone, Default)]
struct Batches(Arc<Mutex<Vec<Vec<u32>>>>);

impl Batches {
    fn add(&self, values: &[u32]) {
        self.0.lock().unwrap().push(values.to_vec());
    }

    fn all(&self) -> Vec<Vec<u32>> {
        self.0.lock().unwrap().clone()
    }
}
