//! The end of a pool.

use std::time::Duration;

use aiomisc::pool::AcquireStage;

use super::lab::{Hangs, Lab, SlowlySaysNo, Takes, caller, millis, several, until};
use super::shared::given_up::give_up;

const SECOND: Duration = Duration::from_secs(1);

#[aiomisc::test(runtimes(all))]
async fn closing_refuses_those_who_wait_and_those_who_come() {
    let pool = Lab::new().pool(1);
    let held = several(&pool, 1).await;
    let waits = caller(&pool).await;
    assert!(give_up(1, pool.close(SECOND)).await.is_none());
    assert!(waits.await.unwrap().unwrap_err().is_closed());
    assert!(pool.acquire().await.unwrap_err().is_closed());
    pool.closing().await;
    drop(held);
    pool.close(30 * SECOND).await.unwrap();
}

#[aiomisc::test(runtimes(all))]
async fn closing_destroys_what_is_idle_and_waits_for_it() {
    let lab = Lab::new();
    let pool = lab.pool(3);
    drop(several(&pool, 3).await);
    pool.close(30 * SECOND).await.unwrap();
    assert_eq!((lab.alive(), lab.destroyed()), (0, 3));
    pool.close(Duration::ZERO).await.expect("nothing is left");
}

#[aiomisc::test(runtimes(all))]
async fn a_pool_that_was_never_used_closes_at_once() {
    Lab::new().pool(1).close(Duration::ZERO).await.unwrap();
}

#[aiomisc::test(runtimes(all))]
async fn what_is_made_while_the_pool_closes_is_destroyed() {
    let lab = Lab::new();
    let pool = lab.pool(1);
    lab.creates(Takes(Duration::from_millis(5)));
    let mut call = Box::pin(pool.acquire());
    assert!(futures::poll!(call.as_mut()).is_pending());
    assert!(give_up(1, pool.close(SECOND)).await.is_none());
    assert!(call.await.unwrap_err().is_closed());
    pool.close(30 * SECOND).await.unwrap();
    assert_eq!((lab.made(), lab.alive(), lab.destroyed()), (1, 0, 1));
}

#[cfg(feature = "simulation")]
#[aiomisc::test(runtimes(simulation))]
async fn the_rest_is_cut_off_when_the_time_is_over() {
    let lab = Lab::new();
    let pool = lab.pool(3);
    let mut held = several(&pool, 3).await;
    lab.next_destroys([Hangs]);
    held.pop().unwrap().discard();
    let (took, left) = millis(pool.close(2 * SECOND)).await;
    let left = left.unwrap_err();
    assert_eq!((took, left.in_use, left.destroying), (2000, 2, 1));
    assert_eq!(
        left.to_string(),
        "the pool was closed with 2 objects in use and 1 that were being destroyed"
    );
    // The taking down that hung is dropped, with its object.
    until(|| lab.alive() == 2).await;
    assert_eq!(lab.destroyed(), 0);
    // What comes back later is taken down in order, in its own time.
    lab.destroys(Takes(5 * SECOND));
    drop(held);
    let (took, closed) = millis(pool.close(30 * SECOND)).await;
    closed.unwrap();
    assert_eq!((took, lab.alive(), lab.destroyed()), (5000, 0, 2));
}

#[cfg(feature = "simulation")]
#[aiomisc::test(runtimes(simulation))]
async fn a_close_that_is_dropped_cuts_nothing_off() {
    let lab = Lab::new();
    let pool = lab.pool(1);
    lab.destroys(Takes(5 * SECOND));
    drop(several(&pool, 1).await);
    assert!(give_up(2, pool.close(SECOND)).await.is_none());
    pool.close(30 * SECOND).await.unwrap();
    assert_eq!(lab.destroyed(), 1);
}

#[aiomisc::test(runtimes(all))]
async fn a_pool_that_nobody_has_any_more_destroys_what_is_idle() {
    let lab = Lab::new();
    let pool = lab.pool(2);
    let mut held = several(&pool, 2).await;
    drop(held.pop());
    drop(pool);
    // The one that is lent still keeps it.
    assert_eq!(lab.destroyed(), 0);
    drop(held);
    until(|| lab.destroyed() == 2).await;
    assert_eq!(lab.alive(), 0);
}

#[cfg(feature = "simulation")]
#[aiomisc::test(runtimes(simulation))]
async fn a_destroy_has_its_own_limit() {
    let lab = Lab::new();
    let pool = lab.builder(1).destroy_timeout(3 * SECOND).build().unwrap();
    lab.next_destroys([Hangs]);
    let (took, ()) = millis(async {
        several(&pool, 1).await.pop().unwrap().discard();
        until(|| lab.alive() == 0).await;
    })
    .await;
    assert_eq!(took, 3000);
    assert_eq!(pool.statistics().destroy_errors.total(), 1);
    assert_eq!(pool.acquire().await.unwrap().number, 2);
    lab.creates(Hangs);
    let _held = pool.acquire().await.unwrap();
    let error = pool.acquire_within(SECOND).await.unwrap_err();
    assert_eq!(error.stage(), Some(AcquireStage::Waiting));
}

#[cfg(feature = "simulation")]
#[aiomisc::test(runtimes(simulation))]
async fn a_close_without_time_cuts_off_what_has_just_begun() {
    let lab = Lab::new();
    let pool = lab.pool(2);
    drop(several(&pool, 2).await);
    lab.destroys(Hangs);
    let left = pool.close(Duration::ZERO).await.unwrap_err();
    assert_eq!((left.in_use, left.destroying), (0, 2));
    let (took, closed) = millis(pool.close(30 * SECOND)).await;
    closed.unwrap();
    assert_eq!((took, lab.alive()), (0, 0));
}

/// Neither is what was being checked lent, nor another one made in its place.
#[cfg(feature = "simulation")]
#[aiomisc::test(runtimes(simulation))]
async fn nothing_is_lent_or_made_after_the_closing() {
    for does in [Takes(SECOND), SlowlySaysNo(SECOND)] {
        let lab = Lab::new();
        let pool = lab.pool(1);
        drop(several(&pool, 1).await);
        lab.next_checks([does]);
        let (acquired, closed) = futures::join!(pool.acquire(), pool.close(10 * SECOND));
        assert!(acquired.unwrap_err().is_closed());
        closed.unwrap();
        assert_eq!((lab.made(), lab.alive(), lab.destroyed()), (1, 0, 1));
    }
}
