//! What a pool does in time; on the simulation, where time is exact.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use aiomisc::adapters::Simulation;
use aiomisc::pool::AcquireStage;
use aiomisc::{Runtime, time};

use super::lab::{Fails, Hangs, Lab, Takes, millis, several, until};

const SECOND: Duration = Duration::from_secs(1);

/// Waits until so many are destroyed, and gives the milliseconds, to a tenth of a second.
async fn destroyed(lab: &Lab, count: usize) -> u128 {
    let runtime = Runtime::current().unwrap();
    let begun = runtime.now();
    while lab.destroyed() < count {
        time::sleep(Duration::from_millis(100)).await;
    }
    runtime.now().duration_since(begun).as_millis()
}

#[aiomisc::test(simulation, seeds = 20)]
async fn an_idle_object_dies_between_once_and_twice_its_life() {
    let lab = Lab::new();
    let pool = lab.builder(10).recycle(100 * SECOND).build().unwrap();
    drop(several(&pool, 10).await);
    let first = destroyed(&lab, 1).await;
    let last = first + destroyed(&lab, 10).await;
    assert!((100_000..200_100).contains(&first), "{first}");
    assert!((100_000..200_100).contains(&last), "{last}");
    assert!(
        last - first > 1000,
        "they do not go together: {first} {last}"
    );
    assert_eq!((pool.status().size, lab.alive()), (0, 0));
}

#[aiomisc::test(simulation, seeds = 20)]
async fn an_idle_object_goes_between_once_and_twice_its_limit() {
    let lab = Lab::new();
    let pool = lab.builder(10).idle_timeout(100 * SECOND).build().unwrap();
    drop(several(&pool, 10).await);
    time::sleep(99 * SECOND).await;
    // The one that is used stays for longer.
    drop(pool.acquire().await.unwrap());
    let first = destroyed(&lab, 1).await;
    let nine = first + destroyed(&lab, 9).await;
    assert!((1_000..101_100).contains(&first), "{first}");
    assert!(nine <= 101_100 && nine > first, "{nine}");
    time::sleep(100 * SECOND).await;
    assert_eq!((pool.status().size, lab.alive()), (0, 0));
}

#[aiomisc::test(simulation)]
async fn an_object_that_is_lent_dies_when_it_comes_back() {
    let lab = Lab::new();
    let pool = lab.builder(1).recycle(SECOND).build().unwrap();
    let held = several(&pool, 1).await;
    time::sleep(100 * SECOND).await;
    assert_eq!(lab.alive(), 1);
    let mut waits = Box::pin(pool.acquire());
    assert!(futures::poll!(waits.as_mut()).is_pending());
    drop(held);
    assert_eq!(
        waits.await.unwrap().number,
        2,
        "one that is too old is not lent"
    );
    until(|| lab.destroyed() == 1).await;
}

#[aiomisc::test(simulation)]
async fn the_minimum_is_made_ahead_and_kept() {
    let lab = Lab::new();
    let pool = lab
        .builder(5)
        .minimum_idle(2)
        .idle_timeout(10 * SECOND)
        .build()
        .unwrap();
    assert_eq!(lab.made(), 0);
    pool.warm_up().unwrap();
    until(|| pool.status().idle == 2).await;
    let held = several(&pool, 3).await;
    until(|| pool.status().size == 5).await;
    assert_eq!((pool.status().idle, lab.made()), (2, 5));
    drop(held);
    assert_eq!(pool.status().idle, 5);
    time::sleep(21 * SECOND).await;
    assert_eq!(
        (pool.status().idle, lab.destroyed()),
        (2, 3),
        "no more than that go"
    );
    time::sleep(1000 * SECOND).await;
    assert_eq!((pool.status().idle, lab.destroyed()), (2, 3));
    // More than the minimum are idle again: the one that was kept has been idle for too long.
    let held = pool.acquire().await.unwrap();
    until(|| pool.status().idle == 2).await;
    assert_eq!(pool.status().size, 3);
    drop(held);
    time::sleep(Duration::from_millis(1)).await;
    assert_eq!((pool.status().idle, lab.destroyed()), (2, 4));
}

#[aiomisc::test(simulation)]
async fn the_minimum_is_made_again_when_objects_die() {
    let lab = Lab::new();
    let pool = lab
        .builder(5)
        .minimum_idle(2)
        .recycle(10 * SECOND)
        .build()
        .unwrap();
    pool.warm_up().unwrap();
    time::sleep(1000 * SECOND).await;
    assert_eq!(pool.status().idle, 2);
    assert!((98..=202).contains(&lab.made()), "{}", lab.made());
    assert_eq!(lab.alive(), 2);
}

#[aiomisc::test(simulation)]
async fn what_cannot_be_made_ahead_is_tried_again_after_growing_pauses() {
    let lab = Lab::new();
    lab.next_creates([Fails; 4]);
    let pool = lab.builder(1).minimum_idle(1).build().unwrap();
    pool.warm_up().unwrap();
    time::sleep(Duration::from_millis(100 + 200 + 400 + 800 - 1)).await;
    assert_eq!(pool.status().idle, 0);
    time::sleep(Duration::from_millis(2)).await;
    assert_eq!(pool.status().idle, 1);
    assert_eq!(pool.statistics().create_errors.total(), 4);
}

#[aiomisc::test(simulation)]
async fn the_limit_says_at_which_stage_it_was_over() {
    let lab = Lab::new();
    let pool = lab.builder(1).acquire_timeout(3 * SECOND).build().unwrap();

    lab.next_creates([Hangs]);
    let (took, error) = millis(pool.acquire()).await;
    assert_eq!(
        (took, error.unwrap_err().stage()),
        (3000, Some(AcquireStage::Creating))
    );

    let held = pool.acquire().await.unwrap();
    let (took, error) = millis(pool.acquire()).await;
    assert_eq!(
        (took, error.unwrap_err().stage()),
        (3000, Some(AcquireStage::Waiting))
    );
    drop(held);

    lab.next_checks([Hangs]);
    let (took, error) = millis(pool.acquire()).await;
    assert_eq!(
        (took, error.unwrap_err().stage()),
        (3000, Some(AcquireStage::Checking))
    );

    // It is one limit for all of them.
    drop(pool.acquire().await.unwrap());
    lab.next_checks([Takes(2 * SECOND), Fails]);
    lab.creates(Takes(2 * SECOND));
    let held = pool.acquire().await.unwrap();
    let mut waits = Box::pin(millis(pool.acquire()));
    assert!(futures::poll!(waits.as_mut()).is_pending());
    time::sleep(2 * SECOND).await;
    drop(held);
    let (took, error) = waits.await;
    assert_eq!(
        (took, error.unwrap_err().stage()),
        (3000, Some(AcquireStage::Creating))
    );
    assert_eq!(pool.status().size, 0);
}

#[aiomisc::test(simulation)]
async fn the_wait_is_measured_if_that_is_asked_for() {
    for (measure, seconds) in [(false, 0), (true, 2)] {
        let lab = Lab::new();
        lab.creates(Takes(2 * SECOND));
        let pool = lab.builder(1).measure_wait(measure).build().unwrap();
        drop(pool.acquire().await.unwrap());
        let waited = pool.statistics().wait_time.total();
        assert_eq!(waited, seconds * SECOND);
    }
}

/// What a simulation says that still waits when nothing goes on.
fn left(test: impl Future<Output = ()>) -> String {
    let runtime = Runtime::from(Simulation::new(1));
    let stands = catch_unwind(AssertUnwindSafe(|| {
        runtime.block_on(async {
            test.await;
            std::future::pending::<()>().await;
        });
    }));
    let panic = stands.expect_err("it stands still");
    *panic.downcast::<String>().expect("a text")
}

#[test]
fn tasks_are_there_only_while_there_is_something_to_do() {
    let with = |life: Option<Duration>, minimum: usize| {
        let lab = Lab::new();
        let builder = lab.builder(3).minimum_idle(minimum);
        let builder = match life {
            Some(life) => builder.recycle(life).idle_timeout(life),
            None => builder,
        };
        let pool = builder.build().unwrap();
        left(async move {
            drop(several(&pool, 2).await);
            time::sleep(10 * SECOND).await;
            // It is kept, so that its tasks have not ended with it.
            std::future::pending::<()>().await;
            drop(pool);
        })
    };
    for (life, minimum) in [(None, 0), (Some(SECOND), 0), (None, 2)] {
        let left = with(life, minimum);
        assert!(!left.contains("pool: "), "{left}");
    }
}

#[test]
fn the_tasks_of_a_pool_end_with_it() {
    let lab = Lab::new();
    lab.next_creates([super::lab::Well]).creates(Fails);
    let pool = lab.builder(3).minimum_idle(2).recycle(1000 * SECOND);
    let pool = pool.build().unwrap();
    let left = left(async {
        let runtime = Runtime::current().unwrap();
        let begun = runtime.now();
        drop(several(&pool, 1).await);
        time::sleep(SECOND).await;
        drop(pool);
        until(|| lab.alive() == 0).await;
        assert!(runtime.now().duration_since(begun) < 2 * SECOND);
    });
    assert!(!left.contains("pool: "), "{left}");
}

/// Also where there was no place for it before another one was destroyed.
#[aiomisc::test(simulation)]
async fn the_minimum_is_made_again_when_a_place_comes_free_at_last() {
    let lab = Lab::new();
    let pool = lab.builder(1).minimum_idle(1).build().unwrap();
    lab.destroys(Takes(SECOND));
    for _ in 0..2 {
        pool.acquire().await.unwrap().discard();
    }
    assert_eq!((pool.status().size, pool.status().idle), (1, 0));
    time::sleep(5 * SECOND).await;
    assert_eq!(pool.status().idle, 1);
}
