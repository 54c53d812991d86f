//! Of tests.

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
/// | `runtimes(…)` | the runtimes, see below | the one that [`run`](crate::run) uses |
/// | `simulation` | the simulation alone, without a module of its own | |
/// | `seeds = 300` | how many seeds the simulation runs the test with | 1 |
/// | `timeout = "5s"` | how long the test may take, with all seeds (`ms`, `s`, `m`) | 30 s |
/// | `services = services![…]` | runs the test in an entrypoint with these services | no entrypoint |
/// | `context = \|context\| …` | runs it in an entrypoint with this in its [`Context`](crate::Context), before any service starts | no entrypoint |
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
/// [`detach_logged`](crate::Task::detach_logged). Without that, what a task asserts would be lost. It is about
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
pub use aiomisc_macros::test;
