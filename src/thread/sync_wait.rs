use std::fmt;

use super::worker::{Cut, is_job, is_own, wait, wait_on};
use crate::runtime::{Runtime, Scope};

/// Blocks the thread of a job until a future is ready, and gives what it gives. The future runs on the
/// runtime that the job was submitted on: its timers, sockets and tasks are that runtime's.
///
/// The future is polled on this very thread, so that it may borrow from the job.
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use aiomisc::thread;
/// use std::time::Duration;
///
/// # aiomisc::run(async {
/// let answer = thread::run(|| {
///     // A thread that blocks, and in between asks its runtime for something.
///     thread::sync_wait(async {
///         aiomisc::time::sleep(Duration::from_millis(1)).await;
///         42
///     })
/// });
/// assert!(matches!(answer.await, Ok(Ok(42))));
/// # }, []).expect("no service fails");
/// # }
/// ```
///
/// # Errors
///
/// [`SyncWaitError`], without having polled the future, if this thread runs no job: in asynchronous code,
/// where waiting would keep the runtime from going on, so that nothing could ever come of it; `await` is
/// what to use there. Also when the pool is shut down meanwhile and its time is over.
///
/// # Panics
///
/// With the future's panic.
pub fn sync_wait<F: Future>(future: F) -> Result<F::Output, SyncWaitError> {
    if is_job() {
        return wait(future).map_err(|Cut| SyncWaitError::new(Why::Cut));
    }
    Err(SyncWaitError::new(match Scope::is_asynchronous() {
        true => Why::Asynchronous,
        false => Why::NoJob,
    }))
}

/// As [`sync_wait`], with a runtime given by hand: from any thread that may block, such as one of the
/// standard library's.
///
/// # Errors
///
/// As [`sync_wait`], in asynchronous code of this library's runtimes.
///
/// # Panics
///
/// With the future's panic; and as [`Runtime::block_on`] in asynchronous code of others.
pub fn sync_wait_on<F: Future>(runtime: &Runtime, future: F) -> Result<F::Output, SyncWaitError> {
    if is_job() {
        let waited = if is_own(runtime) {
            let inside = runtime.scope(future);
            runtime.enter(|| wait(inside))
        } else {
            wait_on(runtime, future)
        };
        return waited.map_err(|Cut| SyncWaitError::new(Why::Cut));
    }
    if Scope::is_asynchronous() {
        return Err(SyncWaitError::new(Why::Asynchronous));
    }
    Ok(runtime.block_on(future))
}

/// Says why a thread cannot wait for a future.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyncWaitError {
    why: Why,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
    Asynchronous,
    NoJob,
    Cut,
}

impl SyncWaitError {
    fn new(why: Why) -> Self {
        Self { why }
    }

    /// Whether the pool of the job was shut down and its time is over, or its runtime has ended: the job
    /// is to clean up and return.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.why == Why::Cut
    }
}

impl fmt::Display for SyncWaitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.why {
            Why::Asynchronous => {
                "`sync_wait` was called outside of the jobs of `thread`: in asynchronous code it would keep \
                 the runtime from ever going on, use `.await` there"
            }
            Why::NoJob => {
                "`sync_wait` was called on a thread that runs no job, so that there is no runtime to wait \
                 on: use `sync_wait_on`"
            }
            Why::Cut => "the pool of threads was shut down, and its time is over",
        })
    }
}

impl std::error::Error for SyncWaitError {}
