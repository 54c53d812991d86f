//! When it breaks, and how long for.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aiomisc::circuit_breaker::CircuitBreakerStatistic;
use aiomisc::runtime::{Parts, Sleep, Timer};

use super::*;

#[aiomisc::test(simulation)]
async fn it_breaks_when_the_share_is_reached() {
    let breaker = usual().build().unwrap();
    for _ in 0..8 {
        good(&breaker);
    }
    bad(&breaker);
    assert_eq!(breaker.state(), State::Passing);
    assert_eq!(breaker.counter().total(), 9);
    // 2 of 10 are 20 %.
    bad(&breaker);
    assert_eq!(breaker.state(), State::Broken);
}

#[aiomisc::test(simulation)]
async fn it_does_not_break_just_below_the_share() {
    let breaker = usual().build().unwrap();
    for _ in 0..100 {
        for _ in 0..5 {
            good(&breaker);
        }
        bad(&breaker);
        assert_eq!(breaker.state(), State::Passing);
    }
    assert!((breaker.counter().error_ratio() - 1.0 / 6.0).abs() < 1e-9);
    assert!((breaker.statistics().error_ratio.value() - 1.0 / 6.0).abs() < 1e-9);
}

#[aiomisc::test(simulation)]
async fn it_does_not_break_with_fewer_calls_than_the_minimum() {
    for minimum in [1, 2, 10, 50] {
        let breaker = usual().minimum_calls(minimum).build().unwrap();
        for _ in 1..minimum {
            bad(&breaker);
            assert_eq!(breaker.state(), State::Passing);
        }
        bad(&breaker);
        assert_eq!(breaker.state(), State::Broken);
    }
}

#[aiomisc::test(simulation)]
async fn what_is_older_than_the_window_does_not_count() {
    let breaker = usual().build().unwrap();
    for _ in 0..9 {
        bad(&breaker);
    }
    sleep(ms(9_999)).await;
    assert_eq!(breaker.counter().failures, 9);
    sleep(ms(1)).await;
    assert_eq!(breaker.counter().failures, 0);
    bad(&breaker);
    assert_eq!(breaker.state(), State::Passing);
}

/// An hour of good calls does not keep it from breaking.
#[aiomisc::test(simulation)]
async fn it_breaks_soon_after_a_long_good_time() {
    let breaker = usual().build().unwrap();
    for _ in 0..3600 {
        for _ in 0..10 {
            good(&breaker);
        }
        sleep(s(1)).await;
    }
    // 90 to 100 successes are in the window, a quarter of which is 25. What is between two looks is
    // spread evenly, by which some are a moment too old.
    let begun = now();
    break_it(&breaker);
    assert_eq!(now(), begun);
    let failures = breaker.statistics().failure.total();
    assert!((22..=25).contains(&failures), "{failures}");
}

#[aiomisc::test(simulation)]
async fn successes_are_spread_evenly_over_the_time_between_two_looks() {
    let breaker = usual().build().unwrap();
    assert_eq!(breaker.counter().total(), 0);
    for _ in 0..40 {
        good(&breaker);
    }
    sleep(s(40)).await;
    // The part that has just begun, and nine before it with one each.
    assert_eq!(breaker.counter().successes, 9);
    sleep(s(9)).await;
    assert_eq!(breaker.counter().successes, 0);
}

/// Those of a busy time are not spread over the quiet one before it, and do not outlast it.
#[aiomisc::test(simulation)]
async fn successes_count_when_they_were_where_traffic_is_uneven() {
    let breaker = usual().build().unwrap();
    good(&breaker);
    sleep(s(8 * 3600)).await;
    for _ in 0..1000 {
        good(&breaker);
        sleep(ms(5)).await;
    }
    // One in a hundred.
    for _ in 0..10 {
        bad(&breaker);
    }
    assert_eq!(breaker.state(), State::Passing);

    for _ in 0..100_000 {
        good(&breaker);
    }
    sleep(s(600)).await;
    for _ in 0..10 {
        if breaker.state() == State::Passing {
            bad(&breaker);
        }
    }
    assert_eq!(breaker.state(), State::Broken);
}

/// With slow calls the clock is read anyway.
#[aiomisc::test(simulation)]
async fn successes_are_counted_at_their_time_where_slow_calls_are_looked_for() {
    let breaker = usual().slow_call(s(1)).build().unwrap();
    let mut all = Vec::new();
    for second in 0..40_u64 {
        for _ in 0..second % 7 {
            good(&breaker);
        }
        all.push(second % 7);
        sleep(s(1)).await;
    }
    let last: u64 = all.iter().rev().take(9).sum();
    assert_eq!(breaker.counter().successes, last);
}

#[aiomisc::test(simulation)]
async fn it_is_broken_for_the_broken_time_and_refuses() {
    let breaker = usual().build().unwrap();
    break_it(&breaker);
    let broken = refused(&breaker);
    assert_eq!(
        (broken.state(), broken.retry_after()),
        (State::Broken, s(5))
    );
    assert_eq!(broken.last_error(), Some("7"));
    assert_eq!(broken.to_string(), "the circuit is broken, after: 7");
    assert_eq!(breaker.get_state_delay(), s(5));
    sleep(ms(4_999)).await;
    assert_eq!(refused(&breaker).retry_after(), ms(1));
    assert_eq!(breaker.retry_after(), ms(1));
    assert_eq!(breaker.state(), State::Broken);
    sleep(ms(1)).await;
    assert_eq!(breaker.state(), State::Recovering);
    assert_eq!(breaker.get_state_delay(), s(4));
}

#[aiomisc::test(simulation)]
async fn times_are_those_of_the_window_where_nothing_is_said() {
    let breaker = CircuitBreaker::builder(1.0, ms(300)).build().unwrap();
    assert_eq!(breaker.get_state_delay(), ms(300));
    break_it(&breaker);
    assert_eq!(breaker.get_state_delay(), ms(300));
    sleep(ms(300)).await;
    assert_eq!(breaker.state(), State::Recovering);
    assert_eq!(breaker.get_state_delay(), ms(300));
    sleep(ms(300)).await;
    good(&breaker);
    assert_eq!(breaker.state(), State::Passing);
    // It does not break before the passing time is over.
    sleep(ms(299)).await;
    for _ in 0..100 {
        bad(&breaker);
    }
    assert_eq!(breaker.state(), State::Passing);
    sleep(ms(1)).await;
    bad(&breaker);
    assert_eq!(breaker.state(), State::Broken);
}

#[aiomisc::test(simulation)]
async fn the_longest_passing_time_has_no_end() {
    let breaker = usual().passing_time(Duration::MAX).build().unwrap();
    break_it(&breaker);
    breaker.close();
    for _ in 0..100 {
        bad(&breaker);
        sleep(s(3600)).await;
    }
    assert_eq!(breaker.state(), State::Passing);
    breaker.open();
    assert_eq!(breaker.state(), State::Broken);
}

#[aiomisc::test(simulation)]
async fn the_thresholds_are_shares_of_the_ratio() {
    let breaker = usual().passing_threshold(0.5).build().unwrap();
    for _ in 0..9 {
        good(&breaker);
    }
    bad(&breaker);
    assert_eq!(breaker.state(), State::Broken, "10 % are half of 20 %");
    let breaker = usual().recovering_threshold(1.0).build().unwrap();
    break_it(&breaker);
    sleep(ms(8_999)).await;
    let mut passed = 0;
    while passed < 5 {
        if let Ok(call) = breaker.try_enter() {
            call.success();
            passed += 1;
        }
    }
    // Of six, and of seven calls.
    while breaker.state() == State::Recovering {
        if let Ok(call) = breaker.try_enter() {
            call.failure("no");
            passed += 1;
        }
    }
    assert_eq!(passed, 7, "2 of 7 are 20 % or more, 1 of 6 is not");
}

#[aiomisc::test(simulation)]
async fn the_recovery_ratio_is_the_share_of_bad_parts() {
    let breaker = usual().minimum_calls(1000).build().unwrap();
    assert_eq!(breaker.recovery_ratio(), 0.0);
    for part in 0..10 {
        for _ in 0..4 {
            good(&breaker);
        }
        if part % 2 == 0 {
            bad(&breaker);
        }
        // What was good is looked at while it is this part's.
        let _ = breaker.counter();
        sleep(s(1)).await;
    }
    // The first part is over by now.
    assert!((breaker.recovery_ratio() - 0.4).abs() < 1e-9);
}

#[aiomisc::test(simulation)]
async fn it_is_opened_closed_and_reset_by_hand() {
    let breaker = usual().build().unwrap();
    breaker.open();
    assert_eq!(refused(&breaker).retry_after(), s(5));
    assert_eq!(refused(&breaker).last_error(), None);
    assert_eq!(refused(&breaker).to_string(), "the circuit is broken");
    breaker.open_for(Duration::MAX);
    sleep(s(1_000_000)).await;
    assert_eq!(refused(&breaker).retry_after(), Duration::MAX);
    breaker.close();
    assert_eq!(breaker.state(), State::Passing);
    for _ in 0..100 {
        bad(&breaker);
    }
    assert_eq!(breaker.state(), State::Passing, "for the passing time");
    breaker.reset();
    assert_eq!(breaker.counter().total(), 0);
    for _ in 0..9 {
        bad(&breaker);
    }
    assert_eq!(breaker.state(), State::Passing);
    bad(&breaker);
    assert_eq!(breaker.state(), State::Broken, "as a new one");
    breaker.reset();
    breaker.open();
    assert_eq!(refused(&breaker).last_error(), None);
    assert_eq!(breaker.statistics().broken.total(), 3);
}

#[aiomisc::test(simulation)]
async fn clones_are_one_breaker() {
    let breaker = usual().build().unwrap();
    break_it(&breaker.clone());
    assert_eq!(breaker.state(), State::Broken);
}

/// Counts how many times it is asked.
#[derive(Clone)]
struct Asked {
    times: Arc<AtomicUsize>,
    now: Instant,
}

impl Timer for Asked {
    fn sleep(&self, _: Duration) -> Pin<Box<dyn Sleep>> {
        panic!("nobody sleeps here")
    }

    fn now(&self) -> Instant {
        self.times.fetch_add(1, Ordering::Relaxed);
        self.now
    }
}

/// Decision 30. The first call says since when there are successes, and one in 64 until when.
#[aiomisc::test(simulation)]
async fn a_success_reads_no_clock_but_one_in_many() {
    let asked = Asked {
        times: Arc::default(),
        now: now(),
    };
    let runtime = Parts::of(Runtime::current().unwrap());
    let runtime = runtime.timer(asked.clone()).build();
    let calls = |breaker: CircuitBreaker| async move {
        for _ in 0..100 {
            breaker.call(|| Ok::<_, u32>(1)).unwrap();
            let future = async { Ok::<_, u32>(1) };
            breaker.call_async(future).await.unwrap();
            breaker.try_enter().unwrap().success();
            drop(breaker.try_enter().unwrap());
        }
        assert_eq!(breaker.state(), State::Passing);
    };
    runtime.scope(calls(usual().build().unwrap())).await;
    assert_eq!(asked.times.swap(0, Ordering::Relaxed), 1 + 300 / 64);
    let timed = usual().slow_call(s(1)).build().unwrap();
    runtime.scope(calls(timed)).await;
    assert_eq!(asked.times.load(Ordering::Relaxed), 400 + 300);
}

/// Row C18, and the names of the original's figures.
#[aiomisc::test(simulation)]
async fn it_has_figures_by_its_name() {
    let breaker = usual().name("breaker of the figures").build().unwrap();
    good(&breaker);
    break_it(&breaker);
    refused(&breaker);
    sleep(s(5)).await;
    refused(&breaker);
    sleep(s(4)).await;
    drop(breaker.try_enter().unwrap());
    good(&breaker);
    let figures = aiomisc::statistics().of_kind::<CircuitBreakerStatistic>();
    let figures: Vec<_> = figures
        .filter(|figure| figure.name.as_deref() == Some("breaker of the figures"))
        .map(|figure| figure.to_string())
        .collect();
    let figures: Vec<_> = figures
        .iter()
        .map(|line| line.trim_start_matches("CircuitBreakerStatistic breaker of the figures "))
        .collect();
    assert_eq!(
        figures,
        [
            "call_count 14",
            "call_passing 10",
            "call_broken 1",
            "call_recovering 3",
            "call_recovering_ok 2",
            "call_recovering_failed 1",
            "success 2",
            "failure 9",
            "slow 0",
            "neither 1",
            "broken 1",
            "error_ratio_threshold 0.2",
            "error_ratio 0",
        ]
    );
}
