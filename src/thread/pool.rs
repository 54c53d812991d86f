use std::any::type_name;
use std::borrow::Cow;
use std::fmt;
use std::future::poll_fn;
use std::panic::Location;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::builder::{InvalidPool, ThreadPoolBuilder};
use super::error::{Cause, JobError};
use super::gate::Gate;
use super::job::Job;
use crate::future::{Either, race};
use crate::runtime::{Name, Origin, Runtime, Scope, TaskInfo};

/// So many of the jobs left are named one by one; of more, only the number is given.
const NAMED: usize = 20;

static INSTALLED: OnceLock<ThreadPool> = OnceLock::new();

/// The pool of a process that has no other.
static OF_PROCESS: OnceLock<ThreadPool> = OnceLock::new();

/// Runs jobs that block on so many threads at most. A handle: cloning it is cheap.
///
/// The threads are those of the runtime, which has them grow on demand and shrink when they are idle
/// (the crate `blocking`, with 500 for the whole process, or `BLOCKING_MAX_THREADS`); the pool lets its
/// own number of jobs through.
///
/// An entrypoint has one, of [`pool_size`](crate::entrypoint::EntrypointBuilder::pool_size), which
/// [`run`](super::run) and `#[threaded]` use inside of it.
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use aiomisc::thread::ThreadPool;
///
/// let disk = ThreadPool::builder().name("disk").size(2).build()?;
/// # aiomisc::run(async move {
/// let text = disk.run(|| std::fs::read_to_string("/etc/hostname")).await;
/// disk.shutdown(true).await;
/// # let _ = text; }, [])?;
/// # }
/// # Ok::<(), aiomisc::BoxError>(())
/// ```
///
/// # What holds
///
/// - Jobs are handed to the threads in the order in which they were submitted.
/// - A job whose caller has gone before it began never runs, and its place is free at once.
/// - A panic is its caller's error, and costs no thread.
/// - A job that waits for another job of the same pool may wait for ever, when all of its threads do so:
///   use a pool of its own for the others, or [`run_separate`](super::run_separate).
/// - Runtimes may share a pool. A simulation that finds all of its threads taken by others waits for what is
///   outside of it, and has to be told so (`SimulationBuilder::outside_wakes`).
#[derive(Clone)]
pub struct ThreadPool {
    gate: Arc<Gate>,
}

impl ThreadPool {
    /// Makes a pool of this size, with the defaults of [`builder`](Self::builder).
    ///
    /// # Errors
    ///
    /// [`InvalidPool`] if the size is 0 or above 10 000.
    pub fn new(size: usize) -> Result<Self, InvalidPool> {
        Self::builder().size(size).build()
    }

    /// Begins a pool; the builder has the table of the options.
    pub fn builder() -> ThreadPoolBuilder {
        ThreadPoolBuilder::new()
    }

    /// The pool that [`run`](super::run) uses here: that of the entrypoint that the task belongs to, else
    /// the one [installed](Self::install_default), else one of the process of the default size. (A
    /// simulation has one of its own in its place.)
    #[must_use]
    pub fn current() -> Self {
        let of_scope = Scope::with_current(|scope| scope.slots().pool.clone()).flatten();
        if let Some(gate) = of_scope.and_then(|pool| pool.downcast().ok()) {
            return Self { gate };
        }
        if let Some(pool) = INSTALLED.get() {
            return pool.clone();
        }
        if let Ok(runtime) = Runtime::current()
            && let Some(keep) = runtime.backend().keep()
        {
            let gate = keep.get_or_make(|| Self::builder().build_valid().gate);
            return Self { gate };
        }
        OF_PROCESS
            .get_or_init(|| Self::builder().build_valid())
            .clone()
    }

    /// Makes this the pool that is used outside of entrypoints, for the whole process.
    ///
    /// # Errors
    ///
    /// Gives the pool back when one was installed before: the choice is made once.
    pub fn install_default(self) -> Result<(), Self> {
        INSTALLED.set(self)
    }

    /// Runs a closure that may block on one of the threads. It is submitted by this call; the [`Job`]
    /// gives its result.
    ///
    /// When the queue is full, the job stands in line for a place in it, or is refused, as
    /// [`Overflow`](super::Overflow) says.
    ///
    /// # Errors
    ///
    /// The job's are given when it is awaited: [`JobError`].
    ///
    /// # Cost
    ///
    /// An allocation, and a hand-over between threads, some 20 µs, unless a thread is busy with other jobs
    /// of the pool.
    #[track_caller]
    pub fn run<T, F>(&self, job: F) -> Job<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.run_named(Name::Given(Cow::Borrowed(type_name::<F>())), job)
    }

    /// As [`run`](Self::run), with a name for reports.
    #[track_caller]
    pub fn run_as<T, F>(&self, name: impl Into<Cow<'static, str>>, job: F) -> Job<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.run_named(Name::Given(name.into()), job)
    }

    /// As [`run`](Self::run), and waits until the job stands in the queue: for jobs whose results nobody
    /// waits for, but that are not to pile up.
    ///
    /// # Errors
    ///
    /// [`JobError`] if it was refused.
    ///
    /// # Cancel safety
    ///
    /// A job whose submission is dropped does not run, unless it has begun.
    #[track_caller]
    pub fn submit<T, F>(
        &self,
        job: F,
    ) -> impl Future<Output = Result<Job<T>, JobError>> + Send + use<T, F>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let job = self.run(job);
        async move {
            poll_fn(|cx| job.poll_accepted(cx)).await?;
            Ok(job)
        }
    }

    /// Takes no more jobs, and with `wait` waits until those that it has are done, for as long as the
    /// option `shutdown_timeout` says. Then, or at once without `wait`, those that have not begun are given
    /// up; those that run go on by themselves, since nothing can end a thread from outside, but
    /// [`sync_wait`](super::sync_wait) and iterators of theirs end with an error.
    ///
    /// # Errors
    ///
    /// [`LeftOver`] with the jobs that were given up or still ran after the time. With `wait` they are
    /// named in the log as well.
    ///
    /// # Cancel safety
    ///
    /// The pool stays closed when the wait is dropped, and its jobs go on; another call waits for them.
    pub async fn shutdown(&self, wait: bool) -> Result<(), LeftOver> {
        let limit = if wait {
            self.gate.limits().shutdown
        } else {
            Duration::ZERO
        };
        self.shutdown_until(|runtime| runtime.sleep(limit), limit)
            .await
    }

    /// As `shutdown`, until this is ready, or until the limit that it is about.
    pub(crate) async fn shutdown_until<F: Future>(
        &self,
        until: impl FnOnce(&Runtime) -> F,
        limit: Duration,
    ) -> Result<(), LeftOver> {
        let gate = &self.gate;
        gate.close();
        if let Ok(runtime) = Runtime::current()
            && !limit.is_zero()
            && let Either::First(()) = race(gate.over(), until(&runtime)).await
        {
            return Ok(());
        }
        let left = self.cut_off(limit);
        if let Err(left) = &left
            && !limit.is_zero()
        {
            left.log();
        }
        left
    }

    /// Gives up what the pool has, since the time for that, if there was any, is over.
    pub(crate) fn cut_off(&self, limit: Duration) -> Result<(), LeftOver> {
        self.gate.close();
        let jobs = self.gate.cut_off();
        if jobs.is_empty() {
            return Ok(());
        }
        Err(LeftOver {
            pool: self.name().to_owned(),
            limit,
            jobs,
        })
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &str {
        self.gate.name()
    }

    /// On how many threads jobs run at the same time, at most.
    #[must_use]
    pub fn size(&self) -> usize {
        self.gate.limits().size.get()
    }

    /// How many of the threads are taken now. One is given back a moment after the end of its last job.
    #[must_use]
    pub fn running(&self) -> usize {
        self.gate.counts().0
    }

    /// How many jobs wait now, in the queue and in line behind it.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.gate.counts().1
    }

    /// Whether the pool was shut down.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.gate.is_closed()
    }

    #[track_caller]
    pub(crate) fn run_named<T, F>(&self, name: Name, job: F) -> Job<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let origin = Origin {
            name,
            location: Location::caller(),
        };
        let runtime = match Runtime::current() {
            Ok(runtime) => runtime,
            Err(error) => return Job::failed(&self.gate, origin, Cause::NoRuntime(error)),
        };
        let (job, work) = Job::new(&self.gate, &runtime, origin, job);
        if let Err(cause) = self.gate.submit(&work, &runtime) {
            work.refuse(cause);
        }
        job
    }

    pub(super) fn with_gate(gate: Gate) -> Self {
        Self {
            gate: Arc::new(gate),
        }
    }

    pub(super) fn gate(&self) -> &Arc<Gate> {
        &self.gate
    }

    /// For the slot of a scope.
    pub(crate) fn into_slot(self) -> Arc<dyn std::any::Any + Send + Sync> {
        self.gate
    }
}

impl fmt::Debug for ThreadPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (running, waiting) = self.gate.counts();
        f.debug_struct("ThreadPool")
            .field("name", &self.name())
            .field("size", &self.size())
            .field("running", &running)
            .field("waiting", &waiting)
            .field("closed", &self.is_closed())
            .finish()
    }
}

/// Says that a pool was shut down and jobs were left: given up, or still running.
#[derive(Clone, Debug)]
pub struct LeftOver {
    pool: String,
    limit: Duration,
    jobs: Vec<TaskInfo>,
}

impl LeftOver {
    /// The jobs, those that still run first, with the places where they were submitted.
    #[must_use]
    pub fn jobs(&self) -> &[TaskInfo] {
        &self.jobs
    }

    pub(crate) fn log(&self) {
        let (pool, limit) = (&self.pool, self.limit);
        for TaskInfo {
            name, spawned_at, ..
        } in self.jobs.iter().take(NAMED)
        {
            tracing::warn!(%pool, job = %name, submitted_at = %spawned_at, "left after {limit:.1?}");
        }
        if self.jobs.len() > NAMED {
            let (count, named) = (self.jobs.len(), NAMED);
            tracing::warn!(%pool, count, named, "more jobs were left after {limit:.1?}");
        }
    }
}

impl fmt::Display for LeftOver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (pool, count) = (&self.pool, self.jobs.len());
        write!(
            f,
            "the pool `{pool}` was shut down, and after {:.1?} {count} of its jobs were left: ",
            self.limit
        )?;
        for (number, job) in self.jobs.iter().take(NAMED).enumerate() {
            let comma = if number > 0 { ", " } else { "" };
            write!(f, "{comma}`{}` (submitted at {})", job.name, job.spawned_at)?;
        }
        if count > NAMED {
            write!(f, ", and {} more", count - NAMED)?;
        }
        Ok(())
    }
}

impl std::error::Error for LeftOver {}
