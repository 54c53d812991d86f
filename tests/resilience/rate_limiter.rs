//! So many in a length of time.

use aiomisc::resilience::{CallError, RateLimiter, Refusal};
use futures::FutureExt;
use shared::dice::Dice;
use shared::given_up::{give_up, polled};
use shared::manual;

use super::*;

async fn times(limiter: &RateLimiter, calls: usize) -> Vec<u64> {
    let watch = Watch::begin();
    let mut times = Vec::new();
    for _ in 0..calls {
        limiter.acquire().await.unwrap();
        times.push(watch.millis());
    }
    times
}

#[aiomisc::test(simulation)]
async fn a_burst_goes_at_once_and_the_others_evenly() {
    let limiter = RateLimiter::builder(10, ms(1000)).burst(3).build().unwrap();
    assert_eq!(times(&limiter, 6).await, [0, 0, 0, 100, 200, 300]);
    // After a rest there is a burst again, and no more than that.
    time::sleep(ms(100_000)).await;
    assert_eq!(times(&limiter, 5).await, [0, 0, 0, 100, 200]);
    // Half a rest is two calls.
    time::sleep(ms(250)).await;
    assert_eq!(times(&limiter, 4).await, [0, 0, 50, 150]);
    let even = RateLimiter::builder(10, ms(1000)).burst(1).build().unwrap();
    assert_eq!(times(&even, 4).await, [0, 100, 200, 300]);
    let default = RateLimiter::builder(4, ms(1000)).build().unwrap();
    assert_eq!(times(&default, 6).await, [0, 0, 0, 0, 250, 500]);
}

#[aiomisc::test(simulation)]
async fn who_does_not_wait_is_told_after_how_long_there_is_a_call() {
    let limiter = RateLimiter::builder(1, ms(100))
        .queue_limit(0)
        .build()
        .unwrap();
    limiter.try_acquire().unwrap();
    time::sleep(ms(30)).await;
    let refused = Refusal::RateLimited {
        retry_after: ms(70),
    };
    assert_eq!(limiter.try_acquire(), Err(refused));
    assert_eq!(limiter.acquire().await, Err(refused));
    let called = limiter.call(async { Ok::<_, ()>(()) }).await;
    assert_eq!(called, Err(CallError::Refused(refused)));
    time::sleep(ms(70)).await;
    assert_eq!(limiter.try_acquire(), Ok(()));
    let figures = limiter.statistics();
    assert_eq!((figures.passed.total(), figures.refused.total()), (2, 3));
}

#[aiomisc::test(simulation, seeds = 10)]
async fn the_queue_is_in_order_and_has_its_limits() {
    let limiter = RateLimiter::builder(1, ms(100))
        .queue_limit(3)
        .wait_limit(ms(250));
    let limiter = limiter.build().unwrap();
    let watch = Watch::begin();
    let tasks: Vec<_> = (0..5)
        .map(|n| {
            let (limiter, watch) = (limiter.clone(), watch.clone());
            aiomisc::spawn(async move {
                time::sleep(ms(n)).await;
                let result = limiter.acquire().await;
                (
                    result.map_err(|refusal| refusal.to_string()),
                    watch.millis(),
                )
            })
        })
        .collect();
    let mut results = Vec::new();
    for task in tasks {
        results.push(task.await.unwrap());
    }
    let late = Err("no place was free in time".to_owned());
    let full = Err("there were too many calls: try again after 96ms".to_owned());
    let expected = [
        (Ok(()), 0),
        (Ok(()), 100),
        (Ok(()), 200),
        (late, 253),
        (full, 4),
    ];
    assert_eq!(results, expected);
}

#[aiomisc::test(simulation)]
async fn a_wait_that_is_dropped_costs_no_call() {
    for polls in 0..5 {
        let limiter = RateLimiter::builder(1, ms(100)).build().unwrap();
        let watch = Watch::begin();
        limiter.acquire().await.unwrap();
        let got = polled(limiter.acquire(), polls).await.is_some();
        let next = if got { 200 } else { 100 };
        limiter.acquire().await.unwrap();
        assert_eq!(watch.millis(), next, "after {polls} polls");
    }
}

/// In any length of time there are no more than the rate and the burst allow, whoever is dropped.
#[aiomisc::test(simulation, seeds = 10)]
async fn the_rate_holds_when_waits_are_dropped_everywhere() {
    let limiter = RateLimiter::builder(1, ms(10)).burst(3).build().unwrap();
    let passed = Arc::new(std::sync::Mutex::new(Vec::new()));
    let watch = Watch::begin();
    let tasks: Vec<_> = (0..8)
        .map(|seed| {
            let (limiter, passed) = (limiter.clone(), Arc::clone(&passed));
            let watch = watch.clone();
            aiomisc::spawn(async move {
                let mut dice = Dice::new(seed);
                for _ in 0..30 {
                    let limit = ms(dice.below(50) as u64);
                    if dice.below(4) == 0 {
                        let _ = give_up(dice.below(3), limiter.acquire()).await;
                    }
                    let made = time::timeout(limit, limiter.acquire()).await;
                    if matches!(made, Ok(Ok(()))) {
                        passed.lock().unwrap().push(watch.millis());
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let passed = passed.lock().unwrap();
    assert!(passed.len() > 20, "{passed:?}");
    for from in 0..passed.len() {
        for to in from..passed.len() {
            let allowed = 3 + (passed[to] - passed[from]) / 10;
            assert!((to - from + 1) as u64 <= allowed, "{passed:?}");
        }
    }
}

/// Who goes through at once is in nobody's way.
#[aiomisc::test(simulation)]
async fn threads_refuse_each_other_nothing_while_there_are_calls() {
    const THREADS: u32 = 4;
    const CALLS: u32 = 20_000;
    let (runtime, _clock) = manual();
    let limiter = RateLimiter::builder(THREADS * CALLS, ms(1000)).queue_limit(0);
    let limiter = limiter.build().unwrap();
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            let (runtime, limiter) = (runtime.clone(), limiter.clone());
            scope.spawn(move || {
                let calls = async {
                    for _ in 0..CALLS / 2 {
                        limiter.try_acquire().unwrap();
                        limiter.acquire().await.unwrap();
                    }
                };
                runtime.scope(calls).now_or_never().unwrap();
            });
        }
    });
    runtime
        .scope(async { assert!(limiter.try_acquire().is_err()) })
        .await;
}

#[aiomisc::test(simulation)]
async fn a_rate_that_cannot_be_divided_is_not_exceeded() {
    let limiter = RateLimiter::builder(600_000_000, ms(1000)).burst(1);
    let limiter = limiter.build().unwrap();
    let mut passed = 0;
    for _ in 0..100 {
        passed += u32::from(limiter.try_acquire().is_ok());
        time::sleep(Duration::from_nanos(1)).await;
    }
    // Two nanoseconds for each, not one.
    assert_eq!(passed, 50);
}

#[aiomisc::test(simulation)]
async fn the_slowest_rate_is_one_in_a_thousand_years() {
    const MOST: Duration = Duration::from_secs(1000 * 365 * 86_400);
    let limiter = RateLimiter::builder(2, MOST).build().unwrap();
    limiter.try_acquire().unwrap();
    limiter.try_acquire().unwrap();
    let refused = Refusal::RateLimited {
        retry_after: MOST / 2,
    };
    assert_eq!(limiter.try_acquire(), Err(refused));
    for slower in [MOST + ms(1), Duration::MAX] {
        assert!(RateLimiter::builder(2, slower).build().is_err());
        assert!(RateLimiter::builder(1, slower).burst(1).build().is_err());
    }
    let slow = RateLimiter::builder(1, ms(1000)).burst(u32::MAX);
    assert!(slow.build().is_ok());
    let error = RateLimiter::builder(1, Duration::MAX).build().unwrap_err();
    let text = "time of the rate: expected at most a thousand years for a burst, got ";
    assert!(error.to_string().starts_with(text), "{error}");
}

#[test]
fn what_cannot_be_is_told() {
    let problem =
        |builder: aiomisc::resilience::RateLimiterBuilder| builder.build().unwrap_err().to_string();
    let none = RateLimiter::builder(0, ms(1));
    assert_eq!(
        problem(none),
        "calls of the rate: expected at least 1, got 0"
    );
    let burst = RateLimiter::builder(1, ms(1)).burst(0);
    assert_eq!(
        problem(burst),
        "burst of the rate: expected at least 1, got 0"
    );
    let fast = RateLimiter::builder(1001, Duration::from_nanos(1000));
    let text = "time of the rate: expected at least a nanosecond for each call, got 1µs";
    assert_eq!(problem(fast), text);
}
