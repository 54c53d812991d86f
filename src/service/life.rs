//! One life of a service, from a call of `start` to its stop. A service that is restarted has
//! several.

use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use event_listener::{Event, listener};

use super::cell::Record;
use super::failure::{LimitExceeded, Panicked, StillRunning};
use super::object::Object;
use super::{ServiceCell, ServiceContext, ServiceState, ServiceStatus, StopReason};
use crate::dependency::Wanted;
use crate::entrypoint::{Entrypoint, ServiceError, Stage};
use crate::error::{BoxError, Chain, end_of_panic};
use crate::flag::{Flag, listening, wake_all};
use crate::future::{Either, Panic, catch_panic, race, run_until, yield_now};
use crate::runtime::{JoinError, Name, Runtime, Task};

/// What happened to a service's `start`, for whoever waits for it.
pub(crate) enum Launch {
    Started,
    Failed(ServiceError),
    /// It was stopped before it came to that.
    Abandoned,
}

pub(crate) type OnLaunch = dyn Fn(&ServiceCell, Launch) + Send + Sync;

pub(crate) struct Life {
    name: Arc<str>,
    runtime: Runtime,
    cell: Weak<ServiceCell>,
    /// Whether the service has started, whatever became of it since.
    started: AtomicBool,
    inner: Mutex<Inner>,
    stopping: Flag,
    /// Whether the running part looks out for the stop.
    looks_out: AtomicBool,
    /// Whether `start` is being polled.
    in_turn: AtomicBool,
    /// Notified after each poll of `start`, and when it has returned.
    ended: Event,
    /// Thrown when the task of `start` is gone, or nobody waits for that any more.
    let_go: Flag,
}

struct Inner {
    state: ServiceState,
    since: Instant,
    /// Until the launch is decided: who is told.
    on_launch: Option<Arc<OnLaunch>>,
    running: Option<Task<()>>,
    /// Whether there was a task of `start`.
    launched: bool,
    /// Whether `start` has returned.
    returned: bool,
    tasks: Vec<Task<()>>,
    /// Whether the stop has begun: what fails now is its business.
    draining: bool,
    /// Whether `stop` was called.
    asked: bool,
    /// Failures while the stop was under way.
    late: Vec<ServiceError>,
    /// Whether the stop is over, so that nobody looks after a task that comes now.
    closed: bool,
}

impl Life {
    pub(super) fn new(
        name: &Arc<str>,
        runtime: &Runtime,
        cell: Weak<ServiceCell>,
        now: Instant,
    ) -> Arc<Self> {
        let inner = Inner {
            state: ServiceState::New,
            since: now,
            on_launch: None,
            running: None,
            launched: false,
            returned: false,
            tasks: Vec::new(),
            draining: false,
            asked: false,
            late: Vec::new(),
            closed: false,
        };
        Arc::new(Self {
            name: Arc::clone(name),
            runtime: runtime.unowned(),
            cell,
            started: AtomicBool::new(false),
            inner: Mutex::new(inner),
            stopping: Flag::default(),
            looks_out: AtomicBool::new(false),
            in_turn: AtomicBool::new(false),
            ended: Event::new(),
            let_go: Flag::default(),
        })
    }

    pub(super) fn name(&self) -> &Arc<str> {
        &self.name
    }

    pub(super) fn task_name(&self) -> Name {
        Name::Shared(Arc::clone(&self.name))
    }

    pub(super) fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    pub(super) fn state(&self) -> (ServiceState, Instant) {
        let inner = self.inner();
        (inner.state, inner.since)
    }

    /// All that is known of the service; less once it has gone from its entrypoint.
    pub(super) fn status(&self) -> ServiceStatus {
        if let Some(cell) = self.cell.upgrade() {
            return cell.status();
        }
        let (state, since) = self.state();
        ServiceStatus {
            name: Arc::clone(&self.name),
            state,
            since,
            cause: None,
            restarts: 0,
        }
    }

    /// Whether the service's options say that it needs this; also once it has gone, when the value has as
    /// well.
    pub(super) fn needs(&self, wanted: &Wanted) -> bool {
        let cell = self.cell.upgrade();
        cell.is_none_or(|cell| cell.options().dependencies.contains(wanted))
    }

    fn service(&self) -> Object {
        let cell = self.cell.upgrade();
        cell.map(|cell| cell.service()).unwrap_or_default()
    }

    /// Whether it has started, whatever became of it since.
    pub(crate) fn has_started(&self) -> bool {
        self.started.load(Ordering::Acquire)
    }

    /// Whether it has started, and its `stop` was not called yet.
    pub(crate) fn is_to_stop(&self) -> bool {
        self.has_started() && !self.inner().asked
    }

    /// Calls `start` in a task of its own; `on_launch` is called once, when it is decided whether
    /// the service has started.
    #[track_caller]
    pub(crate) fn launch(
        self: &Arc<Self>,
        entrypoint: &Entrypoint,
        on_launch: Arc<OnLaunch>,
        now: Instant,
    ) {
        let service = self.service();
        let mut inner = self.inner();
        // The stop has come before its turn, and does not come again.
        if self.stopping.is_set() {
            drop(inner);
            return self.tell(&on_launch, Launch::Abandoned);
        }
        inner.on_launch = Some(on_launch);
        self.enter(&mut inner, ServiceState::Starting, now);
        let (life, owner) = (Arc::clone(self), entrypoint);
        let entrypoint = entrypoint.clone();
        let run = async move {
            let ctx = ServiceContext::new(Arc::clone(&life), entrypoint.clone());
            // Called inside: one written by hand may panic before there is a future.
            let start = catch_panic(async { service.get().start(ctx).await });
            let mut start = pin!(entrypoint.service_scope(Arc::clone(&life) as _, start));
            let outcome = poll_fn(|cx| {
                let _turn = Turn::begin(&life);
                start.as_mut().poll(cx)
            });
            let outcome = outcome.await;
            life.returned(&entrypoint, outcome);
        };
        // The task cannot be polled to its end before it is kept: it takes the same lock.
        inner.running = Some(owner.spawn(self.task_name(), run));
        inner.launched = true;
    }

    /// What it needs cannot be had: `start` is not called.
    pub(crate) fn refuse(&self, cause: impl Into<BoxError>, on_launch: &Arc<OnLaunch>) {
        let cause = cause.into();
        let causes = Chain(&*cause).to_string();
        let error = ServiceError::new(&self.name, Stage::Start, cause);
        let cell = self.cell.upgrade();
        let record = cell.as_deref().map(ServiceCell::record);
        let inner = self.inner();
        if self.stopping.is_set() {
            drop((inner, record));
            return self.tell(on_launch, Launch::Abandoned);
        }
        self.launch_failed(record, inner, on_launch, error, &causes);
    }

    /// The service says that it has started.
    pub(super) fn ready(&self) {
        let mut inner = self.inner();
        let Some(on_launch) = inner.on_launch.take() else {
            return;
        };
        self.started.store(true, Ordering::Release);
        // Where the stop has begun already, it takes it from here.
        let state = if inner.draining {
            ServiceState::Draining
        } else {
            ServiceState::Running
        };
        self.enter(&mut inner, state, self.runtime.now());
        drop(inner);
        self.tell(&on_launch, Launch::Started);
    }

    /// Something of the service failed: its `start`, its running part or a task of it.
    pub(super) fn fail(&self, entrypoint: &Entrypoint, cause: BoxError) {
        let causes = Chain(&*cause).to_string();
        let error = ServiceError::new(&self.name, Stage::Run, cause);
        let cell = self.cell.upgrade();
        // Before the lock on the life, as everywhere.
        let mut record = cell.as_deref().map(ServiceCell::record);
        let mut inner = self.inner();
        if let Some(on_launch) = inner.on_launch.take() {
            let error = error.at(Stage::Start);
            self.launch_failed(record, inner, &on_launch, error, &causes);
        } else if inner.draining {
            inner.late.push(error);
        } else {
            let first = inner.state != ServiceState::Failed;
            if let Some(record) = &mut record {
                record.failed(&error, &causes);
                if first {
                    record.after_start();
                }
            }
            if first {
                self.enter(&mut inner, ServiceState::Failed, self.runtime.now());
            }
            drop(inner);
            drop(record);
            if let Some(cell) = cell {
                entrypoint.service_failed(&cell, error, first);
            }
        }
    }

    /// `start` took too long, or the start of its group was given up.
    pub(crate) fn give_up(&self, cause: impl Into<BoxError>) {
        let cause = cause.into();
        let causes = Chain(&*cause).to_string();
        let error = ServiceError::new(&self.name, Stage::Start, cause);
        let cell = self.cell.upgrade();
        let record = cell.as_deref().map(ServiceCell::record);
        let mut inner = self.inner();
        if let Some(on_launch) = inner.on_launch.take() {
            self.launch_failed(record, inner, &on_launch, error, &causes);
        }
    }

    fn launch_failed(
        &self,
        mut record: Option<Record<'_>>,
        mut inner: MutexGuard<'_, Inner>,
        on_launch: &Arc<OnLaunch>,
        error: ServiceError,
        causes: &str,
    ) {
        if let Some(record) = &mut record {
            record.failed(&error, causes);
        }
        self.enter(&mut inner, ServiceState::Failed, self.runtime.now());
        drop(inner);
        drop(record);
        self.tell(on_launch, Launch::Failed(error));
    }

    fn tell(&self, on_launch: &Arc<OnLaunch>, launch: Launch) {
        if let Some(cell) = self.cell.upgrade() {
            on_launch(&cell, launch);
        }
    }

    fn returned(&self, entrypoint: &Entrypoint, outcome: Result<Result<(), BoxError>, Panic>) {
        let (decided, finished) = {
            let mut inner = self.inner();
            inner.returned = true;
            let decided = inner.on_launch.is_none();
            let returned_ok = decided && matches!(outcome, Ok(Ok(())));
            let finished = returned_ok && inner.state == ServiceState::Running;
            if finished {
                self.enter(&mut inner, ServiceState::Stopped, self.runtime.now());
            }
            (decided, finished)
        };
        if finished {
            tracing::debug!(service = %self.name, "finished");
        }
        match outcome {
            Ok(Ok(())) if decided => {}
            Ok(Ok(())) => self.ready(),
            Ok(Err(error)) => self.fail(entrypoint, error),
            Err(panic) => self.fail(entrypoint, Panicked(end_of_panic(panic)).into()),
        }
        wake_all(&self.ended);
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.looks_out.store(true, Ordering::Relaxed);
        self.stopping.is_set()
    }

    pub(super) async fn stopping(&self) {
        self.looks_out.store(true, Ordering::Relaxed);
        self.stopping.wait().await;
    }

    /// Keeps a task of the service until its stop.
    pub(super) fn own(&self, task: Task<()>) {
        let mut inner = self.inner();
        if inner.closed {
            drop(inner);
            task.abort();
            return;
        }
        // Those that have ended would gather otherwise; looked at when there are twice as many as were
        // left the last time.
        if inner.tasks.len() == inner.tasks.capacity() {
            inner.tasks.retain(|task| !task.is_finished());
            let left = inner.tasks.len();
            inner.tasks.reserve(left.max(4));
        }
        inner.tasks.push(task);
    }

    /// Tells the service that it is to stop; the first thing of every stop.
    pub(super) fn begin_stop(&self, now: Instant) {
        let mut inner = self.inner();
        inner.draining = true;
        if inner.state == ServiceState::Running {
            self.enter(&mut inner, ServiceState::Draining, now);
        }
        drop(inner);
        self.stopping.set();
    }

    /// Stops a service that has started; errors are collected, none keeps the rest from happening.
    /// Ends within `limit`, or soon after `cut`, unless the service blocks its thread.
    pub(crate) async fn stop(
        self: &Arc<Self>,
        entrypoint: &Entrypoint,
        reason: &StopReason,
        limit: Duration,
        cut: &Flag,
    ) -> Vec<ServiceError> {
        let mut errors = Vec::new();
        let mut push = |cause: BoxError| {
            errors.push(ServiceError::new(&self.name, Stage::Stop, cause));
        };
        let begun = self.runtime.now();
        self.begin_stop(begun);
        self.inner().asked = true;
        let left = || limit.saturating_sub(self.runtime.now().saturating_duration_since(begun));

        // Called inside, as `start` is.
        let service = self.service();
        let stop = async { service.get().stop(reason).await };
        let stop = entrypoint.service_scope(Arc::clone(self) as _, stop);
        let over = race(self.runtime.sleep(limit), cut.wait());
        match run_until(stop, over).await {
            Ok(Either::First(Ok(()))) => {}
            Ok(Either::First(Err(error))) => push(error),
            Ok(Either::Second(Either::First(()))) => push(LimitExceeded(limit).into()),
            Ok(Either::Second(Either::Second(()))) => {
                tracing::warn!(service = %self.name, "stop was cut");
            }
            Err(panic) => push(Panicked(end_of_panic(panic)).into()),
        }

        if reason.was_unheard() && self.in_turn.load(Ordering::Acquire) {
            // One that is ready just now may look out before its turn is over.
            let over = self.runtime.timeout(left(), self.turn_over());
            race(over, cut.wait()).await;
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
                let cause = StillRunning(limit).into();
                errors.push(ServiceError::new(&self.name, Stage::Stop, cause));
            }
        }
        self.abandon().await;
        errors.extend(self.take_late());
        let mut inner = self.inner();
        let state = if !errors.is_empty() || inner.state == ServiceState::Failed {
            ServiceState::Failed
        } else {
            ServiceState::Stopped
        };
        self.enter(&mut inner, state, self.runtime.now());
        errors
    }

    /// Drops whatever of the service still runs, and waits until that has happened.
    pub(crate) async fn abandon(&self) {
        self.stopping.set();
        let (running, launched, returned) = {
            let mut inner = self.inner();
            inner.draining = true;
            (inner.running.take(), inner.launched, inner.returned)
        };
        if let Some(running) = running {
            let _let_go = SetOnDrop(&self.let_go);
            if !returned {
                running.abort();
            }
            // Its result was taken when `start` returned.
            self.joined(running.await);
        } else if launched {
            // Somebody else does that, or has done it.
            self.let_go.wait().await;
        }
        // Only now: a `start` that returned in the meantime has started.
        self.give_up_launch();
        loop {
            let tasks = self.abort_tasks();
            if tasks.is_empty() {
                return;
            }
            for task in tasks {
                // What it ended with was reported by the task itself.
                self.joined(task.await);
            }
        }
    }

    /// Something of the service is gone. Only when it was dropped can it have panicked unnoticed.
    fn joined(&self, result: Result<(), JoinError>) {
        if let Err(error) = result
            && error.is_panic()
        {
            let error = ServiceError::new(&self.name, Stage::Stop, error.into());
            self.inner().late.push(error);
        }
    }

    /// The stop did not come to its end.
    pub(super) fn failed_to_stop(&self) {
        self.enter(&mut self.inner(), ServiceState::Failed, self.runtime.now());
    }

    /// What failed while the service was being stopped.
    pub(crate) fn take_late(&self) -> Vec<ServiceError> {
        std::mem::take(&mut self.inner().late)
    }

    /// Drops whatever of the service still runs, without waiting for it: its time is over.
    pub(crate) fn cut_off(&self) {
        self.stopping.set();
        let running = self.inner().running.take();
        if let Some(running) = running {
            running.abort();
        }
        self.let_go.set();
        self.give_up_launch();
        while !self.abort_tasks().is_empty() {}
    }

    /// A launch that is not decided by now never will be.
    fn give_up_launch(&self) {
        let mut inner = self.inner();
        let on_launch = inner.on_launch.take();
        if on_launch.is_some() || inner.state == ServiceState::New {
            self.enter(&mut inner, ServiceState::Stopped, self.runtime.now());
        }
        drop(inner);
        if let Some(on_launch) = on_launch {
            self.tell(&on_launch, Launch::Abandoned);
        }
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

    /// Waits until `start` is not being polled.
    async fn turn_over(&self) {
        while self.in_turn.load(Ordering::Acquire) {
            listener!(self.ended => ended);
            listening();
            if self.in_turn.load(Ordering::Acquire) {
                ended.await;
            }
        }
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

    fn enter(&self, inner: &mut Inner, state: ServiceState, now: Instant) {
        inner.state = state;
        inner.since = now;
        if let Some(cell) = self.cell.upgrade() {
            cell.notify();
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One poll of `start`.
struct Turn<'a>(&'a Life);

impl<'a> Turn<'a> {
    fn begin(life: &'a Life) -> Self {
        life.in_turn.store(true, Ordering::Relaxed);
        Self(life)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.in_turn.store(false, Ordering::Release);
        wake_all(&self.0.ended);
    }
}

/// Throws a switch also when the future that holds it is dropped.
struct SetOnDrop<'a>(&'a Flag);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.set();
    }
}

impl fmt::Debug for Life {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Life")
            .field("name", &self.name)
            .field("state", &self.state().0)
            .finish_non_exhaustive()
    }
}
