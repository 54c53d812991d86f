use std::fmt;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::environment::{Environment, boolean, seconds};
use super::plan::Plan;
use super::roster::Roster;
use super::{OsSignal, Outcome, RunError, RunningEntrypoint, watchdog};
use crate::log::{self, LogFormat, LogLevel};
use crate::runtime::Runtime;
use crate::runtime::choose::choose;
use crate::service::{Service, StopReason};

/// An entrypoint about to be run; from [`Entrypoint::builder`].
///
/// What is set here goes before the environment, and that before the defaults. Mistakes are
/// reported all together when it is run.
///
/// | option | variable | default |
/// |---|---|---|
/// | [`runtime`](Self::runtime) | `AIOMISC_RUNTIME` (`smol`, `tokio`) | installed one, else smol |
/// | [`log_config`](Self::log_config) | `AIOMISC_LOG_CONFIG` | true |
/// | [`log_level`](Self::log_level) | `AIOMISC_LOG_LEVEL` | info |
/// | [`log_format`](Self::log_format) | `AIOMISC_LOG_FORMAT` | [`LogFormat::default`] |
/// | [`shutdown_timeout`](Self::shutdown_timeout) | `AIOMISC_SHUTDOWN_TIMEOUT` (seconds) | 60 s |
/// | [`catch_signals`](Self::catch_signals) | – | INT and TERM, on the main thread |
#[derive(Clone)]
#[must_use = "nothing runs until `run`, `run_forever` or `start`"]
pub struct EntrypointBuilder {
    services: Vec<Arc<dyn Service>>,
    runtime: Option<Result<Runtime, String>>,
    /// For a runtime that is not given.
    threads: Option<usize>,
    /// What is known to be wrong before anything is settled.
    problems: Vec<String>,
    environment: Environment,
    log_config: Option<bool>,
    log_level: Option<LogLevel>,
    log_format: Option<LogFormat>,
    shutdown_timeout: Option<Duration>,
    catch_signals: Option<Vec<OsSignal>>,
    exit_on_overrun: bool,
}

impl EntrypointBuilder {
    pub(super) fn new() -> Self {
        Self {
            services: Vec::new(),
            runtime: None,
            threads: None,
            problems: Vec::new(),
            environment: Environment::of_process(),
            log_config: None,
            log_level: None,
            log_format: None,
            shutdown_timeout: None,
            catch_signals: None,
            exit_on_overrun: true,
        }
    }

    /// Adds a service.
    pub fn service(mut self, service: impl Service) -> Self {
        self.services.push(Arc::new(service));
        self
    }

    /// Adds services, as [`services!`](crate::services) makes them.
    pub fn services(mut self, services: impl IntoIterator<Item = Arc<dyn Service>>) -> Self {
        self.services.extend(services);
        self
    }

    /// Sets the runtime.
    pub fn runtime(mut self, runtime: impl Into<Runtime>) -> Self {
        self.runtime = Some(Ok(runtime.into()));
        self
    }

    /// Sets the runtime, or says why it could not be made.
    #[cfg(feature = "macros")]
    pub(crate) fn runtime_made(mut self, made: std::io::Result<Runtime>) -> Self {
        self.runtime = Some(made.map_err(|error| format!("runtime: {error}")));
        self
    }

    /// Sets the number of threads of a runtime that is not given.
    #[cfg(feature = "macros")]
    pub(crate) fn threads(mut self, threads: usize) -> Self {
        self.threads = Some(threads);
        self
    }

    /// Adds a problem of the configuration, to be reported with the others.
    #[cfg(feature = "macros")]
    pub(crate) fn problem(mut self, problem: String) -> Self {
        self.problems.push(problem);
        self
    }

    /// Whether to set up logging. It does nothing where the program has set up its own.
    pub fn log_config(mut self, on: bool) -> Self {
        self.log_config = Some(on);
        self
    }

    /// Sets the least level that is logged.
    pub fn log_level(mut self, level: LogLevel) -> Self {
        self.log_level = Some(level);
        self
    }

    /// Sets how the log looks.
    pub fn log_format(mut self, format: LogFormat) -> Self {
        self.log_format = Some(format);
        self
    }

    /// Sets how long the stop of the whole program may take.
    ///
    /// Beyond it the run ends with a [`RunError`] that [`overran`](RunError::overran); its
    /// [`exit_code`](RunError::exit_code) is 70, which `#[aiomisc::main]` gives the process and a
    /// `main` of yours has to return. Where not even that comes within a second, because a thread
    /// is blocked, the process is ended with 70.
    pub fn shutdown_timeout(mut self, timeout: Duration) -> Self {
        self.shutdown_timeout = Some(timeout);
        self
    }

    /// Whether `run` and `run_forever` end the process with the status 70 when the stop takes longer
    /// than the shutdown timeout. Default: true: a program that cannot stop ends all the same, also
    /// when a service blocks its thread. With false they return [`RunError`], whose
    /// [`overran`](RunError::overran) tells; a service that blocks its thread can then keep them from
    /// returning. `start` never ends the process.
    pub fn exit_on_overrun(mut self, on: bool) -> Self {
        self.exit_on_overrun = on;
        self
    }

    /// Sets the signals that stop the program gracefully; none leaves them alone.
    ///
    /// The first one stops the program, a second one cuts the drain, a third one exits at once with
    /// 128 and the signal's number. By default `run` and `run_forever` catch INT and TERM when they
    /// are called on the main thread, and `start` catches none.
    pub fn catch_signals(mut self, signals: impl IntoIterator<Item = OsSignal>) -> Self {
        self.catch_signals = Some(signals.into_iter().collect());
        self
    }

    /// Reads the variables from here instead of the process's environment.
    pub fn environment(
        mut self,
        look_up: impl Fn(&str) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        self.environment = Environment::new(look_up);
        self
    }

    /// Starts the services, runs the future, stops the services; blocks the calling thread.
    ///
    /// A signal, or a service that fails, drops the future and stops the services.
    ///
    /// # Errors
    ///
    /// [`RunError`] if the configuration is wrong, if a service failed to start, while it ran or to
    /// stop, or if the stop took too long.
    ///
    /// # Panics
    ///
    /// With the future's panic, after the services have stopped.
    ///
    /// # Cost
    ///
    /// A thread while signals are caught, and one while the services stop.
    pub fn run<F: Future>(self, main: F) -> Result<Outcome<F::Output>, RunError> {
        let exit_on_overrun = self.exit_on_overrun;
        let plan = self.plan(Mode::Run)?;
        let runtime = plan.runtime.clone();
        let outcome = runtime.block_on(plan.run(main, exit_on_overrun));
        if exit_on_overrun
            && let Err(error) = &outcome
            && error.overran()
        {
            error.report();
            watchdog::exit_overran();
        }
        outcome
    }

    /// Starts the services and waits until something stops the program.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run).
    pub fn run_forever(self) -> Result<StopReason, RunError> {
        match self.run(std::future::pending::<std::convert::Infallible>())? {
            Outcome::Stopped(reason) => Ok(reason),
            Outcome::Finished(never) => match never {},
        }
    }

    /// Starts the services inside of a program that runs already, on its runtime; resolves when
    /// they have started.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run), as far as the start goes.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future stops what has started, in the background.
    pub async fn start(self) -> Result<RunningEntrypoint, RunError> {
        let plan = self.plan(Mode::Embedded)?;
        plan.start().await
    }

    /// Settles every option, or says all that is wrong.
    fn plan(self, mode: Mode) -> Result<Plan, RunError> {
        let mut problems = self.problems;
        let env = self.environment;

        let runtime = match (self.runtime, mode) {
            (Some(runtime), _) => runtime,
            (None, Mode::Embedded) => Runtime::current().map_err(|error| error.to_string()),
            (None, Mode::Run) => chosen(&env, self.threads),
        };

        let level = env.read("AIOMISC_LOG_LEVEL", str::parse, &mut problems);
        let format = env.read("AIOMISC_LOG_FORMAT", str::parse, &mut problems);
        let config = env.read("AIOMISC_LOG_CONFIG", boolean, &mut problems);
        let timeout = env.read("AIOMISC_SHUTDOWN_TIMEOUT", seconds, &mut problems);

        let shutdown_timeout = self
            .shutdown_timeout
            .or(timeout)
            .unwrap_or(Duration::from_secs(60));
        if shutdown_timeout.is_zero() {
            problems.push("shutdown_timeout: expected a duration above zero, got 0".to_owned());
        }
        let roster = Roster::new(self.services, &[], &mut problems);
        let runtime = match (runtime, problems.is_empty()) {
            (Ok(runtime), true) => runtime,
            (runtime, _) => {
                problems.extend(runtime.err());
                return Err(RunError::config(problems));
            }
        };
        let cells = roster.into_cells(&runtime, &[]);

        let on_main_thread = thread::current().name() == Some("main");
        let by_default = match mode {
            Mode::Run if on_main_thread => vec![OsSignal::INT, OsSignal::TERM],
            Mode::Run | Mode::Embedded => Vec::new(),
        };
        let log = self.log_config.or(config).unwrap_or(true).then(|| {
            let mut log = log::basic_config().level(self.log_level.or(level).unwrap_or_default());
            if let Some(format) = self.log_format.or(format) {
                log = log.format(format);
            }
            log
        });
        Ok(Plan {
            runtime,
            cells,
            log,
            shutdown_timeout,
            signals: self.catch_signals.unwrap_or(by_default),
        })
    }
}

impl fmt::Debug for EntrypointBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EntrypointBuilder")
            .field(
                "services",
                &self.services.iter().map(|s| s.name()).collect::<Vec<_>>(),
            )
            .finish_non_exhaustive()
    }
}

/// What `run` uses when no runtime is given.
pub(super) fn chosen(env: &Environment, threads: Option<usize>) -> Result<Runtime, String> {
    let named = env.read(
        "AIOMISC_RUNTIME",
        |text| Ok(text.to_owned()),
        &mut Vec::new(),
    );
    choose(named.as_deref(), threads).map_err(|error| {
        let variable = named.as_ref().map_or("", |_| "AIOMISC_RUNTIME: ");
        format!("{variable}{}", crate::error::Chain(&error))
    })
}

#[derive(Clone, Copy)]
enum Mode {
    /// The program is driven by the entrypoint.
    Run,
    /// The entrypoint is a part of somebody's program.
    Embedded,
}
