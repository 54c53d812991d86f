//! The place of one key: its value, and those who wait for it.

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use arc_swap::ArcSwapOption;

use super::key::Label;
use super::waiting::{Origin, Waiting};
use crate::error::end_of_panic;

pub(super) struct Slot<T> {
    label: Label,
    /// What readers see, without a lock. Changed only while `inner` is locked.
    value: ArcSwapOption<T>,
    inner: Mutex<Inner<T>>,
}

struct Inner<T> {
    closed: bool,
    /// By ticket, which is the order in which they began to wait.
    waiters: BTreeMap<u64, Waiter<T>>,
}

struct Waiter<T> {
    /// Until it is woken.
    waker: Option<Waker>,
    origin: Origin,
    /// The first value that was set since.
    given: Option<Arc<T>>,
}

/// What a waiter finds.
pub(super) enum Look<T> {
    Value(Arc<T>),
    Nothing,
    Closed,
}

// Foreign code (wakers, destructors) runs after the lock is released, everywhere below.
impl<T> Slot<T> {
    pub(super) fn new(label: Label, closed: bool) -> Self {
        let inner = Inner {
            closed,
            waiters: BTreeMap::new(),
        };
        Self {
            label,
            value: ArcSwapOption::empty(),
            inner: Mutex::new(inner),
        }
    }

    #[inline]
    pub(super) fn read(&self) -> Option<T>
    where
        T: Clone,
    {
        self.value.load().as_deref().cloned()
    }

    /// Puts the value in place and gives it to all who wait.
    pub(super) fn set(&self, value: T) {
        let value = Arc::new(value);
        let mut inner = self.inner();
        if inner.closed {
            drop(inner);
            return;
        }
        let old = self.value.swap(Some(Arc::clone(&value)));
        let mut wakers = Vec::new();
        for waiter in inner.waiters.values_mut() {
            if waiter.given.is_none() {
                waiter.given = Some(Arc::clone(&value));
                wakers.extend(waiter.waker.take());
            }
        }
        drop(inner);
        wakers.into_iter().for_each(Waker::wake);
        drop(old);
    }

    pub(super) fn remove(&self) -> Option<Arc<T>> {
        let _inner = self.inner();
        self.value.swap(None)
    }

    /// Begins to wait, unless that has become needless.
    pub(super) fn enlist(&self, ticket: u64, waker: Waker, origin: Origin) -> Look<T> {
        let mut inner = self.inner();
        if inner.closed {
            return Look::Closed;
        }
        if let Some(value) = self.value.load_full() {
            return Look::Value(value);
        }
        let waiter = Waiter {
            waker: Some(waker),
            origin,
            given: None,
        };
        inner.waiters.insert(ticket, waiter);
        Look::Nothing
    }

    /// Looks whether the wait is over; only where it is not, the ticket is still good.
    pub(super) fn check(&self, ticket: u64, waker: Waker) -> Look<T> {
        let mut inner = self.inner();
        let closed = inner.closed;
        let Some(waiter) = inner.waiters.get_mut(&ticket) else {
            return Look::Closed;
        };
        if waiter.given.is_none() && !closed {
            let old = waiter.waker.replace(waker);
            drop(inner);
            drop(old);
            return Look::Nothing;
        }
        let waiter = inner.waiters.remove(&ticket);
        drop(inner);
        match waiter.and_then(|waiter| waiter.given) {
            Some(value) => Look::Value(value),
            None => Look::Closed,
        }
    }

    /// Stops waiting.
    pub(super) fn leave(&self, ticket: u64) {
        let waiter = self.inner().waiters.remove(&ticket);
        drop(waiter);
    }

    fn inner(&self) -> MutexGuard<'_, Inner<T>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What can be done with a place whatever it is for.
pub(super) trait AnySlot: Any + Send + Sync {
    /// Wakes those who wait, and drops the value.
    fn close(&self);

    /// Adds those who wait, with their tickets.
    fn report(&self, to: &mut Vec<(u64, Waiting)>);

    fn is_set(&self) -> bool;
}

impl<T: Send + Sync + 'static> AnySlot for Slot<T> {
    fn close(&self) {
        let mut inner = self.inner();
        inner.closed = true;
        let old = self.value.swap(None);
        let waiters = inner.waiters.values_mut();
        let wakers: Vec<_> = waiters.filter_map(|waiter| waiter.waker.take()).collect();
        drop(inner);
        wakers.into_iter().for_each(Waker::wake);
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(old))) {
            tracing::error!(
                key = %self.label,
                panic = end_of_panic(panic),
                "a value of the context panicked when it was dropped"
            );
        }
    }

    fn report(&self, to: &mut Vec<(u64, Waiting)>) {
        let inner = self.inner();
        let waiters = inner.waiters.iter().filter(|_| !inner.closed);
        to.extend(
            waiters
                .filter(|(_, waiter)| waiter.given.is_none())
                .map(|(ticket, waiter)| (*ticket, Waiting::new(self.label, &waiter.origin))),
        );
    }

    fn is_set(&self) -> bool {
        self.value.load().is_some()
    }
}
