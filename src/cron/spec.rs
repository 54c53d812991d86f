use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::SystemTime;

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};

use super::error::CronError;
use super::fields::{self, Fields, Layout};

/// A cron expression and its time zone: the times at which something is to be called. Cloning it is cheap.
///
/// ```
/// use aiomisc::cron::CronSpec;
/// use std::time::{Duration, SystemTime};
///
/// let noon = CronSpec::parse("0 12 * * *")?;
/// let next = noon.next_after(SystemTime::UNIX_EPOCH);
/// assert_eq!(next, Some(SystemTime::UNIX_EPOCH + Duration::from_secs(12 * 3600)));
///
/// let noon = noon.in_time_zone("Asia/Tokyo")?;
/// let next = noon.next_after(SystemTime::UNIX_EPOCH);
/// assert_eq!(next, Some(SystemTime::UNIX_EPOCH + Duration::from_secs(3 * 3600)));
/// # Ok::<(), aiomisc::cron::CronError>(())
/// ```
///
/// The [module](super) says what can be written, and what holds when clocks are changed.
///
/// # Cost
///
/// Reading one takes some tens of microseconds, [`next_after`](Self::next_after) one or two.
#[derive(Clone)]
pub struct CronSpec {
    shared: Arc<Shared>,
    zone: TimeZone,
}

struct Shared {
    text: Box<str>,
    cron: Cron,
    interval: bool,
}

impl CronSpec {
    /// Reads an expression of five fields (minute, hour, day of month, month, day of week), or an alias such as
    /// `@hourly`. Its times are in UTC.
    ///
    /// # Errors
    ///
    /// [`CronError`] tells what is wrong, and where: also if there is no such date, as on the 30th of February.
    pub fn parse(text: &str) -> Result<Self, CronError> {
        Self::read(text, Layout::Classic)
    }

    /// Reads an expression of six fields whose first one is the seconds, as in most libraries of Rust and in
    /// Quartz.
    ///
    /// # Errors
    ///
    /// As [`parse`](Self::parse).
    pub fn with_seconds_first(text: &str) -> Result<Self, CronError> {
        Self::read(text, Layout::SecondsFirst)
    }

    /// Reads an expression of six fields whose last one is the seconds, as in Python's aiomisc.
    ///
    /// # Errors
    ///
    /// As [`parse`](Self::parse).
    pub fn with_seconds_last(text: &str) -> Result<Self, CronError> {
        Self::read(text, Layout::SecondsLast)
    }

    fn read(text: &str, layout: Layout) -> Result<Self, CronError> {
        let Fields { normal, interval } = fields::read(text, layout)?;
        let parser = CronParser::builder()
            .seconds(Seconds::Required)
            .year(Year::Disallowed)
            .build();
        let cron = parser
            .parse(&normal)
            .map_err(|error| CronError::whole(text, error.to_string()))?;
        let spec = Self {
            shared: Arc::new(Shared {
                text: text.into(),
                cron,
                interval,
            }),
            zone: TimeZone::UTC,
        };
        // Every date of the calendar comes within 400 years.
        if spec
            .next_civil(DateTime::constant(1999, 12, 31, 23, 59, 59, 0))
            .is_none()
        {
            return Err(CronError::whole(text, "there is no such date"));
        }
        Ok(spec)
    }

    /// Has the times be those of this zone of the IANA database, such as `Europe/Berlin`. Default: UTC.
    ///
    /// The database is the system's; where there is none, the one that was compiled in.
    ///
    /// # Errors
    ///
    /// [`CronError`] if there is no zone of this name.
    pub fn in_time_zone(mut self, name: &str) -> Result<Self, CronError> {
        self.zone = TimeZone::get(name).map_err(|error| {
            CronError::whole(&self.shared.text, format!("time zone `{name}`: {error}"))
        })?;
        Ok(self)
    }

    /// Has the times be those of the system's time zone.
    ///
    /// # Errors
    ///
    /// [`CronError`] if the system has none.
    pub fn in_local_time(mut self) -> Result<Self, CronError> {
        self.zone = TimeZone::try_system().map_err(|error| {
            CronError::whole(
                &self.shared.text,
                format!("the system's time zone: {error}"),
            )
        })?;
        Ok(self)
    }

    /// The expression, as it was given.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.shared.text
    }

    /// The name of the time zone; `None` for one of the system's without a name.
    #[must_use]
    pub fn time_zone(&self) -> Option<&str> {
        self.zone.iana_name()
    }

    /// The first time after this moment; `None` if there is none before the year 5000.
    #[must_use]
    pub fn next_after(&self, moment: SystemTime) -> Option<SystemTime> {
        let moment = Timestamp::try_from(moment).ok()?;
        let next = if self.shared.interval {
            self.next_of_interval(moment)
        } else {
            self.next_fixed(moment)
        };
        next.map(SystemTime::from)
    }

    /// The times after this moment.
    pub fn upcoming(&self, moment: SystemTime) -> impl Iterator<Item = SystemTime> + '_ {
        std::iter::successors(self.next_after(moment), |time| self.next_after(*time))
    }

    /// Times that are named: each date of the calendar is one moment. One that is skipped is at the jump, one
    /// that is repeated is the first of the two.
    fn next_fixed(&self, after: Timestamp) -> Option<Timestamp> {
        let mut civil = self.zone.to_datetime(after);
        // Moments go up with dates. In the second half of a repeated hour its dates are over already.
        loop {
            civil = self.next_civil(civil)?;
            let moment = self.moment_of(civil)?;
            if moment > after {
                return Some(moment);
            }
        }
    }

    fn moment_of(&self, civil: DateTime) -> Option<Timestamp> {
        match self.zone.to_ambiguous_timestamp(civil).offset() {
            AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(civil).ok(),
            AmbiguousOffset::Fold { before, .. } => before.to_timestamp(civil).ok(),
            AmbiguousOffset::Gap { after, .. } => {
                // By the clock as it is set at the jump, this is shortly before it.
                let before_jump = after.to_timestamp(civil).ok()?;
                let mut jumps = self.zone.following(before_jump);
                let jump = jumps.find(|jump| jump.offset() == after)?;
                Some(jump.timestamp())
            }
        }
    }

    /// Times at each one of some: at every moment whose date matches, from one change of the clock to the next.
    fn next_of_interval(&self, after: Timestamp) -> Option<Timestamp> {
        let mut offset = self.zone.to_offset(after);
        let mut civil = offset.to_datetime(after);
        let mut changes = self.zone.following(after);
        loop {
            let moment = offset.to_timestamp(self.next_civil(civil)?).ok()?;
            match changes.next() {
                Some(change) if change.timestamp() <= moment => {
                    offset = change.offset();
                    // The moment of the change itself counts.
                    let before = change.timestamp() - jiff::SignedDuration::from_secs(1);
                    civil = offset.to_datetime(before);
                }
                _ => return Some(moment),
            }
        }
    }

    /// The first date after this one, whatever clocks do.
    fn next_civil(&self, after: DateTime) -> Option<DateTime> {
        let after = after.to_zoned(TimeZone::UTC).ok()?;
        let next = self.shared.cron.find_next_occurrence(&after, false).ok()?;
        // A fraction of a second is not carried along.
        next.datetime().with().subsec_nanosecond(0).build().ok()
    }
}

impl FromStr for CronSpec {
    type Err = CronError;

    fn from_str(text: &str) -> Result<Self, CronError> {
        Self::parse(text)
    }
}

/// As [`CronSpec::parse`].
impl TryFrom<&str> for CronSpec {
    type Error = CronError;

    fn try_from(text: &str) -> Result<Self, CronError> {
        Self::parse(text)
    }
}

impl From<&Self> for CronSpec {
    fn from(spec: &Self) -> Self {
        spec.clone()
    }
}

/// The expression as it was given, and the time zone.
impl fmt::Display for CronSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} ({})",
            self.text(),
            self.time_zone().unwrap_or("local")
        )
    }
}

impl fmt::Debug for CronSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CronSpec").field(&self.to_string()).finish()
    }
}
