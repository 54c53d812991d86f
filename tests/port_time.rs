//! `time` on a clock that moves when told, with exact moments.
#![cfg(all(unix, feature = "testing", any(feature = "smol", feature = "tokio")))]
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot go on fails at that place, and says on which runtime"
)]

mod common;

use std::future::{pending, ready};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use aiomisc::runtime::{Parts, Runtime};
use aiomisc::testing::ManualClock;
use aiomisc::time::{self, Elapsed};
use futures::FutureExt;

use self::common::{LIMIT, every, limited};
use ::smol::future::yield_now;

const SECOND: Duration = Duration::from_secs(1);

/// Runs the body on every runtime, with its time on a clock of the test.
fn on_each(body: fn(&Runtime, &ManualClock)) {
    for (name, make) in every() {
        println!("on {name}");
        limited(LIMIT, move || {
            let clock = ManualClock::new();
            let runtime = Parts::of(make()).timer(clock.clone()).build();
            body(&runtime, &clock);
        });
    }
}

/// Polls once, without anybody to wake.
fn poll<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    future.poll_unpin(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn a_sleep_ends_at_its_time() {
    on_each(|runtime, clock| {
        let start = runtime.now();
        let sleeper = runtime.spawn(async {
            time::sleep(SECOND * 5).await;
            Runtime::current().unwrap().now()
        });
        runtime.block_on(async {
            clock.wait_until_pending(1).await;
            clock.advance(SECOND * 4);
            assert_eq!(clock.pending(), 1);
            clock.advance(SECOND);
            assert_eq!(sleeper.await.unwrap() - start, SECOND * 5);
        });
    });
}

#[test]
fn a_sleep_counts_from_its_first_poll() {
    on_each(|runtime, clock| {
        let mut sleep = runtime.sleep(SECOND);
        clock.advance(SECOND * 10);
        assert!(poll(&mut sleep).is_pending());
        clock.advance(SECOND);
        assert!(poll(&mut sleep).is_ready());
    });
}

#[test]
fn a_sleep_of_zero_is_ready_at_once_and_needs_no_timer() {
    on_each(|runtime, clock| {
        assert!(poll(&mut runtime.sleep(Duration::ZERO)).is_ready());
        assert_eq!(clock.pending(), 0);
    });
    // Not even a runtime.
    assert!(poll(&mut time::sleep(Duration::ZERO)).is_ready());
}

#[test]
fn the_longest_sleep_never_ends() {
    on_each(|runtime, clock| {
        let mut sleep = runtime.sleep(Duration::MAX);
        assert!(poll(&mut sleep).is_pending());
        clock.advance(SECOND * 1_000_000_000);
        assert!(poll(&mut sleep).is_pending());
    });
}

#[test]
fn a_sleep_is_reset_before_its_first_poll_while_it_waits_and_after_its_end() {
    on_each(|runtime, clock| {
        let mut sleep = runtime.sleep(SECOND);
        sleep.reset(SECOND * 3);
        clock.advance(SECOND * 100);
        assert!(poll(&mut sleep).is_pending(), "counted from the first poll");
        clock.advance(SECOND);
        sleep.reset(SECOND * 3);
        clock.advance(SECOND * 2);
        assert!(poll(&mut sleep).is_pending(), "counted from the reset");
        clock.advance(SECOND);
        assert!(poll(&mut sleep).is_ready());
        sleep.reset(SECOND);
        clock.advance(SECOND / 2);
        assert!(poll(&mut sleep).is_pending());
        clock.advance(SECOND / 2);
        assert!(poll(&mut sleep).is_ready());
    });
}

/// The runtime was forgotten, and the wait counted from the poll.
#[test]
fn a_sleep_of_zero_is_reset_on_its_own_runtime() {
    on_each(|runtime, clock| {
        let mut sleep = runtime.sleep(Duration::ZERO);
        assert!(poll(&mut sleep).is_ready());
        // Outside of any task; only the sleep knows its runtime.
        sleep.reset(SECOND);
        clock.advance(SECOND / 2);
        assert!(poll(&mut sleep).is_pending());
        assert_eq!(clock.pending(), 1);
        clock.advance(SECOND / 2);
        assert!(poll(&mut sleep).is_ready());
    });
}

#[test]
fn a_dropped_sleep_frees_its_timer() {
    on_each(|runtime, clock| {
        let mut sleep = runtime.sleep(SECOND);
        assert!(poll(&mut sleep).is_pending());
        assert_eq!(clock.pending(), 1);
        drop(sleep);
        assert_eq!(clock.pending(), 0);
    });
}

#[test]
fn a_timeout_polls_the_future_first() {
    on_each(|runtime, clock| {
        for limit in [Duration::ZERO, SECOND, Duration::MAX] {
            let outcome = runtime.timeout(limit, ready(7)).now_or_never();
            assert_eq!(outcome, Some(Ok(7)));
        }
        assert_eq!(clock.pending(), 0, "a timer was made for nothing");
        let none = runtime
            .timeout(Duration::ZERO, pending::<()>())
            .now_or_never();
        assert_eq!(none, Some(Err(Elapsed::default())));
    });
    // Without a runtime as well, while the future need not wait.
    assert_eq!(time::timeout(SECOND, ready(7)).now_or_never(), Some(Ok(7)));
}

#[test]
fn a_timeout_ends_at_its_time_and_gives_the_future_back() {
    on_each(|runtime, clock| {
        let (send, receive) = futures::channel::oneshot::channel();
        let mut limited = runtime.timeout(SECOND * 3, receive);
        assert!(poll(&mut limited).is_pending());
        clock.advance(SECOND * 2);
        assert!(poll(&mut limited).is_pending());
        clock.advance(SECOND);
        assert_eq!(poll(&mut limited), Poll::Ready(Err(Elapsed::default())));
        // The future lives on in there.
        send.send(7).unwrap();
        assert_eq!(limited.into_inner().now_or_never(), Some(Ok(7)));
        assert_eq!(clock.pending(), 0);
    });
}

/// What is ready at the very end makes it.
#[test]
fn a_future_that_is_ready_in_time_wins() {
    on_each(|runtime, clock| {
        let (send, receive) = futures::channel::oneshot::channel();
        let mut limited = runtime.timeout(SECOND, receive);
        assert!(poll(&mut limited).is_pending());
        send.send(7).unwrap();
        clock.advance(SECOND);
        assert_eq!(poll(&mut limited), Poll::Ready(Ok(Ok(7))));
    });
}

/// Notes that it was called.
#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// A tick that is there, perhaps after one turn for the others.
fn tick_now(ticks: &mut time::Interval) -> Option<Instant> {
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(Arc::clone(&woken));
    let mut next = pin!(ticks.tick());
    loop {
        match next.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(due) => return Some(due),
            Poll::Pending if woken.0.swap(false, Ordering::SeqCst) => {}
            Poll::Pending => return None,
        }
    }
}

/// A tick that is there, in seconds from the start.
fn tick(ticks: &mut time::Interval, start: Instant) -> Option<u64> {
    let offset = tick_now(ticks)? - start;
    assert_eq!(offset.subsec_nanos(), 0);
    Some(offset.as_secs())
}

#[test]
fn an_interval_stays_on_its_grid() {
    on_each(|runtime, clock| {
        let start = clock.now();
        let mut ticks = runtime.interval(SECOND * 10);
        assert_eq!(tick(&mut ticks, start), Some(0));
        assert_eq!(tick(&mut ticks, start), None);
        clock.advance(SECOND * 9);
        assert_eq!(tick(&mut ticks, start), None);
        clock.advance(SECOND * 4);
        // Late by three seconds; the next one is not.
        assert_eq!(tick(&mut ticks, start), Some(10));
        assert_eq!(tick(&mut ticks, start), None);
        clock.advance(SECOND * 7);
        assert_eq!(tick(&mut ticks, start), Some(20));
        assert_eq!(ticks.missed(), 0);
        assert_eq!(ticks.period(), SECOND * 10);
    });
}

#[test]
fn an_interval_counts_what_it_has_missed() {
    on_each(|runtime, clock| {
        let start = clock.now();
        let mut ticks = runtime.interval(SECOND * 10);
        assert_eq!(tick(&mut ticks, start), Some(0));
        clock.advance(SECOND * 35);
        // That of 10 comes late, those of 20 and 30 are over.
        assert_eq!(tick(&mut ticks, start), Some(10));
        assert_eq!(ticks.missed(), 2);
        assert_eq!(tick(&mut ticks, start), None);
        clock.advance(SECOND * 5);
        assert_eq!(tick(&mut ticks, start), Some(40));
        clock.advance(SECOND * 20);
        // At the very moment of 60, only 50 was to come, and 60 is not missed yet.
        assert_eq!(tick(&mut ticks, start), Some(50));
        assert_eq!(tick(&mut ticks, start), Some(60));
        assert_eq!(ticks.missed(), 2);
        clock.advance(SECOND * 86_400);
        assert_eq!(tick(&mut ticks, start), Some(70));
        assert_eq!(ticks.missed(), 2 + 8638);
    });
}

#[test]
fn an_interval_begins_anew_when_it_is_reset() {
    on_each(|runtime, clock| {
        let start = clock.now();
        let mut ticks = runtime.interval(SECOND * 10);
        assert_eq!(tick(&mut ticks, start), Some(0));
        assert_eq!(tick(&mut ticks, start), None);
        clock.advance(SECOND * 7);
        ticks.reset();
        clock.advance(SECOND * 9);
        assert_eq!(tick(&mut ticks, start), None, "the old grid");
        clock.advance(SECOND);
        assert_eq!(tick(&mut ticks, start), Some(17));
        clock.advance(SECOND * 10);
        assert_eq!(tick(&mut ticks, start), Some(27));

        // Before its first tick it no longer begins at once.
        let mut ticks = runtime.interval(SECOND * 10);
        ticks.reset();
        assert_eq!(tick(&mut ticks, start), None);
        clock.advance(SECOND * 10);
        assert_eq!(tick(&mut ticks, start), Some(37));
    });
}

#[test]
fn an_interval_wakes_its_task_at_each_tick() {
    on_each(|runtime, clock| {
        let start = clock.now();
        let ticking = runtime.spawn(async {
            let mut ticks = time::interval(SECOND * 10);
            let mut seen = Vec::new();
            for _ in 0..4 {
                seen.push(ticks.tick().await);
            }
            seen
        });
        runtime.block_on(async {
            for _ in 0..3 {
                clock.wait_until_pending(1).await;
                assert_eq!(clock.advance_to_next(), Some(SECOND * 10));
            }
            let seen = ticking.await.unwrap();
            let offsets: Vec<_> = seen.into_iter().map(|at| (at - start).as_secs()).collect();
            assert_eq!(offsets, [0, 10, 20, 30]);
            assert_eq!(clock.pending(), 0);
        });
    });
}

#[test]
fn an_interval_of_zero_lets_others_run() {
    on_each(|runtime, clock| {
        let mut ticks = runtime.interval(Duration::ZERO);
        assert!(poll(&mut pin!(ticks.tick())).is_ready());
        for _ in 0..5 {
            let mut next = pin!(ticks.tick());
            assert!(poll(&mut next).is_pending(), "nobody else had a turn");
            assert!(poll(&mut next).is_ready());
        }
        assert_eq!(ticks.missed(), 0);
        clock.advance(SECOND);
        let mut late = pin!(ticks.tick());
        assert!(poll(&mut late).is_pending());
        assert!(poll(&mut late).is_ready());

        // Two tasks take turns, also on one thread.
        let spin = |rounds| async move {
            let mut ticks = time::interval(Duration::ZERO);
            for _ in 0..rounds {
                ticks.tick().await;
            }
        };
        let endless = runtime.spawn(spin(u64::MAX));
        runtime.block_on(async {
            runtime.spawn(spin(10)).await.unwrap();
            for _ in 0..10 {
                yield_now().await;
            }
            endless.cancel().await.unwrap_err();
        });
    });
}

/// With a body longer than the period nobody else would ever run on one thread.
#[test]
fn an_interval_that_is_always_late_lets_others_run() {
    on_each(|runtime, clock| {
        let mut ticks = runtime.interval(SECOND);
        assert!(poll(&mut pin!(ticks.tick())).is_ready(), "the first one");
        for _ in 0..5 {
            clock.advance(SECOND * 2);
            let mut late = pin!(ticks.tick());
            assert!(poll(&mut late).is_pending(), "nobody else had a turn");
            assert!(poll(&mut late).is_ready());
        }
        // That of this very moment, and then one that waits in time and needs no turn more.
        assert_eq!(tick_now(&mut ticks), Some(clock.now()));
        let mut next = pin!(ticks.tick());
        assert!(poll(&mut next).is_pending());
        assert_eq!(clock.pending(), 1);
        clock.advance(SECOND);
        assert!(poll(&mut next).is_ready());
    });
}

#[test]
fn an_interval_of_the_longest_period_ticks_once() {
    on_each(|runtime, clock| {
        let start = clock.now();
        let mut ticks = runtime.interval(Duration::MAX);
        assert_eq!(tick(&mut ticks, start), Some(0));
        clock.advance(SECOND * 1_000_000_000);
        assert_eq!(tick(&mut ticks, start), None);
    });
}

#[test]
fn intervals_of_a_nanosecond_catch_up() {
    on_each(|runtime, clock| {
        let mut ticks = runtime.interval(Duration::from_nanos(1));
        let start = ticks.tick().now_or_never().unwrap();
        // More ticks than fit into 32 bits.
        clock.advance(SECOND * 10);
        let mut asked = 0;
        while tick_now(&mut ticks).is_some() {
            asked += 1;
            assert!(asked < 10, "it is still not there");
        }
        assert_eq!(clock.now() - start, SECOND * 10);
        assert_eq!(ticks.missed() + asked, 10_000_000_000);
    });
}

#[test]
fn the_calendar_is_the_clock_s() {
    on_each(|runtime, clock| {
        let noon = std::time::SystemTime::UNIX_EPOCH + SECOND * 43_200;
        clock.set_wall(noon);
        assert_eq!(runtime.wall_now(), noon);
        clock.advance(SECOND);
        assert_eq!(runtime.wall_now(), noon + SECOND);
    });
}
