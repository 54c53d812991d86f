use std::sync::atomic::{AtomicUsize, Ordering};

use event_listener::{Event, listener};

use crate::flag::listening;

/// Lets so many in at the same time.
#[derive(Default)]
pub(super) struct Gate {
    inside: AtomicUsize,
    left: Event,
}

/// A place behind the gate; given back when it is dropped.
pub(super) struct Inside<'a>(&'a Gate);

impl Gate {
    pub(super) async fn enter(&self, most: usize) -> Inside<'_> {
        loop {
            if let Some(inside) = self.try_enter(most) {
                return inside;
            }
            listener!(self.left => left);
            listening();
            if let Some(inside) = self.try_enter(most) {
                return inside;
            }
            left.await;
        }
    }

    fn try_enter(&self, most: usize) -> Option<Inside<'_>> {
        let more = |inside: usize| (inside < most).then_some(inside + 1);
        let entered = self
            .inside
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, more);
        entered.is_ok().then(|| Inside(self))
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.inside.fetch_sub(1, Ordering::SeqCst);
        if self.0.left.total_listeners() > 0 {
            // For one more: those who were told of another place may not have taken it yet.
            self.0.left.notify_additional(1);
        }
    }
}
