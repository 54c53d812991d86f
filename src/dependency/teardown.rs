//! The end of an entrypoint's values.

use std::sync::Arc;

use super::error::TooLong;
use super::node::lock;
use super::provided::Made;
use super::store::{Inner, drop_value};
use super::{DependencyError, Node, Store};
use crate::entrypoint::Entrypoint;
use crate::error::{BoxError, end_of_panic};
use crate::future::{Either, race, run_until};
use crate::runtime::Name;
use crate::service::Panicked;

impl Store {
    /// Tears everything down, once the program's stop has begun: the one that was made last first. What
    /// fails is told and keeps no other from it.
    pub(crate) async fn tear_down(
        &self,
        entrypoint: &Entrypoint,
        failed: impl Fn(DependencyError),
    ) {
        self.join_factories(entrypoint, &failed).await;
        while let Some(node) = self.last_made() {
            if let Err(cause) = tear_down(entrypoint, &node).await {
                failed(DependencyError::not_torn_down(node.wanted(), cause));
            }
            // Only now: when the time is over meanwhile, it is named.
            let mut inner = self.inner();
            inner.made.retain(|other| !Arc::ptr_eq(other, &node));
            inner.nodes.remove(node.wanted());
        }
    }

    /// The one that is next; where there is none, nobody tears down what comes now.
    fn last_made(&self) -> Option<Arc<Node>> {
        let mut inner = self.inner();
        inner.closed = inner.made.is_empty();
        inner.made.last().cloned()
    }

    /// They see the stop by themselves, all at once; one that blocks its thread is left behind.
    async fn join_factories(&self, entrypoint: &Entrypoint, failed: &impl Fn(DependencyError)) {
        let mut nodes: Vec<_> = self.inner().nodes.values().cloned().collect();
        // In an order that is the same every time.
        nodes.sort_by_cached_key(|node| node.wanted().to_string());
        let runtime = entrypoint.runtime();
        let begun = runtime.now();
        for node in nodes {
            let Some(task) = lock(&node.task).take() else {
                continue;
            };
            if task.is_finished() {
                continue;
            }
            let limit = node.dependency.teardown_limit;
            let left = limit.saturating_sub(runtime.now().saturating_duration_since(begun));
            if let Either::Second(()) = race(task.abort_on_drop(), runtime.sleep(left)).await {
                let cause = TooLong::GivenUp(limit).into();
                failed(DependencyError::not_torn_down(node.wanted(), cause));
            }
        }
    }

    /// The time for the stop is over: names what is still there, and lets go of it.
    pub(crate) fn cut_off(&self, entrypoint: &Entrypoint, failed: impl Fn(DependencyError)) {
        let Inner { nodes, made, .. } = std::mem::replace(
            &mut *self.inner(),
            Inner {
                closed: true,
                ..Inner::default()
            },
        );
        for node in nodes.values() {
            if let Some(task) = lock(&node.task).take() {
                task.abort();
            }
        }
        let limit = entrypoint.settings().shutdown_timeout();
        for node in made.iter().rev() {
            let value = node.take();
            // One whose tear-down was begun has no value any more.
            let named = value.as_ref().is_none_or(Made::has_teardown);
            drop_value(node.wanted(), value);
            if named {
                let cause = TooLong::Shutdown(limit).into();
                failed(DependencyError::not_torn_down(node.wanted(), cause));
            }
        }
    }
}

/// In a task of its own, so that neither its panic nor its time is another's.
async fn tear_down(entrypoint: &Entrypoint, node: &Arc<Node>) -> Result<(), BoxError> {
    let Some(mut value) = node.take() else {
        return Ok(());
    };
    let teardown = value.take_teardown();
    // What is torn down is to be the only one who has it.
    drop_value(node.wanted(), value);
    let Some(teardown) = teardown else {
        return Ok(());
    };
    let name = Name::Shared(node.wanted().to_string().into());
    let (owner, node) = (entrypoint, Arc::clone(node));
    let entrypoint = entrypoint.clone();
    let run = async move {
        let limit = node.dependency.teardown_limit;
        let over = race(entrypoint.runtime().sleep(limit), entrypoint.cut().wait());
        match run_until(async { teardown().await }, over).await {
            Ok(Either::First(result)) => result,
            Ok(Either::Second(Either::First(()))) => Err(TooLong::Teardown(limit).into()),
            Ok(Either::Second(Either::Second(()))) => {
                tracing::warn!(dependency = %node.wanted(), "the tear-down was cut");
                Ok(())
            }
            Err(panic) => Err(Panicked(end_of_panic(panic)).into()),
        }
    };
    let task = owner.spawn(name, run).abort_on_drop();
    task.await.unwrap_or_else(|error| Err(error.into()))
}
