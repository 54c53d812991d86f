//! Several threads at once, by seeds.
#![allow(
    clippy::disallowed_methods,
    reason = "how often it is repeated is for whoever runs it"
)]

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use aiomisc::statistics::{Instance, Value};
use aiomisc::{statistic, statistics};

statistic! {
    /// Of the stress test.
    struct StressStatistic {
        counter: Counter,
        gauge: Gauge,
        sum: Sum,
        took: Histogram,
    }
}

const WRITERS: u64 = 6;
const TURNS: u64 = 2_000;

/// Marsaglia's xorshift64.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

fn seeds() -> std::ops::Range<u64> {
    let times = std::env::var("AIOMISC_STRESS").ok();
    let times: u64 = times.map_or(1, |times| times.parse().unwrap());
    0..5 * times
}

/// Writers change figures that all share, and make and drop some of their own; readers go through all
/// of it meanwhile.
#[test]
fn nothing_is_lost_or_left_behind() {
    let _alone = super::alone();
    for seed in seeds() {
        let shared: Vec<_> = (0..3).map(|_| StressStatistic::new("shared")).collect();
        let done = AtomicBool::new(false);
        let written = thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| read_until(&done));
            }
            let shared = &shared;
            let writers: Vec<_> = (0..WRITERS)
                .map(|number| scope.spawn(move || write(shared, seed * WRITERS + number)))
                .collect();
            let written: Vec<_> = writers.into_iter().map(|writer| writer.join()).collect();
            done.store(true, Ordering::SeqCst);
            written
        });
        let mut expected = [0; 3];
        for counts in written {
            let counts = counts.unwrap();
            expected.iter_mut().zip(counts).for_each(|(e, c)| *e += c);
        }
        for (statistic, expected) in shared.iter().zip(expected) {
            assert_eq!(statistic.counter.total(), expected, "seed {seed}");
            assert_eq!(statistic.sum.total(), Duration::from_nanos(expected));
            assert_eq!(statistic.took.distribution().count(), expected);
            assert_eq!(statistic.gauge.value(), 0, "seed {seed}");
        }
        let left: HashSet<_> = statistics()
            .of_kind::<StressStatistic>()
            .map(|figure| figure.name)
            .collect();
        assert_eq!(left, HashSet::from([Some("shared".into())]), "seed {seed}");
    }
}

/// Gives what was added to each of those that are shared.
fn write(shared: &[Instance<StressStatistic>], seed: u64) -> [u64; 3] {
    let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let mut added = [0; 3];
    let mut own = Vec::new();
    for turn in 0..TURNS {
        let which = usize::try_from(random.below(3)).unwrap();
        let (one, amount) = (&shared[which], random.below(4));
        let _held = one.gauge.hold();
        one.counter.add(amount);
        one.sum.add(Duration::from_nanos(amount));
        (0..amount).for_each(|_| {
            one.took
                .observe(Duration::from_micros(random.below(1_000_000)))
        });
        added[which] += amount;
        match random.below(4) {
            0 => {
                let mine = StressStatistic::new("own");
                assert_eq!(mine.counter.total(), 0, "the place is clean");
                own.push((mine, 0));
            }
            1 => {
                if let Some((mine, count)) = own.pop() {
                    assert_eq!(mine.counter.total(), count, "nobody else writes there");
                }
            }
            _ => {
                if let Some((mine, count)) = own.last_mut() {
                    mine.counter.add(turn);
                    *count += turn;
                }
            }
        }
    }
    added
}

/// What is read of one counter never goes down.
fn read_until(done: &AtomicBool) {
    let mut latest = [0; 3];
    while !done.load(Ordering::SeqCst) {
        let shared = statistics().of_kind::<StressStatistic>().filter(|figure| {
            figure.name.as_deref() == Some("shared") && figure.metric == "counter"
        });
        for (before, figure) in latest.iter_mut().zip(shared) {
            let Value::Counter(now) = figure.value else {
                panic!("{figure} is no counter");
            };
            assert!(*before <= now, "{before} {now}");
            *before = now;
        }
    }
}
