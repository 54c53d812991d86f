//! Runs an asynchronous test, with a limit on its time that the test cannot escape.

mod around;
mod output;

pub use self::output::TestOutput;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use self::around::Around;
use crate::context::Context;
use crate::entrypoint::{EntrypointBuilder, default_runtime, simulation_seed};
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
    on: On,
    seeds: u64,
    limit: Duration,
    around: Around,
}

/// What a test runs on.
enum On {
    /// What `run` would use.
    Default,
    /// This one, under this name.
    Runtime(String, Runtime),
    /// One for each seed.
    Seeded(String, MakeSeeded),
}

type MakeSeeded = Box<dyn Fn(u64) -> Runtime + Send>;

impl Harness {
    /// Begins a test; the name is for messages.
    pub fn new(test: &'static str) -> Self {
        Self {
            test,
            on: On::Default,
            seeds: 1,
            limit: LIMIT,
            around: Around::default(),
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
        self.on = On::Runtime(name.into(), runtime.into());
        self
    }

    /// Runs the test on a [`Simulation`](crate::adapters::Simulation), one for each of the
    /// [`seeds`](Self::seeds).
    #[cfg(all(unix, feature = "simulation"))]
    pub fn simulated(self) -> Self {
        self.seeded_runtime("simulation", crate::runtime::choose::simulation)
    }

    /// Sets a runtime that a seed determines, and what messages call it. It is made anew for each of
    /// the [`seeds`](Self::seeds).
    ///
    /// A failure tells the seed. `AIOMISC_SIMULATION_SEED=17` in the environment runs that one alone.
    pub fn seeded_runtime<R: Into<Runtime>>(
        mut self,
        name: impl Into<String>,
        make: impl Fn(u64) -> R + Send + 'static,
    ) -> Self {
        self.on = On::Seeded(name.into(), Box::new(move |seed| make(seed).into()));
        self
    }

    /// Sets how many seeds a simulated test runs with, from 0 on (at least 1). Default: 1. Other
    /// tests run once.
    pub fn seeds(mut self, count: u64) -> Self {
        self.seeds = count.max(1);
        self
    }

    /// Sets how long the test may take, with all of its seeds, on the system's clock. Default: 30 s.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Runs the test in an entrypoint with these services: it begins when they have started, and
    /// they are stopped after it. Logging is left as it is, no signal is caught, and the environment
    /// has no say.
    ///
    /// The closure is called on the test's runtime, once for each seed.
    pub fn services<S>(mut self, services: impl Fn() -> S + Send + Sync + 'static) -> Self
    where
        S: IntoIterator<Item = Arc<dyn Service>>,
    {
        self.around.services = Some(Arc::new(move || services().into_iter().collect()));
        self
    }

    /// Runs the test in an entrypoint whose [`Context`] has been filled by this before any service
    /// starts; the services, if there are any, are those of [`services`](Self::services).
    ///
    /// The closure is called on the test's runtime, once for each seed.
    pub fn context(mut self, fill: impl Fn(&Context) + Send + Sync + 'static) -> Self {
        self.around.fill = Some(Arc::new(fill));
        self
    }

    /// Runs the test in an entrypoint that this has changed in whatever way: receivers, limits, more
    /// services. It gets the builder with everything else set, and comes last; only the runtime stays
    /// that of the test.
    ///
    /// A stop that takes too long fails the test, and leaves the process alone.
    ///
    /// The closure is called on the test's runtime, once for each seed.
    pub fn entrypoint(
        mut self,
        change: impl Fn(EntrypointBuilder) -> EntrypointBuilder + Send + Sync + 'static,
    ) -> Self {
        self.around.change = Some(Arc::new(change));
        self
    }

    /// Whether a task that fails while nobody waits for it fails the test at once: a panic of one that
    /// was detached, an error or panic after [`detach_logged`](crate::Task::detach_logged). Default:
    /// true, or what such a task asserts would be lost.
    ///
    /// It is about the tasks that the body and the services spawn, and those that these spawn.
    pub fn strict(mut self, on: bool) -> Self {
        self.around.lenient = !on;
        self
    }

    /// Runs the test once, on a thread of its own; a simulated one with the first seed.
    ///
    /// A test that blocks its thread is left behind when its time is over; it ends with the process.
    ///
    /// # Panics
    ///
    /// With the body's panic. With a text that names the test and its runtime if the body returns an
    /// error or does not end in time, if a service fails or the entrypoint is stopped before the
    /// body's end, if a task fails that nobody waits for ([`strict`](Self::strict)), or if there is no
    /// runtime.
    #[track_caller]
    pub fn run<F, Fut>(mut self, body: F)
    where
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output: TestOutput>,
    {
        self.seeds = 1;
        let mut body = Some(body);
        self.launch(move |runtime, around| match body.take() {
            Some(body) => around.run(runtime, body),
            None => Ok(()),
        });
    }

    /// Runs the test as [`run`](Self::run) does, and a simulated one with each of its seeds, until
    /// one fails.
    ///
    /// # Panics
    ///
    /// As [`run`](Self::run). Which seed it was stands on the standard error stream.
    #[track_caller]
    pub fn run_each<F, Fut>(self, body: F)
    where
        F: Fn() -> Fut + Send + 'static,
        Fut: Future<Output: TestOutput>,
    {
        self.launch(move |runtime, around| around.run(runtime, &body));
    }

    #[track_caller]
    fn launch(self, mut run: impl FnMut(Runtime, &Around) -> Result<(), String> + Send + 'static) {
        let Self {
            test,
            on,
            seeds,
            limit,
            around,
        } = self;
        let on = match on.resolve() {
            Ok(on) => on,
            Err(error) => panic!("test `{test}`: {error}"),
        };
        let name = on.name().to_owned();
        let seeded = on.is_seeded();
        let seeds = match if seeded { simulation_seed() } else { Ok(None) } {
            Ok(Some(seed)) => seed..=seed,
            Ok(None) => 0..=seeds - 1,
            Err(error) => panic!("test `{test}`: {error}"),
        };
        let seed = Arc::new(AtomicU64::new(*seeds.start()));

        let (ended, wait) = mpsc::channel();
        // Panics are reported with the name of their thread: that of the test, as its own thread has.
        let thread = match thread::current().name() {
            None | Some("main") => test.to_owned(),
            Some(name) => name.to_owned(),
        };
        let at = Arc::clone(&seed);
        let spawned = thread::Builder::new().name(thread).spawn(move || {
            // The runtime is dropped inside: that is a part of the test as well.
            let result = catch_unwind(AssertUnwindSafe(|| {
                on.each(seeds, |runtime, seed| {
                    at.store(seed, Ordering::Relaxed);
                    run(runtime, &around)
                })
            }));
            // Nobody waits any more when the time is over.
            let _ = ended.send(result);
        });
        if let Err(error) = spawned {
            panic!("test `{test}` on {name}: no thread could be started: {error}");
        }
        let result = wait.recv_timeout(limit);
        if seeded && !matches!(result, Ok(Ok(Ok(())))) {
            tell_seed(test, &name, seed.load(Ordering::Relaxed));
        }
        match result {
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

#[allow(
    clippy::print_stderr,
    reason = "the panic goes on as it is, and this belongs beside it"
)]
fn tell_seed(test: &str, name: &str, seed: u64) {
    eprintln!(
        "test `{test}` failed on {name} with seed {seed}; \
         AIOMISC_SIMULATION_SEED={seed} runs that one again"
    );
}

impl On {
    /// Finds the runtime of a test that names none.
    fn resolve(self) -> Result<Self, String> {
        match self {
            Self::Default => {
                let runtime = default_runtime()?;
                Ok(Self::Runtime(runtime.name().to_owned(), runtime))
            }
            on => Ok(on),
        }
    }

    fn name(&self) -> &str {
        match self {
            Self::Default => "the default runtime",
            Self::Runtime(name, _) | Self::Seeded(name, _) => name,
        }
    }

    fn is_seeded(&self) -> bool {
        matches!(self, Self::Seeded(..))
    }

    /// Calls the test with each runtime there is: one, or one for each seed.
    fn each(
        self,
        seeds: impl Iterator<Item = u64>,
        mut test: impl FnMut(Runtime, u64) -> Result<(), String>,
    ) -> Result<(), String> {
        match self {
            Self::Default => Ok(()),
            Self::Runtime(_, runtime) => test(runtime, 0),
            Self::Seeded(_, make) => {
                for seed in seeds {
                    test(make(seed), seed)?;
                }
                Ok(())
            }
        }
    }
}

impl fmt::Debug for Harness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Harness")
            .field("test", &self.test)
            .field("on", &self.on.name())
            .field("seeds", &self.seeds)
            .field("limit", &self.limit)
            .field("around", &self.around)
            .finish()
    }
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
