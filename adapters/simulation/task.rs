use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use futures_core::future::BoxFuture;

use super::shared::Shared;
use super::wait::Wait;
use crate::runtime::TaskHandle;

/// What the scheduler polls: a task, or a future that a thread blocks on.
pub(super) struct Task {
    pub(super) id: u64,
    pub(super) name: Arc<str>,
    /// The task that spawned it, and when, in nanoseconds since the start.
    pub(super) origin: (Option<u64>, u64),
    /// Whether it is a future that a thread blocks on.
    pub(super) is_root: bool,
    /// What it waited for when its last poll returned.
    pub(super) waits: Mutex<Vec<Wait>>,
    shared: Arc<Shared>,
    /// Whether it is among those that are ready, or has ended.
    queued: AtomicBool,
    aborted: AtomicBool,
    done: AtomicBool,
    /// Not there while it is polled, after its end, and for a future that a thread blocks on.
    future: Mutex<Option<BoxFuture<'static, ()>>>,
}

impl Task {
    pub(super) fn new(
        shared: Arc<Shared>,
        id: u64,
        name: &str,
        origin: (Option<u64>, u64),
        future: Option<BoxFuture<'static, ()>>,
    ) -> Arc<Self> {
        Arc::new(Self {
            id,
            name: name.into(),
            origin,
            is_root: future.is_none(),
            waits: Mutex::default(),
            shared,
            // It is put among the ready ones by whoever makes it.
            queued: AtomicBool::new(true),
            aborted: AtomicBool::new(false),
            done: AtomicBool::new(false),
            future: Mutex::new(future),
        })
    }

    /// Polls once; gives whether it has ended, with its future dropped.
    pub(super) fn poll(self: &Arc<Self>) -> bool {
        let Some(mut future) = self.take() else {
            return true;
        };
        if !self.is_aborted() {
            self.begin();
            let waker = Waker::from(Arc::clone(self));
            let poll = future.as_mut().poll(&mut Context::from_waker(&waker));
            if poll == Poll::Pending && !self.is_aborted() {
                *self.future.lock().unwrap_or_else(PoisonError::into_inner) = Some(future);
                return false;
            }
        }
        self.end();
        drop(future);
        true
    }

    /// From here on a wake asks for another poll.
    pub(super) fn begin(&self) {
        self.queued.store(false, Ordering::Release);
    }

    /// Nobody needs to wake it any more.
    pub(super) fn end(&self) {
        self.done.store(true, Ordering::Release);
        self.queued.store(true, Ordering::Release);
    }

    pub(super) fn is_done(&self) -> bool {
        self.done.load(Ordering::Acquire)
    }

    /// Whether it was woken and not yet polled.
    pub(super) fn is_woken(&self) -> bool {
        self.queued.load(Ordering::Acquire)
    }

    pub(super) fn is_aborted(&self) -> bool {
        self.aborted.load(Ordering::Acquire)
    }

    /// Takes the future away, to be dropped without any lock.
    pub(super) fn take(&self) -> Option<BoxFuture<'static, ()>> {
        self.future
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        if !self.queued.swap(true, Ordering::AcqRel) {
            self.shared.enqueue(&self);
        }
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.queued.swap(true, Ordering::AcqRel) {
            self.shared.enqueue(self);
        }
    }
}

/// Dropping it detaches the task.
pub(super) struct Handle(pub(super) Arc<Task>);

impl TaskHandle for Handle {
    fn abort(&self) {
        // The scheduler drops the future, so that the place of the drop is left to chance as well.
        self.0.aborted.store(true, Ordering::Release);
        self.0.wake_by_ref();
    }
}

/// The handle of a task that was spawned after the end.
pub(super) struct Ended;

impl TaskHandle for Ended {
    fn abort(&self) {}
}
