//! What a panic was called with is foreign code where it is dropped: that it panics as well harms nobody.
#![cfg(all(
    unix,
    feature = "testing",
    feature = "macros",
    any(feature = "smol", feature = "tokio")
))]
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails at that place"
)]

use std::fmt;
use std::io;
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, panic_any};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use aiomisc::circuit_breaker::BreakerError;
use aiomisc::pool::AcquireStage;
use aiomisc::recurring::{Next, TimerEnd};
use aiomisc::{CircuitBreaker, Pool, PoolManager, RecurringCallback, spawn, thread};
use futures::FutureExt;

struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("once more");
    }
}

fn explode() -> ! {
    panic_any(Bomb)
}

/// It panics when it is polled, and when it is dropped.
struct Twice;

impl Future for Twice {
    type Output = io::Result<()>;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        explode()
    }
}

impl Iterator for Twice {
    type Item = ();

    fn next(&mut self) -> Option<()> {
        explode()
    }
}

impl Drop for Twice {
    fn drop(&mut self) {
        explode();
    }
}

/// An error without a text.
#[derive(Debug)]
struct Unspeakable;

impl fmt::Display for Unspeakable {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        explode()
    }
}

impl std::error::Error for Unspeakable {}

#[aiomisc::test(runtimes(all), strict = false)]
async fn a_task_that_panics_twice_has_panicked() {
    let error = spawn(Twice).await.unwrap_err();
    assert!(error.is_panic());
    // The first panic is the caller's, who has asked for it.
    let _kept = ManuallyDrop::new(error);
    spawn(async {}).await.unwrap();
}

#[aiomisc::test(runtimes(all), strict = false)]
async fn an_iterator_that_panics_twice_has_panicked() {
    let mut stream = thread::iterate(|| Twice);
    let error = stream.next().await.unwrap().unwrap_err();
    assert!(error.is_panic());
    let _kept = ManuallyDrop::new(error);
    assert!(stream.next().await.is_none());
}

#[aiomisc::test(runtimes(all))]
async fn a_judge_of_errors_that_panics_does_not_end_the_timer() {
    let timer = RecurringCallback::new(|| async { Err::<(), _>("bad luck") });
    let timer = timer.suppress(|_| explode());
    assert_eq!(timer.start(thrice()).unwrap().await, TimerEnd::Finished);
    assert_eq!(timer.monitor().statistics().fail.total(), 3);
}

fn thrice() -> impl FnMut() -> Next + Send {
    let mut left = 3;
    move || match left {
        0 => Next::Stop,
        _ => {
            left -= 1;
            Next::Wait(Duration::ZERO)
        }
    }
}

#[aiomisc::test(runtimes(all))]
async fn a_check_that_panics_is_an_error_of_the_pool() {
    struct Careless;
    impl PoolManager for Careless {
        type Object = ();
        type Error = io::Error;
        async fn create(&self) -> io::Result<()> {
            Ok(())
        }
        async fn check(&self, (): &mut ()) -> io::Result<bool> {
            explode()
        }
    }

    let pool = Pool::builder(Careless).build().unwrap();
    drop(pool.acquire().await.unwrap());
    let error = pool.acquire().await.unwrap_err();
    assert_eq!(error.stage(), Some(AcquireStage::Checking));
    drop(pool.acquire().await.unwrap());
}

#[aiomisc::test(runtimes(all))]
async fn an_error_without_a_text_goes_to_the_caller_of_a_breaker() {
    let breaker = CircuitBreaker::builder(0.5, Duration::from_secs(1));
    let breaker = breaker.build().unwrap();
    let called = breaker
        .call_async(async { Err::<(), _>(Unspeakable) })
        .await;
    assert!(matches!(called, Err(BreakerError::Failed(Unspeakable))));
}

#[aiomisc::test(runtimes(all))]
async fn a_call_that_panics_twice_is_a_failure_of_its_breaker() {
    let breaker = CircuitBreaker::builder(0.5, Duration::from_secs(1));
    let breaker = breaker.build().unwrap();
    let called = AssertUnwindSafe(breaker.call_async(Twice));
    let _kept = ManuallyDrop::new(called.catch_unwind().await.unwrap_err());
    assert_eq!(breaker.statistics().failure.total(), 1);
}
