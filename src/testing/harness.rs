//! Runs an asynchronous test, with a limit on its time that the test cannot escape.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use crate::entrypoint::{Entrypoint, Outcome, default_runtime};
use crate::runtime::Runtime;
use crate::service::Service;

/// The limit of a test that does not set one.
const LIMIT: Duration = Duration::from_secs(30);

/// A test about to be run: what [`#[aiomisc::test]`](crate::test) expands to, for those who do
/// without the macro or have a runtime of their own to test.
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use aiomisc::testing::Harness;
/// use std::time::Duration;
///
/// Harness::new("sleeps").timeout(Duration::from_secs(5)).run(|| async {
///     aiomisc::time::sleep(Duration::from_millis(1)).await;
/// });
/// # }
/// ```
#[must_use = "nothing runs until `run`"]
pub struct Harness {
    test: &'static str,
    runtime: Option<(String, Runtime)>,
    limit: Duration,
    services: Option<MakeServices>,
}

/// Makes the services where the test runs.
type MakeServices = Box<dyn FnOnce() -> Vec<Arc<dyn Service>> + Send>;

impl Harness {
    /// Begins a test; the name is for messages.
    pub fn new(test: &'static str) -> Self {
        Self {
            test,
            runtime: None,
            limit: LIMIT,
            services: None,
        }
    }

    /// Sets the runtime. Default: what [`run`](crate::run) would use.
    pub fn runtime(self, runtime: impl Into<Runtime>) -> Self {
        let runtime = runtime.into();
        let name = runtime.name().to_owned();
        self.named_runtime(name, runtime)
    }

    /// Sets the runtime, and what messages call it.
    pub fn named_runtime(mut self, name: impl Into<String>, runtime: impl Into<Runtime>) -> Self {
        self.runtime = Some((name.into(), runtime.into()));
        self
    }

    /// Sets how long the test may take, on the system's clock. Default: 30 s.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Runs the test in an entrypoint with these services: it begins when they have started, and
    /// they are stopped after it. Logging is left as it is, and no signal is caught.
    ///
    /// The closure is called on the test's runtime.
    pub fn services<S>(mut self, services: impl FnOnce() -> S + Send + 'static) -> Self
    where
        S: IntoIterator<Item = Arc<dyn Service>>,
    {
        self.services = Some(Box::new(|| services().into_iter().collect()));
        self
    }

    /// Runs the test, on a thread of its own.
    ///
    /// A test that blocks its thread is left behind when its time is over; it ends with the process.
    ///
    /// # Panics
    ///
    /// With the body's panic. With a text that names the test and its runtime if the body returns an
    /// error or does not end in time, if a service fails or the entrypoint is stopped before the
    /// body's end, or if there is no runtime.
    #[track_caller]
    pub fn run<F, Fut>(self, body: F)
    where
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output: TestOutput>,
    {
        let Self {
            test,
            runtime,
            limit,
            services,
        } = self;
        let (name, runtime) = match runtime.map_or_else(by_default, Ok) {
            Ok(named) => named,
            Err(error) => panic!("test `{test}`: {error}"),
        };

        let (ended, wait) = mpsc::channel();
        // Panics are reported with the name of their thread: that of the test, as its own thread has.
        let thread = match thread::current().name() {
            None | Some("main") => test.to_owned(),
            Some(name) => name.to_owned(),
        };
        let spawned = thread::Builder::new().name(thread).spawn(move || {
            // The runtime is dropped inside: that is a part of the test as well.
            let result = catch_unwind(AssertUnwindSafe(|| run_on(runtime, services, body)));
            // Nobody waits any more when the time is over.
            let _ = ended.send(result);
        });
        if let Err(error) = spawned {
            panic!("test `{test}` on {name}: no thread could be started: {error}");
        }
        match wait.recv_timeout(limit) {
            Ok(Ok(Ok(()))) => {}
            Ok(Ok(Err(error))) => panic!("test `{test}` on {name} failed: {error}"),
            Ok(Err(panic)) => resume_unwind(panic),
            Err(RecvTimeoutError::Timeout) => {
                panic!(
                    "test `{test}` on {name} did not finish within {}",
                    Limit(limit)
                );
            }
            Err(RecvTimeoutError::Disconnected) => {
                panic!("test `{test}` on {name} lost its thread");
            }
        }
    }
}

impl fmt::Debug for Harness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Harness")
            .field("test", &self.test)
            .field("runtime", &self.runtime)
            .field("limit", &self.limit)
            .field("services", &self.services.is_some())
            .finish()
    }
}

fn by_default() -> Result<(String, Runtime), String> {
    let runtime = default_runtime()?;
    Ok((runtime.name().to_owned(), runtime))
}

#[allow(
    clippy::needless_pass_by_value,
    reason = "the last handle ends the runtime, within the time of the test"
)]
fn run_on<F, Fut>(runtime: Runtime, services: Option<MakeServices>, body: F) -> Result<(), String>
where
    F: FnOnce() -> Fut,
    Fut: Future<Output: TestOutput>,
{
    let Some(services) = services else {
        return runtime.block_on(async { body().await.into_result() });
    };
    let services = runtime.block_on(async { services() });
    let outcome = Entrypoint::builder()
        .runtime(runtime.clone())
        // The same for everybody, whatever the environment.
        .environment(|_| None)
        .log_config(false)
        .catch_signals([])
        // The limits of the services and that of the test are enough, and leave the process alone.
        .shutdown_timeout(Duration::MAX)
        .services(services)
        .run(async { body().await.into_result() });
    match outcome {
        Ok(Outcome::Finished(result)) => result,
        Ok(Outcome::Stopped(reason)) => Err(format!("stopped before its end: {reason}")),
        Err(error) => Err(error.to_string()),
    }
}

/// What a test may return: `()`, or a `Result` whose error is the test's failure.
#[diagnostic::on_unimplemented(
    message = "a test cannot return `{Self}`",
    label = "not `()`, and not a `Result<(), E>`",
    note = "a test returns `()`, or `Result<(), E>` where `E: Debug`"
)]
pub trait TestOutput: sealed::Sealed {
    #[doc(hidden)]
    fn into_result(self) -> Result<(), String>;
}

impl TestOutput for () {
    fn into_result(self) -> Result<(), String> {
        Ok(())
    }
}

impl<E: fmt::Debug> TestOutput for Result<(), E> {
    fn into_result(self) -> Result<(), String> {
        self.map_err(|error| format!("{error:?}"))
    }
}

mod sealed {
    #[allow(unnameable_types, reason = "that is what seals the trait above")]
    pub trait Sealed {}

    impl Sealed for () {}

    impl<E> Sealed for Result<(), E> {}
}

/// `5 s`, or `1500 ms`.
struct Limit(Duration);

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_millis() {
            millis if millis.is_multiple_of(1_000) => write!(f, "{} s", millis / 1_000),
            millis => write!(f, "{millis} ms"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_legible() {
        assert_eq!(Limit(Duration::from_secs(5)).to_string(), "5 s");
        assert_eq!(Limit(Duration::from_millis(1500)).to_string(), "1500 ms");
        assert_eq!(Limit(LIMIT).to_string(), "30 s");
    }
}
