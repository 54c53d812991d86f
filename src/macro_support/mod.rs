//! What the attribute macros expand to. Nothing here is for use by hand.

use std::fmt;
use std::io;
use std::process::{ExitCode, Termination};
use std::sync::Arc;
use std::time::Duration;

use crate::entrypoint::{Entrypoint, EntrypointBuilder};
use crate::runtime::Runtime;
use crate::service::Service;

// Which adapters there are is known here, not where a macro is used: by macros that keep their
// argument, or refuse it. What a feature adds hides what `absent` has by the same name.
#[allow(
    unused_imports,
    unreachable_pub,
    reason = "with all features nothing is absent"
)]
pub use self::absent::*;
#[cfg(all(unix, any(feature = "smol", feature = "tokio", feature = "simulation")))]
pub use crate::__aiomisc_keep as only_with_any;
#[cfg(all(unix, any(feature = "smol", feature = "tokio")))]
pub use crate::__aiomisc_keep as only_with_real;
pub use crate::plugins::{PLUGINS, SetUp};
pub use crate::signal::registry::{Outcome, RECEIVERS, Registration, attach};
#[cfg(all(unix, feature = "simulation"))]
pub use crate::{__aiomisc_keep as only_with_simulation, __aiomisc_keep as if_simulation};
#[cfg(all(unix, feature = "smol"))]
pub use crate::{__aiomisc_keep as only_with_smol, __aiomisc_keep as if_smol};
#[cfg(all(unix, feature = "tokio"))]
pub use crate::{__aiomisc_keep as only_with_tokio, __aiomisc_keep as if_tokio};
#[cfg(feature = "testing")]
pub use crate::{
    __aiomisc_test_on as test_on, __aiomisc_test_on_all as test_on_all,
    __aiomisc_test_on_real as test_on_real,
};

pub use linkme;

/// What `#[dependency]` expands to.
pub mod dependency {
    pub use crate::dependency::registry::{
        CannotFail, DEPENDENCIES, Fallible, Function, Infallible, MayFail, Need, Parameter,
    };
}

/// What `#[cutout]` expands to.
pub mod cutout;

/// What `#[timeout]`, `#[asyncbackoff]` and `#[asyncretry]` expand to.
pub mod retry;

/// For what no feature has added.
pub mod absent {
    pub use crate::{
        __aiomisc_drop as if_simulation, __aiomisc_drop as if_smol, __aiomisc_drop as if_tokio,
        __aiomisc_no_adapter as only_with_any, __aiomisc_no_adapter as only_with_real,
        __aiomisc_no_simulation as only_with_simulation, __aiomisc_no_smol as only_with_smol,
        __aiomisc_no_tokio as only_with_tokio,
    };
}

/// A smol runtime, with one thread or with so many.
///
/// # Errors
///
/// What starting a thread answers.
#[cfg(all(unix, feature = "smol"))]
pub fn smol(threads: Option<usize>) -> io::Result<Runtime> {
    crate::runtime::choose::smol(threads)
}

/// A tokio runtime, with a thread for each processor or with so many.
///
/// # Errors
///
/// What starting a thread or a driver answers.
#[cfg(all(unix, feature = "tokio"))]
pub fn tokio(threads: Option<usize>) -> io::Result<Runtime> {
    crate::runtime::choose::tokio(threads)
}

/// A tokio runtime that the thread drives which blocks on it.
///
/// # Errors
///
/// What starting a driver answers.
#[cfg(all(unix, feature = "tokio", feature = "testing"))]
pub fn tokio_current_thread() -> io::Result<Runtime> {
    crate::runtime::choose::tokio_current_thread()
}

/// A test on the runtime of this name.
///
/// # Panics
///
/// If there is no runtime.
#[cfg(feature = "testing")]
pub fn harness(
    test: &'static str,
    name: &'static str,
    runtime: io::Result<Runtime>,
) -> crate::testing::Harness {
    match runtime {
        Ok(runtime) => crate::testing::Harness::new(test).named_runtime(name, runtime),
        Err(error) => panic!("test `{test}`: the runtime {name} could not be made: {error}"),
    }
}

/// A test that is simulated.
#[cfg(all(unix, feature = "simulation", feature = "testing"))]
pub fn simulated(test: &'static str) -> crate::testing::Harness {
    crate::testing::Harness::new(test).simulated()
}

/// A program: the options of `#[aiomisc::main]`.
pub struct Main {
    builder: EntrypointBuilder,
}

impl Main {
    /// A program without options.
    #[allow(clippy::new_without_default, reason = "the macro calls `new`")]
    #[must_use]
    pub fn new() -> Self {
        Self {
            builder: Entrypoint::builder(),
        }
    }

    /// Option `runtime`.
    #[must_use]
    pub fn runtime(self, made: io::Result<Runtime>) -> Self {
        self.with(|builder| builder.runtime_made(made))
    }

    /// Option `threads`.
    #[must_use]
    pub fn threads(self, threads: usize) -> Self {
        self.with(|builder| builder.threads(threads))
    }

    /// Option `services`.
    #[must_use]
    pub fn services(self, services: impl IntoIterator<Item = Arc<dyn Service>>) -> Self {
        self.with(|builder| builder.services(services))
    }

    /// Option `log_level`.
    #[must_use]
    pub fn log_level(self, text: &str) -> Self {
        self.with(|builder| match text.parse() {
            Ok(level) => builder.log_level(level),
            Err(expected) => unexpected(builder, "log_level", &expected, text),
        })
    }

    /// Option `log_format`.
    #[must_use]
    pub fn log_format(self, text: &str) -> Self {
        self.with(|builder| match text.parse() {
            Ok(format) => builder.log_format(format),
            Err(expected) => unexpected(builder, "log_format", &expected, text),
        })
    }

    /// Option `pool_size`.
    #[must_use]
    pub fn pool_size(self, threads: usize) -> Self {
        self.with(|builder| builder.pool_size(threads))
    }

    /// Option `debug`.
    #[must_use]
    pub fn debug(self, on: bool) -> Self {
        self.with(|builder| builder.debug(on))
    }

    /// Option `shutdown_timeout`.
    #[must_use]
    pub fn shutdown_timeout(self, timeout: Duration) -> Self {
        self.with(|builder| builder.shutdown_timeout(timeout))
    }

    /// Runs the program.
    pub fn run<F, Fut>(self, main: F) -> ExitCode
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output: Termination>,
    {
        // What main has to say is said when it ends: a stop that fails then cannot swallow it.
        match self.builder.run(async { main().await.report() }) {
            Ok(outcome) => outcome.report(),
            Err(error) => {
                error.report();
                ExitCode::from(error.exit_code())
            }
        }
    }

    fn with(self, set: impl FnOnce(EntrypointBuilder) -> EntrypointBuilder) -> Self {
        Self {
            builder: set(self.builder),
        }
    }
}

impl fmt::Debug for Main {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Main").field(&self.builder).finish()
    }
}

fn unexpected(
    builder: EntrypointBuilder,
    option: &str,
    expected: &str,
    text: &str,
) -> EntrypointBuilder {
    builder.problem(format!("{option}: expected {expected}, got `{text}`"))
}

/// Expands to what it is given.
#[doc(hidden)]
#[macro_export]
macro_rules! __aiomisc_keep {
    ($($tokens:tt)*) => { $($tokens)* };
}

/// Expands to nothing.
#[doc(hidden)]
#[macro_export]
macro_rules! __aiomisc_drop {
    ($($tokens:tt)*) => {};
}

/// Refuses what needs the feature `smol`.
#[doc(hidden)]
#[macro_export]
macro_rules! __aiomisc_no_smol {
    ($($tokens:tt)*) => {
        ::core::compile_error!(
            "this needs the feature `smol` of `aiomisc`, which is not compiled in"
        );
    };
}

/// Refuses what needs the feature `tokio`.
#[doc(hidden)]
#[macro_export]
macro_rules! __aiomisc_no_tokio {
    ($($tokens:tt)*) => {
        ::core::compile_error!(
            "this needs the feature `tokio` of `aiomisc`, which is not compiled in"
        );
    };
}

/// Refuses what needs the feature `simulation`.
#[doc(hidden)]
#[macro_export]
macro_rules! __aiomisc_no_simulation {
    ($($tokens:tt)*) => {
        ::core::compile_error!(
            "this needs the feature `simulation` of `aiomisc`, which is not compiled in"
        );
    };
}

/// Refuses what needs any adapter.
#[doc(hidden)]
#[macro_export]
macro_rules! __aiomisc_no_adapter {
    ($($tokens:tt)*) => {
        ::core::compile_error!("this needs a runtime, and none is compiled in: enable the feature `smol` or `tokio` of `aiomisc`");
    };
}

/// A test on one runtime; expands to a test function of the runtime's name.
#[doc(hidden)]
#[macro_export]
macro_rules! __aiomisc_test_on {
    ($runtime:ident, $test:literal, $launch:path, [$($attributes:tt)*]) => {
        #[::core::prelude::v1::test]
        $($attributes)*
        fn $runtime() {
            $launch($crate::__aiomisc_harness!($runtime, $test))
        }
    };
}

/// The harness of a test on the runtime of this name.
#[doc(hidden)]
#[macro_export]
macro_rules! __aiomisc_harness {
    (simulation, $test:literal) => {
        $crate::__private::simulated($test)
    };
    ($runtime:ident, $test:literal) => {
        $crate::__private::harness(
            $test,
            ::core::stringify!($runtime),
            $crate::__aiomisc_runtime!($runtime),
        )
    };
}

/// The runtimes of tests by name. Threads are few and known, so that a test means the same anywhere.
#[doc(hidden)]
#[macro_export]
macro_rules! __aiomisc_runtime {
    (smol) => {
        $crate::__private::smol(::core::option::Option::None)
    };
    (smol_threads) => {
        $crate::__private::smol(::core::option::Option::Some(3))
    };
    (tokio) => {
        $crate::__private::tokio(::core::option::Option::Some(2))
    };
    (tokio_current_thread) => {
        $crate::__private::tokio_current_thread()
    };
}

/// A test on each runtime that is compiled in.
#[doc(hidden)]
#[macro_export]
macro_rules! __aiomisc_test_on_all {
    ($($test:tt)*) => {
        $crate::__private::only_with_any! {}
        $crate::__aiomisc_test_on_each_real! { $($test)* }
        $crate::__private::if_simulation! { $crate::__private::test_on! { simulation, $($test)* } }
    };
}

/// A test on each runtime that is compiled in and no simulation.
#[doc(hidden)]
#[macro_export]
macro_rules! __aiomisc_test_on_real {
    ($($test:tt)*) => {
        $crate::__private::only_with_real! {}
        $crate::__aiomisc_test_on_each_real! { $($test)* }
    };
}

/// A test on each runtime that is compiled in and no simulation, if there is any.
#[doc(hidden)]
#[macro_export]
macro_rules! __aiomisc_test_on_each_real {
    ($($test:tt)*) => {
        $crate::__private::if_smol! { $crate::__private::test_on! { smol, $($test)* } }
        $crate::__private::if_tokio! { $crate::__private::test_on! { tokio, $($test)* } }
        $crate::__private::if_tokio! { $crate::__private::test_on! { tokio_current_thread, $($test)* } }
    };
}
