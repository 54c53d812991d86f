//! Extensions that a program has by linking them.
//!
//! [`plugin!`](crate::plugin) registers one, in the program or in any crate that it uses. Its `setup` is
//! called once, before the first entrypoint of the process does anything else; mostly it connects
//! receivers to the [signals](crate::signal) of entrypoints.
//!
//! ```standalone_crate
//! # #[cfg(feature = "smol")] mod example {
//! use aiomisc::signal::{Frozen, Lifecycle, POST_START};
//!
//! aiomisc::plugin! {
//!     name: "greeter",
//!     doc: "Says hello when the services have started.",
//!     setup: setup,
//! }
//!
//! fn setup() -> Result<(), Frozen> {
//!     POST_START.connect_as("greeter", |event: Lifecycle| async move {
//!         tracing::info!(services = event.services.len(), "hello");
//!         Ok(())
//!     })?;
//!     Ok(())
//! }
//! # pub fn main() {
//! #     aiomisc::run(async {}, []).unwrap();
//! #     let names: Vec<_> = aiomisc::plugins::all().iter().map(|plugin| plugin.name()).collect();
//! #     assert_eq!(names, ["greeter"]);
//! # }
//! # }
//! # fn main() {
//! #     #[cfg(feature = "smol")]
//! #     example::main();
//! # }
//! ```
//!
//! # What holds
//!
//! - Plugins are set up in the order of their names, each once in a process. What panics has failed.
//! - One that fails, or two of one name, are a mistake of the configuration that names them: no entrypoint
//!   of the process runs.
//! - No entrypoint of any thread goes on before all are set up: a `setup` must neither run one, which is an
//!   error, nor wait for a thread that does, which nobody would end.
//! - `AIOMISC_NO_PLUGINS=1`, or [`plugins(false)`](crate::entrypoint::EntrypointBuilder::plugins), leaves
//!   them alone. What was set up for another entrypoint stays.
//! - Those in a crate that is nowhere named in the program's code are not linked, and so not there;
//!   `use that_crate as _;` names it.
//!
//! [`cli`] is a command that lists them.

mod arguments;
mod cli;
mod registry;

pub use self::cli::cli;
pub(crate) use self::registry::set_up;
#[doc(hidden)]
pub use self::registry::{PLUGINS, SetUp};
pub use self::registry::{Plugin, all};

/// Registers a plugin; see [`plugins`](mod@crate::plugins).
///
/// `name` and `doc` are constant texts, what it is called and a line about it; `setup` is a function without
/// arguments, or a closure that captures nothing, and returns `()` or a `Result<(), E>` with an error that
/// goes into a [`BoxError`](crate::BoxError).
///
/// ```standalone_crate
/// aiomisc::plugin! {
///     name: "quiet",
///     doc: "Does nothing.",
///     setup: || (),
/// }
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! plugin {
    (name: $name:expr, doc: $doc:expr, setup: $setup:expr $(,)?) => {
        const _: () = {
            #[$crate::__private::linkme::distributed_slice($crate::__private::PLUGINS)]
            #[linkme(crate = $crate::__private::linkme)]
            static PLUGIN: $crate::plugins::Plugin =
                $crate::plugins::Plugin::__new($name, $doc, ::core::module_path!(), || {
                    $crate::__private::SetUp::outcome(($setup)())
                });
        };
    };
    ($($other:tt)*) => {
        ::core::compile_error!(
            "expected `name: \"…\", doc: \"…\", setup: FUNCTION`, in this order"
        );
    };
}
