//! The one place where the runtime of a program is chosen.

use std::fmt;

use super::{NoRuntime, Runtime, current};

/// The runtime that `run` uses: what the environment names, else what was installed, else smol.
/// (One given by hand comes before all of these, and never gets here.)
pub(crate) fn choose(named: Option<&str>) -> Result<Runtime, UnknownRuntime> {
    match named {
        Some(name) => by_name(name),
        None => installed_or_smol().ok_or(UnknownRuntime::None(NoRuntime)),
    }
}

#[allow(
    clippy::unnecessary_wraps,
    reason = "what can fail depends on the features"
)]
fn by_name(name: &str) -> Result<Runtime, UnknownRuntime> {
    match name {
        #[cfg(all(unix, feature = "smol"))]
        "smol" => Ok(crate::adapters::Smol::new().into()),
        #[cfg(all(unix, feature = "tokio"))]
        "tokio" => Ok(crate::adapters::Tokio::multi_thread(threads())
            .map_err(UnknownRuntime::Failed)?
            .into()),
        _ => Err(UnknownRuntime::Name(name.to_owned())),
    }
}

/// As many as tokio would take by itself.
#[cfg(all(unix, feature = "tokio"))]
fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn installed_or_smol() -> Option<Runtime> {
    if let Some(runtime) = current::installed() {
        return Some(runtime);
    }
    #[cfg(all(unix, feature = "smol"))]
    return Some(crate::adapters::Smol::new().into());
    #[allow(unreachable_code, reason = "smol may not be compiled in")]
    None
}

/// The names that this build knows.
const NAMES: &[&str] = &[
    #[cfg(all(unix, feature = "smol"))]
    "smol",
    #[cfg(all(unix, feature = "tokio"))]
    "tokio",
];

/// Why no runtime could be chosen.
#[derive(Debug)]
pub(crate) enum UnknownRuntime {
    None(NoRuntime),
    Name(String),
    #[allow(
        dead_code,
        reason = "which runtimes can fail to start depends on the features"
    )]
    Failed(std::io::Error),
}

impl fmt::Display for UnknownRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None(error) => error.fmt(f),
            Self::Name(name) if NAMES.is_empty() => write!(
                f,
                "`{name}` is no runtime of this build, which has none (features `smol`, `tokio`)"
            ),
            Self::Name(name) => {
                write!(
                    f,
                    "`{name}` is no runtime of this build; it has: {}",
                    NAMES.join(", ")
                )
            }
            Self::Failed(_) => f.write_str("the runtime could not be started"),
        }
    }
}

impl std::error::Error for UnknownRuntime {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Failed(error) => Some(error),
            Self::None(_) | Self::Name(_) => None,
        }
    }
}
