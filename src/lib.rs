//! The frame of an asynchronous daemon, and a box of tools for what goes into it, on any runtime.
//!
//! One [`Entrypoint`] sets up logging, starts [services](Service) together, runs the main job, and
//! stops everything in order. [`TcpServer`] and [`UdpServer`] are ready-made services; [`net`] and
//! [`time`] work alone, in any smol or tokio program.
//!
//! ```
//! # #[cfg(feature = "smol")] {
//! use aiomisc::{TcpServer, services};
//! use futures::AsyncWriteExt;
//!
//! let greeter = TcpServer::new("127.0.0.1:0", |mut stream, peer| async move {
//!     stream.write_all(format!("hello, {peer}\n").as_bytes()).await?;
//!     Ok(())
//! });
//! aiomisc::run(async { /* the main job, while the services run */ }, services![greeter])?;
//! # }
//! # Ok::<(), aiomisc::RunError>(())
//! ```
//!
//! # Which runtime
//!
//! | the program | what to do |
//! |---|---|
//! | has no runtime | nothing: [`run`] takes smol (feature `smol`); [`.runtime(…)`](entrypoint::EntrypointBuilder::runtime) or `AIOMISC_RUNTIME` names another |
//! | is inside of `#[tokio::main]` | switch the feature `tokio` on; [`.start().await`](entrypoint::EntrypointBuilder::start) in place of `run` |
//! | has a smol executor | [`Smol::from_executor`](adapters::Smol::from_executor) |
//! | has something else | three traits: see [`runtime`] and the example `own_runtime` |
//!
//! The current runtime is looked up in one order, which [`runtime`] states.
//!
//! # Features
//!
//! | feature | default | gives |
//! |---|---|---|
//! | `smol` | yes | [`adapters::Smol`], and the runtime of programs that name none |
//! | `tokio` | | [`adapters::Tokio`]; inside of a tokio runtime everything finds it |
//! | `simulation` | | `adapters::Simulation`: virtual time, one seed, a network in memory that fails on request |
//! | `macros` | yes | `#[aiomisc::main]`, `#[aiomisc::receiver]`, `#[aiomisc::dependency]`, `#[aiomisc::threaded]` and its kin, `#[aiomisc::timeout]`, `#[aiomisc::asyncbackoff]`, `#[aiomisc::asyncretry]`, `#[aiomisc::cutout]`, [`plugin!`], and with `testing` `#[aiomisc::test]` |
//! | `log` | yes | what [`log::basic_config`] sets up |
//! | `rich` | yes | the formats `rich` and `rich_tb` of the log |
//! | `syslog` | | the format `syslog`: RFC 3164 and 5424 |
//! | `journald` | | the format `journald`: the journal's own protocol |
//! | `openmetrics` | | `statistics::openmetrics`: the [figures](mod@statistics) as text for a scraper |
//! | `metrics` | | `statistics::publish_metrics`: the figures for the recorder of the facade `metrics` |
//! | `gzip`, `bzip2`, `xz`, `zstd` | | files of these [formats](io::Compression), read and written |
//! | `encodings` | | the [encodings](io::OpenOptions::encoding) of the web for files of text |
//! | `tower` | | the tools of [`resilience`] and [`retry`] as layers of `tower` |
//! | `testing` | | the module `testing` |
//!
//! A feature adds items; it never changes what others do.
#![cfg_attr(docsrs, feature(doc_cfg))]

#[path = "../adapters/mod.rs"]
#[allow(
    clippy::disallowed_methods,
    reason = "the adapters are where the executors, their clocks and their threads are called"
)]
pub mod adapters;
mod chance;
pub mod circuit_breaker;
pub mod context;
pub mod context_var;
pub mod dependency;
pub mod entrypoint;
mod error;
mod flag;
mod future;
pub mod io;
pub mod log;
#[cfg(feature = "macros")]
mod macro_support;
pub mod net;
#[cfg(feature = "macros")]
pub mod plugins;
pub mod resilience;
pub mod retry;
pub mod runtime;
pub mod service;
pub mod signal;
pub mod statistics;
#[cfg(feature = "testing")]
pub mod testing;
pub mod thread;
pub mod time;

pub use self::context::{Context, Key};
pub use self::context_var::ContextVar;
pub use self::dependency::{Dependencies, Dependency, Provided};
pub use self::entrypoint::{Entrypoint, Outcome, RunError, RunningEntrypoint, run};
pub use self::error::BoxError;
pub use self::runtime::{Runtime, Task, spawn};
pub use self::service::{
    Packet, Service, ServiceContext, StopReason, TcpServer, UdpServer, service_fn,
};
pub use self::statistics::statistics;
/// Lets traits of objects have `async fn`; what [`Service`] is written with.
pub use async_trait::async_trait;

/// Makes an `async fn main` the program's `main`: starts the services, runs the function between
/// their start and their stop, and gives the process its exit status.
///
/// ```
/// # #[cfg(feature = "smol")] mod example {
/// use aiomisc::{TcpServer, services};
/// # use futures::io::AsyncWriteExt;
///
/// #[aiomisc::main(
///     services = services![TcpServer::new("127.0.0.1:0", |mut stream, _| async move {
///         stream.write_all(b"hello\n").await?;
///         Ok(())
///     })],
///     log_level = "warning",
///     shutdown_timeout = "5s",
/// )]
/// # pub
/// async fn main() -> Result<(), aiomisc::BoxError> {
///     let port: u16 = "8080".parse()?;
///     tracing::info!(port, "the services have started");
///     Ok(())
/// }
/// # }
/// # fn main() {
/// #     #[cfg(feature = "smol")]
/// #     assert_eq!(example::main(), std::process::ExitCode::SUCCESS);
/// # }
/// ```
///
/// # Options
///
/// | option | what it sets | default |
/// |---|---|---|
/// | `runtime = "smol"` or `"tokio"` | the runtime; its feature must be on | what [`run`] uses |
/// | `threads = 4` | the number of its threads | smol: 1, tokio: one for each processor |
/// | `services = services![…]` | the services, as any expression that gives them | none |
/// | `log_level = "debug"` | the least level that is logged | info |
/// | `log_format = "plain"` | how the log looks | [`LogFormat::default`](log::LogFormat) |
/// | `pool_size = 8` | how many threads run jobs that block, at most | the number of processors, 4 to 32 |
/// | `debug = true` | whether slow polls are logged | false |
/// | `shutdown_timeout = "5s"` | how long the stop may take (`ms`, `s`, `m`) | 60 s |
/// | `crate = "name"` | what this library is called in your `Cargo.toml` | `aiomisc` |
///
/// What is set here goes before the environment, as with [`Entrypoint::builder`], which is what to
/// use where these options are not enough.
///
/// # Exit status
///
/// That of the value returned, whose type is any that a `main` can return
/// ([`Termination`](std::process::Termination)): an `Err` is printed and gives 1. After a graceful
/// stop by a signal it is 0; the function was dropped then. A [`RunError`] is reported to the log,
/// or to the standard error stream where no log shows errors, and gives its
/// [`exit_code`](RunError::exit_code).
///
/// # Other attributes
///
/// Those of the compiler and of its tools go to the `fn main()` that this makes; those of other
/// macros that stand below this one go to the `async fn`.
#[cfg(feature = "macros")]
pub use aiomisc_macros::main;

/// Connects an `async fn` to a [signal](signal::Signal), wherever it stands in the program.
///
/// ```
/// # #[cfg(feature = "smol")] mod example {
/// use aiomisc::signal::{Lifecycle, PRE_START};
///
/// #[aiomisc::receiver(PRE_START)]
/// async fn prepare_database(event: Lifecycle) -> Result<(), aiomisc::BoxError> {
///     tracing::info!(services = event.services.len(), "preparing the database");
///     Ok(())
/// }
/// # }
/// ```
///
/// The argument of the attribute is the path of a `static` [`Signal`](signal::Signal), of this
/// library or your own. The function takes the event and returns `()` or a `Result<(), E>` with an
/// error that goes into a [`BoxError`]. It stays a function that can be called.
///
/// Such receivers are called after those that were [connected](signal::Signal::connect), in the
/// order of their modules' paths, and of their lines. They belong to the signal from the start of
/// the program, whether it is frozen or not, and cannot be disconnected.
///
/// Those in a crate that is nowhere named in the program's code are not linked, and so not called;
/// `use that_crate as _;` names it.
///
/// # Options
///
/// | option | what it sets | default |
/// |---|---|---|
/// | `crate = "name"` | what this library is called in your `Cargo.toml` | `aiomisc` |
#[cfg(feature = "macros")]
pub use aiomisc_macros::receiver;

/// Makes a [dependency](mod@dependency) of an `async fn`, wherever it stands in the program.
///
/// ```
/// # #[cfg(feature = "smol")] mod example {
/// use aiomisc::{BoxError, Provided};
/// use std::sync::Arc;
///
/// pub struct Pool { address: &'static str }
/// pub struct Users { pool: Arc<Pool>, replica: Arc<Pool> }
///
/// #[aiomisc::dependency(make_limit = "10s")]
/// async fn pool() -> Result<Provided<Pool>, BoxError> {
///     let pool = Pool { address: "db:5432" };
///     Ok(Provided::new(pool).on_teardown(|pool| async move {
///         tracing::info!(address = pool.address, "closed");
///         Ok(())
///     }))
/// }
///
/// #[aiomisc::dependency(name = "replica")]
/// async fn replica() -> Pool {
///     Pool { address: "replica:5432" }
/// }
///
/// #[aiomisc::dependency]
/// async fn users(pool: Arc<Pool>, #[named("replica")] replica: Arc<Pool>) -> Users {
///     Users { pool, replica }
/// }
///
/// # pub fn main() {
/// # use aiomisc::{Service, ServiceContext, service_fn, services};
/// let api = service_fn("api", |ctx: ServiceContext| async move {
///     let users = ctx.dependency::<Users>()?;
///     assert_eq!(users.replica.address, "replica:5432");
///     Ok(())
/// });
/// aiomisc::run(async {}, services![api.configure(|options| options.needs::<Users>())]).unwrap();
/// # }
/// # }
/// # fn main() {
/// #     #[cfg(feature = "smol")]
/// #     example::main();
/// # }
/// ```
///
/// The function returns the value, or a `Result` of it with an error that goes into a [`BoxError`]; the
/// value is a plain one, or a [`Provided`] one where something is to be done with it at the end. Each
/// parameter is the `Arc` of another dependency, which is made before the function is called;
/// `#[named("…")]` before a parameter asks for the one of that name. It stays a function that can be called.
///
/// Every entrypoint of the program knows it. Those in a crate that is nowhere named in the program's code
/// are not linked, and so not known; `use that_crate as _;` names it.
///
/// # Options
///
/// | option | what it sets | default |
/// |---|---|---|
/// | `name = "replica"` | the [name](Dependency::named) of the dependency | none |
/// | `make_limit = "5s"` | how long the function may take (`ms`, `s`, `m`) | 60 s |
/// | `teardown_limit = "5s"` | how long the tear-down may take (`ms`, `s`, `m`) | 20 s |
/// | `crate = "name"` | what this library is called in your `Cargo.toml` | `aiomisc` |
#[cfg(feature = "macros")]
pub use aiomisc_macros::dependency;

/// Has a function that blocks run on a thread of the [current pool](thread::ThreadPool::current): its call
/// gives a [`Job`](thread::Job) to be awaited.
///
/// ```
/// # #[cfg(feature = "smol")] mod example {
/// use std::io::{self, Read};
/// use std::path::PathBuf;
///
/// /// Reads the first bytes of a file.
/// #[aiomisc::threaded]
/// fn first_bytes(path: PathBuf, count: usize) -> io::Result<Vec<u8>> {
///     let mut bytes = vec![0; count];
///     std::fs::File::open(path)?.read_exact(&mut bytes)?;
///     Ok(bytes)
/// }
///
/// # pub fn main() {
/// # aiomisc::run(async {
/// let both = futures::future::join(
///     first_bytes("/dev/urandom".into(), 100),
///     first_bytes("/dev/zero".into(), 100),
/// );
/// let (random, zeros) = both.await;
/// assert_eq!(random??.len(), 100);
/// assert_eq!(zeros??, [0; 100]);
/// // Without a thread, and without a runtime:
/// assert_eq!(first_bytes_sync("/dev/zero".into(), 1)?, [0]);
/// # Ok::<(), aiomisc::BoxError>(())
/// # }, []).unwrap().finished().unwrap().unwrap();
/// # }
/// # }
/// # fn main() {
/// #     #[cfg(feature = "smol")]
/// #     example::main();
/// # }
/// ```
///
/// The function gets another name, `NAME_sync`, by which it can be called as before. `NAME` takes the same
/// arguments, moves them to the thread, and returns a `Job<T>`. **The call submits the job**, unlike that of
/// an `async fn`; awaiting the job gives a `Result<T, JobError>`, whose error is that of a panic, or of a
/// pool that takes no more. Dropping it before it has begun keeps it from running. [`thread`](mod@thread) says
/// the rest: the job sees the runtime, the [context variables](mod@context_var) and the span of the caller.
///
/// # Where it stands
///
/// On free functions, and on methods that take `self` or `self: Arc<Self>`; not on those that borrow: nothing
/// that is borrowed can go to another thread. An associated function without `self` is known by the `Self` that
/// it names somewhere; the option `associated` says so where it names none. Methods of traits have no place for
/// the second function.
///
/// The arguments must be `Send` and `'static`, and so must the result. Generics and `impl Trait` are kept;
/// their bounds have to say that.
///
/// # Iterators
///
/// A function that returns `impl Iterator<Item = T>` (or `impl IntoIterator<Item = T>`) does its work while it is
/// iterated. It gives a stream, as under [`threaded_iterable`], at most 1024 items ahead.
///
/// # Options
///
/// | option | what it sets | default |
/// |---|---|---|
/// | `name = "reader"` | what the job is called in reports | the function's name |
/// | `pool = EXPRESSION` | the pool, cloned; the expression may name the arguments, and `self` | the current one |
/// | `associated` | that `NAME_sync` is found as `Self::NAME_sync` | see above |
/// | `crate = "name"` | what this library is called in your `Cargo.toml` | `aiomisc` |
///
/// # Other attributes
///
/// Those about lints, conditions and deprecation, and those of tools, go to both functions, documentation to
/// the first, all others to `NAME_sync`: what they see is the function as it was written.
#[cfg(feature = "macros")]
pub use aiomisc_macros::threaded;

/// Has a function run on a thread of its own, which ends with it: for work that takes long, or has no end.
///
/// ```
/// # #[cfg(feature = "smol")] mod example {
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicBool, Ordering};
///
/// struct Miner {
///     enough: AtomicBool,
/// }
///
/// impl Miner {
///     #[aiomisc::threaded_separate(name = "miner")]
///     fn mine(self: Arc<Self>) -> u64 {
///         let mut tries = 0;
///         while !self.enough.load(Ordering::Relaxed) {
///             tries += 1;
///         }
///         tries
///     }
/// }
///
/// # pub fn main() {
/// # aiomisc::run(async {
/// let miner = Arc::new(Miner { enough: AtomicBool::new(false) });
/// let mining = Arc::clone(&miner).mine();
/// miner.enough.store(true, Ordering::Relaxed);
/// let _tries = mining.await?;
/// # Ok::<(), aiomisc::BoxError>(())
/// # }, []).unwrap().finished().unwrap().unwrap();
/// # }
/// # }
/// # fn main() {
/// #     #[cfg(feature = "smol")]
/// #     example::main();
/// # }
/// ```
///
/// All else is as under [`threaded`].
///
/// # Options
///
/// | option | what it sets | default |
/// |---|---|---|
/// | `name = "miner"` | what the thread is called, and the job in reports | the function's name |
/// | `detach = false` | whether the end of the program leaves it [alone](thread::Separate::detach) | true |
/// | `associated`, `crate = "name"` | as for [`threaded`] | |
#[cfg(feature = "macros")]
pub use aiomisc_macros::threaded_separate;

/// Makes a stream of a function that returns an iterator, which runs on a thread of the
/// [current pool](thread::ThreadPool::current), ahead of its consumer.
///
/// ```
/// # #[cfg(feature = "smol")] mod example {
/// use std::fs::File;
/// use std::io::{self, BufRead, BufReader};
///
/// #[aiomisc::threaded_iterable(max_size = 16)]
/// fn lines(path: &'static str) -> impl Iterator<Item = io::Result<String>> {
///     let (file, error) = match File::open(path) {
///         Ok(file) => (Some(file), None),
///         Err(error) => (None, Some(Err(error))),
///     };
///     let lines = file.into_iter().flat_map(|file| BufReader::new(file).lines());
///     lines.chain(error)
/// }
///
/// # pub fn main() {
/// # aiomisc::run(async {
/// let mut lines = lines("Cargo.toml");
/// let mut count = 0;
/// while let Some(line) = lines.try_next().await? {
///     count += usize::from(!line?.is_empty());
/// }
/// # assert!(count > 10);
/// # Ok::<(), aiomisc::BoxError>(())
/// # }, []).unwrap().finished().unwrap().unwrap();
/// # }
/// # }
/// # fn main() {
/// #     #[cfg(feature = "smol")]
/// #     example::main();
/// # }
/// ```
///
/// The call returns a [`ThreadedIter`](thread::ThreadedIter) and has the function called on the thread, where the
/// iterator stays: it need not be `Send`, the items and the arguments must be. Any type that goes into an iterator
/// can be returned, but a `Result`, whose error would be lost; of an `impl Iterator` the type of the items has to be
/// named. All else is as under [`threaded`], and what holds for the stream is in [`thread::iterate`](mod@thread::iterate).
///
/// # Options
///
/// | option | what it sets | default |
/// |---|---|---|
/// | `max_size = 16` | how many items are ahead of the consumer, at most; 0: any number | 1024 |
/// | `name`, `pool`, `associated`, `crate` | as for [`threaded`] | |
#[cfg(feature = "macros")]
pub use aiomisc_macros::threaded_iterable;

/// As [`threaded_iterable`], on a thread of its own: for an iterator that takes long, or has no end.
///
/// # Options
///
/// | option | what it sets | default |
/// |---|---|---|
/// | `max_size`, `name`, `associated`, `crate` | as for [`threaded_iterable`] | |
#[cfg(feature = "macros")]
pub use aiomisc_macros::threaded_iterable_separate;

/// Gives an `async fn` so long, and drops what it does then.
///
/// ```
/// # #[cfg(feature = "smol")] mod example {
/// use aiomisc::{BoxError, time};
/// use std::time::Duration;
///
/// #[aiomisc::timeout("10ms")]
/// async fn slow() -> Result<(), BoxError> {
///     time::sleep(Duration::from_secs(2)).await;
///     Ok(())
/// }
/// # pub fn main() {
/// # aiomisc::adapters::Smol::new().block_on(async {
/// assert!(slow().await.unwrap_err().is::<time::Elapsed>());
/// # });
/// # }
/// # }
/// # fn main() {
/// #     #[cfg(feature = "smol")]
/// #     example::main();
/// # }
/// ```
///
/// The limit is a text (`ms`, `s`, `m`), a number of seconds such as `1` or `0.5`, or an expression of a
/// `Duration`, which may name the arguments. The function returns a `Result` whose error can be made of an
/// [`Elapsed`](time::Elapsed), as [`BoxError`] and `io::Error` can. What holds is what
/// [`time::timeout`](fn@time::timeout) says, which this calls.
///
/// # Options
///
/// | option | what it sets | default |
/// |---|---|---|
/// | `crate = "name"` | what this library is called in your `Cargo.toml` | `aiomisc` |
#[cfg(feature = "macros")]
pub use aiomisc_macros::timeout;

/// Has an `async fn` tried again until it succeeds, with limits on its time: a
/// [`Backoff`](crate::retry::Backoff) around it.
///
/// ```
/// # #[cfg(feature = "smol")] mod example {
/// use std::io;
///
/// #[aiomisc::asyncbackoff(
///     attempt_timeout = "1s",
///     deadline = "10s",
///     pause = "10ms",
///     giveup = |error| error.kind() == io::ErrorKind::PermissionDenied,
///     attempt = attempt,
/// )]
/// async fn fetch(key: String) -> io::Result<String> {
///     if attempt.number() == 1 {
///         return Err(io::ErrorKind::ConnectionReset.into());
///     }
///     Ok(key + "!")
/// }
/// # pub fn main() {
/// # aiomisc::adapters::Smol::new().block_on(async {
/// assert_eq!(fetch("answer".to_owned()).await?, "answer!");
/// # Ok::<(), io::Error>(())
/// # }).unwrap();
/// # }
/// # }
/// # fn main() {
/// #     #[cfg(feature = "smol")]
/// #     example::main();
/// # }
/// ```
///
/// It stands on free functions and on methods that take `&self`. Each attempt gets clones of the arguments.
/// The function returns a `Result`; with a limit on time its error is one that can be made of an
/// [`Elapsed`](time::Elapsed), as [`BoxError`] and `io::Error` can.
///
/// # Options
///
/// The first three may stand without their names, in this order; defaults are those of the
/// [builder](crate::retry::BackoffBuilder).
///
/// | option | what it sets | default |
/// |---|---|---|
/// | `attempt_timeout = "1s"` | how long one attempt may take | no limit |
/// | `deadline = "10s"` | how long all of it may take | no limit |
/// | `pause = "100ms"` | the pause, always the same; or a [`Pause`](crate::retry::Pause) | exponential, from 100 ms up to 30 s, with full jitter |
/// | `max_tries = 5` | how many attempts there are, at most; `None` for no limit | 3, or no limit where there is a deadline |
/// | `retry_if = RULE` | which errors are tried again: a function, or a closure that holds nothing, of `&E` | all |
/// | `giveup = RULE` | which errors end it | none |
/// | `retry_after = RULE` | the pause that an error asks for, as an `Option<Duration>` | none |
/// | `budget = EXPRESSION` | the [`RetryBudget`](crate::retry::RetryBudget) | none |
/// | `attempt = name` | a variable for the [`Attempt`](crate::retry::Attempt) | none |
/// | `name = "database"` | what the figures are called | the function's name |
/// | `crate = "name"` | what this library is called in your `Cargo.toml` | `aiomisc` |
///
/// Lengths of time are texts (`ms`, `s`, `m`), numbers of seconds such as `1` or `0.5`, or expressions. Except
/// for the rules, expressions are evaluated once, at the first call, for all calls there will be.
///
/// # Panics
///
/// At the first call, if the settings are what the builder refuses.
#[cfg(feature = "macros")]
pub use aiomisc_macros::asyncbackoff;

/// Has an `async fn` tried again, so many times: a [`Retry`](crate::retry::Retry) around it.
///
/// ```
/// # #[cfg(feature = "smol")] mod example {
/// use std::sync::atomic::{AtomicU32, Ordering};
///
/// static CALLS: AtomicU32 = AtomicU32::new(0);
///
/// #[aiomisc::asyncretry(5)]
/// async fn download(url: &str) -> Result<usize, &'static str> {
///     match CALLS.fetch_add(1, Ordering::Relaxed) {
///         0 => Err("busy"),
///         _ => Ok(url.len()),
///     }
/// }
/// # pub fn main() {
/// # aiomisc::adapters::Smol::new().block_on(async {
/// assert_eq!(download("http://").await, Ok(7));
/// # });
/// # }
/// # }
/// # fn main() {
/// #     #[cfg(feature = "smol")]
/// #     example::main();
/// # }
/// ```
///
/// All else is as for [`asyncbackoff`].
///
/// # Options
///
/// | option | what it sets | default |
/// |---|---|---|
/// | `max_tries = 5` | how many attempts there are, at most, also without its name; `None` for no limit | has to be there |
/// | `pause = "100ms"` | the pause, always the same; or a [`Pause`](crate::retry::Pause) | none |
/// | `retry_if`, `giveup`, `retry_after`, `budget`, `attempt`, `name`, `crate` | as for [`asyncbackoff`] | |
#[cfg(feature = "macros")]
pub use aiomisc_macros::asyncretry;

/// Has a function call itself through a [`CircuitBreaker`](circuit_breaker::CircuitBreaker) of its own.
///
/// ```
/// # #[cfg(feature = "smol")] mod example {
/// use std::io;
///
/// /// When 20 % of the calls within 30 seconds fail, it is broken for 30 seconds.
/// #[aiomisc::cutout(0.2, "30s")]
/// async fn fetch(url: &str) -> io::Result<usize> {
///     match url.strip_prefix("http://") {
///         Some(rest) => Ok(rest.len()),
///         None => Err(io::ErrorKind::ConnectionRefused.into()),
///     }
/// }
/// # pub fn main() {
/// # aiomisc::adapters::Smol::new().block_on(async {
/// assert_eq!(fetch("http://x").await.unwrap(), 1);
/// for _ in 0..10 {
///     fetch("").await.unwrap_err();
/// }
/// let refused = fetch("http://x").await.unwrap_err();
/// assert_eq!(refused.to_string(), "the circuit is broken, after: connection refused");
/// # });
/// # }
/// # }
/// # fn main() {
/// #     #[cfg(feature = "smol")]
/// #     example::main();
/// # }
/// ```
///
/// It stands on plain functions as well, and on methods, which share one breaker for all objects. The function
/// returns a `Result`, or an alias of it, whose error is `Display` and made `From` a
/// [`CircuitBroken`](circuit_breaker::CircuitBroken), such as [`BoxError`] or `std::io::Error`. All errors are
/// failures, unless `failure_if` says otherwise. The runtime is that of each call.
///
/// # Options
///
/// | option | what it sets | default |
/// |---|---|---|
/// | `error_ratio = 0.2` | the share of failures at which it breaks, also without its name | has to be there |
/// | `response_time = "30s"` | the length of the window, also without its name | has to be there |
/// | `broken_time = "5s"` | how long it is broken | the window |
/// | `recovery_time = "5s"` | how long it recovers | the window |
/// | `passing_time = "5s"` | how long it passes after that, at least | the window |
/// | `minimum_calls = 20` | with fewer calls than this in the window it does not break | 10 |
/// | `slow_call = "1s"` | what takes longer is a failure | no limit |
/// | `recovery = EXPRESSION` | which calls go through while it recovers, a [`Recovery`](circuit_breaker::Recovery) | the growing share |
/// | `failure_if = RULE` | which errors are failures: a function, or a closure, of `&E` | all |
/// | `name = "github"` | what it is called in the log and in the figures | the function's name |
/// | `crate = "name"` | what this library is called in your `Cargo.toml` | `aiomisc` |
///
/// Lengths of time are texts (`ms`, `s`, `m`), numbers of seconds such as `1` or `0.5`, or expressions. Except
/// for the rule, expressions are evaluated once, at the first call, for all calls there will be.
///
/// # Panics
///
/// At the first call, if the settings are what the builder refuses; and as
/// [`CircuitBreaker::call`](circuit_breaker::CircuitBreaker::call).
#[cfg(feature = "macros")]
pub use aiomisc_macros::cutout;

/// Makes tests of an `async fn`, one for each runtime.
///
/// ```test_harness
/// # #[cfg(feature = "smol")] mod example {
/// use aiomisc::{service_fn, services, time};
/// use std::time::Duration;
///
/// #[aiomisc::test(runtimes(all), timeout = "5s")]
/// async fn sleeps() -> Result<(), time::Elapsed> {
///     let short = time::sleep(Duration::from_millis(1));
///     time::timeout(Duration::from_secs(1), short).await
/// }
///
/// #[aiomisc::test(services = services![service_fn("one", |_| async { Ok(()) })])]
/// async fn finds_the_services() {
///     let entrypoint = aiomisc::Entrypoint::current().unwrap();
///     assert_eq!(entrypoint.services().len(), 1);
/// }
/// # }
/// ```
///
/// The function takes no arguments and returns `()` or `Result<(), E>` with `E: Debug`.
///
/// # Options
///
/// | option | what it sets | default |
/// |---|---|---|
/// | `runtimes(…)` | the runtimes, see below | the one that [`run`] uses |
/// | `simulation` | the simulation alone, without a module of its own | |
/// | `seeds = 300` | how many seeds the simulation runs the test with | 1 |
/// | `timeout = "5s"` | how long the test may take, with all seeds (`ms`, `s`, `m`) | 30 s |
/// | `services = services![…]` | runs the test in an entrypoint with these services | no entrypoint |
/// | `context = \|context\| …` | runs it in an entrypoint with this in its [`Context`], before any service starts | no entrypoint |
/// | `entrypoint = \|builder\| builder.…` | runs it in an entrypoint with these settings | no entrypoint |
/// | `strict = false` | lets tasks fail while nobody waits for them, see below | true |
/// | `crate = "name"` | what this library is called in your `Cargo.toml` | `aiomisc` |
///
/// # The entrypoint
///
/// `services`, `context` and `entrypoint` go together, and each makes an entrypoint by itself. It takes
/// nothing from the environment, catches no signals and leaves logging alone; `entrypoint` comes last
/// and may change all of that, but for the runtime. The expressions are evaluated anew for each runtime
/// and seed:
///
/// ```test_harness
/// # #[cfg(feature = "smol")] mod example {
/// use aiomisc::signal::PRE_START;
/// use aiomisc::{BoxError, Context, Key, ServiceContext, service_fn, services};
///
/// static ANSWER: Key<u32> = Key::new("answer");
///
/// #[aiomisc::test(
///     runtimes(all),
///     services = services![service_fn("doubles", |ctx: ServiceContext| async move {
///         let answer = ctx.context().get(&ANSWER).await?;
///         ctx.context().insert(2 * answer);
///         Ok::<(), BoxError>(())
///     })],
///     context = |context| context.set(&ANSWER, 21),
///     entrypoint = |builder| builder.connect(&PRE_START, |event| async move {
///         assert_eq!(event.services.len(), 1);
///         Ok(())
///     }),
/// )]
/// async fn the_service_doubles_the_answer() -> Result<(), BoxError> {
///     let context = Context::current().ok_or("no entrypoint")?;
///     assert_eq!(context.get_type::<u32>().await?, 42);
///     Ok(())
/// }
/// # }
/// ```
///
/// # Tasks that fail
///
/// A task that fails while nobody waits for it fails the test at once, with the task's name: one that
/// panics after it was detached, and one whose error or panic goes to the log by
/// [`detach_logged`](Task::detach_logged). Without that, what a task asserts would be lost. It is about
/// the tasks of the body and of the services; handlers of servers are the services' own affair.
///
/// # Runtimes
///
/// | name | feature | |
/// |---|---|---|
/// | `smol` | `smol` | one thread |
/// | `smol_threads` | `smol` | three threads |
/// | `tokio` | `tokio` | two worker threads |
/// | `tokio_current_thread` | `tokio` | the thread of the test |
/// | `simulation` | `simulation` | the thread of the test, in virtual time |
/// | `real` | | `smol`, `tokio` and `tokio_current_thread`, as far as they are compiled in |
/// | `all` | | those, and `simulation` |
///
/// With `runtimes(…)` each test is a function of the runtime's name in a module of your function's
/// name, such as `sleeps::tokio`, so that a failure tells the runtime. Without it the test has your
/// function's name. Asking for a runtime that is not compiled in is a mistake that the compiler
/// reports.
///
/// # Seeds
///
/// On the simulation (see `adapters::Simulation`) a test runs once for each of its seeds, from 0 on,
/// in another order of its tasks each time, and stops at the first that fails. The failure tells the
/// seed, and `AIOMISC_SIMULATION_SEED=17` in the environment runs that one alone:
///
/// ```test_harness
/// # #[cfg(feature = "simulation")] mod example {
/// use aiomisc::time;
/// use std::time::Duration;
///
/// #[aiomisc::test(simulation, seeds = 300)]
/// async fn a_day_passes() {
///     time::sleep(Duration::from_secs(86_400)).await;
/// }
/// # }
/// ```
///
/// What needs the kernel, or a thread that wakes tasks from outside, is for `real`.
///
/// # The limit on time
///
/// It is watched from outside, on the system's clock: a test that blocks its thread fails as well,
/// and the other tests go on. Where it has not ended in time, the message names the test, the
/// runtime and the limit.
///
/// # Other attributes
///
/// `#[should_panic]` and `#[ignore]` go to each test; those of the compiler and of its tools to all
/// that is made; those of other macros to the `async fn`.
#[cfg(all(feature = "macros", feature = "testing"))]
pub use aiomisc_macros::test;

/// What the attribute macros expand to.
#[cfg(feature = "macros")]
#[doc(hidden)]
pub mod __private {
    pub use crate::macro_support::*;
}

/// The version of this library.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The README's programs are tests.
#[cfg(all(doctest, feature = "smol", feature = "macros"))]
#[doc = include_str!("../README.md")]
struct Readme;

/// The guide's programs are tests.
#[cfg(all(doctest, feature = "smol", feature = "macros", feature = "testing"))]
#[doc = include_str!("../docs/from-python.md")]
struct FromPython;
