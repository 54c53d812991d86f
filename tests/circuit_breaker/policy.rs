//! As part of a policy.

use std::panic::AssertUnwindSafe;

use aiomisc::resilience::{CallError, Fallback, Hedge, Policy, Refusal};
use aiomisc::retry::Backoff;
use futures::FutureExt;

use super::*;

fn thrice() -> Backoff {
    let backoff = Backoff::builder().pause(ms(10)).max_tries(3);
    backoff.build().unwrap()
}

#[aiomisc::test(simulation)]
async fn each_attempt_of_a_retry_counts_and_a_broken_circuit_ends_it() {
    let breaker = usual().minimum_calls(5).build().unwrap();
    let policy = Policy::new().retry(thrice()).breaker(breaker.clone());
    let call = || policy.call(|_| async { Err::<(), u32>(7) });
    assert_eq!(call().await, Err(CallError::Failed(7)));
    assert_eq!(breaker.counter().failures, 3);
    // It was broken 10 ms ago, by the second attempt.
    let retry_after = ms(4_990);
    let broken = Refusal::Broken { retry_after };
    assert_eq!(call().await, Err(CallError::Refused(broken)));
    assert_eq!(breaker.statistics().failure.total(), 5);
    assert_eq!(breaker.state(), State::Broken);
}

#[aiomisc::test(simulation)]
async fn a_time_limit_inside_is_a_failure() {
    let breaker = usual().minimum_calls(1).build().unwrap();
    let policy = Policy::new().timeout(ms(10)).breaker(breaker.clone());
    let slow = policy.call(|_| async {
        sleep(s(1)).await;
        Ok::<_, u32>(1)
    });
    assert_eq!(slow.await, Err(CallError::Elapsed));
    let text = "the time limit has elapsed";
    assert_eq!(refused(&breaker).last_error(), Some(text));
}

#[aiomisc::test(simulation)]
async fn a_panic_inside_is_a_failure_and_goes_to_the_caller() {
    let breaker = usual().minimum_calls(2).build().unwrap();
    let policy = Policy::new()
        .timeout(s(1))
        .retry(thrice())
        .breaker(breaker.clone());
    for failures in 1..=2 {
        let call = policy.call(|_| async {
            sleep(ms(1)).await;
            if true {
                panic!("at the disco");
            }
            Ok::<_, u32>(1)
        });
        let panic = AssertUnwindSafe(call).catch_unwind().await.unwrap_err();
        assert_eq!(panic.downcast_ref(), Some(&"at the disco"));
        assert_eq!(breaker.statistics().failure.total(), failures);
    }
    let broken = refused(&breaker);
    assert_eq!(broken.last_error(), Some("a panic: at the disco"));
}

#[aiomisc::test(simulation)]
async fn a_rule_holds_inside_of_a_policy() {
    let breaker = usual().failure_if(|error: &u32| *error != 7);
    let breaker = breaker.minimum_calls(1).build().unwrap();
    let policy = Policy::new().breaker(breaker.clone());
    for _ in 0..10 {
        let result = policy.call(|_| async { Err::<(), u32>(7) }).await;
        assert_eq!(result, Err(CallError::Failed(7)));
    }
    assert_eq!(breaker.statistics().neither.total(), 10);
    let result = policy.call(|_| async { Err::<(), u32>(8) }).await;
    assert_eq!(result, Err(CallError::Failed(8)));
    assert_eq!(breaker.state(), State::Broken);
}

#[aiomisc::test(simulation)]
async fn a_fallback_takes_the_place_of_a_refusal_and_a_hedge_is_one_call() {
    let breaker = usual().build().unwrap();
    let fallback = Fallback::new(async |_: CallError<u32>| Ok::<u32, CallError<u32>>(99));
    let policy = Policy::new()
        .breaker(breaker.clone())
        .hedge(Hedge::builder(ms(5)).build().unwrap())
        .fallback(fallback);
    let call = || {
        policy.call(|_| async {
            sleep(ms(20)).await;
            Ok::<_, u32>(1)
        })
    };
    assert_eq!(call().await, Ok(1));
    assert_eq!(breaker.counter().total(), 1);
    breaker.open();
    assert_eq!(call().await, Ok(99));
}

#[aiomisc::test(simulation)]
async fn a_policy_that_is_dropped_gives_the_place_of_a_probe_back() {
    use aiomisc::circuit_breaker::Recovery;
    use shared::given_up::give_up;
    let breaker = usual().recovery(Recovery::probes(1, s(60)));
    let breaker = breaker.build().unwrap();
    let policy = Policy::new().retry(thrice()).breaker(breaker.clone());
    break_it(&breaker);
    sleep(s(5)).await;
    for polls in 1..5 {
        let call = policy.call(|_| std::future::pending::<Result<(), u32>>());
        assert!(give_up(polls, call).await.is_none());
        assert_eq!(breaker.probes(), 0);
    }
    assert_eq!(breaker.state(), State::Recovering);
}
