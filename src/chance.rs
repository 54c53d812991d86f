use std::time::Duration;

use crate::runtime::Runtime;

/// Numbers by chance, drawn from the one seed of a runtime: the same ones in each simulation of one
/// seed. SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014).
#[derive(Debug)]
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn of(runtime: &Runtime) -> Self {
        Self(runtime.backend().seed())
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A share of the whole, from 0 to just below 1.
    pub(crate) fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A duration up to this one, any of them as likely as another.
    pub(crate) fn up_to(&mut self, most: Duration) -> Duration {
        // The upper half of a product of 64 by 128 bits, which fits: a duration has fewer than 95.
        let nanos = most.as_nanos();
        let share = u128::from(self.next() >> 32);
        let nanos = (nanos * share) >> 32;
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_reference() {
        let mut chance = Chance(1_234_567);
        let numbers = [chance.next(), chance.next(), chance.next()];
        assert_eq!(
            numbers,
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423
            ]
        );
    }

    #[test]
    fn shares_are_of_one() {
        let mut chance = Chance(1);
        let shares: Vec<_> = (0..100).map(|_| chance.share()).collect();
        assert!(shares.iter().all(|share| (0.0..1.0).contains(share)));
        assert!(shares.iter().any(|share| *share < 0.1) && shares.iter().any(|share| *share > 0.9));
    }

    #[test]
    fn durations_stay_below_their_limit() {
        let mut chance = Chance(1);
        for most in [0, 1, 1_000_000, u64::MAX].map(Duration::from_nanos) {
            assert!((0..100).all(|_| chance.up_to(most) <= most));
        }
        let drawn: Vec<_> = (0..100)
            .map(|_| chance.up_to(Duration::from_secs(100)).as_secs())
            .collect();
        assert!(drawn.iter().any(|secs| *secs < 10) && drawn.iter().any(|secs| *secs > 90));
    }
}
