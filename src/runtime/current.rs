//! The one place where the current runtime is looked up.

use std::fmt;
use std::sync::OnceLock;

use super::Runtime;
use super::scope::Scope;

static DEFAULT: OnceLock<Runtime> = OnceLock::new();

/// Says that no runtime is at hand, and what to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct NoRuntime;

impl fmt::Display for NoRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "no runtime at hand: call this inside a task of a runtime, inside a tokio runtime with \
             the feature `tokio`, after `Runtime::install_default`, or with the feature `smol`; \
             a program chooses its own by `.runtime(Tokio::multi_thread(2)?)` or by \
             `#[aiomisc::main(runtime = \"tokio\")]`",
        )
    }
}

impl std::error::Error for NoRuntime {}

#[inline]
pub(super) fn look_up() -> Result<Runtime, NoRuntime> {
    match of_scope() {
        Some(runtime) => Ok(runtime),
        None => outside_of_tasks(),
    }
}

/// The runtime that can be seen from this place alone: that of the task, or tokio's. The others are seen
/// from everywhere.
pub(crate) fn around() -> Option<Runtime> {
    of_scope().or_else(of_tokio)
}

#[inline]
fn of_scope() -> Option<Runtime> {
    Scope::with_current(|scope| scope.runtime().cloned()).flatten()
}

fn of_tokio() -> Option<Runtime> {
    #[cfg(all(unix, feature = "tokio"))]
    return crate::adapters::Tokio::try_current().map(Into::into);
    #[allow(
        unreachable_code,
        reason = "whether there is a tokio to look for depends on the features"
    )]
    None
}

#[cold]
fn outside_of_tasks() -> Result<Runtime, NoRuntime> {
    if let Some(runtime) = of_tokio() {
        return Ok(runtime);
    }
    if let Some(runtime) = DEFAULT.get() {
        return Ok(runtime.clone());
    }
    #[cfg(all(unix, feature = "smol"))]
    return Ok(crate::adapters::Smol::of_process().into());
    #[allow(
        unreachable_code,
        reason = "which of the look-ups exist depends on the features"
    )]
    Err(NoRuntime)
}

pub(super) fn install(runtime: Runtime) -> Result<(), Runtime> {
    DEFAULT.set(runtime)
}

pub(super) fn installed() -> Option<Runtime> {
    DEFAULT.get().cloned()
}
