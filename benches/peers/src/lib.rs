//! Measuring code that the jobs share.
//!
//! A job is a binary, `src/bin/jNN_NAME.rs`. It sets up [`Contest`]s, in which ours and its peers take turns, and
//! prints every figure as a line on stdout:
//!
//! ```text
//! JOB IMPLEMENTATION VALUE UNIT                                   the median of its runs
//! JOB ours/IMPLEMENTATION RATIO ratio LOW..HIGH [BAR VERDICT]     the median of the ratios, its interval
//! ```
//!
//! The name of a job may be given on the command line: only the contests whose name contains it are run.
//! `PEERS_PAIRS` sets the number of rounds (default 7).

pub mod allocs;
pub mod contest;
pub mod floor;
pub mod process;
pub mod server;

pub use contest::{Bar, Contest, Metric};

use std::time::Instant;

/// Nanoseconds of wall time an operation; `f` does `ops` of them.
pub fn ns_per_op(ops: u64, f: impl FnOnce()) -> f64 {
    let begun = Instant::now();
    f();
    begun.elapsed().as_secs_f64() * 1e9 / ops as f64
}

pub fn tokio_ct() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
}

pub fn tokio_mt(workers: usize) -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers)
        .enable_all()
        .build()
        .expect("a runtime")
}

/// Runs a future as a task of a multi-threaded tokio runtime, not on the thread that blocks.
pub fn in_task<F>(runtime: &tokio::runtime::Runtime, future: F) -> F::Output
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    runtime
        .block_on(runtime.spawn(future))
        .expect("a task that does not panic")
}

/// A bare async-executor on this thread, driven as smol does it.
pub fn bare<F>(
    future: impl FnOnce(std::sync::Arc<async_executor::Executor<'static>>) -> F,
) -> F::Output
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    let executor = std::sync::Arc::new(async_executor::Executor::new());
    let task = executor.spawn(future(executor.clone()));
    async_io::block_on(executor.run(task))
}
