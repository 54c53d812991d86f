//! Jobs on threads (rows D1, D2, D4, D5 and D11 of the parity table).
#![cfg(all(
    unix,
    feature = "macros",
    feature = "testing",
    any(feature = "smol", feature = "tokio")
))]
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails at that place"
)]

#[path = "thread/hostile.rs"]
mod hostile;
#[path = "thread/pool.rs"]
mod pool;
#[path = "thread/process.rs"]
mod process;
#[path = "thread/separate.rs"]
mod separate;
#[path = "shared/mod.rs"]
mod shared;
#[path = "thread/shutdown.rs"]
mod shutdown;
#[path = "thread/stress.rs"]
mod stress;
#[path = "thread/sync_wait.rs"]
mod sync_wait;

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aiomisc::thread::{Job, JobError, ThreadPool, sync_wait};
use futures::channel::oneshot;

/// Lets others run until this has come true.
async fn until(what: impl Fn() -> bool) {
    while !what() {
        aiomisc::time::sleep(Duration::from_micros(10)).await;
    }
}

/// A job that runs until it is released.
struct Held {
    begun: Arc<AtomicBool>,
    release: Mutex<Option<oneshot::Sender<()>>>,
    job: Option<Job<()>>,
}

impl Held {
    fn on(pool: &ThreadPool) -> Self {
        Self::with(|run| pool.run_as("held", run))
    }

    fn with(run: impl FnOnce(Box<dyn FnOnce() + Send>) -> Job<()>) -> Self {
        let begun = Arc::new(AtomicBool::new(false));
        let (release, released) = oneshot::channel();
        let job = {
            let begun = Arc::clone(&begun);
            run(Box::new(move || {
                begun.store(true, Ordering::SeqCst);
                // Dropped or sent, either is fine; and so is the end of the pool.
                let _ = sync_wait(released);
            }))
        };
        Self {
            begun,
            release: Mutex::new(Some(release)),
            job: Some(job),
        }
    }

    fn has_begun(&self) -> bool {
        self.begun.load(Ordering::SeqCst)
    }

    async fn begun(&self) {
        until(|| self.has_begun()).await;
    }

    fn release(&self) {
        if let Some(release) = self.release.lock().unwrap().take() {
            let _ = release.send(());
        }
    }

    /// Drops the caller's side.
    fn forget_job(&mut self) {
        self.job = None;
    }

    async fn end(mut self) -> Result<(), JobError> {
        self.release();
        self.job.take().expect("nobody has forgotten it").await
    }
}
