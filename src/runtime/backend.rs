//! The port: what an executor has to give. The numbered lines are the contract; the conformance
//! suite (`testing::conformance`) checks them and names them in its messages.

use std::any::Any;
use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime};

use futures_core::future::BoxFuture;

use super::id::RuntimeId;
use super::net::Net;

/// Runs futures.
///
/// The core wraps every future before it is handed over: the wrapper catches panics, keeps the
/// result, and sets the task's scope for the length of each poll. An adapter only has to poll it.
///
/// # Contract
///
/// - **S1** `spawn` may be called from any thread, inside or outside of the runtime, also while a
///   task is polled. It does not block and does not poll the future before it returns.
/// - **S2** The future is polled until it is ready, by whatever thread the runtime likes, one at a
///   time. A wake is never lost, from whichever thread it comes, also during a poll.
/// - **S3** Dropping the handle detaches the task: it goes on.
/// - **S4** `abort` drops the future soon, at the latest when the poll that is under way returns,
///   and without another poll. It may be called from any thread, also by the task itself, more
///   than once, and after the end.
/// - **S5** A future that is ready or aborted is dropped at once, not when its handle is.
/// - **S6** The future never panics, neither in `poll` nor in `drop`: adapters need no guard.
/// - **S7** When the runtime ends, the futures left are dropped. `spawn` on a runtime that has
///   ended drops the future; it neither panics nor blocks.
/// - **S8** `enter` calls its argument exactly once, before it returns, in a state in which code
///   written for this executor finds it.
/// - **S9** A task is spawned with a [`Placement`]; a runtime with one thread ignores it.
pub trait Spawn: Send + Sync + 'static {
    /// Takes a future over and runs it to its end. `name` is for reports and tracing.
    fn spawn(
        &self,
        name: &str,
        placement: Placement,
        future: BoxFuture<'static, ()>,
    ) -> Box<dyn TaskHandle>;

    /// Calls `f` in the executor's own context, for libraries that look for one.
    fn enter(&self, f: &mut dyn FnMut()) {
        f();
    }
}

/// Holds on to a task that was spawned; see [`Spawn`], S3 to S5.
pub trait TaskHandle: Send + Sync {
    /// Asks for the future to be dropped.
    fn abort(&self);
}

/// Says where a task should run if the runtime has several threads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Placement {
    /// On the thread of the task that spawns it, where their exchange is cheapest.
    #[default]
    Here,
    /// On whichever thread comes next: for independent work such as connections.
    Spread,
}

/// Measures time and waits.
///
/// # Contract
///
/// - **T1** `sleep` may be called on any thread, inside or outside of the runtime; so may the polls
///   of what it returns.
/// - **T2** The wait is counted from the call, not from the first poll, on the clock of `now`, and
///   is never shorter than asked for.
/// - **T3** The waker of the last poll is woken, once.
/// - **T4** `reset` starts a new wait from now, whether the old one has ended or not; what was
///   registered for the old one does not end the new one. Whoever resets it polls it again.
/// - **T5** Dropping a sleep frees its timer and wakes nobody.
/// - **T6** Any duration is allowed: zero is ready on the first or second poll, `Duration::MAX`
///   never.
/// - **T7** `now` never goes back. `wall_now` may jump.
/// - **T8** Once the runtime has ended, polling a sleep of it may panic with a text that says so.
pub trait Timer: Send + Sync + 'static {
    /// Starts a wait of this length.
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>>;

    /// The moment it is on the monotonic clock of this runtime.
    fn now(&self) -> Instant;

    /// The moment it is by the calendar. Default: the system's clock.
    #[allow(
        clippy::disallowed_methods,
        reason = "this is the default of the port's wall clock"
    )]
    fn wall_now(&self) -> SystemTime {
        SystemTime::now()
    }
}

/// A wait under way; ready when its time has come. See [`Timer`], T2 to T6.
pub trait Sleep: Future<Output = ()> + Send + Sync {
    /// Starts anew, with this length from now.
    fn reset(self: Pin<&mut Self>, duration: Duration);
}

/// A job that may block its thread.
pub type BlockingJob = Box<dyn FnOnce() + Send + 'static>;

/// Says that a runtime has ended; see [`Backend::wait_in_job`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "backends make it")]
pub struct Ended;

/// A place for what upper layers keep for one runtime; see [`Backend::keep`].
#[derive(Debug, Default)]
pub struct Keep(OnceLock<Arc<dyn Any + Send + Sync>>);

impl Keep {
    /// What is kept, which is made at the first call. It has one type for each place.
    pub(crate) fn get_or_make<T: Any + Send + Sync>(
        &self,
        make: impl FnOnce() -> Arc<T>,
    ) -> Arc<T> {
        let kept = Arc::clone(self.0.get_or_init(|| make()));
        kept.downcast()
            .unwrap_or_else(|_| unreachable!("one type is kept"))
    }
}

/// All that the library needs of an executor.
///
/// `impl Backend for X {}` is written by hand, since a blanket implementation could not be
/// overridden. The methods are hooks that a real executor leaves as they are.
///
/// # Contract
///
/// - **B1** `run_blocking` does not block its caller. It runs the job on a thread where blocking
///   is allowed, or drops it. The job never panics.
/// - **B2** `run_separate` is the same on a thread that is made for the job; the job is dropped when
///   there can be none, and the answer says why.
/// - **B3** `wait_in_job` is called on the threads of such jobs alone. It returns when the future is
///   ready, or when the runtime has ended. The future never panics.
pub trait Backend: Spawn + Timer + Net + fmt::Debug {
    /// What it is called in logs and reports.
    fn name(&self) -> &str;

    /// What tells the runtime from others, where several backends may be made for one runtime. Default: none,
    /// and each backend is a runtime of its own.
    fn id(&self) -> Option<RuntimeId> {
        None
    }

    /// Runs a job that may block. Default: the process-wide pool of the `blocking` crate.
    #[allow(
        clippy::disallowed_methods,
        reason = "this is the default of the port's hook"
    )]
    fn run_blocking(&self, name: &str, job: BlockingJob) {
        let _ = name;
        blocking::unblock(job).detach();
    }

    /// Runs a job that may block for a long time on a thread of its own, which has this name. Default: a
    /// thread of the system.
    ///
    /// # Errors
    ///
    /// What the system says when there can be no more threads.
    fn run_separate(&self, name: &str, job: BlockingJob) -> io::Result<()> {
        // A name with a zero in it would be a panic.
        let name = name.replace('\0', "");
        std::thread::Builder::new().name(name).spawn(job).map(drop)
    }

    /// Blocks the calling thread, which runs a job of this runtime, until a future is ready. Default:
    /// the thread sleeps between polls.
    ///
    /// # Errors
    ///
    /// [`Ended`] when the runtime has ended and can tell; jobs then clean up and return.
    fn wait_in_job(&self, future: Pin<&mut (dyn Future<Output = ()> + '_)>) -> Result<(), Ended> {
        super::park_until(future);
        Ok(())
    }

    /// Hears that a thread which runs several jobs, one after another, goes on to the next one. Default:
    /// nothing happens; the simulation lets others run in between.
    ///
    /// # Errors
    ///
    /// [`Ended`] when the runtime has ended and can tell: the job does not run.
    fn next_job(&self, name: &str) -> Result<(), Ended> {
        let _ = name;
        Ok(())
    }

    /// A place for what upper layers keep for this runtime alone. Default: none, and what they keep is
    /// shared by the runtimes of the process; a simulation has one, so that no other disturbs it.
    fn keep(&self) -> Option<&Keep> {
        None
    }

    /// The seed of everything that is left to chance. Default: the system's.
    fn seed(&self) -> u64 {
        use std::hash::{BuildHasher, RandomState};
        RandomState::new().hash_one(0_u8)
    }

    /// Hears what the task that is being polled waits for, where the runtime cannot know it by
    /// itself: a key of a [`Context`](crate::Context). Default: nothing happens; the simulation names
    /// it when nothing goes on any more.
    fn waits_for(&self, what: &dyn fmt::Display) {
        let _ = what;
    }
}

/// Drives a runtime on the calling thread until a future is ready.
///
/// It stands apart from [`Backend`], because a runtime may well be driven by somebody else.
/// Implement it for one that makes no progress unless a thread of yours drives it, and hand it to
/// [`Runtime::with_driver`](super::Runtime::with_driver).
///
/// # Contract
///
/// - **V1** `block_on` returns when the future is ready, whichever thread wakes it. The tasks of the
///   runtime go on meanwhile.
/// - **V2** Several threads may block on one runtime at the same time, and one returns while others
///   go on.
/// - **V3** A panic of the future goes through to the caller; the runtime stays usable, and its tasks
///   are driven as before.
pub trait Drive: Send + Sync + 'static {
    /// Blocks the calling thread until the future is ready.
    fn block_on(&self, future: Pin<&mut (dyn Future<Output = ()> + '_)>);
}
