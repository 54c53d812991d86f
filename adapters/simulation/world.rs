use std::collections::BTreeMap;
use std::mem;
use std::sync::Arc;
use std::task::Waker;
use std::time::{Duration, SystemTime};

use super::builder::Settings;
use super::chance::Chance;
use super::guests::Guests;
use super::jobs::Job;
use super::net::Tables;
use super::shared::is_driver;
use super::step::{Due, Key, Ready};
use super::task::Task;
use super::trace::{Event, Trace, What};
use super::wait::Wait;

/// All of the simulated world, under one lock. Nothing of the user's is called or dropped while it
/// is held: wakers are collected here, and woken afterwards.
pub(super) struct World {
    pub(super) settings: Settings,
    /// Nanoseconds since the start.
    pub(super) now: u64,
    /// What the calendar showed, or would have, at the start.
    pub(super) wall_start: SystemTime,
    pub(super) tasks: BTreeMap<u64, Arc<Task>>,
    pub(super) net: Tables,
    pub(super) net_chance: Chance,
    pub(super) seeds: Chance,
    pub(super) trace: Trace,
    pub(super) ended: bool,
    /// To be woken, and to be dropped, when the lock is free again.
    pub(super) wakes: Vec<Waker>,
    pub(super) trash: Vec<Waker>,
    /// The future of the thread that drives; it, or nobody.
    pub(super) root: Option<u64>,
    /// Whether the driving thread sleeps.
    pub(super) parked: bool,
    /// What other threads block on.
    pub(super) guests: Guests,
    /// The blocking jobs that wait.
    pub(super) jobs: BTreeMap<u64, Arc<Job>>,
    /// The task that is polled, and what it has begun to wait for.
    pub(super) current: Option<u64>,
    pub(super) waits: Vec<Wait>,
    pub(super) agenda: BTreeMap<Key, Due>,
    pub(super) ready: Vec<Ready>,
    next_key: u64,
    next_task: u64,
    next_job: u64,
    pub(super) order: Chance,
    /// Polls since the clock moved.
    pub(super) polls: u64,
}

impl World {
    pub(super) fn new(settings: Settings) -> Self {
        let mut chance = Chance::new(settings.seed);
        Self {
            now: 0,
            wall_start: settings.wall_start,
            tasks: BTreeMap::new(),
            net: Tables::new(),
            order: chance.split(),
            net_chance: chance.split(),
            seeds: chance.split(),
            trace: Trace::default(),
            ended: false,
            wakes: Vec::new(),
            trash: Vec::new(),
            root: None,
            parked: false,
            guests: Guests::default(),
            jobs: BTreeMap::new(),
            current: None,
            waits: Vec::new(),
            agenda: BTreeMap::new(),
            ready: Vec::new(),
            next_key: 0,
            next_task: 0,
            next_job: 0,
            polls: 0,
            settings,
        }
    }

    /// Whether there is anything to do.
    pub(super) fn has_work(&self) -> bool {
        !self.ready.is_empty() || !self.agenda.is_empty()
    }

    pub(super) fn new_task(
        &mut self,
        make: impl FnOnce(u64, (Option<u64>, u64)) -> Arc<Task>,
    ) -> Arc<Task> {
        self.next_task += 1;
        let task = make(self.next_task, (self.current, self.now));
        self.record(|| What::Spawn {
            id: task.id,
            name: Arc::clone(&task.name),
        });
        task
    }

    pub(super) fn next_job_id(&mut self) -> u64 {
        self.next_job += 1;
        self.next_job
    }

    /// A job begins to wait; not after the end.
    pub(super) fn keep_job(&mut self, job: &Arc<Job>) -> bool {
        if !self.ended {
            self.jobs.insert(job.id(), Arc::clone(job));
        }
        !self.ended
    }

    pub(super) fn make_ready(&mut self, ready: Ready) {
        if !self.ended {
            self.ready.push(ready);
        }
    }

    /// Plans something for a moment that is not in the past.
    pub(super) fn plan(&mut self, at: u64, due: Due) -> Key {
        self.next_key += 1;
        let key = (at.max(self.now), self.next_key);
        self.agenda.insert(key, due);
        key
    }

    pub(super) fn planned(&mut self, key: Key) -> Option<&mut Due> {
        self.agenda.get_mut(&key)
    }

    pub(super) fn cancel(&mut self, key: Key) -> Option<Due> {
        self.agenda.remove(&key)
    }

    /// Keeps what the current task waits for, for reports. The last four are enough of them.
    pub(super) fn waits_for(&mut self, wait: impl FnOnce() -> Wait) {
        if self.current.is_none() || !is_driver() {
            return;
        }
        let wait = wait();
        if !self.waits.contains(&wait) {
            if self.waits.len() == 4 {
                self.waits.remove(0);
            }
            self.waits.push(wait);
        }
    }

    /// Adds to the trace, if there is one.
    pub(super) fn record(&mut self, what: impl FnOnce() -> What) {
        if self.settings.trace > 0 {
            let event = Event::new(self.now, self.current, what());
            self.trace.push(event, self.settings.trace);
        }
    }

    pub(super) fn wall_now(&self) -> SystemTime {
        self.wall_start + Duration::from_nanos(self.now)
    }

    /// Gives up everything; what is returned is dropped without the lock.
    pub(super) fn end(&mut self) -> impl Sized + use<> {
        self.ended = true;
        // Handles keep tasks, but not their futures.
        let take = |task: &Arc<Task>| {
            task.end();
            task.take()
        };
        let futures: Vec<_> = self.tasks.values().filter_map(take).collect();
        for job in mem::take(&mut self.jobs).into_values() {
            job.let_go();
        }
        (
            futures,
            mem::take(&mut self.tasks),
            mem::take(&mut self.ready),
            mem::take(&mut self.agenda),
            mem::replace(&mut self.net, Tables::new()),
        )
    }

    /// The driver has stopped in the middle of a poll, by a panic, or at its end.
    pub(super) fn leave(&mut self, root: &Task) {
        self.current = None;
        self.waits.clear();
        self.root = None;
        self.tasks.remove(&root.id);
    }
}
