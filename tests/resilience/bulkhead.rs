//! So many at the same time.

use std::sync::Mutex;

use aiomisc::resilience::{Bulkhead, CallError, Refusal};
use shared::dice::Dice;
use shared::given_up::{give_up, polled};

use super::*;

#[aiomisc::test(simulation, seeds = 20)]
async fn so_many_run_at_the_same_time_and_the_others_wait_in_order() {
    let bulkhead = Bulkhead::builder(2).build().unwrap();
    let (alive, order) = (Alive::default(), Arc::new(Mutex::new(Vec::new())));
    let watch = Watch::begin();
    let mut tasks = Vec::new();
    for n in 0..6 {
        let (bulkhead, alive) = (bulkhead.clone(), alive.clone());
        let (order, watch) = (Arc::clone(&order), watch.clone());
        tasks.push(aiomisc::spawn(async move {
            time::sleep(ms(n)).await;
            let call = bulkhead.call(async {
                let _alive = alive.one();
                order.lock().unwrap().push((n, watch.millis()));
                time::sleep(ms(100)).await;
                Ok::<_, ()>(n)
            });
            call.await
        }));
    }
    time::sleep(ms(50)).await;
    assert_eq!((bulkhead.running(), bulkhead.waiting()), (2, 4));
    let figures = bulkhead.statistics();
    assert_eq!((figures.running.value(), figures.waiting.value()), (2, 4));
    for (n, task) in (0..).zip(tasks) {
        assert_eq!(task.await.unwrap(), Ok(n));
    }
    let expected = [(0, 0), (1, 1), (2, 100), (3, 101), (4, 200), (5, 201)];
    assert_eq!(*order.lock().unwrap(), expected);
    assert_eq!((alive.count(), alive.most()), (0, 2));
    assert_eq!((bulkhead.running(), bulkhead.waiting()), (0, 0));
    assert_eq!((figures.running.value(), figures.waiting.value()), (0, 0));
    assert_eq!(figures.entered.total(), 6);
}

#[aiomisc::test(simulation)]
async fn a_full_queue_and_a_long_wait_are_told_apart() {
    let bulkhead = Bulkhead::builder(1).queue_limit(1).wait_limit(ms(70));
    let bulkhead = bulkhead.name("told apart").build().unwrap();
    let held = bulkhead.try_enter().unwrap();
    assert_eq!(bulkhead.try_enter().unwrap_err(), Refusal::QueueFull);
    let waits = {
        let bulkhead = bulkhead.clone();
        aiomisc::spawn(async move { bulkhead.call(async { Ok::<_, ()>(()) }).await })
    };
    time::sleep(ms(10)).await;
    let refused = bulkhead.call(async { Ok::<_, ()>(()) }).await;
    assert_eq!(refused, Err(CallError::Refused(Refusal::QueueFull)));
    let watch = Watch::begin();
    let late = waits.await.unwrap().unwrap_err();
    assert_eq!(late.refusal(), Some(Refusal::WaitedTooLong));
    assert_eq!(watch.millis(), 60);
    assert_eq!(bulkhead.waiting(), 0);
    drop(held);
    bulkhead.call(async { Ok::<_, ()>(()) }).await.unwrap();
    let figures = bulkhead.statistics();
    assert_eq!((figures.entered.total(), figures.late.total()), (2, 1));
    assert_eq!(figures.refused.total(), 2);
}

#[aiomisc::test(simulation)]
async fn the_error_of_the_operation_is_given_as_it_is() {
    let bulkhead = Bulkhead::builder(1).build().unwrap();
    let failed = bulkhead.call(async { Err::<(), _>("mine") }).await;
    assert_eq!(failed.unwrap_err().failed(), Some("mine"));
    assert_eq!(bulkhead.running(), 0);
}

#[aiomisc::test(simulation)]
async fn dropped_at_any_await_point_a_call_gives_its_place_on() {
    let bulkhead = Bulkhead::builder(1).build().unwrap();
    for polls in 0..6 {
        let held = bulkhead.try_enter().unwrap();
        let release = aiomisc::spawn(async move {
            time::sleep(ms(5)).await;
            drop(held);
        });
        let call = bulkhead.call(async {
            time::sleep(ms(5)).await;
            Ok::<_, ()>(())
        });
        polled(call, polls).await;
        release.await.unwrap();
        assert_eq!((bulkhead.running(), bulkhead.waiting()), (0, 0), "{polls}");
    }
}

/// Given to one that is dropped before it looks, it goes on to the next in line.
#[aiomisc::test(simulation)]
async fn a_place_that_nobody_comes_for_goes_to_the_next() {
    let bulkhead = Bulkhead::builder(1).build().unwrap();
    let held = bulkhead.try_enter().unwrap();
    let mut first = Box::pin(bulkhead.enter());
    let mut second = Box::pin(bulkhead.enter());
    assert!(futures::poll!(&mut first).is_pending());
    assert!(futures::poll!(&mut second).is_pending());
    drop(held);
    assert!(bulkhead.try_enter().is_err(), "nobody overtakes");
    drop(first);
    drop(second.await.unwrap());
    assert_eq!(bulkhead.running(), 0);
}

#[aiomisc::test(runtimes(all))]
async fn no_place_is_lost_when_calls_are_dropped_everywhere() {
    let bulkhead = Bulkhead::builder(3).queue_limit(4).build().unwrap();
    let alive = Alive::default();
    let tasks: Vec<_> = (0..10)
        .map(|seed| {
            let (bulkhead, alive) = (bulkhead.clone(), alive.clone());
            aiomisc::spawn(async move {
                let mut dice = Dice::new(seed);
                for _ in 0..300 {
                    let (polls, takes) = (dice.below(8), dice.below(4));
                    let call = bulkhead.call(async {
                        let _alive = alive.one();
                        for _ in 0..takes {
                            ::smol::future::yield_now().await;
                        }
                        Ok::<_, ()>(())
                    });
                    // Whether it made it does not matter.
                    let _ = give_up(polls, call).await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!((alive.count(), alive.most()), (0, 3));
    assert_eq!((bulkhead.running(), bulkhead.waiting()), (0, 0));
    let figures = bulkhead.statistics();
    assert_eq!((figures.running.value(), figures.waiting.value()), (0, 0));
    let all: Vec<_> = (0..3).map(|_| bulkhead.try_enter().unwrap()).collect();
    assert!(bulkhead.try_enter().is_err());
    drop(all);
}

#[test]
fn what_cannot_be_is_told() {
    let error = Bulkhead::builder(0).build().unwrap_err();
    assert_eq!(
        error.to_string(),
        "limit of the bulkhead: expected at least 1, got 0"
    );
}
