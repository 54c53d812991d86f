use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::pin::pin;
use std::sync::Arc;

use super::builder::Fill;
use super::claim::{Claim, LOGGING};
use super::os_signal::Handlers;
use super::signals::LifecycleSignals;
use super::watchdog::WatchedOver;
use super::{Entrypoint, Outcome, RunError, RunningEntrypoint, Settings, shutdown};
use crate::dependency::Store;
use crate::future::{Either, catch_panic, race};
use crate::runtime::{Runtime, Timed};
use crate::service::{ServiceCell, StopKind, StopReason};

/// An entrypoint with every option settled.
pub(super) struct Plan {
    pub(super) runtime: Runtime,
    /// Whether the runtime was made for this program, and ends with it.
    pub(super) made_here: bool,
    pub(super) cells: Vec<Arc<ServiceCell>>,
    pub(super) settings: Settings,
    pub(super) fills: Vec<Fill>,
    pub(super) receivers: LifecycleSignals,
    pub(super) dependencies: Store,
    /// Whether a stop that takes too long ends the process.
    pub(super) watch: bool,
}

impl Plan {
    /// Runs the program around a future.
    pub(super) async fn run<F: Future>(
        self,
        main: F,
        called: &'static Location<'static>,
    ) -> Result<Outcome<F::Output>, RunError> {
        let session = self.open()?;
        let entrypoint = &session.entrypoint;
        let mut main = pin!(Some(entrypoint.timed(main, called)));
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
            let stopped = session.close(matches!(ended, Some(Err(_)))).await;
            match ended {
                Some(Err(panic)) => resume_unwind(panic),
                Some(Ok(value)) => stopped.map(|_| Outcome::Finished(value)),
                None => stopped.map(Outcome::Stopped),
            }
        };
        entrypoint.scope(run).await
    }

    /// Starts the services beside a program that runs already.
    pub(super) async fn start(self) -> Result<RunningEntrypoint, RunError> {
        let runtime = self.runtime.clone();
        let Session {
            entrypoint, held, ..
        } = self.open()?;
        let stop = {
            let (entrypoint, runtime) = (entrypoint.clone(), runtime.clone());
            async move {
                entrypoint.closing().await;
                let stopped = shutdown::shutdown(&entrypoint).await;
                if entrypoint.settings().log_config() && !crate::log::is_written() {
                    // It may wait for a slow disk; others use this thread.
                    let _ = runtime.spawn_blocking(crate::log::write_out).await;
                }
                // A runtime that was given to us lives until here, whoever else has let go of it.
                drop(runtime);
                stopped
            }
        };
        let shutdown = runtime
            .task("aiomisc: shutdown")
            .spawn(entrypoint.scope(stop));
        // From here on, dropping this future stops what has started.
        let running = RunningEntrypoint {
            handle: entrypoint.clone(),
            shutdown: Some(shutdown),
            _held: held,
        };
        if entrypoint.scope(entrypoint.start_first()).await {
            return Ok(running);
        }
        match running.graceful_shutdown("the start failed").await {
            Err(error) => Err(error),
            Ok(reason) => Err(RunError::stopped(reason)),
        }
    }

    /// Does what comes before the start of services: nothing of the user's has run yet.
    pub(super) fn open(self) -> Result<Session, RunError> {
        self.check_runtime()?;
        let entrypoint = Entrypoint::new(
            &self.runtime,
            self.settings,
            self.receivers,
            self.dependencies,
        );
        for fill in self.fills {
            entrypoint.enter(None, || fill(entrypoint.context()));
        }
        entrypoint.shared.signals.freeze();
        // Before anything can stop it, as a signal may at once: a stop looks for them here.
        *entrypoint.cells() = self.cells;
        let watched_over = self.watch.then(|| WatchedOver::new(&entrypoint));
        let held = Held::take(&entrypoint)?;
        Ok(Session {
            held,
            _watched_over: watched_over,
            made_here: self.made_here,
            entrypoint,
        })
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
}

/// An entrypoint from before the start of its services until after their stop.
pub(super) struct Session {
    held: Held,
    _watched_over: Option<WatchedOver>,
    made_here: bool,
    pub(super) entrypoint: Entrypoint,
}

impl Session {
    /// Stops what has started, and says how that went.
    pub(super) async fn close(&self, panicked: bool) -> Result<StopReason, RunError> {
        // The first reason counts: after a signal these are ignored.
        self.entrypoint.close(if panicked {
            StopKind::Panicked
        } else {
            StopKind::Finished
        });
        let stopped = shutdown::shutdown(&self.entrypoint).await;
        if self.made_here {
            self.entrypoint.name_tasks_left().await;
        }
        // While signals still count. When the time is over already, the end of the process does it.
        let overran = stopped.as_ref().is_err_and(RunError::overran);
        if self.entrypoint.settings().log_config() && !overran {
            crate::log::write_out();
        }
        stopped
    }
}

/// What an entrypoint has of the process, until this is dropped: its logging and its signals.
#[derive(Debug)]
pub(super) struct Held {
    logging: Option<Claim>,
    signals: Option<Handlers>,
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.logging.is_some() {
            crate::log::leave_panics();
        }
    }
}

impl Held {
    /// Takes what no other entrypoint has.
    fn take(entrypoint: &Entrypoint) -> Result<Self, RunError> {
        let settings = entrypoint.settings();
        let logging = match settings.log() {
            None => None,
            Some(log) => {
                let claim = LOGGING.claim();
                if claim.is_some() {
                    log.init()
                        .map_err(|error| RunError::config(vec![format!("log: {error}")]))?;
                } else {
                    tracing::info!("another entrypoint of this process has set up logging already");
                }
                claim
            }
        };
        // From here on given back when this is dropped.
        let mut held = Self {
            logging,
            signals: None,
        };
        held.signals = Handlers::install(settings.catch_signals(), entrypoint)
            .map_err(|error| RunError::config(vec![format!("catch_signals: {error}")]))?;
        Ok(held)
    }
}

impl Entrypoint {
    /// Has the polls of the main job timed, if the options say so.
    pub(super) fn timed<F: Future>(&self, main: F, called: &'static Location<'static>) -> Timed<F> {
        let limit = self.shared.tasks.slow_poll();
        Timed::new(limit, self.runtime(), "main", called, main)
    }
}
