//! An aggregator that several runtimes share, such as one in a `static`.

use std::convert::Infallible;
use std::time::Duration;

use aiomisc::aggregate::AggregateError;
use aiomisc::{Aggregator, Runtime, adapters::Tokio};
use futures::future::join_all;
use futures::poll;

use super::Batches;

fn gathered(batches: &Batches) -> Aggregator<u32, u32, Infallible> {
    let batches = batches.clone();
    let builder = Aggregator::builder().leeway(Duration::from_millis(1));
    let built = builder.build(move |values: Vec<u32>| {
        batches.add(&values);
        async move { values }
    });
    built.unwrap()
}

fn runtime() -> Runtime {
    Tokio::current_thread().unwrap().into()
}

#[test]
fn a_call_does_not_wait_for_a_runtime_that_nobody_drives() {
    let aggregator = gathered(&Batches::default());
    let (still, driven) = (runtime(), runtime());
    let mut waits = Box::pin(aggregator.call(1));
    assert!(still.block_on(async { poll!(&mut waits) }).is_pending());
    assert_eq!(driven.block_on(aggregator.call(2)).unwrap(), 2);
    assert_eq!(still.block_on(waits).unwrap(), 1);
}

#[test]
fn the_end_of_a_runtime_is_nothing_to_the_calls_of_another() {
    let aggregator = gathered(&Batches::default());
    let (ends, lasts) = (runtime(), runtime());
    let mut lost = Box::pin(aggregator.call(1));
    assert!(ends.block_on(async { poll!(&mut lost) }).is_pending());
    let mut kept = Box::pin(aggregator.call(2));
    assert!(lasts.block_on(async { poll!(&mut kept) }).is_pending());
    drop(ends);
    assert_eq!(lasts.block_on(kept).unwrap(), 2);
    let error = lasts.block_on(lost).unwrap_err();
    assert!(matches!(error, AggregateError::Ended), "{error}");
}

/// Neither does a batch wait for a place that somebody else has.
#[test]
fn places_for_batches_are_those_of_a_runtime() {
    let (begins, begun) = async_channel::bounded(1);
    let aggregator = Aggregator::builder().leeway(Duration::from_millis(1));
    let aggregator = aggregator.most_batches(1).build(move |values: Vec<u32>| {
        let begins = begins.clone();
        async move {
            if values == [1] {
                begins.send(()).await.unwrap();
                std::future::pending::<()>().await;
            }
            values
        }
    });
    let aggregator = aggregator.unwrap();
    let (still, driven) = (runtime(), runtime());
    let mut waits = Box::pin(aggregator.call(1));
    still.block_on(async {
        assert!(poll!(&mut waits).is_pending());
        begun.recv().await.unwrap();
    });
    assert_eq!(driven.block_on(aggregator.call(2)).unwrap(), 2);
}

/// There each look finds a handle of its own to the same runtime.
#[allow(
    clippy::disallowed_methods,
    reason = "it is about programs that do not use our runtimes"
)]
#[test]
fn calls_of_foreign_tasks_on_one_runtime_share_a_batch() {
    let batches = Batches::default();
    let aggregator = gathered(&batches);
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let foreign = builder.enable_all().build().unwrap();
    let results = foreign.block_on(join_all((0..5).map(|number| aggregator.call(number))));
    assert_eq!(results.len(), 5);
    assert_eq!(batches.all(), [[0, 1, 2, 3, 4]]);
}
