//! How it finds its way back.

use std::pin::pin;

use aiomisc::circuit_breaker::Recovery;
use shared::given_up::{give_up, polled};

use super::*;

fn probing(at_once: u32, successes: u32, limit: Duration) -> CircuitBreaker {
    let recovery = Recovery::Probes {
        at_once,
        successes,
        limit,
    };
    usual().recovery(recovery).build().unwrap()
}

async fn recovering(breaker: &CircuitBreaker) {
    break_it(breaker);
    sleep(s(5)).await;
    assert_eq!(breaker.state(), State::Recovering);
}

#[aiomisc::test(simulation)]
async fn the_share_of_calls_that_go_through_grows() {
    let breaker = usual().build().unwrap();
    recovering(&breaker).await;
    for quarter in 0..5_i32 {
        let share = 2_f64.powf(f64::from(quarter) / 4.0) - 1.0;
        let through = (0..4000).filter(|_| breaker.try_enter().is_ok()).count();
        let seen = through as f64 / 4000.0;
        assert!((seen - share).abs() < 0.03, "{seen} and not {share}");
        if quarter == 0 || quarter == 4 {
            assert_eq!(through as f64, share * 4000.0, "for certain");
        }
        sleep(s(1)).await;
    }
}

/// In the recovery time it stays, however many succeed.
#[aiomisc::test(simulation)]
async fn it_passes_when_the_recovery_time_is_over_and_a_call_has_succeeded() {
    let breaker = usual().build().unwrap();
    recovering(&breaker).await;
    sleep(ms(3_999)).await;
    for _ in 0..100 {
        if let Ok(call) = breaker.try_enter() {
            call.success();
        }
    }
    assert_eq!(breaker.state(), State::Recovering);
    sleep(ms(1)).await;
    assert_eq!(breaker.state(), State::Passing);
    assert_eq!(breaker.counter().total(), 0, "the window is a new one");
}

#[aiomisc::test(simulation)]
async fn it_breaks_again_at_half_of_the_ratio() {
    let breaker = usual().build().unwrap();
    recovering(&breaker).await;
    sleep(ms(3_990)).await;
    let mut passed = 0;
    while passed < 10 {
        if let Ok(call) = breaker.try_enter() {
            call.success();
            passed += 1;
        }
    }
    let failed = |breaker: &CircuitBreaker| {
        loop {
            if let Ok(call) = breaker.try_enter() {
                return call.failure("no");
            }
        }
    };
    failed(&breaker);
    assert_eq!(breaker.state(), State::Recovering, "1 of 11 is below 10 %");
    failed(&breaker);
    assert_eq!(breaker.state(), State::Broken, "2 of 12 are not");
    assert_eq!(breaker.retry_after(), s(5));
}

#[aiomisc::test(simulation)]
async fn a_refusal_while_it_recovers_says_until_when() {
    let breaker = usual().build().unwrap();
    recovering(&breaker).await;
    let broken = refused(&breaker);
    assert_eq!(broken.state(), State::Recovering);
    assert_eq!(broken.retry_after(), s(4));
    assert_eq!(broken.to_string(), "the circuit is recovering, after: 7");
}

#[aiomisc::test(simulation)]
async fn so_many_probes_are_on_their_way_at_once() {
    let breaker = probing(2, 3, s(60));
    recovering(&breaker).await;
    let (first, second) = (breaker.try_enter().unwrap(), breaker.try_enter().unwrap());
    assert_eq!(breaker.probes(), 2);
    assert_eq!(refused(&breaker).retry_after(), s(60));
    first.success();
    good(&breaker);
    assert_eq!(breaker.state(), State::Recovering);
    second.success();
    assert_eq!(
        breaker.state(),
        State::Passing,
        "before the recovery time is over"
    );
    assert_eq!(breaker.probes(), 0);
}

#[aiomisc::test(simulation)]
async fn a_probe_that_fails_breaks_it() {
    let breaker = probing(3, 3, s(60));
    recovering(&breaker).await;
    let others = (breaker.try_enter().unwrap(), breaker.try_enter().unwrap());
    bad(&breaker);
    assert_eq!(refused(&breaker).retry_after(), s(5));
    others.0.success();
    others.1.failure("late");
    assert_eq!(refused(&breaker).last_error(), Some("7"));
    assert_eq!(breaker.probes(), 0);
}

#[aiomisc::test(simulation)]
async fn a_probe_that_is_dropped_gives_its_place_back() {
    let breaker = probing(1, 1, s(60));
    recovering(&breaker).await;
    for _ in 0..10 {
        let probe = breaker.try_enter().unwrap();
        refused(&breaker);
        drop(probe);
    }
    good(&breaker);
    assert_eq!(breaker.state(), State::Passing);
}

/// There is a wait at each of three places, and in between.
#[aiomisc::test(simulation)]
async fn a_probe_that_is_dropped_at_any_await_gives_its_place_back() {
    let breaker = probing(1, 1, s(3600));
    recovering(&breaker).await;
    let call = || {
        breaker.call_async(async {
            for _ in 0..3 {
                sleep(ms(5)).await;
            }
            Ok::<_, u32>(1)
        })
    };
    let mut dropped = 0;
    for polls in 0.. {
        assert_eq!(breaker.probes(), 0);
        if polled(call(), polls).await.is_some() {
            break;
        }
        dropped += 1;
        assert_eq!(breaker.state(), State::Recovering);
    }
    assert_eq!(dropped, 4);
    assert_eq!(breaker.state(), State::Passing);
}

#[aiomisc::test(simulation)]
async fn a_probe_that_never_settles_gives_its_place_back() {
    let breaker = probing(1, 2, ms(100));
    recovering(&breaker).await;
    let lost = breaker.try_enter().unwrap();
    sleep(ms(99)).await;
    assert_eq!(refused(&breaker).retry_after(), ms(1));
    sleep(ms(1)).await;
    let next = breaker.try_enter().unwrap();
    // Whoever has lost its place neither counts nor gives the other's back.
    lost.failure("late");
    assert_eq!(breaker.state(), State::Recovering);
    refused(&breaker);
    assert_eq!(breaker.probes(), 1);
    next.success();
    good(&breaker);
    assert_eq!(breaker.state(), State::Passing);
}

#[aiomisc::test(simulation)]
async fn a_panic_of_a_probe_breaks_it() {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    let breaker = probing(1, 1, s(60));
    recovering(&breaker).await;
    let call = || breaker.call(|| -> Result<(), u32> { panic!("a probe") });
    catch_unwind(AssertUnwindSafe(call)).unwrap_err();
    assert_eq!(breaker.state(), State::Broken);
    assert_eq!(breaker.probes(), 0);
}

#[aiomisc::test(simulation)]
async fn waiting_ends_when_a_probe_may_go() {
    let breaker = probing(1, 1, ms(300));
    breaker.wait_ready().await;
    break_it(&breaker);
    let begun = now();
    breaker.wait_ready().await;
    assert_eq!(now() - begun, s(5));
    // A place that is given back, ...
    let probe = breaker.try_enter().unwrap();
    let back = async {
        sleep(ms(20)).await;
        drop(probe);
    };
    futures::join!(breaker.wait_ready(), back);
    assert_eq!(now() - begun, ms(5_020));
    // ... and one that is lost.
    let lost = breaker.try_enter().unwrap();
    breaker.wait_ready().await;
    assert_eq!(now() - begun, ms(5_320));
    drop(lost);
}

#[aiomisc::test(simulation)]
async fn waiting_ends_by_chance_as_a_call_would_be_let_through() {
    let breaker = usual().build().unwrap();
    break_it(&breaker);
    let begun = now();
    let waits = (0..400).map(|_| async {
        breaker.wait_ready().await;
        now() - begun
    });
    let waited = futures::future::join_all(waits).await;
    assert!(waited.iter().all(|time| (s(5)..=s(9)).contains(time)));
    // Half of them have gone when the share is a half: at log2(1.5) of 4 s.
    let half = s(5) + s(4).mul_f64(1.5_f64.log2());
    let before = waited.iter().filter(|time| **time < half).count();
    assert!((160..240).contains(&before), "{before}");
}

#[aiomisc::test(simulation)]
async fn waiting_ends_when_it_is_closed() {
    let breaker = usual().build().unwrap();
    breaker.open_for(Duration::MAX);
    let close = async {
        sleep(ms(10)).await;
        breaker.close();
    };
    let begun = now();
    futures::join!(breaker.wait_ready(), close);
    assert_eq!(now() - begun, ms(10));
}

#[aiomisc::test(simulation)]
async fn waiting_ends_earlier_when_it_is_opened_for_less() {
    for length in [Duration::MAX, s(100)] {
        let breaker = usual().recovery_time(Duration::ZERO).build().unwrap();
        breaker.open_for(length);
        let open = async {
            sleep(ms(10)).await;
            breaker.open_for(ms(20));
        };
        let begun = now();
        futures::join!(breaker.wait_ready(), open);
        assert_eq!(now() - begun, ms(30));
    }
}

#[aiomisc::test(simulation)]
async fn a_wait_that_is_dropped_takes_nothing() {
    let breaker = probing(1, 1, s(60));
    break_it(&breaker);
    for polls in 0..4 {
        assert!(give_up(polls, breaker.wait_ready()).await.is_none());
    }
    sleep(s(5)).await;
    let wait = pin!(breaker.wait_ready());
    assert!(give_up(1, wait).await.is_some());
    good(&breaker);
    assert_eq!(breaker.state(), State::Passing);
}
