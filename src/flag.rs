//! A switch that is thrown once and can be waited for.

use std::sync::atomic::{AtomicBool, Ordering};

use event_listener::{Event, listener};

#[derive(Debug, Default)]
pub(crate) struct Flag {
    set: AtomicBool,
    event: Event,
}

impl Flag {
    /// Throws the switch; whether it was not thrown before.
    pub(crate) fn set(&self) -> bool {
        let first = !self.is_set() && !self.set.swap(true, Ordering::SeqCst);
        if first {
            self.event.notify(usize::MAX);
        }
        first
    }

    pub(crate) fn is_set(&self) -> bool {
        self.set.load(Ordering::SeqCst)
    }

    /// Waits until the switch is thrown. Dropping the wait is harmless.
    pub(crate) async fn wait(&self) {
        while !self.is_set() {
            listener!(self.event => thrown);
            if self.is_set() {
                return;
            }
            thrown.await;
        }
    }
}
