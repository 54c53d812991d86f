//! The runtime is a port: what the library needs of an executor, and the handle to one.
//!
//! An executor is described by three object-safe traits, [`Spawn`], [`Timer`] and [`Net`], put
//! together in a [`Backend`]. Users hold a [`Runtime`]; no public type has a runtime parameter.
//! Adapters for smol and tokio are in [`adapters`](crate::adapters); the example `own_runtime` writes one for a bare
//! executor.
//!
//! # Which runtime is the current one
//!
//! Free functions and long-lived objects look for it in one place, in this order:
//!
//! 1. what was given by hand (`.runtime(rt)`);
//! 2. the runtime of the task that is polled, or of [`Runtime::scope`];
//! 3. with the feature `tokio`: the tokio runtime whose context this is;
//! 4. what [`Runtime::install_default`] installed;
//! 5. with the feature `smol`: a runtime of the process, with one thread, made at the first use;
//! 6. else [`NoRuntime`].

mod backend;
pub(crate) mod choose;
mod current;
mod id;
pub(crate) mod net;
mod origin;
mod parts;
mod scope;
mod slow_poll;
mod task;
mod task_list;
mod unhandled;

pub use self::backend::{
    Backend, BlockingJob, Drive, Ended, Keep, Placement, Sleep, Spawn, TaskHandle, Timer,
};
pub use self::current::NoRuntime;
pub(crate) use self::current::around;
pub use self::id::RuntimeId;
#[cfg(unix)]
pub use self::net::Configure;
pub use self::net::{BindOptions, Net, RawDatagram, RawListener, RawSender, RawStream};
pub use self::parts::Parts;
pub use self::scope::Scoped;
pub(crate) use self::scope::{Scope, Slots};
pub use self::task::{AbortOnDrop, JoinError, Task};
pub use self::task_list::TaskInfo;

use std::any::type_name;
use std::borrow::Cow;
use std::fmt;
use std::panic::Location;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

pub(crate) use self::origin::{Name, Origin};
pub(crate) use self::slow_poll::Timed;
pub(crate) use self::task_list::{Kind, Listed, Listing, TaskList};
pub(crate) use self::unhandled::Unhandled;

/// System calls on datagram sockets in non-blocking mode, for adapters: with batches and flags.
/// [`WouldBlock`](std::io::ErrorKind::WouldBlock) means: wait, and try again.
#[cfg(unix)]
pub mod datagram {
    pub use super::net::{recv, recv_batch, send, send_batch};
}

/// A handle to a runtime. Cloning it is cheap.
///
/// A handle made from an adapter that owns its executor ([`Smol`](crate::adapters::Smol), or a
/// [`Tokio`](crate::adapters::Tokio) that was built) keeps the executor alive; the last such handle
/// ends it, and drops the tasks left. What [`current`](Self::current) gives inside a task does not
/// keep it alive.
#[derive(Clone)]
pub struct Runtime {
    backend: Arc<dyn Backend>,
    driver: Option<Arc<dyn Drive>>,
}

impl Runtime {
    /// Makes a handle to a runtime that somebody drives: threads of its own, or the program around.
    #[must_use]
    pub fn new(backend: impl Backend) -> Self {
        Self {
            backend: Arc::new(backend),
            driver: None,
        }
    }

    /// Makes a handle to a runtime that is driven by whoever blocks on it. The driver lives as long
    /// as this handle and its clones, and may end the runtime when it is dropped.
    #[must_use]
    pub fn with_driver(backend: Arc<dyn Backend>, driver: Arc<dyn Drive>) -> Self {
        Self {
            backend,
            driver: Some(driver),
        }
    }

    /// Finds the current runtime; the [module](self) says in which order.
    ///
    /// # Errors
    ///
    /// [`NoRuntime`] when there is none, with a text that says what to do.
    ///
    /// # Cost
    ///
    /// Some nanoseconds inside a task of this library. One allocation inside a foreign tokio task.
    #[inline]
    pub fn current() -> Result<Self, NoRuntime> {
        current::look_up()
    }

    /// Makes this the runtime that is found where no other is at hand, for the whole process.
    ///
    /// # Errors
    ///
    /// Gives the runtime back when one was installed before: the choice is made once.
    pub fn install_default(self) -> Result<(), Self> {
        current::install(self)
    }

    /// What the runtime is called: `smol`, `tokio`, or what a foreign backend says.
    #[must_use]
    pub fn name(&self) -> &str {
        self.backend.name()
    }

    /// Spawns a future; it runs by itself, and the [`Task`] gives its result.
    ///
    /// The task is called after the type of the future; [`task`](Self::task) gives it a name.
    ///
    /// # Cost
    ///
    /// Four allocations, and the future's size.
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> Task<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let origin = Origin {
            name: Name::Given(Cow::Borrowed(type_name::<F>())),
            location: Location::caller(),
        };
        task::spawn(self, origin, Placement::Here, future)
    }

    /// Spawns a future under a name that other tasks may share.
    #[track_caller]
    pub(crate) fn spawn_as<F>(&self, name: Name, place: Placement, future: F) -> Task<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        let origin = Origin {
            name,
            location: Location::caller(),
        };
        task::spawn(self, origin, place, future)
    }

    /// Begins a task with a name and a place.
    #[track_caller]
    pub fn task(&self, name: impl Into<Cow<'static, str>>) -> TaskBuilder {
        self.task_as(Name::Given(name.into()))
    }

    /// Begins a task under a name that other tasks may share.
    #[track_caller]
    pub(crate) fn task_as(&self, name: Name) -> TaskBuilder {
        let origin = Origin {
            name,
            location: Location::caller(),
        };
        TaskBuilder {
            runtime: self.clone(),
            origin,
            placement: Placement::Here,
        }
    }

    /// Runs a closure that may block its thread, on a pool of threads.
    ///
    /// Aborting the task keeps a closure from starting; one that runs goes on to its end. The
    /// closure sees this runtime as the current one.
    ///
    /// # Cost
    ///
    /// Four allocations and a hand-over between threads, some 20 µs.
    #[track_caller]
    pub fn spawn_blocking<T, F>(&self, job: F) -> Task<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let origin = Origin {
            name: Name::Given(Cow::Borrowed(type_name::<F>())),
            location: Location::caller(),
        };
        task::spawn_blocking(self, origin, job)
    }

    /// Runs a future on the calling thread's executor, whatever that is, with this as its current
    /// runtime. The tasks that it spawns run here.
    pub fn scope<F: Future>(&self, future: F) -> Scoped<F> {
        Scoped::new(Scope::for_child(self), future)
    }

    /// Blocks the calling thread until the future is ready, with this as its current runtime.
    ///
    /// A runtime with a driver is driven meanwhile; another one must be driven by somebody else.
    ///
    /// # Panics
    ///
    /// With the future's panic; and on some runtimes when called inside an asynchronous context.
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        let mut output = None;
        {
            let future = pin!(self.scope(async { output = Some(future.await) }));
            match &self.driver {
                Some(driver) => driver.block_on(future),
                None => park_until(future),
            }
        }
        output.expect("a driver returns when the future is ready")
    }

    /// Calls a closure in the context that code written for this executor looks for.
    pub fn enter<R>(&self, f: impl FnOnce() -> R) -> R {
        let (mut f, mut result) = (Some(f), None);
        self.backend.enter(&mut || result = f.take().map(|f| f()));
        result.expect("a backend calls what it is to call (contract S8)")
    }

    /// Waits for this long; [`time::sleep`](crate::time::sleep) on this runtime.
    pub fn sleep(&self, duration: Duration) -> crate::time::Sleep {
        crate::time::Sleep::on(self.unowned(), duration)
    }

    /// Gives a future this long; [`time::timeout`](crate::time::timeout) on this runtime.
    pub fn timeout<F: Future>(&self, limit: Duration, future: F) -> crate::time::Timeout<F> {
        crate::time::Timeout::on(self.unowned(), limit, future)
    }

    /// Ticks with this period; [`time::interval`](crate::time::interval) on this runtime.
    #[must_use]
    pub fn interval(&self, period: Duration) -> crate::time::Interval {
        crate::time::Interval::on(self.unowned(), period)
    }

    /// The moment it is on this runtime's monotonic clock.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.backend.now()
    }

    /// The moment it is by the calendar, as this runtime sees it.
    #[must_use]
    pub fn wall_now(&self) -> SystemTime {
        self.backend.wall_now()
    }

    /// The port itself, for layers that work with polls.
    #[must_use]
    pub fn backend(&self) -> &Arc<dyn Backend> {
        &self.backend
    }

    /// Whether both are handles to one runtime.
    #[must_use]
    pub fn same_as(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.backend, &other.backend)
            || matches!(
                (self.backend.id(), other.backend.id()),
                (Some(one), Some(other)) if one == other
            )
    }

    /// What tells it from others, as long as this handle or another one is there.
    pub(crate) fn id(&self) -> RuntimeId {
        let address = || RuntimeId::of(&Arc::as_ptr(&self.backend).addr());
        self.backend.id().unwrap_or_else(address)
    }

    /// The same runtime, without keeping it alive: for what its own tasks hold.
    pub(crate) fn unowned(&self) -> Self {
        Self {
            backend: Arc::clone(&self.backend),
            driver: None,
        }
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Runtime").field(&self.backend).finish()
    }
}

/// A task about to be spawned; made by [`Runtime::task`].
#[derive(Debug)]
#[must_use = "nothing runs until `spawn`"]
pub struct TaskBuilder {
    runtime: Runtime,
    origin: Origin,
    placement: Placement,
}

impl TaskBuilder {
    /// Says on which thread it should run. Default: [`Placement::Here`].
    pub fn placement(mut self, placement: Placement) -> Self {
        self.placement = placement;
        self
    }

    /// Spawns the future.
    pub fn spawn<F>(self, future: F) -> Task<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        task::spawn(&self.runtime, self.origin, self.placement, future)
    }

    /// Runs a closure that may block its thread; see [`Runtime::spawn_blocking`].
    pub fn spawn_blocking<T, F>(self, job: F) -> Task<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        task::spawn_blocking(&self.runtime, self.origin, job)
    }
}

/// Spawns a future on the current runtime; [`Runtime::spawn`] says the rest.
///
/// # Panics
///
/// With the text of [`NoRuntime`] when no runtime is at hand.
#[track_caller]
pub fn spawn<F>(future: F) -> Task<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    Runtime::current()
        .unwrap_or_else(|error| panic!("{error}"))
        .spawn(future)
}

/// Sleeps between polls: for a thread that only waits for a runtime driven by others.
pub(crate) fn park_until(mut future: std::pin::Pin<&mut (dyn Future<Output = ()> + '_)>) {
    struct Unpark(thread::Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut cx = Context::from_waker(&waker);
    while future.as_mut().poll(&mut cx).is_pending() {
        thread::park();
    }
}
