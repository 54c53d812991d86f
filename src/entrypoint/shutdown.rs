//! Stops services, within their limits and that of the program.

use std::fmt;
use std::sync::Arc;

use super::{Entrypoint, RunError, ServiceError, Stage, lock};
use crate::runtime::AbortOnDrop;
use crate::service::{ServiceCell, ServiceState, StopReason};

/// Stops everything, once the stop has begun. Errors neither get lost nor keep others from being
/// stopped.
pub(super) async fn shutdown(entrypoint: &Entrypoint) -> Result<StopReason, RunError> {
    let shared = &entrypoint.shared;
    let in_time = shared
        .runtime
        .timeout(shared.settings.shutdown_timeout(), stop_all(entrypoint))
        .await;
    if in_time.is_err() {
        cut_stragglers(entrypoint);
    }
    shared.stopped.set();
    let failures = std::mem::take(&mut *lock(&shared.failures));
    if failures.is_empty() && in_time.is_ok() {
        tracing::debug!("stopped");
        return Ok(entrypoint.reason());
    }
    Err(RunError::services(failures, in_time.is_err()))
}

async fn stop_all(entrypoint: &Entrypoint) {
    let cells = entrypoint.cells().clone();
    give_up_starting(entrypoint, &cells).await;

    let failed = lock(&entrypoint.shared.failures)
        .iter()
        .any(|e| e.stage() == Stage::Start);
    let started = cells.iter().rev().filter(|cell| cell.has_started());
    if failed {
        // What is up was made ready for a program that never came to be: undo it step by step.
        for cell in started {
            finished(entrypoint, cell, stop(entrypoint, cell)).await;
        }
        return;
    }
    // Collected first, so that all stop at the same time.
    let stops: Vec<_> = started.map(|cell| (cell, stop(entrypoint, cell))).collect();
    for (cell, task) in stops {
        finished(entrypoint, cell, task).await;
    }
}

/// Drops the starts that are under way, and joins them.
async fn give_up_starting(entrypoint: &Entrypoint, cells: &[Arc<ServiceCell>]) {
    let undecided: Vec<_> = cells.iter().filter(|cell| !cell.has_started()).collect();
    if undecided.is_empty() {
        return;
    }
    let failed = !lock(&entrypoint.shared.failures).is_empty();
    let now = entrypoint.runtime().now();
    for cell in &undecided {
        if failed && cell.state() == ServiceState::Starting {
            cell.give_up(GivenUp(entrypoint.reason()));
        }
        cell.begin_stop(now);
    }
    for cell in undecided {
        cell.abandon().await;
    }
}

/// Stops one service in a task of its own, so that neither its panic nor its time is another's.
fn stop(entrypoint: &Entrypoint, cell: &Arc<ServiceCell>) -> AbortOnDrop<()> {
    let (owner, name) = (entrypoint, cell.task_name());
    let (entrypoint, cell) = (entrypoint.clone(), Arc::clone(cell));
    owner.spawn(name, async move {
        let reason = entrypoint.reason();
        let errors = cell.stop(reason, cell.options().stop_limit, &entrypoint.shared.cut).await;
        for error in &errors {
            tracing::error!(service = %error.service(), error = %error.causes(), "service failed to stop");
        }
        if !errors.is_empty() {
            lock(&entrypoint.shared.failures).extend(errors);
        }
    }).abort_on_drop()
}

async fn finished(entrypoint: &Entrypoint, cell: &ServiceCell, task: AbortOnDrop<()>) {
    if let Err(error) = task.await {
        let error = ServiceError::new(cell.name(), Stage::Stop, error.into());
        lock(&entrypoint.shared.failures).push(error);
        // It did not come to that by itself.
        cell.abandon().await;
        cell.failed_to_stop();
    }
}

/// The time is over, and not by the fault of those that had stopped. The others are named, and what
/// still runs of them is dropped: inside of a program that goes on, nobody else would do it.
fn cut_stragglers(entrypoint: &Entrypoint) {
    let limit = entrypoint.shared.settings.shutdown_timeout();
    let cells = entrypoint.cells().clone();
    for cell in &cells {
        if matches!(cell.state(), ServiceState::Stopped | ServiceState::Failed) {
            continue;
        }
        let cause = StillRunning {
            state: cell.state(),
            limit,
        };
        tracing::error!(service = %cell.name(), state = %cell.state(), "still there after the shutdown timeout");
        let error = ServiceError::new(cell.name(), Stage::Stop, cause.into());
        lock(&entrypoint.shared.failures).push(error);
        cell.cut_off();
        cell.failed_to_stop();
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
struct StillRunning {
    state: ServiceState,
    limit: std::time::Duration,
}

impl fmt::Display for StillRunning {
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

impl std::error::Error for StillRunning {}
