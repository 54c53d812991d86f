//! Of the program: `main`, `receiver`, `dependency`.

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
/// | `runtime = "smol"` or `"tokio"` | the runtime; its feature must be on | what [`run`](crate::run) uses |
/// | `threads = 4` | the number of its threads | smol: 1, tokio: one for each processor |
/// | `services = services![…]` | the services, as any expression that gives them | none |
/// | `log_level = "debug"` | the least level that is logged | info |
/// | `log_format = "plain"` | how the log looks | [`LogFormat::default`](crate::log::LogFormat) |
/// | `pool_size = 8` | how many threads run jobs that block, at most | the number of processors, 4 to 32 |
/// | `debug = true` | whether slow polls are logged | false |
/// | `shutdown_timeout = "5s"` | how long the stop may take (`ms`, `s`, `m`) | 60 s |
/// | `crate = "name"` | what this library is called in your `Cargo.toml` | `aiomisc` |
///
/// What is set here goes before the environment, as with [`Entrypoint::builder`](crate::Entrypoint::builder), which is what to
/// use where these options are not enough.
///
/// # Exit status
///
/// That of the value returned, whose type is any that a `main` can return
/// ([`Termination`](std::process::Termination)): an `Err` is printed and gives 1. After a graceful
/// stop by a signal it is 0; the function was dropped then. A [`RunError`](crate::RunError) is reported to the log,
/// or to the standard error stream where no log shows errors, and gives its
/// [`exit_code`](crate::RunError::exit_code).
///
/// # Other attributes
///
/// Those of the compiler and of its tools go to the `fn main()` that this makes; those of other
/// macros that stand below this one go to the `async fn`.
pub use aiomisc_macros::main;

/// Connects an `async fn` to a [signal](crate::signal::Signal), wherever it stands in the program.
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
/// The argument of the attribute is the path of a `static` [`Signal`](crate::signal::Signal), of this
/// library or your own. The function takes the event and returns `()` or a `Result<(), E>` with an
/// error that goes into a [`BoxError`](crate::BoxError). It stays a function that can be called.
///
/// Such receivers are called after those that were [connected](crate::signal::Signal::connect), in the
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
pub use aiomisc_macros::receiver;

/// Makes a [dependency](mod@crate::dependency) of an `async fn`, wherever it stands in the program.
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
/// The function returns the value, or a `Result` of it with an error that goes into a [`BoxError`](crate::BoxError); the
/// value is a plain one, or a [`Provided`](crate::Provided) one where something is to be done with it at the end. Each
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
/// | `name = "replica"` | the [name](crate::Dependency::named) of the dependency | none |
/// | `make_limit = "5s"` | how long the function may take (`ms`, `s`, `m`) | 60 s |
/// | `teardown_limit = "5s"` | how long the tear-down may take (`ms`, `s`, `m`) | 20 s |
/// | `crate = "name"` | what this library is called in your `Cargo.toml` | `aiomisc` |
pub use aiomisc_macros::dependency;
