//! What a call gets when there is no result.

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use aiomisc::aggregate::AggregateError;
use aiomisc::{Aggregator, Arg};
use futures::future::join_all;

use super::shared::runtimes;

const HOUR: Duration = Duration::from_secs(3600);

#[aiomisc::test(runtimes(all))]
async fn a_result_that_is_missing_is_an_error_for_that_call_alone() {
    let aggregator = Aggregator::builder().leeway(HOUR).max_count(3);
    let aggregator = aggregator.build(|values: Vec<u32>| async move { values[..2].to_vec() });
    let aggregator = aggregator.unwrap();
    let results = join_all((0..3).map(|value| aggregator.call(value))).await;
    assert!(matches!(
        results[..],
        [Ok(0), Ok(1), Err(AggregateError::NotSet(_))]
    ));
    let text = "the function has given no result for this value";
    assert_eq!(results[2].as_ref().unwrap_err().to_string(), text);
}

#[aiomisc::test(runtimes(all))]
async fn results_that_are_too_many_are_ignored() {
    let aggregator = Aggregator::builder().leeway(HOUR).max_count(1);
    let aggregator = aggregator.build(|values: Vec<u32>| async move { vec![values[0], 7, 8] });
    assert_eq!(aggregator.unwrap().call(1).await.unwrap(), 1);
}

#[aiomisc::test(runtimes(all))]
async fn the_error_of_the_batch_reaches_every_call() {
    let aggregator = Aggregator::builder().leeway(HOUR).max_count(2);
    let aggregator = aggregator
        .build(|_: Vec<u32>| async { Err::<Vec<u32>, _>(io::Error::other("as a whole")) })
        .unwrap();
    let (one, two) = futures::join!(aggregator.call(1), aggregator.call(2));
    let (one, two) = (one.unwrap_err(), two.unwrap_err());
    assert_eq!(one.source().unwrap().to_string(), "as a whole");
    let (AggregateError::Batch(one), AggregateError::Batch(two)) = (one, two) else {
        panic!("it is that of the batch");
    };
    assert!(Arc::ptr_eq(&one, &two));
}

#[aiomisc::test(runtimes(all))]
async fn a_panic_reaches_every_call_and_the_next_batch_works() {
    let aggregator = Aggregator::builder().leeway(HOUR).max_count(2);
    let aggregator = aggregator
        .build(|values: Vec<u32>| {
            assert!(values != [1, 2], "before the future");
            async move {
                assert!(values != [3, 4], "in the future");
                values
            }
        })
        .unwrap();
    for (values, text) in [([1, 2], "before the future"), ([3, 4], "in the future")] {
        for result in join_all(values.map(|value| aggregator.call(value))).await {
            let error = result.unwrap_err();
            assert_eq!(error.to_string(), format!("the batch panicked: {text}"));
        }
    }
    let results = join_all([5, 6].map(|value| aggregator.call(value))).await;
    assert!(matches!(results[..], [Ok(5), Ok(6)]));
}

#[aiomisc::test(runtimes(all))]
async fn each_call_has_its_own_error_and_the_rest_that_of_the_batch() {
    let aggregator = Aggregator::builder().leeway(HOUR).max_count(3);
    let aggregator = aggregator
        .build_async(|args: Vec<Arg<u32, u32, String>>| async move {
            for arg in args {
                match arg.value {
                    0 => arg.sender.send(Ok(0)).unwrap(),
                    1 => arg.sender.send(Err("its own".to_owned())).unwrap(),
                    // Dropped without a result.
                    _ => {}
                }
            }
            Err("as a whole".to_owned())
        })
        .unwrap();
    let results = join_all((0..3).map(|value| aggregator.call(value))).await;
    let [
        Ok(0),
        Err(AggregateError::Own(own)),
        Err(AggregateError::Batch(whole)),
    ] = &results[..]
    else {
        panic!("{results:?}");
    };
    assert_eq!((&**own, &***whole), ("its own", "as a whole"));
}

#[aiomisc::test(runtimes(all))]
async fn what_nobody_waits_for_is_given_back() {
    let (send, senders) = async_channel::bounded(1);
    let aggregator = Aggregator::builder().leeway(HOUR).max_count(1);
    let aggregator = aggregator
        .build_async(move |args: Vec<Arg<u32, u32, String>>| {
            let send = send.clone();
            async move {
                for arg in args {
                    send.send(arg.sender).await.unwrap();
                }
            }
        })
        .unwrap();
    let error = aggregator.call(1).await.unwrap_err();
    assert!(matches!(error, AggregateError::NotSet(_)));
    let sender = senders.recv().await.unwrap();
    assert!(!sender.is_wanted());
    assert_eq!(sender.send(Ok(5)), Err(Ok(5)));
}

/// One in a static lives on, and its next batch is another runtime's.
#[test]
#[allow(
    clippy::disallowed_methods,
    reason = "its runtime is gone: no other may be needed to hear of that"
)]
fn a_runtime_that_ends_leaves_nobody_waiting() {
    let aggregator = Aggregator::builder().leeway(HOUR).max_count(2);
    let aggregator = aggregator.build(|values: Vec<u32>| async move { values });
    let aggregator = aggregator.unwrap();
    for runtime in runtimes() {
        let mut waits = Box::pin(aggregator.call(1));
        runtime.block_on(async {
            assert!(futures::poll!(waits.as_mut()).is_pending());
        });
        drop(runtime);
        // Of any runtime: this one has woken it.
        let error = runtimes().remove(0).block_on(waits).unwrap_err();
        assert!(matches!(error, AggregateError::Ended), "{error}");
    }
    for runtime in runtimes() {
        let (one, two) =
            runtime.block_on(async { futures::join!(aggregator.call(1), aggregator.call(2)) });
        assert_eq!((one.unwrap(), two.unwrap()), (1, 2));
    }
}

/// A result that cannot be dropped.
#[derive(Debug)]
struct Bad(bool);

impl Drop for Bad {
    fn drop(&mut self) {
        assert!(!self.0, "cannot be dropped");
    }
}

#[aiomisc::test(runtimes(all), timeout = "20s")]
async fn a_result_that_nobody_wants_may_panic_when_it_is_dropped() {
    let (begun, begins) = async_channel::bounded::<()>(1);
    let (go, goes) = async_channel::bounded::<()>(1);
    let aggregator = Aggregator::builder().leeway(HOUR).max_count(2);
    let aggregator = aggregator
        .build(move |values: Vec<bool>| {
            let (begun, goes) = (begun.clone(), goes.clone());
            async move {
                begun.send(()).await.unwrap();
                goes.recv().await.unwrap();
                values.into_iter().map(Bad).collect::<Vec<_>>()
            }
        })
        .unwrap();
    let mut leaves = Box::pin(aggregator.call(true));
    assert!(futures::poll!(leaves.as_mut()).is_pending());
    let stays = async {
        let result = aggregator.call(false).await;
        assert!(!result.unwrap().0);
    };
    let others = async {
        begins.recv().await.unwrap();
        drop(leaves);
        go.send(()).await.unwrap();
    };
    futures::join!(stays, others);
}
