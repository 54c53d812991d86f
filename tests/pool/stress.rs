//! Callers that go at any moment, and a manager that does anything.

use std::time::Duration;

use aiomisc::{Pool, PoolManager, Runtime, time};
use futures::future::join_all;

use super::lab::{Lab, until};
use super::shared::dice::Dice;
use super::shared::given_up::polled;
use super::shared::runtimes;
use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Throws dice for everything that it does.
struct Wild {
    dice: Mutex<Dice>,
    alive: AtomicUsize,
    most: AtomicUsize,
}

struct Counted;

impl Wild {
    async fn act(&self) -> io::Result<bool> {
        let (does, wait) = {
            let mut dice = self.dice.lock().unwrap();
            (dice.below(12), dice.below(3))
        };
        for _ in 0..wait {
            ::smol::future::yield_now().await;
        }
        match does {
            0 => Err(io::Error::other("wild")),
            1 => Ok(false),
            2 => std::panic::resume_unwind(Box::new("wild")),
            3 => {
                time::sleep(Duration::from_micros(20)).await;
                Ok(true)
            }
            _ => Ok(true),
        }
    }
}

impl PoolManager for Wild {
    type Object = Counted;
    type Error = io::Error;

    async fn create(&self) -> io::Result<Counted> {
        self.act().await?;
        let alive = self.alive.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(alive, Ordering::SeqCst);
        Ok(Counted)
    }

    async fn check(&self, _: &mut Counted) -> io::Result<bool> {
        self.act().await
    }

    async fn destroy(&self, _: Counted) -> io::Result<()> {
        // Whatever comes of it, it is gone.
        self.alive.fetch_sub(1, Ordering::SeqCst);
        self.act().await.map(drop)
    }
}

async fn one_caller(pool: Pool<Wild>, seed: u64) {
    let mut dice = Dice::new(seed);
    for _ in 0..50 {
        let polls = dice.below(6);
        let got = match dice.below(3) {
            0 => polled(pool.acquire(), polls).await,
            1 => polled(pool.acquire_within(Duration::from_micros(30)), 100).await,
            _ => Some(pool.acquire().await),
        };
        if let Some(Ok(object)) = got {
            for _ in 0..dice.below(3) {
                ::smol::future::yield_now().await;
            }
            if dice.below(10) == 0 {
                object.discard();
            }
        }
    }
}

async fn callers_that_go(seed: u64) {
    let wild = Wild {
        dice: Mutex::new(Dice::new(seed)),
        alive: AtomicUsize::new(0),
        most: AtomicUsize::new(0),
    };
    let mut builder = Pool::builder(wild).maximum(3).name("wild");
    if seed.is_multiple_of(3) {
        builder = builder.recycle(Duration::from_micros(50));
    }
    if seed.is_multiple_of(2) {
        let idle = Duration::from_micros(40);
        builder = builder.minimum_idle(2).idle_timeout(idle);
    }
    let pool = builder.build().unwrap();
    let callers =
        (0..8).map(|number| aiomisc::spawn(one_caller(pool.clone(), seed * 100 + number)));
    for caller in join_all(callers.collect::<Vec<_>>()).await {
        caller.unwrap();
    }
    assert_eq!(pool.status().waiting, 0);
    assert!(
        pool.manager().most.load(Ordering::SeqCst) <= 6,
        "twice the maximum"
    );
    if !seed.is_multiple_of(2) {
        // What is idle for too long is destroyed meanwhile.
        until(|| {
            let status = pool.status();
            status.in_use == 0
                && status.destroying == 0
                && pool.manager().alive.load(Ordering::SeqCst) == status.idle
        })
        .await;
    }
    // All places are there, each for one who asks.
    let mut things = Vec::new();
    while things.len() < 3 {
        things.extend(pool.acquire().await);
    }
    drop(things);
    pool.close(Duration::from_secs(30)).await.unwrap();
    let statistics = pool.statistics();
    assert_eq!(pool.manager().alive.load(Ordering::SeqCst), 0);
    assert_eq!(statistics.created.total(), statistics.destroyed.total());
    assert_eq!((pool.status().size, pool.status().destroying), (0, 0));
}

#[test]
fn nothing_is_lost_when_callers_go_at_any_moment() {
    for runtime in runtimes() {
        for seed in 0..12 {
            runtime.block_on(callers_that_go(seed));
        }
    }
}

#[cfg(feature = "simulation")]
#[test]
fn nor_in_any_order_of_a_simulation() {
    for seed in 0..rounds(60) {
        let simulation = aiomisc::adapters::Simulation::builder().seed(seed).build();
        Runtime::from(simulation).block_on(callers_that_go(seed));
    }
}

/// How many seeds: more in the long tier.
#[cfg(feature = "simulation")]
#[allow(
    clippy::disallowed_methods,
    reason = "how much is tested is the caller's affair"
)]
fn rounds(few: u64) -> u64 {
    let factor = std::env::var("AIOMISC_STRESS").ok();
    few * factor.and_then(|text| text.parse().ok()).unwrap_or(1)
}

/// A call that is dropped after every number of polls, in every state that the pool can be in.
#[aiomisc::test(runtimes(all))]
async fn a_call_is_dropped_at_every_await_point() {
    use super::lab::{Takes, several};
    use super::shared::given_up::give_up;
    let short = Duration::from_micros(200);
    for polls in 0..8 {
        for state in 0..3 {
            let lab = Lab::new();
            let pool = lab.pool(1);
            if state > 0 {
                drop(several(&pool, 1).await);
            }
            lab.creates(Takes(short)).checks(Takes(short));
            let held = match state {
                2 => Some(pool.acquire().await.unwrap()),
                _ => None,
            };
            let mut call = Box::pin(pool.acquire());
            let first = give_up(polls, call.as_mut()).await;
            drop(held);
            let second = match first {
                None => give_up(polls, call).await,
                first => first,
            };
            drop(second);
            let got = pool.acquire().await.expect("its place is there");
            assert_eq!(pool.status().size, 1);
            drop(got);
            until(|| lab.alive() == 1).await;
        }
    }
}
