//! Files: modes, text and bytes, places, order, what is dropped, what is lost (row D7 of the parity table,
//! deviation 28).
#![cfg(all(
    unix,
    feature = "testing",
    feature = "macros",
    any(feature = "smol", feature = "tokio", feature = "simulation")
))]

#[path = "files/atomic.rs"]
mod atomic;
#[path = "files/bytes.rs"]
mod bytes;
#[path = "files/closing.rs"]
mod closing;
#[path = "files/compressed.rs"]
mod compressed;
#[path = "files/given_up.rs"]
mod given_up;
#[path = "files/modes.rs"]
mod modes;
#[path = "files/random.rs"]
mod random;
mod shared;
#[path = "files/text.rs"]
mod text;

use std::future::Future;
use std::pin::pin;

use ::smol::future::yield_now;

/// Chance by a seed: xorshift.
struct Dice(u64);

impl Dice {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).expect("31 bits") % limit
    }
}

/// How often random tests are repeated: more in the long tier.
#[allow(
    clippy::disallowed_methods,
    reason = "`./verify long` says it to the process"
)]
fn rounds(few: u64) -> u64 {
    let factor = std::env::var("AIOMISC_STRESS").ok();
    few * factor.and_then(|text| text.parse().ok()).unwrap_or(1)
}

/// Polls a future so many times, and drops it if it is not ready then.
async fn give_up<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    for _ in 0..polls {
        if let std::task::Poll::Ready(output) = futures::poll!(future.as_mut()) {
            return Some(output);
        }
        yield_now().await;
    }
    None
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}
