use std::time::{Duration, Instant};

use super::state::Counts;

/// Counts of the last length of time, in parts of equal length.
///
/// It goes on by a part at a time: all of the part that is not over yet, and those before it, as many as there
/// are. Failures are counted at their time. Successes are counted elsewhere, in a number that only grows: what
/// it has grown by from one look to the next is spread evenly over the time between the two.
#[derive(Debug)]
pub(super) struct Window {
    /// Nanoseconds.
    part: u64,
    /// A ring: the part of number `n` is at `n % parts`.
    parts: Box<[Counts]>,
    sum: Counts,
    /// When the first part began; `None` before the first look.
    origin: Option<Instant>,
    /// The last look, in nanoseconds since the origin.
    looked: u64,
    /// What the number was then.
    known: u64,
}

impl Window {
    pub(super) fn new(length: Duration, parts: usize) -> Self {
        let part = nanos(length) / u64::try_from(parts).unwrap_or(u64::MAX);
        Self {
            part: part.max(1),
            parts: vec![Counts::default(); parts].into(),
            sum: Counts::default(),
            origin: None,
            looked: 0,
            known: 0,
        }
    }

    /// Goes on to this time, and counts the successes up to it.
    pub(super) fn look(&mut self, now: Instant, successes: u64) {
        let new = successes.wrapping_sub(self.known);
        self.known = successes;
        let (before, now) = self.go_on(now);
        self.spread(new, before, now);
    }

    /// As [`look`](Self::look), for successes that do not count.
    pub(super) fn skip(&mut self, now: Instant, successes: u64) {
        self.known = successes;
        self.go_on(now);
    }

    /// Counts one that happened at the last look.
    pub(super) fn add(&mut self, failed: bool) {
        let one = if failed { count(0, 1) } else { count(1, 0) };
        self.add_to(self.looked / self.part, one);
    }

    /// When the part of the last look is over; `None` before the first.
    pub(super) fn part_over(&self) -> Option<Instant> {
        let end = (self.looked / self.part + 1).saturating_mul(self.part);
        self.origin?.checked_add(Duration::from_nanos(end))
    }

    /// Forgets all.
    pub(super) fn clear(&mut self) {
        self.parts.fill(Counts::default());
        self.sum = Counts::default();
    }

    pub(super) fn sum(&self) -> Counts {
        self.sum
    }

    /// The share of parts in which this share of calls has failed, or more.
    pub(super) fn bad(&self, error_ratio: f64) -> f64 {
        let bad = |part: &&Counts| part.failures > 0 && part.error_ratio() >= error_ratio;
        self.parts.iter().filter(bad).count() as f64 / self.parts.len() as f64
    }

    /// Forgets the parts that are too old by now. Gives the last look, and this one.
    fn go_on(&mut self, now: Instant) -> (u64, u64) {
        let origin = *self.origin.get_or_insert(now);
        let before = self.looked;
        // A clock that goes back stands still.
        let now = nanos(now.saturating_duration_since(origin)).max(before);
        let (old, new) = (before / self.part, now / self.part);
        // Each place of the ring once, however many parts there were.
        for number in old + 1..=new.min(old + self.count()) {
            let at = self.place(number);
            let gone = std::mem::take(&mut self.parts[at]);
            self.sum.successes -= gone.successes;
            self.sum.failures -= gone.failures;
        }
        self.looked = now;
        (before, now)
    }

    fn spread(&mut self, successes: u64, from: u64, to: u64) {
        let newest = to / self.part;
        if from == to || successes == 0 {
            self.add_to(newest, count(successes, 0));
            return;
        }
        let oldest = newest.saturating_sub(self.count() - 1);
        // How many there were before this moment.
        let until = |moment: u64| {
            let passed = u128::from(moment.clamp(from, to) - from);
            let before = u128::from(successes) * passed / u128::from(to - from);
            u64::try_from(before).unwrap_or(successes)
        };
        let mut before = match oldest {
            0 => 0,
            oldest => until(oldest * self.part),
        };
        for number in oldest.max(from / self.part)..=newest {
            let end = if number == newest {
                successes
            } else {
                until((number + 1).saturating_mul(self.part))
            };
            self.add_to(number, count(end - before, 0));
            before = end;
        }
    }

    fn add_to(&mut self, number: u64, counts: Counts) {
        let at = self.place(number);
        for to in [&mut self.parts[at], &mut self.sum] {
            to.successes += counts.successes;
            to.failures += counts.failures;
        }
    }

    fn place(&self, number: u64) -> usize {
        usize::try_from(number % self.count()).unwrap_or(0)
    }

    fn count(&self) -> u64 {
        u64::try_from(self.parts.len()).unwrap_or(u64::MAX)
    }
}

fn count(successes: u64, failures: u64) -> Counts {
    Counts {
        successes,
        failures,
    }
}

fn nanos(length: Duration) -> u64 {
    u64::try_from(length.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
#[allow(
    clippy::disallowed_methods,
    reason = "some moment to count from, of no clock that goes on"
)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn what_is_older_than_the_window_is_forgotten() {
        let begin = Instant::now();
        let mut window = Window::new(10 * SECOND, 10);
        for second in 0..20_u32 {
            window.look(begin + second * SECOND, 0);
            window.add(true);
            assert_eq!(window.sum().failures, u64::from(second + 1).min(10));
        }
        window.look(begin + 28 * SECOND, 0);
        assert_eq!(window.sum(), count(0, 1));
        window.look(begin + 1000 * SECOND, 0);
        assert_eq!(window.sum(), count(0, 0));
    }

    #[test]
    fn successes_are_spread_over_the_time_between_two_looks() {
        let begin = Instant::now();
        let mut window = Window::new(10 * SECOND, 10);
        window.look(begin, 0);
        window.look(begin + 5 * SECOND, 50);
        assert_eq!(window.sum(), count(50, 0));
        // Ten of the first fifty have gone by the end of the first second, which has begun anew here.
        window.look(begin + 10 * SECOND, 50);
        assert_eq!(window.sum(), count(40, 0));
        // A hundred seconds with ten each, of which nine and a moment are there.
        window.look(begin + 110 * SECOND, 1050);
        assert_eq!(window.sum(), count(90, 0));
        window.look(begin + 110 * SECOND, 1053);
        assert_eq!(window.sum(), count(93, 0));
    }

    /// Against a list of all that happened.
    #[test]
    fn the_window_is_that_of_a_list() {
        let begin = Instant::now();
        let mut state = 7_u64;
        let mut next = |below: u64| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 33) % below
        };
        for (length, parts) in [(1_u64, 1_usize), (7, 3), (100, 10), (1_000_000, 10)] {
            let mut window = Window::new(Duration::from_nanos(length), parts);
            let part = (length / parts as u64).max(1);
            window.skip(begin, 0);
            let (mut now, mut all) = (0, Vec::new());
            for _ in 0..2_000 {
                now += next(part * 3);
                // Successes at the moment of the look are counted by hand.
                window.skip(begin + Duration::from_nanos(now), 0);
                let failed = next(2) == 0;
                window.add(failed);
                all.push((now / part, failed));
                let newest = all.iter().map(|(number, _)| number).max().copied();
                all.retain(|(number, _)| number + parts as u64 > newest.unwrap_or(0));
                let failures = all.iter().filter(|(_, failed)| *failed).count() as u64;
                assert_eq!(window.sum(), count(all.len() as u64 - failures, failures));
            }
        }
    }

    #[test]
    fn any_length_and_any_clock_will_do() {
        let begin = Instant::now();
        for length in [Duration::from_nanos(1), Duration::MAX] {
            let mut window = Window::new(length, 10);
            window.look(begin + SECOND, 5);
            window.add(true);
            window.look(begin, 6);
            window.add(true);
            assert_eq!(window.sum(), count(6, 2), "{length:?}");
            assert!(window.bad(0.2) > 0.0);
        }
    }
}
