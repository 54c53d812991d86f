use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::error::{CallError, Refusal};
use super::places::Places;
use super::statistic::RateLimiterStatistic;
use crate::retry::InvalidSetting;
use crate::runtime::Runtime;
use crate::statistics::Instance;
use crate::time;

/// The longest time that a burst may stand for: every clock can show it.
const LONGEST: Duration = Duration::from_secs(1000 * 365 * 86_400);

/// Lets so many calls through in a length of time. A handle: clones share the rate.
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use aiomisc::resilience::RateLimiter;
/// use std::time::Duration;
///
/// # aiomisc::adapters::Smol::new().block_on(async {
/// let limiter = RateLimiter::builder(100, Duration::from_secs(1)).burst(10).build()?;
/// limiter.acquire().await?;
/// # Ok::<(), aiomisc::BoxError>(())
/// # }).unwrap(); }
/// ```
///
/// How long it is from one call to the next is rounded up to whole nanoseconds.
///
/// It is the generic cell rate algorithm (ITU-T recommendation I.371, "virtual scheduling"), which behaves as a
/// bucket of [`burst`](RateLimiterBuilder::burst) tokens that is filled evenly, and keeps one moment in time. In
/// any length of time `t` there are `burst + t × rate` calls, at most.
///
/// Calls that wait are let through in the order in which they came.
///
/// # Cost
///
/// A reading of the clock and a lock for some nanoseconds; a timer if it waits.
#[derive(Clone)]
pub struct RateLimiter {
    shared: Arc<Shared>,
}

struct Shared {
    /// The next call's time if calls came evenly; `None` before the first.
    due: Mutex<Option<Instant>>,
    /// From one call to the next.
    interval: Duration,
    /// How much earlier than due a call may come.
    tolerance: Duration,
    /// Whoever has the one place waits for the time, the others behind.
    head: Arc<Places>,
    queue_limit: usize,
    wait_limit: Duration,
    figures: Instance<RateLimiterStatistic>,
}

/// A [`RateLimiter`] about to be made.
///
/// | option | what it sets | default |
/// |---|---|---|
/// | [`burst`](Self::burst) | how many calls may come at once after a rest | as many as in the length of time |
/// | [`queue_limit`](Self::queue_limit) | how many wait, at most | 1024 |
/// | [`wait_limit`](Self::wait_limit) | how long each of them waits, at most | 60 s |
/// | [`name`](Self::name) | what it is called in the figures | no name |
#[derive(Clone, Debug)]
#[must_use = "nothing is made until `build`"]
pub struct RateLimiterBuilder {
    calls: u32,
    per: Duration,
    burst: Option<u32>,
    queue_limit: usize,
    wait_limit: Duration,
    name: Option<Arc<str>>,
}

impl RateLimiterBuilder {
    /// Sets how many calls may come at once after a rest; 1 has them come evenly.
    pub fn burst(mut self, calls: u32) -> Self {
        self.burst = Some(calls);
        self
    }

    /// Sets how many calls wait, at most; 0 for none.
    pub fn queue_limit(mut self, calls: usize) -> Self {
        self.queue_limit = calls;
        self
    }

    /// Sets how long a call waits, at most; `Duration::MAX` for no limit.
    pub fn wait_limit(mut self, limit: Duration) -> Self {
        self.wait_limit = limit;
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
    /// [`InvalidSetting`] if there are to be 0 calls, a burst of 0, so many calls in so short a time that there
    /// is less than a nanosecond from one to the next, or so few that a burst is worth more than a thousand
    /// years.
    pub fn build(self) -> Result<RateLimiter, InvalidSetting> {
        if self.calls == 0 {
            return Err(InvalidSetting::new("calls of the rate", "at least 1", 0));
        }
        let mut interval = self.per / self.calls;
        if interval.is_zero() {
            let expected = "at least a nanosecond for each call";
            return Err(InvalidSetting::new("time of the rate", expected, self.per));
        }
        if interval * self.calls < self.per {
            // Rounded down there were more calls than the rate allows.
            interval += Duration::from_nanos(1);
        }
        let burst = self.burst.unwrap_or(self.calls);
        let Some(more) = burst.checked_sub(1) else {
            return Err(InvalidSetting::new("burst of the rate", "at least 1", 0));
        };
        if interval.checked_mul(burst).is_none_or(|it| it > LONGEST) {
            let expected = "at most a thousand years for a burst";
            return Err(InvalidSetting::new("time of the rate", expected, self.per));
        }
        let shared = Shared {
            due: Mutex::new(None),
            interval,
            tolerance: interval * more,
            // Whoever has the place waits as well.
            head: Places::new(1, self.queue_limit.saturating_sub(1)),
            queue_limit: self.queue_limit,
            wait_limit: self.wait_limit,
            figures: Instance::new(self.name),
        };
        Ok(RateLimiter {
            shared: Arc::new(shared),
        })
    }
}

impl RateLimiter {
    /// Sets one up that lets so many calls through in this length of time.
    pub fn builder(calls: u32, per: Duration) -> RateLimiterBuilder {
        RateLimiterBuilder {
            calls,
            per,
            burst: None,
            queue_limit: 1024,
            wait_limit: Duration::from_secs(60),
            name: None,
        }
    }

    /// Goes through if it is time for a call, and nobody waits for it.
    ///
    /// # Errors
    ///
    /// [`Refusal::RateLimited`]
    ///
    /// # Panics
    ///
    /// With the text of [`NoRuntime`](crate::runtime::NoRuntime), when no runtime is at hand.
    pub fn try_acquire(&self) -> Result<(), Refusal> {
        let shared = &*self.shared;
        let taken = if shared.head.is_free() {
            shared.take(now())
        } else {
            Err(shared.left(now()))
        };
        match taken {
            Ok(()) => {
                shared.figures.passed.add_one();
                Ok(())
            }
            Err(retry_after) => {
                shared.figures.refused.add_one();
                Err(Refusal::RateLimited { retry_after })
            }
        }
    }

    /// Waits until it is time for this call.
    ///
    /// # Errors
    ///
    /// [`Refusal::RateLimited`] if as many wait as may, [`Refusal::WaitedTooLong`].
    ///
    /// # Panics
    ///
    /// With the text of [`NoRuntime`](crate::runtime::NoRuntime), when no runtime is at hand.
    ///
    /// # Cancel safety
    ///
    /// Dropped, it leaves the queue, and no call is lost.
    pub async fn acquire(&self) -> Result<(), Refusal> {
        let shared = &*self.shared;
        // Who does not wait takes no place in line, or others would find it taken.
        if shared.head.is_free() && shared.take(now()).is_ok() {
            shared.figures.passed.add_one();
            return Ok(());
        }
        if shared.queue_limit == 0 {
            return self.refused();
        }
        match time::timeout(shared.wait_limit, shared.wait()).await {
            Ok(true) => {
                shared.figures.passed.add_one();
                shared.figures.delayed.add_one();
                Ok(())
            }
            Ok(false) => self.refused(),
            Err(_) => {
                shared.figures.late.add_one();
                Err(Refusal::WaitedTooLong)
            }
        }
    }

    fn refused(&self) -> Result<(), Refusal> {
        self.shared.figures.refused.add_one();
        let retry_after = self.shared.left(now());
        Err(Refusal::RateLimited { retry_after })
    }

    /// Runs a future when it is time for it.
    ///
    /// # Errors
    ///
    /// Its error, or those of [`acquire`](Self::acquire).
    ///
    /// # Panics
    ///
    /// As [`acquire`](Self::acquire).
    pub async fn call<T, E>(
        &self,
        future: impl Future<Output = Result<T, E>>,
    ) -> Result<T, CallError<E>> {
        self.acquire().await?;
        future.await.map_err(CallError::Failed)
    }

    /// Its figures.
    #[must_use]
    pub fn statistics(&self) -> &RateLimiterStatistic {
        &self.shared.figures
    }
}

impl Shared {
    /// Waits in line; false if that is full.
    async fn wait(&self) -> bool {
        let Ok(_place) = self.head.take().await else {
            return false;
        };
        while let Err(left) = self.take(now()) {
            time::sleep(left).await;
        }
        true
    }

    /// Takes a call, or tells after how long there is one.
    fn take(&self, now: Instant) -> Result<(), Duration> {
        let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        let next = due.map_or(now, |due| due.max(now));
        let early = next.saturating_duration_since(now);
        if let Some(left) = early.checked_sub(self.tolerance)
            && !left.is_zero()
        {
            return Err(left);
        }
        // No clock ends within a thousand years.
        *due = next.checked_add(self.interval).or(Some(next));
        Ok(())
    }

    /// After how long there is a call for whoever is first in line.
    fn left(&self, now: Instant) -> Duration {
        let due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        let early = due.map_or(Duration::ZERO, |due| due.saturating_duration_since(now));
        early.saturating_sub(self.tolerance)
    }
}

fn now() -> Instant {
    let runtime = Runtime::current();
    runtime.unwrap_or_else(|error| panic!("{error}")).now()
}

impl fmt::Debug for RateLimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimiter")
            .field("interval", &self.shared.interval)
            .field("tolerance", &self.shared.tolerance)
            .finish_non_exhaustive()
    }
}
