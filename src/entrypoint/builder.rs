use std::collections::{HashMap, HashSet};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::environment::{Environment, boolean, seconds};
use super::os_signal::Handlers;
use super::signals::LifecycleSignals;
use super::watchdog::{self, WatchedOver};
use super::{Entrypoint, OsSignal, Outcome, RunError, RunningEntrypoint, shutdown, start};
use crate::error::BoxError;
use crate::future::{Either, catch_panic, race};
use crate::log::{self, LogFormat, LogLevel};
use crate::runtime::Runtime;
use crate::runtime::choose::choose;
use crate::service::{Service, ServiceCell, StopKind, StopReason};
use crate::signal::{Lifecycle, Signal, StartFailed};

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
    /// What is connected here, besides what is connected to the program's signals.
    receivers: LifecycleSignals,
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
            receivers: LifecycleSignals::new(),
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

    /// Connects a receiver to [`PRE_START`], [`POST_START`], [`PRE_STOP`] or [`POST_STOP`] of this
    /// entrypoint alone. It is called after those that are connected to the signals themselves.
    ///
    /// Another signal is a mistake that is reported when the entrypoint is run.
    ///
    /// [`PRE_START`]: crate::signal::PRE_START
    /// [`POST_START`]: crate::signal::POST_START
    /// [`PRE_STOP`]: crate::signal::PRE_STOP
    /// [`POST_STOP`]: crate::signal::POST_STOP
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use aiomisc::{Entrypoint, signal::POST_START};
    ///
    /// Entrypoint::builder()
    ///     .connect(&POST_START, |event| async move {
    ///         tracing::info!(services = event.services.len(), "up");
    ///         Ok(())
    ///     })
    ///     .run(async {})?;
    /// # }
    /// # Ok::<(), aiomisc::RunError>(())
    /// ```
    #[track_caller]
    pub fn connect<F, Fut>(mut self, signal: &'static Signal<Lifecycle>, receiver: F) -> Self
    where
        F: Fn(Lifecycle) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        let connected = match self.receivers.own(signal) {
            Some(own) => own.connect(receiver).map_err(|error| error.to_string()),
            None => {
                let name = signal.name();
                Err(format!("connect: {name} is not a signal of an entrypoint"))
            }
        };
        self.problems.extend(connected.err());
        self
    }

    /// Connects a receiver to [`START_FAILED`](crate::signal::START_FAILED) of this entrypoint
    /// alone, as [`connect`](Self::connect) does to the others.
    #[track_caller]
    pub fn on_start_failed<F, Fut>(mut self, receiver: F) -> Self
    where
        F: Fn(StartFailed) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        let connected = self.receivers.start_failed.connect(receiver);
        self.problems
            .extend(connected.err().map(|error| error.to_string()));
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
        let named = name_services(self.services, &mut problems);
        let runtime = match (runtime, problems.is_empty()) {
            (Ok(runtime), true) => runtime,
            (runtime, _) => {
                problems.extend(runtime.err());
                return Err(RunError::config(problems));
            }
        };
        let options: Vec<_> = named.iter().map(|(_, service)| service.options()).collect();
        let now = runtime.now();
        let cells = named
            .into_iter()
            .zip(options)
            .map(|((name, service), options)| {
                ServiceCell::new(name, service, options, &runtime, now)
            })
            .collect();

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
            receivers: LifecycleSignals::copied().and(&self.receivers),
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

/// Gives every service a name of its own: those called after their type get numbers; equal names
/// that were given are a mistake.
fn name_services(
    services: Vec<Arc<dyn Service>>,
    problems: &mut Vec<String>,
) -> Vec<(Arc<str>, Arc<dyn Service>)> {
    let given: Vec<(Arc<str>, _)> = services
        .iter()
        .map(|service| (service.name().into(), service.type_name()))
        .collect();
    let mut taken = HashSet::with_capacity(given.len());
    for (name, type_name) in &given {
        if name.is_empty() {
            problems.push(format!(
                "a service of the type {type_name} has an empty name"
            ));
        } else if **name != **type_name && !taken.insert(Arc::clone(name)) {
            problems.push(format!(
                "two services are called `{name}`: names must differ"
            ));
        }
    }
    for (service, (name, _)) in services.iter().zip(&given) {
        let options = service.options();
        problems.extend(
            options
                .problems()
                .map(|problem| format!("service `{name}`: {problem}")),
        );
        if let Err(error) = service.check() {
            problems.push(format!(
                "service `{name}`: {}",
                crate::error::Chain(&*error)
            ));
        }
    }
    let mut numbers: HashMap<&'static str, usize> = HashMap::new();
    services
        .into_iter()
        .zip(given)
        .map(|(service, (name, type_name))| {
            if *name != *type_name {
                return (name, service);
            }
            let number = numbers.entry(type_name).or_default();
            loop {
                *number += 1;
                let name = match *number {
                    1 => Arc::clone(&name),
                    number => format!("{name}#{number}").into(),
                };
                if taken.insert(Arc::clone(&name)) {
                    return (name, service);
                }
            }
        })
        .collect()
}

/// An entrypoint with every option settled.
struct Plan {
    runtime: Runtime,
    cells: Vec<Arc<ServiceCell>>,
    receivers: LifecycleSignals,
    log: Option<log::BasicConfig>,
    shutdown_timeout: Duration,
    signals: Vec<OsSignal>,
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
        let entrypoint =
            Entrypoint::new(&self.runtime, self.shutdown_timeout, self.receivers.clone());
        // Before anything can stop it: a stop looks for them here.
        entrypoint.cells().clone_from(&self.cells);
        entrypoint
    }

    async fn run<F: Future>(self, main: F, watch: bool) -> Result<Outcome<F::Output>, RunError> {
        self.check_runtime()?;
        // Before the signals, which may begin the stop.
        let entrypoint = self.entrypoint();
        let _watched_over = watch.then(|| WatchedOver::new(&entrypoint));
        let _handlers = self.prepare(&entrypoint)?;
        let mut main = pin!(Some(main));
        let run = async {
            let mut ended = None;
            if start::start(&entrypoint).await
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

    async fn start(self) -> Result<RunningEntrypoint, RunError> {
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
        if entrypoint.scope(start::start(&entrypoint)).await {
            return Ok(running);
        }
        match running.graceful_shutdown("the start failed").await {
            Err(error) => Err(error),
            Ok(reason) => Err(RunError::stopped(reason)),
        }
    }
}
