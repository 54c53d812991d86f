use std::borrow::Cow;
use std::sync::Arc;

use super::failure::Panicked;
use super::{Life, ServiceStatus};
use crate::context::Context;
use crate::dependency::{DependencyError, Wanted};
use crate::entrypoint::Entrypoint;
use crate::error::{BoxError, end_of_panic};
use crate::future::{Either, catch_panic, race};
use crate::runtime::{Name, Runtime, Scope, Task};

/// What a service gets at its start. Cloning it is cheap; tasks of the service may hold it.
#[derive(Clone, Debug)]
pub struct ServiceContext {
    life: Arc<Life>,
    entrypoint: Entrypoint,
}

impl ServiceContext {
    pub(super) fn new(life: Arc<Life>, entrypoint: Entrypoint) -> Self {
        Self { life, entrypoint }
    }

    /// The context of the service that the current task belongs to: in its `start` and its `stop`, in
    /// its handlers, and in the tasks that these spawned.
    #[must_use]
    pub fn current() -> Option<Self> {
        let scope = Scope::current()?;
        let service = Arc::clone(scope.slots().service.as_ref()?);
        let life = service.downcast().ok()?;
        Some(Self::new(life, Entrypoint::current()?))
    }

    /// The service's name, unique in its entrypoint.
    #[must_use]
    pub fn name(&self) -> &str {
        self.life.name()
    }

    /// What is known of the service: where it stands, how often it was started again so far, and why
    /// it failed last. For a task that outlives the service it is no more than its last state.
    #[must_use]
    pub fn status(&self) -> ServiceStatus {
        self.life.status()
    }

    /// Says that the service has started, while `start` goes on. Calling it again does nothing.
    pub fn ready(&self) {
        self.life.ready();
    }

    /// Waits until the service is asked to stop.
    ///
    /// Asking for this, or [`is_stopping`](Self::is_stopping), also tells the entrypoint that the
    /// running part looks out for the stop: it then gets the time of the service's limit to end by
    /// itself. Before the first `.await` after [`ready`](Self::ready) is early enough; whoever begins
    /// with long work asks once before it, or the work may be dropped.
    ///
    /// # Cancel safety
    ///
    /// Dropping the wait loses nothing; one that comes later sees the stop as well.
    pub async fn stopping(&self) {
        self.life.stopping().await;
    }

    /// Runs a future until the service is asked to stop; `None` if that came first, and the future
    /// was dropped. See [`stopping`](Self::stopping).
    ///
    /// # Cancel safety
    ///
    /// That of the future.
    pub async fn until_stopping<F: Future>(&self, future: F) -> Option<F::Output> {
        match race(self.stopping(), future).await {
            Either::First(()) => None,
            Either::Second(output) => Some(output),
        }
    }

    /// Whether the service was asked to stop; see [`stopping`](Self::stopping).
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.life.is_stopping()
    }

    /// Spawns a task that belongs to the service: its error or panic fails the service, and the
    /// service's stop aborts it and waits for it, after the running part has ended.
    #[track_caller]
    pub fn spawn<F>(&self, future: F)
    where
        F: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        let ctx = self.clone();
        let task = self.runtime().task_as(self.life.task_name());
        let run = async move {
            let outcome = catch_panic(future).await;
            let error: BoxError = match outcome {
                Ok(Ok(())) => return,
                Ok(Err(error)) => error,
                Err(panic) => Panicked(end_of_panic(panic)).into(),
            };
            ctx.life.fail(&ctx.entrypoint, error);
        };
        // It may be called from anywhere that a context was given to.
        let task = if self.is_current() {
            task.spawn(run)
        } else {
            let service = Arc::clone(&self.life) as _;
            self.entrypoint.enter(Some(service), || task.spawn(run))
        };
        self.life.own(task);
    }

    /// Whether the current task belongs to this life of the service.
    fn is_current(&self) -> bool {
        Scope::current().is_some_and(|scope| {
            let service = scope.slots().service.as_ref();
            service.is_some_and(|service| {
                std::ptr::addr_eq(Arc::as_ptr(service), Arc::as_ptr(&self.life))
            })
        })
    }

    /// The service's name, for its tasks.
    pub(super) fn task_name(&self) -> Name {
        self.life.task_name()
    }

    /// Leaves a task to the service, which waits for it at its stop.
    pub(super) fn own(&self, task: Task<()>) {
        self.life.own(task);
    }

    /// The runtime that the entrypoint runs on.
    #[must_use]
    pub fn runtime(&self) -> &Runtime {
        self.life.runtime()
    }

    /// The values that the services of the entrypoint share.
    #[must_use]
    pub fn context(&self) -> &Context {
        self.entrypoint.context()
    }

    /// The [dependency](mod@crate::dependency) of this type, which the service's options say that it
    /// [needs](crate::service::ServiceOptions::needs): it was made before the service was started. A service
    /// that is started again finds the same value.
    ///
    /// # Errors
    ///
    /// [`DependencyError`] if the options do not say so, or the program has torn it down.
    ///
    /// # Cost
    ///
    /// Two look-ups under locks: for the beginning of a service, not for each of its requests.
    pub fn dependency<T>(&self) -> Result<Arc<T>, DependencyError>
    where
        T: ?Sized + Send + Sync + 'static,
    {
        self.find(&Wanted::of::<T>(None))
    }

    /// The dependency of this type and name; see [`dependency`](Self::dependency).
    ///
    /// # Errors
    ///
    /// As [`dependency`](Self::dependency).
    pub fn dependency_named<T>(
        &self,
        name: impl Into<Cow<'static, str>>,
    ) -> Result<Arc<T>, DependencyError>
    where
        T: ?Sized + Send + Sync + 'static,
    {
        self.find(&Wanted::of::<T>(Some(name.into())))
    }

    fn find<T>(&self, wanted: &Wanted) -> Result<Arc<T>, DependencyError>
    where
        T: ?Sized + Send + Sync + 'static,
    {
        if !self.life.needs(wanted) {
            return Err(DependencyError::not_declared(wanted));
        }
        self.entrypoint.dependencies().find(wanted)
    }

    /// The entrypoint that started the service.
    #[must_use]
    pub fn entrypoint(&self) -> &Entrypoint {
        &self.entrypoint
    }
}
