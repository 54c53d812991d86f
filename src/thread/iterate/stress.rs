//! The bridge by itself, between two real threads, in many rounds.
#![allow(
    clippy::disallowed_methods,
    reason = "threads that no runtime drives; and how often it is repeated is for whoever runs it"
)]

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::bridge::{self, Consumer, Producer};
use super::statistic::IteratorStatistic;
use crate::runtime::park_until;

/// Marsaglia's xorshift64.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).expect("31 bits") % limit
    }

    /// Lets the other side come first, now and then.
    fn pause(&mut self) {
        match self.below(40) {
            0 => thread::yield_now(),
            1 => (0..self.below(500)).for_each(|_| std::hint::spin_loop()),
            _ => {}
        }
    }
}

fn rounds() -> u64 {
    let times = std::env::var("AIOMISC_STRESS").ok();
    300 * times.and_then(|times| times.parse().ok()).unwrap_or(1)
}

/// An item, and the count of those that live.
struct Life(usize, Arc<AtomicUsize>);

impl Life {
    fn new(number: usize, alive: &Arc<AtomicUsize>) -> Self {
        alive.fetch_add(1, Ordering::SeqCst);
        Self(number, Arc::clone(alive))
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        self.1.fetch_sub(1, Ordering::SeqCst);
    }
}

fn next(consumer: &mut Consumer<Life>) -> Option<Life> {
    let mut item = None;
    park_until(pin!(async {
        item = poll_fn(|cx| consumer.poll_next(cx)).await;
    }));
    item
}

/// Sends so many items, or fewer if the consumer goes; how many were sent.
fn produce(
    mut producer: Producer<Life>,
    count: usize,
    alive: &Arc<AtomicUsize>,
    seed: u64,
) -> usize {
    let mut random = Random(seed);
    for number in 0..count {
        random.pause();
        if producer.send(Life::new(number, alive)).is_err() {
            return number;
        }
    }
    count
}

fn sizes(seed: u64) -> (usize, usize, Random) {
    let mut random = Random(seed);
    let max_size = [0, 1, 2, 3, 8, 64][random.below(6)];
    (max_size, random.below(2000), random)
}

#[test]
fn nothing_is_lost_and_the_order_is_kept() {
    for seed in 1..=rounds() {
        let (max_size, count, mut random) = sizes(seed);
        let alive = Arc::new(AtomicUsize::new(0));
        let (producer, mut consumer) = bridge::new(max_size, IteratorStatistic::unnamed());
        thread::scope(|scope| {
            let produced = scope.spawn(|| produce(producer, count, &alive, seed << 8));
            for expected in 0..count {
                random.pause();
                let item = next(&mut consumer).expect("it is not the end");
                assert_eq!(item.0, expected, "seed {seed}");
                if max_size > 0 {
                    // One that is taken, and one in the hands of the producer, which waits.
                    let alive = alive.load(Ordering::SeqCst);
                    assert!(alive <= max_size + 2, "seed {seed}: {alive} of {max_size}");
                }
            }
            assert!(next(&mut consumer).is_none(), "seed {seed}");
            assert!(next(&mut consumer).is_none(), "seed {seed}");
            assert_eq!(produced.join().expect("no panic"), count);
        });
        assert_eq!(alive.load(Ordering::SeqCst), 0);
    }
}

#[test]
fn a_consumer_that_goes_ends_the_producer_and_nothing_is_left() {
    for seed in 1..=rounds() {
        let (max_size, _, mut random) = sizes(seed);
        let until = random.below(200);
        let alive = Arc::new(AtomicUsize::new(0));
        let (producer, mut consumer) = bridge::new(max_size, IteratorStatistic::unnamed());
        thread::scope(|scope| {
            let produced = scope.spawn(|| produce(producer, usize::MAX, &alive, seed << 8));
            for expected in 0..until {
                random.pause();
                let item = next(&mut consumer).expect("it has no end");
                assert_eq!(item.0, expected, "seed {seed}");
            }
            let (left, _) = consumer.close();
            let ahead = left.len();
            for (item, expected) in left.into_iter().zip(until..) {
                assert_eq!(item.0, expected, "seed {seed}");
            }
            assert_eq!(
                produced.join().expect("no panic"),
                until + ahead,
                "seed {seed}"
            );
        });
        assert_eq!(alive.load(Ordering::SeqCst), 0, "seed {seed}");
    }
}
