//! Starts services together, runs the program, and stops everything in order.
//!
//! What holds in between is in [`lifecycle`], line by line.

mod block;
mod builder;
mod claim;
mod context;
mod dependencies;
mod dynamic;
mod environment;
mod error;
mod failures;
mod groups;
mod needs;
mod order;
mod os_signal;
mod outcome;
mod plan;
mod roster;
mod say;
mod settings;
mod shutdown;
mod signals;
mod start;
mod supervise;
mod tasks;
mod watchdog;

#[doc = include_str!("../docs/lifecycle.md")]
pub mod lifecycle {}

pub use self::block::BlockingEntrypoint;
pub use self::builder::EntrypointBuilder;
pub use self::error::{ConfigError, RunError, ServiceError, Stage};
pub use self::os_signal::OsSignal;
pub use self::outcome::Outcome;
pub use self::settings::{SLOW_POLL, Settings};

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use self::failures::Failures;
use self::groups::Groups;
use self::signals::LifecycleSignals;
use self::watchdog::Watch;
use crate::chance::Chance;
use crate::context::Context;
use crate::dependency::Store;
use crate::flag::Flag;
use crate::runtime::{Name, Placement, Runtime, Scope, Scoped, Slots, Task, TaskList, Unhandled};
use crate::service::{Service, ServiceCell, ServiceHandle, StopKind, StopReason};
use crate::thread::ThreadPool;

/// A handle to a program's entrypoint. Cloning it is cheap.
///
/// [`builder`](Self::builder) begins one; [`current`](Self::current) finds the one that the task
/// belongs to.
#[derive(Clone)]
pub struct Entrypoint {
    shared: Arc<Shared>,
}

struct Shared {
    runtime: Runtime,
    context: Context,
    dependencies: Store,
    signals: LifecycleSignals,
    settings: Settings,
    tasks: Arc<TaskList>,
    pool: ThreadPool,
    /// That of whoever made the entrypoint.
    unhandled: Option<Arc<Unhandled>>,
    /// The values of context variables around whoever made the entrypoint.
    variables: Option<Arc<dyn std::any::Any + Send + Sync>>,
    services: Mutex<Vec<Arc<ServiceCell>>>,
    /// Where pauses are drawn from, once one was.
    chance: Mutex<Option<Chance>>,
    /// Why the program stops, from the moment that it is to.
    reason: Mutex<Option<StopReason>>,
    /// What failed so far, and will be the error of the run.
    failures: Arc<Failures>,
    groups: Arc<Groups>,
    /// Thrown when the services of the beginning have started.
    running: Flag,
    /// Thrown together with `reason`.
    closing: Flag,
    /// Thrown when the drain is to be cut.
    cut: Flag,
    /// Thrown when everything has stopped.
    stopped: Flag,
    watch: Mutex<Watch>,
}

/// Where an entrypoint stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EntrypointState {
    /// Its services start.
    Starting,
    /// All of them have started.
    Running,
    /// It stops.
    Stopping,
    /// Every service has stopped.
    Stopped,
}

impl Entrypoint {
    /// Begins an entrypoint with the documented defaults.
    pub fn builder() -> EntrypointBuilder {
        EntrypointBuilder::new()
    }

    /// The entrypoint that the current task belongs to: inside of a service, of the main future,
    /// and of the tasks that these spawned.
    #[must_use]
    pub fn current() -> Option<Self> {
        let scope = Scope::current()?;
        let shared = Arc::clone(scope.slots().entrypoint.as_ref()?)
            .downcast()
            .ok()?;
        Some(Self { shared })
    }

    /// Waits until the stop has begun (not until it has ended).
    ///
    /// # Cancel safety
    ///
    /// Dropping the wait loses nothing; one that comes later sees the stop as well.
    pub async fn closing(&self) {
        self.shared.closing.wait().await;
    }

    /// Whether the stop has begun.
    #[must_use]
    pub fn is_closing(&self) -> bool {
        self.shared.closing.is_set()
    }

    /// Asks for a graceful stop of the whole program, and says why. The first reason counts.
    pub fn request_stop(&self, why: impl Into<Cow<'static, str>>) {
        self.close(StopKind::Requested(why.into()));
    }

    /// Waits until every service has stopped.
    ///
    /// Inside of a service or of the main future this never comes true: they are stopped first.
    ///
    /// # Cancel safety
    ///
    /// As [`closing`](Self::closing).
    pub async fn stopped(&self) {
        self.shared.stopped.wait().await;
    }

    /// Where the entrypoint stands.
    #[must_use]
    pub fn state(&self) -> EntrypointState {
        let shared = &self.shared;
        if shared.stopped.is_set() {
            EntrypointState::Stopped
        } else if shared.closing.is_set() {
            EntrypointState::Stopping
        } else if shared.running.is_set() {
            EntrypointState::Running
        } else {
            EntrypointState::Starting
        }
    }

    /// The services, in the order in which they were given; those that were started later come last.
    #[must_use]
    pub fn services(&self) -> Vec<ServiceHandle> {
        let cells = self.cells();
        cells.iter().cloned().map(ServiceHandle::new).collect()
    }

    /// The service of this name.
    #[must_use]
    pub fn service(&self, name: &str) -> Option<ServiceHandle> {
        let cells = self.cells();
        let cell = cells.iter().find(|cell| &**cell.name() == name)?;
        Some(ServiceHandle::new(Arc::clone(cell)))
    }

    /// The runtime that the entrypoint runs on.
    #[must_use]
    pub fn runtime(&self) -> &Runtime {
        &self.shared.runtime
    }

    /// How the entrypoint is configured.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.shared.settings
    }

    /// The pool that runs what blocks, with [`pool_size`](Settings::pool_size) threads:
    /// [`thread::run`](crate::thread::run) and `#[threaded]` use it inside of the entrypoint. At the end of the
    /// stop it is shut down.
    #[must_use]
    pub fn pool(&self) -> &ThreadPool {
        &self.shared.pool
    }

    fn new(
        runtime: &Runtime,
        settings: Settings,
        signals: LifecycleSignals,
        dependencies: Store,
    ) -> Self {
        let pool = ThreadPool::builder().size(settings.pool_size());
        let slow_poll = settings.debug().then_some(SLOW_POLL);
        let around = Scope::current();
        let around = around.as_ref().map(|scope| scope.slots());
        let shared = Shared {
            runtime: runtime.unowned(),
            context: context::make(runtime),
            dependencies,
            signals,
            settings,
            tasks: Arc::new(TaskList::new(slow_poll)),
            pool: pool.build_valid(),
            unhandled: around.and_then(|slots| slots.unhandled.clone()),
            variables: around.and_then(|slots| slots.variables.clone()),
            services: Mutex::default(),
            chance: Mutex::default(),
            reason: Mutex::default(),
            failures: Arc::default(),
            groups: Arc::default(),
            running: Flag::default(),
            closing: Flag::default(),
            cut: Flag::default(),
            stopped: Flag::default(),
            watch: Mutex::default(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Puts a future into this entrypoint's scope: what it calls and spawns finds it.
    fn scope<F: Future>(&self, future: F) -> Scoped<F> {
        Scoped::new(self.scope_for(None), future)
    }

    /// The scope of this entrypoint, or of one of its services.
    fn scope_for(&self, service: Option<Arc<dyn std::any::Any + Send + Sync>>) -> Arc<Scope> {
        let slots = Slots {
            entrypoint: Some(Arc::clone(&self.shared) as _),
            service,
            tasks: Some(Arc::clone(&self.shared.tasks)),
            unhandled: self.shared.unhandled.clone(),
            pool: Some(self.shared.pool.clone().into_slot()),
            variables: self.shared.variables.clone(),
        };
        Scope::with_slots(&self.shared.runtime, slots)
    }

    /// Calls a closure inside of the entrypoint, or of one of its services: what it calls and spawns
    /// finds it.
    pub(crate) fn enter<R>(
        &self,
        service: Option<Arc<dyn std::any::Any + Send + Sync>>,
        f: impl FnOnce() -> R,
    ) -> R {
        let mut scope = Some(self.scope_for(service).for_closure());
        Scope::enter(&mut scope, f)
    }

    /// Puts a future into the scope of one of this entrypoint's services.
    pub(crate) fn service_scope<F: Future>(
        &self,
        service: Arc<dyn std::any::Any + Send + Sync>,
        future: F,
    ) -> Scoped<F> {
        Scoped::new(self.scope_for(Some(service)), future)
    }

    /// Spawns a task of the entrypoint; the caller is inside of its scope.
    #[track_caller]
    pub(crate) fn spawn<F>(&self, name: Name, future: F) -> Task<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        self.shared.runtime.spawn_as(name, Placement::Here, future)
    }

    /// Begins the stop, unless it has begun.
    fn close(&self, kind: StopKind) -> bool {
        self.close_saying(kind, log_stop)
    }

    /// Begins the stop, unless it has begun; `say` tells the log, before anything ends.
    fn close_saying(&self, kind: StopKind, say: impl FnOnce(&StopReason)) -> bool {
        let mut reason = lock(&self.shared.reason);
        if reason.is_some() {
            drop(reason);
            // Whoever was first may not have come as far, and the caller counts on it.
            self.shared.closing.set();
            return false;
        }
        let new = reason.insert(StopReason::new(kind)).clone();
        // At once, and by whoever stops the program: its own threads may be stuck already.
        lock(&self.shared.watch).begin(self);
        drop(reason);
        say(&new);
        self.shared.closing.set();
        true
    }

    fn reason(&self) -> StopReason {
        let reason = lock(&self.shared.reason).clone();
        reason.unwrap_or_else(|| StopReason::new(StopKind::Finished))
    }

    fn cells(&self) -> MutexGuard<'_, Vec<Arc<ServiceCell>>> {
        lock(&self.shared.services)
    }
}

impl fmt::Debug for Entrypoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entrypoint")
            .field("runtime", &self.shared.runtime)
            .field("services", &self.cells().len())
            .field("closing", &self.is_closing())
            .finish_non_exhaustive()
    }
}

/// An entrypoint whose services run, inside of a program that is not driven by it; from
/// [`EntrypointBuilder::start`].
///
/// Dropping it without [`graceful_shutdown`](Self::graceful_shutdown) stops the services in the
/// background, and says so in the log.
#[derive(Debug)]
#[must_use = "dropping it stops the services"]
pub struct RunningEntrypoint {
    handle: Entrypoint,
    shutdown: Option<Task<Result<StopReason, RunError>>>,
    _held: plan::Held,
}

impl RunningEntrypoint {
    /// A handle that may be kept elsewhere.
    #[must_use]
    pub fn handle(&self) -> &Entrypoint {
        &self.handle
    }

    /// Waits until the stop has begun: by a signal, a failed service, or on request.
    ///
    /// # Cancel safety
    ///
    /// As [`Entrypoint::closing`].
    pub async fn closing(&self) {
        self.handle.closing().await;
    }

    /// Stops the services, unless that has begun, and waits for the end.
    ///
    /// # Errors
    ///
    /// [`RunError`] with everything that failed while the services ran or stopped.
    ///
    /// # Cancel safety
    ///
    /// The stop goes on in the background when the wait is dropped.
    pub async fn graceful_shutdown(
        mut self,
        why: impl Into<Cow<'static, str>>,
    ) -> Result<StopReason, RunError> {
        self.handle.request_stop(why);
        match self.shutdown.take() {
            Some(shutdown) => shutdown
                .await
                .unwrap_or_else(|error| Err(RunError::lost(error))),
            None => Ok(self.handle.reason()),
        }
    }
}

impl std::ops::Deref for RunningEntrypoint {
    type Target = Entrypoint;

    fn deref(&self) -> &Entrypoint {
        &self.handle
    }
}

impl Drop for RunningEntrypoint {
    fn drop(&mut self) {
        if self.shutdown.is_some() && self.handle.close(StopKind::Abandoned) {
            tracing::warn!("an entrypoint was dropped without `graceful_shutdown`");
        }
    }
}

/// Runs a future between the start and the stop of these services, with the documented defaults;
/// [`Entrypoint::builder`] has the options.
///
/// # Errors
///
/// As [`EntrypointBuilder::run`].
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use aiomisc::{Outcome, service_fn, services};
///
/// let service = service_fn("nothing", |_| async { Ok(()) });
/// let outcome = aiomisc::run(async { 42 }, services![service]);
/// assert!(matches!(outcome, Ok(Outcome::Finished(42))));
/// # }
/// ```
pub fn run<F: Future>(
    main: F,
    services: impl IntoIterator<Item = Arc<dyn Service>>,
) -> Result<Outcome<F::Output>, RunError> {
    Entrypoint::builder().services(services).run(main)
}

/// What `run` would use here and now.
#[cfg(feature = "testing")]
pub(crate) fn default_runtime() -> Result<Runtime, String> {
    let chosen = builder::chosen(&environment::Environment::of_process(), None);
    chosen.map(|choice| choice.runtime)
}

/// The seed that `AIOMISC_SIMULATION_SEED` names.
#[cfg(feature = "testing")]
pub(crate) fn simulation_seed() -> Result<Option<u64>, String> {
    let mut problems = Vec::new();
    let seed = environment::Environment::of_process().read(
        "AIOMISC_SIMULATION_SEED",
        |text| text.parse().map_err(|_| "a whole number".to_owned()),
        &mut problems,
    );
    match problems.pop() {
        Some(problem) => Err(problem),
        None => Ok(seed),
    }
}

fn log_stop(reason: &StopReason) {
    tracing::info!(%reason, "stopping");
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
