//! What a pool promises.

use std::error::Error;
use std::time::Duration;

use aiomisc::pool::{AcquireError, AcquireStage, Lend, PoolStatistic};
use aiomisc::{Pool, statistics};
use futures::future::join_all;

use super::lab::{Fails, Lab, begun_and_dropped, caller, numbers, several, until};
use super::shared::given_up::give_up;
use super::shared::unique;

#[aiomisc::test(runtimes(all))]
async fn there_are_no_more_than_the_maximum_and_who_comes_then_waits() {
    let lab = Lab::new();
    let pool = lab.pool(3);
    let mut things = several(&pool, 3).await;
    assert_eq!(numbers(&things), [1, 2, 3]);
    let waits = caller(&pool).await;
    assert_eq!((pool.status().in_use, pool.status().waiting), (3, 1));
    drop(things.remove(1));
    let got = waits.await.unwrap().unwrap();
    assert_eq!((got.number, lab.made()), (2, 3));
}

#[aiomisc::test(runtimes(all))]
async fn the_default_is_ten() {
    let pool = Pool::new(Lab::new());
    let _things = several(&pool, 10).await;
    begun_and_dropped(&pool).await;
    assert_eq!((pool.status().maximum, pool.status().size), (10, 10));
    assert_eq!(pool.name(), "Lab");
}

#[aiomisc::test(runtimes(all))]
async fn who_waits_longest_is_next_and_nobody_overtakes() {
    let pool = Lab::new().pool(1);
    let mut held = several(&pool, 1).await;
    let mut callers = Vec::new();
    for _ in 0..5 {
        callers.push(caller(&pool).await);
    }
    // The second one goes.
    drop(callers.remove(1).cancel().await);
    assert_eq!(pool.status().waiting, 4);
    for waits in callers {
        drop(held.pop());
        // It is granted by now, to who has waited, and whoever comes stands in line behind the others.
        begun_and_dropped(&pool).await;
        held.push(waits.await.unwrap().unwrap());
    }
    assert_eq!(pool.status().waiting, 0);
}

#[aiomisc::test(runtimes(all))]
async fn the_turn_of_who_has_left_is_the_next_ones() {
    let pool = Lab::new().pool(1);
    let held = several(&pool, 1).await;
    let mut first = Box::pin(pool.acquire());
    assert!(futures::poll!(first.as_mut()).is_pending());
    let second = caller(&pool).await;
    drop(held);
    // It has the object, and does not look any more.
    drop(first);
    assert_eq!(second.await.unwrap().unwrap().number, 1);
}

#[aiomisc::test(runtimes(all))]
async fn the_newest_or_the_oldest_is_lent_first() {
    for (lend, expected) in [(Lend::Newest, [3, 2, 1]), (Lend::Oldest, [1, 2, 3])] {
        let pool = Lab::new().builder(3).lend(lend).build().unwrap();
        for thing in several(&pool, 3).await {
            drop(thing);
        }
        assert_eq!(numbers(&several(&pool, 3).await), expected, "{lend:?}");
    }
}

#[aiomisc::test(runtimes(all))]
async fn what_is_taken_out_makes_room_and_is_not_destroyed() {
    let lab = Lab::new();
    let pool = lab.pool(1);
    let thing = pool.acquire().await.unwrap().take();
    assert_eq!(pool.status().size, 0);
    let other = pool.acquire().await.unwrap();
    assert_eq!((thing.number, other.number), (1, 2));
    drop(thing);
    drop(other);
    assert_eq!((lab.alive(), lab.destroyed()), (1, 0));
}

#[aiomisc::test(runtimes(all))]
async fn what_is_discarded_is_destroyed_and_makes_room() {
    let lab = Lab::new();
    let pool = lab.pool(1);
    pool.acquire().await.unwrap().discard();
    assert_eq!(pool.acquire().await.unwrap().number, 2);
    until(|| lab.destroyed() == 1).await;
    assert_eq!(lab.alive(), 1);
}

#[aiomisc::test(runtimes(all))]
async fn the_managers_error_comes_back_untouched() {
    let lab = Lab::new();
    lab.creates(Fails);
    let error = lab.pool(1).acquire().await.unwrap_err();
    assert_eq!(error.stage(), Some(AcquireStage::Creating));
    assert_eq!(
        error.to_string(),
        "an object for the pool could not be made"
    );
    assert_eq!(error.source().unwrap().to_string(), "as it was told");
    let AcquireError::Create(error) = error else {
        panic!("{error:?}");
    };
    assert_eq!(error.kind(), std::io::ErrorKind::Other);
}

#[aiomisc::test(runtimes(all))]
async fn more_than_may_wait_are_refused() {
    let pool = Lab::new().builder(1).most_waiting(1).build().unwrap();
    let held = several(&pool, 1).await;
    let waits = caller(&pool).await;
    let error = pool.acquire().await.unwrap_err();
    assert!(matches!(error, AcquireError::Busy), "{error:?}");
    drop(held);
    drop(waits.await.unwrap().unwrap());
}

#[aiomisc::test(runtimes(all))]
async fn without_time_only_what_is_there_is_lent() {
    let pool = Lab::new().pool(1);
    let held = pool.acquire_within(Duration::ZERO).await.unwrap();
    let error = pool.acquire_within(Duration::ZERO).await.unwrap_err();
    assert!(error.is_timeout());
    assert_eq!(error.stage(), Some(AcquireStage::Waiting));
    assert_eq!(
        error.to_string(),
        "no object of the pool within 0ns: while all of them were in use"
    );
    drop(held);
    drop(pool.acquire_within(Duration::ZERO).await.unwrap());
}

#[aiomisc::test(runtimes(all))]
async fn a_function_makes_objects() {
    let pool = Pool::new(|| Vec::<u8>::with_capacity(100));
    let mut buffer = pool.acquire().await.unwrap();
    buffer.push(1);
    drop(buffer);
    assert_eq!(*pool.acquire().await.unwrap(), [1]);
}

#[test]
fn options_that_cannot_be_are_refused() {
    let builder = || Lab::new().builder(2);
    for (builder, text) in [
        (
            builder().maximum(0),
            "maximum of a pool: expected a number from 1 to 1000000, got 0",
        ),
        (
            builder().maximum(usize::MAX),
            &format!(
                "maximum of a pool: expected a number from 1 to 1000000, got {}",
                usize::MAX
            ),
        ),
        (
            builder().minimum_idle(3),
            "minimum of idle objects of a pool: expected at most the maximum of 2, got 3",
        ),
        (
            builder().recycle(Duration::ZERO),
            "life of a pool: expected more than zero",
        ),
        (
            builder().idle_timeout(Duration::ZERO),
            "idle limit of a pool: expected more than zero",
        ),
    ] {
        assert_eq!(builder.build().unwrap_err().to_string(), text);
    }
}

#[aiomisc::test(runtimes(all))]
async fn lengths_that_no_clock_can_show_are_for_ever() {
    let pool = Lab::new().builder(1);
    let pool = pool.recycle(Duration::MAX).idle_timeout(Duration::MAX);
    let pool = pool.acquire_timeout(Duration::MAX).build().unwrap();
    let held = several(&pool, 1).await;
    assert!(give_up(3, pool.acquire()).await.is_none());
    drop(held);
    assert_eq!(pool.acquire().await.unwrap().number, 1);
}

#[aiomisc::test(runtimes(all))]
async fn many_callers_share_few_objects() {
    let lab = Lab::new();
    let pool = lab.pool(4);
    let callers = (0..50).map(|_| {
        let pool = pool.clone();
        aiomisc::spawn(async move {
            for _ in 0..20 {
                let thing = pool.acquire().await.unwrap();
                ::smol::future::yield_now().await;
                drop(thing);
            }
        })
    });
    for caller in join_all(callers.collect::<Vec<_>>()).await {
        caller.unwrap();
    }
    assert_eq!((lab.made(), lab.alive()), (4, 4));
    assert_eq!(pool.statistics().acquired.total(), 1000);
}

#[aiomisc::test(runtimes(all))]
async fn everything_is_counted() {
    let lab = Lab::new();
    let name = unique("counted");
    let pool = lab.builder(2).most_waiting(1).name(name.clone());
    let pool = pool.build().unwrap();
    let figures = || -> Vec<_> {
        let figures = statistics().of_kind::<PoolStatistic>();
        let ours = figures.filter(|figure| figure.name.as_deref() == Some(&*name));
        ours.map(|figure| format!("{} {}", figure.metric, figure.value))
            .collect()
    };
    lab.next_creates([Fails])
        .next_checks([Fails])
        .next_destroys([Fails]);
    pool.acquire().await.unwrap_err();
    drop(several(&pool, 2).await);
    // The check of the first fails.
    let held = several(&pool, 2).await;
    pool.acquire_within(Duration::ZERO).await.unwrap_err();
    let waits = caller(&pool).await;
    pool.acquire().await.unwrap_err();
    until(|| pool.statistics().destroyed.total() == 1).await;
    assert_eq!(
        figures(),
        [
            "size 2",
            "idle 0",
            "in_use 2",
            "waiting 1",
            "acquired 4",
            "timeouts 1",
            "refused 1",
            "created 3",
            "create_errors 1",
            "check_errors 1",
            "destroyed 1",
            "destroy_errors 1",
            "wait_time 0",
        ]
    );
    drop(held);
    drop(waits.await);
    assert_eq!(
        figures()[..4],
        ["size 2", "idle 2", "in_use 0", "waiting 0"]
    );
    drop(pool);
    until(|| figures().is_empty()).await;
}
