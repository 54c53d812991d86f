//! What is wrong with the original, and is not here: each test is named after the fault.

use super::lab::{Fails, Hangs, Lab, SaysNo, begun_and_dropped, caller, numbers, several, until};

#[aiomisc::test(runtimes(all))]
async fn makes_a_new_one_although_one_is_idle() {
    let lab = Lab::new();
    let pool = lab.pool(10);
    for _ in 0..20 {
        assert_eq!(pool.acquire().await.unwrap().number, 1);
    }
    assert_eq!((lab.made(), pool.status().size), (1, 1));
}

#[aiomisc::test(runtimes(all))]
async fn hangs_after_failed_creates() {
    let lab = Lab::new();
    let pool = lab.pool(2);
    lab.next_creates([Fails; 10]);
    for _ in 0..10 {
        pool.acquire().await.unwrap_err();
        assert_eq!(pool.status().size, 0);
    }
    assert_eq!(several(&pool, 2).await.len(), 2);
}

/// The place goes to the next, who would wait for ever otherwise.
#[aiomisc::test(runtimes(all))]
async fn hangs_those_who_wait_behind_a_failed_create() {
    let lab = Lab::new();
    let pool = lab.pool(1);
    lab.next_creates([Hangs]);
    let mut creates = Box::pin(pool.acquire());
    assert!(futures::poll!(creates.as_mut()).is_pending());
    let waits = caller(&pool).await;
    drop(creates);
    assert_eq!(waits.await.unwrap().unwrap().number, 1);
}

#[aiomisc::test(runtimes(all))]
async fn hands_out_what_failed_its_check() {
    let lab = Lab::new();
    let pool = lab.pool(3);
    drop(several(&pool, 3).await);
    lab.next_checks([Fails, SaysNo]);
    let things = several(&pool, 3).await;
    assert_eq!(numbers(&things), [1, 4, 5], "two are replaced");
    until(|| lab.destroyed() == 2).await;
    assert_eq!(pool.statistics().check_errors.total(), 2);
}

#[aiomisc::test(runtimes(all))]
async fn who_cancels_during_the_check_loses_object_and_place() {
    let lab = Lab::new();
    let pool = lab.pool(1);
    drop(several(&pool, 1).await);
    lab.next_checks([Hangs]);
    begun_and_dropped(&pool).await;
    // What is in an unknown state is taken down, not lost, and its place is free.
    assert_eq!(pool.acquire().await.unwrap().number, 2);
    until(|| lab.destroyed() == 1).await;
    assert_eq!((lab.alive(), pool.status().size), (1, 1));
}

#[aiomisc::test(runtimes(all))]
async fn destroys_one_after_another() {
    let lab = Lab::new();
    let pool = lab.pool(2);
    lab.next_destroys([Hangs]);
    for thing in several(&pool, 2).await {
        thing.discard();
    }
    // The first hangs; neither the second nor a caller waits for it.
    until(|| lab.destroyed() == 1).await;
    assert_eq!(several(&pool, 2).await.len(), 2);
}

#[aiomisc::test(runtimes(all))]
async fn destroys_what_is_in_use_at_the_closing_and_lends_after_it() {
    let lab = Lab::new();
    let pool = lab.pool(2);
    let held = pool.acquire().await.unwrap();
    let closing = {
        let pool = pool.clone();
        aiomisc::spawn(async move { pool.close(std::time::Duration::from_secs(30)).await })
    };
    until(|| pool.is_closed()).await;
    assert!(pool.acquire().await.unwrap_err().is_closed());
    assert_eq!((held.number, lab.alive(), lab.destroyed()), (1, 1, 0));
    drop(held);
    closing.await.unwrap().unwrap();
    assert_eq!((lab.alive(), lab.destroyed()), (0, 1));
}
