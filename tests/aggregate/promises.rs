//! What an aggregator promises.

use std::convert::Infallible;
use std::time::Duration;

use aiomisc::aggregate::{AggregateError, AggregateStatistic};
use aiomisc::{Aggregator, Arg, statistics};
use futures::future::{join, join_all, poll_immediate};

use super::Batches;
use super::shared::given_up::give_up;
use super::shared::{manual, unique};

const HOUR: Duration = Duration::from_secs(3600);

/// Ten times each, all in one batch of this size.
fn tens(batches: &Batches, max_count: usize) -> Aggregator<u32, u32, Infallible> {
    let batches = batches.clone();
    let builder = Aggregator::builder().leeway(HOUR).max_count(max_count);
    let built = builder.build(move |values: Vec<u32>| {
        batches.add(&values);
        async move {
            values
                .into_iter()
                .map(|value| 10 * value)
                .collect::<Vec<_>>()
        }
    });
    built.unwrap()
}

#[aiomisc::test(runtimes(all))]
async fn results_come_back_by_position() {
    let batches = Batches::default();
    let aggregator = tens(&batches, 4);
    let results = join_all((0..8).map(|value| aggregator.call(value))).await;
    let results: Vec<_> = results.into_iter().map(Result::unwrap).collect();
    assert_eq!(results, (0..8).map(|value| 10 * value).collect::<Vec<_>>());
    let mut all = batches.all();
    all.sort();
    assert_eq!(
        all,
        [vec![0, 1, 2, 3], vec![4, 5, 6, 7]],
        "full ones begin at once"
    );
}

#[aiomisc::test(runtimes(all))]
async fn one_that_is_not_full_begins_when_its_window_is_over() {
    let batches = Batches::default();
    let seen = batches.clone();
    let aggregator = Aggregator::builder().leeway(HOUR);
    let aggregator = aggregator.build(move |values: Vec<u32>| {
        seen.add(&values);
        async move { values }
    });
    let aggregator = aggregator.unwrap();
    let (runtime, clock) = manual();
    let calls = join(aggregator.call(1), aggregator.call(2));
    let time = async {
        clock.wait_until_pending(1).await;
        assert_eq!(batches.all(), [[0; 0]; 0]);
        clock.advance(HOUR);
    };
    let ((one, two), ()) = runtime.scope(join(calls, time)).await;
    assert_eq!((one.unwrap(), two.unwrap()), (1, 2));
    assert_eq!(batches.all(), [[1, 2]]);
}

#[aiomisc::test(runtimes(all))]
async fn the_value_of_who_has_left_before_the_beginning_is_left_out() {
    let batches = Batches::default();
    let aggregator = tens(&batches, 2);
    assert!(give_up(1, aggregator.call(1)).await.is_none());
    let (two, three) = futures::join!(aggregator.call(2), aggregator.call(3));
    assert_eq!((two.unwrap(), three.unwrap()), (20, 30));
    assert_eq!(batches.all(), [[2, 3]]);
}

#[aiomisc::test(runtimes(all))]
async fn who_goes_while_it_runs_neither_stops_nor_repeats_it() {
    let batches = Batches::default();
    let (go, wait) = async_channel::bounded::<()>(1);
    let seen = batches.clone();
    let aggregator = Aggregator::builder().leeway(HOUR).max_count(2);
    let aggregator = aggregator
        .build(move |values: Vec<u32>| {
            seen.add(&values);
            let wait = wait.clone();
            async move {
                wait.recv().await.unwrap();
                values
            }
        })
        .unwrap();
    let mut first = Box::pin(aggregator.call(1));
    assert!(poll_immediate(first.as_mut()).await.is_none());
    let mut second = Box::pin(aggregator.call(2));
    assert!(poll_immediate(second.as_mut()).await.is_none());
    while batches.all().is_empty() {
        aiomisc::time::sleep(Duration::from_micros(10)).await;
    }
    drop(first);
    go.send(()).await.unwrap();
    assert_eq!(second.await.unwrap(), 2);
    assert_eq!(batches.all(), [[1, 2]]);
}

#[aiomisc::test(runtimes(all))]
async fn results_are_set_one_by_one_and_need_not_wait_for_the_end() {
    let aggregator = Aggregator::builder().leeway(HOUR).max_count(2);
    let aggregator = aggregator
        .build_async(|args: Vec<Arg<u32, u32, Infallible>>| async move {
            for arg in args {
                assert!(arg.sender.is_wanted());
                arg.sender.send(Ok(arg.value + 1)).unwrap();
            }
            // The results are there, and the function goes on.
            std::future::pending::<()>().await;
        })
        .unwrap();
    let (one, two) = futures::join!(aggregator.call(1), aggregator.call(2));
    assert_eq!((one.unwrap(), two.unwrap()), (2, 3));
}

#[aiomisc::test(runtimes(all))]
async fn there_is_a_batch_for_each_key() {
    let batches = Batches::default();
    let seen = batches.clone();
    let aggregator = Aggregator::builder().leeway(HOUR).max_count(2);
    let aggregator = aggregator
        .build_by_key(
            |value: &u32| value % 2,
            move |values: Vec<u32>| {
                seen.add(&values);
                async move { values }
            },
        )
        .unwrap();
    let results = join_all((1..5).map(|value| aggregator.call(value))).await;
    assert!(results.into_iter().all(|result| result.is_ok()));
    let mut all = batches.all();
    all.sort();
    assert_eq!(all, [[1, 3], [2, 4]]);
}

#[aiomisc::test(runtimes(all))]
async fn more_calls_than_may_wait_are_refused() {
    let aggregator = Aggregator::builder().leeway(HOUR).most_waiting(1);
    let aggregator = aggregator.build(|values: Vec<u32>| async move { values });
    let aggregator = aggregator.unwrap();
    let mut waits = Box::pin(aggregator.call(1));
    assert!(poll_immediate(waits.as_mut()).await.is_none());
    let error = aggregator.call(2).await.unwrap_err();
    assert!(matches!(error, AggregateError::Busy));
    let figures = aggregator.statistics();
    assert_eq!((figures.calls.total(), figures.refused.total()), (2, 1));
    drop(waits);
    assert!(
        poll_immediate(aggregator.call(3)).await.is_none(),
        "there is room again"
    );
}

#[test]
fn options_that_are_zero_are_refused() {
    let builder = Aggregator::builder;
    for (builder, what) in [
        (builder().leeway(Duration::ZERO), "leeway"),
        (builder().max_count(0), "max_count"),
        (builder().most_batches(0), "most_batches"),
        (builder().most_waiting(0), "most_waiting"),
    ] {
        let error = builder
            .build(|values: Vec<u32>| async move { values })
            .unwrap_err();
        let text = format!("{what} of an aggregator: expected more than zero");
        assert_eq!(error.to_string(), text);
    }
}

#[aiomisc::test(runtimes(all))]
async fn everything_is_counted() {
    let name = unique("counted");
    let aggregator = Aggregator::builder()
        .leeway(HOUR)
        .max_count(1)
        .name(name.clone());
    let aggregator = aggregator
        .build(|values: Vec<u32>| async move {
            if values == [0] {
                Err("zero")
            } else {
                Ok(values)
            }
        })
        .unwrap();
    aggregator.call(1).await.unwrap();
    aggregator.call(0).await.unwrap_err();
    aggregator.call(2).await.unwrap();
    let figures = statistics().of_kind::<AggregateStatistic>();
    let ours = figures.filter(|figure| figure.name.as_deref() == Some(&*name));
    let figures: Vec<_> = ours
        .map(|figure| format!("{} {}", figure.metric, figure.value))
        .collect();
    assert_eq!(
        figures,
        [
            "leeway_ms 3600000",
            "max_count 1",
            "calls 3",
            "refused 0",
            "success 2",
            "error 1",
            "done 3"
        ]
    );
}
