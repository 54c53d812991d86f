//! An entrypoint around code that is not asynchronous.

use std::any::type_name;
use std::fmt;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};

use super::plan::Plan;
use super::{Entrypoint, Outcome, RunError};
use crate::future::{Either, race};
use crate::runtime::{Runtime, Task};
use crate::service::StopReason;

/// An entrypoint whose services run around a piece of code that is not asynchronous; what
/// [`EntrypointBuilder::block`](super::EntrypointBuilder::block) gives to its closure.
pub struct BlockingEntrypoint {
    entrypoint: Entrypoint,
    /// The one that can be blocked on.
    runtime: Runtime,
}

impl BlockingEntrypoint {
    /// Runs a future to its end, on this thread. May be called as often as needed.
    ///
    /// If the stop comes first, by a signal, a failed service or on request, the future is dropped; once
    /// the stop has begun, it is dropped without having run.
    ///
    /// # Panics
    ///
    /// With the future's panic; and on tokio when called inside an asynchronous context.
    #[track_caller]
    pub fn block_on<F: Future>(&self, future: F) -> Outcome<F::Output> {
        let ended = self.runtime.block_on(self.entrypoint.scope(race(
            self.entrypoint.closing(),
            self.entrypoint.timed(future, Location::caller()),
        )));
        match ended {
            Either::First(()) => Outcome::Stopped(self.entrypoint.reason()),
            Either::Second(value) => Outcome::Finished(value),
        }
    }

    /// Waits until something stops the program.
    #[track_caller]
    #[allow(
        clippy::must_use_candidate,
        reason = "the wait is what it is called for"
    )]
    pub fn run_forever(&self) -> StopReason {
        self.block_on(std::future::pending::<()>());
        self.entrypoint.reason()
    }

    /// Spawns a future inside of the entrypoint; see [`Runtime::spawn`].
    ///
    /// What is left of it after the closure and the services is dropped with the runtime, if the
    /// entrypoint has made that.
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> Task<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let task = self.runtime.task(type_name::<F>());
        self.entrypoint.enter(None, || task.spawn(future))
    }

    /// The runtime that the entrypoint runs on. Unlike those that tasks see, this one is driven by whoever
    /// blocks on it.
    #[must_use]
    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }
}

impl Deref for BlockingEntrypoint {
    type Target = Entrypoint;

    fn deref(&self) -> &Entrypoint {
        &self.entrypoint
    }
}

impl fmt::Debug for BlockingEntrypoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("BlockingEntrypoint")
            .field(&self.entrypoint)
            .finish()
    }
}

/// Runs the program around the closure.
pub(super) fn run<R>(
    plan: Plan,
    body: impl FnOnce(&BlockingEntrypoint) -> R,
) -> Result<R, RunError> {
    let runtime = plan.runtime.clone();
    // On the runtime already, as everything that follows.
    let session = runtime.block_on(async { plan.open() })?;
    let block = BlockingEntrypoint {
        entrypoint: session.entrypoint.clone(),
        runtime,
    };
    let (runtime, entrypoint) = (&block.runtime, &block.entrypoint);
    let started = runtime.block_on(entrypoint.scope(entrypoint.start_first()));
    let ended = (started && !entrypoint.is_closing())
        .then(|| catch_unwind(AssertUnwindSafe(|| entrypoint.enter(None, || body(&block)))));
    let panicked = matches!(ended, Some(Err(_)));
    let stopped = runtime.block_on(entrypoint.scope(session.close(panicked)));
    // Before the runtime, which goes with `block`.
    drop(session);
    match ended {
        Some(Err(panic)) => resume_unwind(panic),
        Some(Ok(value)) => stopped.map(|_| value),
        None => Err(stopped.map_or_else(|error| error, RunError::stopped)),
    }
}
