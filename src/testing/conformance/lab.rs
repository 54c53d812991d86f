//! What the checks are made with.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::path::PathBuf;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

use event_listener::{Event, Listener as _};

use super::Capability;
use crate::error::{Chain, panic_text};
use crate::runtime::{Backend, Runtime, Sleep, park_until};

/// One check of the suite.
pub(super) struct Check {
    /// The line of the contract.
    pub(super) line: &'static str,
    /// The situation that it looks at.
    pub(super) name: &'static str,
    pub(super) needs: &'static [Capability],
    /// Why it says nothing about a simulation.
    pub(super) real: Option<&'static str>,
    pub(super) run: fn(&Lab) -> Result,
}

impl Check {
    /// Leaves it out for [simulations](super::Subject::simulated), for this reason.
    pub(super) const fn unless_simulated(mut self, why: &'static str) -> Self {
        self.real = Some(why);
        self
    }
}

pub(super) const fn check(
    line: &'static str,
    name: &'static str,
    needs: &'static [Capability],
    run: fn(&Lab) -> Result,
) -> Check {
    Check {
        line,
        name,
        needs,
        real: None,
        run,
    }
}

pub(super) type Result<T = ()> = std::result::Result<T, Failed>;

/// Why a check did not pass.
#[derive(Debug)]
pub(super) enum Failed {
    Broken(String),
    Skipped(String),
}

impl Failed {
    #[track_caller]
    pub(super) fn broken(text: impl fmt::Display) -> Self {
        let at = Location::caller();
        let file = at.file().rsplit(['/', '\\']).next().unwrap_or_default();
        Self::Broken(format!("{text} ({file}:{})", at.line()))
    }

    pub(super) fn skipped(text: impl fmt::Display) -> Self {
        Self::Skipped(text.to_string())
    }
}

impl<E: std::error::Error + 'static> From<E> for Failed {
    #[track_caller]
    fn from(error: E) -> Self {
        Self::broken(format_args!("unexpected error: {}", Chain(&error)))
    }
}

/// Fails the check with this text unless the condition holds.
macro_rules! ensure {
    ($holds:expr, $($text:tt)+) => {
        if !$holds {
            return Err($crate::testing::conformance::lab::Failed::broken(format_args!($($text)+)));
        }
    };
}
pub(super) use ensure;

/// The adapter under test, with what was said about it.
#[derive(Clone)]
pub(super) struct Lab {
    pub(super) runtime: Runtime,
    pub(super) beside: Option<Runtime>,
    pub(super) disposable: Option<Arc<dyn Fn() -> Runtime + Send + Sync>>,
    pub(super) directory: PathBuf,
}

impl Lab {
    pub(super) fn backend(&self) -> &Arc<dyn Backend> {
        self.runtime.backend()
    }

    /// Blocks on the runtime until the future is ready.
    pub(super) fn run<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }

    /// Polls the future on a plain thread, in no runtime's context, while this thread blocks on the
    /// runtime, so that one that must be driven is.
    pub(super) fn outside<T: Send + 'static>(
        &self,
        future: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        self.run(on_thread(move || parked(future)))?
    }

    /// Polls the future inside the other runtime, while this thread blocks on ours. What it makes
    /// there is given back, to be used when the other one no longer runs.
    pub(super) fn inside_other<T: Send + 'static>(
        &self,
        future: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        let Some(other) = self.beside.clone() else {
            let text = "no other runtime was given (`Subject::beside`)";
            return Err(Failed::skipped(text));
        };
        self.run(on_thread(move || other.block_on(future)))?
    }

    /// A runtime that the check may end.
    pub(super) fn disposable(&self) -> Result<Runtime> {
        match &self.disposable {
            Some(make) => Ok(make()),
            None => {
                let text = "no way to make runtimes was given (`Subject::disposable`)";
                Err(Failed::skipped(text))
            }
        }
    }

    /// A path for a socket, which no other check uses.
    pub(super) fn path(&self) -> PathBuf {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        // Somebody may tidy the directory of temporary files; if it cannot be made, the check says so.
        let _ = std::fs::create_dir_all(&self.directory);
        self.directory.join(format!("{number}.sock"))
    }

    /// A number that is another one in each run.
    pub(super) fn chance(&self) -> Chance {
        Chance::new(self.backend().seed())
    }
}

/// Blocks this thread, which is in no runtime, until the future is ready.
pub(super) fn parked<T>(future: impl Future<Output = Result<T>>) -> Result<T> {
    let mut output = None;
    park_until(pin!(async { output = Some(future.await) }));
    output.ok_or_else(|| Failed::broken("the future did not end"))?
}

/// Runs a closure on a plain thread and waits for what it gives.
pub(super) fn on_thread<T: Send + 'static>(
    f: impl FnOnce() -> T + Send + 'static,
) -> impl Future<Output = Result<T>> + Send {
    let (slot, done) = (Arc::new(Mutex::new(None)), Tally::new());
    let (there, ended) = (Arc::clone(&slot), done.clone());
    let started = thread::Builder::new()
        .name("conformance, plain".to_owned())
        .spawn(move || {
            let outcome = catch_unwind(AssertUnwindSafe(f));
            *there.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
            ended.add();
        });
    async move {
        started?;
        done.reach(1).await;
        let outcome = slot.lock().unwrap_or_else(PoisonError::into_inner).take();
        match outcome {
            Some(Ok(value)) => Ok(value),
            Some(Err(payload)) => {
                let text = panic_text(&*payload);
                Err(Failed::broken(format_args!("it panicked: {text}")))
            }
            None => Err(Failed::broken("the thread gave nothing")),
        }
    }
}

/// Counts what happens, and lets others wait for it.
#[derive(Clone)]
pub(super) struct Tally(Arc<(AtomicUsize, Event)>);

impl Tally {
    pub(super) fn new() -> Self {
        Self(Arc::new((AtomicUsize::new(0), Event::new())))
    }

    pub(super) fn add(&self) {
        self.0.0.fetch_add(1, Ordering::SeqCst);
        self.0.1.notify(usize::MAX);
    }

    pub(super) fn get(&self) -> usize {
        self.0.0.load(Ordering::SeqCst)
    }

    pub(super) async fn reach(&self, count: usize) {
        loop {
            let added = self.0.1.listen();
            if self.get() >= count {
                return;
            }
            added.await;
        }
    }

    /// Blocks this thread until it is reached.
    pub(super) fn reach_here(&self, count: usize) {
        loop {
            let added = self.0.1.listen();
            if self.get() >= count {
                return;
            }
            added.wait();
        }
    }

    /// Counts the drop of what is returned.
    pub(super) fn guard(&self) -> Guard {
        Guard(self.clone())
    }

    /// Counts the calls of what is returned.
    pub(super) fn waker(&self) -> Waker {
        Arc::new(Guarded(self.clone())).into()
    }
}

pub(super) struct Guard(Tally);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.add();
    }
}

struct Guarded(Tally);

impl Wake for Guarded {
    fn wake(self: Arc<Self>) {
        self.0.add();
    }
}

/// Polls once.
pub(super) fn poll<F: Future + ?Sized>(future: Pin<&mut F>, waker: &Waker) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(waker))
}

/// A sleep of this length that waits, with this waker. On a busy machine it may be over before it is
/// looked at for the first time; a longer one is tried then.
pub(super) fn waiting(
    backend: &dyn Backend,
    length: Duration,
    waker: &Waker,
) -> Result<Pin<Box<dyn Sleep>>> {
    for doubled in 0..7 {
        let mut sleep = backend.sleep(length * (1 << doubled));
        if poll(sleep.as_mut(), waker).is_pending() {
            return Ok(sleep);
        }
    }
    let text = format_args!("{length:?} and longer waits were over at once");
    Err(Failed::broken(text))
}

/// Lets others run.
pub(super) async fn yield_now() {
    let mut yielded = false;
    std::future::poll_fn(|cx| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Numbers that look like chance; xorshift64.
pub(super) struct Chance {
    pub(super) seed: u64,
    state: u64,
}

impl Chance {
    fn new(seed: u64) -> Self {
        Self {
            seed,
            state: seed | 1,
        }
    }

    pub(super) fn below(&mut self, bound: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        usize::try_from(self.state >> 33).unwrap_or(0) % bound.max(1)
    }
}

/// Any port of this machine.
pub(super) fn any_port() -> SocketAddr {
    (crate::testing::localhost(), 0).into()
}

/// Whether the error says that the process may open no more descriptors.
pub(super) fn too_many_files(error: &io::Error) -> bool {
    // EMFILE and ENFILE, by the numbers that all Unix systems share.
    matches!(error.raw_os_error(), Some(24 | 23))
}

pub(super) const fn millis(ms: u64) -> Duration {
    Duration::from_millis(ms)
}
