//! The budget that calls share.

use aiomisc::retry::{Backoff, RetryBudget};

use super::*;

#[aiomisc::test(simulation)]
async fn a_spent_budget_ends_the_call_with_its_error() {
    let budget = RetryBudget::new(3, 0.5).unwrap();
    let backoff = Backoff::builder().pause(ms(10)).max_tries(100);
    let backoff = backoff.budget(&budget).build().unwrap();
    let script = Script::new([(0, Err("no"))]);
    let result = backoff.try_call(|attempt| script.run(attempt)).await;
    assert_eq!(result.unwrap_err().failed(), Some("no"));
    assert_eq!(script.began(), [0, 10, 20, 30]);
    assert_eq!(backoff.statistics().refused.total(), 1);
    // First attempts are free, and bring something back if they succeed.
    let once = async || {
        let script = Script::new([(0, Err("no"))]);
        let result = backoff.try_call(|attempt| script.run(attempt)).await;
        result.unwrap_err();
        script.began().len()
    };
    assert_eq!(once().await, 1);
    backoff.try_call(async |_| Ok::<_, ()>(())).await.unwrap();
    assert_eq!(once().await, 1);
    backoff.try_call(async |_| Ok::<_, ()>(())).await.unwrap();
    assert_eq!(once().await, 2);
    assert!(budget.tokens().abs() < f64::EPSILON);
}

#[aiomisc::test(simulation)]
async fn a_full_budget_does_not_run_over() {
    let budget = RetryBudget::default();
    let backoff = Backoff::builder().budget(&budget).build().unwrap();
    for _ in 0..10 {
        backoff.try_call(async |_| Ok::<_, ()>(())).await.unwrap();
    }
    assert!((budget.tokens() - 100.0).abs() < f64::EPSILON);
}

#[aiomisc::test(runtimes(all))]
async fn many_callers_together_have_no_more_retries_than_the_budget() {
    const CALLERS: u64 = 50;
    let budget = RetryBudget::new(100, 0.1).unwrap();
    let one = Backoff::builder().pause(ms(1)).max_tries(1000);
    let one = one.budget(&budget).build().unwrap();
    let other = Backoff::builder().pause(ms(1)).max_tries(1000);
    let other = other.budget(&budget).build().unwrap();
    let tasks: Vec<_> = (0..CALLERS)
        .map(|n| {
            let backoff = if n % 2 == 0 { &one } else { &other }.clone();
            aiomisc::spawn(async move {
                let result = backoff.try_call(async |_| {
                    time::sleep(ms(1)).await;
                    Err::<(), _>(())
                });
                result.await.unwrap_err()
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let total = |of: fn(&aiomisc::retry::BackoffStatistic) -> u64| {
        of(one.statistics()) + of(other.statistics())
    };
    assert_eq!(total(|figures| figures.attempts.total()), CALLERS + 100);
    assert_eq!(total(|figures| figures.refused.total()), CALLERS);
    assert!(budget.tokens().abs() < f64::EPSILON);
}

#[aiomisc::test(simulation)]
async fn a_call_that_is_dropped_in_its_pause_gives_the_token_back() {
    let budget = RetryBudget::new(1, 0.1).unwrap();
    let backoff = Backoff::builder().pause(ms(100)).max_tries(9);
    let backoff = backoff.budget(&budget).build().unwrap();
    let failing = || backoff.try_call(async |_| Err::<(), _>(()));
    let dropped = time::timeout(ms(50), failing());
    dropped.await.unwrap_err();
    assert!((budget.tokens() - 1.0).abs() < f64::EPSILON);
    // At the end of the pause the retry has begun.
    assert_eq!(failing().await.unwrap_err().failed(), Some(()));
    assert!(budget.tokens().abs() < f64::EPSILON);
}
