//! The one place where the runtime of a program is chosen.

use std::fmt;
use std::io;

use super::{NoRuntime, Runtime, current};

/// A runtime for a program, and whose it is.
#[derive(Clone)]
pub(crate) struct Choice {
    pub(crate) runtime: Runtime,
    /// Whether it was made for the program, and ends with it.
    pub(crate) made_here: bool,
}

impl Choice {
    pub(crate) fn given(runtime: Runtime) -> Self {
        Self {
            runtime,
            made_here: false,
        }
    }

    pub(crate) fn made_here(runtime: Runtime) -> Self {
        Self {
            runtime,
            made_here: true,
        }
    }
}

/// The runtime that `run` uses: what the environment names, else what was installed, else smol.
/// (One given by hand comes before all of these, and never gets here.) The number of threads is for
/// one that is made here.
pub(crate) fn choose(
    named: Option<&str>,
    threads: Option<usize>,
) -> Result<Choice, UnknownRuntime> {
    let made = match named {
        Some(name) => by_name(name, threads),
        None => {
            if let Some(runtime) = current::installed() {
                return Ok(Choice::given(runtime));
            }
            smol_by_default(threads)
        }
    };
    match made {
        Some(runtime) => runtime
            .map(Choice::made_here)
            .map_err(UnknownRuntime::Failed),
        None => Err(named.map_or(UnknownRuntime::None(NoRuntime), |name| {
            UnknownRuntime::Name(name.to_owned())
        })),
    }
}

#[allow(
    unused_variables,
    reason = "which runtimes exist depends on the features"
)]
fn by_name(name: &str, threads: Option<usize>) -> Option<io::Result<Runtime>> {
    match name {
        #[cfg(all(unix, feature = "smol"))]
        "smol" => Some(smol(threads)),
        #[cfg(all(unix, feature = "tokio"))]
        "tokio" => Some(tokio(threads)),
        _ => None,
    }
}

#[allow(
    unused_variables,
    unreachable_code,
    reason = "smol may not be compiled in"
)]
fn smol_by_default(threads: Option<usize>) -> Option<io::Result<Runtime>> {
    #[cfg(all(unix, feature = "smol"))]
    return Some(smol(threads));
    None
}

/// A smol runtime; with one thread unless told otherwise.
#[cfg(all(unix, feature = "smol"))]
pub(crate) fn smol(threads: Option<usize>) -> io::Result<Runtime> {
    use crate::adapters::Smol;
    let smol = match threads {
        Some(threads) => Smol::with_threads(threads)?,
        None => Smol::new(),
    };
    Ok(smol.into())
}

/// A tokio runtime; with as many threads as tokio would take by itself, unless told otherwise.
#[cfg(all(unix, feature = "tokio"))]
pub(crate) fn tokio(threads: Option<usize>) -> io::Result<Runtime> {
    let threads =
        threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
    Ok(crate::adapters::Tokio::multi_thread(threads)?.into())
}

/// A tokio runtime that runs on the thread that blocks on it.
#[cfg(all(unix, feature = "tokio", feature = "macros", feature = "testing"))]
pub(crate) fn tokio_current_thread() -> io::Result<Runtime> {
    Ok(crate::adapters::Tokio::current_thread()?.into())
}

/// A simulation with this seed.
#[cfg(all(unix, feature = "simulation", feature = "testing"))]
pub(crate) fn simulation(seed: u64) -> Runtime {
    crate::adapters::Simulation::new(seed).into()
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
    Failed(io::Error),
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
