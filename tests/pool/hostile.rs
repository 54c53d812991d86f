//! Managers and callers at their worst.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use aiomisc::pool::{AcquireError, AcquireStage};
use aiomisc::{Pool, PoolManager};

use super::lab::{Hangs, Lab, Panics, caller, several, until};
use super::shared::{log, runtimes, unique};

#[aiomisc::test(runtimes(all))]
async fn a_manager_that_panics_costs_no_place() {
    let lab = Lab::new();
    let pool = lab.pool(1);
    for round in 1..=3 {
        lab.next_creates([Panics]);
        let error = pool.acquire().await.unwrap_err();
        assert_eq!(error.stage(), Some(AcquireStage::Creating));
        assert_eq!(
            error.to_string(),
            "the manager of the pool panicked, while one was being made: as it was told"
        );
        drop(pool.acquire().await.unwrap());

        lab.next_checks([Panics]).next_destroys([Panics]);
        let error = pool.acquire().await.unwrap_err();
        assert!(matches!(
            error,
            AcquireError::Panicked {
                stage: AcquireStage::Checking,
                ..
            }
        ));
        assert_eq!(pool.status().size, 0);
        until(|| pool.statistics().destroyed.total() == round).await;
    }
    assert_eq!(pool.statistics().destroy_errors.total(), 3);
    assert_eq!(lab.alive(), 0);
}

/// One that panics before there is a future, and when its future is dropped.
struct Rude(AtomicUsize);

struct PanicsWhenDropped;

impl Drop for PanicsWhenDropped {
    fn drop(&mut self) {
        panic!("at the drop");
    }
}

impl PoolManager for Rude {
    type Object = ();
    type Error = io::Error;

    fn create(&self) -> impl Future<Output = io::Result<()>> + Send {
        let turn = self.0.fetch_add(1, Ordering::SeqCst);
        assert!(turn > 0, "before the future");
        async move {
            if turn == 1 {
                let _rude = PanicsWhenDropped;
                std::future::pending::<()>().await;
            }
            Ok(())
        }
    }
}

#[aiomisc::test(runtimes(all))]
async fn neither_do_panics_outside_of_the_polls() {
    let pool = Pool::builder(Rude(AtomicUsize::new(0)))
        .maximum(1)
        .build()
        .unwrap();
    let error = pool.acquire().await.unwrap_err();
    assert!(error.to_string().ends_with("before the future"), "{error}");
    let error = pool
        .acquire_within(Duration::from_millis(1))
        .await
        .unwrap_err();
    assert!(error.to_string().ends_with("at the drop"), "{error}");
    drop(pool.acquire().await.unwrap());
    assert_eq!(pool.status().size, 1);
}

#[aiomisc::test(runtimes(all))]
async fn what_is_not_destroyed_in_order_is_logged() {
    log::keep();
    let lab = Lab::new();
    let name = unique("not in order");
    let pool = lab.builder(1).name(name.clone()).build().unwrap();
    lab.next_destroys([super::lab::Fails]);
    several(&pool, 1).await.pop().unwrap().discard();
    until(|| pool.statistics().destroyed.total() == 1).await;
    let lines = log::with(&format!("pool={name} "));
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("error=as it was told"), "{lines:?}");
}

#[aiomisc::test(runtimes(all))]
async fn an_object_is_given_back_while_its_holder_panics() {
    let pool = Lab::new().pool(1);
    let thing = pool.acquire().await.unwrap();
    let holder = catch_unwind(AssertUnwindSafe(move || {
        let _thing = thing;
        panic!("the holder");
    }));
    holder.unwrap_err();
    assert_eq!(pool.acquire().await.unwrap().number, 1);
}

#[test]
fn an_object_is_given_back_on_a_thread_without_a_runtime() {
    for runtime in runtimes() {
        let lab = Lab::new();
        let pool = lab
            .builder(1)
            .recycle(Duration::from_nanos(1))
            .build()
            .unwrap();
        let thing = runtime.block_on(pool.acquire()).unwrap();
        // It is too old by now, so that it is destroyed on the pool's runtime.
        std::thread::spawn(move || drop(thing)).join().unwrap();
        runtime.block_on(until(|| lab.destroyed() == 1));
    }
}

#[test]
fn a_pool_outlives_its_runtime() {
    for runtime in runtimes() {
        let lab = Lab::new();
        let pool = lab
            .builder(2)
            .recycle(Duration::from_secs(100))
            .build()
            .unwrap();
        let thing = runtime.block_on(async {
            let mut things = several(&pool, 2).await;
            things.pop().unwrap()
        });
        let name = runtime.name().to_owned();
        drop(runtime);
        thing.discard();
        // A thread of the runtime that has not ended yet may destroy it; else it is dropped with its task. Both
        // may happen in the background.
        while lab.alive() > 1 {
            std::thread::yield_now();
        }
        assert_eq!(pool.status().size, 1, "{name}");
        drop(pool);
        while lab.alive() > 0 {
            std::thread::yield_now();
        }
    }
}

/// Such as a pool in a `static`, in tests of which each has a runtime of its own.
#[test]
fn a_pool_lends_after_its_runtime_has_ended() {
    for (first, second) in runtimes().into_iter().zip(runtimes()) {
        let lab = Lab::new();
        let pool = lab
            .builder(1)
            .recycle(Duration::from_secs(100))
            .build()
            .unwrap();
        let number = first.block_on(async { pool.acquire().await.unwrap().number });
        drop(first);
        second.block_on(async {
            let thing = pool.acquire().await.unwrap();
            assert_eq!(thing.number, number);
            let limit = Duration::from_millis(1);
            let late = pool.acquire_within(limit).await.unwrap_err();
            assert_eq!(late.stage(), Some(AcquireStage::Waiting));
            let mut waits = Box::pin(pool.acquire());
            assert!(futures::poll!(&mut waits).is_pending());
            thing.discard();
            assert_eq!(waits.await.unwrap().number, number + 1);
            pool.close(Duration::from_secs(30)).await.unwrap();
        });
        assert_eq!(lab.alive(), 0);
    }
}

/// Its task ends before it was ever polled.
#[cfg(feature = "simulation")]
#[test]
fn an_object_that_goes_with_its_runtime_is_gone_before_the_pool_says_so() {
    static POOL: OnceLock<Pool<Makes>> = OnceLock::new();
    static SAID: Mutex<Vec<u64>> = Mutex::new(Vec::new());

    struct Last;

    impl Drop for Last {
        fn drop(&mut self) {
            let destroyed = POOL.get().unwrap().statistics().destroyed.total();
            SAID.lock().unwrap().push(destroyed);
        }
    }

    struct Makes;

    impl PoolManager for Makes {
        type Object = Last;
        type Error = io::Error;

        async fn create(&self) -> io::Result<Last> {
            Ok(Last)
        }
    }

    let simulation = aiomisc::adapters::Simulation::new(0);
    simulation.block_on(async {
        let pool = POOL.get_or_init(|| Pool::builder(Makes).build().unwrap());
        pool.acquire().await.unwrap().discard();
    });
    assert!(SAID.lock().unwrap().is_empty());
    drop(simulation);
    assert_eq!(*SAID.lock().unwrap(), [0]);
    assert_eq!(POOL.get().unwrap().statistics().destroyed.total(), 1);
}

/// More than the maximum hang while they are destroyed: those that are too many keep their places.
#[aiomisc::test(runtimes(all))]
async fn there_are_never_more_than_twice_the_maximum() {
    let lab = Lab::new();
    let pool = lab.pool(2);
    lab.destroys(Hangs);
    for _ in 0..2 {
        for thing in several(&pool, 2).await {
            thing.discard();
        }
    }
    let status = pool.status();
    assert_eq!((lab.alive(), status.size, status.destroying), (4, 2, 2));
    let waits = caller(&pool).await;
    assert_eq!(pool.status().waiting, 1);
    pool.close(Duration::ZERO).await.unwrap_err();
    assert!(waits.await.unwrap().unwrap_err().is_closed());
    until(|| lab.alive() == 0).await;
    pool.close(Duration::from_secs(30)).await.unwrap();
}

/// A waker that holds an object of the pool, which comes back when the waker is dropped.
struct Holds {
    _thing: aiomisc::Pooled<Lab>,
}

impl Wake for Holds {
    fn wake(self: Arc<Self>) {}
}

#[aiomisc::test(runtimes(all))]
async fn a_waker_that_holds_an_object_is_dropped_without_the_lock() {
    let pool = Lab::new().pool(2);
    let mut things = several(&pool, 2).await;
    let waker = Waker::from(Arc::new(Holds {
        _thing: things.pop().unwrap(),
    }));
    let mut waits = Box::pin(pool.acquire());
    assert!(
        waits
            .as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_pending()
    );
    drop(waker);
    // The other waker takes its place, and the object that it held is the caller's by that.
    assert!(futures::poll!(waits.as_mut()).is_pending());
    assert_eq!(waits.await.unwrap().number, 2);
}
