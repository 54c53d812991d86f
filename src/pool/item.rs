use std::time::{Duration, Instant};

use super::places::Rests;
use crate::chance::Chance;
use crate::runtime::Runtime;

/// An object, and for how long the pool keeps it. It goes through many hands, so that it is moved as a pointer.
#[derive(Debug)]
pub(super) struct Item<T> {
    pub(super) object: T,
    /// How long this one may be idle.
    patience: Option<Duration>,
    idle_until: Option<Instant>,
    dies: Option<Instant>,
}

/// How long objects are kept: each between once and twice as long, so that those that were made together
/// do not all go together.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) idle: Option<Duration>,
    pub(super) life: Option<Duration>,
}

impl Limits {
    pub(super) fn are_there(&self) -> bool {
        self.idle.is_some() || self.life.is_some()
    }
}

impl<T> Item<T> {
    /// One that was made just now.
    pub(super) fn new(object: T, limits: &Limits, runtime: &Runtime) -> Box<Self> {
        let mut item = Box::new(Self {
            object,
            patience: None,
            idle_until: None,
            dies: None,
        });
        if limits.are_there() {
            let mut chance = Chance::of(runtime);
            let mut spread = |limit: Duration| limit.saturating_add(chance.up_to(limit));
            item.patience = limits.idle.map(&mut spread);
            // What the clock cannot show does not come.
            item.dies = limits
                .life
                .and_then(|life| runtime.now().checked_add(spread(life)));
        }
        item
    }

    pub(super) fn is_too_old(&self, now: Instant) -> bool {
        self.dies.is_some_and(|dies| dies <= now)
    }

    /// Is idle from now on.
    pub(super) fn rest(&mut self, now: Instant) {
        self.idle_until = self.patience.and_then(|patience| now.checked_add(patience));
    }
}

impl<T> Rests for Box<Item<T>> {
    fn idle_until(&self) -> Option<Instant> {
        self.idle_until
    }

    fn dies(&self) -> Option<Instant> {
        self.dies
    }
}
