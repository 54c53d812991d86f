//! Callbacks that are called again and again.
//!
//! ```
//! # #[cfg(feature = "smol")] {
//! use aiomisc::recurring::{Next, RecurringCallback, TimerEnd};
//! use std::time::Duration;
//!
//! # aiomisc::adapters::Smol::new().block_on(async {
//! let mut pauses = [1, 2, 3].into_iter().map(Duration::from_millis);
//! let timer = RecurringCallback::new(|| async { println!("called") })
//!     .name("three times")
//!     .start(move || pauses.next().map_or(Next::Stop, Next::Wait))?;
//! assert_eq!(timer.await, TimerEnd::Finished);
//! # Ok::<(), aiomisc::BoxError>(())
//! # }).unwrap(); }
//! ```
//!
//! | for | use |
//! |---|---|
//! | pauses that a function decides on | [`RecurringCallback`] |
//! | the same pause each time, or a fixed rate | [`PeriodicCallback`](crate::periodic::PeriodicCallback) |
//! | times of the calendar | `cron::CronCallback` (feature `cron`) |
//! | these as services | [`PeriodicService`](crate::service::PeriodicService), `service::CronService` |
//! | a loop of one's own | [`time::interval`](crate::time::interval) |
//!
//! # What holds for all of them
//!
//! - The calls of one timer never overlap: a timer runs once at a time, and waits for each call.
//! - A callback returns `()` or a `Result<(), E>`. Its errors and panics are counted and logged, and the timer
//!   goes on. `suppress` says which errors are none.
//! - What ends a timer can always be seen: by the [`TimerEnd`] that its [task](TimerTask) gives, and in its
//!   [state](TimerStatus). A strategy that fails or panics is also logged.
//! - [`stop`](TimerTask::stop) lets the call that goes on come to its end, within a limit. Aborting the timer
//!   drops the call, unless it is shielded.
//! - Time and chance are those of the runtime.
//!
//! # Cost
//!
//! A timer is one task with one timer of the runtime. A call allocates nothing of its own.

mod call;
mod callback;
mod core;
mod engine;
mod error;
mod statistic;
mod status;
mod strategy;
mod task;

use std::fmt;

pub use self::callback::CallResult;
pub(crate) use self::callback::{Suppress, Timer, timer_methods};
#[cfg(feature = "cron")]
pub(crate) use self::core::{Started, Stopper, When};
pub(crate) use self::engine::{Desk, Rhythm};
pub use self::error::{NotRunning, StartError};
pub use self::statistic::TimerStatistic;
pub use self::status::{CallOutcome, LastCall, TimerEnd, TimerState, TimerStatus};
pub use self::strategy::{Answer, Next, Strategy};
pub use self::task::{TimerMonitor, TimerTask};
use crate::error::BoxError;

/// Calls a callback after the pauses that a [`Strategy`] decides on; the [module](self) says what holds.
///
/// | option | what it sets | default |
/// |---|---|---|
/// | [`name`](Self::name) | what the timer is called | its function, or where its closure stands |
/// | [`shield`](Self::shield) | whether a call goes on when the timer is aborted | false |
/// | [`suppress`](Self::suppress) | which errors are expected | none |
/// | [`stop_limit`](Self::stop_limit) | how long `stop` waits for the call | 20 s |
/// | [`runtime`](Self::runtime) | the runtime | the current one at the start |
pub struct RecurringCallback<F> {
    timer: Timer<F>,
}

impl<F, Fut> RecurringCallback<F>
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
        }
    }

    /// Starts the timer: the strategy is asked, then the callback is called after its pause, and so on.
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use aiomisc::recurring::{Next, RecurringCallback, TimerEnd};
    /// use std::time::Duration;
    ///
    /// # aiomisc::adapters::Smol::new().block_on(async {
    /// let check = RecurringCallback::new(|| async { Err::<(), _>("still down") });
    /// // Ever slower, then no more.
    /// let mut pause = Duration::from_millis(1);
    /// let task = check.start(move || {
    ///     pause *= 2;
    ///     if pause < Duration::from_millis(10) { Next::Wait(pause) } else { Next::Stop }
    /// })?;
    /// assert_eq!(task.await, TimerEnd::Finished);
    /// assert_eq!(check.monitor().statistics().fail.total(), 3);
    /// # Ok::<(), aiomisc::BoxError>(())
    /// # }).unwrap(); }
    /// ```
    ///
    /// # Errors
    ///
    /// [`StartError`] if it runs already, or there is no runtime.
    #[track_caller]
    pub fn start(&self, strategy: impl Strategy) -> Result<TimerTask, StartError> {
        self.timer.start(Asked(strategy))
    }

    /// Starts the timer with a strategy whose answer has to be awaited.
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use aiomisc::recurring::{Next, RecurringCallback, TimerEnd};
    /// use std::time::Duration;
    ///
    /// # async fn next_appointment() -> Result<Option<Duration>, std::io::Error> { Ok(None) }
    /// # aiomisc::adapters::Smol::new().block_on(async {
    /// let remind = RecurringCallback::new(|| async { println!("it is time") });
    /// let task = remind.start_async(|| async {
    ///     let next = next_appointment().await?;
    ///     Ok::<_, std::io::Error>(next.map_or(Next::Stop, Next::Wait))
    /// })?;
    /// assert_eq!(task.await, TimerEnd::Finished);
    /// # Ok::<(), aiomisc::BoxError>(())
    /// # }).unwrap(); }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    #[track_caller]
    pub fn start_async<S, A>(&self, strategy: S) -> Result<TimerTask, StartError>
    where
        S: FnMut() -> A + Send + 'static,
        A: Future<Output: Answer> + Send + 'static,
    {
        self.timer.start(Asked(strategy::Awaited(strategy)))
    }
}

impl<F> RecurringCallback<F> {
    timer_methods!();
}

impl<F> fmt::Debug for RecurringCallback<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RecurringCallback")
            .field(&self.timer)
            .finish()
    }
}

/// The rhythm that a strategy gives.
struct Asked<S>(S);

impl<S: Strategy> Rhythm for Asked<S> {
    async fn due(&mut self, desk: &mut Desk) -> Result<bool, BoxError> {
        loop {
            match self.0.next().await? {
                Next::Wait(pause) => {
                    desk.wait(pause).await;
                    return Ok(true);
                }
                Next::Skip(pause) => {
                    desk.skipped();
                    desk.sleep(pause).await;
                }
                Next::Stop => return Ok(false),
            }
        }
    }
}
