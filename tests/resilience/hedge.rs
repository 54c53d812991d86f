//! A second attempt beside the first; and a value in place of an error.

use std::cell::RefCell;

use aiomisc::resilience::{Fallback, Hedge};
use aiomisc::retry::RetryBudget;
use shared::dice::Dice;
use shared::given_up::{give_up, polled};

use super::*;

/// Attempts that take so long each, and end so. Gives the result, when it came, and when attempts began.
async fn hedged(
    hedge: &Hedge,
    steps: &[(u64, Result<u32, u32>)],
) -> (Result<u32, u32>, u64, Vec<u64>) {
    let watch = Watch::begin();
    let (began, alive) = (RefCell::new(Vec::new()), Alive::default());
    let result = hedge.call(|number| {
        began.borrow_mut().push(watch.millis());
        let (takes, outcome) = steps[number as usize - 1];
        let one = alive.one();
        async move {
            let _one = one;
            if takes > 0 {
                time::sleep(ms(takes)).await;
            }
            outcome
        }
    });
    let result = result.await;
    assert_eq!(alive.count(), 0, "the others are dropped");
    (result, watch.millis(), began.into_inner())
}

#[aiomisc::test(simulation)]
async fn whichever_succeeds_first_is_taken() {
    let hedge = Hedge::builder(ms(50))
        .attempts(3)
        .name("first")
        .build()
        .unwrap();
    let quick = hedged(&hedge, &[(0, Ok(1))]).await;
    assert_eq!(quick, (Ok(1), 0, vec![0]));
    let in_time = hedged(&hedge, &[(49, Ok(1))]).await;
    assert_eq!(in_time, (Ok(1), 49, vec![0]));
    let second = hedged(&hedge, &[(500, Ok(1)), (20, Ok(2))]).await;
    assert_eq!(second, (Ok(2), 70, vec![0, 50]));
    let first = hedged(&hedge, &[(60, Ok(1)), (20, Ok(2))]).await;
    assert_eq!(first, (Ok(1), 60, vec![0, 50]));
    let third = hedged(&hedge, &[(500, Ok(1)), (500, Ok(2)), (0, Ok(3))]).await;
    assert_eq!(third, (Ok(3), 100, vec![0, 50, 100]));
    let no_more = hedged(&hedge, &[(500, Ok(1)), (500, Ok(2)), (500, Ok(3))]).await;
    assert_eq!(no_more, (Ok(1), 500, vec![0, 50, 100]));
    let figures = hedge.statistics();
    assert_eq!((figures.calls.total(), figures.won.total()), (6, 2));
    assert_eq!(figures.hedges.total(), 1 + 1 + 2 + 2);
}

#[aiomisc::test(simulation)]
async fn an_error_counts_only_when_no_other_is_on_its_way() {
    let hedge = Hedge::builder(ms(50)).build().unwrap();
    let alone = hedged(&hedge, &[(10, Err(1))]).await;
    assert_eq!(alone, (Err(1), 10, vec![0]), "it does not try again");
    let other = hedged(&hedge, &[(60, Err(1)), (100, Ok(2))]).await;
    assert_eq!(other, (Ok(2), 150, vec![0, 50]));
    let hedge_fails = hedged(&hedge, &[(100, Ok(1)), (0, Err(2))]).await;
    assert_eq!(hedge_fails, (Ok(1), 100, vec![0, 50]));
    let both = hedged(&hedge, &[(60, Err(1)), (100, Err(2))]).await;
    assert_eq!(both, (Err(2), 150, vec![0, 50]));
    let both = hedged(&hedge, &[(200, Err(1)), (100, Err(2))]).await;
    assert_eq!(both, (Err(1), 200, vec![0, 50]));
    let figures = hedge.statistics();
    assert_eq!((figures.calls.total(), figures.failed.total()), (5, 3));
}

#[aiomisc::test(simulation)]
async fn a_budget_limits_the_load() {
    let budget = RetryBudget::new(1, 0.5).unwrap();
    let hedge = Hedge::builder(ms(50)).budget(&budget).build().unwrap();
    let slow = [(100, Ok(1)), (100, Ok(2))];
    assert_eq!(hedged(&hedge, &slow).await.2, [0, 50]);
    assert_eq!(hedged(&hedge, &slow).await.2, [0]);
    assert_eq!(hedge.statistics().refused.total(), 1);
    assert_eq!(hedged(&hedge, &slow).await.2, [0, 50]);
}

#[aiomisc::test(simulation)]
async fn without_a_delay_all_begin_at_once() {
    let hedge = Hedge::builder(ms(0)).attempts(3).build().unwrap();
    let steps = [(30, Ok(1)), (20, Ok(2)), (10, Ok(3))];
    assert_eq!(hedged(&hedge, &steps).await, (Ok(3), 10, vec![0, 0, 0]));
    assert!(Hedge::builder(ms(0)).attempts(0).build().is_err());
    let error = Hedge::builder(ms(0)).attempts(101).build().unwrap_err();
    let text = "attempts of the hedge: expected a number from 1 to 100, got 101";
    assert_eq!(error.to_string(), text);
}

#[aiomisc::test(simulation)]
async fn dropped_at_any_await_point_all_attempts_are_dropped() {
    let hedge = Hedge::builder(ms(5)).attempts(3).build().unwrap();
    let alive = Alive::default();
    for polls in 0..8 {
        let call = hedge.call(|_| {
            let one = alive.one();
            async move {
                let _one = one;
                time::sleep(ms(12)).await;
                Ok::<_, ()>(())
            }
        });
        polled(call, polls).await;
        assert_eq!(alive.count(), 0, "after {polls} polls");
    }
    assert_eq!(alive.most(), 3);
}

#[aiomisc::test(runtimes(all))]
async fn nothing_is_left_when_calls_are_dropped_everywhere() {
    let hedge = Hedge::builder(ms(0)).attempts(3).build().unwrap();
    let alive = Alive::default();
    let tasks: Vec<_> = (0..8)
        .map(|seed| {
            let (hedge, alive) = (hedge.clone(), alive.clone());
            aiomisc::spawn(async move {
                let mut dice = Dice::new(seed);
                for _ in 0..200 {
                    let (takes, fails) = (dice.below(4), dice.below(4));
                    let call = hedge.call(|number| {
                        let one = alive.one();
                        async move {
                            let _one = one;
                            for _ in 0..takes {
                                ::smol::future::yield_now().await;
                            }
                            if number as usize > fails {
                                Ok(())
                            } else {
                                Err(())
                            }
                        }
                    });
                    // Whether it made it does not matter.
                    let _ = give_up(dice.below(6), call).await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(alive.count(), 0);
}

// ---- fallback ----

#[aiomisc::test(simulation)]
async fn a_fallback_makes_a_value_of_some_errors() {
    let fallback = Fallback::named("some errors", async |error: u32| {
        time::sleep(ms(5)).await;
        if error < 10 {
            Ok("a value")
        } else {
            Err(error + 1)
        }
    });
    assert_eq!(fallback.call(async { Ok("mine") }).await, Ok("mine"));
    assert_eq!(fallback.call(async { Err(7) }).await, Ok("a value"));
    assert_eq!(fallback.clone().call(async { Err(70) }).await, Err(71));
    let figures = fallback.statistics();
    assert_eq!((figures.asked.total(), figures.recovered.total()), (2, 1));
    for polls in 0..3 {
        let call = fallback.call(async { Err(7) });
        assert_eq!(polled(call, polls).await.is_some(), polls == 2);
    }
}
