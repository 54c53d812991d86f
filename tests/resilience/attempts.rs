//! The attempts of a policy: what they are told of their time, and a retry that has no limits.

use std::cell::RefCell;

use aiomisc::resilience::{CallError, Policy};
use aiomisc::retry::Backoff;

use super::policy::{Operation, hedge, one_place, patient};
use super::*;

#[aiomisc::test(simulation)]
async fn an_attempt_knows_the_shortest_of_its_limits() {
    let told = |policy: Policy| async move {
        let told = policy.call(async |attempt| Ok::<_, u32>(attempt.time_left()));
        told.await.unwrap()
    };
    let backoff = |deadline| Backoff::builder().deadline(ms(deadline)).build().unwrap();
    let limited = || Policy::new().timeout(ms(100));
    assert_eq!(told(Policy::new()).await, None);
    assert_eq!(told(limited()).await, Some(ms(100)));
    assert_eq!(told(limited().retry(backoff(500))).await, Some(ms(100)));
    assert_eq!(told(limited().retry(backoff(50))).await, Some(ms(50)));
    assert_eq!(told(limited().hedge(hedge())).await, Some(ms(100)));
}

/// What an attempt has waited for its turn is gone from its time.
#[aiomisc::test(simulation)]
async fn an_attempt_knows_what_waiting_has_left_of_its_time() {
    let backoff = Backoff::builder().deadline(ms(500)).build().unwrap();
    let told = |policy: &Policy| {
        let policy = policy.clone();
        async move {
            let told = policy.call(async |attempt| Ok::<_, u32>(attempt.time_left()));
            told.await.unwrap()
        }
    };

    let bulkhead = one_place();
    let policy = Policy::new()
        .retry(backoff.clone())
        .bulkhead(bulkhead.clone());
    let place = bulkhead.enter().await.unwrap();
    let leaves = async {
        time::sleep(ms(30)).await;
        drop(place);
    };
    assert_eq!(futures::join!(told(&policy), leaves).0, Some(ms(470)));
    assert_eq!(told(&policy).await, Some(ms(500)));
    let policy = policy.timeout(ms(100));
    assert_eq!(told(&policy).await, Some(ms(100)));

    let policy = Policy::new().retry(backoff).rate_limiter(patient());
    assert_eq!(told(&policy).await, Some(ms(500)));
    assert_eq!(told(&policy).await, Some(ms(400)));
}

#[aiomisc::test(simulation)]
async fn an_attempt_that_was_begun_later_has_less_time() {
    let backoff = Backoff::builder().deadline(ms(5000)).build().unwrap();
    let policy = Policy::new().retry(backoff).hedge(hedge());
    let told = RefCell::new(Vec::new());
    let result = policy.call(|attempt| {
        told.borrow_mut().push(attempt.time_left().unwrap());
        async {
            time::sleep(ms(300)).await;
            Ok::<_, u32>(())
        }
    });
    result.await.unwrap();
    assert_eq!(told.into_inner(), [ms(5000), ms(4980)]);
}

#[aiomisc::test(simulation)]
async fn a_retry_without_limits_and_pauses_is_one_as_well() {
    let retry = Backoff::retry(3)
        .retry_if(|error: &u32| *error > 0)
        .build()
        .unwrap();
    let policy = Policy::new().timeout(ms(100)).retry(retry.clone());
    let steps = Operation::new(&[(0, Err(1)), (500, Ok(2)), (0, Ok(3))]);
    let result = policy.call(|_| steps.run()).await;
    assert_eq!(result, Ok(3));
    assert_eq!(steps.began(), [0, 0, 100]);
    assert_eq!(retry.statistics().attempts.total(), 3);
    let steps = Operation::new(&[(0, Err(0))]);
    assert_eq!(
        policy.call(|_| steps.run()).await,
        Err(CallError::Failed(0))
    );
}
