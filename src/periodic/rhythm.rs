use std::time::{Duration, Instant};

use super::Missed;
use crate::error::BoxError;
use crate::recurring::{Desk, Rhythm};

/// One of the two ways.
pub(super) enum Pace {
    Delay(FixedDelay),
    Rate(FixedRate),
}

impl Rhythm for Pace {
    async fn due(&mut self, desk: &mut Desk) -> Result<bool, BoxError> {
        match self {
            Self::Delay(rhythm) => rhythm.due(desk).await,
            Self::Rate(rhythm) => rhythm.due(desk).await,
        }
    }
}

/// Waits for the interval after the end of each call.
pub(super) struct FixedDelay {
    pub(super) delay: Option<Duration>,
    pub(super) interval: Duration,
    pub(super) jitter: Duration,
}

impl Rhythm for FixedDelay {
    async fn due(&mut self, desk: &mut Desk) -> Result<bool, BoxError> {
        let pause = self.delay.take().unwrap_or(self.interval);
        let pause = pause.saturating_add(desk.up_to(self.jitter));
        desk.wait(pause).await;
        Ok(true)
    }
}

/// Keeps the calls on a grid, which begins with the first of them.
pub(super) struct FixedRate {
    pub(super) delay: Duration,
    pub(super) interval: Duration,
    pub(super) jitter: Duration,
    pub(super) missed: Missed,
    /// The place on the grid of the last call.
    pub(super) last: Option<Instant>,
}

impl Rhythm for FixedRate {
    async fn due(&mut self, desk: &mut Desk) -> Result<bool, BoxError> {
        let now = desk.runtime.now();
        let due = match self.last {
            None => now.checked_add(self.delay),
            Some(last) => {
                let (due, missed) = after(last, now, self.interval, self.missed);
                desk.missed(missed);
                due
            }
        };
        let Some(due) = due else {
            // What the clock cannot show is never.
            desk.wait(Duration::MAX).await;
            return Ok(true);
        };
        self.last = Some(due);
        let jitter = desk.up_to(self.jitter);
        let at = due.checked_add(jitter).unwrap_or(due);
        desk.wait_until(at, now).await;
        Ok(true)
    }
}

/// The place on the grid of the next call, and how many places before it were missed.
fn after(last: Instant, now: Instant, interval: Duration, rule: Missed) -> (Option<Instant>, u64) {
    let late = now.saturating_duration_since(last).as_nanos();
    let interval = interval.as_nanos().max(1);
    // The places that have passed since; the one of this very moment has not.
    let passed = u64::try_from(late.saturating_sub(1) / interval).unwrap_or(u64::MAX);
    let missed = passed.saturating_sub(u64::from(rule.most()));
    let steps = u128::from(missed) + 1;
    let step = u64::try_from(interval.saturating_mul(steps)).unwrap_or(u64::MAX);
    (last.checked_add(Duration::from_nanos(step)), missed)
}

#[cfg(test)]
#[allow(
    clippy::disallowed_methods,
    reason = "an `Instant` can be had from the system's clock only"
)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn what_has_passed_is_missed_and_this_moment_has_not_passed() {
        let last = Instant::now();
        let at = |millis: u64, rule| {
            let now = last + Duration::from_millis(millis);
            let (due, missed) = after(last, now, SECOND, rule);
            (due.unwrap().duration_since(last).as_millis(), missed)
        };
        for (now, skip, once, burst) in [
            (0, (1_000, 0), (1_000, 0), (1_000, 0)),
            (999, (1_000, 0), (1_000, 0), (1_000, 0)),
            (1_000, (1_000, 0), (1_000, 0), (1_000, 0)),
            (1_001, (2_000, 1), (1_000, 0), (1_000, 0)),
            (2_000, (2_000, 1), (1_000, 0), (1_000, 0)),
            (2_001, (3_000, 2), (2_000, 1), (1_000, 0)),
            (5_500, (6_000, 5), (5_000, 4), (3_000, 2)),
        ] {
            assert_eq!(at(now, Missed::Skip), skip, "{now}");
            assert_eq!(at(now, Missed::Once), once, "{now}");
            assert_eq!(at(now, Missed::Burst(3)), burst, "{now}");
        }
    }

    #[test]
    fn the_longest_intervals_do_not_overflow() {
        let last = Instant::now();
        let (due, missed) = after(last, last + SECOND, Duration::MAX, Missed::Skip);
        assert_eq!(missed, 0);
        assert!(due.is_none_or(|due| due > last + SECOND * 1_000_000));
        let nano = Duration::from_nanos(1);
        let (due, missed) = after(last, last + SECOND, nano, Missed::Skip);
        assert_eq!((due, missed), (Some(last + SECOND), 999_999_999));
    }
}
