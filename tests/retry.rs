//! Limits of time and trying again (rows C2, C3, C4 and C18 of the parity table), exact in virtual time.
#![cfg(all(unix, feature = "macros", feature = "testing", feature = "simulation"))]
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails at that place"
)]

#[path = "retry/budget.rs"]
mod budget;
#[path = "retry/cancelled.rs"]
mod cancelled;
#[path = "retry/figures.rs"]
mod figures;
#[path = "retry/limits.rs"]
mod limits;
#[path = "retry/macros.rs"]
mod macros;
#[path = "retry/pauses.rs"]
mod pauses;
#[path = "retry/rules.rs"]
mod rules;
#[path = "shared/mod.rs"]
mod shared;

use std::cell::RefCell;
use std::time::{Duration, Instant};

use aiomisc::retry::Attempt;
use aiomisc::{Runtime, time};

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn now() -> Instant {
    Runtime::current().unwrap().now()
}

/// Measures on the clock of the runtime.
struct Watch(Instant);

impl Watch {
    fn begin() -> Self {
        Self(now())
    }

    fn millis(&self) -> u128 {
        (now() - self.0).as_millis()
    }
}

/// An operation whose attempts take so long each, and end so; more than are foreseen are like the last one.
/// It notes when they began.
struct Script<E> {
    watch: Watch,
    steps: Vec<(u64, Result<u32, E>)>,
    began: RefCell<Vec<u128>>,
    attempts: RefCell<Vec<Attempt>>,
}

impl<E: Clone> Script<E> {
    fn new(steps: impl Into<Vec<(u64, Result<u32, E>)>>) -> Self {
        Self {
            watch: Watch::begin(),
            steps: steps.into(),
            began: RefCell::default(),
            attempts: RefCell::default(),
        }
    }

    async fn run(&self, attempt: Attempt) -> Result<u32, E> {
        let number = self.began.borrow().len();
        self.began.borrow_mut().push(self.watch.millis());
        self.attempts.borrow_mut().push(attempt);
        let (takes, outcome) = &self.steps[number.min(self.steps.len() - 1)];
        if *takes > 0 {
            time::sleep(ms(*takes)).await;
        }
        outcome.clone()
    }

    fn began(&self) -> Vec<u128> {
        self.began.borrow().clone()
    }
}
