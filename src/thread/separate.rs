use std::any::type_name;
use std::borrow::Cow;
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::error::Cause;
use super::gate::Gate;
use super::job::{Job, Work};
use super::pool::ThreadPool;
use crate::runtime::{Name, Origin, Runtime};

/// Options of a job on a thread of its own: one that takes long, or has no end.
///
/// | option | what it sets | default |
/// |---|---|---|
/// | [`name`](Self::name) | what the thread is called, and the job in reports | the type of the closure |
/// | [`detach`](Self::detach) | whether nobody waits for it at the end of the program | `true` |
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use aiomisc::thread::Separate;
///
/// # aiomisc::run(async {
/// let sum = Separate::new().name("adder").run(|| (1..=10).sum::<u32>());
/// assert_eq!(sum.await.ok(), Some(55));
/// # }, []).expect("no service fails");
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing runs until `run`"]
pub struct Separate {
    name: Option<Cow<'static, str>>,
    detach: bool,
}

impl Default for Separate {
    fn default() -> Self {
        Self::new()
    }
}

impl Separate {
    /// The defaults.
    pub fn new() -> Self {
        Self {
            name: None,
            detach: true,
        }
    }

    /// Sets what the thread is called; systems show the first 15 bytes of it.
    pub fn name(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Sets whether the end of the program leaves the job alone. With `false` the entrypoint (or whoever
    /// shuts down the [pool](ThreadPool::current) that was current) waits for it as for the jobs of its
    /// pool, and names it when it is left.
    ///
    /// In either case a [`sync_wait`](super::sync_wait) of the job ends with an error once the pool was shut down and
    /// the time for that is over.
    pub fn detach(mut self, detach: bool) -> Self {
        self.detach = detach;
        self
    }

    /// Starts the thread, which ends with the closure.
    ///
    /// # Errors
    ///
    /// The job's are given when it is awaited; that there can be no more threads is one of them.
    ///
    /// # Cost
    ///
    /// That of a thread of the system, some 20 to 50 µs.
    #[track_caller]
    pub fn run<T, F>(self, job: F) -> Job<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let name = self.name.unwrap_or_else(|| Cow::Borrowed(type_name::<F>()));
        let origin = Origin {
            name: Name::Given(name),
            location: Location::caller(),
        };
        let pool = ThreadPool::current();
        let gate = pool.gate();
        let runtime = match Runtime::current() {
            Ok(runtime) => runtime,
            Err(error) => return Job::failed(gate, origin, Cause::NoRuntime(error)),
        };
        let (job, work) = Job::new(gate, &runtime, origin, job);
        if !self.detach
            && let Err(cause) = gate.attach(&work)
        {
            work.refuse(cause);
            return job;
        }
        let sure = Arc::new(AtomicBool::new(false));
        let thread = Thread {
            gate: Arc::clone(gate),
            work: Arc::clone(&work),
            attached: !self.detach,
            sure: Arc::clone(&sure),
        };
        let (name, here) = (work.origin().name.clone(), runtime.unowned());
        let run = Box::new(move || {
            // A thread of one job: how it went is for its caller alone.
            thread.work.run(&here);
        });
        match runtime.backend().run_separate(&name, run) {
            Err(error) => work.refuse(Cause::NoThread(error)),
            Ok(()) if sure.swap(true, Ordering::AcqRel) => work.refuse(Cause::Ended),
            Ok(()) => {}
        }
        job
    }
}

/// The thread of one job; when it goes, also without having run, the job is over.
struct Thread {
    gate: Arc<Gate>,
    work: Arc<dyn Work>,
    attached: bool,
    /// Thrown by the first of two: whoever asked for the thread and knows that there is one, and the end
    /// of this. The second one knows what became of a job that did not run.
    sure: Arc<AtomicBool>,
}

impl Drop for Thread {
    fn drop(&mut self) {
        if self.attached {
            self.gate.detach(&self.work);
        }
        if self.sure.swap(true, Ordering::AcqRel) {
            self.work.refuse(Cause::Ended);
        }
    }
}
