//! The states, and what leads from one to another: without a clock, a lock, or chance of its own.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::places::Places;
use super::state::{Change, Counts, Reason, Recovery, State};
use super::window::Window;

/// What does not change.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) error_ratio: f64,
    pub(super) response_time: Duration,
    pub(super) broken_time: Duration,
    pub(super) recovery_time: Duration,
    pub(super) passing_time: Duration,
    pub(super) minimum_calls: u64,
    pub(super) parts: usize,
    /// What share of the ratio is enough, passing and recovering.
    pub(super) passing_threshold: f64,
    pub(super) recovering_threshold: f64,
    pub(super) recovery: Recovery,
    pub(super) slow_call: Option<Duration>,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Machine {
    settings: Settings,
    phase: Phase,
    /// Grows with each change of the state: what began before it does not count after it.
    period: u64,
    window: Window,
    places: Places,
    last_error: Option<Arc<str>>,
    /// Those that nobody was told of yet.
    changes: Vec<Change>,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    Passing {
        /// It does not break within the passing time after this.
        recovered: Option<Instant>,
    },
    Broken {
        /// `None` for no end.
        until: Option<Instant>,
    },
    Recovering {
        since: Instant,
        successes: u32,
    },
}

/// What a call was let through with while it recovers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Probe {
    period: u64,
    /// Of its place, where there are such.
    ticket: Option<u64>,
}

/// How a call is let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    Passing { period: u64 },
    Probe(Probe),
}

/// Why it is not.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) state: State,
    pub(super) retry_after: Duration,
    pub(super) last_error: Option<Arc<str>>,
}

impl Machine {
    pub(super) fn new(settings: Settings) -> Self {
        let (places, limit) = match settings.recovery {
            Recovery::Growing => (0, Duration::ZERO),
            Recovery::Probes { at_once, limit, .. } => (at_once, limit),
        };
        Self {
            phase: Phase::Passing { recovered: None },
            period: 0,
            window: Window::new(settings.response_time, settings.parts),
            places: Places::new(usize::try_from(places).unwrap_or(usize::MAX), limit),
            last_error: None,
            changes: Vec::new(),
            settings,
        }
    }

    pub(super) fn state(&self) -> State {
        match self.phase {
            Phase::Passing { .. } => State::Passing,
            Phase::Broken { .. } => State::Broken,
            Phase::Recovering { .. } => State::Recovering,
        }
    }

    pub(super) fn period(&self) -> u64 {
        self.period
    }

    pub(super) fn window(&self) -> &Window {
        &self.window
    }

    pub(super) fn counts(&self) -> Counts {
        self.window.sum()
    }

    pub(super) fn last_error(&self) -> Option<Arc<str>> {
        self.last_error.clone()
    }

    pub(super) fn probes(&self) -> usize {
        self.places.taken()
    }

    /// The changes since this was asked last.
    pub(super) fn take_changes(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.changes)
    }

    /// Goes on to this time; `successes` is how many there ever were while it was passing.
    pub(super) fn look(&mut self, now: Instant, successes: u64) {
        if let Phase::Passing { .. } = self.phase {
            self.window.look(now, successes);
        } else {
            self.window.skip(now, successes);
        }
        if let Phase::Broken { until: Some(until) } = self.phase
            && now >= until
        {
            self.go(Reason::TimeOver, Phase::recovering(until));
        }
        if let Phase::Recovering { since, successes } = self.phase
            && successes > 0
            && self.settings.recovery == Recovery::Growing
            && let Some(over) = since.checked_add(self.settings.recovery_time)
            && now >= over
        {
            self.go_passing(Reason::Recovered, over);
        }
    }

    /// Lets a call through, or not; `draw` is a number by chance, from 0 to 1.
    pub(super) fn enter(&mut self, now: Instant, draw: f64) -> Result<Entry, Refused> {
        let period = self.period;
        let entry = match self.phase {
            Phase::Passing { .. } => Some(Entry::Passing { period }),
            Phase::Broken { .. } => None,
            Phase::Recovering { since, .. } => match self.settings.recovery {
                Recovery::Growing => {
                    let passes = 1.0 + draw < self.grown(now, since).exp2();
                    let ticket = None;
                    passes.then_some(Entry::Probe(Probe { period, ticket }))
                }
                Recovery::Probes { .. } => self.places.take(now).ok().map(|ticket| {
                    let ticket = Some(ticket);
                    Entry::Probe(Probe { period, ticket })
                }),
            },
        };
        entry.ok_or_else(|| Refused {
            state: self.state(),
            retry_after: self.retry_after(now),
            last_error: self.last_error(),
        })
    }

    /// A call has succeeded.
    pub(super) fn succeeded(&mut self, probe: Probe, now: Instant) {
        if !self.settles(probe) {
            return;
        }
        let Phase::Recovering { since, successes } = &mut self.phase else {
            return;
        };
        *successes = successes.saturating_add(1);
        let (since, successes) = (*since, *successes);
        self.window.add(false);
        let over = match self.settings.recovery {
            Recovery::Growing => self.grown(now, since) >= 1.0,
            Recovery::Probes {
                successes: enough, ..
            } => successes >= enough,
        };
        if over {
            self.go_passing(Reason::Recovered, now);
        }
    }

    /// A call has failed.
    pub(super) fn failed(&mut self, entry: Entry, now: Instant, error: Arc<str>) {
        let counts = match entry {
            Entry::Passing { period } => period == self.period,
            Entry::Probe(probe) => self.settles(probe),
        };
        if !counts {
            return;
        }
        self.window.add(true);
        self.last_error = Some(error);
        let settings = &self.settings;
        let (counts, ratio) = (self.window.sum(), self.window.sum().error_ratio());
        let breaks = match self.phase {
            Phase::Passing { recovered } => {
                let passed = |since| now.saturating_duration_since(since);
                recovered.is_none_or(|since| passed(since) >= settings.passing_time)
                    && counts.total() >= settings.minimum_calls
                    && ratio >= settings.passing_threshold * settings.error_ratio
            }
            Phase::Recovering { .. } => {
                ratio >= settings.recovering_threshold * settings.error_ratio
            }
            Phase::Broken { .. } => false,
        };
        if breaks {
            let until = now.checked_add(settings.broken_time);
            self.go(Reason::Failures, Phase::Broken { until });
        }
    }

    /// A call is over that was neither a success nor a failure.
    pub(super) fn left(&mut self, probe: Probe) {
        self.settles(probe);
    }

    pub(super) fn open(&mut self, now: Instant, length: Duration) {
        let until = now.checked_add(length);
        self.go(Reason::Asked, Phase::Broken { until });
    }

    pub(super) fn close(&mut self, now: Instant) {
        self.go_passing(Reason::Asked, now);
    }

    pub(super) fn reset(&mut self) {
        self.last_error = None;
        self.go(Reason::Asked, Phase::Passing { recovered: None });
    }

    /// After how long a call is let through for certain, at the latest.
    pub(super) fn retry_after(&self, now: Instant) -> Duration {
        match self.phase {
            Phase::Passing { .. } => Duration::ZERO,
            Phase::Broken { until } => {
                until.map_or(Duration::MAX, |until| until.saturating_duration_since(now))
            }
            Phase::Recovering { since, .. } => match self.settings.recovery {
                Recovery::Growing => {
                    let passed = now.saturating_duration_since(since);
                    self.settings.recovery_time.saturating_sub(passed)
                }
                Recovery::Probes { .. } => self.places.left(now),
            },
        }
    }

    /// After how long a call with this number by chance may be tried.
    pub(super) fn ready_after(&self, now: Instant, draw: f64) -> Duration {
        let Phase::Recovering { since, .. } = self.phase else {
            return self.retry_after(now);
        };
        if self.settings.recovery != Recovery::Growing {
            return self.retry_after(now);
        }
        // The moment at which `enter` begins to let it through.
        let share = (1.0 + draw).log2().clamp(0.0, 1.0);
        let nanos = self.settings.recovery_time.as_nanos() as f64 * share;
        // A float that is too great becomes the greatest number.
        let moment =
            Duration::from_nanos(nanos.ceil() as u64).saturating_add(Duration::from_nanos(1));
        let moment = moment.min(self.settings.recovery_time);
        moment.saturating_sub(now.saturating_duration_since(since))
    }

    /// How much of the recovery is over: 1 and more when all of it is.
    fn grown(&self, now: Instant, since: Instant) -> f64 {
        let passed = now.saturating_duration_since(since);
        if passed >= self.settings.recovery_time {
            return 1.0;
        }
        passed.as_secs_f64() / self.settings.recovery_time.as_secs_f64()
    }

    /// Whether the outcome of this call counts. Gives its place back.
    fn settles(&mut self, probe: Probe) -> bool {
        let kept = probe.ticket.is_none_or(|it| self.places.give_back(it));
        kept && probe.period == self.period
    }

    fn go_passing(&mut self, reason: Reason, since: Instant) {
        let recovered = Some(since);
        self.go(reason, Phase::Passing { recovered });
    }

    fn go(&mut self, reason: Reason, phase: Phase) {
        let from = self.state();
        self.phase = phase;
        self.period += 1;
        self.window.clear();
        self.places.clear();
        let to = self.state();
        if from != to {
            self.changes.push(Change { from, to, reason });
        }
    }
}

impl Phase {
    fn recovering(since: Instant) -> Self {
        Self::Recovering {
            since,
            successes: 0,
        }
    }
}
