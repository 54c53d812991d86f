//! Stops services, those first that need others, within their limits and that of the program.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::{Entrypoint, Failures, RunError, ServiceError, Stage, start};
use crate::error::BoxError;
use crate::future::{Either, race, run_until};
use crate::runtime::AbortOnDrop;
use crate::service::{NotDropped, ServiceCell, ServiceState, StopReason};

/// Stops everything, once the stop has begun. Errors neither get lost nor keep others from being
/// stopped.
pub(super) async fn shutdown(entrypoint: &Entrypoint) -> Result<StopReason, RunError> {
    let shared = &entrypoint.shared;
    let stopping = Stopping {
        entrypoint,
        cells: entrypoint.cells().clone(),
        failures: &shared.failures,
        reason: entrypoint.reason(),
        start_failed: !shared.running.is_set() && start::why(&shared.failures).is_some(),
        of_program: true,
    };
    let in_time = stopping.run().await;
    shared.context.close();
    shared.stopped.set();
    let failures = shared.failures.take();
    if failures.is_empty() && in_time {
        tracing::debug!("stopped");
        return Ok(stopping.reason);
    }
    Err(RunError::services(failures, !in_time))
}

/// The stop of some services.
pub(super) struct Stopping<'a> {
    pub(super) entrypoint: &'a Entrypoint,
    pub(super) cells: Vec<Arc<ServiceCell>>,
    /// Where it goes what failed; what is there before the stop is why it came to that.
    pub(super) failures: &'a Arc<Failures>,
    pub(super) reason: StopReason,
    /// Whether it undoes a start that has failed.
    pub(super) start_failed: bool,
    /// Whether the program stops with them.
    pub(super) of_program: bool,
}

impl Stopping<'_> {
    /// Stops the services; whether that was done within the shutdown timeout.
    pub(super) async fn run(&self) -> bool {
        let limit = self.entrypoint.shared.settings.shutdown_timeout();
        let runtime = self.entrypoint.runtime();
        let begun = runtime.now();
        let stop = async {
            let (ep, cells, failures) = (self.entrypoint, &self.cells, self.failures);
            if self.start_failed {
                ep.call_start_failed(cells, failures).await;
            }
            ep.call_pre_stop(cells, failures).await;
            self.stop_all().await;
            if self.of_program {
                ep.shared.groups.all_over().await;
                ep.tear_down_dependencies(failures).await;
            }
            ep.call_post_stop(cells, failures).await;
            if self.of_program {
                let gone = runtime.now().saturating_duration_since(begun);
                ep.drain_pool(limit.saturating_sub(gone)).await;
            }
        };
        let stopped = run_until(stop, runtime.sleep(limit)).await;
        // What was dropped there may have panicked, which is no better.
        let in_time = matches!(stopped, Ok(Either::First(())));
        if !in_time {
            self.cut_stragglers();
        }
        in_time
    }

    async fn stop_all(&self) {
        self.give_up_starting().await;
        let started = self.started();
        if self.start_failed {
            // What is up was made ready for a program that never came to be: undo it step by step.
            for cell in &started {
                self.finished(cell, self.stop(cell, Vec::new())).await;
            }
            return;
        }
        let mut needed_by = self.needed_by(&started);
        // Collected first, so that all stop at the same time.
        let stops: Vec<_> = started
            .iter()
            .map(|cell| {
                let first = needed_by.remove(&cell.id()).unwrap_or_default();
                (cell, self.stop(cell, first))
            })
            .collect();
        for (cell, task) in stops {
            self.finished(cell, task).await;
        }
    }

    /// Those that have started, the last one first.
    fn started(&self) -> Vec<Arc<ServiceCell>> {
        let started = self.cells.iter().filter(|cell| cell.has_started());
        let mut started: Vec<_> = started.cloned().collect();
        started.sort_by_key(|cell| Reverse(cell.order()));
        started
    }

    /// Who has to be gone before a service is stopped: those of this stop, and those that somebody
    /// else stops already.
    fn needed_by(&self, cells: &[Arc<ServiceCell>]) -> HashMap<usize, Vec<Arc<ServiceCell>>> {
        let mut needed_by: HashMap<_, Vec<_>> = HashMap::new();
        let others = self.entrypoint.cells();
        let leaving = others.iter().filter(|cell| cell.is_leaving());
        for cell in cells.iter().chain(leaving) {
            for need in cell.needs() {
                let by = needed_by.entry(need.id()).or_default();
                by.push(Arc::clone(cell));
            }
        }
        needed_by
    }

    /// Drops the starts that are under way, and joins them, each for as long as its stop might take:
    /// one that blocks its thread must not have the stops of the others wait for ever.
    async fn give_up_starting(&self) {
        let starting = |cell: &&Arc<ServiceCell>| !cell.has_started();
        let undecided: Vec<_> = self.cells.iter().filter(starting).collect();
        for cell in &undecided {
            if self.start_failed && cell.state() == ServiceState::Starting {
                cell.life().give_up(GivenUp(self.reason.clone()));
            }
            cell.begin_stop();
        }
        let runtime = self.entrypoint.runtime();
        let begun = runtime.now();
        for cell in undecided {
            let limit = cell.options().stop_limit;
            let left = || limit.saturating_sub(runtime.now().saturating_duration_since(begun));
            // The clock is looked at only when there is something to wait for.
            let over = async { runtime.sleep(left()).await };
            match race(cell.abandon(), over).await {
                Either::First(late) => self.failures.extend(late),
                Either::Second(()) => self.cut(cell, NotDropped(limit).into()),
            }
        }
    }

    /// Stops one service in a task of its own, so that neither its panic nor its time is another's;
    /// those that need it go first.
    fn stop(&self, cell: &Arc<ServiceCell>, first: Vec<Arc<ServiceCell>>) -> AbortOnDrop<()> {
        let name = cell.task_name();
        let (entrypoint, cell) = (self.entrypoint.clone(), Arc::clone(cell));
        let (failures, reason) = (Arc::clone(self.failures), self.reason.clone());
        let stop = async move {
            for other in first {
                other.gone().await;
            }
            let errors = cell
                .stop(&entrypoint, &reason, &entrypoint.shared.cut)
                .await;
            for error in errors {
                error.log();
                failures.add(error);
            }
        };
        self.entrypoint.spawn(name, stop).abort_on_drop()
    }

    async fn finished(&self, cell: &ServiceCell, task: AbortOnDrop<()>) {
        if let Err(error) = task.await {
            // It did not come to that by itself.
            let error = ServiceError::new(cell.name(), Stage::Stop, error.into());
            self.failures.add(error);
            self.failures.extend(cell.abandon().await);
            self.failures.extend(cell.cut_off());
        }
    }

    /// The time is over, and not by the fault of those that had stopped. The others are named, and
    /// what still runs of them is dropped: inside of a program that goes on, nobody else would do it.
    fn cut_stragglers(&self) {
        let limit = self.entrypoint.shared.settings.shutdown_timeout();
        let late: Vec<_> = self.cells.iter().filter(|cell| !cell.is_gone()).collect();
        let names = late.iter().map(|cell| &**cell.name()).collect();
        self.entrypoint.name_tasks_of(&names);
        for cell in late {
            // One that had failed before is being stopped all the same.
            let state = Some(cell.state()).filter(|state| !state.is_over());
            let state = state.unwrap_or(ServiceState::Draining);
            tracing::error!(service = %cell.name(), %state, "still there after the shutdown timeout");
            self.cut(cell, StillThere { state, limit }.into());
        }
        if self.of_program {
            self.entrypoint.cut_off_dependencies(self.failures);
            if let Err(left) = self.entrypoint.pool().cut_off(limit) {
                left.log();
            }
        }
    }

    /// Lets go of a service that cannot be waited for any longer.
    fn cut(&self, cell: &ServiceCell, cause: BoxError) {
        let error = ServiceError::new(cell.name(), Stage::Stop, cause);
        self.failures.add(error);
        self.failures.extend(cell.cut_off());
    }
}

/// Says that a start was given up because of another one.
#[derive(Debug)]
struct GivenUp(StopReason);

impl fmt::Display for GivenUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "given up: {}", self.0)
    }
}

impl std::error::Error for GivenUp {}

/// Says that a service was still there when the time of the program was over.
#[derive(Debug)]
struct StillThere {
    state: ServiceState,
    limit: Duration,
}

impl fmt::Display for StillThere {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "still {} after the shutdown timeout of {:?}",
            self.state, self.limit
        )?;
        if self.state == ServiceState::Draining {
            f.write_str(" (a `start` that goes on can look out for `ServiceContext::stopping`)")?;
        }
        Ok(())
    }
}

impl std::error::Error for StillThere {}
