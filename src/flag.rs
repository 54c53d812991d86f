//! A switch that is thrown once and can be waited for.

use std::sync::atomic::{AtomicBool, Ordering, fence};

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
            wake_all(&self.event);
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
            listening();
            if self.is_set() {
                return;
            }
            thrown.await;
        }
    }
}

/// Wakes all who listen, after what they look for was written. Where nobody ever listened this costs
/// next to nothing: `Event::notify` allocates.
///
/// Whoever begins to listen and looks for something that no lock guards calls [`listening`] in between:
/// with a fence on both sides, either it sees what was written, or it is seen here.
pub(crate) fn wake_all(event: &Event) {
    fence(Ordering::SeqCst);
    if event.total_listeners() > 0 {
        event.notify(usize::MAX);
    }
}

/// The other side of [`wake_all`].
pub(crate) fn listening() {
    fence(Ordering::SeqCst);
}
