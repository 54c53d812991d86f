use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use super::PoolManager;
use super::item::Item;
use super::shared::{Shared, Sharing};

/// An object that is lent; from [`Pool::acquire`](super::Pool::acquire). Dropping it gives the object back,
/// to the one who has waited longest.
///
/// Dropping never blocks and awaits nothing. An object that is too old by then, or whose pool is closed, is
/// destroyed in the background.
#[must_use = "dropping it gives the object back"]
pub struct Pooled<M: PoolManager> {
    shared: Arc<Shared<M>>,
    /// Taken out only by what takes this guard as well.
    item: Option<Box<Item<M::Object>>>,
    /// Whether it may be lent again; not while its check is under way.
    good: bool,
}

impl<M: PoolManager> Pooled<M> {
    #[inline]
    pub(super) fn unchecked(shared: &Arc<Shared<M>>, item: Box<Item<M::Object>>) -> Self {
        Self {
            shared: Arc::clone(shared),
            item: Some(item),
            good: false,
        }
    }

    #[inline]
    pub(super) fn checked(mut self) -> Self {
        self.good = true;
        self
    }

    pub(super) fn into_item(mut self) -> Box<Item<M::Object>> {
        let item = self.item.take();
        item.unwrap_or_else(|| unreachable!("it is there until the drop"))
    }

    pub(super) fn object_mut(&mut self) -> &mut M::Object {
        self
    }

    /// Takes the object out of the pool, which may then make another one. Nobody destroys it but the caller.
    #[must_use = "the object is the caller's now"]
    pub fn take(self) -> M::Object {
        let shared = Arc::clone(&self.shared);
        let item = self.into_item();
        shared.free();
        item.object
    }

    /// Has the object destroyed, in the background: for one that is known to be broken.
    pub fn discard(mut self) {
        self.good = false;
    }
}

impl<M: PoolManager> Deref for Pooled<M> {
    type Target = M::Object;

    #[inline]
    fn deref(&self) -> &M::Object {
        match &self.item {
            Some(item) => &item.object,
            None => unreachable!("it is there until the drop"),
        }
    }
}

impl<M: PoolManager> DerefMut for Pooled<M> {
    #[inline]
    fn deref_mut(&mut self) -> &mut M::Object {
        match &mut self.item {
            Some(item) => &mut item.object,
            None => unreachable!("it is there until the drop"),
        }
    }
}

impl<M: PoolManager> Drop for Pooled<M> {
    #[inline]
    fn drop(&mut self) {
        match self.item.take() {
            Some(item) if self.good => self.shared.give_back(item),
            Some(item) => self.shared.discard(item),
            None => {}
        }
    }
}

/// Without the object, which need not be `Debug`.
impl<M: PoolManager> fmt::Debug for Pooled<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pooled")
            .field("pool", &self.shared.options.name)
            .finish_non_exhaustive()
    }
}
