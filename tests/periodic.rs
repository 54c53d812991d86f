//! Callbacks at intervals, and the service of them (rows B7 and C13 of the parity table).
#![cfg(all(
    unix,
    feature = "macros",
    feature = "testing",
    any(feature = "smol", feature = "tokio")
))]
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails at that place"
)]

#[cfg(feature = "simulation")]
#[path = "periodic/exact.rs"]
mod exact;
#[path = "periodic/service.rs"]
mod service;
#[path = "shared/mod.rs"]
mod shared;

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aiomisc::periodic::{Missed, PeriodicCallback};
use aiomisc::recurring::{NotRunning, StartError, TimerEnd, TimerState};
use aiomisc::time;

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Lets others run until this has come true.
async fn until(what: impl Fn() -> bool) {
    while !what() {
        time::sleep(Duration::from_micros(100)).await;
    }
}

/// A callback that is not to be called.
async fn never() {
    panic!("called");
}

/// A callback that counts its calls.
fn counting() -> (impl Fn() -> std::future::Ready<()>, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let counts = Arc::clone(&count);
    let callback = move || {
        counts.fetch_add(1, Ordering::SeqCst);
        std::future::ready(())
    };
    (callback, count)
}

#[aiomisc::test(runtimes(all))]
async fn it_calls_until_it_is_stopped() {
    for rate in [
        None,
        Some(Missed::Skip),
        Some(Missed::Once),
        Some(Missed::Burst(5)),
    ] {
        let (callback, count) = counting();
        let mut timer = PeriodicCallback::new(callback);
        if let Some(missed) = rate {
            timer = timer.fixed_rate(missed);
        }
        timer.start(ms(1)).unwrap().detach();
        until(|| count.load(Ordering::SeqCst) >= 5).await;
        assert_eq!(timer.stop().await, Ok(TimerEnd::Stopped));
        let called = count.load(Ordering::SeqCst);
        time::sleep(ms(5)).await;
        assert_eq!(count.load(Ordering::SeqCst), called);
        let end = TimerState::Ended(TimerEnd::Stopped);
        assert_eq!(timer.status().state, end);
    }
}

#[aiomisc::test(runtimes(all))]
async fn a_start_while_it_runs_and_a_stop_while_it_does_not_are_errors() {
    let timer = PeriodicCallback::new(pending::<()>);
    assert_eq!(timer.stop().await, Err(NotRunning::default()));
    assert_eq!(NotRunning::default().to_string(), "the timer does not run");
    let task = timer.start(ms(1)).unwrap();
    assert!(matches!(timer.start(ms(1)), Err(StartError::Running)));
    task.abort();
    task.await;
    assert_eq!(timer.stop().await, Err(NotRunning::default()));
    timer.start(ms(1)).unwrap().abort();
}

#[aiomisc::test(runtimes(all))]
async fn an_interval_of_zero_and_a_jitter_above_it_are_refused() {
    let (callback, count) = counting();
    let timer = PeriodicCallback::new(callback).jitter(ms(10));
    let timer = timer.delay(Duration::from_secs(3600));
    let error = timer.start(Duration::ZERO).unwrap_err();
    assert_eq!(
        error.to_string(),
        "interval: expected a duration above zero, got 0"
    );
    let timer = timer.fixed_rate(Missed::Skip);
    let error = timer.start(ms(10)).unwrap_err();
    let text = "jitter: expected a duration below the interval of 10ms, got 10ms";
    assert_eq!(error.to_string(), text);
    assert_eq!(timer.status().state, TimerState::New);
    timer.start(ms(11)).unwrap().abort();
    assert_eq!(count.load(Ordering::SeqCst), 0);
}
