//! Several threads at once, by seeds.
#![allow(
    clippy::disallowed_methods,
    reason = "threads that no runtime drives; and how often it is repeated is for whoever runs it"
)]

use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::Poll;
use std::thread;

use aiomisc::context::{Context, Key};
use futures::executor::block_on;
use futures::{FutureExt, poll};

use super::common::{LIMIT, limited};

const KEYS: [Key<Life>; 3] = [Key::new("a"), Key::new("b"), Key::new("c")];
const READERS: u64 = 4;
const TURNS: u64 = 300;

/// A value, counted among those alive.
struct Life {
    number: u64,
    alive: &'static AtomicU64,
}

impl Life {
    fn new(number: u64, alive: &'static AtomicU64) -> Self {
        alive.fetch_add(1, Ordering::SeqCst);
        Self { number, alive }
    }
}

impl Clone for Life {
    fn clone(&self) -> Self {
        Self::new(self.number, self.alive)
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        self.alive.fetch_sub(1, Ordering::SeqCst);
    }
}

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
    1..1 + 10 * times.and_then(|times| times.parse().ok()).unwrap_or(1)
}

/// One thread sets each key to growing numbers, and removes it now and then; others read, wait, and
/// give up waiting. Every wait ends, nobody reads what is older than what was there when it asked.
#[test]
fn waits_end_and_values_are_never_old() {
    limited(LIMIT, || seeds().for_each(waits_end));
}

fn waits_end(seed: u64) {
    let alive: &'static AtomicU64 = Box::leak(Box::default());
    let context = Context::new();
    let (done, latest) = (AtomicBool::new(false), KEYS.map(|_| AtomicU64::new(0)));
    thread::scope(|scope| {
        for (key, latest) in KEYS.iter().zip(&latest) {
            let (context, done) = (&context, &done);
            scope.spawn(move || {
                let mut random = Random(seed * 1000 + latest.as_ptr() as u64);
                for number in 1.. {
                    context.set(key, Life::new(number, alive));
                    latest.store(number, Ordering::SeqCst);
                    if done.load(Ordering::SeqCst) {
                        return;
                    }
                    if random.below(3) == 0 {
                        let removed = context.remove(key).map(|life| life.number);
                        assert_eq!(removed, Some(number), "seed {seed}");
                    }
                    thread::yield_now();
                }
            });
        }
        let readers: Vec<_> = (0..READERS)
            .map(|reader| {
                let (context, latest) = (&context, &latest);
                scope.spawn(move || {
                    let mut random = Random(seed * 100 + reader + 1);
                    for _ in 0..TURNS {
                        let at = random.below(3) as usize;
                        let before = latest[at].load(Ordering::SeqCst);
                        let got = match random.below(4) {
                            0 => context.try_get(&KEYS[at]),
                            1 => context.get(&KEYS[at]).now_or_never().map(Result::unwrap),
                            2 => block_on(give_up_once(context, &KEYS[at])),
                            _ => Some(block_on(context.get(&KEYS[at])).unwrap()),
                        };
                        if let Some(life) = got {
                            assert!(life.number >= before, "seed {seed}");
                        }
                    }
                })
            })
            .collect();
        let ended: Vec<_> = readers.into_iter().map(|reader| reader.join()).collect();
        done.store(true, Ordering::SeqCst);
        assert!(ended.iter().all(Result::is_ok), "seed {seed}");
    });
    assert_eq!(context.waiting().len(), 0, "seed {seed}");
    assert_eq!(
        context.statistics().get.total(),
        READERS * TURNS,
        "seed {seed}"
    );
    let set: u64 = latest.iter().map(|n| n.load(Ordering::SeqCst)).sum();
    assert_eq!(context.statistics().set.total(), set, "seed {seed}");
    assert_eq!(
        alive.load(Ordering::SeqCst),
        KEYS.len() as u64,
        "seed {seed}"
    );
    context.close();
    assert_eq!(alive.load(Ordering::SeqCst), 0, "seed {seed}");
}

/// Waits until it is woken once, and then may be too late.
async fn give_up_once(context: &Context, key: &Key<Life>) -> Option<Life> {
    let mut wait = context.get(key);
    if let Poll::Ready(value) = poll!(&mut wait) {
        return value.ok();
    }
    let mut woken = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut woken, true) {
            return Poll::Ready(());
        }
        match wait.poll_unpin(cx) {
            Poll::Ready(_) => Poll::Ready(()),
            Poll::Pending => Poll::Pending,
        }
    })
    .await;
    None
}

/// Who begins to wait while the context is closed is told so as well.
#[test]
fn no_wait_outlasts_the_closing() {
    limited(LIMIT, || seeds().for_each(closing_ends_waits));
}

fn closing_ends_waits(seed: u64) {
    for round in 0..20 {
        let context = Context::new();
        let keys: Vec<Key<u64>> = (0..READERS)
            .map(|reader| Key::new(["p", "q", "r", "s"][reader as usize]))
            .collect();
        let begun = std::sync::Barrier::new(READERS as usize + 1);
        thread::scope(|scope| {
            for key in &keys {
                scope.spawn(|| {
                    begun.wait();
                    assert!(block_on(context.get(key)).unwrap_err().is_closed());
                });
            }
            begun.wait();
            for _ in 0..Random(seed * 100 + round + 1).below(50) {
                thread::yield_now();
            }
            context.close();
        });
    }
}
