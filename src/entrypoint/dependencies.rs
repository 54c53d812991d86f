//! The dependencies of an entrypoint: who asks for them, and when they are made.

use std::any::Any;
use std::borrow::Cow;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use super::{Entrypoint, Failures};
use crate::dependency::{DependencyError, Node, Store, Wanted, all};
use crate::flag::Flag;
use crate::runtime::{Name, Placement, Scope, Task};
use crate::service::ServiceCell;

impl Entrypoint {
    /// The [dependency](mod@crate::dependency) of this type. If it is not there, it is made.
    ///
    /// It is for the main job, and for those that learn late what they need. A service says in its options
    /// what it [needs](crate::service::ServiceOptions::needs), so that it is there before its start.
    ///
    /// # Errors
    ///
    /// [`DependencyError`] if nobody provides it, or more than one does; if it could not be made; if it
    /// waits for the one who asks; or if the program stops.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing: what is being made will be there for the next one.
    pub async fn dependency<T>(&self) -> Result<Arc<T>, DependencyError>
    where
        T: ?Sized + Send + Sync + 'static,
    {
        self.obtain(Wanted::of::<T>(None)).await
    }

    /// The dependency of this type and name, as [`dependency`](Self::dependency).
    ///
    /// # Errors
    ///
    /// As [`dependency`](Self::dependency).
    pub async fn dependency_named<T>(
        &self,
        name: impl Into<Cow<'static, str>>,
    ) -> Result<Arc<T>, DependencyError>
    where
        T: ?Sized + Send + Sync + 'static,
    {
        self.obtain(Wanted::of::<T>(Some(name.into()))).await
    }

    async fn obtain<T>(&self, wanted: Wanted) -> Result<Arc<T>, DependencyError>
    where
        T: ?Sized + Send + Sync + 'static,
    {
        let by = self.asking_factory();
        self.dependencies().obtain(self, wanted, by.as_ref()).await
    }

    /// A factory of this entrypoint that asks here waits as one that asks by its argument.
    fn asking_factory(&self) -> Option<Arc<Node>> {
        Self::current().filter(|current| Arc::ptr_eq(&current.shared, &self.shared))?;
        let scope = Scope::current()?;
        Arc::clone(scope.slots().service.as_ref()?).downcast().ok()
    }

    pub(crate) fn dependencies(&self) -> &Store {
        &self.shared.dependencies
    }

    /// Thrown when the drain is to be cut.
    pub(crate) fn cut(&self) -> &Flag {
        &self.shared.cut
    }

    /// Spawns a task of the entrypoint that makes something; `part` is what it belongs to.
    #[track_caller]
    pub(crate) fn spawn_for<F>(
        &self,
        part: Arc<dyn Any + Send + Sync>,
        name: Name,
        future: F,
    ) -> Task<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        let runtime = self.runtime();
        self.enter(Some(part), || {
            runtime.spawn_as(name, Placement::Here, future)
        })
    }

    /// Tears down what was made. What fails is added to the failures.
    pub(super) async fn tear_down_dependencies(&self, failures: &Failures) {
        let failed = |error| failures.add_dependency(error);
        self.dependencies().tear_down(self, failed).await;
    }

    /// The time for that is over.
    pub(super) fn cut_off_dependencies(&self, failures: &Failures) {
        let failed = |error| failures.add_dependency(error);
        self.dependencies().cut_off(self, failed);
    }
}

/// Services that wait for what they need.
#[derive(Default)]
pub(super) struct Pending {
    /// The number of the start, once somebody needs anything.
    start: Option<u64>,
    waits: Vec<(usize, Wait)>,
}

type Wait = Pin<Box<dyn Future<Output = Result<(), DependencyError>> + Send>>;

impl Pending {
    /// Has all that a service needs made, and waits for it; whether it needs anything.
    pub(super) fn add(&mut self, entrypoint: &Entrypoint, cell: &ServiceCell) -> bool {
        let needs = &cell.options().dependencies;
        if needs.is_empty() {
            return false;
        }
        let store = entrypoint.dependencies();
        let start = *self.start.get_or_insert_with(|| store.begin());
        let nodes = needs
            .iter()
            .map(|need| store.request(entrypoint, need, start));
        let nodes: Result<Vec<Arc<Node>>, _> = nodes.collect();
        let wait = async { all(nodes?).await };
        self.waits.push((cell.place(), Box::pin(wait)));
        true
    }

    /// Waits until the wait of some is over, and gives their places: all that one value decides are there
    /// together.
    pub(super) async fn next(&mut self) -> Vec<(usize, Result<(), DependencyError>)> {
        poll_fn(|cx| {
            let mut over = Vec::new();
            loop {
                let before = over.len();
                self.waits
                    .retain_mut(|(place, wait)| match wait.as_mut().poll(cx) {
                        Poll::Pending => true,
                        Poll::Ready(result) => {
                            over.push((*place, result));
                            false
                        }
                    });
                // One that was looked at first may be decided since, by the same value.
                if over.len() == before {
                    break;
                }
            }
            over.sort_by_key(|(place, _)| *place);
            match over.is_empty() {
                true => Poll::Pending,
                false => Poll::Ready(over),
            }
        })
        .await
    }
}
