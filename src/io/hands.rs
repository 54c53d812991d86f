//! Who runs the jobs of a file.

use std::path::Path;
use std::sync::Arc;

use crate::runtime::{Name, Scope};
use crate::thread::{Job, ThreadPool};

/// The pool that runs the jobs of a file, and where the file was opened.
#[derive(Clone)]
pub(super) struct Hands {
    pool: ThreadPool,
    scope: Option<Arc<Scope>>,
    name: Name,
}

impl Hands {
    /// The pool given, else the current one.
    pub(super) fn new(pool: Option<ThreadPool>, path: &Path) -> Self {
        let name = format!("file {}", path.display());
        Self {
            pool: pool.unwrap_or_else(ThreadPool::current),
            scope: Scope::current(),
            name: Name::Shared(name.into()),
        }
    }

    /// Runs a job for the task that is polled now.
    pub(super) fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Job<T> {
        self.pool.run_named(self.name.clone(), job)
    }

    /// Whether the pool has a thread for a job that nobody has asked for, and one more for whoever comes next.
    pub(super) fn are_at_leisure(&self) -> bool {
        let busy = self.pool.running() + self.pool.waiting();
        !self.pool.is_closed() && busy + 2 <= self.pool.size()
    }

    /// Runs a job that nobody waits for, where the file was opened. Dropped unrun if there is nobody to
    /// run it.
    pub(super) fn leave(&self, job: impl FnOnce() + Send + 'static) {
        if self.pool.is_closed() {
            return;
        }
        let mut scope = self.scope.clone();
        if scope.is_some() {
            Scope::enter(&mut scope, || self.run(job).detach());
        } else {
            self.run(job).detach();
        }
    }
}
