//! Windows, to the millisecond; on the simulation.

use std::time::Duration;

use aiomisc::{Aggregator, Runtime, time};
use futures::future::join_all;

use super::Batches;
use super::shared::diary::Diary;
use super::shared::given_up::give_up;

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[aiomisc::test(simulation, seeds = 20)]
async fn the_window_is_counted_from_the_first_call() {
    let diary = Diary::new();
    diary.add("begin");
    let writes = diary.clone();
    let aggregator = Aggregator::builder().leeway(millis(100)).max_count(4);
    let aggregator = aggregator
        .build(move |values: Vec<u32>| {
            writes.add(format!("{values:?}"));
            async move { values }
        })
        .unwrap();
    // After so many milliseconds; two windows, and a batch that is full.
    let calls = [0, 60, 99, 101, 200, 300, 301, 302, 303].map(|at| {
        let aggregator = aggregator.clone();
        async move {
            time::sleep(millis(at)).await;
            aggregator.call(u32::try_from(at).unwrap()).await.unwrap()
        }
    });
    assert_eq!(
        join_all(calls).await,
        [0, 60, 99, 101, 200, 300, 301, 302, 303]
    );
    assert_eq!(
        diary.as_it_came(),
        [
            "0 begin",
            "100 [0, 60, 99]",
            "201 [101, 200]",
            "303 [300, 301, 302, 303]"
        ]
    );
}

#[aiomisc::test(simulation)]
async fn no_more_batches_than_may_are_worked_on_at_a_time() {
    let batches = Batches::default();
    let seen = batches.clone();
    let aggregator = Aggregator::builder()
        .leeway(millis(10))
        .max_count(3)
        .most_batches(1);
    let aggregator = aggregator
        .build(move |values: Vec<u32>| {
            seen.add(&values);
            async move {
                time::sleep(millis(100)).await;
                values
            }
        })
        .unwrap();
    let begun = Runtime::current().unwrap().now();
    let calls = [0, 20, 90, 95].map(|at| {
        let aggregator = aggregator.clone();
        async move {
            time::sleep(millis(at)).await;
            let at = u32::try_from(at).unwrap();
            aggregator.call(at).await.unwrap();
            let now = Runtime::current().unwrap().now();
            now.duration_since(begun).as_millis()
        }
    });
    // The second has to wait from 30 to 110, and takes more calls until then.
    assert_eq!(join_all(calls).await, [110, 210, 210, 210]);
    assert_eq!(batches.all(), [vec![0], vec![20, 90, 95]]);
}

#[aiomisc::test(simulation)]
async fn a_batch_that_everybody_has_left_does_not_run() {
    let batches = Batches::default();
    let seen = batches.clone();
    let aggregator = Aggregator::builder().leeway(millis(10));
    let aggregator = aggregator
        .build(move |values: Vec<u32>| {
            seen.add(&values);
            async move { values }
        })
        .unwrap();
    for value in 0..3 {
        assert!(give_up(1, aggregator.call(value)).await.is_none());
    }
    time::sleep(millis(1000)).await;
    assert!(batches.all().is_empty());
    assert_eq!(aggregator.statistics().done.total(), 0);
}

/// Places that come free at the same moment are not one.
#[aiomisc::test(simulation, seeds = 20)]
async fn every_place_that_comes_free_is_taken_at_once() {
    let aggregator = Aggregator::builder()
        .leeway(millis(10))
        .max_count(1)
        .most_batches(4)
        .build(|values: Vec<u32>| async move {
            time::sleep(millis(100)).await;
            values
        })
        .unwrap();
    let begun = Runtime::current().unwrap().now();
    let calls = (0..8).map(|value| {
        let aggregator = aggregator.clone();
        async move {
            aggregator.call(value).await.unwrap();
            let now = Runtime::current().unwrap().now();
            now.duration_since(begun).as_millis()
        }
    });
    let mut ends = join_all(calls).await;
    ends.sort_unstable();
    assert_eq!(ends, [100, 100, 100, 100, 200, 200, 200, 200]);
}
