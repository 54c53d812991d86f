//! What makes a pool of a size out of threads that others have.
//!
//! 1. At most `size` runners exist; each runs on a thread of its runtime and takes one job after another.
//! 2. A job waits only while `size` runners exist, or one of them looks for jobs. So a runner takes the next
//!    job before it retires, under the lock under which a job is put into the queue.
//! 3. A job runs on the runtime that it was submitted on. A runner that finds one of another runtime
//!    moves there.
//! 4. A job is taken out of the places it waits in once: by a runner, by the caller who leaves, or by the
//!    shutdown. Whoever changes the job's own state has it.
//! 5. No waker is called, and nothing of the user's runs or is dropped, under the lock.

use std::mem;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use event_listener::{Event, listener};

use super::error::Cause;
use super::job::{Place, Ran, Work, wake};
use super::queue::Queue;
use super::statistic::ThreadPoolStatistic;
use super::{Overflow, runner::Runner};
use crate::flag::{Flag, listening, wake_all};
use crate::runtime::{Kind, Runtime, TaskInfo};
use crate::statistics::Instance;

/// How often a runner without a job looks for one, letting other threads go first, before it retires.
const LOOKS: usize = 20;

pub(super) struct Gate {
    state: Mutex<State>,
    limits: Limits,
    name: Arc<str>,
    statistic: Instance<ThreadPoolStatistic>,
    /// Thrown when the time of the shutdown is over: jobs that wait in our primitives return.
    cut: Arc<Flag>,
    /// Whether there is something for the runner that looks; a hint.
    some: AtomicBool,
    /// The last job has ended, of a pool that is closed.
    over: Event,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) size: NonZeroUsize,
    pub(super) queue: usize,
    pub(super) overflow: Overflow,
    pub(super) shutdown: Duration,
}

struct State {
    queue: Queue,
    /// What each runner runs, by its place.
    running: Vec<Option<Arc<dyn Work>>>,
    /// The places that no runner has.
    free: Vec<usize>,
    /// Jobs on threads of their own that the pool waits for as well.
    attached: Vec<Arc<dyn Work>>,
    /// Whether a runner without a job looks for one.
    looks: bool,
    closed: bool,
}

impl Gate {
    pub(super) fn new(name: Arc<str>, limits: Limits) -> Self {
        let state = State {
            queue: Queue::new(limits.queue),
            running: Vec::new(),
            free: Vec::new(),
            attached: Vec::new(),
            looks: false,
            closed: false,
        };
        Self {
            state: Mutex::new(state),
            limits,
            statistic: ThreadPoolStatistic::new(Arc::clone(&name)),
            name,
            cut: Arc::default(),
            some: AtomicBool::new(false),
            over: Event::new(),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.limits
    }

    pub(super) fn cut(&self) -> &Arc<Flag> {
        &self.cut
    }

    /// Takes in a job of this runtime, or says why not.
    pub(super) fn submit(
        self: &Arc<Self>,
        work: &Arc<dyn Work>,
        here: &Runtime,
    ) -> Result<(), Cause> {
        let mut state = self.state();
        if state.closed {
            return Err(Cause::Closed);
        }
        // A simulation does not wait for what another runtime's thread does as soon as it has its turn.
        let may_wait = state.looks && state.queue.is_empty() && here.backend().keep().is_none();
        let runner = if may_wait {
            state.queue.push_for_the_one_who_looks(Arc::clone(work));
            self.some.store(true, Ordering::Release);
            None
        } else if state.runners() < self.limits.size.get() {
            Some(Runner::new(self, state.take_on(work), Arc::clone(work)))
        } else if state.queue.is_full() && self.limits.overflow == Overflow::Refuse {
            return Err(Cause::Refused(self.limits.queue));
        } else {
            state.queue.push(Arc::clone(work));
            None
        };
        drop(state);
        self.statistic.submitted.add_one();
        if let Some(runner) = runner {
            self.statistic.threads.add(1);
            runner.start();
        }
        Ok(())
    }

    /// Has the pool wait for a job that runs elsewhere.
    pub(super) fn attach(&self, work: &Arc<dyn Work>) -> Result<(), Cause> {
        let mut state = self.state();
        if state.closed {
            return Err(Cause::Closed);
        }
        state.attached.push(Arc::clone(work));
        Ok(())
    }

    pub(super) fn detach(&self, work: &Arc<dyn Work>) {
        let mut state = self.state();
        let same = |other: &Arc<dyn Work>| Arc::ptr_eq(other, work);
        let Some(place) = state.attached.iter().position(same) else {
            return;
        };
        let gone = state.attached.swap_remove(place);
        self.leave(state);
        drop(gone);
    }

    /// Runs a job on the calling thread.
    pub(super) fn run(&self, work: &dyn Work, here: &Runtime) -> Ran {
        let begun = here.now();
        let ran = work.run(here);
        let outcome = match ran {
            Ran::Returned => &self.statistic.success,
            Ran::Panicked => &self.statistic.error,
            Ran::Not | Ran::Elsewhere => return ran,
        };
        let took = here.now().saturating_duration_since(begun);
        self.statistic.sum_time.add(took);
        outcome.add_one();
        self.statistic.done.add_one();
        ran
    }

    /// The next job for the runner at this place, which otherwise retires. It looks for a short while when
    /// there is none: to wake a thread takes longer.
    pub(super) fn next(&self, place: usize, looks: bool) -> Option<Arc<dyn Work>> {
        let mut told = Vec::new();
        let mut state = self.state();
        let mut next = state.queue.pop(&mut told);
        if next.is_none() && looks && !state.looks && !state.closed {
            state.looks = true;
            self.some.store(false, Ordering::Release);
            drop(state);
            for _ in 0..LOOKS {
                if self.some.load(Ordering::Acquire) {
                    break;
                }
                thread::yield_now();
            }
            state = self.state();
            state.looks = false;
            next = state.queue.pop(&mut told);
        }
        let before = mem::replace(&mut state.running[place], next.clone());
        if next.is_none() {
            state.free.push(place);
            self.statistic.threads.add(-1);
        }
        self.leave(state);
        wake(told);
        drop(before);
        next
    }

    /// The caller of a job that waited there has gone.
    pub(super) fn one_has_left(&self, place: Place) {
        let mut told = Vec::new();
        let mut state = self.state();
        state.queue.one_has_left(place, &mut told);
        self.leave(state);
        wake(told);
    }

    /// A runtime has dropped a job: it has ended, and so have the others that wait for it.
    pub(super) fn refuse_those_of(&self, runtime: &Runtime) {
        let mut told = Vec::new();
        let mut state = self.state();
        let all = state.queue.drain(&mut told);
        let (theirs, others): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|work| work.waits_on(runtime));
        for work in others {
            state.queue.push(work);
        }
        self.leave(state);
        wake(told);
        for work in theirs {
            work.refuse(Cause::Ended);
        }
    }

    /// Takes no more jobs.
    pub(super) fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        self.leave(state);
    }

    /// Waits until the last job of a closed pool has ended.
    pub(super) async fn over(&self) {
        loop {
            listener!(self.over => over);
            listening();
            if self.state().is_over() {
                return;
            }
            over.await;
        }
    }

    /// Gives up the jobs that wait, and tells those that wait in our primitives to end. Gives what was
    /// left, those that run first.
    pub(super) fn cut_off(&self) -> Vec<TaskInfo> {
        let mut state = self.state();
        // The refusal tells them.
        let mut told = Vec::new();
        let waiting = state.queue.drain(&mut told);
        let begun = state.running.iter().flatten().chain(&state.attached);
        // A thread holds its job for a moment after the end of that.
        let begun: Vec<_> = begun.filter(|work| !work.is_over()).cloned().collect();
        self.leave(state);
        drop(told);
        let works = || begun.iter().chain(&waiting);
        let left = works().map(info).collect();
        // Those that have a thread and have not begun there are given up as well.
        for work in works() {
            work.refuse(Cause::Closed);
        }
        self.cut.set();
        left
    }

    /// How many jobs run, and how many wait.
    pub(super) fn counts(&self) -> (usize, usize) {
        let state = self.state();
        (state.runners(), state.queue.len())
    }

    pub(super) fn is_closed(&self) -> bool {
        self.state().closed
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the lock back after something has gone, and tells those who wait for the last one.
    fn leave(&self, state: MutexGuard<'_, State>) {
        let over = state.closed && state.is_over();
        drop(state);
        if over {
            wake_all(&self.over);
        }
    }
}

fn info(work: &Arc<dyn Work>) -> TaskInfo {
    TaskInfo::new(work.origin(), Kind::Job)
}

impl State {
    fn runners(&self) -> usize {
        self.running.len() - self.free.len()
    }

    fn is_over(&self) -> bool {
        self.runners() == 0 && self.queue.is_empty() && self.attached.is_empty()
    }

    /// Gives a new runner its place.
    fn take_on(&mut self, work: &Arc<dyn Work>) -> usize {
        let work = Some(Arc::clone(work));
        match self.free.pop() {
            Some(place) => {
                self.running[place] = work;
                place
            }
            None => {
                self.running.push(work);
                self.running.len() - 1
            }
        }
    }
}
