//! The machine with its lock, the clock, chance and figures around it.

use std::fmt::Display;
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use super::error::{BreakerError, CircuitBroken, text_of};
use super::feed::Feed;
use super::inspect::Inspect;
use super::machine::{Entry, Machine, Probe, Settings};
use super::state::{Change, Recovery, State};
use super::statistic::CircuitBreakerStatistic;
use crate::chance::Chance;
use crate::error::{end_of_panic, panic_text};
use crate::future::{Panic, catch_panic};
use crate::runtime::Runtime;
use crate::statistics::{Counter, Instance};

/// What the handles share.
///
/// While it passes, a call loads the gate and counts in the lane of its thread, and that is all: nobody's
/// memory is written to that another thread reads. One in many looks at the clock, so that those before it are
/// counted near their time.
pub(super) struct Core {
    /// The period and the state of the machine, which is asked for the rest.
    gate: AtomicU64,
    slow_call: Option<Duration>,
    growing: bool,
    machine: Mutex<Machine>,
    /// When successes are next to be counted at their time, in nanoseconds since the first look.
    due: AtomicU64,
    first_look: OnceLock<Instant>,
    figures: Instance<CircuitBreakerStatistic>,
    feed: Arc<Feed>,
}

/// So many successes of one thread are counted at their time, at the latest: a power of two.
const LOOK_EACH: u64 = 64;

const STATES: u64 = 0b11;
const PASSING: u64 = 0;
/// Passing, and there was no call yet: the first one tells since when successes are counted.
const NEW: u64 = 3;

impl Core {
    pub(super) fn new(settings: Settings, name: Option<Arc<str>>) -> Self {
        let figures = Instance::<CircuitBreakerStatistic>::new(name);
        figures.error_ratio_threshold.set(settings.error_ratio);
        Self {
            gate: AtomicU64::new(NEW),
            slow_call: settings.slow_call,
            growing: settings.recovery == Recovery::Growing,
            machine: Mutex::new(Machine::new(settings)),
            due: AtomicU64::new(0),
            first_look: OnceLock::new(),
            figures,
            feed: Arc::default(),
        }
    }

    pub(super) fn figures(&self) -> &Instance<CircuitBreakerStatistic> {
        &self.figures
    }

    pub(super) fn feed(&self) -> &Arc<Feed> {
        &self.feed
    }

    #[inline]
    pub(super) fn is_passing(&self) -> bool {
        // It protects nothing: a call that comes a moment too late is one that came a moment earlier.
        matches!(self.gate.load(Ordering::Relaxed) & STATES, PASSING | NEW)
    }

    /// Lets a call through, or not.
    #[inline]
    pub(super) fn enter(&self) -> Result<Passage<'_>, CircuitBroken> {
        match self.pass() {
            Some(entry) => {
                let began = self.slow_call.map(|_| current().now());
                Ok(Passage::new(self, entry, began))
            }
            None => self.enter_by_machine(),
        }
    }

    /// Lets a call through while it passes.
    #[inline]
    fn pass(&self) -> Option<Entry> {
        let gate = self.gate.load(Ordering::Relaxed);
        if gate & STATES != PASSING {
            return None;
        }
        Counter::add_one_to_each([&self.figures.call_count, &self.figures.call_passing]);
        let period = gate >> STATES.count_ones();
        Some(Entry::Passing { period })
    }

    /// As [`pass`](Self::pass), where the time of the call does not matter: it need not be held in a
    /// [`Passage`], which takes more than all the rest.
    #[inline]
    fn pass_untimed(&self) -> Option<Untimed<'_>> {
        let untimed = self.slow_call.is_none();
        let entry = untimed.then(|| self.pass()).flatten()?;
        Some(Untimed { core: self, entry })
    }

    #[cold]
    fn enter_by_machine(&self) -> Result<Passage<'_>, CircuitBroken> {
        let runtime = current();
        let now = runtime.now();
        let draw = self.draw(&runtime);
        let figures = &self.figures;
        figures.call_count.add_one();
        match self.change(now, |machine| machine.enter(now, draw)) {
            Ok(entry) => {
                let began = self.slow_call.map(|_| now);
                match entry {
                    Entry::Passing { .. } => figures.call_passing.add_one(),
                    Entry::Probe(_) => {
                        figures.call_recovering.add_one();
                        figures.call_recovering_ok.add_one();
                    }
                }
                Ok(Passage::new(self, entry, began))
            }
            Err(refused) => {
                if refused.state == State::Recovering {
                    figures.call_recovering.add_one();
                    figures.call_recovering_failed.add_one();
                } else {
                    figures.call_broken.add_one();
                }
                Err(CircuitBroken::new(refused))
            }
        }
    }

    /// Makes a call.
    #[inline]
    pub(super) fn call<T, E: Display>(
        &self,
        inspect: &impl Inspect<E>,
        operation: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, BreakerError<E>> {
        let Some(entered) = self.pass_untimed() else {
            return self.call_timed(inspect, operation);
        };
        let dropped = panicked;
        let running = Unended { entered, dropped };
        let result = operation();
        running.ended().settled(inspect, result)
    }

    #[inline(never)]
    fn call_timed<T, E: Display>(
        &self,
        inspect: &impl Inspect<E>,
        operation: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, BreakerError<E>> {
        let passage = self.enter()?;
        match catch_unwind(AssertUnwindSafe(operation)) {
            Ok(result) => passage.settled(inspect, result),
            Err(panic) => passage.panicked(panic),
        }
    }

    /// Makes a call that takes its time.
    pub(super) async fn call_async<T, E: Display>(
        &self,
        inspect: &impl Inspect<E>,
        operation: impl Future<Output = Result<T, E>>,
    ) -> Result<T, BreakerError<E>> {
        let Some(entered) = self.pass_untimed() else {
            let passage = self.enter()?;
            return match catch_panic(operation).await {
                Ok(result) => passage.settled(inspect, result),
                Err(panic) => passage.panicked(panic),
            };
        };
        let dropped = drop;
        let running = Unended { entered, dropped };
        match catch_panic(operation).await {
            Ok(result) => running.ended().settled(inspect, result),
            Err(panic) => running.ended().passage().panicked(panic),
        }
    }

    /// Looks at the machine as it is at this time, and changes it.
    pub(super) fn change<T>(&self, now: Instant, change: impl FnOnce(&mut Machine) -> T) -> T {
        let mut machine = self.machine.lock().unwrap_or_else(PoisonError::into_inner);
        let period = machine.period();
        machine.look(now, self.figures.success.total());
        let output = change(&mut machine);
        let begun = machine.period() != period;
        let gate = (machine.period() << STATES.count_ones()) | number(machine.state());
        self.gate.store(gate, Ordering::Relaxed);
        self.figures.error_ratio.set(machine.counts().error_ratio());
        if self.slow_call.is_some() {
            let first = self.first_look.get_or_init(|| now);
            let over = machine.window().part_over();
            let due = over.map_or(u64::MAX, |over| nanos(over, *first));
            self.due.store(due, Ordering::Relaxed);
        }
        let changes = machine.take_changes();
        changes.iter().for_each(|change| self.feed.add(*change));
        drop(machine);
        self.tell(&changes);
        if begun {
            // Also where the state is the same: how long it stays is another.
            self.feed.event.notify(usize::MAX);
        }
        output
    }

    /// As [`change`](Self::change), at this moment.
    pub(super) fn change_now<T>(&self, change: impl FnOnce(&mut Machine, Instant) -> T) -> T {
        let now = current().now();
        self.change(now, |machine| change(machine, now))
    }

    /// How many probes have a place.
    pub(super) fn probes(&self) -> usize {
        let machine = self.machine.lock().unwrap_or_else(PoisonError::into_inner);
        machine.probes()
    }

    fn draw(&self, runtime: &Runtime) -> f64 {
        if self.growing {
            Chance::of(runtime).share()
        } else {
            0.0
        }
    }

    /// No lock is held here: subscribers and wakers are foreign code.
    fn tell(&self, changes: &[Change]) {
        let name = self.figures.name();
        for Change { from, to, reason } in changes {
            if *to == State::Broken {
                self.figures.broken.add_one();
                tracing::warn!(breaker = name, %from, %reason, "the circuit is {to}");
            } else {
                tracing::info!(breaker = name, %from, %reason, "the circuit is {to}");
            }
        }
    }

    /// A success while it is passing, of which the time does not matter by itself.
    #[inline]
    fn success(&self) {
        let count = self.figures.success.add_one_here();
        if count.is_multiple_of(LOOK_EACH) {
            self.look();
        }
    }

    /// Counts what was not counted yet at its time.
    #[cold]
    fn look(&self) {
        // Without a runtime, on a thread of one's own, a later look does it.
        if let Ok(runtime) = Runtime::current() {
            self.change(runtime.now(), |_| ());
        }
    }

    #[cold]
    fn timed_success(&self, entry: Entry, began: Option<Instant>) {
        let now = current().now();
        if let Some(text) = self.too_slow(began, now) {
            self.figures.slow.add_one();
            return self.fail(entry, now, text);
        }
        match entry {
            Entry::Passing { .. } => {
                // Those before belong to the part of the window that is over.
                let first = self.first_look.get_or_init(|| now);
                if nanos(now, *first) >= self.due.load(Ordering::Relaxed) {
                    self.change(now, |_| ());
                }
                self.figures.success.add_one();
            }
            Entry::Probe(probe) => {
                // Before the look, so that it is not taken for one while it was passing.
                self.figures.success.add_one();
                self.change(now, |machine| machine.succeeded(probe, now));
                self.feed.event.notify(usize::MAX);
            }
        }
    }

    #[cold]
    fn failure(&self, entry: Entry, text: Arc<str>) {
        self.fail(entry, current().now(), text);
    }

    fn fail(&self, entry: Entry, now: Instant, text: Arc<str>) {
        self.figures.failure.add_one();
        self.change(now, |machine| machine.failed(entry, now, text));
        if matches!(entry, Entry::Probe(_)) {
            self.feed.event.notify(usize::MAX);
        }
    }

    /// Without a clock, since it is called when something is dropped.
    #[cold]
    fn neither(&self, entry: Entry) {
        self.figures.neither.add_one();
        if let Entry::Probe(probe) = entry {
            self.left(probe);
        }
    }

    fn left(&self, probe: Probe) {
        let mut machine = self.machine.lock().unwrap_or_else(PoisonError::into_inner);
        machine.left(probe);
        drop(machine);
        self.feed.event.notify(usize::MAX);
    }

    fn too_slow(&self, began: Option<Instant>, now: Instant) -> Option<Arc<str>> {
        let took = now.saturating_duration_since(began?);
        let limit = self.slow_call?;
        (took > limit).then(|| format!("it took {took:?}, which is longer than {limit:?}").into())
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        self.feed.end();
    }
}

/// A call that was let through. Dropped, it is neither a success nor a failure.
pub(super) struct Passage<'a> {
    core: &'a Core,
    entry: Entry,
    began: Option<Instant>,
    settled: bool,
}

impl<'a> Passage<'a> {
    #[inline]
    fn new(core: &'a Core, entry: Entry, began: Option<Instant>) -> Self {
        Self {
            core,
            entry,
            began,
            settled: false,
        }
    }

    #[inline]
    pub(super) fn success(mut self) {
        if self.began.is_none() && matches!(self.entry, Entry::Passing { .. }) {
            self.core.success();
        } else {
            self.core.timed_success(self.entry, self.began);
        }
        // Not before: without a runtime it panics, and gives its place back.
        self.settled = true;
    }

    /// It has failed, and this is what it says.
    #[cold]
    pub(super) fn failure(mut self, error: &dyn Display) {
        let text = catch_unwind(AssertUnwindSafe(|| text_of(error)));
        let text = text.unwrap_or_else(|panic| {
            end_of_panic(panic);
            "an error whose text is a panic".into()
        });
        self.core.failure(self.entry, text);
        self.settled = true;
    }

    /// It has ended with this error, be it a failure or not.
    #[cold]
    pub(super) fn error<E: Display>(mut self, inspect: &impl Inspect<E>, error: &E) {
        let fails = catch_unwind(AssertUnwindSafe(|| inspect.is_failure(error)));
        let fails = fails.unwrap_or_else(|panic| {
            let breaker = self.core.figures.name();
            let panic = end_of_panic(panic);
            tracing::error!(breaker, %panic, "`failure_if` has panicked: the error is a failure");
            true
        });
        if fails {
            return self.failure(error);
        }
        if self.began.is_some() {
            let now = current().now();
            if let Some(text) = self.core.too_slow(self.began, now) {
                self.core.figures.slow.add_one();
                self.core.fail(self.entry, now, text);
                self.settled = true;
            }
        }
    }

    #[inline]
    fn settled<T, E: Display>(
        self,
        inspect: &impl Inspect<E>,
        result: Result<T, E>,
    ) -> Result<T, BreakerError<E>> {
        match result {
            Ok(value) => {
                self.success();
                Ok(value)
            }
            Err(error) => {
                self.error(inspect, &error);
                Err(BreakerError::Failed(error))
            }
        }
    }

    #[cold]
    fn panicked(self, panic: Panic) -> ! {
        self.failure(&format_args!("a panic: {}", panic_text(&*panic)));
        resume_unwind(panic)
    }
}

impl Drop for Passage<'_> {
    #[inline]
    fn drop(&mut self) {
        if !self.settled {
            self.core.neither(self.entry);
        }
    }
}

/// A call that was let through while it passes, and whose time does not matter.
#[derive(Clone, Copy)]
struct Untimed<'a> {
    core: &'a Core,
    entry: Entry,
}

impl<'a> Untimed<'a> {
    #[inline]
    fn settled<T, E: Display>(
        self,
        inspect: &impl Inspect<E>,
        result: Result<T, E>,
    ) -> Result<T, BreakerError<E>> {
        match result {
            Ok(value) => {
                self.core.success();
                Ok(value)
            }
            Err(error) => {
                self.passage().error(inspect, &error);
                Err(BreakerError::Failed(error))
            }
        }
    }

    fn passage(self) -> Passage<'a> {
        Passage::new(self.core, self.entry, None)
    }
}

/// A call that has not ended: dropped before it has, it says so. A plain function is dropped by its panic, and only by
/// that, whose catching would cost as much as all the rest; a future is dropped by whoever has it.
struct Unended<'a> {
    entered: Untimed<'a>,
    dropped: fn(Passage<'a>),
}

impl<'a> Unended<'a> {
    #[inline]
    fn ended(self) -> Untimed<'a> {
        ManuallyDrop::new(self).entered
    }
}

impl Drop for Unended<'_> {
    #[cold]
    fn drop(&mut self) {
        (self.dropped)(self.entered.passage());
    }
}

#[cold]
fn panicked(passage: Passage<'_>) {
    // A second panic would end the process.
    if Runtime::current().is_ok() {
        passage.failure(&"a panic");
    }
}

fn number(state: State) -> u64 {
    match state {
        State::Passing => PASSING,
        State::Broken => 1,
        State::Recovering => 2,
    }
}

fn nanos(moment: Instant, since: Instant) -> u64 {
    let nanos = moment.saturating_duration_since(since).as_nanos();
    u64::try_from(nanos).unwrap_or(u64::MAX)
}

pub(super) fn current() -> Runtime {
    Runtime::current().unwrap_or_else(|error| panic!("{error}"))
}
