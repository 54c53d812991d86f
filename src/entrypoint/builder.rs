use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::environment::Environment;
use super::plan::Plan;
use super::roster::Roster;
use super::settings::Chosen;
use super::signals::LifecycleSignals;
use super::{
    BlockingEntrypoint, Entrypoint, OsSignal, Outcome, RunError, RunningEntrypoint, block, watchdog,
};
use crate::context::Context;
use crate::dependency::{Catalog, Dependency, Store};
use crate::error::BoxError;
use crate::log::{LogFormat, LogLevel};
use crate::runtime::Runtime;
use crate::runtime::choose::{Choice, choose};
use crate::service::{Service, StopReason};
use crate::signal::{Lifecycle, Signal, StartFailed};

/// An entrypoint about to be run; from [`Entrypoint::builder`](super::Entrypoint::builder).
///
/// What is set here goes before the environment, and that before the defaults. Mistakes are
/// reported all together when it is run.
///
/// | option | variable | default |
/// |---|---|---|
/// | [`runtime`](Self::runtime) | `AIOMISC_RUNTIME` (`smol`, `tokio`) | installed one, else smol |
/// | [`pool_size`](Self::pool_size) | `AIOMISC_POOL_SIZE` (1 to 10000) | the number of processors, at least 4 and at most 32 |
/// | [`log_config`](Self::log_config) | `AIOMISC_LOG_CONFIG` | true |
/// | [`log_level`](Self::log_level) | `AIOMISC_LOG_LEVEL` | info |
/// | [`log_format`](Self::log_format) | `AIOMISC_LOG_FORMAT` | [`LogFormat::default`] |
/// | [`log_date_format`](Self::log_date_format) | `AIOMISC_LOG_DATE_FORMAT` | that of the log's format |
/// | [`log_buffering`](Self::log_buffering) | `AIOMISC_LOG_BUFFERING` | true |
/// | [`log_buffer_size`](Self::log_buffer_size) | `AIOMISC_LOG_BUFFER`, else `AIOMISC_LOG_BUFFER_SIZE` (1 to 16777216) | 1024 |
/// | [`log_flush_interval`](Self::log_flush_interval) | `AIOMISC_LOG_FLUSH` (seconds) | 0.2 s |
/// | [`debug`](Self::debug) | `AIOMISC_DEBUG` | false |
/// | [`shutdown_timeout`](Self::shutdown_timeout) | `AIOMISC_SHUTDOWN_TIMEOUT` (seconds) | 60 s |
/// | [`catch_signals`](Self::catch_signals) | – | INT and TERM, on the main thread |
/// | [`exit_on_overrun`](Self::exit_on_overrun) | – | true |
/// | [`plugins`](Self::plugins) | `AIOMISC_NO_PLUGINS` (turns them off) | true |
/// | – | `AIOMISC_USE_UVLOOP` has no effect: `AIOMISC_RUNTIME` picks the runtime | – |
///
/// A variable that is set to nothing counts as not set. Variables that are true or false take one of
/// `1`, `enable`, `enabled`, `on`, `true`, `yes`, or one of `0`, `disable`, `disabled`, `off`,
/// `false`, `no`, in any case.
///
/// Where the program has set up logging by itself before (`log::basic_config`), what is not set here
/// or by a variable stays as it is.
///
/// The pool of threads is [`Entrypoint::pool`](super::Entrypoint::pool). At the end of the stop its jobs have
/// ten seconds, or half of what is left of the shutdown timeout; those left are named in the log and keep
/// nobody.
#[derive(Clone)]
#[must_use = "nothing runs until `run`, `run_forever`, `block` or `start`"]
pub struct EntrypointBuilder {
    services: Vec<Arc<dyn Service>>,
    /// What is connected here, besides what is connected to the program's signals.
    receivers: LifecycleSignals,
    dependencies: Catalog,
    runtime: Option<Result<Choice, String>>,
    /// For a runtime that is not given.
    threads: Option<usize>,
    /// What is known to be wrong before anything is settled.
    problems: Vec<String>,
    environment: Environment,
    chosen: Chosen,
    /// What fills the context before anything starts.
    fills: Vec<Fill>,
    exit_on_overrun: bool,
}

pub(super) type Fill = Arc<dyn Fn(&Context) + Send + Sync>;

impl EntrypointBuilder {
    pub(super) fn new() -> Self {
        Self {
            services: Vec::new(),
            receivers: LifecycleSignals::new(),
            dependencies: Catalog::default(),
            runtime: None,
            threads: None,
            problems: Vec::new(),
            environment: Environment::of_process(),
            chosen: Chosen::default(),
            fills: Vec::new(),
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

    /// Adds the way to make a value that services need; see [`dependency`](mod@crate::dependency).
    pub fn dependency(mut self, dependency: Dependency) -> Self {
        self.dependencies.give(dependency);
        self
    }

    /// Puts a value in the place of the dependency of its type, so that no factory of that is called; for
    /// tests above all. The last one counts.
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use aiomisc::dependency::{Dependencies, Dependency};
    /// use aiomisc::{Entrypoint, service_fn, Service, ServiceContext};
    ///
    /// struct Database { url: String }
    ///
    /// let database = Dependency::new(|_: Dependencies| async {
    ///     Err::<Database, _>("the real one is not for tests".into())
    /// });
    /// let api = service_fn("api", |ctx: ServiceContext| async move {
    ///     assert_eq!(ctx.dependency::<Database>()?.url, "memory:");
    ///     Ok(())
    /// });
    /// Entrypoint::builder()
    ///     .dependency(database)
    ///     .service(api.configure(|options| options.needs::<Database>()))
    ///     .replace_dependency(Database { url: "memory:".to_owned() })
    ///     .run(async {})?;
    /// # }
    /// # Ok::<(), aiomisc::RunError>(())
    /// ```
    #[track_caller]
    pub fn replace_dependency<T: Send + Sync + 'static>(self, value: T) -> Self {
        self.replace_dependency_with(Dependency::value(value))
    }

    /// Puts a dependency in the place of all of its type and name: one that has a
    /// [name](Dependency::named), is [shared](Dependency::shared), or is made by another factory.
    pub fn replace_dependency_with(mut self, dependency: Dependency) -> Self {
        self.dependencies.replace(dependency);
        self
    }

    /// Puts values into the entrypoint's [`Context`] before anything starts: what receivers and services
    /// then find without waiting. Several are called in their order.
    ///
    /// A panic of the closure is passed on by whatever runs the entrypoint; nothing has started then.
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use aiomisc::{Context, Entrypoint, Key};
    ///
    /// static LIMIT: Key<u32> = Key::new("limit");
    ///
    /// Entrypoint::builder()
    ///     .context(|context| context.set(&LIMIT, 10))
    ///     .run_with(async |ep| assert_eq!(ep.context().try_get(&LIMIT), Some(10)))?;
    /// # }
    /// # Ok::<(), aiomisc::RunError>(())
    /// ```
    pub fn context(mut self, fill: impl Fn(&Context) + Send + Sync + 'static) -> Self {
        self.fills.push(Arc::new(fill));
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
        self.runtime = Some(Ok(Choice::given(runtime.into())));
        self
    }

    /// Sets the runtime, which was made for this program, or says why it could not be made.
    #[cfg(feature = "macros")]
    pub(crate) fn runtime_made(mut self, made: std::io::Result<Runtime>) -> Self {
        let made = made.map(Choice::made_here);
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
        self.chosen.log_config = Some(on);
        self
    }

    /// Sets the least level that is logged.
    pub fn log_level(mut self, level: LogLevel) -> Self {
        self.chosen.log.level = Some(level);
        self
    }

    /// Sets how the log looks.
    pub fn log_format(mut self, format: LogFormat) -> Self {
        self.chosen.log.format = Some(format);
        self
    }

    /// Sets how dates and times look in formats of the log that have them, in the words of `strftime`;
    /// see `log::BasicConfig::date_format`.
    pub fn log_date_format(mut self, format: impl Into<String>) -> Self {
        self.chosen.log.date_format = Some(format.into());
        self
    }

    /// Whether records of the log are buffered, so that nobody waits for them to be written. What is in
    /// the buffer at the end is written before `run` returns.
    pub fn log_buffering(mut self, on: bool) -> Self {
        self.chosen.log.buffering = Some(on);
        self
    }

    /// Sets how many records the buffer of the log is for.
    pub fn log_buffer_size(mut self, records: usize) -> Self {
        self.chosen.log.buffer_size = Some(records);
        self
    }

    /// Sets how often the buffer of the log is written out, at least.
    pub fn log_flush_interval(mut self, interval: Duration) -> Self {
        self.chosen.log.flush_interval = Some(interval);
        self
    }

    /// Sets how many threads run jobs that block, at most. No effect yet.
    pub fn pool_size(mut self, threads: usize) -> Self {
        self.chosen.pool_size = Some(threads);
        self
    }

    /// Whether to time every poll: one that takes at least [`SLOW_POLL`](super::SLOW_POLL) is logged,
    /// with the name of the task and where it was spawned. It had all other tasks of its thread wait.
    ///
    /// It is about the main job, services, and the tasks that these spawn.
    ///
    /// # Cost
    ///
    /// Two looks at the runtime's clock for each poll; none when it is off.
    pub fn debug(mut self, on: bool) -> Self {
        self.chosen.debug = Some(on);
        self
    }

    /// Whether plugins are set up, unless another entrypoint of the process has done it.
    /// Default: true. Without the feature `macros` there are none.
    pub fn plugins(mut self, on: bool) -> Self {
        self.chosen.plugins = Some(on);
        self
    }

    /// Sets how long the stop of the whole program may take.
    ///
    /// Beyond it the run ends with a [`RunError`] that [`overran`](RunError::overran); its
    /// [`exit_code`](RunError::exit_code) is 70, which `#[aiomisc::main]` gives the process and a
    /// `main` of yours has to return. Where not even that comes within a second, because a thread
    /// is blocked, the process is ended with 70.
    pub fn shutdown_timeout(mut self, timeout: Duration) -> Self {
        self.chosen.shutdown_timeout = Some(timeout);
        self
    }

    /// Whether `run`, `run_forever` and `block` end the process with the status 70 when the stop takes longer
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
    /// 128 and the signal's number. By default `run`, `run_forever` and `block` catch INT and TERM when they
    /// are called on the main thread, and `start` catches none.
    pub fn catch_signals(mut self, signals: impl IntoIterator<Item = OsSignal>) -> Self {
        self.chosen.catch_signals = Some(signals.into_iter().collect());
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
    #[track_caller]
    pub fn run<F: Future>(self, main: F) -> Result<Outcome<F::Output>, RunError> {
        let called = Location::caller();
        self.driven(|plan| {
            let runtime = plan.runtime.clone();
            runtime.block_on(plan.run(main, called))
        })
    }

    /// As [`run`](Self::run), with a main job that gets a handle to the entrypoint: to its context, its
    /// services, and to those that are started later.
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use aiomisc::{Entrypoint, service_fn, services};
    ///
    /// Entrypoint::builder().run_with(async |ep| {
    ///     let later = services![service_fn("later", |_| async { Ok(()) })];
    ///     ep.start_services(later).await
    /// })?;
    /// # }
    /// # Ok::<(), aiomisc::RunError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run).
    ///
    /// # Panics
    ///
    /// As [`run`](Self::run).
    #[track_caller]
    pub fn run_with<T>(
        self,
        main: impl AsyncFnOnce(Entrypoint) -> T,
    ) -> Result<Outcome<T>, RunError> {
        self.run(async move {
            let entrypoint = Entrypoint::current();
            main(entrypoint.expect("the main job is inside of its entrypoint")).await
        })
    }

    /// Starts the services and waits until something stops the program.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run).
    #[track_caller]
    pub fn run_forever(self) -> Result<StopReason, RunError> {
        match self.run(std::future::pending::<std::convert::Infallible>())? {
            Outcome::Stopped(reason) => Ok(reason),
            Outcome::Finished(never) => match never {},
        }
    }

    /// Starts the services, calls the closure on this thread, stops the services: for code that is not
    /// asynchronous, and asks for what is when it needs it.
    ///
    /// The closure is inside of the entrypoint: [`Entrypoint::current`](super::Entrypoint::current)
    /// finds it, [`spawn`](crate::spawn) spawns on its runtime. It is not called when a service fails to
    /// start, or the stop begins before that.
    ///
    /// A signal, or a service that fails, ends the wait in which the closure is
    /// ([`BlockingEntrypoint::block_on`]) and all that come after it; the services stop once the closure
    /// has returned, and what it does until then counts for the
    /// [`shutdown_timeout`](Self::shutdown_timeout).
    ///
    /// A runtime that has a thread of its own runs services and tasks all the time. One that runs on the
    /// thread that blocks on it (tokio's current-thread runtime) does so while the closure is in
    /// `block_on` or `run_forever`.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run); [`RunError::stop_reason`] tells if it was stopped before it had started.
    ///
    /// # Panics
    ///
    /// With the closure's panic, after the services have stopped; and on tokio when called inside an
    /// asynchronous context.
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use aiomisc::Entrypoint;
    ///
    /// let answer = Entrypoint::builder().block(|ep| {
    ///     let task = ep.spawn(async { 40 });
    ///     let two = ep.block_on(async { 2 }).finished().expect("nothing stops it");
    ///     ep.block_on(task).finished().expect("nothing stops it").unwrap() + two
    /// })?;
    /// assert_eq!(answer, 42);
    /// # }
    /// # Ok::<(), aiomisc::RunError>(())
    /// ```
    pub fn block<R>(self, body: impl FnOnce(&BlockingEntrypoint) -> R) -> Result<R, RunError> {
        self.driven(|plan| block::run(plan, body))
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

    /// Drives the program to its end, which is that of the process if its stop took too long.
    fn driven<R>(self, drive: impl FnOnce(Plan) -> Result<R, RunError>) -> Result<R, RunError> {
        let exit_on_overrun = self.exit_on_overrun;
        let outcome = drive(self.plan(Mode::Run)?);
        if exit_on_overrun
            && let Err(error) = &outcome
            && error.overran()
        {
            watchdog::exit_overran(error);
        }
        outcome
    }

    /// Settles every option, or says all that is wrong.
    fn plan(self, mode: Mode) -> Result<Plan, RunError> {
        let mut problems = self.problems;
        let env = self.environment;

        let runtime = match (self.runtime, mode) {
            (Some(runtime), _) => runtime,
            (None, Mode::Embedded) => {
                let current = Runtime::current().map_err(|error| error.to_string());
                current.map(Choice::given)
            }
            (None, Mode::Run) => chosen(&env, self.threads),
        };
        let on_main_thread = thread::current().name() == Some("main");
        let signals_by_default = match mode {
            Mode::Run if on_main_thread => vec![OsSignal::INT, OsSignal::TERM],
            Mode::Run | Mode::Embedded => Vec::new(),
        };
        let settings = self.chosen.settle(&env, signals_by_default, &mut problems);
        #[cfg(feature = "macros")]
        if settings.plugins() && problems.is_empty() {
            // Before the signals are copied: this is where receivers come from.
            problems.extend_from_slice(crate::plugins::set_up());
        }
        problems.extend(self.dependencies.problems());
        let roster = Roster::new(self.services, &[], &self.dependencies, &mut problems);
        let (runtime, made_here) = match (runtime, problems.is_empty()) {
            (Ok(choice), true) => (choice.runtime, choice.made_here),
            (runtime, _) => {
                problems.extend(runtime.err());
                return Err(RunError::config(problems));
            }
        };
        let cells = roster.into_cells(&runtime, &[]);
        Ok(Plan {
            runtime,
            made_here,
            cells,
            settings,
            fills: self.fills,
            receivers: LifecycleSignals::copied().and(&self.receivers),
            dependencies: Store::new(self.dependencies),
            watch: self.exit_on_overrun,
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
pub(super) fn chosen(env: &Environment, threads: Option<usize>) -> Result<Choice, String> {
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
