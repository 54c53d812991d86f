//! The tasks that are alive, with their names.

use std::fmt;
use std::panic::Location;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::origin::Origin;

/// So many threads can come and go at the same time without waiting for each other.
const SHARDS: usize = 8;

/// A list that has become empty gives back memory for more tasks than this.
const KEPT: usize = 1024;

/// What is known of a task that is alive; from [`Entrypoint::tasks`](crate::Entrypoint::tasks).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TaskInfo {
    /// The name given, the service's name, or the type of the future.
    pub name: String,
    /// Where it was spawned.
    pub spawned_at: &'static Location<'static>,
    /// Whether it is a closure on a thread of its own, which nothing can end from outside.
    pub blocking: bool,
}

impl TaskInfo {
    pub(crate) fn new(origin: &Origin, kind: Kind) -> Self {
        Self {
            name: origin.name.to_string(),
            spawned_at: origin.location,
            blocking: kind != Kind::Future,
        }
    }
}

/// ``task `name` (spawned at src/main.rs:12:5)``
impl fmt::Display for TaskInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if self.blocking {
            "blocking job"
        } else {
            "task"
        };
        write!(f, "{what} `{}` (spawned at {})", self.name, self.spawned_at)
    }
}

/// Lists the tasks of one entrypoint from their spawn until their futures are dropped.
pub(crate) struct TaskList {
    shards: [Shard; SHARDS],
    slow_poll: Option<Duration>,
}

/// On a cache line of its own.
#[derive(Default)]
#[repr(align(128))]
struct Shard(Mutex<Slab>);

impl TaskList {
    /// Makes an empty list. Polls of its tasks that take at least `slow_poll` go to the log; with
    /// `None` nobody looks at the clock.
    pub(crate) fn new(slow_poll: Option<Duration>) -> Self {
        Self {
            shards: Default::default(),
            slow_poll,
        }
    }

    pub(crate) fn slow_poll(&self) -> Option<Duration> {
        self.slow_poll
    }

    /// Lists a task until the value returned is dropped.
    ///
    /// # Cost
    ///
    /// Two turns of a lock that is hardly ever waited for, and no allocation of its own.
    pub(super) fn enter(self: &Arc<Self>, task: Arc<dyn Listed>, kind: Kind) -> Listing {
        // Spread by the address, which costs nothing and needs no luck.
        let address = Arc::as_ptr(&task).cast::<()>().addr();
        let shard = (address >> 7) % SHARDS;
        let place = self.shards[shard].slab().insert((task, kind));
        Listing {
            list: Arc::clone(self),
            shard,
            place,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.slab().len).sum()
    }

    /// What is alive now, in no order, as far as `wanted` wants the name.
    pub(crate) fn infos(&self, wanted: impl Fn(&str) -> bool) -> Vec<TaskInfo> {
        self.infos_of(|name, _| wanted(name))
    }

    /// As `infos`, without the jobs of pools.
    pub(crate) fn infos_but_jobs(&self) -> Vec<TaskInfo> {
        self.infos_of(|_, kind| kind != Kind::Job)
    }

    fn infos_of(&self, wanted: impl Fn(&str, Kind) -> bool) -> Vec<TaskInfo> {
        let mut infos = Vec::new();
        for shard in &self.shards {
            for (task, kind) in shard.slab().iter() {
                let origin = task.origin();
                if wanted(&origin.name, *kind) {
                    infos.push(TaskInfo::new(origin, *kind));
                }
            }
        }
        infos
    }
}

impl fmt::Debug for TaskList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskList")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

impl Shard {
    /// Nothing of the user's is run or dropped under this lock.
    fn slab(&self) -> MutexGuard<'_, Slab> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What can be listed: it knows where it comes from.
pub(crate) trait Listed: Send + Sync {
    fn origin(&self) -> &Origin;
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Future,
    Blocking,
    /// A job whose pool names it when it is left.
    Job,
}

/// A task's place in the list; dropping it takes the task off.
pub(crate) struct Listing {
    list: Arc<TaskList>,
    shard: usize,
    place: usize,
}

impl Listing {
    /// From which length on a poll is to be told of, if anybody wants to know.
    pub(super) fn slow_poll(&self) -> Option<Duration> {
        self.list.slow_poll
    }
}

impl Drop for Listing {
    fn drop(&mut self) {
        let task = self.list.shards[self.shard].slab().remove(self.place);
        // Without the lock: with the last handle goes a result of the user's.
        drop(task);
    }
}

type Entry = (Arc<dyn Listed>, Kind);

/// Entries that keep their places, which are used again.
#[derive(Default)]
struct Slab {
    places: Vec<Place>,
    /// The free place that is taken next; behind the last one when none is free.
    free: usize,
    len: usize,
}

enum Place {
    Taken(Entry),
    /// With the free place after it.
    Free(usize),
}

impl Slab {
    fn insert(&mut self, entry: Entry) -> usize {
        let place = self.free;
        match self.places.get_mut(place) {
            Some(free) => {
                if let Place::Free(next) = std::mem::replace(free, Place::Taken(entry)) {
                    self.free = next;
                }
            }
            None => {
                self.places.push(Place::Taken(entry));
                self.free = self.places.len();
            }
        }
        self.len += 1;
        place
    }

    fn remove(&mut self, place: usize) -> Option<Entry> {
        let taken = std::mem::replace(self.places.get_mut(place)?, Place::Free(self.free));
        let Place::Taken(entry) = taken else {
            return None;
        };
        self.free = place;
        self.len -= 1;
        if self.len == 0 && self.places.len() > KEPT {
            *self = Self::default();
        }
        Some(entry)
    }

    fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.places.iter().filter_map(|place| match place {
            Place::Taken(entry) => Some(entry),
            Place::Free(_) => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::Name;

    struct Named(Origin);

    impl Listed for Named {
        fn origin(&self) -> &Origin {
            &self.0
        }
    }

    fn named(name: impl Into<std::borrow::Cow<'static, str>>) -> Arc<dyn Listed> {
        Arc::new(Named(Origin {
            name: Name::Given(name.into()),
            location: Location::caller(),
        }))
    }

    fn names(list: &TaskList) -> Vec<String> {
        let mut names: Vec<_> = list.infos(|_| true).into_iter().map(|i| i.name).collect();
        names.sort();
        names
    }

    #[test]
    fn tasks_are_listed_until_they_leave_whatever_the_order() {
        let list = Arc::new(TaskList::new(None));
        let a = list.enter(named("a"), Kind::Future);
        let b = list.enter(named("b"), Kind::Blocking);
        assert_eq!(names(&list), ["a", "b"]);
        drop(a);
        let c = list.enter(named("c"), Kind::Future);
        assert_eq!(names(&list), ["b", "c"]);
        assert!(list.infos(|name| name == "b")[0].blocking);
        drop((b, c));
        assert_eq!(list.len(), 0);
        assert!(names(&list).is_empty());
    }

    #[test]
    fn places_are_used_again_and_given_back_after_a_rush() {
        let mut slab = Slab::default();
        let rush: Vec<_> = (0..2 * KEPT)
            .map(|number| slab.insert((named(number.to_string()), Kind::Future)))
            .collect();
        for place in rush.iter().rev().skip(1) {
            assert!(slab.remove(*place).is_some());
        }
        let again = slab.insert((named("again"), Kind::Future));
        assert!(again < rush.len(), "a place is used again");
        assert!(slab.remove(again).is_some());
        assert!(slab.remove(again).is_none(), "it has left already");
        assert!(slab.remove(rush[rush.len() - 1]).is_some());
        assert_eq!((slab.len, slab.places.capacity()), (0, 0));
    }

    #[test]
    fn many_threads_come_and_go_and_nobody_is_lost() {
        let list = Arc::new(TaskList::new(None));
        std::thread::scope(|threads| {
            for thread in 0..4 {
                let list = &list;
                threads.spawn(move || {
                    let mut staying = Vec::new();
                    for turn in 0..500 {
                        let name = format!("{thread}/{turn}");
                        let listing = list.enter(named(name.clone()), Kind::Future);
                        assert_eq!(list.infos(|other| other == name).len(), 1);
                        if turn % 3 == 0 {
                            staying.push(listing);
                        }
                    }
                    assert!(list.len() >= staying.len());
                });
            }
        });
        assert_eq!(list.len(), 0);
    }
}
