//! The tokio adapter.

mod datagram;
mod net;
mod stream;

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures_core::future::BoxFuture;
use pin_project_lite::pin_project;
use tokio::runtime::{Builder, Handle, Runtime as TokioRuntime};
use tokio::task::JoinHandle;

use crate::runtime::{
    Backend, Drive, Placement, Runtime, RuntimeId, Sleep, Spawn, TaskHandle, Timer,
};

/// A tokio runtime: the one around, one of yours, or one of its own.
///
/// Timers and sockets belong to this runtime, whichever thread or executor polls them.
///
/// ```
/// use aiomisc::adapters::Tokio;
///
/// # fn main() -> std::io::Result<()> {
/// let answer = Tokio::current_thread()?.block_on(async { aiomisc::spawn(async { 42 }).await });
/// assert_eq!(answer.unwrap(), 42);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Tokio {
    handle: Handle,
    driver: Arc<Driver>,
}

impl Tokio {
    /// Takes the runtime whose context this is.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime; [`try_current`](Self::try_current) does not.
    #[must_use]
    #[track_caller]
    pub fn current() -> Self {
        Self::from_handle(Handle::current())
    }

    /// Takes the runtime whose context this is, if there is one.
    #[must_use]
    pub fn try_current() -> Option<Self> {
        Handle::try_current().ok().map(Self::from_handle)
    }

    /// Uses a runtime of yours. It stays yours: nothing here keeps it alive or ends it. It needs
    /// its I/O and time drivers (`enable_all`).
    #[must_use]
    pub fn from_handle(handle: Handle) -> Self {
        Self {
            driver: Arc::new(Driver::Foreign(handle.clone())),
            handle,
        }
    }

    /// Builds a runtime with this many worker threads. It ends with the last clone, and the last
    /// [`Runtime`] made of it.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) for zero threads; else what starting a thread
    /// or a driver answers.
    pub fn multi_thread(threads: usize) -> io::Result<Self> {
        if threads == 0 {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "a runtime needs at least one thread, got 0",
            ));
        }
        Self::build(Builder::new_multi_thread().worker_threads(threads))
    }

    /// Builds a runtime that runs only while somebody blocks on it.
    ///
    /// # Errors
    ///
    /// What starting a driver answers.
    pub fn current_thread() -> io::Result<Self> {
        Self::build(&mut Builder::new_current_thread())
    }

    fn build(builder: &mut Builder) -> io::Result<Self> {
        let runtime = builder.enable_all().build()?;
        let handle = runtime.handle().clone();
        Ok(Self {
            handle,
            driver: Arc::new(Driver::Owned(Some(runtime))),
        })
    }

    /// Blocks the calling thread until the future is ready. On a runtime of ours this drives it.
    ///
    /// # Panics
    ///
    /// With the future's panic, and inside an asynchronous context.
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.runtime().block_on(future)
    }

    /// A handle to this runtime, which keeps one of ours alive as well.
    #[must_use]
    pub fn runtime(&self) -> Runtime {
        self.clone().into()
    }
}

impl From<Tokio> for Runtime {
    fn from(tokio: Tokio) -> Self {
        Self::with_driver(
            Arc::new(Shared {
                handle: tokio.handle,
            }),
            tokio.driver,
        )
    }
}

impl fmt::Debug for Tokio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokio")
            .field("handle", &self.handle)
            .finish_non_exhaustive()
    }
}

/// What tasks hold of the runtime they run on. A handle does not keep a tokio runtime alive.
#[derive(Debug)]
struct Shared {
    handle: Handle,
}

impl Backend for Shared {
    fn name(&self) -> &str {
        "tokio"
    }

    fn id(&self) -> Option<RuntimeId> {
        Some(RuntimeId::of(&self.handle.id()))
    }
}

impl Spawn for Shared {
    fn spawn(
        &self,
        _name: &str,
        _placement: Placement,
        future: BoxFuture<'static, ()>,
    ) -> Box<dyn TaskHandle> {
        Box::new(self.handle.spawn(future))
    }

    fn enter(&self, f: &mut dyn FnMut()) {
        let _inside = self.handle.enter();
        f();
    }
}

impl TaskHandle for JoinHandle<()> {
    fn abort(&self) {
        Self::abort(self);
    }
}

impl Timer for Shared {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        // A timer belongs to the runtime that is current when it is made.
        let _inside = self.handle.enter();
        Box::pin(Wait {
            sleep: tokio::time::sleep(duration),
            handle: self.handle.clone(),
        })
    }

    fn now(&self) -> Instant {
        // Its clock can be paused.
        let _inside = self.handle.enter();
        tokio::time::Instant::now().into_std()
    }
}

pin_project! {
    struct Wait {
        #[pin]
        sleep: tokio::time::Sleep,
        handle: Handle,
    }
}

impl Future for Wait {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.project().sleep.poll(cx)
    }
}

impl Sleep for Wait {
    fn reset(self: Pin<&mut Self>, duration: Duration) {
        let this = self.project();
        let _inside = this.handle.enter();
        let now = tokio::time::Instant::now();
        // What the clock cannot show is as good as never; tokio's own `sleep` does the same.
        let century = Duration::from_secs(100 * 365 * 86_400);
        this.sleep
            .reset(now.checked_add(duration).unwrap_or(now + century));
    }
}

/// Drives a runtime; ends it when it is ours.
enum Driver {
    Foreign(Handle),
    Owned(Option<TokioRuntime>),
}

impl Drive for Driver {
    fn block_on(&self, future: Pin<&mut (dyn Future<Output = ()> + '_)>) {
        match self {
            Self::Owned(Some(runtime)) => runtime.block_on(future),
            Self::Owned(None) => {}
            Self::Foreign(handle) => handle.block_on(future),
        }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        if let Self::Owned(runtime) = self
            && let Some(runtime) = runtime.take()
        {
            // Dropping it would wait for its threads, and panic in an asynchronous context.
            runtime.shutdown_background();
        }
    }
}
