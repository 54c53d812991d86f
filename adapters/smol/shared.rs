use std::cell::Cell;
use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use async_executor::Executor;
use async_io::Timer as IoTimer;
use futures_core::future::BoxFuture;

use super::lane::Lane;
use crate::runtime::{Backend, Placement, Sleep, Spawn, TaskHandle, Timer};

/// What tasks hold of the runtime they run on. It does not keep the executors: they hold the tasks.
pub(super) struct Shared {
    me: Weak<Self>,
    lanes: Vec<Lane>,
    next: AtomicUsize,
}

thread_local! {
    /// The runtime (its address) and the lane that this thread drives.
    static DRIVES: Cell<Option<(*const Shared, usize)>> = const { Cell::new(None) };
}

impl Shared {
    pub(super) fn new(lanes: Vec<Lane>) -> Arc<Self> {
        let next = AtomicUsize::new(0);
        Arc::new_cyclic(|me| Self {
            me: Weak::clone(me),
            lanes,
            next,
        })
    }

    /// Drives the first lane on this thread until the future is ready.
    pub(super) fn block_on(
        &self,
        executor: &Arc<Executor<'static>>,
        future: Pin<&mut (dyn Future<Output = ()> + '_)>,
    ) {
        let _driving = Driving {
            shared: self,
            executor,
            before: DRIVES.replace(Some((std::ptr::from_ref(self), 0))),
        };
        self.lanes[0].block_on(executor, future);
    }

    pub(super) fn end(&self) {
        for lane in &self.lanes {
            lane.end();
        }
    }

    fn lane(&self, placement: Placement) -> usize {
        if self.lanes.len() == 1 {
            return 0;
        }
        match DRIVES.get() {
            Some((shared, lane)) if placement == Placement::Here && std::ptr::eq(shared, self) => {
                lane
            }
            _ => self.next.fetch_add(1, Ordering::Relaxed) % self.lanes.len(),
        }
    }

    pub(super) fn start_worker(&self, index: usize) -> io::Result<()> {
        let Some(shared) = self.me.upgrade() else {
            return Ok(());
        };
        self.lanes[index].start_worker(index, move |lane_loop| {
            DRIVES.set(Some((Arc::as_ptr(&shared), index)));
            lane_loop(&shared.lanes[index]);
        })
    }

    /// Starts the worker of a lane that nobody drives. There is nobody to tell of a failure but the
    /// log: the task waits until the next spawn or `block_on` tries again.
    fn ensure_driven(&self, index: usize) {
        if !self.lanes[index].is_driven()
            && let Err(error) = self.start_worker(index)
        {
            tracing::error!(%error, "no thread could be started for the smol runtime");
        }
    }
}

/// A thread that blocks on the runtime; what it leaves is driven by the worker, also when the future
/// panics.
struct Driving<'a> {
    shared: &'a Shared,
    executor: &'a Executor<'static>,
    before: Option<(*const Shared, usize)>,
}

impl Drop for Driving<'_> {
    fn drop(&mut self) {
        DRIVES.set(self.before);
        if !self.executor.is_empty() {
            self.shared.ensure_driven(0);
        }
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Smol")
            .field("lanes", &self.lanes.len())
            .finish_non_exhaustive()
    }
}

impl Spawn for Shared {
    fn spawn(
        &self,
        _name: &str,
        placement: Placement,
        future: BoxFuture<'static, ()>,
    ) -> Box<dyn TaskHandle> {
        let index = self.lane(placement);
        let task = self.lanes[index].spawn(future);
        self.ensure_driven(index);
        Box::new(Handle(Mutex::new(task)))
    }
}

/// Dropping smol's task would cancel it; ours detaches.
struct Handle(Mutex<Option<async_executor::Task<()>>>);

impl TaskHandle for Handle {
    fn abort(&self) {
        let task = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(task);
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        if let Some(task) = self
            .0
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
        {
            task.detach();
        }
    }
}

impl Timer for Shared {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        Box::pin(Wait(IoTimer::after(duration)))
    }

    fn now(&self) -> Instant {
        Instant::now()
    }
}

struct Wait(IoTimer);

impl Future for Wait {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.0).poll(cx).map(drop)
    }
}

impl Sleep for Wait {
    fn reset(mut self: Pin<&mut Self>, duration: Duration) {
        self.0.set_after(duration);
    }
}

impl Backend for Shared {
    fn name(&self) -> &str {
        "smol"
    }
}
