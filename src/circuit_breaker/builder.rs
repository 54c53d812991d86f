use std::sync::Arc;
use std::time::Duration;

use super::breaker::CircuitBreaker;
use super::inspect::FailureIf;
use super::machine::Settings;
use super::state::Recovery;
use crate::retry::{AnyError, InvalidSetting};

/// A [`CircuitBreaker`] about to be made, by [`CircuitBreaker::builder`].
///
/// | option | what it sets | default |
/// |---|---|---|
/// | [`minimum_calls`](Self::minimum_calls) | with fewer calls than this in the window it does not break | 10 |
/// | [`broken_time`](Self::broken_time) | how long it is broken | the window |
/// | [`recovery_time`](Self::recovery_time) | how long it recovers | the window |
/// | [`passing_time`](Self::passing_time) | how long it passes after that, at least | the window |
/// | [`recovery`](Self::recovery) | which calls go through while it recovers | [`Recovery::Growing`] |
/// | [`slow_call`](Self::slow_call) | what takes longer is a failure | no limit |
/// | [`failure_if`](Self::failure_if) | which errors are failures | all |
/// | [`buckets`](Self::buckets) | of how many parts the window is made | 10 |
/// | [`passing_threshold`](Self::passing_threshold) | at what share of the ratio it breaks, passing | 1 |
/// | [`recovering_threshold`](Self::recovering_threshold) | and recovering | 0.5 |
/// | [`name`](Self::name) | what it is called in the log and in the figures | no name |
#[derive(Clone, Debug)]
#[must_use = "nothing is made until `build`"]
pub struct CircuitBreakerBuilder<R = AnyError> {
    error_ratio: f64,
    response_time: Duration,
    broken_time: Option<Duration>,
    recovery_time: Option<Duration>,
    passing_time: Option<Duration>,
    minimum_calls: u64,
    buckets: usize,
    passing_threshold: f64,
    recovering_threshold: f64,
    recovery: Recovery,
    slow_call: Option<Duration>,
    name: Option<Arc<str>>,
    inspect: R,
}

impl CircuitBreakerBuilder<AnyError> {
    pub(super) fn new(error_ratio: f64, response_time: Duration) -> Self {
        Self {
            error_ratio,
            response_time,
            broken_time: None,
            recovery_time: None,
            passing_time: None,
            minimum_calls: 10,
            buckets: 10,
            passing_threshold: 1.0,
            recovering_threshold: 0.5,
            recovery: Recovery::Growing,
            slow_call: None,
            name: None,
            inspect: AnyError,
        }
    }
}

impl<R> CircuitBreakerBuilder<R> {
    /// Has only those errors be failures that this holds for. The others are neither failures nor successes,
    /// and do not count as calls. Name the type of the error:
    ///
    /// ```
    /// use aiomisc::circuit_breaker::{CircuitBreaker, CircuitBreakerFor};
    /// use std::io;
    /// use std::time::Duration;
    ///
    /// let breaker: CircuitBreakerFor<io::Error> = CircuitBreaker::builder(0.2, Duration::from_secs(30))
    ///     .failure_if(|error: &io::Error| error.kind() != io::ErrorKind::NotFound)
    ///     .build()?;
    /// # Ok::<(), aiomisc::retry::InvalidSetting>(())
    /// ```
    ///
    /// Should it panic, the error is a failure.
    pub fn failure_if<E>(
        self,
        rule: impl Fn(&E) -> bool + Send + Sync + 'static,
    ) -> CircuitBreakerBuilder<FailureIf<E>> {
        CircuitBreakerBuilder {
            error_ratio: self.error_ratio,
            response_time: self.response_time,
            broken_time: self.broken_time,
            recovery_time: self.recovery_time,
            passing_time: self.passing_time,
            minimum_calls: self.minimum_calls,
            buckets: self.buckets,
            passing_threshold: self.passing_threshold,
            recovering_threshold: self.recovering_threshold,
            recovery: self.recovery,
            slow_call: self.slow_call,
            name: self.name,
            inspect: FailureIf::new(rule),
        }
    }

    /// Sets how many calls there are in the window before it breaks, at least.
    pub fn minimum_calls(mut self, calls: u64) -> Self {
        self.minimum_calls = calls;
        self
    }

    /// Sets how long it is broken; `Duration::MAX` until it is closed by hand.
    pub fn broken_time(mut self, length: Duration) -> Self {
        self.broken_time = Some(length);
        self
    }

    /// Sets how long it recovers, at least: until this is over, and longer if no call succeeds.
    pub fn recovery_time(mut self, length: Duration) -> Self {
        self.recovery_time = Some(length);
        self
    }

    /// Sets how long it passes after a recovery before it may break again; `Duration::MAX` until it is opened by
    /// hand.
    pub fn passing_time(mut self, length: Duration) -> Self {
        self.passing_time = Some(length);
        self
    }

    /// Sets which calls go through while it recovers.
    pub fn recovery(mut self, recovery: Recovery) -> Self {
        self.recovery = recovery;
        self
    }

    /// Has calls be failures that take longer than this, whatever they give.
    ///
    /// Each call reads the clock for it, twice; in turn, successes are counted at their time as well.
    pub fn slow_call(mut self, limit: Duration) -> Self {
        self.slow_call = Some(limit);
        self
    }

    /// Sets of how many parts the window is made: it goes on by one of them at a time.
    pub fn buckets(mut self, parts: usize) -> Self {
        self.buckets = parts;
        self
    }

    /// Sets at what share of the error ratio it breaks while it is passing.
    pub fn passing_threshold(mut self, share: f64) -> Self {
        self.passing_threshold = share;
        self
    }

    /// Sets at what share of the error ratio it breaks while it is recovering.
    pub fn recovering_threshold(mut self, share: f64) -> Self {
        self.recovering_threshold = share;
        self
    }

    /// Sets what it is called.
    pub fn name(mut self, name: impl Into<Arc<str>>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Makes it.
    ///
    /// # Errors
    ///
    /// [`InvalidSetting`] if the error ratio or a threshold is not above 0 and up to 1, if the window has no
    /// length or not 1 to 1000 parts, or if there are to be 0 calls or probes, or no time for these.
    pub fn build(self) -> Result<CircuitBreaker<R>, InvalidSetting> {
        let shares = [
            ("error ratio of the breaker", self.error_ratio),
            ("passing threshold of the breaker", self.passing_threshold),
            (
                "recovering threshold of the breaker",
                self.recovering_threshold,
            ),
        ];
        for (setting, share) in shares {
            // Not a number is none of these.
            if !(share > 0.0 && share <= 1.0) {
                let expected = "a number above 0 and up to 1";
                return Err(InvalidSetting::new(setting, expected, share));
            }
        }
        if self.response_time.is_zero() {
            let (setting, time) = ("response time of the breaker", self.response_time);
            return Err(InvalidSetting::new(setting, "above zero", time));
        }
        if !(1..=1000).contains(&self.buckets) {
            let (setting, parts) = ("buckets of the breaker", self.buckets);
            return Err(InvalidSetting::new(setting, "1 to 1000", parts));
        }
        if self.minimum_calls == 0 {
            let setting = "minimum calls of the breaker";
            return Err(InvalidSetting::new(setting, "at least 1", 0));
        }
        if let Recovery::Probes {
            at_once,
            successes,
            limit,
        } = self.recovery
            && (at_once == 0 || successes == 0 || limit.is_zero())
        {
            let expected = "at least one at once, one success, and a limit above zero";
            let (setting, recovery) = ("probes of the breaker", self.recovery);
            return Err(InvalidSetting::new(setting, expected, recovery));
        }
        let window = self.response_time;
        let settings = Settings {
            error_ratio: self.error_ratio,
            response_time: window,
            broken_time: self.broken_time.unwrap_or(window),
            recovery_time: self.recovery_time.unwrap_or(window),
            passing_time: self.passing_time.unwrap_or(window),
            minimum_calls: self.minimum_calls,
            parts: self.buckets,
            passing_threshold: self.passing_threshold,
            recovering_threshold: self.recovering_threshold,
            recovery: self.recovery,
            slow_call: self.slow_call,
        };
        Ok(CircuitBreaker::new(settings, self.name, self.inspect))
    }
}
