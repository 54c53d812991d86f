//! Services that come and go while the program runs.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::groups::Underway;
use super::roster::Roster;
use super::shutdown::Stopping;
use super::{Entrypoint, Failures, RunError, ServiceError, Stage, start};
use crate::flag::Flag;
use crate::future::{Either, run_until};
use crate::runtime::{Name, Placement, Task};
use crate::service::{Service, ServiceCell, ServiceHandle, ServiceState, StopKind, StopReason};

impl Entrypoint {
    /// Starts services while the program runs, by the same rules as those of the beginning; resolves
    /// when all have started. They may need services that run already. What they need of the
    /// [dependencies](mod@crate::dependency) is made now, unless it is there, and lives as long as the program.
    ///
    /// When one of them fails to start, those that came with it are stopped again, and the program
    /// goes on. Once started, they are services like any other: the program's stop stops them.
    ///
    /// # Errors
    ///
    /// [`RunError`] if something is wrong with the services, if one of them failed to start, or if
    /// the program stops.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future stops those that have started, in the background.
    ///
    /// # Cost
    ///
    /// Beside the starts: a task, and time linear in the number of the program's services.
    pub async fn start_services(
        &self,
        services: impl IntoIterator<Item = Arc<dyn Service>>,
    ) -> Result<Vec<ServiceHandle>, RunError> {
        let cells = self.admit(&services.into_iter().collect::<Vec<_>>())?;
        let start = BringUp {
            entrypoint: self.clone(),
            cells: cells.clone(),
            unwanted: Arc::default(),
            settled: Arc::default(),
        };
        let run = start.clone().run(self.group_underway());
        let mut guard = Guard {
            start,
            task: Some(self.spawn_own("aiomisc: start of services", run)),
        };
        guard.wait().await?;
        Ok(cells.into_iter().map(ServiceHandle::new).collect())
    }

    /// Stops services while the program runs, those first that need others of them; resolves when
    /// they have stopped. They are services of the entrypoint no longer.
    ///
    /// Those that have gone already are passed over. A service that stops itself should not wait for
    /// it: its running part would be waited for until its limit.
    ///
    /// # Errors
    ///
    /// [`RunError`] if one of them is needed by a service that stays, or belongs to another entrypoint,
    /// in which cases none is stopped; or with what failed while they were stopped.
    ///
    /// # Cancel safety
    ///
    /// The stop goes on in the background when the future is dropped.
    ///
    /// # Cost
    ///
    /// Beside the stops: a task, and time linear in the number of the program's services.
    pub async fn stop_services(
        &self,
        services: impl IntoIterator<Item = ServiceHandle>,
        why: impl Into<Cow<'static, str>>,
    ) -> Result<(), RunError> {
        let leaving = services.into_iter().map(|handle| Arc::clone(handle.cell()));
        let cells: Vec<_> = leaving.filter(|cell| !cell.is_gone()).collect();
        self.check_not_needed(&cells)?;
        let reason = StopReason::new(StopKind::Requested(why.into()));
        let down = TakeDown {
            entrypoint: self.clone(),
            cells,
            failures: Arc::default(),
            reason,
            start_failed: false,
        };
        let stop = down.run(self.group_underway());
        self.spawn_own("aiomisc: stop of services", stop)
            .await
            .unwrap_or_else(|error| Err(RunError::lost(error)))
    }

    /// Takes services in, unless the program stops.
    fn admit(&self, services: &[Arc<dyn Service>]) -> Result<Vec<Arc<ServiceCell>>, RunError> {
        loop {
            // Names, options and checks are foreign code: not under the lock.
            let there = self.cells().clone();
            let mut problems = Vec::new();
            let roster = Roster::new(
                services.to_vec(),
                &there,
                self.dependencies().catalog(),
                &mut problems,
            );
            if !problems.is_empty() {
                return Err(RunError::config(problems));
            }
            let new = roster.into_cells(self.runtime(), &there);
            let mut cells = self.cells();
            // The stop looks at the services after it has begun, under this lock.
            if self.is_closing() {
                return Err(RunError::stopped(self.reason()));
            }
            let unchanged = cells.len() == there.len()
                && cells.iter().zip(&there).all(|(a, b)| Arc::ptr_eq(a, b));
            if unchanged {
                cells.extend(new.iter().cloned());
                return Ok(new);
            }
        }
    }

    /// A service that somebody needs must not go before that one.
    fn check_not_needed(&self, leaving: &[Arc<ServiceCell>]) -> Result<(), RunError> {
        let going: HashSet<_> = leaving.iter().map(ServiceCell::id).collect();
        let mut problems = Vec::new();
        let ours: HashSet<_> = self.cells().iter().map(ServiceCell::id).collect();
        // One that has gone since is no longer here either.
        let strange = leaving
            .iter()
            .filter(|cell| !ours.contains(&cell.id()) && !cell.is_gone());
        problems.extend(
            strange.map(|cell| format!("service `{}` belongs to another entrypoint", cell.name())),
        );
        for cell in self.cells().iter() {
            if cell.is_leaving() || going.contains(&cell.id()) {
                continue;
            }
            let gone = cell
                .needs()
                .iter()
                .filter(|need| going.contains(&need.id()));
            problems.extend(
                gone.map(|need| {
                    format!("service `{}` is needed by `{}`", need.name(), cell.name())
                }),
            );
        }
        match problems.is_empty() {
            true => Ok(()),
            false => Err(RunError::needed(problems)),
        }
    }

    /// Spawns a task of the entrypoint, from wherever this is called.
    #[track_caller]
    fn spawn_own<F>(&self, name: &'static str, future: F) -> Task<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        let future = self.scope(future);
        let name = Name::Given(Cow::Borrowed(name));
        self.runtime().spawn_as(name, Placement::Here, future)
    }
}

/// The stop of services that go earlier.
struct TakeDown {
    entrypoint: Entrypoint,
    cells: Vec<Arc<ServiceCell>>,
    /// What has failed of them already.
    failures: Arc<Failures>,
    reason: StopReason,
    start_failed: bool,
}

impl TakeDown {
    /// Stops the services, and lets go of them.
    async fn run(self, _underway: Underway) -> Result<(), RunError> {
        let Self {
            entrypoint,
            cells,
            failures,
            reason,
            start_failed,
        } = self;
        let going: HashSet<_> = cells.iter().map(ServiceCell::id).collect();
        let stopping = Stopping {
            entrypoint: &entrypoint,
            cells,
            failures: &failures,
            reason,
            start_failed,
            of_program: false,
        };
        let in_time = stopping.run().await;
        entrypoint
            .cells()
            .retain(|cell| !going.contains(&cell.id()));
        if entrypoint.is_closing() {
            // It is the program's stop by now, and so are its errors.
            failures.move_to(&entrypoint.shared.failures);
            return Err(RunError::stopped(entrypoint.reason()));
        }
        let failures = failures.take();
        if failures.is_empty() && in_time {
            return Ok(());
        }
        Err(RunError::services(failures, !in_time))
    }
}

/// The start of services that come later.
#[derive(Clone)]
struct BringUp {
    entrypoint: Entrypoint,
    cells: Vec<Arc<ServiceCell>>,
    /// Thrown when nobody waits for the start any more.
    unwanted: Arc<Flag>,
    /// Whether it is settled who stops them again: nobody, or the one who came second.
    settled: Arc<AtomicBool>,
}

impl BringUp {
    async fn run(self, underway: Underway) -> Result<(), RunError> {
        let failures = Arc::<Failures>::default();
        // What is dropped there may be a receiver that panics, which is nobody's concern any more.
        let up = run_until(self.start(&failures), self.unwanted.wait()).await;
        if matches!(up, Ok(Either::First(true))) && self.settle() {
            return Ok(());
        }
        let entrypoint = self.entrypoint.clone();
        let why = start::why(&failures);
        let start_failed = why.is_some();
        let reason = StopReason::new(why.unwrap_or(StopKind::Abandoned));
        let down = self.undo(failures, reason, start_failed);
        down.run(underway)
            .await
            .and_then(|()| Err(RunError::stopped(entrypoint.reason())))
    }

    /// Whether it was not settled yet.
    fn settle(&self) -> bool {
        !self.settled.swap(true, Ordering::SeqCst)
    }

    fn undo(self, failures: Arc<Failures>, reason: StopReason, start_failed: bool) -> TakeDown {
        TakeDown {
            entrypoint: self.entrypoint,
            cells: self.cells,
            failures,
            reason,
            start_failed,
        }
    }

    async fn start(&self, failures: &Arc<Failures>) -> bool {
        self.wait_for_others(failures).await
            && start::start_between_signals(&self.entrypoint, &self.cells, failures).await
    }

    /// Services that are needed and do not belong to the group may still be starting.
    async fn wait_for_others(&self, failures: &Failures) -> bool {
        let in_group = |cell: &Arc<ServiceCell>| {
            let same = self.cells.get(cell.place());
            same.is_some_and(|same| Arc::ptr_eq(same, cell))
        };
        for cell in &self.cells {
            for need in cell.needs().iter().filter(|need| !in_group(need)) {
                let handle = ServiceHandle::new(Arc::clone(need));
                let underway = |state| {
                    use ServiceState::{New, Restarting, Starting};
                    matches!(state, New | Starting | Restarting)
                };
                let status = handle.until(|status| !underway(status.state)).await;
                if !need.has_started() || need.is_leaving() {
                    let cause = NeedHasGone(need.name().to_string(), status.state);
                    let error = ServiceError::new(cell.name(), Stage::Start, cause.into());
                    error.log();
                    failures.add(error);
                    return false;
                }
            }
        }
        true
    }
}

/// Stops the services of a start that nobody waits for any more.
struct Guard {
    start: BringUp,
    task: Option<Task<Result<(), RunError>>>,
}

impl Guard {
    async fn wait(&mut self) -> Result<(), RunError> {
        let Some(task) = &mut self.task else {
            return Ok(());
        };
        let result = task.await;
        self.task = None;
        result.unwrap_or_else(|error| Err(RunError::lost(error)))
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if self.task.is_none() {
            return;
        }
        self.start.unwanted.set();
        if !self.start.settle() {
            // They are up, and nobody else will stop them.
            let reason = StopReason::new(StopKind::Abandoned);
            let down = self.start.clone().undo(Arc::default(), reason, false);
            let owner = &self.start.entrypoint;
            let stop = down.run(owner.group_underway());
            owner.spawn_own("aiomisc: stop of services", stop).detach();
        }
    }
}

/// Says that a service that was needed has gone before it was of use.
#[derive(Debug)]
struct NeedHasGone(String, ServiceState);

impl fmt::Display for NeedHasGone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "it needs `{}`, which is {}", self.0, self.1)
    }
}

impl std::error::Error for NeedHasGone {}
