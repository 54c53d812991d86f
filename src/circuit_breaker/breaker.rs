use std::fmt::{self, Display};
use std::sync::Arc;
use std::time::Duration;

use super::builder::CircuitBreakerBuilder;
use super::core::{Core, current};
use super::error::{BreakerError, CircuitBroken};
use super::feed::Changes;
use super::guard::Guard;
use super::inspect::{FailureIf, Inspect};
use super::machine::{Machine, Settings};
use super::state::{Counts, State};
use super::statistic::CircuitBreakerStatistic;
use crate::chance::Chance;
use crate::future::race;
use crate::resilience::{Breaker, Refusal};
use crate::retry::AnyError;
use crate::time;

/// Counts failures, and lets no call through where there are too many; see the [module](super). A handle:
/// clones share the state.
///
/// # Cost
///
/// While it passes, a success takes some nanoseconds on any number of threads: no lock, no allocation, no reading
/// of the clock, no memory that another thread writes to. One in 64, and all else, reads the clock and takes a lock
/// for some hundred nanoseconds.
pub struct CircuitBreaker<R = AnyError> {
    core: Arc<Core>,
    settings: Arc<Settings>,
    inspect: R,
}

/// A [`CircuitBreaker`] with a rule about errors of this type.
pub type CircuitBreakerFor<E> = CircuitBreaker<FailureIf<E>>;

impl CircuitBreaker {
    /// Sets one up that breaks when this share of the calls has failed within this time, the window.
    pub fn builder(error_ratio: f64, response_time: Duration) -> CircuitBreakerBuilder {
        CircuitBreakerBuilder::new(error_ratio, response_time)
    }
}

impl<R> CircuitBreaker<R> {
    pub(super) fn new(settings: Settings, name: Option<Arc<str>>, inspect: R) -> Self {
        Self {
            core: Arc::new(Core::new(settings.clone(), name)),
            settings: Arc::new(settings),
            inspect,
        }
    }

    /// Makes a call, if it is let through. A panic of it is a failure, and goes to the caller.
    ///
    /// # Errors
    ///
    /// The error of the call, or [`CircuitBroken`].
    ///
    /// # Panics
    ///
    /// With the text of [`NoRuntime`](crate::runtime::NoRuntime), when the clock is needed and no runtime is at
    /// hand: for the very first call, and for all but successes while it is passing.
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use aiomisc::circuit_breaker::{BreakerError, CircuitBreaker};
    /// use std::time::Duration;
    ///
    /// let breaker = CircuitBreaker::builder(0.2, Duration::from_secs(30)).build()?;
    /// assert_eq!(breaker.call(|| "7".parse::<u8>()), Ok(7));
    /// for _ in 0..9 {
    ///     assert!(matches!(breaker.call(|| "x".parse::<u8>()), Err(BreakerError::Failed(_))));
    /// }
    /// assert!(matches!(breaker.call(|| "7".parse::<u8>()), Err(BreakerError::Broken(_))));
    /// # }
    /// # Ok::<(), aiomisc::retry::InvalidSetting>(())
    /// ```
    #[inline]
    pub fn call<T, E: Display>(
        &self,
        operation: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, BreakerError<E>>
    where
        R: Inspect<E>,
    {
        self.core.call(&self.inspect, operation)
    }

    /// Runs a future, if it is let through.
    ///
    /// # Errors
    ///
    /// As [`call`](Self::call); a future that is not let through is never polled.
    ///
    /// # Panics
    ///
    /// As [`call`](Self::call).
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the future, and is neither a success nor a failure.
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// # use aiomisc::circuit_breaker::CircuitBreaker;
    /// # use std::{io, time::Duration};
    /// # async fn fetch() -> io::Result<u8> { Ok(7) }
    /// # aiomisc::adapters::Smol::new().block_on(async {
    /// let github = CircuitBreaker::builder(0.2, Duration::from_secs(20))
    ///     .broken_time(Duration::from_secs(5))
    ///     .build()?;
    /// let answer = github.call_async(fetch()).await?;
    /// # assert_eq!(answer, 7);
    /// # Ok::<(), aiomisc::BoxError>(())
    /// # }).unwrap(); }
    /// ```
    pub async fn call_async<T, E: Display>(
        &self,
        operation: impl Future<Output = Result<T, E>>,
    ) -> Result<T, BreakerError<E>>
    where
        R: Inspect<E>,
    {
        self.core.call_async(&self.inspect, operation).await
    }

    /// Lets a call through that says itself how it has ended.
    ///
    /// # Errors
    ///
    /// [`CircuitBroken`]
    ///
    /// # Panics
    ///
    /// With the text of [`NoRuntime`](crate::runtime::NoRuntime), when the clock is needed and no runtime is at
    /// hand: for the very first call, for slow calls, and unless it is passing.
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// # use aiomisc::circuit_breaker::CircuitBreaker;
    /// # use std::time::Duration;
    /// # let breaker = CircuitBreaker::builder(0.2, Duration::from_secs(30)).build()?;
    /// let call = breaker.try_enter()?;
    /// match "7".parse::<u8>() {
    ///     Ok(_) => call.success(),
    ///     Err(error) => call.failure(error),
    /// }
    /// # }
    /// # Ok::<(), aiomisc::BoxError>(())
    /// ```
    #[inline]
    pub fn try_enter(&self) -> Result<Guard<'_, R>, CircuitBroken> {
        Ok(Guard::new(self.core.enter()?, &self.inspect))
    }

    /// What it does with calls now.
    ///
    /// # Panics
    ///
    /// With the text of [`NoRuntime`](crate::runtime::NoRuntime), when it is not passing and no runtime is at
    /// hand.
    #[must_use]
    pub fn state(&self) -> State {
        if self.core.is_passing() {
            return State::Passing;
        }
        self.look(|machine| machine.state())
    }

    /// How many calls in the window have ended how. It begins anew with each change of the state.
    ///
    /// # Panics
    ///
    /// With the text of [`NoRuntime`](crate::runtime::NoRuntime), when no runtime is at hand.
    #[must_use]
    pub fn counter(&self) -> Counts {
        self.look(|machine| machine.counts())
    }

    /// The share of the window's parts that are bad: those in which the share of failures is the error ratio, or
    /// greater.
    ///
    /// # Panics
    ///
    /// As [`counter`](Self::counter).
    #[must_use]
    pub fn recovery_ratio(&self) -> f64 {
        self.look(|machine| machine.window().bad(self.settings.error_ratio))
    }

    /// How long it stays as it is, at least: the broken time, the recovery time, or the passing time.
    ///
    /// # Panics
    ///
    /// As [`state`](Self::state).
    #[must_use]
    pub fn get_state_delay(&self) -> Duration {
        match self.state() {
            State::Passing => self.settings.passing_time,
            State::Broken => self.settings.broken_time,
            State::Recovering => self.settings.recovery_time,
        }
    }

    /// After how long a call may be let through: see [`CircuitBroken::retry_after`]. Zero while it passes.
    ///
    /// # Panics
    ///
    /// As [`state`](Self::state).
    #[must_use]
    pub fn retry_after(&self) -> Duration {
        if self.core.is_passing() {
            return Duration::ZERO;
        }
        let now = current().now();
        self.core.change(now, |machine| machine.retry_after(now))
    }

    /// Waits until a call may be tried: until it is broken no longer, there is a place for a probe, or, where
    /// the share of calls grows, for a moment that comes as early by chance as a call would be let through.
    ///
    /// The call after that may still be refused, when others were faster, or by chance: wait again then.
    ///
    /// # Panics
    ///
    /// As [`state`](Self::state).
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    pub async fn wait_ready(&self) {
        let mut draw = None;
        while !self.core.is_passing() {
            let changed = self.core.feed().event.listen();
            let runtime = current();
            let now = runtime.now();
            let draw = *draw.get_or_insert_with(|| Chance::of(&runtime).share());
            let left = self
                .core
                .change(now, |machine| machine.ready_after(now, draw));
            if left.is_zero() {
                return;
            }
            race(changed, time::sleep(left)).await;
        }
    }

    /// The changes of the state from now on. That a time is over is noticed at the next call, or the next
    /// question about the state.
    pub fn changes(&self) -> Changes {
        self.core.feed().changes()
    }

    /// Breaks it, for the broken time.
    ///
    /// # Panics
    ///
    /// With the text of [`NoRuntime`](crate::runtime::NoRuntime), when no runtime is at hand.
    pub fn open(&self) {
        self.open_for(self.settings.broken_time);
    }

    /// Breaks it, for so long; `Duration::MAX` until it is closed.
    ///
    /// # Panics
    ///
    /// As [`open`](Self::open).
    pub fn open_for(&self, length: Duration) {
        self.core
            .change_now(|machine, now| machine.open(now, length));
    }

    /// Has it pass, as after a recovery: it does not break within the passing time.
    ///
    /// # Panics
    ///
    /// As [`open`](Self::open).
    pub fn close(&self) {
        self.core.change_now(Machine::close);
    }

    /// Has it pass, as if it were new.
    ///
    /// # Panics
    ///
    /// As [`open`](Self::open).
    pub fn reset(&self) {
        self.core.change_now(|machine, _| machine.reset());
    }

    /// How many probes are on their way, as far as that is known.
    #[must_use]
    pub fn probes(&self) -> usize {
        self.core.probes()
    }

    /// Its figures.
    #[must_use]
    pub fn statistics(&self) -> &CircuitBreakerStatistic {
        self.core.figures()
    }

    fn look<T>(&self, question: impl FnOnce(&Machine) -> T) -> T {
        self.core.change_now(|machine, _| question(machine))
    }

    #[cfg(feature = "macros")]
    pub(crate) fn call_with<T, E: Display>(
        &self,
        inspect: &impl Inspect<E>,
        operation: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, BreakerError<E>> {
        self.core.call(inspect, operation)
    }

    #[cfg(feature = "macros")]
    pub(crate) async fn call_async_with<T, E: Display>(
        &self,
        inspect: &impl Inspect<E>,
        operation: impl Future<Output = Result<T, E>>,
    ) -> Result<T, BreakerError<E>> {
        self.core.call_async(inspect, operation).await
    }
}

/// As part of a [`Policy`](crate::resilience::Policy).
impl<E: Display, R: Inspect<E> + Sync> Breaker<E> for CircuitBreaker<R> {
    type Guard<'a>
        = Guard<'a, R>
    where
        R: 'a;

    #[inline]
    fn try_enter(&self) -> Result<Guard<'_, R>, Refusal> {
        Self::try_enter(self).map_err(Refusal::from)
    }
}

impl<R: Clone> Clone for CircuitBreaker<R> {
    fn clone(&self) -> Self {
        Self {
            core: Arc::clone(&self.core),
            settings: Arc::clone(&self.settings),
            inspect: self.inspect.clone(),
        }
    }
}

impl<R> fmt::Debug for CircuitBreaker<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CircuitBreaker")
            .field("name", &self.core.figures().name())
            .field("error_ratio", &self.settings.error_ratio)
            .field("response_time", &self.settings.response_time)
            .finish_non_exhaustive()
    }
}
