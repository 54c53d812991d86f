//! What several test programs share.

#![allow(dead_code, reason = "each test program uses a part of it")]
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot go on fails at that place, and says on which runtime"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use aiomisc::runtime::Runtime;

/// Raises the soft limit on open files to the hard one, for tests with thousands of sockets.
pub(crate) fn raise_descriptor_limit() {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard).unwrap();
}

/// The descriptors of this process, with what they are open on; `None` where the system does not
/// tell.
pub(crate) fn descriptors() -> Option<Vec<String>> {
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
pub(crate) fn limited(limit: Duration, body: impl FnOnce() + Send + 'static) {
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

/// A path for a socket that no other test uses; nothing is there yet.
pub(crate) fn socket_path() -> std::path::PathBuf {
    let (file, path) = tempfile::Builder::new()
        .prefix("aiomisc-test-")
        .suffix(".sock")
        .tempfile()
        .and_then(|file| file.keep().map_err(|error| error.error))
        .expect("a name");
    drop(file);
    std::fs::remove_file(&path).expect("it is ours");
    path
}

/// The limit of tests that have no reason for another one.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// Makes a runtime for one test.
pub(crate) type Make = fn() -> Runtime;

/// Every kind of runtime of this build, by name.
pub(crate) const RUNTIMES: &[(&str, Make)] = &[
    #[cfg(feature = "smol")]
    ("smol", || aiomisc::adapters::Smol::new().into()),
    #[cfg(feature = "smol")]
    ("smol, three threads", || {
        aiomisc::adapters::Smol::with_threads(3).unwrap().into()
    }),
    #[cfg(feature = "tokio")]
    ("tokio, two threads", || {
        aiomisc::adapters::Tokio::multi_thread(2).unwrap().into()
    }),
    #[cfg(feature = "tokio")]
    ("tokio, current thread", || {
        aiomisc::adapters::Tokio::current_thread().unwrap().into()
    }),
];

/// The simulation, which waits for threads of the test.
const SIMULATION: &[(&str, Make)] = &[
    #[cfg(feature = "simulation")]
    ("simulation", || {
        let simulation = aiomisc::adapters::Simulation::builder();
        simulation.outside_wakes(true).build().into()
    }),
];

/// Every kind of runtime and the simulation, by name: for what needs no kernel.
pub(crate) fn every() -> impl Iterator<Item = &'static (&'static str, Make)> {
    RUNTIMES.iter().chain(SIMULATION)
}

/// Runs the test's body on every kind of runtime, each with a limit.
#[allow(
    clippy::print_stdout,
    reason = "a test that fails tells on which runtime"
)]
pub(crate) fn on_each(body: fn(Runtime)) {
    on_those(RUNTIMES.iter(), body);
}

/// Runs the test's body on every kind of runtime and on the simulation, each with a limit.
pub(crate) fn on_every(body: fn(Runtime)) {
    on_those(every(), body);
}

fn on_those(runtimes: impl Iterator<Item = &'static (&'static str, Make)>, body: fn(Runtime)) {
    for (name, make) in runtimes {
        println!("on {name}");
        limited(LIMIT, move || body(make()));
    }
}

/// A runtime that a thread of the test drives all the time, until this is dropped.
pub(crate) struct DrivenElsewhere {
    pub(crate) runtime: Runtime,
    stop: Arc<event_listener::Event>,
    stopped: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<()>>,
}

impl DrivenElsewhere {
    pub(crate) fn new(runtime: impl Into<Runtime>) -> Self {
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
pub(crate) struct Alive(Arc<AtomicUsize>);

/// Something alive.
pub(crate) struct Life(Arc<AtomicUsize>);

impl Alive {
    pub(crate) fn one(&self) -> Life {
        self.0.fetch_add(1, Ordering::SeqCst);
        Life(Arc::clone(&self.0))
    }

    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    /// Waits until so many are left; a limit of the test ends the wait.
    #[track_caller]
    pub(crate) fn reaches(&self, count: usize) {
        for _ in 0..20_000 {
            if self.count() == count {
                return;
            }
            thread::park_timeout(Duration::from_millis(1));
        }
        panic!("{} are alive, expected {count}", self.count());
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}
