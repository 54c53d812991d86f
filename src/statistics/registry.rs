//! Which instances there are.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::{Figure, Kind, Reader, Statistic};

/// The figures of one thing, such as one pool. A handle: cloning it is cheap, and the clones share the
/// figures, which vanish with the last of them.
///
/// It derefs to the struct that [`statistic!`](crate::statistic) has declared.
pub struct Instance<K>(Arc<Entry<K>>);

struct Entry<K> {
    number: u64,
    name: Option<Arc<str>>,
    figures: K,
}

impl<K: Statistic> Instance<K> {
    /// Makes figures, all at 0, which [`statistics`] shows from now on.
    #[must_use = "the figures vanish when this is dropped"]
    pub fn new(name: Option<Arc<str>>) -> Self {
        let figures = K::default();
        let mut registry = registry();
        let number = registry.next;
        registry.next += 1;
        let entry = Arc::new(Entry {
            number,
            name,
            figures,
        });
        let weak: Weak<dyn AnyEntry> = Arc::<Entry<K>>::downgrade(&entry);
        registry.live.insert(number, (K::KIND, weak));
        Self(entry)
    }

    /// What it is called, if it has a name.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.0.name.as_deref()
    }
}

impl<K> Clone for Instance<K> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K> Deref for Instance<K> {
    type Target = K;

    #[inline]
    fn deref(&self) -> &K {
        &self.0.figures
    }
}

impl<K: fmt::Debug> fmt::Debug for Instance<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Instance")
            .field("name", &self.0.name)
            .field("figures", &self.0.figures)
            .finish()
    }
}

impl<K> Drop for Entry<K> {
    fn drop(&mut self) {
        let gone = registry().live.remove(&self.number);
        drop(gone);
    }
}

/// An instance of whatever kind.
trait AnyEntry: Send + Sync {
    fn figures(&self) -> Vec<Figure>;
}

impl<K: Statistic> AnyEntry for Entry<K> {
    fn figures(&self) -> Vec<Figure> {
        let mut reader = Reader::new(K::KIND, self.name.as_ref());
        self.figures.read(&mut reader);
        reader.figures()
    }
}

type Live = (&'static Kind, Weak<dyn AnyEntry>);

/// Of the process: figures are of no runtime. The lock is held while an instance is entered, removed,
/// or the list is copied; no code of anybody else runs then.
struct Registry {
    next: u64,
    /// By number, which is the order in which they were made.
    live: BTreeMap<u64, Live>,
}

static REGISTRY: Mutex<Registry> = Mutex::new(Registry {
    next: 0,
    live: BTreeMap::new(),
});

fn registry() -> MutexGuard<'static, Registry> {
    REGISTRY.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Gives the figures of all that lives, of the whole process: by kind, and within a kind in the order
/// in which the instances were made.
///
/// ```
/// for figure in aiomisc::statistics() {
///     println!("{figure}");
/// }
/// ```
///
/// Each instance is read when the iterator comes to it. It is not kept alive: what is dropped before
/// is left out, and so is what is made meanwhile.
///
/// # Cost
///
/// Copies the list of instances under a lock; reading holds none, and stops nobody who counts.
pub fn statistics() -> Statistics {
    let live = registry().live.values().cloned().collect();
    Statistics::new(live)
}

/// Goes through all figures; from [`statistics`].
#[must_use = "it reads nothing until it is asked"]
pub struct Statistics {
    /// Not read yet.
    instances: VecDeque<Live>,
    /// Of the one that was read last.
    figures: VecDeque<Figure>,
}

impl Statistics {
    fn new(mut live: Vec<Live>) -> Self {
        live.sort_by_key(|(kind, _)| (kind.name(), kind.module()));
        Self {
            instances: live.into(),
            figures: VecDeque::new(),
        }
    }

    /// Leaves only the figures of this kind, and of those that have it as their parent.
    ///
    /// For several kinds see [`Figure::is_of`].
    pub fn of_kind<K: Statistic>(mut self) -> Self {
        self.instances.retain(|(kind, _)| kind.is::<K>());
        self.figures.retain(Figure::is_of::<K>);
        self
    }
}

impl Iterator for Statistics {
    type Item = Figure;

    fn next(&mut self) -> Option<Figure> {
        loop {
            if let Some(figure) = self.figures.pop_front() {
                return Some(figure);
            }
            let (_, instance) = self.instances.pop_front()?;
            if let Some(instance) = instance.upgrade() {
                self.figures = instance.figures().into();
            }
        }
    }
}

impl fmt::Debug for Statistics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Statistics")
            .field("instances", &self.instances.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    crate::statistic! {
        struct GoneStatistic { done: Counter }
    }

    /// A weak entry that stays would never be seen, and never be freed.
    #[test]
    fn nothing_is_left_of_an_instance() {
        let one = GoneStatistic::unnamed();
        let other = one.clone();
        let number = one.0.number;
        drop(one);
        assert!(super::registry().live.contains_key(&number));
        drop(other);
        assert!(!super::registry().live.contains_key(&number));
    }
}
