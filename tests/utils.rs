//! The small helpers (rows C8, C9, C10 and C15 of the parity table).
#![cfg(all(
    unix,
    feature = "macros",
    feature = "testing",
    any(feature = "smol", feature = "tokio")
))]
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails at that place"
)]

#[path = "utils/cancel.rs"]
mod cancel;
#[path = "utils/pure.rs"]
mod pure;
#[path = "utils/select.rs"]
mod select;
#[path = "shared/mod.rs"]
mod shared;
#[path = "utils/shield.rs"]
mod shield;

use std::future::{pending, ready};
use std::time::Duration;

use aiomisc::{Runtime, time};

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Lets others run until this has come true.
async fn until(what: impl Fn() -> bool) {
    while !what() {
        time::sleep(Duration::from_micros(100)).await;
    }
}
