use std::future::poll_fn;
use std::pin::pin;
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
    /// The number of the start that it was first asked for in, or of a later one.
    pub(super) number: u64,
    /// Those that it waits for. Changed under the lock on all of them.
    pub(super) waits_for: Mutex<Vec<Arc<Self>>>,
}

impl Node {
    pub(super) fn new(dependency: Arc<Dependency>, number: u64) -> Arc<Self> {
        Arc::new(Self {
            dependency,
            outcome: OnceLock::new(),
            decided: Flag::default(),
            value: Mutex::default(),
            task: Mutex::default(),
            number,
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

    /// Whether there will be no value.
    pub(super) fn has_failed(&self) -> bool {
        self.outcome.get().is_some_and(Result::is_err)
    }

    /// The value, if it is there.
    pub(super) fn get<T: ?Sized + Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        lock(&self.value).as_ref()?.get()
    }

    /// Looks at the outcome whenever it is polled: all who wait for it and are polled together see it
    /// together.
    pub(super) async fn wait(&self) -> Result<(), DependencyError> {
        let mut decided = pin!(self.decided.wait());
        poll_fn(|cx| match self.outcome.get() {
            Some(outcome) => Poll::Ready(outcome.clone()),
            None => {
                let decided = decided.as_mut().poll(cx);
                decided.map(|()| self.outcome.get().cloned().unwrap_or(Ok(())))
            }
        })
        .await
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
