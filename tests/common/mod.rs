//! What several test programs share.

#![allow(dead_code, reason = "each test program uses a part of it")]
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails at that place"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use aiomisc::runtime::Runtime;

/// Raises the soft limit on open files to the hard one, for tests with thousands of sockets.
pub fn raise_descriptor_limit() {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard).unwrap();
}

/// The descriptors of this process, with what they are open on; `None` where the system does not
/// tell.
pub fn descriptors() -> Option<Vec<String>> {
    let mut open: Vec<String> = std::fs::read_dir("/proc/self/fd")
        .ok()?
        .flatten()
        .filter_map(|entry| {
            let target = std::fs::read_link(entry.path()).ok()?;
            // The directory that is read here, which is closed again.
            let text = target.display().to_string();
            (!text.starts_with("/proc/")).then_some(text)
        })
        .collect();
    open.sort();
    Some(open)
}

/// Runs the test's body on a thread of its own and fails if it takes longer than this.
pub fn limited(limit: Duration, body: impl FnOnce() + Send + 'static) {
    let (send, ended) = mpsc::channel();
    let thread = thread::spawn(move || {
        body();
        send.send(()).unwrap();
    });
    match ended.recv_timeout(limit) {
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("not done after {limit:?}: it hangs"),
        Ok(()) | Err(mpsc::RecvTimeoutError::Disconnected) => {
            if let Err(payload) = thread.join() {
                std::panic::resume_unwind(payload);
            }
        }
    }
}

/// The limit of tests that have no reason for another one.
pub const LIMIT: Duration = Duration::from_secs(60);

/// A runtime that a thread of the test drives all the time, until this is dropped.
pub struct DrivenElsewhere {
    pub runtime: Runtime,
    stop: Arc<event_listener::Event>,
    stopped: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<()>>,
}

impl DrivenElsewhere {
    pub fn new(runtime: impl Into<Runtime>) -> Self {
        let runtime = runtime.into();
        let (stop, stopped) = (
            Arc::new(event_listener::Event::new()),
            Arc::new(AtomicBool::new(false)),
        );
        let (driven, event, flag) = (runtime.clone(), Arc::clone(&stop), Arc::clone(&stopped));
        let (send, began) = mpsc::channel();
        let thread = thread::spawn(move || {
            driven.block_on(async {
                send.send(()).unwrap();
                loop {
                    let asked = event.listen();
                    if flag.load(Ordering::SeqCst) {
                        return;
                    }
                    asked.await;
                }
            });
        });
        began.recv().unwrap();
        Self {
            runtime,
            stop,
            stopped,
            thread: Some(thread),
        }
    }
}

impl Drop for DrivenElsewhere {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::SeqCst);
        self.stop.notify(usize::MAX);
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

/// Counts how many of its clones are alive.
#[derive(Clone, Default)]
pub struct Alive(Arc<AtomicUsize>);

/// Something alive.
pub struct Life(Arc<AtomicUsize>);

impl Alive {
    pub fn one(&self) -> Life {
        self.0.fetch_add(1, Ordering::SeqCst);
        Life(Arc::clone(&self.0))
    }

    pub fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Lets the other tasks run once.
pub async fn yield_now() {
    let mut yielded = false;
    std::future::poll_fn(|cx| {
        if std::mem::replace(&mut yielded, true) {
            return std::task::Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
}
