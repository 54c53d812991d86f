//! Callers that go at any moment.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aiomisc::thread::{Separate, ThreadPool, sync_wait};
use aiomisc::{Runtime, time};
use futures::future::join_all;
use std::time::Duration;

use super::shared::dice::Dice;
use super::shared::given_up::polled;
use super::until;

/// Counts closures that are there, and jobs that have run.
#[derive(Clone, Default)]
struct Counts(Arc<(AtomicUsize, AtomicUsize)>);

struct Alive(Counts);

impl Counts {
    fn alive(&self) -> Alive {
        self.0.0.fetch_add(1, Ordering::SeqCst);
        Alive(self.clone())
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.0.0.fetch_sub(1, Ordering::SeqCst);
    }
}

async fn one_caller(pool: ThreadPool, counts: Counts, seed: u64) {
    let mut dice = Dice::new(seed);
    for _ in 0..20 {
        let alive = counts.alive();
        let wait = Duration::from_micros(dice.below(3) as u64);
        let job = move || {
            let alive = alive;
            // The pool may be cut off meanwhile.
            let _ = sync_wait(time::sleep(wait));
            alive.0.0.1.fetch_add(1, Ordering::SeqCst);
        };
        let polls = dice.below(4);
        match dice.below(4) {
            0 => drop(polled(pool.run(job), polls).await),
            1 => drop(polled(Separate::new().run(job), polls).await),
            2 => match polled(pool.submit(job), polls).await {
                Some(Ok(job)) if polls.is_multiple_of(2) => job.detach(),
                Some(Ok(job)) => drop(job.await),
                Some(Err(_)) | None => {}
            },
            _ => {
                if let Ok(job) = pool.submit(job).await {
                    let _ = job.await;
                }
            }
        }
    }
}

async fn callers_that_go(seed: u64) {
    let pool = ThreadPool::builder()
        .size(3)
        .queue_limit(4)
        .build()
        .unwrap();
    let counts = Counts::default();
    let callers: Vec<_> = (0..8)
        .map(|number| {
            aiomisc::spawn(one_caller(
                pool.clone(),
                counts.clone(),
                seed * 100 + number,
            ))
        })
        .collect();
    if seed.is_multiple_of(2) {
        for caller in join_all(callers).await {
            caller.unwrap();
        }
    } else {
        // The pool goes first.
        time::sleep(Duration::from_micros(5)).await;
        drop(polled(pool.shutdown(true), 1).await);
        for caller in join_all(callers).await {
            caller.unwrap();
        }
    }
    pool.shutdown(true).await.unwrap();
    assert_eq!((pool.running(), pool.waiting()), (0, 0));
    until(|| counts.0.0.load(Ordering::SeqCst) == 0).await;
    assert!(counts.0.1.load(Ordering::SeqCst) > 0);
}

#[test]
fn nothing_is_lost_or_left_when_callers_go_at_any_moment() {
    for runtime in super::shared::runtimes() {
        for seed in 0..6 {
            runtime.block_on(callers_that_go(seed));
        }
    }
}

#[cfg(feature = "simulation")]
#[test]
fn nor_in_any_order_of_a_simulation() {
    for seed in 0..30 {
        let simulation = aiomisc::adapters::Simulation::builder().seed(seed).build();
        Runtime::from(simulation).block_on(callers_that_go(seed));
    }
}

/// One seed, one order, with jobs that wait in the middle.
#[cfg(feature = "simulation")]
#[test]
fn in_a_simulation_the_order_depends_on_the_seed_alone() {
    let order = |seed| {
        let simulation = aiomisc::adapters::Simulation::builder().seed(seed).build();
        let order = Arc::new(std::sync::Mutex::new(Vec::new()));
        Runtime::from(simulation).block_on(async {
            let pool = ThreadPool::new(4).unwrap();
            let jobs = (0..10).map(|number| {
                let order = Arc::clone(&order);
                pool.run(move || {
                    order.lock().unwrap().push(number);
                    sync_wait(time::sleep(Duration::from_millis(1))).unwrap();
                    order.lock().unwrap().push(100 + number);
                })
            });
            join_all(jobs.collect::<Vec<_>>()).await;
        });
        std::mem::take(&mut *order.lock().unwrap())
    };
    let orders: std::collections::BTreeSet<_> = (0..20).map(order).collect();
    assert!(orders.len() > 10, "seeds make a difference");
    for seed in 0..20 {
        assert_eq!(order(seed), order(seed));
    }
}

/// What stands still is found, and the jobs are named.
#[cfg(feature = "simulation")]
#[test]
#[should_panic(expected = "blocking job `waits for ever` waits")]
fn a_simulation_names_the_jobs_that_stand_still() {
    let simulation = aiomisc::adapters::Simulation::new(1);
    Runtime::from(simulation).block_on(async {
        let pool = ThreadPool::new(1).unwrap();
        let job = pool.run_as("waits for ever", || sync_wait(std::future::pending::<()>()));
        let _ = job.await;
    });
}
