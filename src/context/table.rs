//! Finds the place of a key without a lock.

use std::any::Any;
use std::array;
use std::sync::{Mutex, OnceLock, PoisonError};

use super::key::{Id, Key};
use super::slot::{AnySlot, Slot};

const CHAINS: usize = 32;

/// A place for each key that was ever asked for or set. Places are added and stay, so that looking
/// one up needs no lock; a program has no more of them than it has names of keys.
pub(super) struct Table {
    chains: [Link; CHAINS],
    /// Held while a place is added; whether the context is closed.
    closed: Mutex<bool>,
}

type Link = OnceLock<Box<Node>>;

struct Node {
    id: Id,
    slot: Box<dyn AnySlot>,
    next: Link,
}

impl Table {
    pub(super) fn new() -> Self {
        Self {
            chains: array::from_fn(|_| Link::new()),
            closed: Mutex::new(false),
        }
    }

    #[inline]
    pub(super) fn find<T: Send + Sync + 'static>(&self, key: &Key<T>) -> Option<&Slot<T>> {
        self.look(&key.id()).ok()
    }

    pub(super) fn find_or_add<T: Send + Sync + 'static>(&self, key: &Key<T>) -> &Slot<T> {
        let id = key.id();
        if let Ok(slot) = self.look(&id) {
            return slot;
        }
        let closed = self.closed.lock().unwrap_or_else(PoisonError::into_inner);
        // Another thread may have been faster.
        match self.look(&id) {
            Ok(slot) => slot,
            Err(end) => {
                let node = end.get_or_init(|| {
                    Box::new(Node {
                        id,
                        slot: Box::new(Slot::<T>::new(id.label, *closed)),
                        next: Link::new(),
                    })
                });
                slot_of(node)
            }
        }
    }

    /// No place is open after this: neither those that are here nor those that come.
    pub(super) fn close(&self) {
        *self.closed.lock().unwrap_or_else(PoisonError::into_inner) = true;
        for slot in self.slots() {
            slot.close();
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        *self.closed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn slots(&self) -> impl Iterator<Item = &dyn AnySlot> {
        self.chains.iter().flat_map(|chain| {
            let nodes = std::iter::successors(chain.get(), |node| node.next.get());
            nodes.map(|node| &*node.slot)
        })
    }

    /// The place of the key, or the end of the chain where it would be.
    #[inline]
    fn look<T: Send + Sync + 'static>(&self, id: &Id) -> Result<&Slot<T>, &Link> {
        #[allow(
            clippy::cast_possible_truncation,
            reason = "the lower bits are those that count"
        )]
        let mut link = &self.chains[id.hash as usize % CHAINS];
        while let Some(node) = link.get() {
            if node.id.is(id) {
                return Ok(slot_of(node));
            }
            link = &node.next;
        }
        Err(link)
    }
}

#[inline]
fn slot_of<T: Send + Sync + 'static>(node: &Node) -> &Slot<T> {
    let slot: &dyn Any = &*node.slot;
    slot.downcast_ref()
        .expect("the place of a key is of the key's type")
}
