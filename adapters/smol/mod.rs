//! The smol adapter: async-executor for tasks, async-io for timers and sockets.

mod datagram;
mod lane;
mod net;
mod shared;
mod wait;

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};

use async_executor::Executor;

use self::lane::Lane;
use self::shared::Shared;
use crate::runtime::{Drive, Runtime};

/// A smol runtime.
///
/// By default it is one event loop: whoever blocks on it drives it, and a thread of its own takes
/// over when nobody does. Dropping the last clone, and the last [`Runtime`] made of it, drops the
/// tasks left.
///
/// ```
/// use aiomisc::adapters::Smol;
///
/// let answer = Smol::new().block_on(async { aiomisc::spawn(async { 42 }).await });
/// assert_eq!(answer.unwrap(), 42);
/// ```
///
/// # Cost
///
/// One thread rather than several on a shared executor: a wake-up does not cross threads, which
/// more than halves the time of a small TCP round trip.
#[derive(Clone)]
pub struct Smol {
    shared: Arc<Shared>,
    owner: Arc<Owner>,
}

impl Smol {
    /// Makes a runtime with one thread, which starts when it is needed.
    #[must_use]
    pub fn new() -> Self {
        Self::with_lanes(vec![Lane::lazy()])
    }

    /// Makes a runtime with several threads, each with an executor of its own: tasks stay on the
    /// thread that spawned them, unless they are spread (as connections are).
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) for zero threads; else what starting a thread
    /// answers.
    pub fn with_threads(threads: usize) -> io::Result<Self> {
        if threads == 0 {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "a runtime needs at least one thread, got 0",
            ));
        }
        let smol = Self::with_lanes((0..threads).map(|_| Lane::lazy()).collect());
        for index in 1..threads {
            smol.shared.start_worker(index)?;
        }
        Ok(smol)
    }

    /// Uses an executor that somebody else drives.
    #[must_use]
    pub fn from_executor(executor: Arc<Executor<'static>>) -> Self {
        Self::with_lanes(vec![Lane::driven(executor)])
    }

    /// Blocks the calling thread until the future is ready, and drives the runtime meanwhile. If
    /// another thread does so already, this one only waits.
    ///
    /// # Panics
    ///
    /// With the future's panic.
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.runtime().block_on(future)
    }

    /// A handle to this runtime, which keeps it alive as well.
    #[must_use]
    pub fn runtime(&self) -> Runtime {
        self.clone().into()
    }

    /// The runtime of programs that made none.
    pub(crate) fn of_process() -> Self {
        static OF_PROCESS: OnceLock<Smol> = OnceLock::new();
        OF_PROCESS.get_or_init(Self::new).clone()
    }

    fn with_lanes(lanes: Vec<(Lane, Arc<Executor<'static>>)>) -> Self {
        let (lanes, executors) = lanes.into_iter().unzip();
        let shared = Shared::new(lanes);
        Self {
            owner: Arc::new(Owner {
                shared: Arc::clone(&shared),
                executors,
            }),
            shared,
        }
    }
}

impl Default for Smol {
    fn default() -> Self {
        Self::new()
    }
}

impl From<Smol> for Runtime {
    fn from(smol: Smol) -> Self {
        Self::with_driver(smol.shared, smol.owner)
    }
}

impl fmt::Debug for Smol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shared.fmt(f)
    }
}

/// Keeps the executors; ends the runtime when it goes.
struct Owner {
    shared: Arc<Shared>,
    executors: Vec<Arc<Executor<'static>>>,
}

impl Drive for Owner {
    fn block_on(&self, future: Pin<&mut (dyn Future<Output = ()> + '_)>) {
        self.shared.block_on(&self.executors[0], future);
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.shared.end();
    }
}
