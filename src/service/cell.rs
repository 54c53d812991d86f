//! A service in its entrypoint: its state, its running part and its tasks.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use event_listener::{Event, listener};

use super::{Service, ServiceContext, ServiceOptions, StopReason};
use crate::entrypoint::{Entrypoint, ServiceError, Stage};
use crate::error::{BoxError, panic_text};
use crate::flag::Flag;
use crate::future::{Either, Panic, catch_panic, race, yield_now};
use crate::runtime::{Name, Runtime, Task};

/// Where a service stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ServiceState {
    /// Not started yet.
    New,
    /// In `start`.
    Starting,
    /// Started.
    Running,
    /// Asked to stop.
    Draining,
    /// Stopped, or finished by itself.
    Stopped,
    /// Failed to start, failed since, or failed to stop.
    Failed,
}

impl fmt::Display for ServiceState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::New => "new",
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Draining => "draining",
            Self::Stopped => "stopped",
            Self::Failed => "failed",
        })
    }
}

/// What is known of a service at one moment.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ServiceStatus {
    /// Its name, unique in the entrypoint.
    pub name: String,
    /// Where it stands.
    pub state: ServiceState,
    /// Since when, on the clock of its runtime.
    pub since: Instant,
}

/// What happened to a service's `start`, for whoever waits for it.
pub(crate) enum Launch {
    Started,
    Failed(ServiceError),
}

pub(crate) type OnLaunch = dyn Fn(Launch) + Send + Sync;

pub(crate) struct ServiceCell {
    name: Arc<str>,
    service: Arc<dyn Service>,
    options: ServiceOptions,
    runtime: Runtime,
    /// Whether the service has started, whatever became of it since.
    started: AtomicBool,
    inner: Mutex<Inner>,
    stopping: Flag,
    /// Whether the running part looks out for the stop.
    looks_out: AtomicBool,
    /// Notified when `start` has returned.
    ended: Event,
}

struct Inner {
    state: ServiceState,
    since: Instant,
    /// Until the launch is decided: who is told.
    on_launch: Option<Arc<OnLaunch>>,
    running: Option<Task<()>>,
    /// Whether `start` has returned.
    returned: bool,
    tasks: Vec<Task<()>>,
    /// Whether its stop is over, so that nobody looks after a task that comes now.
    closed: bool,
}

impl Inner {
    fn enter(&mut self, state: ServiceState, now: Instant) {
        self.state = state;
        self.since = now;
    }
}

impl ServiceCell {
    pub(crate) fn new(
        name: Arc<str>,
        service: Arc<dyn Service>,
        options: ServiceOptions,
        runtime: &Runtime,
        now: Instant,
    ) -> Arc<Self> {
        let inner = Inner {
            state: ServiceState::New,
            since: now,
            on_launch: None,
            running: None,
            returned: false,
            tasks: Vec::new(),
            closed: false,
        };
        Arc::new(Self {
            name,
            service,
            options,
            runtime: runtime.unowned(),
            started: AtomicBool::new(false),
            inner: Mutex::new(inner),
            stopping: Flag::default(),
            looks_out: AtomicBool::new(false),
            ended: Event::new(),
        })
    }

    pub(crate) fn name(&self) -> &Arc<str> {
        &self.name
    }

    pub(crate) fn task_name(&self) -> Name {
        Name::Shared(Arc::clone(&self.name))
    }

    pub(crate) fn options(&self) -> &ServiceOptions {
        &self.options
    }

    pub(crate) fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    pub(crate) fn state(&self) -> ServiceState {
        self.inner().state
    }

    pub(crate) fn has_started(&self) -> bool {
        self.started.load(Ordering::Acquire)
    }

    pub(crate) fn status(&self) -> ServiceStatus {
        let inner = self.inner();
        ServiceStatus {
            name: self.name.as_ref().to_owned(),
            state: inner.state,
            since: inner.since,
        }
    }

    /// Calls `start` in a task of its own; `on_launch` is called once, when it is decided whether
    /// the service has started.
    pub(crate) fn launch(
        self: &Arc<Self>,
        entrypoint: &Entrypoint,
        on_launch: Arc<OnLaunch>,
        now: Instant,
    ) {
        let mut inner = self.inner();
        // The stop may have come in between, on another thread, and would not come again.
        if self.stopping.is_set() {
            return;
        }
        inner.on_launch = Some(on_launch);
        inner.enter(ServiceState::Starting, now);
        let (cell, owner) = (Arc::clone(self), entrypoint);
        let entrypoint = entrypoint.clone();
        let run = async move {
            let ctx = ServiceContext::new(Arc::clone(&cell), entrypoint.clone());
            let start = catch_panic((*cell.service).start(ctx));
            let outcome = entrypoint
                .service_scope(Arc::clone(&cell) as _, start)
                .await;
            cell.returned(&entrypoint, outcome);
        };
        // The task cannot be polled to its end before it is kept: it takes the same lock.
        inner.running = Some(owner.spawn(self.task_name(), run));
    }

    /// The service says that it has started.
    pub(crate) fn ready(&self) {
        self.decide(Launch::Started, ServiceState::Running);
    }

    /// Something of the service failed after its start: its running part or a task of it.
    pub(crate) fn fail(&self, entrypoint: &Entrypoint, cause: BoxError) {
        let error = ServiceError::new(&self.name, Stage::Run, cause);
        {
            let mut inner = self.inner();
            if inner.on_launch.is_none() && inner.state == ServiceState::Running {
                self.enter(&mut inner, ServiceState::Failed);
            }
        }
        if let Some(error) = self.launch_failed(error) {
            entrypoint.service_failed(error);
        }
    }

    /// `start` took too long, or the program's start was given up.
    pub(crate) fn give_up(&self, cause: impl Into<BoxError>) {
        let _ = self.launch_failed(ServiceError::new(&self.name, Stage::Start, cause.into()));
    }

    fn returned(&self, entrypoint: &Entrypoint, outcome: Result<Result<(), BoxError>, Panic>) {
        let decided = {
            let mut inner = self.inner();
            inner.returned = true;
            let decided = inner.on_launch.is_none();
            let finished = decided && matches!(outcome, Ok(Ok(())));
            if finished && inner.state == ServiceState::Running {
                self.enter(&mut inner, ServiceState::Stopped);
                tracing::debug!(service = %self.name, "finished");
            }
            decided
        };
        match outcome {
            Ok(Ok(())) if decided => {}
            Ok(Ok(())) => self.ready(),
            Ok(Err(error)) => self.fail(entrypoint, error),
            Err(panic) => self.fail(entrypoint, Panicked(panic_text(&*panic)).into()),
        }
        self.ended.notify(usize::MAX);
    }

    /// Decides the launch, unless it is decided already.
    fn decide(&self, launch: Launch, state: ServiceState) {
        let mut inner = self.inner();
        let Some(on_launch) = inner.on_launch.take() else {
            return;
        };
        self.started
            .store(matches!(launch, Launch::Started), Ordering::Release);
        self.enter(&mut inner, state);
        drop(inner);
        on_launch(launch);
    }

    /// Takes the error as that of the launch, or gives it back if the service has started.
    fn launch_failed(&self, error: ServiceError) -> Option<ServiceError> {
        if self.inner().on_launch.is_none() {
            return Some(error);
        }
        self.decide(Launch::Failed(error.at(Stage::Start)), ServiceState::Failed);
        None
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.looks_out.store(true, Ordering::Relaxed);
        self.stopping.is_set()
    }

    pub(crate) async fn stopping(&self) {
        self.looks_out.store(true, Ordering::Relaxed);
        self.stopping.wait().await;
    }

    /// Keeps a task of the service until its stop.
    pub(crate) fn own(&self, task: Task<()>) {
        let mut inner = self.inner();
        if inner.closed {
            drop(inner);
            task.abort();
            return;
        }
        // Those that have ended would gather otherwise; looked at now and then, not each time.
        if inner.tasks.len() == inner.tasks.capacity() {
            inner.tasks.retain(|task| !task.is_finished());
        }
        inner.tasks.push(task);
    }

    /// Tells the service that it is to stop; the first thing of every stop.
    pub(crate) fn begin_stop(&self, now: Instant) {
        let mut inner = self.inner();
        if inner.state == ServiceState::Running {
            inner.enter(ServiceState::Draining, now);
        }
        drop(inner);
        self.stopping.set();
    }

    /// Stops a service that has started; errors are collected, none keeps the rest from happening.
    /// Ends within `limit`, or soon after `cut`, unless the service blocks its thread.
    pub(crate) async fn stop(
        &self,
        reason: StopReason,
        limit: Duration,
        cut: &Flag,
    ) -> Vec<ServiceError> {
        let mut errors = Vec::new();
        let mut push = |cause: BoxError| {
            errors.push(ServiceError::new(&self.name, Stage::Stop, cause));
        };
        let begun = self.runtime.now();
        self.begin_stop(begun);
        let left = || limit.saturating_sub(self.runtime.now().saturating_duration_since(begun));

        let asked = self
            .runtime
            .timeout(limit, catch_panic((*self.service).stop(&reason)));
        match race(asked, cut.wait()).await {
            Either::First(Ok(Ok(Ok(())))) => {}
            Either::First(Ok(Ok(Err(error)))) => push(error),
            Either::First(Ok(Err(panic))) => push(Panicked(panic_text(&*panic)).into()),
            Either::First(Err(_)) => push(LimitExceeded(limit).into()),
            Either::Second(()) => tracing::warn!(service = %self.name, "stop was cut"),
        }

        let knows = !reason.was_unheard() || self.looks_out.load(Ordering::Relaxed);
        if knows && !self.has_returned() {
            // Most have nothing left to do but to end: give them a turn before a timer is made.
            yield_now().await;
        }
        if knows && !self.has_returned() {
            if !self.looks_out.load(Ordering::Relaxed) {
                tracing::warn!(
                    service = %self.name,
                    limit = ?left(),
                    "`stop` has returned, and `start` goes on without looking out for \
                     `ServiceContext::stopping`; waiting for its end"
                );
            }
            let ended = self.runtime.timeout(left(), self.wait_returned());
            if let Either::First(Err(_)) = race(ended, cut.wait()).await
                && errors.is_empty()
            {
                errors.push(ServiceError::new(
                    &self.name,
                    Stage::Stop,
                    StillRunning(limit).into(),
                ));
            }
        }
        self.abandon().await;
        let mut inner = self.inner();
        let failed = !errors.is_empty() || inner.state == ServiceState::Failed;
        self.enter(
            &mut inner,
            if failed {
                ServiceState::Failed
            } else {
                ServiceState::Stopped
            },
        );
        drop(inner);
        errors
    }

    /// Drops whatever of the service still runs, and waits until that has happened.
    pub(crate) async fn abandon(&self) {
        self.stopping.set();
        let (running, returned) = {
            let mut inner = self.inner();
            (inner.running.take(), inner.returned)
        };
        if let Some(running) = running {
            if !returned {
                running.abort();
            }
            // Its result was taken when `start` returned.
            let _ = running.await;
        }
        // Only now: a `start` that returned in the meantime has started.
        self.give_up_launch();
        loop {
            let tasks = self.abort_tasks();
            if tasks.is_empty() {
                return;
            }
            for task in tasks {
                // Errors and panics were reported by the task itself.
                let _ = task.await;
            }
        }
    }

    /// The stop did not come to its end.
    pub(crate) fn failed_to_stop(&self) {
        self.enter(&mut self.inner(), ServiceState::Failed);
    }

    /// Drops whatever of the service still runs, without waiting for it: its time is over.
    pub(crate) fn cut_off(&self) {
        self.stopping.set();
        let running = self.inner().running.take();
        if let Some(running) = running {
            running.abort();
        }
        self.give_up_launch();
        while !self.abort_tasks().is_empty() {}
    }

    /// A launch that is not decided by now never will be. It holds the entrypoint, which holds this:
    /// neither would ever be dropped.
    fn give_up_launch(&self) {
        let mut inner = self.inner();
        let on_launch = inner.on_launch.take();
        if on_launch.is_some() || inner.state == ServiceState::New {
            self.enter(&mut inner, ServiceState::Stopped);
        }
        drop(inner);
        drop(on_launch);
    }

    /// When none is left, none is taken any more.
    fn abort_tasks(&self) -> Vec<Task<()>> {
        let mut inner = self.inner();
        let tasks = std::mem::take(&mut inner.tasks);
        inner.closed = tasks.is_empty();
        drop(inner);
        for task in &tasks {
            task.abort();
        }
        tasks
    }

    fn has_returned(&self) -> bool {
        let inner = self.inner();
        inner.returned || inner.running.is_none()
    }

    async fn wait_returned(&self) {
        while !self.has_returned() {
            listener!(self.ended => ended);
            if self.has_returned() {
                return;
            }
            ended.await;
        }
    }

    fn enter(&self, inner: &mut Inner, state: ServiceState) {
        inner.enter(state, self.runtime.now());
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for ServiceCell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceCell")
            .field("name", &self.name)
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}

/// Stands for a panic where an error is reported.
#[derive(Debug)]
pub(crate) struct Panicked(pub(crate) String);

impl fmt::Display for Panicked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "panicked: {}", self.0)
    }
}

impl std::error::Error for Panicked {}

/// Says that a service did not start in time, and what it did not do.
#[derive(Debug)]
pub(crate) struct NotReady(pub(crate) Duration);

impl fmt::Display for NotReady {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let limit = self.0;
        write!(
            f,
            "neither returned nor called `ServiceContext::ready` within {limit:?}"
        )
    }
}

impl std::error::Error for NotReady {}

/// Says that a service's `stop` took longer than it may.
#[derive(Debug)]
struct LimitExceeded(Duration);

impl fmt::Display for LimitExceeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "took longer than the limit of {:?}", self.0)
    }
}

impl std::error::Error for LimitExceeded {}

/// Says that the running part of a service had to be dropped.
#[derive(Debug)]
struct StillRunning(Duration);

impl fmt::Display for StillRunning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "its `start` went on for the whole limit of {:?}, and was dropped (it can look out for \
             `ServiceContext::stopping`)",
            self.0
        )
    }
}

impl std::error::Error for StillRunning {}
