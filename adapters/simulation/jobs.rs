//! Blocking jobs in lock-step: each has a thread, and of these and the driver one goes on at a time.

use std::cell::RefCell;
use std::future::poll_fn;
use std::mem;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;

use super::shared::{Role, Shared};
use super::step::Ready;
use crate::runtime::{BlockingJob, Ended};

/// A job about to run: its name, and whether its thread is its own.
pub(super) struct NewJob {
    pub(super) name: Arc<str>,
    pub(super) separate: bool,
    pub(super) run: BlockingJob,
}

/// A job that runs, or waits in one of our primitives.
pub(super) struct Job {
    id: u64,
    name: Mutex<Arc<str>>,
    shared: Arc<Shared>,
    turn: Mutex<Turn>,
    changed: Condvar,
    /// Whether it is among what is ready, or goes on.
    queued: AtomicBool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// The job goes on, and the driver waits.
    Job,
    /// The driver goes on; the job waits.
    Driver,
    /// The job, or the simulation, has ended: nobody waits for anybody.
    Over,
}

thread_local! {
    /// The job that this thread runs.
    static JOB: RefCell<Option<Arc<Job>>> = const { RefCell::new(None) };
}

/// Runs a job until it ends, or waits.
pub(super) fn start(shared: &Arc<Shared>, new: NewJob) {
    let NewJob {
        name,
        separate,
        run,
    } = new;
    let id = shared.with(|world| world.next_job_id());
    let job = Arc::new(Job {
        id,
        name: Mutex::new(Arc::clone(&name)),
        shared: Arc::clone(shared),
        turn: Mutex::new(Turn::Job),
        changed: Condvar::new(),
        queued: AtomicBool::new(true),
    });
    // The last thing that goes, also when the job is dropped instead.
    let turn = EndOfTurn(Arc::clone(&job));
    let on_thread = move || {
        let _turn = turn;
        let _here = _turn.0.shared.enter(Role::Job);
        JOB.set(Some(Arc::clone(&_turn.0)));
        run();
        JOB.set(None);
    };
    let name = if separate {
        name.replace('\0', "")
    } else {
        "blocking".to_owned()
    };
    // A thread for each, since those that wait keep theirs: with the number of threads that the process
    // has for short jobs, the driver would wait for ever for one more. One that there is no thread for is
    // dropped, and tells its caller so.
    drop(thread::Builder::new().name(name).spawn(on_thread));
    job.driver_waits();
}

/// Blocks the thread of a job until the future is ready; the driver goes on meanwhile.
pub(super) fn wait(
    shared: &Arc<Shared>,
    mut future: Pin<&mut (dyn Future<Output = ()> + '_)>,
) -> Result<(), Ended> {
    let job = JOB.with_borrow(Clone::clone);
    let Some(job) = job.filter(|job| Arc::ptr_eq(&job.shared, shared)) else {
        // A thread from outside.
        shared.block_on(future);
        return Ok(());
    };
    let waker = Waker::from(Arc::clone(&job));
    let mut cx = Context::from_waker(&waker);
    loop {
        job.queued.store(false, Ordering::Release);
        if future.as_mut().poll(&mut cx).is_ready() {
            // A wake that comes now is for nothing.
            job.queued.store(true, Ordering::Release);
            return Ok(());
        }
        job.job_waits()?;
    }
}

/// A thread goes on to another job: others may come first.
pub(super) fn next(shared: &Arc<Shared>, name: &str) -> Result<(), Ended> {
    if let Some(job) = JOB.with_borrow(Clone::clone) {
        *lock(&job.name) = name.into();
    }
    let mut turned = false;
    let turn = pin!(poll_fn(|cx| {
        if mem::replace(&mut turned, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }));
    wait(shared, turn)
}

impl Job {
    pub(super) fn id(&self) -> u64 {
        self.id
    }

    pub(super) fn name(&self) -> Arc<str> {
        Arc::clone(&lock(&self.name))
    }

    /// Lets it go on until it ends, or waits again.
    pub(super) fn resume(&self) {
        let mut turn = lock(&self.turn);
        if *turn == Turn::Driver {
            *turn = Turn::Job;
            drop(turn);
            self.changed.notify_all();
            self.driver_waits();
        }
    }

    /// The end of the job, or of the simulation.
    pub(super) fn let_go(&self) {
        *lock(&self.turn) = Turn::Over;
        self.changed.notify_all();
    }

    fn driver_waits(&self) {
        self.until(|turn| turn != Turn::Job);
    }

    fn job_waits(self: &Arc<Self>) -> Result<(), Ended> {
        if !self.shared.lock().keep_job(self) {
            return Err(Ended);
        }
        self.give_turn();
        match self.until(|turn| turn != Turn::Driver) {
            Turn::Job => Ok(()),
            Turn::Driver | Turn::Over => Err(Ended),
        }
    }

    fn give_turn(&self) {
        let mut turn = lock(&self.turn);
        if *turn == Turn::Job {
            *turn = Turn::Driver;
        }
        drop(turn);
        self.changed.notify_all();
    }

    fn until(&self, come: impl Fn(Turn) -> bool) -> Turn {
        let mut turn = lock(&self.turn);
        while !come(*turn) {
            let changed = self.changed.wait(turn);
            turn = changed.unwrap_or_else(PoisonError::into_inner);
        }
        *turn
    }
}

impl Wake for Job {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.queued.swap(true, Ordering::AcqRel) {
            let ready = Ready::Resume(Arc::clone(self));
            self.shared.with(|world| world.make_ready(ready));
        }
    }
}

struct EndOfTurn(Arc<Job>);

impl Drop for EndOfTurn {
    fn drop(&mut self) {
        self.0.let_go();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
