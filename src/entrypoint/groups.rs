use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use event_listener::{Event, listener};

use super::Entrypoint;

/// The groups of services that come or go while the program runs. Its stop waits for them: what fails
/// there is the program's.
#[derive(Default)]
pub(super) struct Groups {
    underway: AtomicUsize,
    over: Event,
}

impl Groups {
    /// Waits until none is under way.
    pub(super) async fn all_over(&self) {
        while self.underway.load(Ordering::SeqCst) > 0 {
            listener!(self.over => over);
            if self.underway.load(Ordering::SeqCst) == 0 {
                return;
            }
            over.await;
        }
    }
}

/// A group that is under way, until this is dropped.
pub(super) struct Underway(Arc<Groups>);

impl Entrypoint {
    pub(super) fn group_underway(&self) -> Underway {
        let groups = &self.shared.groups;
        groups.underway.fetch_add(1, Ordering::SeqCst);
        Underway(Arc::clone(groups))
    }
}

impl Drop for Underway {
    fn drop(&mut self) {
        if self.0.underway.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.0.over.notify(usize::MAX);
        }
    }
}
