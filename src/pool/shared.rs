//! What the handles of a pool, its guards and its tasks share.

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::task::Waker;
use std::time::{Duration, Instant};

use event_listener::{Event, listener};

use super::PoolManager;
use super::destroy::{Burial, abandon, destroy};
use super::fill::fill;
use super::item::{Item, Limits};
use super::keep::keep;
use super::places::{Counts, Grant, Places, Returned, Rules, Stir};
use super::statistic::PoolStatistic;
use super::turn::Host;
use crate::flag::{Flag, listening, wake_all};
use crate::runtime::{NoRuntime, Runtime};
use crate::statistics::Instance;

pub(super) struct Shared<M: PoolManager> {
    pub(super) manager: Arc<M>,
    pub(super) options: Options,
    kept: Mutex<Kept<Box<Item<M::Object>>>>,
    /// Looked up by the first who needs it.
    runtime: OnceLock<Runtime>,
    /// It was not looked up, but chosen.
    is_given: bool,
    pub(super) statistic: Instance<PoolStatistic>,
    pub(super) signals: Arc<Signals>,
    /// The pool is closed, and nothing of it is left.
    over: Event,
}

/// What is under the lock.
struct Kept<I> {
    places: Places<I>,
    /// What the figures say: those that have not changed are not written again, since their memory is another
    /// thread's by now where the pool is much asked.
    shown: Counts,
}

#[derive(Debug)]
pub(super) struct Options {
    pub(super) name: Arc<str>,
    pub(super) rules: Rules,
    pub(super) limits: Limits,
    pub(super) acquire: Duration,
    pub(super) destroy: Duration,
    pub(super) measure_wait: bool,
}

/// What the tasks of a pool listen to, without keeping it.
#[derive(Debug, Default)]
pub(super) struct Signals {
    /// Something is to be looked after earlier than was thought.
    pub(super) stir: Event,
    /// The pool is closed, or nobody has it any more.
    pub(super) closing: Flag,
    /// The time of the closing is over.
    pub(super) cut: Flag,
}

impl<M: PoolManager> Shared<M> {
    pub(super) fn new(manager: M, options: Options, runtime: Option<Runtime>) -> Self {
        Self {
            manager: Arc::new(manager),
            kept: Mutex::new(Kept {
                places: Places::new(options.rules),
                shown: Counts::default(),
            }),
            is_given: runtime.is_some(),
            runtime: runtime.map_or_else(OnceLock::new, OnceLock::from),
            statistic: PoolStatistic::new(Arc::clone(&options.name)),
            options,
            signals: Arc::default(),
            over: Event::new(),
        }
    }

    /// Looks the runtime up if there is none yet, and keeps it.
    #[inline]
    pub(super) fn runtime(&self) -> Result<&Runtime, NoRuntime> {
        match self.runtime.get() {
            Some(runtime) => Ok(runtime),
            None => {
                let found = Runtime::current()?.unowned();
                Ok(self.runtime.get_or_init(|| found))
            }
        }
    }

    /// The runtime of a pool that has objects.
    pub(super) fn its_runtime(&self) -> &Runtime {
        let runtime = self.runtime.get();
        runtime.unwrap_or_else(|| unreachable!("who asks for an object looks it up"))
    }

    /// The runtime that a caller waits on: its own, for the pool's may have ended; unless the pool was given one.
    pub(super) fn callers_runtime(&self) -> Runtime {
        let own = self.its_runtime();
        if self.is_given {
            return own.clone();
        }
        Runtime::current().unwrap_or_else(|_| own.clone())
    }

    pub(super) fn now(&self) -> Instant {
        self.its_runtime().now()
    }

    pub(super) fn counts(&self) -> Counts {
        self.lock().places.counts()
    }

    pub(super) fn is_closed(&self) -> bool {
        self.lock().places.is_closed()
    }

    /// Changes something under the lock, and tells of it.
    #[inline]
    pub(super) fn change<R>(&self, f: impl FnOnce(&mut Places<Box<Item<M::Object>>>) -> R) -> R {
        let mut kept = self.lock();
        let result = f(&mut kept.places);
        let counts = kept.places.counts();
        self.show(mem::replace(&mut kept.shown, counts), counts);
        let over = kept.places.is_over();
        drop(kept);
        if over {
            wake_all(&self.over);
        }
        result
    }

    #[inline]
    fn show(&self, before: Counts, now: Counts) {
        let figures = &self.statistic;
        let in_use = |counts: Counts| counts.taken - counts.idle;
        for (gauge, before, now) in [
            (&figures.size, before.taken, now.taken),
            (&figures.idle, before.idle, now.idle),
            (&figures.in_use, in_use(before), in_use(now)),
            (&figures.waiting, before.waiting, now.waiting),
        ] {
            if before != now {
                gauge.set(i64::try_from(now).unwrap_or(i64::MAX));
            }
        }
    }

    /// Waits until nothing is left of a pool that is closed.
    pub(super) async fn over(&self) {
        loop {
            listener!(self.over => over);
            listening();
            if self.lock().places.is_over() {
                return;
            }
            over.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Kept<Box<Item<M::Object>>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What leads to a task, which shares the pool.
pub(super) trait Sharing<M: PoolManager> {
    /// Takes an object back.
    fn give_back(&self, item: Box<Item<M::Object>>);

    /// Gives a place back that has no object.
    fn free(&self);

    /// Has an object destroyed, and gives its place back.
    fn discard(&self, item: Box<Item<M::Object>>);

    /// Has an object destroyed for another one, whose place is the caller's. Without an answer the place is
    /// not free yet, and the caller has to ask anew.
    fn replace(&self, item: Box<Item<M::Object>>) -> Option<Grant<Box<Item<M::Object>>>>;

    /// Has objects made if too few are idle.
    fn fill(&self);
}

impl<M: PoolManager> Sharing<M> for Arc<Shared<M>> {
    #[inline]
    fn give_back(&self, mut item: Box<Item<M::Object>>) {
        if self.options.limits.are_there() {
            let now = self.now();
            if item.is_too_old(now) {
                return self.discard(item);
            }
            item.rest(now);
        }
        match self.change(|places| places.give_back(item)) {
            Returned::Granted(waker) => waker.wake(),
            Returned::Idle(Stir::Nothing) => {}
            Returned::Idle(Stir::Wake) => wake_all(&self.signals.stir),
            Returned::Idle(Stir::Start) => keep(self),
            Returned::Unwanted(item) => self.discard(item),
        }
    }

    fn free(&self) {
        wake(self.change(Places::free));
        self.fill();
    }

    fn discard(&self, item: Box<Item<M::Object>>) {
        let (had_place, waker) = self.change(|places| match places.doom() {
            true => (false, places.free()),
            false => (true, None),
        });
        destroy(item.object, Burial::new(self, had_place));
        wake(waker);
        self.fill();
    }

    fn replace(&self, item: Box<Item<M::Object>>) -> Option<Grant<Box<Item<M::Object>>>> {
        let grant = self.change(|places| places.doom().then(|| places.exchange()));
        destroy(item.object, Burial::new(self, grant.is_none()));
        grant
    }

    #[inline]
    fn fill(&self) {
        if self.options.rules.minimum_idle > 0 && self.change(Places::must_fill) {
            fill(self);
        }
    }
}

impl<M: PoolManager> Host for Arc<Shared<M>> {
    type Item = Box<Item<M::Object>>;

    #[inline]
    fn change<R>(&self, f: impl FnOnce(&mut Places<Self::Item>) -> R) -> R {
        Shared::change(self, f)
    }

    fn give_up(&self, grant: Grant<Self::Item>) {
        match grant {
            Grant::Object(item) => self.give_back(item),
            Grant::Place => self.free(),
        }
    }
}

impl<M: PoolManager> Drop for Shared<M> {
    fn drop(&mut self) {
        self.signals.closing.set();
        wake_all(&self.signals.stir);
        let kept = self.kept.get_mut();
        let kept = kept.unwrap_or_else(PoisonError::into_inner);
        let idle = kept.places.abandon();
        if let (false, Some(runtime)) = (idle.is_empty(), self.runtime.get()) {
            let objects = idle.into_iter().map(|item| item.object).collect();
            abandon(objects, runtime, &self.manager, &self.options);
        }
    }
}

pub(super) fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}

type Tell<M> = fn(&mut Places<Box<Item<<M as PoolManager>::Object>>>);

/// Tells the places that a task of the pool has gone, if the runtime drops it before its end.
pub(super) struct IfLost<M: PoolManager> {
    pool: Weak<Shared<M>>,
    tell: Option<Tell<M>>,
}

impl<M: PoolManager> IfLost<M> {
    pub(super) fn new(pool: &Weak<Shared<M>>, tell: Tell<M>) -> Self {
        let pool = Weak::clone(pool);
        let tell = Some(tell);
        Self { pool, tell }
    }

    /// The task has come to its end, and has told so by itself.
    pub(super) fn ended(mut self) {
        self.tell = None;
    }
}

impl<M: PoolManager> Drop for IfLost<M> {
    fn drop(&mut self) {
        if let (Some(tell), Some(shared)) = (self.tell, self.pool.upgrade()) {
            shared.change(tell);
        }
    }
}
