//! What an entrypoint knows of its tasks.

use std::collections::HashSet;
use std::time::Duration;

use super::Entrypoint;
use crate::future::{race, yield_now};
use crate::runtime::{Runtime, TaskInfo};

/// So many of the tasks left are named one by one; of more, only the number is given.
pub(super) const NAMED: usize = 20;

/// How long the jobs of the pool are waited for.
const POOL_DRAIN: Duration = Duration::from_secs(10);

impl Entrypoint {
    /// The tasks and blocking jobs that are alive: those of the services, and whatever these and the
    /// main job have spawned. In no order.
    ///
    /// A task counts from its spawn until its future is dropped.
    ///
    /// # Cost
    ///
    /// An allocation for each task.
    #[must_use]
    pub fn tasks(&self) -> Vec<TaskInfo> {
        self.shared.tasks.infos(|_| true)
    }

    /// The tasks of this name that are alive: those of a service have the service's.
    pub(crate) fn tasks_named(&self, name: &str) -> Vec<TaskInfo> {
        self.shared.tasks.infos(|other| other == name)
    }

    /// Everything has stopped, and the runtime ends: says what it takes with it.
    pub(super) async fn name_tasks_left(&self) {
        if self.shared.tasks.len() == 0 {
            return;
        }
        // Those that have been told to end need a turn for that.
        yield_now().await;
        // The jobs of the pool were named when that was shut down.
        let left = self.shared.tasks.infos_but_jobs();
        log_left(&left, "at the end of the program");
    }

    /// Waits for the jobs of the pool that are under way, within their limit and until a second signal; what
    /// is left is named. The time of the whole stop is not used up by a job that nothing can end.
    pub(super) async fn drain_pool(&self, left: Duration) {
        let limit = POOL_DRAIN.min(left / 2);
        let cut = |runtime: &Runtime| race(runtime.sleep(limit), self.shared.cut.wait());
        // The log has it; what does not end does not keep the program.
        let _ = self.shared.pool.shutdown_until(cut, limit).await;
    }

    /// The time for the stop of these services is over: says which tasks they still have.
    pub(super) fn name_tasks_of(&self, services: &HashSet<&str>) {
        let left = self.shared.tasks.infos(|name| services.contains(name));
        log_left(&left, "after the shutdown timeout");
    }
}

fn log_left(left: &[TaskInfo], when: &str) {
    for TaskInfo {
        name, spawned_at, ..
    } in left.iter().take(NAMED)
    {
        tracing::warn!(task = %name, %spawned_at, "still there {when}");
    }
    if left.len() > NAMED {
        let (count, named) = (left.len(), NAMED);
        tracing::warn!(count, named, "more tasks are still there {when}");
    }
}
