use std::collections::VecDeque;
use std::sync::Arc;
use std::task::Waker;

use super::job::{Place, Work};

/// More places than these of jobs that nobody wants any more are cleared away at once.
const KEPT: usize = 64;

/// The jobs that wait: so many in the queue, and behind it, in line, those that wait for a place there.
#[derive(Default)]
pub(super) struct Queue {
    queue: Lane,
    line: Lane,
    limit: usize,
}

/// Jobs in the order of their coming. A job whose caller has gone keeps its place until that is reached,
/// or cleared away.
#[derive(Default)]
struct Lane {
    jobs: VecDeque<Arc<dyn Work>>,
    /// How many of them still wait.
    waiting: usize,
}

impl Queue {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            ..Self::default()
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.queue.waiting >= self.limit || self.line.waiting > 0
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn push(&mut self, work: Arc<dyn Work>) {
        let (lane, place) = if self.is_full() {
            (&mut self.line, Place::Line)
        } else {
            (&mut self.queue, Place::Queue)
        };
        if work.move_to(place).is_some() {
            lane.push(work);
        }
    }

    /// A job that is taken at once, also where nothing is to wait.
    pub(super) fn push_for_the_one_who_looks(&mut self, work: Arc<dyn Work>) {
        if work.move_to(Place::Queue).is_some() {
            self.queue.push(work);
        }
    }

    /// Takes the first one. `told` gets those who are to hear that their job stands in the queue now.
    pub(super) fn pop(&mut self, told: &mut Vec<Waker>) -> Option<Arc<dyn Work>> {
        let first = self
            .queue
            .pop(Place::None, told)
            .or_else(|| self.line.pop(Place::None, told));
        self.refill(told);
        first
    }

    /// The caller of one has gone.
    pub(super) fn one_has_left(&mut self, place: Place, told: &mut Vec<Waker>) {
        match place {
            Place::None => return,
            Place::Queue => self.queue.one_has_left(),
            Place::Line => self.line.one_has_left(),
        }
        self.refill(told);
    }

    /// Takes all. `told` gets those who wait for a place: it has changed.
    pub(super) fn drain(&mut self, told: &mut Vec<Waker>) -> Vec<Arc<dyn Work>> {
        let mut all = self.queue.drain(told);
        all.append(&mut self.line.drain(told));
        all
    }

    /// How many wait, in the queue and behind it.
    pub(super) fn len(&self) -> usize {
        self.queue.waiting + self.line.waiting
    }

    fn refill(&mut self, told: &mut Vec<Waker>) {
        while self.queue.waiting < self.limit
            && let Some(work) = self.line.pop(Place::Queue, told)
        {
            self.queue.push(work);
        }
    }
}

impl Lane {
    fn push(&mut self, work: Arc<dyn Work>) {
        self.jobs.push_back(work);
        self.waiting += 1;
    }

    fn pop(&mut self, to: Place, told: &mut Vec<Waker>) -> Option<Arc<dyn Work>> {
        while let Some(work) = self.jobs.pop_front() {
            // One that waits no more has been counted off, or will be by whoever gave it up.
            if let Some(waker) = work.move_to(to) {
                self.waiting -= 1;
                told.extend(waker);
                return Some(work);
            }
        }
        None
    }

    fn drain(&mut self, told: &mut Vec<Waker>) -> Vec<Arc<dyn Work>> {
        let mut all = Vec::new();
        while let Some(work) = self.pop(Place::None, told) {
            all.push(work);
        }
        all
    }

    fn one_has_left(&mut self) {
        self.waiting -= 1;
        if self.jobs.len() > KEPT && self.jobs.len() / 2 > self.waiting {
            self.jobs.retain(|work| work.is_waiting());
        }
    }
}
