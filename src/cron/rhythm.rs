use std::time::{Duration, SystemTime};

use super::CronSpec;
use crate::error::BoxError;
use crate::periodic::Missed;
use crate::recurring::{Desk, Rhythm, When};
use crate::runtime::Runtime;

/// So often the calendar is looked at again, for it may have been set.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// A calendar that was set back by more than this was wrong before: what it said is forgotten.
const SET_BACK: Duration = Duration::from_secs(3 * 3_600);

/// So many calls that were missed are counted at once.
const COUNTED: u64 = 10_000;

/// Waits for the times of a cron expression.
pub(super) struct Calendar {
    pub(super) spec: CronSpec,
    pub(super) missed: Missed,
    /// The time of the last call, as it was planned: it is never called for again.
    pub(super) last: Option<SystemTime>,
}

impl Rhythm for Calendar {
    fn first(&self, runtime: &Runtime) -> When {
        let next = self.spec.next_after(runtime.wall_now());
        next.map_or(When::Unknown, When::Date)
    }

    async fn due(&mut self, desk: &mut Desk) -> Result<bool, BoxError> {
        let mut now = desk.runtime.wall_now();
        let mut due = self.overdue(now, desk).or_else(|| self.next(now, desk));
        loop {
            let Some(time) = due else {
                return Ok(false);
            };
            desk.plan(time);
            let left = time.duration_since(now).unwrap_or_default();
            desk.sleep(left.min(LOOK_AGAIN)).await;
            let before = std::mem::replace(&mut now, desk.runtime.wall_now());
            if now >= time {
                self.last = Some(time);
                return Ok(true);
            }
            // Where it was set back there may be another time before.
            if now < before {
                due = self.next(now, desk);
            }
        }
    }
}

impl Calendar {
    fn next(&mut self, now: SystemTime, desk: &Desk) -> Option<SystemTime> {
        let ahead = self.last.and_then(|last| last.duration_since(now).ok());
        match (ahead, self.last) {
            (Some(ahead), _) if ahead > SET_BACK => {
                let timer = desk.name();
                tracing::warn!(%timer, by = ?ahead, "the calendar was set back: times that were called for may come again");
                self.last = None;
                self.spec.next_after(now)
            }
            (Some(_), Some(last)) => self.spec.next_after(last),
            _ => self.spec.next_after(now),
        }
    }

    /// The time to be made up for, of those that have passed since the last call; the others are counted.
    fn overdue(&mut self, now: SystemTime, desk: &Desk) -> Option<SystemTime> {
        let last = self.last?;
        let most = u64::from(self.missed.most());
        // The one of this very moment has not passed.
        let passed = self.spec.upcoming(last).take_while(|time| *time < now);
        let count = (0..COUNTED).zip(passed).count() as u64;
        if count == COUNTED {
            desk.missed(count);
            self.last = Some(now);
            return (most > 0).then_some(now);
        }
        let missed = count.saturating_sub(most);
        desk.missed(missed);
        let left = (0..=missed).zip(self.spec.upcoming(last));
        left.last()
            .map(|(_, time)| time)
            .filter(|time| *time <= now)
    }
}
