use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::Poll;

use super::provided::Made;
use super::{Dependency, DependencyError, Wanted};
use crate::flag::Flag;
use crate::runtime::Task;

/// A value from the moment that it is asked for until it is torn down.
pub(crate) struct Node {
    pub(super) dependency: Arc<Dependency>,
    /// Why there is no value, or nothing, once that is decided.
    outcome: OnceLock<Result<(), DependencyError>>,
    decided: Flag,
    value: Mutex<Option<Made>>,
    /// What makes it, until somebody waits for the end of it.
    pub(super) task: Mutex<Option<Task<()>>>,
    /// Those that it waits for. Changed under the lock on all of them.
    pub(super) waits_for: Mutex<Vec<Arc<Self>>>,
}

impl Node {
    pub(super) fn new(dependency: Arc<Dependency>) -> Arc<Self> {
        Arc::new(Self {
            dependency,
            outcome: OnceLock::new(),
            decided: Flag::default(),
            value: Mutex::default(),
            task: Mutex::default(),
            waits_for: Mutex::default(),
        })
    }

    pub(super) fn wanted(&self) -> &Wanted {
        self.dependency.wanted()
    }

    /// Puts the value where those find it who wait.
    pub(super) fn put(&self, made: Made) {
        *lock(&self.value) = Some(made);
    }

    pub(super) fn take(&self) -> Option<Made> {
        lock(&self.value).take()
    }

    pub(super) fn decide(&self, outcome: Result<(), DependencyError>) {
        // It is decided once; who comes second has nothing to add.
        let _ = self.outcome.set(outcome);
        self.decided.set();
    }

    pub(super) fn is_decided(&self) -> bool {
        self.outcome.get().is_some()
    }

    /// The value, if it is there.
    pub(super) fn get<T: ?Sized + Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        lock(&self.value).as_ref()?.get()
    }

    pub(super) async fn wait(&self) -> Result<(), DependencyError> {
        loop {
            if let Some(outcome) = self.outcome.get() {
                return outcome.clone();
            }
            self.decided.wait().await;
        }
    }
}

/// Waits until all of these are there, or one is known not to come.
pub(crate) async fn all(nodes: Vec<Arc<Node>>) -> Result<(), DependencyError> {
    let wait = |node: Arc<Node>| Box::pin(async move { node.wait().await });
    let mut waits: Vec<_> = nodes.into_iter().map(wait).collect();
    poll_fn(|cx| {
        let mut failed = None;
        waits.retain_mut(|wait| match wait.as_mut().poll(cx) {
            Poll::Pending => true,
            Poll::Ready(outcome) => {
                if failed.is_none() {
                    failed = outcome.err();
                }
                false
            }
        });
        match failed {
            Some(error) => Poll::Ready(Err(error)),
            None if waits.is_empty() => Poll::Ready(Ok(())),
            None => Poll::Pending,
        }
    })
    .await
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
