//! Limits, hedging, fallback and their composition (deviation 22 from the original), exact in virtual time.
#![cfg(all(unix, feature = "macros", feature = "testing", feature = "simulation"))]
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails at that place"
)]

#[path = "resilience/attempts.rs"]
mod attempts;
#[path = "resilience/bulkhead.rs"]
mod bulkhead;
#[path = "resilience/errors.rs"]
mod errors;
#[path = "resilience/hedge.rs"]
mod hedge;
#[path = "resilience/layers.rs"]
mod layers;
#[path = "resilience/load_shed.rs"]
mod load_shed;
#[path = "resilience/policy.rs"]
mod policy;
#[path = "resilience/rate_limiter.rs"]
mod rate_limiter;
#[path = "shared/mod.rs"]
mod shared;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use aiomisc::{Runtime, time};

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn now() -> Instant {
    Runtime::current().unwrap().now()
}

/// Milliseconds since the first call of it.
#[derive(Clone)]
struct Watch(Instant);

impl Watch {
    fn begin() -> Self {
        Self(now())
    }

    fn millis(&self) -> u64 {
        u64::try_from((now() - self.0).as_millis()).unwrap()
    }
}

/// Counts what is alive, and the most that ever was.
#[derive(Clone, Default)]
struct Alive {
    now: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
}

struct One(Alive);

impl Alive {
    fn one(&self) -> One {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        One(self.clone())
    }

    fn count(&self) -> usize {
        self.now.load(Ordering::SeqCst)
    }

    fn most(&self) -> usize {
        self.most.load(Ordering::SeqCst)
    }
}

impl Drop for One {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, Ordering::SeqCst);
    }
}
