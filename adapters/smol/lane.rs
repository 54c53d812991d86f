use std::cell::RefCell;
use std::io;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;

use async_executor::{Executor, Task};
use event_listener::Event;
use futures_core::future::BoxFuture;

use crate::runtime::park_until;

/// One executor and whoever drives it: its worker thread, or a thread that blocks on the runtime.
/// Two threads on one executor would hand each wake-up over to one another, so the worker steps
/// aside while somebody blocks.
pub(super) struct Lane {
    executor: Weak<Executor<'static>>,
    /// Whether a thread drives it now, or will without being asked.
    driven: AtomicBool,
    state: Mutex<State>,
    /// Wakes the worker out of the executor.
    step_aside: Event,
    /// Wakes the worker that stepped aside.
    resume: Condvar,
}

#[derive(Default)]
struct State {
    /// Whether it is an executor that others drive, which needs no worker.
    others: bool,
    worker: bool,
    blocked_on: bool,
    ended: bool,
}

thread_local! {
    /// The executor that this thread drives: its tasks need not ask whether it is still there.
    static DRIVES: RefCell<Option<Arc<Executor<'static>>>> = const { RefCell::new(None) };
}

/// What a worker thread runs.
pub(super) type Loop = fn(&Lane);

impl Lane {
    /// Makes an executor that gets a worker when it first needs one.
    pub(super) fn lazy() -> (Self, Arc<Executor<'static>>) {
        Self::new(Arc::new(Executor::new()), false)
    }

    /// Takes an executor that others drive.
    pub(super) fn driven(executor: Arc<Executor<'static>>) -> (Self, Arc<Executor<'static>>) {
        Self::new(executor, true)
    }

    fn new(executor: Arc<Executor<'static>>, driven: bool) -> (Self, Arc<Executor<'static>>) {
        let lane = Self {
            executor: Arc::downgrade(&executor),
            driven: AtomicBool::new(driven),
            state: Mutex::new(State {
                others: driven,
                ..State::default()
            }),
            step_aside: Event::new(),
            resume: Condvar::new(),
        };
        (lane, executor)
    }

    /// Hands a future to the executor, unless the runtime has ended.
    pub(super) fn spawn(&self, future: BoxFuture<'static, ()>) -> Option<Task<()>> {
        let mut future = Some(future);
        // A thread whose locals are gone drives nothing.
        let spawned = DRIVES.try_with(|drives| {
            let drives = drives.borrow();
            let executor = drives
                .as_ref()
                .filter(|executor| std::ptr::eq(Arc::as_ptr(executor), self.executor.as_ptr()))?;
            Some(executor.spawn(future.take()?))
        });
        if let Ok(Some(task)) = spawned {
            return Some(task);
        }
        Some(self.executor.upgrade()?.spawn(future?))
    }

    pub(super) fn is_driven(&self) -> bool {
        self.driven.load(Ordering::SeqCst)
    }

    /// Starts the worker, unless there is one, or the runtime has ended.
    pub(super) fn start_worker(
        &self,
        index: usize,
        run: impl FnOnce(Loop) + Send + 'static,
    ) -> io::Result<()> {
        let mut state = self.state();
        if !state.worker && !state.ended {
            thread::Builder::new()
                .name(format!("aiomisc-smol-{index}"))
                .spawn(move || run(Self::work))?;
            state.worker = true;
        }
        self.driven.store(true, Ordering::SeqCst);
        Ok(())
    }

    /// Drives the executor on this thread until the future is ready; only waits if another thread
    /// is doing the same.
    pub(super) fn block_on(
        &self,
        executor: &Arc<Executor<'static>>,
        future: Pin<&mut (dyn Future<Output = ()> + '_)>,
    ) {
        let alone = !std::mem::replace(&mut self.state().blocked_on, true);
        if !alone {
            // A thread that drives it already would wait for itself.
            return if Here::is(executor) {
                async_io::block_on(executor.run(future))
            } else {
                park_until(future)
            };
        }
        // Gives the executor back also when the future panics.
        let _driving = Driving(self);
        self.driven.store(true, Ordering::SeqCst);
        self.step_aside.notify(usize::MAX);
        let _here = Here::new(executor);
        async_io::block_on(executor.run(future));
    }

    /// Sends the worker home.
    pub(super) fn end(&self) {
        self.state().ended = true;
        self.step_aside.notify(usize::MAX);
        self.resume.notify_all();
    }

    /// What the worker does until the runtime ends.
    fn work(&self) {
        while let Some(executor) = self.wait_for_turn() {
            let _here = Here::new(&executor);
            async_io::block_on(executor.run(async {
                loop {
                    let asked = pin!(self.step_aside.listen());
                    if self.is_asked_away() {
                        break;
                    }
                    asked.await;
                }
            }));
        }
    }

    fn is_asked_away(&self) -> bool {
        let state = self.state();
        state.blocked_on || state.ended
    }

    /// Waits until nobody blocks on the runtime; `None` when it has ended.
    fn wait_for_turn(&self) -> Option<Arc<Executor<'static>>> {
        let mut state = self.state();
        while state.blocked_on && !state.ended {
            state = self
                .resume
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        if state.ended {
            None
        } else {
            self.executor.upgrade()
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Driving<'a>(&'a Lane);

impl Drop for Driving<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.blocked_on = false;
        self.0
            .driven
            .store(state.worker || state.others, Ordering::SeqCst);
        self.0.resume.notify_all();
    }
}

/// Marks the executor that this thread drives.
struct Here(Option<Arc<Executor<'static>>>);

impl Here {
    fn new(executor: &Arc<Executor<'static>>) -> Self {
        Self(DRIVES.replace(Some(Arc::clone(executor))))
    }

    fn is(executor: &Arc<Executor<'static>>) -> bool {
        DRIVES.with_borrow(|drives| drives.as_ref().is_some_and(|e| Arc::ptr_eq(e, executor)))
    }
}

impl Drop for Here {
    fn drop(&mut self) {
        drop(DRIVES.replace(self.0.take()));
    }
}
