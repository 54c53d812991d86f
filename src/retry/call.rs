//! One call: attempts and pauses until there is an end.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::attempt::{Attempt, Clock, Limited, Limits, Over};
use super::budget::{RetryBudget, Token};
use super::error::RetryError;
use super::pause::{Drawn, Pause};
use super::rules::Rules;
use super::statistic::{BackoffStatistic, Figures};
use crate::chance::Chance;
use crate::future::yield_now;
use crate::statistics::Counter;

/// What does not depend on the type of the errors.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(super) attempt_timeout: Option<Duration>,
    pub(super) deadline: Option<Duration>,
    pub(super) pause: Pause,
    pub(super) max_tries: Option<u32>,
    pub(super) budget: Option<RetryBudget>,
    pub(super) name: Option<Arc<str>>,
    pub(super) figures: Figures,
}

/// Makes attempts until one succeeds, or no other is allowed. `elapsed` makes the error of an attempt that
/// took too long.
pub(crate) async fn run<T, E, F: Future<Output = Result<T, E>>>(
    plan: &Plan,
    rules: &impl Rules<E>,
    elapsed: impl Fn() -> RetryError<E>,
    mut operation: impl FnMut(Attempt) -> F,
) -> Result<T, RetryError<E>> {
    let mut call = Call::begin(plan);
    let mut last = None;
    loop {
        let attempt = call.attempt();
        let limits = call.limits();
        let limited = Limited::new(&mut call.clock, limits, operation(attempt));
        let (error, timed_out) = match limited.await {
            Ok(Ok(value)) => {
                call.succeeded();
                return Ok(value);
            }
            Ok(Err(error)) => (RetryError::Failed(error), false),
            Err(Over::Deadline) => {
                call.attempt_failed();
                call.failed();
                // The attempt that was cut has no outcome: that of the one before it counts.
                return Err(last.unwrap_or_else(elapsed));
            }
            Err(Over::Attempt) => (elapsed(), true),
        };
        call.attempt_failed();
        let Some((pause, token)) = call.next(&error, timed_out, rules) else {
            call.failed();
            return Err(error);
        };
        if !call.wait(pause, token).await {
            call.failed();
            return Err(error);
        }
        last = Some(error);
    }
}

/// Where a call is. Dropped before it is settled, it was cancelled.
struct Call<'a> {
    plan: &'a Plan,
    figures: &'a BackoffStatistic,
    clock: Clock,
    drawn: Drawn,
    attempts: u32,
    /// When the attempt began, if its time is measured.
    began: Option<Instant>,
    settled: bool,
}

impl<'a> Call<'a> {
    #[inline]
    fn begin(plan: &'a Plan) -> Self {
        let figures = &*plan.figures;
        Counter::add_one_to_each([&figures.calls, &figures.attempts]);
        Self {
            plan,
            figures,
            clock: Clock::default(),
            drawn: Drawn::default(),
            attempts: 0,
            began: None,
            settled: false,
        }
    }

    #[inline]
    fn attempt(&mut self) -> Attempt {
        // The first was counted together with the call.
        if self.attempts > 0 {
            self.figures.attempts.add_one();
        }
        self.attempts = self.attempts.saturating_add(1);
        if self.plan.name.is_some() {
            self.measure();
        }
        let (time_left, _) = self.limits().left(&mut self.clock);
        Attempt::new(self.attempts, time_left)
    }

    /// Has the time of the attempt measured from here on. Apart, as is the end of it, so that calls without a
    /// name have nothing in their way.
    #[cold]
    fn measure(&mut self) {
        self.began = self.clock.try_now();
        if let Some(now) = self.began {
            self.clock.begin_at(now);
        }
    }

    #[inline]
    fn limits(&self) -> Limits {
        Limits {
            attempt_timeout: self.plan.attempt_timeout,
            deadline: self.plan.deadline,
        }
    }

    /// What is left until the deadline, if there is one.
    #[inline]
    fn left(&mut self) -> Option<Duration> {
        let deadline = self.plan.deadline?;
        Some(deadline.saturating_sub(self.clock.elapsed()))
    }

    #[inline]
    fn succeeded(&mut self) {
        self.attempt_ended();
        self.figures.done.add_one();
        if let Some(budget) = &self.plan.budget {
            budget.refund();
        }
        self.settled = true;
    }

    fn attempt_failed(&mut self) {
        self.attempt_ended();
        self.figures.errors.add_one();
    }

    #[inline]
    fn attempt_ended(&mut self) {
        if let Some(began) = self.began.take() {
            self.measured(began);
        }
    }

    #[cold]
    fn measured(&mut self, began: Instant) {
        if let Some(now) = self.clock.try_now() {
            let time = now.saturating_duration_since(began);
            self.figures.sum_time.add(time);
        }
    }

    fn failed(&mut self) {
        self.figures.failed.add_one();
        self.settled = true;
    }

    /// How long to wait for the next attempt, if there may be one, and the right to it.
    fn next<E>(
        &mut self,
        error: &RetryError<E>,
        timed_out: bool,
        rules: &impl Rules<E>,
    ) -> Option<(Duration, Option<Token<'a>>)> {
        let error = match error {
            RetryError::Failed(error) => Some(error),
            RetryError::Elapsed => None,
        };
        let plan = self.plan;
        if error.is_some_and(|error| !timed_out && !rules.retries(error))
            || plan.max_tries.is_some_and(|most| self.attempts >= most)
            || error.is_some_and(|error| rules.gives_up(error))
        {
            return None;
        }
        let token = match &plan.budget {
            None => None,
            Some(budget) => {
                let token = budget.take();
                if token.is_none() {
                    self.figures.refused.add_one();
                    tracing::debug!(backoff = plan.name.as_deref(), "no budget for a retry");
                }
                Some(token?)
            }
        };
        let asked = error.and_then(|error| rules.delay(error));
        let pause = asked.unwrap_or_else(|| {
            let seed = || Chance::of(self.clock.runtime());
            self.drawn.draw(&plan.pause, self.attempts, seed)
        });
        let backoff = plan.name.as_deref();
        let attempt = self.attempts;
        tracing::debug!(
            backoff,
            attempt,
            ?pause,
            "an attempt failed, another follows"
        );
        Some((pause, token))
    }

    /// Waits; false if the deadline is over then.
    async fn wait(&mut self, pause: Duration, token: Option<Token<'_>>) -> bool {
        if self.plan.deadline.is_some() {
            self.clock.begin();
        }
        let left = self.left();
        if left.is_some_and(|left| left.is_zero()) {
            return false;
        }
        if pause.is_zero() {
            yield_now().await;
        } else {
            self.figures.pauses.add_one();
            let length = left.map_or(pause, |left| left.min(pause));
            self.clock.runtime().sleep(length).await;
            self.figures.sum_pauses.add(length);
        }
        if self.left().is_some_and(|left| left.is_zero()) {
            return false;
        }
        if let Some(token) = token {
            token.spend();
        }
        true
    }
}

impl Drop for Call<'_> {
    #[inline]
    fn drop(&mut self) {
        if !self.settled {
            self.attempt_ended();
            self.figures.cancels.add_one();
        }
    }
}
