/// A stream of numbers that a seed determines.
///
/// SplitMix64, after Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators",
/// OOPSLA 2014; the constants are those of the variant 13 of Stafford's mixers, named there.
#[derive(Clone, Debug)]
pub(super) struct Chance(u64);

impl Chance {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A stream that goes its own way: what is drawn from it does not disturb this one.
    pub(super) fn split(&mut self) -> Self {
        Self(self.next())
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below this one, which is above zero.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        if bound <= 1 {
            return 0;
        }
        // The high half of the product (Lemire 2019), whose bias is of no account here.
        let product = u128::from(self.next()) * bound as u128;
        (product >> 64) as usize
    }

    /// A number in this range, both ends included.
    pub(super) fn between(&mut self, (low, high): (u64, u64)) -> u64 {
        if low >= high {
            return low;
        }
        let product = u128::from(self.next()) * (u128::from(high - low) + 1);
        low + (product >> 64) as u64
    }

    /// Whether what has this probability happens; nothing is drawn for what is certain.
    pub(super) fn hits(&mut self, probability: f64) -> bool {
        const UNIT: f64 = 1.0 / (1_u64 << 53) as f64;
        probability >= 1.0
            || (probability > 0.0 && ((self.next() >> 11) as f64) * UNIT < probability)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_the_paper_and_within_bounds() {
        // The reference implementation gives these for the seed 1234567.
        let mut chance = Chance::new(1_234_567);
        assert_eq!(chance.next(), 6_457_827_717_110_365_317);
        assert_eq!(chance.next(), 3_203_168_211_198_807_973);
        let mut seen = [0; 5];
        for _ in 0..5_000 {
            seen[chance.below(5)] += 1;
            assert!((7..=9).contains(&chance.between((7, 9))));
        }
        assert!(
            seen.iter().all(|&count| (800..1200).contains(&count)),
            "{seen:?}"
        );
        let hits = (0..10_000).filter(|_| chance.hits(0.3)).count();
        assert!((2_700..3_300).contains(&hits), "{hits}");
        assert!(chance.hits(1.0) && !chance.hits(0.0));
    }
}
