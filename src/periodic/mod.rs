//! Callbacks that are called at intervals.
//!
//! ```
//! # #[cfg(feature = "smol")] {
//! use aiomisc::periodic::PeriodicCallback;
//! use std::time::Duration;
//!
//! # aiomisc::adapters::Smol::new().block_on(async {
//! let timer = PeriodicCallback::new(|| async {
//!     // Whatever has to be done again and again.
//!     Ok::<(), std::io::Error>(())
//! });
//! timer.start(Duration::from_millis(1))?.detach();
//! # aiomisc::time::sleep(Duration::from_millis(20)).await;
//! // later
//! timer.stop().await?;
//! assert!(timer.status().last.is_some_and(|call| call.outcome.is_done()));
//! # Ok::<(), aiomisc::BoxError>(())
//! # }).unwrap(); }
//! ```
//!
//! # When the calls are
//!
//! The first one is at once, or after the [`delay`](PeriodicCallback::delay). Then there are two ways, shown for
//! an interval of 100 ms and calls that take 30, 250 and 10 ms:
//!
//! | | calls begin at | |
//! |---|---|---|
//! | fixed delay, the default | 0, 130, 480 | the interval is between the end of a call and the next one |
//! | [fixed rate](PeriodicCallback::fixed_rate) | 0, 100, 400 | calls are on a grid; 200 and 300 are missed |
//!
//! Calls never overlap. What becomes of those that are missed is said by a rule ([`Missed`]); they are counted,
//! and the log has a warning.

mod rhythm;

use std::fmt;
use std::time::Duration;

use self::rhythm::{FixedDelay, FixedRate, Pace};
use crate::recurring::{CallResult, Rhythm, StartError, Timer, TimerTask, timer_methods};

/// What becomes of calls that could not be made in time, because one before took too long, the thread was held
/// up, or the system slept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Missed {
    /// They are left out.
    #[default]
    Skip,
    /// One call is made for all of them, at once.
    Once,
    /// So many of them, at most, are made up for, one after another.
    Burst(u32),
}

impl Missed {
    /// How many calls are made up for, at most.
    pub(crate) fn most(self) -> u32 {
        match self {
            Self::Skip => 0,
            Self::Once => 1,
            Self::Burst(most) => most,
        }
    }
}

/// Calls a callback at intervals; the [module](self) says when.
///
/// | option | what it sets | default |
/// |---|---|---|
/// | [`delay`](Self::delay) | how long after the start the first call is | 0, at once |
/// | [`fixed_rate`](Self::fixed_rate) | calls on a grid, in place of a fixed pause between them | off |
/// | [`jitter`](Self::jitter) | how much later calls may be, by chance | 0 |
/// | [`name`](Self::name) | what the timer is called | its function, or where its closure stands |
/// | [`shield`](Self::shield) | whether a call goes on when the timer is aborted | false |
/// | [`suppress`](Self::suppress) | which errors are expected | none |
/// | [`stop_limit`](Self::stop_limit) | how long `stop` waits for the call | 20 s |
/// | [`runtime`](Self::runtime) | the runtime | the current one at the start |
pub struct PeriodicCallback<F> {
    pub(crate) timer: Timer<F>,
    delay: Duration,
    jitter: Duration,
    rate: Option<Missed>,
}

impl<F, Fut> PeriodicCallback<F>
where
    F: Fn() -> Fut + Send + Sync + 'static,
    Fut: Future<Output: CallResult> + Send + 'static,
{
    /// Makes a timer of a callback.
    #[must_use]
    #[track_caller]
    pub fn new(callback: F) -> Self {
        Self {
            timer: Timer::new(callback),
            delay: Duration::ZERO,
            jitter: Duration::ZERO,
            rate: None,
        }
    }

    /// Starts the timer with this interval.
    ///
    /// # Errors
    ///
    /// [`StartError`] if it runs already, there is no runtime, the interval is zero, or the jitter is too large
    /// for it.
    #[track_caller]
    pub fn start(&self, interval: Duration) -> Result<TimerTask, StartError> {
        self.check(interval)?;
        self.timer.start(self.rhythm(interval))
    }
}

impl<F> PeriodicCallback<F> {
    /// Sets how long after the start the first call is. Default: 0, at once.
    #[must_use]
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Keeps the calls on a grid of the interval, and says what becomes of those that are missed. Default: the
    /// interval is the pause between the end of a call and the next one.
    #[must_use]
    pub fn fixed_rate(mut self, missed: Missed) -> Self {
        self.rate = Some(missed);
        self
    }

    /// Sets by how much calls may be later, each by another length up to this one, so that many timers do not
    /// call all at once. At a fixed rate it does not move the grid. Default: 0.
    #[must_use]
    pub fn jitter(mut self, most: Duration) -> Self {
        self.jitter = most;
        self
    }

    timer_methods!();

    /// Whether it can be started with this interval.
    pub(crate) fn check(&self, interval: Duration) -> Result<(), StartError> {
        if interval.is_zero() {
            return Err(StartError::ZeroInterval);
        }
        if self.rate.is_some() && self.jitter >= interval {
            let jitter = self.jitter;
            return Err(StartError::Jitter { jitter, interval });
        }
        Ok(())
    }

    pub(crate) fn rhythm(&self, interval: Duration) -> impl Rhythm + use<F> {
        let (delay, jitter) = (self.delay, self.jitter);
        match self.rate {
            None => Pace::Delay(FixedDelay {
                delay: Some(delay),
                interval,
                jitter,
            }),
            Some(missed) => Pace::Rate(FixedRate {
                delay,
                interval,
                jitter,
                missed,
                last: None,
            }),
        }
    }
}

impl<F> fmt::Debug for PeriodicCallback<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeriodicCallback")
            .field("timer", &self.timer)
            .field("delay", &self.delay)
            .field("jitter", &self.jitter)
            .field("fixed_rate", &self.rate)
            .finish()
    }
}
