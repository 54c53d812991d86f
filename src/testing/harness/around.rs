//! The entrypoint around a test, and what it notices of the tasks in it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::TestOutput;
use crate::context::Context;
use crate::entrypoint::{Entrypoint, EntrypointBuilder, Outcome};
use crate::future::{Either, race};
use crate::runtime::{Runtime, Scope, Slots, Unhandled};
use crate::service::Service;

/// What is around a test while it runs.
#[derive(Clone, Default)]
pub(super) struct Around {
    pub(super) services: Option<Arc<MakeServices>>,
    pub(super) fill: Option<Arc<Fill>>,
    pub(super) change: Option<Arc<Change>>,
    /// Whether tasks may fail while nobody waits for them.
    pub(super) lenient: bool,
}

type MakeServices = dyn Fn() -> Vec<Arc<dyn Service>> + Send + Sync;
type Fill = dyn Fn(&Context) + Send + Sync;
type Change = dyn Fn(EntrypointBuilder) -> EntrypointBuilder + Send + Sync;

impl Around {
    /// Runs the test.
    #[allow(
        clippy::needless_pass_by_value,
        reason = "the last handle ends the runtime, within the time of the test"
    )]
    pub(super) fn run<F, Fut>(&self, runtime: Runtime, body: F) -> Result<(), String>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output: TestOutput>,
    {
        let unhandled = Arc::new(Unhandled::default());
        let slots = Slots {
            unhandled: (!self.lenient).then(|| Arc::clone(&unhandled)),
            ..Slots::default()
        };
        let body = async {
            // There is no use in waiting for what such a task would have done.
            match race(body(), unhandled.one()).await {
                Either::First(output) => output.into_result(),
                Either::Second(()) => Ok(()),
            }
        };
        let mut scope = Some(Scope::with_slots(&runtime, slots));
        let result = Scope::enter(&mut scope, || match self.has_an_entrypoint() {
            true => self.run_in_entrypoint(&runtime, body),
            false => runtime.block_on(body),
        });
        match unhandled.text() {
            None => result,
            Some(failed) => {
                let text = format!("nobody waited for what failed: {failed}");
                Err(result.map_or_else(|error| format!("{error}; {text}"), |()| text.clone()))
            }
        }
    }

    fn has_an_entrypoint(&self) -> bool {
        self.services.is_some() || self.fill.is_some() || self.change.is_some()
    }

    fn run_in_entrypoint(
        &self,
        runtime: &Runtime,
        body: impl Future<Output = Result<(), String>>,
    ) -> Result<(), String> {
        let builder = runtime.block_on(async { self.builder() });
        match builder.runtime(runtime.clone()).run(body) {
            Ok(Outcome::Finished(result)) => result,
            Ok(Outcome::Stopped(reason)) => Err(format!("stopped before its end: {reason}")),
            Err(error) => Err(error.to_string()),
        }
    }

    fn builder(&self) -> EntrypointBuilder {
        let mut builder = Entrypoint::builder()
            // The same for everybody, whatever the environment.
            .environment(|_| None)
            .log_config(false)
            .catch_signals([])
            // The limits of the services and that of the test are enough, and leave the process alone.
            .shutdown_timeout(Duration::MAX)
            .exit_on_overrun(false);
        if let Some(services) = &self.services {
            builder = builder.services(services());
        }
        if let Some(fill) = self.fill.clone() {
            builder = builder.context(move |context| fill(context));
        }
        match &self.change {
            Some(change) => change(builder),
            None => builder,
        }
    }
}

impl fmt::Debug for Around {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Around")
            .field("entrypoint", &self.has_an_entrypoint())
            .field("strict", &!self.lenient)
            .finish_non_exhaustive()
    }
}
