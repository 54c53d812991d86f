use std::panic::resume_unwind;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::breaker::{Breaker, BreakerGuard, NoBreaker};
use super::bulkhead::Bulkhead;
use super::error::{CallError, Refusal};
use super::fallback::{Fallback, NoFallback, Recover, recovered};
use super::hedge::Hedge;
use super::load_shed::LoadShed;
use super::rate_limiter::RateLimiter;
use crate::error::panic_text;
use crate::future::catch_panic;
use crate::retry::{AnyError, Attempt, Backoff, Rules};
use crate::runtime::Runtime;
use crate::time;

/// Several of these tools around one call, in one order. Cloning it is cheap, and clones share all of them.
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use aiomisc::resilience::{Bulkhead, Policy, RateLimiter};
/// use aiomisc::retry::Backoff;
/// use std::time::Duration;
///
/// # aiomisc::adapters::Smol::new().block_on(async {
/// let policy = Policy::new()
///     .timeout(Duration::from_secs(1))
///     .bulkhead(Bulkhead::builder(10).build()?)
///     .rate_limiter(RateLimiter::builder(100, Duration::from_secs(1)).build()?)
///     .retry(Backoff::builder().deadline(Duration::from_secs(10)).build()?);
///
/// let answer = policy.call(|_attempt| async { Ok::<_, std::io::Error>(7) }).await?;
/// assert_eq!(answer, 7);
/// # Ok::<(), aiomisc::BoxError>(())
/// # }).unwrap(); }
/// ```
///
/// # Order
///
/// From the outside to the operation, in whatever order they are set:
///
/// | | tool | what it has around it, and in it |
/// |---|---|---|
/// | 1 | [`fallback`](Self::fallback) | sees the error that the call would end with, be it a refusal |
/// | 2 | [`retry`](Self::retry) | each attempt goes through all that follows; its limits of time have the waits in them |
/// | 3 | [`breaker`](Self::breaker) | refuses before anything is taken or waited for; sees the outcome of what follows, of which a panic is a failure, and refusals are neither success nor failure |
/// | 4 | [`load_shed`](Self::load_shed) | measures what follows, the waits included |
/// | 5 | [`rate_limiter`](Self::rate_limiter) | counts an attempt once, however many the hedge makes of it |
/// | 6 | [`bulkhead`](Self::bulkhead) | has a place for an attempt, however many the hedge makes of it |
/// | 7 | [`hedge`](Self::hedge) | each of its attempts has the time limit to itself |
/// | 8 | [`timeout`](Self::timeout) | the innermost: it is a failure for the breaker |
///
/// # Refusals and retries
///
/// An attempt that was refused is tried again, after the delay that a [`RateLimiter`] tells; but when the
/// circuit is broken the call ends. Rules of the [`Backoff`] are asked about the operation's own errors alone.
///
/// The time limit of an attempt of the [`Backoff`] drops the whole attempt, which is neither success nor failure
/// for the breaker; use [`timeout`](Self::timeout) for one that is to be noticed.
///
/// # Cost
///
/// That of its parts, and a lock for some nanoseconds. Nothing is allocated where they do not.
#[derive(Debug)]
pub struct Policy<R = AnyError, B = NoBreaker, F = NoFallback> {
    retry: Option<Backoff<R>>,
    breaker: B,
    load_shed: Option<LoadShed>,
    rate_limiter: Option<RateLimiter>,
    bulkhead: Option<Bulkhead>,
    hedge: Option<Hedge>,
    timeout: Option<Duration>,
    fallback: F,
}

impl Policy {
    /// Nothing around the call yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            retry: None,
            breaker: NoBreaker,
            load_shed: None,
            rate_limiter: None,
            bulkhead: None,
            hedge: None,
            timeout: None,
            fallback: NoFallback,
        }
    }
}

/// The rules of the retry are shared.
impl<R, B: Clone, F: Clone> Clone for Policy<R, B, F> {
    fn clone(&self) -> Self {
        Self {
            retry: self.retry.clone(),
            breaker: self.breaker.clone(),
            load_shed: self.load_shed.clone(),
            rate_limiter: self.rate_limiter.clone(),
            bulkhead: self.bulkhead.clone(),
            hedge: self.hedge.clone(),
            timeout: self.timeout,
            fallback: self.fallback.clone(),
        }
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self::new()
    }
}

impl<R, B, F> Policy<R, B, F> {
    /// Has attempts that fail made again, by a [`Backoff`] or a [`Retry`](crate::retry::Retry).
    #[must_use]
    pub fn retry<R2>(self, backoff: impl Into<Backoff<R2>>) -> Policy<R2, B, F> {
        let retry = Some(backoff.into());
        let (breaker, fallback) = (self.breaker, self.fallback);
        Policy {
            retry,
            breaker,
            load_shed: self.load_shed,
            rate_limiter: self.rate_limiter,
            bulkhead: self.bulkhead,
            hedge: self.hedge,
            timeout: self.timeout,
            fallback,
        }
    }

    /// Has a circuit breaker look at the attempts, such as a
    /// [`CircuitBreaker`](crate::circuit_breaker::CircuitBreaker).
    #[must_use]
    pub fn breaker<B2>(self, breaker: B2) -> Policy<R, B2, F> {
        Policy {
            retry: self.retry,
            breaker,
            load_shed: self.load_shed,
            rate_limiter: self.rate_limiter,
            bulkhead: self.bulkhead,
            hedge: self.hedge,
            timeout: self.timeout,
            fallback: self.fallback,
        }
    }

    /// Turns attempts away while there is too much load.
    #[must_use]
    pub fn load_shed(mut self, load_shed: LoadShed) -> Self {
        self.load_shed = Some(load_shed);
        self
    }

    /// Limits how many attempts there are in a length of time.
    #[must_use]
    pub fn rate_limiter(mut self, rate_limiter: RateLimiter) -> Self {
        self.rate_limiter = Some(rate_limiter);
        self
    }

    /// Limits how many attempts there are at the same time.
    #[must_use]
    pub fn bulkhead(mut self, bulkhead: Bulkhead) -> Self {
        self.bulkhead = Some(bulkhead);
        self
    }

    /// Has a slow operation begun once more beside the first.
    #[must_use]
    pub fn hedge(mut self, hedge: Hedge) -> Self {
        self.hedge = Some(hedge);
        self
    }

    /// Limits the time of the operation, which is told of it by [`Attempt::time_left`].
    #[must_use]
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = Some(limit);
        self
    }

    /// Has a value made of the error that the call would end with, a [`CallError`].
    #[must_use]
    pub fn fallback<H>(self, fallback: Fallback<H>) -> Policy<R, B, Fallback<H>> {
        Policy {
            retry: self.retry,
            breaker: self.breaker,
            load_shed: self.load_shed,
            rate_limiter: self.rate_limiter,
            bulkhead: self.bulkhead,
            hedge: self.hedge,
            timeout: self.timeout,
            fallback,
        }
    }

    /// Makes a call.
    ///
    /// # Errors
    ///
    /// [`CallError`]: the error of the operation as it is, a time-out, or who has refused it; if there is a
    /// fallback, what that gives.
    ///
    /// # Panics
    ///
    /// With the text of [`NoRuntime`](crate::runtime::NoRuntime), when there is something to wait for and no
    /// runtime at hand. A panic of the operation goes to the caller.
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops all attempts; places are given back, and it is no failure for anybody.
    pub async fn call<T, E, Fut>(
        &self,
        operation: impl FnMut(Attempt) -> Fut,
    ) -> Result<T, CallError<E>>
    where
        Fut: Future<Output = Result<T, E>>,
        R: Rules<E>,
        B: Breaker<E>,
        F: Recover<T, CallError<E>>,
    {
        // The futures of attempts share it, and may go from thread to thread.
        let operation = Mutex::new(operation);
        let begin = |attempt| {
            let mut operation = operation.lock().unwrap_or_else(PoisonError::into_inner);
            operation(attempt)
        };
        let begin = &begin;
        let result = match &self.retry {
            None => self.attempt(Attempt::new(1, None), begin).await,
            Some(backoff) => {
                let rules = AttemptRules(backoff.rules());
                let attempt = |attempt| self.attempt(attempt, begin);
                crate::retry::timed(backoff.plan(), &rules, attempt).await
            }
        };
        match result {
            Ok(value) => Ok(value),
            Err(error) => recovered(&self.fallback, error).await,
        }
    }

    async fn attempt<T, E, Fut>(
        &self,
        attempt: Attempt,
        begin: &impl Fn(Attempt) -> Fut,
    ) -> Result<T, CallError<E>>
    where
        Fut: Future<Output = Result<T, E>>,
        B: Breaker<E>,
    {
        let guard = self.breaker.try_enter()?;
        let result = match catch_panic(self.inside(attempt, begin)).await {
            Ok(result) => result,
            Err(panic) => {
                guard.panicked(&panic_text(&*panic));
                resume_unwind(panic)
            }
        };
        match &result {
            Ok(_) => guard.success(),
            Err(CallError::Failed(error)) => guard.failure(Some(error)),
            Err(CallError::Elapsed) => guard.failure(None),
            Err(CallError::Refused(_)) => drop(guard),
        }
        result
    }

    async fn inside<T, E, Fut>(
        &self,
        attempt: Attempt,
        begin: &impl Fn(Attempt) -> Fut,
    ) -> Result<T, CallError<E>>
    where
        Fut: Future<Output = Result<T, E>>,
    {
        let waiting = Waiting::begin(attempt, self.may_wait());
        let load = match &self.load_shed {
            Some(load_shed) => Some(load_shed.try_enter()?),
            None => None,
        };
        if let Some(rate_limiter) = &self.rate_limiter {
            rate_limiter.acquire().await?;
        }
        let _place = match &self.bulkhead {
            Some(bulkhead) => Some(bulkhead.enter().await?),
            None => None,
        };
        let begin = || {
            let attempt = waiting.over();
            let limit = self.timeout;
            begin(limit.map_or(attempt, |limit| attempt.within(limit)))
        };
        let result = match &self.hedge {
            Some(hedge) => hedge.call(|_| self.limited(begin())).await,
            None => self.limited(begin()).await,
        };
        if let Some(load) = load {
            load.ended();
        }
        result
    }

    /// Whether an attempt may have to wait before its operation begins.
    fn may_wait(&self) -> bool {
        self.rate_limiter.is_some() || self.bulkhead.is_some() || self.hedge.is_some()
    }

    async fn limited<T, E>(
        &self,
        future: impl Future<Output = Result<T, E>>,
    ) -> Result<T, CallError<E>> {
        let Some(limit) = self.timeout else {
            return future.await.map_err(CallError::Failed);
        };
        let result = time::timeout(limit, future).await?;
        result.map_err(CallError::Failed)
    }
}

/// An attempt that waits for its operation to begin, which takes of its time.
struct Waiting {
    attempt: Attempt,
    began: Option<(Runtime, Instant)>,
}

impl Waiting {
    fn begin(attempt: Attempt, may_wait: bool) -> Self {
        let measured = may_wait && attempt.time_left().is_some();
        let runtime = measured.then(|| Runtime::current().ok()).flatten();
        let began = runtime.map(|runtime| {
            let now = runtime.now();
            (runtime, now)
        });
        Self { attempt, began }
    }

    /// What the operation is told that begins now.
    fn over(&self) -> Attempt {
        match &self.began {
            Some((runtime, began)) => {
                let passed = runtime.now().saturating_duration_since(*began);
                self.attempt.after(passed)
            }
            None => self.attempt,
        }
    }
}

/// Rules about the errors of the operation, as rules about those of an attempt.
struct AttemptRules<'a, R>(&'a R);

impl<E, R: Rules<E>> Rules<CallError<E>> for AttemptRules<'_, R> {
    fn retries(&self, error: &CallError<E>) -> bool {
        match error {
            CallError::Failed(error) => self.0.retries(error),
            CallError::Elapsed => true,
            CallError::Refused(refusal) => !matches!(refusal, Refusal::Broken { .. }),
        }
    }

    fn gives_up(&self, error: &CallError<E>) -> bool {
        matches!(error, CallError::Failed(error) if self.0.gives_up(error))
    }

    fn delay(&self, error: &CallError<E>) -> Option<Duration> {
        match error {
            CallError::Failed(error) => self.0.delay(error),
            CallError::Refused(Refusal::RateLimited { retry_after }) => Some(*retry_after),
            CallError::Elapsed | CallError::Refused(_) => None,
        }
    }
}
