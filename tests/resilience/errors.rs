//! What errors say.

use std::error::Error;

use aiomisc::aggregate::{AggregateError, ResultNotSetError};
use aiomisc::circuit_breaker::BreakerError;
use aiomisc::pool::AcquireError;
use aiomisc::resilience::{CallError, Refusal};
use aiomisc::retry::RetryError;
use aiomisc::time::Elapsed;
use aiomisc::{BoxError, Pool};

use super::{Arc, ms};

#[test]
fn errors_say_what_happened() {
    let failed = CallError::Failed(std::io::Error::other("the disk is full"));
    assert_eq!(failed.to_string(), "the operation has failed");
    assert_eq!(failed.source().unwrap().to_string(), "the disk is full");
    assert_eq!(failed.into_inner().to_string(), "the disk is full");
    let refused = CallError::<std::io::Error>::from(Refusal::Broken { retry_after: ms(7) });
    assert_eq!(refused.to_string(), "the operation was not let through");
    assert_eq!(
        refused.source().unwrap().to_string(),
        "the circuit is broken"
    );
    assert!(refused.into_inner().is::<Refusal>());
}

/// A text is no `Error`, and neither is a `BoxError`: `?` takes what is inside.
#[test]
fn what_is_inside_can_be_passed_on_whatever_it_is() {
    fn text() -> BoxError {
        "the disk is full".into()
    }
    let own = [
        CallError::Failed(text()).into_inner(),
        RetryError::Failed(text()).into_inner(),
        BreakerError::Failed(text()).into_inner(),
        AcquireError::Create(text()).into_inner(),
        AggregateError::Own(text()).into_inner(),
        AggregateError::Batch(Arc::new(text())).into_inner(),
        AggregateError::Batch(Arc::new("the disk is full")).into_inner(),
    ];
    for error in own {
        assert_eq!(error.to_string(), "the disk is full");
        assert_eq!(format!("{error:?}"), "\"the disk is full\"");
    }
    let late = RetryError::<BoxError>::Elapsed.into_inner();
    assert!(late.is::<Elapsed>());
    let closed = AcquireError::<BoxError>::Closed.into_inner();
    assert_eq!(closed.to_string(), "the pool is closed");
    let not_set = AggregateError::<BoxError>::NotSet(ResultNotSetError::default()).into_inner();
    assert_eq!(
        not_set.to_string(),
        "the function has given no result for this value"
    );
}

#[aiomisc::test(simulation)]
async fn a_time_out_of_a_pool_is_passed_on_with_its_stage() {
    let pool = Pool::builder(|| 7).maximum(1).build().unwrap();
    let _one = pool.acquire().await.unwrap();
    let error = pool.acquire_within(ms(10)).await.unwrap_err();
    assert_eq!(
        error.into_inner().to_string(),
        "no object of the pool within 10ms: while all of them were in use"
    );
}
