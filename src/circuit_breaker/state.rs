use std::fmt;
use std::time::Duration;

/// What a [`CircuitBreaker`](super::CircuitBreaker) does with calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum State {
    /// All go through, and are counted.
    Passing,
    /// None goes through.
    Broken,
    /// Some go through, and show whether it can pass again.
    Recovering,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Passing => "passing",
            Self::Broken => "broken",
            Self::Recovering => "recovering",
        })
    }
}

/// Why a [`CircuitBreaker`](super::CircuitBreaker) went to another state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// Too many of the calls have failed.
    Failures,
    /// The time of the state is over.
    TimeOver,
    /// Calls have succeeded in the recovery.
    Recovered,
    /// `open`, `close` or `reset` was called.
    Asked,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Failures => "too many failures",
            Self::TimeOver => "its time is over",
            Self::Recovered => "calls have succeeded",
            Self::Asked => "it was asked for",
        })
    }
}

/// A [`CircuitBreaker`](super::CircuitBreaker) went from one state to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Change {
    /// What it was.
    pub from: State,
    /// What it is from then on.
    pub to: State,
    /// Why.
    pub reason: Reason,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, to, reason } = self;
        write!(f, "from {from} to {to}: {reason}")
    }
}

/// How a [`CircuitBreaker`](super::CircuitBreaker) finds out whether it can pass again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Recovery {
    /// Calls go through by chance: a share of `2^(t / T) - 1`, where `t` is the time in recovery, and `T` the
    /// [`recovery_time`](super::CircuitBreakerBuilder::recovery_time). It passes again when that is over and a
    /// call has succeeded.
    #[default]
    Growing,
    /// So many calls go through at once, and the others do not.
    Probes {
        /// How many are on their way at the same time, at most.
        at_once: u32,
        /// How many have to succeed until it passes again, which may be before the recovery time is over.
        successes: u32,
        /// How long one has its place: that of a call which has no outcome by then goes to another, and its
        /// outcome comes too late to count.
        limit: Duration,
    },
}

impl Recovery {
    /// So many calls, one after another or at once, all of which have to succeed; each has its place for so long.
    #[must_use]
    pub fn probes(count: u32, limit: Duration) -> Self {
        Self::Probes {
            at_once: count,
            successes: count,
            limit,
        }
    }
}

/// How many calls have ended how, within the time of the window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Those that succeeded.
    pub successes: u64,
    /// Those that failed, or took too long.
    pub failures: u64,
}

impl Counts {
    /// All of them.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.successes.saturating_add(self.failures)
    }

    /// The share of failures: 0 to 1, and 0 if there are no calls.
    #[must_use]
    pub fn error_ratio(&self) -> f64 {
        match self.total() {
            0 => 0.0,
            total => self.failures as f64 / total as f64,
        }
    }
}
