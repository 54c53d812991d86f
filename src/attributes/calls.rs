//! Of functions that are called: how long, how often, how many at once.

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
/// [`Elapsed`](crate::time::Elapsed), as [`BoxError`](crate::BoxError) and `io::Error` can. What holds is what
/// [`time::timeout`](fn@crate::time::timeout) says, which this calls.
///
/// # Options
///
/// | option | what it sets | default |
/// |---|---|---|
/// | `crate = "name"` | what this library is called in your `Cargo.toml` | `aiomisc` |
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
/// [`Elapsed`](crate::time::Elapsed), as [`BoxError`](crate::BoxError) and `io::Error` can.
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
pub use aiomisc_macros::asyncretry;

/// Has a function call itself through a [`CircuitBreaker`](crate::circuit_breaker::CircuitBreaker) of its own.
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
/// [`CircuitBroken`](crate::circuit_breaker::CircuitBroken), such as [`BoxError`](crate::BoxError) or `std::io::Error`. All errors are
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
/// | `recovery = EXPRESSION` | which calls go through while it recovers, a [`Recovery`](crate::circuit_breaker::Recovery) | the growing share |
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
/// [`CircuitBreaker::call`](crate::circuit_breaker::CircuitBreaker::call).
pub use aiomisc_macros::cutout;

/// Gathers calls of an `async fn` into batches: it takes the values of several, and is called with one.
///
/// ```
/// # #[cfg(feature = "smol")] mod example {
/// /// The squares of all numbers that are asked for within 10 ms.
/// #[aiomisc::aggregate(leeway_ms = 10, max_count = 64)]
/// async fn square(numbers: Vec<u64>) -> Vec<u64> {
///     numbers.into_iter().map(|number| number * number).collect()
/// }
///
/// # pub fn main() {
/// # aiomisc::run(async {
/// let (three, four) = futures::join!(square(3), square(4));
/// assert_eq!((three?, four?), (9, 16)); // of one call
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
/// The function takes a `Vec<V>`, and returns `Vec<R>` or `Result<Vec<R>, E>`, by position. Its name is then that
/// of an `async fn` that takes a `V` and returns `Result<R, AggregateError<E>>`. All else is in the module
/// [`aggregate`](mod@crate::aggregate).
///
/// # Options
///
/// | option | what it sets | default |
/// |---|---|---|
/// | `leeway_ms = 10` | how long a batch waits for more calls, from its first | 10 |
/// | `max_count = 64` | how many calls make a batch full | any number |
/// | `most_batches = 4` | how many batches are worked on at the same time, at most | 64 |
/// | `most_waiting = 1000` | how many calls wait, at most | 65 536 |
/// | `name = "squares"` | what it is called in the figures | the function's path |
/// | `crate = "name"` | what this library is called in your `Cargo.toml` | `aiomisc` |
pub use aiomisc_macros::aggregate;

/// As [`aggregate`], with a function that takes a `Vec<Arg<V, R, E>>`, sets the result of each call when it has
/// it, and returns nothing or `Result<(), E>`; see [`AggregatorAsync`](crate::AggregatorAsync).
pub use aiomisc_macros::aggregate_async;

/// Has an `async fn` come to its end, also if whoever called it gives up: [`utils::shield`](crate::utils::shield) around its body.
///
/// ```
/// # #[cfg(feature = "smol")] mod example {
/// #[aiomisc::shield]
/// async fn pay(amount: u64) -> std::io::Result<u64> {
///     // What must not be left half done.
///     Ok(amount)
/// }
///
/// # pub fn main() {
/// # aiomisc::adapters::Smol::new().block_on(async {
/// assert_eq!(pay(7).await?, 7);
/// # Ok::<(), std::io::Error>(())
/// # }).unwrap();
/// # }
/// # }
/// # fn main() {
/// #     #[cfg(feature = "smol")]
/// #     example::main();
/// # }
/// ```
///
/// The arguments must be `Send` and `'static`, and so must the result: the body becomes a task of its own at the first
/// poll. It stands on free functions, and on methods that take `self` or `self: Arc<Self>`.
///
/// # Options
///
/// | option | what it sets | default |
/// |---|---|---|
/// | `crate = "name"` | what this library is called in your `Cargo.toml` | `aiomisc` |
pub use aiomisc_macros::shield;
