//! A service in its entrypoint: who it is, what it needs, and the life that it lives just now.

use std::any::TypeId;
use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use event_listener::{Event, EventListener};

use super::object::Object;
use super::{Life, Policy, Service, ServiceOptions, ServiceState, ServiceStatus, StopReason};
use crate::entrypoint::{Entrypoint, ServiceError};
use crate::error::Chain;
use crate::flag::{Flag, wake_all};
use crate::future::{Either, run_until};
use crate::runtime::{Name, Runtime, Task};

pub(crate) struct ServiceCell {
    name: Arc<str>,
    kind: TypeId,
    /// Until it has gone: what it holds may well hold its entrypoint.
    service: Mutex<Object>,
    options: ServiceOptions,
    runtime: Runtime,
    /// Its place in the group that it is started with.
    place: usize,
    /// The how many-th service of the process it was whose `start` was called; 0 before that.
    order: AtomicU64,
    /// The services that it needs; empty until they are known.
    needs: OnceLock<Vec<Arc<Self>>>,
    inner: Mutex<Inner>,
    /// Thrown when the service is to stop, whatever it is doing.
    leaving: Flag,
    /// Thrown when its stop is over.
    gone: Flag,
    /// Thrown when the time for its stop is over.
    cut_off: Flag,
    /// Notified at each change of its status.
    changed: Event,
}

struct Inner {
    life: Arc<Life>,
    /// While a failed service is being brought back: since when.
    restarting: Option<Instant>,
    /// What brings it back.
    supervisor: Option<Task<()>>,
    /// When it was started again, as far back as it counts.
    restarted: VecDeque<Instant>,
    restarts: u64,
    cause: Option<Arc<str>>,
    /// Whether somebody stops it already.
    claimed: bool,
}

impl ServiceCell {
    pub(crate) fn new(
        name: Arc<str>,
        service: Arc<dyn Service>,
        options: ServiceOptions,
        runtime: &Runtime,
        place: usize,
        now: Instant,
    ) -> Arc<Self> {
        let kind = service.kind();
        Arc::new_cyclic(|cell| {
            let inner = Inner {
                life: Life::new(&name, runtime, cell.clone(), now),
                restarting: None,
                supervisor: None,
                restarted: VecDeque::new(),
                restarts: 0,
                cause: None,
                claimed: false,
            };
            Self {
                name,
                kind,
                service: Mutex::new(Object::new(service)),
                options,
                runtime: runtime.unowned(),
                place,
                order: AtomicU64::new(0),
                needs: OnceLock::new(),
                inner: Mutex::new(inner),
                leaving: Flag::default(),
                gone: Flag::default(),
                cut_off: Flag::default(),
                changed: Event::new(),
            }
        })
    }

    /// Tells it from all others that are there at the same time.
    pub(crate) fn id(self: &Arc<Self>) -> usize {
        Arc::as_ptr(self).addr()
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

    pub(crate) fn kind(&self) -> TypeId {
        self.kind
    }

    /// The service itself; one that does nothing once it has gone.
    pub(super) fn service(&self) -> Object {
        self.object().clone()
    }

    pub(crate) fn place(&self) -> usize {
        self.place
    }

    /// Its first `start` is called now.
    pub(crate) fn set_order(&self) {
        static LAUNCHES: AtomicU64 = AtomicU64::new(0);

        let order = LAUNCHES.fetch_add(1, Ordering::Relaxed) + 1;
        self.order.store(order, Ordering::Relaxed);
    }

    /// Its number in the order in which the first `start` of each service was called.
    pub(crate) fn order(&self) -> u64 {
        self.order.load(Ordering::Relaxed)
    }

    pub(crate) fn needs(&self) -> &[Arc<Self>] {
        self.needs.get().map_or(&[], Vec::as_slice)
    }

    /// Says which services this one needs; once.
    pub(crate) fn set_needs(&self, needs: Vec<Arc<Self>>) {
        if !needs.is_empty() {
            let _ = self.needs.set(needs);
        }
    }

    pub(crate) fn life(&self) -> Arc<Life> {
        Arc::clone(&self.inner().life)
    }

    /// Whether the life that it lives has started, whatever became of it since.
    pub(crate) fn has_started(&self) -> bool {
        self.life().has_started()
    }

    pub(crate) fn state(&self) -> ServiceState {
        self.status().state
    }

    pub(crate) fn status(&self) -> ServiceStatus {
        let inner = self.inner();
        let (state, since) = inner.life.state();
        let (state, since) = match inner.restarting {
            Some(since) if state.is_over() => (ServiceState::Restarting, since),
            _ => (state, since),
        };
        ServiceStatus {
            name: Arc::clone(&self.name),
            state,
            since,
            cause: inner.cause.clone(),
            restarts: inner.restarts,
        }
    }

    /// The lock on what is known of it, for a life that is about to fail.
    pub(super) fn record(&self) -> Record<'_> {
        Record {
            cell: self,
            inner: self.inner(),
        }
    }

    pub(crate) fn set_cause(&self, error: &ServiceError) {
        self.inner().cause = Some(Chain(error).to_string().into());
        self.notify();
    }

    /// Whether the service is to stop, or has stopped.
    pub(crate) fn is_leaving(&self) -> bool {
        self.leaving.is_set()
    }

    /// Waits until the service is to stop.
    pub(crate) async fn leaving(&self) {
        self.leaving.wait().await;
    }

    /// Waits until its stop is over.
    pub(crate) async fn gone(&self) {
        self.gone.wait().await;
    }

    pub(crate) fn is_gone(&self) -> bool {
        self.gone.is_set()
    }

    /// The next change of its status.
    pub(super) fn changed(&self) -> EventListener {
        self.changed.listen()
    }

    pub(super) fn notify(&self) {
        wake_all(&self.changed);
    }

    /// Brings the service back after a failure, by the task that `supervise` gives; false if it is to
    /// stop anyway.
    pub(crate) fn supervise(&self, supervise: impl FnOnce() -> Task<()>) -> bool {
        let mut inner = self.inner();
        if self.leaving.is_set() {
            return false;
        }
        inner.restarting.get_or_insert_with(|| self.runtime.now());
        // One that is still there has nothing left to do: the life that it began has failed.
        inner.supervisor = Some(supervise());
        drop(inner);
        self.notify();
        true
    }

    /// Whether one more start is allowed by these numbers; if so, how many there were in a row.
    pub(crate) fn may_restart(&self, limit: usize, within: Duration) -> Option<u32> {
        let now = self.runtime.now();
        let mut inner = self.inner();
        let old = |at: &Instant| now.saturating_duration_since(*at) >= within;
        while inner.restarted.front().is_some_and(old) {
            inner.restarted.pop_front();
        }
        let count = inner.restarted.len();
        (count < limit).then(|| u32::try_from(count).unwrap_or(u32::MAX))
    }

    /// Begins a new life; `None` if the service is to stop.
    pub(crate) fn renew(self: &Arc<Self>) -> Option<Arc<Life>> {
        let now = self.runtime.now();
        let mut inner = self.inner();
        if self.leaving.is_set() {
            return None;
        }
        let cell = Arc::downgrade(self);
        let life = Life::new(&self.name, &self.runtime, cell, now);
        inner.restarted.push_back(now);
        inner.restarts += 1;
        // The old one holds what the service's `start` left behind, and goes without the lock.
        let old = std::mem::replace(&mut inner.life, Arc::clone(&life));
        drop(inner);
        drop(old);
        Some(life)
    }

    /// The service is back with this life; false if that has failed meanwhile: then somebody else brings
    /// it back already.
    pub(crate) fn is_back(&self, life: &Arc<Life>) -> bool {
        let mut inner = self.inner();
        let (state, _) = life.state();
        if !Arc::ptr_eq(&inner.life, life) || state == ServiceState::Failed {
            return false;
        }
        inner.restarting = None;
        drop(inner);
        self.notify();
        true
    }

    /// The service will not come back.
    pub(crate) fn has_failed(&self) {
        self.inner().restarting = None;
        self.notify();
    }

    /// Tells the service that it is to stop; the first thing of every stop.
    pub(crate) fn begin_stop(&self) {
        let inner = self.inner();
        self.leaving.set();
        let life = Arc::clone(&inner.life);
        drop(inner);
        life.begin_stop(self.runtime.now());
    }

    /// Stops the service, if its life has started; else drops what there is of it. When somebody
    /// does that already, waits for the end of it.
    pub(crate) async fn stop(
        &self,
        entrypoint: &Entrypoint,
        reason: &StopReason,
        cut: &Flag,
    ) -> Vec<ServiceError> {
        self.begin_stop();
        if std::mem::replace(&mut self.inner().claimed, true) {
            self.gone.wait().await;
            return Vec::new();
        }
        self.end_supervision().await;
        let life = self.life();
        if !life.has_started() {
            life.abandon().await;
        }
        let mut errors = Vec::new();
        // It may have started in that very moment.
        if life.is_to_stop() {
            let stop = life.stop(entrypoint, reason, self.options.stop_limit, cut);
            // Whoever has cut it off speaks for it.
            if let Ok(Either::First(result)) = run_until(stop, self.cut_off.wait()).await {
                errors = result;
            }
        }
        errors.extend(life.take_late());
        self.leave();
        errors
    }

    /// Drops what there is of a service that has not started. One that started in that very moment
    /// is to be stopped.
    pub(crate) async fn abandon(&self) -> Vec<ServiceError> {
        self.begin_stop();
        self.end_supervision().await;
        let life = self.life();
        life.abandon().await;
        if !life.has_started() {
            self.leave();
        }
        life.take_late()
    }

    /// Drops whatever of the service still runs, without waiting for it: its time is over.
    pub(crate) fn cut_off(&self) -> Vec<ServiceError> {
        self.begin_stop();
        self.cut_off.set();
        if let Some(supervisor) = self.inner().supervisor.take() {
            supervisor.abort();
        }
        let life = self.life();
        life.cut_off();
        life.failed_to_stop();
        self.leave();
        life.take_late()
    }

    /// Waits for the one who brings the service back, and who has seen by now that it is to stop.
    async fn end_supervision(&self) {
        let supervisor = self.inner().supervisor.take();
        if let Some(supervisor) = supervisor {
            // It has no result, and its panics are logged. When the time for this is over, so is its.
            let _ = supervisor.abort_on_drop().await;
        }
    }

    fn leave(&self) {
        self.inner().restarting = None;
        let service = std::mem::take(&mut *self.object());
        drop(service);
        self.gone.set();
        self.notify();
    }

    fn object(&self) -> MutexGuard<'_, Object> {
        self.service.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for ServiceCell {
    /// Lets go of what it needs link by link: a chain may be longer than a stack.
    fn drop(&mut self) {
        let mut needs = self.needs.take().unwrap_or_default();
        while let Some(need) = needs.pop() {
            if let Some(mut last) = Arc::into_inner(need) {
                needs.extend(last.needs.take().unwrap_or_default());
            }
        }
    }
}

/// Held while a life enters the state of failure, so that nobody sees that state without its cause, nor
/// a failed service that is about to be started again.
pub(super) struct Record<'a> {
    cell: &'a ServiceCell,
    inner: MutexGuard<'a, Inner>,
}

impl Record<'_> {
    /// Writes the failure down, with its causes.
    pub(super) fn failed(&mut self, error: &ServiceError, causes: &str) {
        self.inner.cause = Some(format!("{error}: {causes}").into());
    }

    /// Says that the failure is one that the policy is for.
    pub(super) fn after_start(&mut self) {
        let restarts = matches!(self.cell.options.policy, Policy::Restart(_));
        if restarts && !self.cell.leaving.is_set() {
            let now = self.cell.runtime.now();
            self.inner.restarting.get_or_insert(now);
        }
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
