//! Callers that go at any moment.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aiomisc::aggregate::AggregateError;
use aiomisc::{Aggregator, AggregatorAsync, Arg, Runtime};
use futures::future::join_all;

use super::shared::dice::Dice;
use super::shared::given_up::polled;
use super::shared::runtimes;

/// How often each value was worked on.
type Seen = Arc<Mutex<HashMap<usize, usize>>>;

fn wild(seen: &Seen, seed: u64) -> AggregatorAsync<usize, usize, String, usize> {
    let (seen, dice) = (Arc::clone(seen), Arc::new(Mutex::new(Dice::new(seed))));
    let builder = Aggregator::builder().leeway(Duration::from_micros(30));
    let builder = builder.max_count(5).most_batches(2);
    let built = builder.build_async_by_key(
        |value: &usize| value % 3,
        move |args: Vec<Arg<usize, usize, String>>| {
            let (seen, dice) = (Arc::clone(&seen), Arc::clone(&dice));
            async move {
                for arg in args {
                    *seen.lock().unwrap().entry(arg.value).or_default() += 1;
                    let (does, yields) = {
                        let mut dice = dice.lock().unwrap();
                        (dice.below(20), dice.below(2))
                    };
                    for _ in 0..yields {
                        ::smol::future::yield_now().await;
                    }
                    match does {
                        0 => return Err("wild".to_owned()),
                        1 => std::panic::resume_unwind(Box::new("wild")),
                        2 => {}
                        // Its caller may have gone.
                        _ => drop(arg.sender.send(Ok(arg.value + 1))),
                    }
                }
                Ok(())
            }
        },
    );
    built.unwrap()
}

async fn callers_that_go(seed: u64) {
    let seen = Seen::default();
    let aggregator = wild(&seen, seed);
    let good = Arc::new(AtomicUsize::new(0));
    let callers = (0..8).map(|number| {
        let (aggregator, good) = (aggregator.clone(), Arc::clone(&good));
        aiomisc::spawn(async move {
            let mut dice = Dice::new(seed * 100 + number as u64);
            for turn in 0..40 {
                let value = number * 1000 + turn;
                let polls = if dice.below(2) == 0 {
                    dice.below(4)
                } else {
                    1000
                };
                match polled(aggregator.call(value), polls).await {
                    Some(Ok(result)) => {
                        assert_eq!(result, value + 1);
                        good.fetch_add(1, Ordering::SeqCst);
                    }
                    Some(Err(AggregateError::Ended | AggregateError::Busy)) => {
                        panic!("there is a runtime, and room")
                    }
                    Some(Err(_)) | None => {}
                }
            }
        })
    });
    for caller in join_all(callers.collect::<Vec<_>>()).await {
        caller.unwrap();
    }
    assert!(good.load(Ordering::SeqCst) > 0);
    let seen = seen.lock().unwrap();
    assert!(seen.values().all(|times| *times == 1), "no value twice");
}

#[test]
fn every_call_gets_an_answer_when_callers_go_at_any_moment() {
    for runtime in runtimes() {
        for seed in 0..8 {
            runtime.block_on(callers_that_go(seed));
        }
    }
}

#[cfg(feature = "simulation")]
#[test]
fn also_in_any_order_of_a_simulation() {
    for seed in 0..40 {
        let simulation = aiomisc::adapters::Simulation::builder().seed(seed).build();
        Runtime::from(simulation).block_on(callers_that_go(seed));
    }
}
