use std::time::Duration;

use super::error::InvalidSetting;
use crate::chance::Chance;

/// The longest pause of a sequence that grows, where none is set.
const LONGEST: Duration = Duration::from_secs(30);

/// How long to wait between one attempt and the next.
///
/// | shape | the pauses, before chance | default cap |
/// |---|---|---|
/// | [`none`](Self::none) | 0 | |
/// | [`constant`](Self::constant) | `first`, each time | |
/// | [`linear`](Self::linear) | `first`, 2 `first`, 3 `first`, … | 30 s, or `first` if that is longer |
/// | [`exponential`](Self::exponential) | `first`, 2 `first`, 4 `first`, … ([`factor`](Self::factor): 2) | the same |
///
/// The jitter is [none](Jitter::None) unless it is [set](Self::jitter); without one, those who fail together
/// also try again together. A `Duration` is a constant pause.
///
/// ```
/// use aiomisc::retry::{Jitter, Pause};
/// use std::time::Duration;
///
/// let pause = Pause::exponential(Duration::from_millis(100))
///     .cap(Duration::from_secs(5))
///     .jitter(Jitter::Full);
/// ```
///
/// The default is what [`Backoff::builder`](super::Backoff::builder) begins with: exponential, from 100 ms up
/// to 30 s, with full jitter.
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use]
pub struct Pause {
    shape: Shape,
    first: Duration,
    cap: Option<Duration>,
    jitter: Jitter,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Shape {
    Constant,
    Linear,
    Exponential { factor: f64 },
}

/// How chance changes a pause, after Marc Brooker, "Exponential Backoff And Jitter" (AWS Architecture Blog,
/// 2015).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Jitter {
    /// Not at all.
    #[default]
    None,
    /// It is anything between zero and its length, each length as likely as another.
    Full,
    /// It is anything between the first length and three times the pause before, up to the cap. The shape of
    /// the sequence does not matter then, but it has to be one that grows.
    Decorrelated,
}

impl Pause {
    /// No pause: other tasks have a turn between two attempts, and that is all.
    pub const fn none() -> Self {
        Self::constant(Duration::ZERO)
    }

    /// The same pause each time.
    pub const fn constant(pause: Duration) -> Self {
        Self::shaped(Shape::Constant, pause)
    }

    /// Pauses that grow by the first one.
    pub const fn linear(first: Duration) -> Self {
        Self::shaped(Shape::Linear, first)
    }

    /// Pauses of which each is twice as long as the one before, or as [`factor`](Self::factor) says.
    pub const fn exponential(first: Duration) -> Self {
        Self::shaped(Shape::Exponential { factor: 2.0 }, first)
    }

    const fn shaped(shape: Shape, first: Duration) -> Self {
        Self {
            shape,
            first,
            cap: None,
            jitter: Jitter::None,
        }
    }

    /// Sets how much longer each pause is than the one before: 1 or more. It is about those that are
    /// [`exponential`](Self::exponential), and makes others so.
    pub const fn factor(mut self, factor: f64) -> Self {
        self.shape = Shape::Exponential { factor };
        self
    }

    /// Sets the longest pause, which must not be shorter than the first.
    pub const fn cap(mut self, longest: Duration) -> Self {
        self.cap = Some(longest);
        self
    }

    /// Sets the jitter.
    pub const fn jitter(mut self, jitter: Jitter) -> Self {
        self.jitter = jitter;
        self
    }

    pub(super) fn check(&self) -> Result<(), InvalidSetting> {
        if let Some(cap) = self.cap
            && cap < self.first
        {
            let expected = format!("at least the first pause, {:?}", self.first);
            return Err(InvalidSetting::new("cap of the pause", expected, cap));
        }
        if let Shape::Exponential { factor } = self.shape
            && !(factor.is_finite() && factor >= 1.0)
        {
            let expected = "a number of at least 1";
            return Err(InvalidSetting::new("factor of the pause", expected, factor));
        }
        if self.shape == Shape::Constant && self.jitter == Jitter::Decorrelated {
            let expected = "none or full for a constant pause";
            let got = "decorrelated, which needs one that grows";
            return Err(InvalidSetting::said("jitter of the pause", expected, got));
        }
        Ok(())
    }

    fn longest(&self) -> Duration {
        match (self.cap, self.shape) {
            (Some(cap), _) => cap,
            (None, Shape::Constant) => self.first,
            (None, _) => self.first.max(LONGEST),
        }
    }

    /// How long the pause after so many attempts is, before chance; never longer than the cap.
    fn after(&self, attempts: u32) -> Duration {
        let length = match self.shape {
            Shape::Constant => self.first,
            Shape::Linear => self.first.saturating_mul(attempts),
            Shape::Exponential { factor } => {
                let exponent = i32::try_from(attempts - 1).unwrap_or(i32::MAX);
                let growth = factor.powi(exponent);
                let length = Duration::try_from_secs_f64(self.first.as_secs_f64() * growth);
                // Zero times infinity is no number, but no pause either.
                let beyond = if self.first.is_zero() {
                    self.first
                } else {
                    Duration::MAX
                };
                length.unwrap_or(beyond)
            }
        };
        length.min(self.longest())
    }

    /// The pause after so many attempts (from 1 on). `before` is the one before it, and becomes this one.
    pub(super) fn draw(
        &self,
        attempts: u32,
        before: &mut Option<Duration>,
        chance: impl FnOnce(Duration) -> Duration,
    ) -> Duration {
        let pause = match self.jitter {
            Jitter::None => self.after(attempts),
            Jitter::Full => match self.after(attempts) {
                Duration::ZERO => Duration::ZERO,
                longest => chance(longest),
            },
            Jitter::Decorrelated => {
                let most = before.unwrap_or(self.first).saturating_mul(3);
                let most = most.min(self.longest()).max(self.first);
                self.first + chance(most.saturating_sub(self.first))
            }
        };
        *before = Some(pause);
        pause
    }
}

impl Default for Pause {
    fn default() -> Self {
        Self::exponential(Duration::from_millis(100)).jitter(Jitter::Full)
    }
}

impl From<Duration> for Pause {
    fn from(pause: Duration) -> Self {
        Self::constant(pause)
    }
}

/// Lengths by chance, from the seed of a runtime that is asked for one when it is needed.
#[derive(Debug, Default)]
pub(super) struct Drawn {
    chance: Option<Chance>,
    pub(super) before: Option<Duration>,
}

impl Drawn {
    pub(super) fn draw(
        &mut self,
        pause: &Pause,
        attempts: u32,
        seed: impl FnOnce() -> Chance,
    ) -> Duration {
        let chance = &mut self.chance;
        pause.draw(attempts, &mut self.before, |most| {
            chance.get_or_insert_with(seed).up_to(most)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn pauses(pause: Pause, chance: impl Fn(Duration) -> Duration) -> Vec<u128> {
        let mut before = None;
        let pauses = (1..=6).map(|n| pause.draw(n, &mut before, &chance));
        pauses.map(|pause| pause.as_millis()).collect()
    }

    #[test]
    fn each_shape_has_its_sequence() {
        let plain = |pause| pauses(pause, |_| unreachable!("there is no chance in it"));
        assert_eq!(plain(Pause::none()), [0; 6]);
        assert_eq!(plain(Pause::constant(ms(7))), [7; 6]);
        assert_eq!(
            plain(Pause::linear(ms(10)).cap(ms(45))),
            [10, 20, 30, 40, 45, 45]
        );
        assert_eq!(
            plain(Pause::exponential(ms(10)).cap(ms(100))),
            [10, 20, 40, 80, 100, 100]
        );
        let thrice = Pause::exponential(ms(10)).factor(3.0);
        assert_eq!(plain(thrice), [10, 30, 90, 270, 810, 2430]);
        let slower = Pause::exponential(Duration::from_secs(20));
        assert_eq!(plain(slower)[..3], [20_000, 30_000, 30_000]);
        let slow = Pause::linear(Duration::from_secs(60));
        assert_eq!(plain(slow), [60_000; 6], "the default cap is no limit");
    }

    #[test]
    fn full_jitter_is_up_to_the_length() {
        let pause = Pause::exponential(ms(10)).jitter(Jitter::Full);
        assert_eq!(pauses(pause, |most| most), [10, 20, 40, 80, 160, 320]);
        assert_eq!(pauses(pause, |_| Duration::ZERO), [0; 6]);
    }

    #[test]
    fn decorrelated_jitter_is_between_the_first_and_three_times_the_one_before() {
        let pause = Pause::exponential(ms(10))
            .cap(ms(200))
            .jitter(Jitter::Decorrelated);
        assert_eq!(pauses(pause, |most| most), [30, 90, 200, 200, 200, 200]);
        assert_eq!(pauses(pause, |_| Duration::ZERO), [10; 6]);
        // From the fourth on three times the one before is more than the cap.
        assert_eq!(pauses(pause, |most| most / 2), [20, 35, 57, 91, 105, 105]);
    }

    #[test]
    fn lengths_that_no_duration_has_are_the_cap() {
        let endless = |pause: Pause| pause.cap(Duration::MAX);
        let pauses = [
            endless(Pause::linear(Duration::MAX)),
            endless(Pause::exponential(Duration::from_secs(1))),
            endless(Pause::exponential(ms(1)).factor(f64::MAX)),
        ];
        for pause in pauses {
            assert_eq!(pause.after(u32::MAX), Duration::MAX, "{pause:?}");
        }
        assert_eq!(Pause::exponential(Duration::ZERO).after(u32::MAX), ms(0));
        let most = endless(Pause::linear(ms(1)).jitter(Jitter::Decorrelated));
        let mut before = Some(Duration::MAX);
        assert_eq!(most.draw(1, &mut before, |most| most), Duration::MAX);
    }

    #[test]
    fn what_cannot_be_is_told() {
        let problem = |pause: Pause| pause.check().unwrap_err().to_string();
        assert_eq!(
            problem(Pause::linear(ms(10)).cap(ms(9))),
            "cap of the pause: expected at least the first pause, 10ms, got 9ms"
        );
        for factor in [0.5, -1.0, f64::NAN, f64::INFINITY] {
            let problem = problem(Pause::exponential(ms(10)).factor(factor));
            let start = "factor of the pause: expected a number of at least 1, got ";
            assert!(problem.starts_with(start), "{problem}");
        }
        assert_eq!(
            problem(Pause::constant(ms(10)).jitter(Jitter::Decorrelated)),
            "jitter of the pause: expected none or full for a constant pause, got decorrelated, \
             which needs one that grows"
        );
        assert_eq!(Pause::default().check(), Ok(()));
    }
}
