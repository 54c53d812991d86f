//! Starts services together, those first that others need, and decides whether the start has
//! succeeded.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use event_listener::Event;

use super::dependencies::Pending;
use super::{Entrypoint, Failures, lock};
use crate::dependency::{DependencyError, Unmet};
use crate::flag::{listening, wake_all};
use crate::future::{Either, race};
use crate::service::{Launch, NotReady, OnLaunch, ServiceCell, ServiceState, StopKind};

impl Entrypoint {
    /// Starts the services of the beginning; when that fails, the program stops.
    pub(super) async fn start_first(&self) -> bool {
        let cells = self.cells().clone();
        let failures = &self.shared.failures;
        if start_between_signals(self, &cells, failures).await {
            self.shared.running.set();
            return true;
        }
        if let Some(kind) = why(failures) {
            self.close(kind);
        }
        false
    }
}

/// Calls the receivers of PRE_START, starts the services, and calls those of POST_START; whether all
/// of that went well.
pub(super) async fn start_between_signals(
    entrypoint: &Entrypoint,
    cells: &[Arc<ServiceCell>],
    failures: &Arc<Failures>,
) -> bool {
    entrypoint.call_pre_start(cells, failures).await
        && start(entrypoint, cells, failures).await
        && entrypoint.call_post_start(cells, failures).await
}

/// Why a start did not go well; nothing if it was only stopped.
pub(super) fn why(failures: &Failures) -> Option<StopKind> {
    match failures.not_started() {
        Some(service) => Some(StopKind::Failed { service }),
        None => failures
            .receiver_failed()
            .map(|signal| StopKind::Receiver { signal }),
    }
}

/// Starts these services and waits until all have started (true; the stop may have begun since). When
/// one fails, or the stop begins before that, the rest is left to the stop, and this is false. What
/// failed is added to the failures.
async fn start(
    entrypoint: &Entrypoint,
    cells: &[Arc<ServiceCell>],
    failures: &Arc<Failures>,
) -> bool {
    let gate = Arc::new(Gate::new(cells));
    let decided: Arc<OnLaunch> = {
        let (gate, failures) = (Arc::clone(&gate), Arc::clone(failures));
        Arc::new(move |cell, launch| {
            match launch {
                Launch::Started => gate.has_its_turn_behind(cell),
                Launch::Abandoned => {
                    gate.abandoned.store(true, Ordering::Release);
                    gate.has_its_turn_behind(cell);
                }
                Launch::Failed(error) => {
                    error.log();
                    failures.add(error);
                    gate.failed.store(true, Ordering::Release);
                }
            }
            gate.one_decided();
        })
    };
    let mut starting = Starting::new(entrypoint, cells, decided);
    loop {
        let changed = gate.changed.listen();
        listening();
        starting.launch_those_due(&gate);
        if gate.left.load(Ordering::Acquire) == 0
            || gate.failed.load(Ordering::Acquire)
            || entrypoint.is_closing()
        {
            break;
        }
        let left = starting.time_left();
        let changed = race(changed, entrypoint.closing());
        let changed = race(changed, starting.pending.next());
        let changed = match left {
            Some(left) => match race(changed, entrypoint.runtime().sleep(left)).await {
                Either::First(changed) => changed,
                Either::Second(()) => {
                    starting.give_up_overdue();
                    continue;
                }
            },
            // One waits for what it needs; or it is decided this very moment, and the notification is on its
            // way; or given up by a stop.
            None => changed.await,
        };
        if let Either::Second(over) = changed {
            for (place, met) in over {
                starting.needs_met(place, met);
            }
        }
    }
    gate.is_passed(entrypoint)
}

/// What the services of one group tell of their starts.
struct Gate {
    /// How many are not decided yet.
    left: AtomicUsize,
    failed: AtomicBool,
    /// Whether one was stopped before its start was decided.
    abandoned: AtomicBool,
    /// Whether a service waits for another one.
    ordered: bool,
    /// The places of those that have started, or were stopped before that, where somebody may wait for
    /// them. What needs one that was stopped was stopped as well, and is not launched.
    turn_over: Mutex<Vec<usize>>,
    changed: Event,
}

impl Gate {
    fn new(cells: &[Arc<ServiceCell>]) -> Self {
        Self {
            left: AtomicUsize::new(cells.len()),
            failed: AtomicBool::new(false),
            abandoned: AtomicBool::new(false),
            ordered: cells.iter().any(|cell| !cell.needs().is_empty()),
            turn_over: Mutex::default(),
            changed: Event::new(),
        }
    }

    /// Whether all have started, but for those that somebody stopped one by one meanwhile.
    fn is_passed(&self, entrypoint: &Entrypoint) -> bool {
        let stopped = self.abandoned.load(Ordering::Acquire) && entrypoint.is_closing();
        self.left.load(Ordering::Acquire) == 0 && !self.failed.load(Ordering::Acquire) && !stopped
    }

    fn has_its_turn_behind(&self, cell: &ServiceCell) {
        if self.ordered {
            lock(&self.turn_over).push(cell.place());
        }
    }

    fn one_decided(&self) {
        let last = self.left.fetch_sub(1, Ordering::AcqRel) == 1;
        if last || self.ordered || self.failed.load(Ordering::Acquire) {
            wake_all(&self.changed);
        }
    }
}

/// The side that launches, and gives up what takes too long.
struct Starting<'a> {
    entrypoint: &'a Entrypoint,
    cells: &'a [Arc<ServiceCell>],
    decided: Arc<OnLaunch>,
    /// The places of those that may start now.
    due: Vec<usize>,
    /// Those that wait for dependencies.
    pending: Pending,
    /// For each place: how many of its needs have not started yet, and who needs it.
    missing: Vec<usize>,
    needed_by: Vec<Vec<usize>>,
    /// When the time of those that were launched is over.
    limits: BinaryHeap<Reverse<(Instant, usize)>>,
}

impl<'a> Starting<'a> {
    fn new(
        entrypoint: &'a Entrypoint,
        cells: &'a [Arc<ServiceCell>],
        decided: Arc<OnLaunch>,
    ) -> Self {
        let mut missing = vec![0; cells.len()];
        let mut needed_by = Vec::new();
        let mut pending = Pending::default();
        for cell in cells {
            if pending.add(entrypoint, cell) {
                missing[cell.place()] += 1;
            }
            for need in cell.needs() {
                let in_group = cells
                    .get(need.place())
                    .is_some_and(|c| Arc::ptr_eq(c, need));
                if in_group {
                    needed_by.resize_with(cells.len(), Vec::new);
                    needed_by[need.place()].push(cell.place());
                    missing[cell.place()] += 1;
                }
            }
        }
        let due = (0..cells.len()).filter(|place| missing[*place] == 0);
        Self {
            entrypoint,
            cells,
            decided,
            due: due.collect(),
            pending,
            missing,
            needed_by,
            limits: BinaryHeap::with_capacity(cells.len()),
        }
    }

    fn launch_those_due(&mut self, gate: &Gate) {
        let turn_over = std::mem::take(&mut *lock(&gate.turn_over));
        for place in turn_over {
            let waiting = self.needed_by.get(place).map_or(&[][..], Vec::as_slice);
            for waiting in waiting {
                one_less(*waiting, &mut self.missing, &mut self.due);
            }
        }
        if self.due.is_empty() || gate.failed.load(Ordering::Acquire) {
            return;
        }
        let now = self.entrypoint.runtime().now();
        for place in self.due.drain(..) {
            let cell = &self.cells[place];
            let over = now.checked_add(cell.options().start_limit);
            // A limit beyond what the clock can show is none.
            self.limits.extend(over.map(|over| Reverse((over, place))));
            cell.set_order();
            cell.life()
                .launch(self.entrypoint, Arc::clone(&self.decided), now);
        }
    }

    /// The dependencies of a service are there, or not to be had.
    fn needs_met(&mut self, place: usize, met: Result<(), DependencyError>) {
        match met {
            Ok(()) => one_less(place, &mut self.missing, &mut self.due),
            Err(error) => {
                let life = self.cells[place].life();
                life.refuse(Unmet(error), &self.decided);
            }
        }
    }

    /// How long until the next limit of one that still starts.
    fn time_left(&mut self) -> Option<Duration> {
        while let Some(Reverse((over, place))) = self.limits.peek() {
            if self.cells[*place].state() == ServiceState::Starting {
                let now = self.entrypoint.runtime().now();
                return Some(over.saturating_duration_since(now));
            }
            self.limits.pop();
        }
        None
    }

    fn give_up_overdue(&mut self) {
        let now = self.entrypoint.runtime().now();
        while let Some(Reverse((over, place))) = self.limits.peek()
            && *over <= now
        {
            let cell = &self.cells[*place];
            cell.life().give_up(NotReady(cell.options().start_limit));
            self.limits.pop();
        }
    }
}

/// The service at this place waits for one thing less.
fn one_less(place: usize, missing: &mut [usize], due: &mut Vec<usize>) {
    missing[place] -= 1;
    if missing[place] == 0 {
        due.push(place);
    }
}
