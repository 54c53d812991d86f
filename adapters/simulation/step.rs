use std::mem;
use std::sync::{Arc, PoisonError};
use std::task::Waker;

use super::jobs::{Job, NewJob};
use super::net::{Network, Token};
use super::task::Task;
use super::trace::What;
use super::world::World;

/// A moment, and a number that keeps those of one moment in order.
pub(super) type Key = (u64, u64);

/// What happens at a moment.
pub(super) enum Due {
    Wake(Waker),
    Arrival(Token),
    Script(Script),
}

pub(super) type Script = Box<dyn FnOnce(&Network) + Send>;

pub(super) enum Ready {
    Task(Arc<Task>),
    Job(NewJob),
    /// A job that has waited goes on.
    Resume(Arc<Job>),
}

/// What the driver does next.
pub(super) enum Step {
    Poll(Arc<Task>),
    /// Polls the future that the driving thread blocks on.
    PollRoot,
    Job(NewJob),
    Resume(Arc<Job>),
    Script(Script),
    /// Something has arrived; its wakes are in the world.
    Again,
    /// Nothing is ready and nothing will be.
    Idle,
    /// Too many polls at one moment.
    Livelock,
}

impl World {
    /// Finishes the step before, and picks the next one.
    pub(super) fn step(&mut self, polled: Option<(Arc<Task>, bool)>) -> Step {
        if let Some((task, ended)) = polled {
            self.after_poll(&task, ended);
        }
        if self
            .agenda
            .first_key_value()
            .is_some_and(|(key, _)| key.0 <= self.now)
        {
            return self.next_due();
        }
        while !self.ready.is_empty() {
            let index = self.order.below(self.ready.len());
            match self.ready.swap_remove(index) {
                Ready::Job(job) => {
                    self.record(|| What::Job {
                        name: Arc::clone(&job.name),
                    });
                    return Step::Job(job);
                }
                Ready::Resume(job) => return self.resume(job),
                Ready::Task(task) if task.is_done() => {}
                Ready::Task(task) => return self.begin_poll(task),
            }
        }
        let Some((&(at, _), _)) = self.agenda.first_key_value() else {
            return Step::Idle;
        };
        self.now = at;
        self.polls = 0;
        self.next_due()
    }

    pub(super) fn begin_poll(&mut self, task: Arc<Task>) -> Step {
        self.polls += 1;
        if self.polls > self.settings.poll_limit {
            self.polls = 0;
            self.make_ready(Ready::Task(task));
            return Step::Livelock;
        }
        self.current = Some(task.id);
        self.record(|| What::Poll {
            name: Arc::clone(&task.name),
        });
        if self.root == Some(task.id) {
            return Step::PollRoot;
        }
        Step::Poll(task)
    }

    fn resume(&mut self, job: Arc<Job>) -> Step {
        self.polls += 1;
        if self.polls > self.settings.poll_limit {
            self.polls = 0;
            self.make_ready(Ready::Resume(job));
            return Step::Livelock;
        }
        self.jobs.remove(&job.id());
        self.record(|| What::Job { name: job.name() });
        Step::Resume(job)
    }

    fn after_poll(&mut self, task: &Arc<Task>, ended: bool) {
        if ended {
            self.tasks.remove(&task.id);
            self.record(|| What::End {
                name: Arc::clone(&task.name),
                aborted: task.is_aborted(),
            });
            self.waits.clear();
        } else {
            let mut before = task.waits.lock().unwrap_or_else(PoisonError::into_inner);
            mem::swap(&mut *before, &mut self.waits);
            self.waits.clear();
        }
        self.current = None;
    }

    fn next_due(&mut self) -> Step {
        let Some((_, due)) = self.agenda.pop_first() else {
            return Step::Again;
        };
        match due {
            Due::Wake(waker) => {
                self.record(|| What::Timer);
                self.wakes.push(waker);
            }
            Due::Arrival(token) => self.arrive(token),
            Due::Script(script) => {
                self.record(|| What::Script);
                return Step::Script(script);
            }
        }
        Step::Again
    }
}

/// Puts a waker in its place, unless it is there already; the one before goes to the trash.
pub(super) fn park(place: &mut Option<Waker>, waker: &Waker, trash: &mut Vec<Waker>) {
    if !place.as_ref().is_some_and(|old| old.will_wake(waker)) {
        trash.extend(place.replace(waker.clone()));
    }
}
