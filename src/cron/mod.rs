//! Callbacks that are called at times of the calendar.
//!
//! ```
//! # #[cfg(feature = "smol")] {
//! use aiomisc::cron::{CronCallback, CronSpec};
//!
//! # aiomisc::adapters::Smol::new().block_on(async {
//! let report = CronCallback::new(|| async { println!("the report of the night") });
//! let nights = CronSpec::parse("30 3 * * MON-FRI")?.in_time_zone("Europe/Berlin")?;
//! report.start(nights)?.detach();
//! println!("the next report: {:?}", report.status().next_run);
//! # Ok::<(), aiomisc::BoxError>(())
//! # }).unwrap(); }
//! ```
//!
//! # What can be written
//!
//! | field | values | besides |
//! |---|---|---|
//! | second | 0 to 59 | |
//! | minute | 0 to 59 | |
//! | hour | 0 to 23 | |
//! | day of month | 1 to 31 | `L` the last one, `15W` the weekday that is nearest to it, `LW` the last weekday |
//! | month | 1 to 12, `JAN` to `DEC` | |
//! | day of week | 0 to 7, `SUN` to `SAT`; 0 and 7 are Sunday | `FRI#2` the second one, `FRIL` the last one |
//!
//! Each is `*`, a value, a range such as `9-17`, one of these two with a step (`*/15`, `9-17/2`), or a list of
//! them, with commas. `?` is another `*` for days. Where both the day of the month and the day of the week are not
//! `*`, one of them is enough. `@yearly`, `@annually`, `@monthly`, `@weekly`, `@daily`,
//! `@midnight` and `@hourly` are short for what they say.
//!
//! Seconds are first in some programs and last in others, and the same text means something else there:
//! [`CronSpec::with_seconds_first`] and [`CronSpec::with_seconds_last`] say which it is.
//!
//! # When clocks are changed
//!
//! | | the hour that is skipped in spring | the hour that is repeated in autumn |
//! |---|---|---|
//! | times that are named: `30 2 * * *`, `0,30 2,3 * * *` | once, at the jump | once, the first time |
//! | at each one of some: the second, minute or hour has a `*` | what there is of it | every time |
//!
//! Times that fall together at a jump are one call.
//!
//! # When the calendar is set
//!
//! It is looked at every minute during a wait. What was waited for is called once when its time has passed,
//! however far the calendar has jumped; further times that have passed are [missed](CronCallback::missed). A
//! time that was called for is not called for again if the calendar is set back, by up to three hours. If it is
//! set back by more it was wrong before, and counts from then on as it is.

mod error;
mod fields;
mod rhythm;
mod spec;

use std::fmt;

pub use self::error::CronError;
use self::rhythm::Calendar;
pub use self::spec::CronSpec;
use crate::periodic::Missed;
use crate::recurring::{CallResult, Rhythm, StartError, Timer, TimerTask, timer_methods};

/// Calls a callback at times of the calendar; the [module](self) says when.
///
/// | option | what it sets | default |
/// |---|---|---|
/// | [`missed`](Self::missed) | what becomes of times that pass while a call goes on | [`Missed::Skip`] |
/// | [`name`](Self::name) | what the timer is called | its function, or where its closure stands |
/// | [`shield`](Self::shield) | whether a call goes on when the timer is aborted | false |
/// | [`suppress`](Self::suppress) | which errors are expected | none |
/// | [`stop_limit`](Self::stop_limit) | how long `stop` waits for the call | 20 s |
/// | [`runtime`](Self::runtime) | the runtime | the current one at the start |
pub struct CronCallback<F> {
    pub(crate) timer: Timer<F>,
    missed: Missed,
}

impl<F, Fut> CronCallback<F>
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
            missed: Missed::default(),
        }
    }

    /// Starts the timer with a [`CronSpec`], or with a text of five fields whose times are in UTC.
    ///
    /// The timer ends when there is no next time, in the year 5000.
    ///
    /// # Errors
    ///
    /// [`StartError`] if the text is no cron expression, the timer runs already, or there is no runtime.
    #[track_caller]
    pub fn start<S>(&self, spec: S) -> Result<TimerTask, StartError>
    where
        S: TryInto<CronSpec, Error: Into<CronError>>,
    {
        let spec = spec.try_into().map_err(Into::into)?;
        self.timer.start(self.rhythm(spec))
    }
}

impl<F> CronCallback<F> {
    /// Sets what becomes of times that have passed while a call went on, or while the system slept. Default: they
    /// are left out, with a warning in the log.
    #[must_use]
    pub fn missed(mut self, rule: Missed) -> Self {
        self.missed = rule;
        self
    }

    timer_methods!();

    pub(crate) fn rhythm(&self, spec: CronSpec) -> impl Rhythm + use<F> {
        Calendar {
            spec,
            missed: self.missed,
            last: None,
        }
    }
}

impl<F> fmt::Debug for CronCallback<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CronCallback")
            .field("timer", &self.timer)
            .field("missed", &self.missed)
            .finish()
    }
}
