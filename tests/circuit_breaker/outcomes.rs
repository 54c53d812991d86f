//! What is a success, a failure, or neither.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use futures::FutureExt;
use shared::given_up::polled;

use super::*;

#[aiomisc::test(simulation)]
async fn a_call_that_is_dropped_is_neither() {
    let breaker = usual().build().unwrap();
    let operation = || async {
        for _ in 0..5 {
            sleep(ms(1)).await;
        }
        Ok::<_, u32>(1)
    };
    let mut dropped = 0;
    for polls in 0.. {
        let call = breaker.call_async(operation());
        if polled(call, polls).await.is_some() {
            break;
        }
        dropped += 1;
    }
    assert_eq!(dropped, 6);
    assert_eq!(breaker.counter().total(), 1);
    // The first was not polled, and so was no call.
    let statistic = breaker.statistics();
    assert_eq!(statistic.neither.total(), 5);
    assert_eq!(statistic.call_count.total(), 6);
}

#[aiomisc::test(simulation)]
async fn a_panic_is_a_failure() {
    let breaker = usual().minimum_calls(2).build().unwrap();
    let call = || breaker.call(|| -> Result<(), u32> { panic!("at the disco") });
    let panic = catch_unwind(AssertUnwindSafe(call)).unwrap_err();
    assert_eq!(panic.downcast_ref(), Some(&"at the disco"));
    assert_eq!(breaker.counter().failures, 1);
    let call = breaker.call_async(async {
        sleep(ms(1)).await;
        panic!("again")
    });
    let call = call.map(|result: Result<(), BreakerError<u32>>| result);
    let panic = AssertUnwindSafe(call).catch_unwind().await.unwrap_err();
    assert_eq!(panic.downcast_ref(), Some(&"again"));
    assert_eq!(refused(&breaker).last_error(), Some("a panic: again"));
    assert_eq!(breaker.statistics().failure.total(), 2);
}

#[aiomisc::test(simulation)]
async fn errors_that_are_no_failures_are_neither() {
    let breaker = usual().failure_if(|error: &u32| *error != 7);
    let breaker = breaker.build().unwrap();
    for _ in 0..100 {
        bad(&breaker);
    }
    assert_eq!(breaker.state(), State::Passing);
    assert_eq!(breaker.counter().total(), 0, "they do not dilute the ratio");
    assert_eq!(breaker.statistics().neither.total(), 100);
    for _ in 0..10 {
        let guard = breaker.try_enter().unwrap();
        guard.ended(&Err::<(), _>(8));
    }
    assert_eq!(breaker.state(), State::Broken);
}

#[aiomisc::test(simulation)]
async fn a_rule_that_panics_makes_it_a_failure() {
    let breaker = usual().failure_if(|_: &u32| panic!("in the rule"));
    let breaker = breaker.build().unwrap();
    for _ in 0..10 {
        bad(&breaker);
    }
    assert_eq!(breaker.state(), State::Broken);
}

struct Unspeakable;

impl fmt::Display for Unspeakable {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("no words")
    }
}

#[aiomisc::test(simulation)]
async fn an_error_whose_text_panics_is_a_failure() {
    let breaker = usual().minimum_calls(1).build().unwrap();
    let result = breaker.call(|| Err::<(), _>(Unspeakable));
    assert!(matches!(result, Err(BreakerError::Failed(Unspeakable))));
    let text = "an error whose text is a panic";
    assert_eq!(refused(&breaker).last_error(), Some(text));
}

#[aiomisc::test(simulation)]
async fn a_call_that_is_too_slow_is_a_failure() {
    let breaker = usual().slow_call(ms(100)).minimum_calls(3);
    let breaker = breaker.failure_if(|_: &u32| false).build().unwrap();
    let take = |millis, result: Result<u32, u32>| {
        let breaker = &breaker;
        async move {
            let call = async {
                sleep(ms(millis)).await;
                result
            };
            let _ = breaker.call_async(call).await;
        }
    };
    take(100, Ok(1)).await;
    take(101, Ok(1)).await;
    take(100, Err(1)).await;
    let statistic = breaker.statistics();
    assert_eq!(
        (breaker.counter().successes, breaker.counter().failures),
        (1, 1)
    );
    assert_eq!(statistic.slow.total(), 1);
    take(102, Err(1)).await;
    assert_eq!(breaker.state(), State::Broken);
    let broken = breaker.try_enter().unwrap_err();
    let text = "it took 102ms, which is longer than 100ms";
    assert_eq!(broken.last_error(), Some(text));
    // One that is dropped is neither, however long it took.
    breaker.reset();
    let slow = async {
        sleep(s(1)).await;
        Ok::<_, u32>(1)
    };
    let dropped = aiomisc::time::timeout(ms(500), breaker.call_async(slow)).await;
    assert!(dropped.is_err());
    assert_eq!(breaker.counter().total(), 0);
}

#[aiomisc::test(simulation)]
async fn an_outcome_that_comes_in_another_state_does_not_count() {
    let breaker = usual().minimum_calls(2).build().unwrap();
    let (before, too) = (breaker.try_enter().unwrap(), breaker.try_enter().unwrap());
    break_it(&breaker);
    before.failure("late");
    assert_eq!(refused(&breaker).last_error(), Some("7"));
    sleep(s(9)).await;
    assert_eq!(breaker.state(), State::Recovering);
    too.success();
    assert_eq!(
        breaker.state(),
        State::Recovering,
        "it did not show a recovery"
    );
    let probe = breaker.try_enter().unwrap();
    breaker.reset();
    probe.failure("late");
    assert_eq!(breaker.counter().failures, 0);
}

#[aiomisc::test(simulation)]
async fn a_refused_future_is_never_polled() {
    let breaker = usual().build().unwrap();
    break_it(&breaker);
    let future = async { panic!("it is polled") };
    let result: Result<(), BreakerError<u32>> = breaker.call_async(future).await;
    assert!(matches!(result, Err(BreakerError::Broken(_))));
}

#[aiomisc::test(simulation)]
async fn errors_say_what_they_are() {
    use aiomisc::resilience::{CallError, Refusal};
    use std::error::Error;
    use std::io;

    let breaker = usual().build().unwrap();
    break_it(&breaker);
    let broken = refused(&breaker);
    let error: io::Error = broken.clone().into();
    assert_eq!(error.to_string(), "the circuit is broken, after: 7");
    let error = BreakerError::<io::Error>::Broken(broken.clone());
    assert_eq!(error.to_string(), "the operation was not let through");
    assert_eq!(error.source().unwrap().to_string(), broken.to_string());
    assert_eq!(error.into_error().kind(), io::ErrorKind::Other);
    let error: CallError<u32> = BreakerError::Broken(broken).into();
    let retry_after = s(5);
    assert_eq!(error, CallError::Refused(Refusal::Broken { retry_after }));
    assert_eq!(
        CallError::from(BreakerError::Failed(3)),
        CallError::Failed(3)
    );
    assert_eq!(BreakerError::Failed(3).failed(), Some(3));
}
