use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::backoff::{Backoff, Retry};
use super::budget::RetryBudget;
use super::call::Plan;
use super::error::InvalidSetting;
use super::pause::Pause;
use super::rules::{AnyError, OnError};
use super::statistic::Figures;
use crate::statistics::Instance;

/// How many attempts there are where neither their number nor a deadline is set.
const TRIES: u32 = 3;

/// A [`Backoff`] about to be made, by [`Backoff::builder`]; or a [`Retry`], by [`Backoff::retry`].
///
/// | option | what it sets | default |
/// |---|---|---|
/// | [`attempt_timeout`](Self::attempt_timeout) | how long one attempt may take | no limit |
/// | [`deadline`](Self::deadline) | how long all of it may take, pauses included | no limit |
/// | [`pause`](Self::pause) | how long to wait between attempts | [exponential](Pause), from 100 ms up to 30 s, with full jitter; for a [`Retry`] none |
/// | [`max_tries`](Self::max_tries) | how many attempts there are, at most | 3, or no limit where there is a deadline |
/// | [`retry_if`](Self::retry_if) | which errors are tried again | all |
/// | [`giveup`](Self::giveup) | which errors end it | none |
/// | [`retry_after`](Self::retry_after) | the pause that an error asks for | none |
/// | [`budget`](Self::budget) | how many retries there are in all | no limit |
/// | [`name`](Self::name) | what it is called in the log and in the figures | no name |
///
/// Limits of time are there for a [`Backoff`] alone. A limit of `Duration::MAX` is none.
#[must_use = "nothing is made until `build`"]
pub struct BackoffBuilder<R = AnyError, K = Timed> {
    attempt_timeout: Option<Duration>,
    deadline: Option<Duration>,
    pause: Pause,
    max_tries: Option<Option<u32>>,
    budget: Option<RetryBudget>,
    name: Option<Arc<str>>,
    rules: R,
    kind: K,
}

/// Says that a builder makes a [`Backoff`].
#[derive(Clone, Copy, Debug)]
pub struct Timed(pub(super) ());

/// Says that a builder makes a [`Retry`].
#[derive(Clone, Copy, Debug)]
pub struct Untimed(pub(super) ());

impl<K> BackoffBuilder<AnyError, K> {
    pub(super) fn new(kind: K) -> Self {
        Self {
            attempt_timeout: None,
            deadline: None,
            pause: Pause::default(),
            max_tries: None,
            budget: None,
            name: None,
            rules: AnyError,
            kind,
        }
    }

    /// Has only those errors tried again that this holds for. Name the type of the error:
    ///
    /// ```
    /// use aiomisc::retry::{Backoff, BackoffFor};
    /// use std::io;
    ///
    /// let backoff: BackoffFor<io::Error> = Backoff::builder()
    ///     .retry_if(|error: &io::Error| error.kind() == io::ErrorKind::ConnectionRefused)
    ///     .giveup(|error| error.raw_os_error().is_none())
    ///     .build()?;
    /// # Ok::<(), aiomisc::retry::InvalidSetting>(())
    /// ```
    ///
    /// A time-out is always tried again: that of an attempt, and one that the operation has itself, as an
    /// [`Elapsed`](crate::time::Elapsed), as an `io::Error` of the kind `TimedOut`, or as one of these in a
    /// [`BoxError`](crate::BoxError).
    pub fn retry_if<E: 'static>(
        self,
        rule: impl Fn(&E) -> bool + Send + Sync + 'static,
    ) -> BackoffBuilder<OnError<E>, K> {
        self.with_rules(OnError::new()).retry_if(rule)
    }

    /// Has errors that this holds for end the call. It is asked while there are attempts left, also about
    /// the time-out of an attempt where it is an error of this type.
    pub fn giveup<E: 'static>(
        self,
        rule: impl Fn(&E) -> bool + Send + Sync + 'static,
    ) -> BackoffBuilder<OnError<E>, K> {
        self.with_rules(OnError::new()).giveup(rule)
    }

    /// Has errors ask for the length of the pause, such as by HTTP's header `Retry-After`: it is as long as
    /// this says, without cap and jitter; `None` leaves it to the [`pause`](Self::pause).
    pub fn retry_after<E: 'static>(
        self,
        rule: impl Fn(&E) -> Option<Duration> + Send + Sync + 'static,
    ) -> BackoffBuilder<OnError<E>, K> {
        self.with_rules(OnError::new()).retry_after(rule)
    }

    fn with_rules<R>(self, rules: R) -> BackoffBuilder<R, K> {
        BackoffBuilder {
            attempt_timeout: self.attempt_timeout,
            deadline: self.deadline,
            pause: self.pause,
            max_tries: self.max_tries,
            budget: self.budget,
            name: self.name,
            rules,
            kind: self.kind,
        }
    }
}

impl<E: 'static, K> BackoffBuilder<OnError<E>, K> {
    /// Has only those errors tried again that this holds for.
    pub fn retry_if(mut self, rule: impl Fn(&E) -> bool + Send + Sync + 'static) -> Self {
        self.rules = self.rules.retry_if(rule);
        self
    }

    /// Has errors that this holds for end the call.
    pub fn giveup(mut self, rule: impl Fn(&E) -> bool + Send + Sync + 'static) -> Self {
        self.rules = self.rules.giveup(rule);
        self
    }

    /// Has errors ask for the length of the pause.
    pub fn retry_after(
        mut self,
        rule: impl Fn(&E) -> Option<Duration> + Send + Sync + 'static,
    ) -> Self {
        self.rules = self.rules.retry_after(rule);
        self
    }
}

impl<R, K> BackoffBuilder<R, K> {
    /// Sets how long to wait between attempts: a [`Pause`], or a `Duration` for a constant one.
    pub fn pause(mut self, pause: impl Into<Pause>) -> Self {
        self.pause = pause.into();
        self
    }

    /// Sets how many attempts there are, at most; `None` for no limit.
    pub fn max_tries(mut self, attempts: impl Into<Option<u32>>) -> Self {
        self.max_tries = Some(attempts.into());
        self
    }

    /// Limits how many retries there are in all, together with whoever else has this budget.
    pub fn budget(mut self, budget: &RetryBudget) -> Self {
        self.budget = Some(budget.clone());
        self
    }

    /// Sets what it is called, and has the time of its attempts measured.
    #[doc(alias = "statistic_name")]
    pub fn name(mut self, name: impl Into<Arc<str>>) -> Self {
        self.name = Some(name.into());
        self
    }

    fn plan(self, figures: fn(Option<Arc<str>>) -> Figures) -> Result<(Plan, R), InvalidSetting> {
        self.pause.check()?;
        let default = self.deadline.is_none().then_some(TRIES);
        let max_tries = self.max_tries.unwrap_or(default);
        if max_tries == Some(0) {
            return Err(InvalidSetting::new("number of tries", "at least 1", 0));
        }
        let limit = |limit: Option<Duration>| limit.filter(|limit| *limit != Duration::MAX);
        let plan = Plan {
            attempt_timeout: limit(self.attempt_timeout),
            deadline: limit(self.deadline),
            pause: self.pause,
            max_tries,
            budget: self.budget,
            figures: figures(self.name.clone()),
            name: self.name,
        };
        Ok((plan, self.rules))
    }
}

impl<R> BackoffBuilder<R, Timed> {
    /// Sets how long one attempt may take, counted from when it first has to wait. Then it is dropped, and
    /// it has failed with a time-out.
    pub fn attempt_timeout(mut self, limit: Duration) -> Self {
        self.attempt_timeout = Some(limit);
        self
    }

    /// Sets how long all attempts and pauses may take, counted from when the first attempt has to wait or
    /// has failed. What goes on then is dropped, and the call ends with the last error there was.
    ///
    /// An operation that is ready at once is ready in any time: with a deadline of zero there is one attempt,
    /// which must not wait.
    pub fn deadline(mut self, limit: Duration) -> Self {
        self.deadline = Some(limit);
        self
    }

    /// Makes it.
    ///
    /// # Errors
    ///
    /// [`InvalidSetting`] if there are to be 0 attempts, or pauses that cannot be: a cap below the first one,
    /// a factor below 1, decorrelated jitter of a constant one.
    pub fn build(self) -> Result<Backoff<R>, InvalidSetting> {
        let (plan, rules) = self.plan(|name| Figures::Backoff(Instance::new(name)))?;
        Ok(Backoff::new(plan, rules))
    }
}

impl<R> BackoffBuilder<R, Untimed> {
    /// Makes it.
    ///
    /// # Errors
    ///
    /// [`InvalidSetting`] if there are to be 0 attempts, or pauses that cannot be: a cap below the first one,
    /// a factor below 1, decorrelated jitter of a constant one.
    pub fn build(self) -> Result<Retry<R>, InvalidSetting> {
        let (plan, rules) = self.plan(|name| Figures::Retry(Instance::new(name)))?;
        Ok(Retry::new(plan, rules))
    }
}

impl<R: fmt::Debug, K> fmt::Debug for BackoffBuilder<R, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BackoffBuilder")
            .field("attempt_timeout", &self.attempt_timeout)
            .field("deadline", &self.deadline)
            .field("pause", &self.pause)
            .field("max_tries", &self.max_tries)
            .field("budget", &self.budget)
            .field("name", &self.name)
            .field("rules", &self.rules)
            .finish_non_exhaustive()
    }
}
