use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use super::os_signal::Handlers;
use super::watchdog::WatchedOver;
use super::{Entrypoint, OsSignal, Outcome, RunError, RunningEntrypoint, shutdown};
use crate::future::{Either, catch_panic, race};
use crate::log::BasicConfig;
use crate::runtime::Runtime;
use crate::service::{ServiceCell, StopKind};

/// An entrypoint with every option settled.
pub(super) struct Plan {
    pub(super) runtime: Runtime,
    pub(super) cells: Vec<Arc<ServiceCell>>,
    pub(super) log: Option<BasicConfig>,
    pub(super) shutdown_timeout: Duration,
    pub(super) signals: Vec<OsSignal>,
}

impl Plan {
    /// Logging and signals, which come before anything of the user's runs.
    fn prepare(&self, entrypoint: &Entrypoint) -> Result<Option<Handlers>, RunError> {
        if let Some(log) = &self.log
            && let Err(error) = log.init()
        {
            return Err(RunError::config(vec![format!("log: {error}")]));
        }
        Handlers::install(&self.signals, entrypoint)
            .map_err(|error| RunError::config(vec![format!("catch_signals: {error}")]))
    }

    /// A runtime that has ended drops whatever it is given.
    fn check_runtime(&self) -> Result<(), RunError> {
        let probe = self.runtime.spawn(std::future::pending::<()>());
        if probe.is_finished() {
            return Err(RunError::config(vec![
                "runtime: it has ended already".to_owned(),
            ]));
        }
        probe.abort();
        Ok(())
    }

    fn entrypoint(&self) -> Entrypoint {
        let entrypoint = Entrypoint::new(&self.runtime, self.shutdown_timeout);
        // Before anything can stop it: a stop looks for them here.
        entrypoint.cells().clone_from(&self.cells);
        entrypoint
    }

    pub(super) async fn run<F: Future>(
        self,
        main: F,
        watch: bool,
    ) -> Result<Outcome<F::Output>, RunError> {
        self.check_runtime()?;
        // Before the signals, which may begin the stop.
        let entrypoint = self.entrypoint();
        let _watched_over = watch.then(|| WatchedOver::new(&entrypoint));
        let _handlers = self.prepare(&entrypoint)?;
        let mut main = pin!(Some(main));
        let run = async {
            let mut ended = None;
            if entrypoint.start_first().await
                && let Some(main) = main.as_mut().as_pin_mut()
                && let Either::Second(end) = race(entrypoint.closing(), catch_panic(main)).await
            {
                ended = Some(end);
            }
            // The services are stopped also when letting go of it panics.
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| main.set(None))) {
                ended = Some(Err(panic));
            }
            // The first reason counts: after a signal these are ignored.
            entrypoint.close(match ended {
                Some(Err(_)) => StopKind::Panicked,
                _ => StopKind::Finished,
            });
            let stopped = shutdown::shutdown(&entrypoint).await;
            match ended {
                Some(Err(panic)) => std::panic::resume_unwind(panic),
                Some(Ok(value)) => stopped.map(|_| Outcome::Finished(value)),
                None => stopped.map(Outcome::Stopped),
            }
        };
        entrypoint.scope(run).await
    }

    pub(super) async fn start(self) -> Result<RunningEntrypoint, RunError> {
        self.check_runtime()?;
        let entrypoint = self.entrypoint();
        let signals = self.prepare(&entrypoint)?;
        let stop = {
            let (entrypoint, runtime) = (entrypoint.clone(), self.runtime.clone());
            async move {
                entrypoint.closing().await;
                let stopped = shutdown::shutdown(&entrypoint).await;
                // A runtime that was given to us lives until here, whoever else has let go of it.
                drop(runtime);
                stopped
            }
        };
        let shutdown = self
            .runtime
            .task("aiomisc: shutdown")
            .spawn(entrypoint.scope(stop));
        // From here on, dropping this future stops what has started.
        let running = RunningEntrypoint {
            handle: entrypoint.clone(),
            shutdown: Some(shutdown),
            _signals: signals,
        };
        if entrypoint.scope(entrypoint.start_first()).await {
            return Ok(running);
        }
        match running.graceful_shutdown("the start failed").await {
            Err(error) => Err(error),
            Ok(reason) => Err(RunError::stopped(reason)),
        }
    }
}
