//! Timers whose pauses a strategy decides on, and what holds for timers of all kinds (row C12 of the parity
//! table).
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

#[path = "recurring/ends.rs"]
mod ends;
#[cfg(feature = "simulation")]
#[path = "recurring/exact.rs"]
mod exact;
#[path = "recurring/faults.rs"]
mod faults;
#[path = "shared/mod.rs"]
mod shared;
#[cfg(feature = "simulation")]
#[path = "recurring/stress.rs"]
mod stress;

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aiomisc::recurring::{Next, RecurringCallback, StartError, TimerEnd, TimerState};
use aiomisc::{Runtime, time};

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Lets others run until this has come true.
async fn until(what: impl Fn() -> bool) {
    while !what() {
        time::sleep(Duration::from_micros(100)).await;
    }
}

/// A strategy that says these, then stops.
fn steps(steps: impl IntoIterator<Item = Next, IntoIter: Send + 'static>) -> impl FnMut() -> Next {
    let mut steps = steps.into_iter();
    move || steps.next().unwrap_or(Next::Stop)
}

/// A callback that is not to be called.
async fn never() {
    panic!("called");
}

/// Counts calls.
#[derive(Clone, Default)]
struct Count(Arc<AtomicUsize>);

impl Count {
    fn add(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    fn get(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

#[aiomisc::test(runtimes(all))]
async fn it_calls_until_its_strategy_says_stop() {
    let count = Count::default();
    let counts = count.clone();
    let timer = RecurringCallback::new(move || {
        counts.add();
        async {}
    });
    let task = timer.start(steps([Next::Wait(ms(1)); 3])).unwrap();
    assert_eq!(task.await, TimerEnd::Finished);
    assert_eq!(count.get(), 3);
    let end = TimerState::Ended(TimerEnd::Finished);
    assert_eq!(timer.status().state, end);
}

#[aiomisc::test(runtimes(all))]
async fn a_strategy_may_be_awaited_and_return_a_result() {
    let count = Count::default();
    let counts = count.clone();
    let timer = RecurringCallback::new(move || {
        counts.add();
        async { Ok::<(), std::io::Error>(()) }
    });
    let mut asked = 0;
    let task = timer.start_async(move || {
        asked += 1;
        async move {
            time::sleep(ms(1)).await;
            let next = if asked < 4 {
                Next::Wait(ms(1))
            } else {
                Next::Stop
            };
            Ok::<_, std::io::Error>(next)
        }
    });
    assert_eq!(task.unwrap().await, TimerEnd::Finished);
    assert_eq!(count.get(), 3);
}

#[aiomisc::test(runtimes(all))]
async fn it_is_started_once_at_a_time() {
    let timer = RecurringCallback::new(pending::<()>);
    let task = timer.start(|| ms(1)).unwrap();
    assert!(matches!(timer.start(|| ms(1)), Err(StartError::Running)));
    task.abort();
    assert_eq!(task.await, TimerEnd::Aborted);
    let again = timer.start(|| ms(1)).unwrap();
    again.abort();
    again.await;
    let error = StartError::Running.to_string();
    assert_eq!(error, "the timer runs already");
}

#[aiomisc::test(runtimes(all))]
async fn it_goes_on_when_its_task_is_dropped() {
    let count = Count::default();
    let counts = count.clone();
    let timer = RecurringCallback::new(move || {
        counts.add();
        async {}
    });
    drop(timer.start(|| ms(1)).unwrap());
    until(|| count.get() >= 3).await;
    assert_eq!(timer.stop().await, Ok(TimerEnd::Stopped));
}

/// Everything is given back: the timer has no hold on what it called when it is gone.
#[aiomisc::test(runtimes(all))]
async fn nothing_is_left_of_a_timer_that_is_dropped() {
    let name = shared::unique("left");
    let held = Arc::new(());
    let holds = Arc::clone(&held);
    let timer = RecurringCallback::new(move || {
        let holds = Arc::clone(&holds);
        async move {
            pending::<()>().await;
            drop(holds);
        }
    })
    .name(name.clone());
    let task = timer.start(|| ms(0)).unwrap();
    until(|| Arc::strong_count(&held) == 3).await;
    task.abort();
    task.await;
    drop(timer);
    assert_eq!(Arc::strong_count(&held), 1);
    let figures = aiomisc::statistics().of_kind::<aiomisc::recurring::TimerStatistic>();
    assert_eq!(
        figures
            .filter(|figure| figure.name.as_deref() == Some(&*name))
            .count(),
        0
    );
}

/// With the feature `smol` there always is one.
#[cfg(not(feature = "smol"))]
#[test]
fn without_a_runtime_nothing_is_started() {
    let timer = RecurringCallback::new(never);
    let error = timer.start(|| ms(0)).unwrap_err();
    assert!(matches!(error, StartError::NoRuntime(_)));
    assert_eq!(timer.status().state, TimerState::New);
}

#[aiomisc::test(runtimes(all))]
async fn it_takes_the_runtime_that_it_is_given() {
    let (runtime, clock) = shared::manual();
    let count = Count::default();
    let counts = count.clone();
    let timer = RecurringCallback::new(move || {
        assert!(Runtime::current().is_ok());
        counts.add();
        async {}
    })
    .runtime(runtime);
    let task = timer.start(|| Duration::from_secs(3_600)).unwrap();
    for calls in 0..3 {
        clock.wait_until_pending(1).await;
        assert_eq!(count.get(), calls);
        clock.advance(Duration::from_secs(3_600));
        until(|| count.get() == calls + 1).await;
    }
    assert_eq!(task.stop().await, TimerEnd::Stopped);
}
