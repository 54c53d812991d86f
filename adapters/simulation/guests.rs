use std::collections::BTreeMap;
use std::sync::Arc;

use super::shared::Shared;
use super::task::Task;

/// The futures that threads block on while another thread drives. They poll them by themselves.
#[derive(Default)]
pub(super) struct Guests {
    by_id: BTreeMap<u64, (Arc<Task>, bool)>,
}

impl Guests {
    pub(super) fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// Whether one of them runs, or is about to: something may come of it.
    pub(super) fn run(&self) -> bool {
        let mut guests = self.by_id.values();
        guests.any(|(task, polled)| *polled || task.is_woken())
    }

    pub(super) fn set_polled(&mut self, id: u64, polled: bool) {
        if let Some(guest) = self.by_id.get_mut(&id) {
            guest.1 = polled;
        }
    }
}

/// A thread that waits for its turn.
pub(super) struct Guest<'a> {
    shared: &'a Shared,
    id: u64,
}

impl<'a> Guest<'a> {
    pub(super) fn new(shared: &'a Shared, root: &Arc<Task>) -> Self {
        let guest = (Arc::clone(root), false);
        shared.lock().guests.by_id.insert(root.id, guest);
        let id = root.id;
        Self { shared, id }
    }
}

impl Drop for Guest<'_> {
    fn drop(&mut self) {
        let mut world = self.shared.lock();
        world.guests.by_id.remove(&self.id);
        let parked = world.parked;
        drop(world);
        // The driver may have waited for this one alone.
        if parked {
            self.shared.notify();
        }
    }
}
