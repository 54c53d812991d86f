//! Several tools around one call: what each pair of them does together.

use std::cell::RefCell;
use std::future::ready;

use aiomisc::resilience::{
    Breaker, BreakerGuard, Bulkhead, CallError, Fallback, Hedge, LoadShed, Policy, RateLimiter,
    Refusal,
};
use aiomisc::retry::Backoff;
use shared::Events;
use shared::dice::Dice;
use shared::given_up::{give_up, polled};

use super::*;

/// A breaker that opens at so many failures in a row, and says what it sees.
#[derive(Clone)]
struct Fuse {
    events: Events,
    left: Arc<AtomicUsize>,
}

struct FuseGuard(Fuse, bool);

impl Fuse {
    fn new(failures: usize) -> Self {
        Self {
            events: Events::default(),
            left: Arc::new(AtomicUsize::new(failures)),
        }
    }
}

const BROKEN: Refusal = Refusal::Broken {
    retry_after: Duration::from_secs(7),
};

impl Breaker<u32> for Fuse {
    type Guard<'a> = FuseGuard;

    fn try_enter(&self) -> Result<FuseGuard, Refusal> {
        if self.left.load(Ordering::SeqCst) == 0 {
            return Err(BROKEN);
        }
        Ok(FuseGuard(self.clone(), false))
    }
}

impl BreakerGuard<u32> for FuseGuard {
    fn success(mut self) {
        self.1 = true;
        self.0.events.add("success");
    }

    fn failure(mut self, error: Option<&u32>) {
        self.1 = true;
        self.0.left.fetch_sub(1, Ordering::SeqCst);
        self.0.events.add(format!("failure {error:?}"));
    }
}

impl Drop for FuseGuard {
    fn drop(&mut self) {
        if !self.1 {
            self.0.events.add("neither");
        }
    }
}

/// An operation that takes so long each time and ends so.
pub(crate) struct Operation {
    watch: Watch,
    steps: Vec<(u64, Result<u32, u32>)>,
    began: RefCell<Vec<u64>>,
}

impl Operation {
    pub(crate) fn new(steps: &[(u64, Result<u32, u32>)]) -> Self {
        Self {
            watch: Watch::begin(),
            steps: steps.to_vec(),
            began: RefCell::default(),
        }
    }

    pub(crate) async fn run(&self) -> Result<u32, u32> {
        let number = self.began.borrow().len();
        self.began.borrow_mut().push(self.watch.millis());
        let (takes, outcome) = self.steps[number.min(self.steps.len() - 1)];
        if takes > 0 {
            time::sleep(ms(takes)).await;
        }
        outcome
    }

    pub(crate) fn began(&self) -> Vec<u64> {
        self.began.borrow().clone()
    }
}

fn thrice() -> Backoff {
    Backoff::builder()
        .pause(ms(10))
        .max_tries(3)
        .build()
        .unwrap()
}

pub(crate) fn one_place() -> Bulkhead {
    Bulkhead::builder(1)
        .queue_limit(1)
        .wait_limit(ms(50))
        .build()
        .unwrap()
}

/// One call in 100 ms, and nobody waits.
fn strict() -> RateLimiter {
    RateLimiter::builder(1, ms(100))
        .queue_limit(0)
        .build()
        .unwrap()
}

/// One call in 100 ms, and the others wait.
pub(crate) fn patient() -> RateLimiter {
    RateLimiter::builder(1, ms(100)).build().unwrap()
}

fn loaded(target: u64) -> LoadShed {
    LoadShed::builder(ms(target))
        .limits(1, 4)
        .initial(1)
        .build()
        .unwrap()
}

pub(crate) fn hedge() -> Hedge {
    Hedge::builder(ms(20)).build().unwrap()
}

const SLOW: [(u64, Result<u32, u32>); 1] = [(1000, Ok(1))];
const BAD: [(u64, Result<u32, u32>); 1] = [(0, Err(7))];

fn refused<T, E>(result: Result<T, CallError<E>>) -> Option<Refusal> {
    result.err().and_then(|error| error.refusal())
}

// ---- fallback outside of each ----

#[aiomisc::test(simulation)]
async fn a_fallback_sees_what_each_of_the_others_ends_with() {
    let seen = Events::default();
    let fallback = || {
        let seen = seen.clone();
        Fallback::new(move |error: CallError<u32>| {
            seen.add(format!("{error:?}"));
            ready(Ok::<u32, CallError<u32>>(99))
        })
    };
    let base = || Policy::new().fallback(fallback());
    let bad = Operation::new(&BAD);
    // With the retry: after all attempts, and once.
    assert_eq!(base().retry(thrice()).call(|_| bad.run()).await, Ok(99));
    assert_eq!(bad.began(), [0, 10, 20]);
    // With the time limit.
    let slow = Operation::new(&SLOW);
    assert_eq!(base().timeout(ms(5)).call(|_| slow.run()).await, Ok(99));
    // With the breaker.
    let fuse = Fuse::new(0);
    assert_eq!(base().breaker(fuse).call(|_| bad.run()).await, Ok(99));
    // With the rate limiter.
    let limited = base().rate_limiter(strict());
    let good = Operation::new(&[(0, Ok(1))]);
    assert_eq!(limited.call(|_| good.run()).await, Ok(1));
    assert_eq!(limited.call(|_| good.run()).await, Ok(99));
    // With the bulkhead.
    let bulkhead = one_place();
    let _held = bulkhead.try_enter().unwrap();
    assert_eq!(base().bulkhead(bulkhead).call(|_| good.run()).await, Ok(99));
    // With the load shed.
    let load = loaded(1000);
    let _load = load.try_enter().unwrap();
    assert_eq!(base().load_shed(load).call(|_| good.run()).await, Ok(99));
    // With the hedge.
    let late = Operation::new(&[(50, Err(1)), (50, Err(2))]);
    assert_eq!(base().hedge(hedge()).call(|_| late.run()).await, Ok(99));
    assert_eq!(
        seen.all(),
        [
            "Failed(7)",
            "Elapsed",
            "Refused(Broken { retry_after: 7s })",
            "Refused(RateLimited { retry_after: 100ms })",
            "Refused(WaitedTooLong)",
            "Refused(Overloaded)",
            "Failed(2)",
        ]
    );
}

// ---- retry outside of each ----

#[aiomisc::test(simulation)]
async fn retry_and_breaker_a_broken_circuit_ends_the_call() {
    let fuse = Fuse::new(2);
    let policy = Policy::new().retry(thrice()).breaker(fuse.clone());
    let bad = Operation::new(&BAD);
    let result = policy.call(|_| bad.run()).await;
    assert_eq!(refused(result), Some(BROKEN));
    assert_eq!(bad.began(), [0, 10]);
    assert_eq!(bad.watch.millis(), 20, "and does not pause for a third");
    assert_eq!(fuse.events.all(), ["failure Some(7)", "failure Some(7)"]);
}

/// The limit of the backoff drops the attempt: nobody can say whether it would have failed.
#[aiomisc::test(simulation)]
async fn retry_and_breaker_a_time_limit_outside_is_neither() {
    let fuse = Fuse::new(9);
    let backoff = Backoff::builder()
        .attempt_timeout(ms(30))
        .max_tries(2)
        .pause(ms(1));
    let policy = Policy::new().retry(backoff.build().unwrap());
    let policy = policy.breaker(fuse.clone());
    let slow = Operation::new(&SLOW);
    assert_eq!(policy.call(|_| slow.run()).await, Err(CallError::Elapsed));
    assert_eq!(fuse.events.all(), ["neither", "neither"]);
}

#[aiomisc::test(simulation)]
async fn retry_and_load_shed_a_refused_attempt_is_made_again() {
    let load = loaded(1000);
    let held = load.try_enter().unwrap();
    let policy = Policy::new().retry(thrice()).load_shed(load.clone());
    let release = aiomisc::spawn(async move {
        time::sleep(ms(15)).await;
        drop(held);
    });
    let good = Operation::new(&[(0, Ok(1))]);
    assert_eq!(policy.call(|_| good.run()).await, Ok(1));
    assert_eq!(good.began(), [20]);
    release.await.unwrap();
}

/// After the delay that it tells, and not after the pause.
#[aiomisc::test(simulation)]
async fn retry_and_rate_limiter_each_attempt_is_counted_and_waits_as_it_is_told() {
    let policy = Policy::new().retry(thrice()).rate_limiter(strict());
    let operation = Operation::new(&[(0, Err(1)), (0, Ok(2))]);
    // The first fails, the second is refused after 10 ms and told to come after 90.
    assert_eq!(policy.call(|_| operation.run()).await, Ok(2));
    assert_eq!(operation.began(), [0, 100]);
    let policy = Policy::new().retry(thrice()).rate_limiter(patient());
    let bad = Operation::new(&BAD);
    assert_eq!(policy.call(|_| bad.run()).await, Err(CallError::Failed(7)));
    assert_eq!(bad.began(), [0, 100, 200]);
}

#[aiomisc::test(simulation)]
async fn retry_and_bulkhead_the_place_is_free_in_the_pause() {
    let bulkhead = one_place();
    let policy = Policy::new().retry(thrice()).bulkhead(bulkhead.clone());
    let operation = Operation::new(&[(5, Err(1)), (5, Ok(2))]);
    let other = async {
        time::sleep(ms(8)).await;
        assert_eq!(bulkhead.running(), 0);
        let _place = bulkhead.enter().await.unwrap();
        time::sleep(ms(30)).await;
    };
    let (result, ()) = futures::join!(policy.call(|_| operation.run()), other);
    assert_eq!(result, Ok(2));
    assert_eq!(operation.began(), [0, 38]);
}

#[aiomisc::test(simulation)]
async fn retry_and_hedge_an_attempt_fails_when_both_have() {
    let policy = Policy::new().retry(thrice()).hedge(hedge());
    let operation = Operation::new(&[(30, Err(1)), (30, Err(2)), (30, Ok(3))]);
    assert_eq!(policy.call(|_| operation.run()).await, Ok(3));
    assert_eq!(operation.began(), [0, 20, 60, 80]);
}

#[aiomisc::test(simulation)]
async fn retry_and_timeout_the_limit_is_that_of_an_attempt() {
    let policy = Policy::new().retry(thrice()).timeout(ms(30));
    let operation = Operation::new(&[(1000, Ok(1)), (1000, Ok(2)), (30, Ok(3))]);
    assert_eq!(policy.call(|_| operation.run()).await, Ok(3));
    assert_eq!(operation.began(), [0, 40, 80]);
}

// ---- breaker outside of each ----

#[aiomisc::test(simulation)]
async fn a_breaker_takes_nothing_of_the_others_when_it_is_broken() {
    let (load, rate, bulkhead, hedge) = (loaded(1000), patient(), one_place(), hedge());
    let policy = Policy::new()
        .breaker(Fuse::new(0))
        .load_shed(load.clone())
        .rate_limiter(rate.clone())
        .bulkhead(bulkhead.clone())
        .hedge(hedge.clone())
        .timeout(ms(10));
    let good = Operation::new(&[(0, Ok(1))]);
    let result = policy.call(|_| good.run()).await;
    assert_eq!(refused(result), Some(BROKEN));
    let passed = [
        load.statistics().passed.total(),
        rate.statistics().passed.total(),
    ];
    assert_eq!(passed, [0, 0]);
    assert_eq!(bulkhead.statistics().entered.total(), 0);
    assert_eq!(hedge.statistics().calls.total(), 0);
}

#[aiomisc::test(simulation)]
async fn a_breaker_does_not_count_refusals_of_the_others() {
    let fuse = Fuse::new(9);
    let base = || Policy::new().breaker(fuse.clone());
    let good = Operation::new(&[(0, Ok(1))]);
    let load = loaded(1000);
    let _load = load.try_enter().unwrap();
    let result = base().load_shed(load).call(|_| good.run()).await;
    assert_eq!(refused(result), Some(Refusal::Overloaded));
    let limited = base().rate_limiter(strict());
    limited.call(|_| good.run()).await.unwrap();
    let result = limited.call(|_| good.run()).await;
    assert!(matches!(refused(result), Some(Refusal::RateLimited { .. })));
    let bulkhead = one_place();
    let _held = bulkhead.try_enter().unwrap();
    let result = base().bulkhead(bulkhead).call(|_| good.run()).await;
    assert_eq!(refused(result), Some(Refusal::WaitedTooLong));
    assert_eq!(
        fuse.events.all(),
        ["neither", "success", "neither", "neither"]
    );
}

#[aiomisc::test(simulation)]
async fn breaker_and_hedge_a_call_is_one_outcome() {
    let fuse = Fuse::new(9);
    let policy = Policy::new().breaker(fuse.clone()).hedge(hedge());
    let won = Operation::new(&[(100, Err(1)), (10, Ok(2))]);
    assert_eq!(policy.call(|_| won.run()).await, Ok(2));
    let lost = Operation::new(&[(30, Err(1)), (30, Err(2))]);
    assert_eq!(policy.call(|_| lost.run()).await, Err(CallError::Failed(2)));
    assert_eq!(fuse.events.all(), ["success", "failure Some(2)"]);
}

#[aiomisc::test(simulation)]
async fn breaker_and_timeout_too_long_is_a_failure() {
    let fuse = Fuse::new(9);
    let policy = Policy::new().breaker(fuse.clone()).timeout(ms(30));
    let slow = Operation::new(&SLOW);
    assert_eq!(policy.call(|_| slow.run()).await, Err(CallError::Elapsed));
    assert_eq!(fuse.events.all(), ["failure None"]);
}

// ---- load shed outside of each ----

#[aiomisc::test(simulation)]
async fn load_shed_measures_what_the_others_wait() {
    let good = Operation::new(&[(0, Ok(1))]);
    // In front of the rate limiter.
    let load = loaded(50);
    let policy = Policy::new()
        .load_shed(load.clone())
        .rate_limiter(patient());
    policy.call(|_| good.run()).await.unwrap();
    policy.call(|_| good.run()).await.unwrap();
    assert_eq!(load.statistics().slow.total(), 1);
    // Of the bulkhead.
    let (load, bulkhead) = (loaded(20), one_place());
    let held = bulkhead.try_enter().unwrap();
    let policy = Policy::new().load_shed(load.clone()).bulkhead(bulkhead);
    let release = async {
        time::sleep(ms(30)).await;
        drop(held);
    };
    let (result, ()) = futures::join!(policy.call(|_| good.run()), release);
    assert_eq!(result, Ok(1));
    assert_eq!(load.statistics().slow.total(), 1);
}

#[aiomisc::test(simulation)]
async fn load_shed_counts_a_hedged_call_once_and_a_time_out_as_slow() {
    let load = loaded(40);
    let policy = Policy::new().load_shed(load.clone()).hedge(hedge());
    let operation = Operation::new(&[(100, Ok(1)), (10, Ok(2))]);
    assert_eq!(policy.call(|_| operation.run()).await, Ok(2));
    assert_eq!((load.statistics().passed.total(), load.running()), (1, 0));
    assert_eq!(load.statistics().slow.total(), 0);
    let policy = Policy::new().load_shed(load.clone()).timeout(ms(50));
    let slow = Operation::new(&SLOW);
    assert_eq!(policy.call(|_| slow.run()).await, Err(CallError::Elapsed));
    assert_eq!(load.statistics().slow.total(), 1);
}

// ---- rate limiter outside of each ----

#[aiomisc::test(simulation)]
async fn rate_limiter_and_bulkhead_who_waits_for_the_time_has_no_place() {
    let (rate, bulkhead) = (patient(), one_place());
    rate.try_acquire().unwrap();
    let policy = Policy::new().rate_limiter(rate).bulkhead(bulkhead.clone());
    let good = Operation::new(&[(10, Ok(1))]);
    let look = async {
        time::sleep(ms(50)).await;
        assert_eq!(bulkhead.running(), 0);
        time::sleep(ms(55)).await;
        assert_eq!(bulkhead.running(), 1);
    };
    let (result, ()) = futures::join!(policy.call(|_| good.run()), look);
    assert_eq!((result, good.began()), (Ok(1), vec![100]));
}

#[aiomisc::test(simulation)]
async fn rate_limiter_and_hedge_a_call_is_counted_once() {
    let rate = strict();
    let policy = Policy::new().rate_limiter(rate.clone()).hedge(hedge());
    let operation = Operation::new(&[(100, Ok(1)), (10, Ok(2))]);
    assert_eq!(policy.call(|_| operation.run()).await, Ok(2));
    assert_eq!(rate.statistics().passed.total(), 1);
}

#[aiomisc::test(simulation)]
async fn rate_limiter_and_timeout_the_wait_is_not_limited() {
    let rate = patient();
    rate.try_acquire().unwrap();
    let policy = Policy::new().rate_limiter(rate).timeout(ms(30));
    let good = Operation::new(&[(30, Ok(1))]);
    assert_eq!(policy.call(|_| good.run()).await, Ok(1));
    assert_eq!(good.watch.millis(), 130);
}

// ---- bulkhead outside of each, and hedge outside of the time limit ----

#[aiomisc::test(simulation)]
async fn bulkhead_and_hedge_both_attempts_have_one_place() {
    let bulkhead = one_place();
    let policy = Policy::new().bulkhead(bulkhead.clone()).hedge(hedge());
    let operation = Operation::new(&[(100, Ok(1)), (10, Ok(2))]);
    assert_eq!(policy.call(|_| operation.run()).await, Ok(2));
    assert_eq!(bulkhead.statistics().entered.total(), 1);
    assert_eq!(bulkhead.running(), 0);
}

#[aiomisc::test(simulation)]
async fn bulkhead_and_timeout_the_wait_is_not_limited_and_the_place_comes_back() {
    let bulkhead = one_place();
    let policy = Policy::new().bulkhead(bulkhead.clone()).timeout(ms(30));
    let held = bulkhead.try_enter().unwrap();
    let release = async {
        time::sleep(ms(40)).await;
        drop(held);
    };
    let slow = Operation::new(&SLOW);
    let (result, ()) = futures::join!(policy.call(|_| slow.run()), release);
    assert_eq!(result, Err(CallError::Elapsed));
    assert_eq!((slow.watch.millis(), bulkhead.running()), (70, 0));
}

#[aiomisc::test(simulation)]
async fn hedge_and_timeout_each_attempt_has_the_limit_to_itself() {
    let policy = Policy::new().hedge(hedge()).timeout(ms(30));
    let operation = Operation::new(&[(1000, Ok(1)), (30, Ok(2))]);
    assert_eq!(policy.call(|_| operation.run()).await, Ok(2));
    assert_eq!(operation.watch.millis(), 50);
    let slow = Operation::new(&SLOW);
    assert_eq!(policy.call(|_| slow.run()).await, Err(CallError::Elapsed));
    assert_eq!(slow.watch.millis(), 50);
}

// ---- all of them ----

#[aiomisc::test(simulation)]
async fn rules_of_the_retry_are_about_errors_of_the_operation() {
    let backoff = Backoff::builder()
        .pause(ms(10))
        .max_tries(3)
        .retry_if(|error: &u32| *error < 5)
        .build()
        .unwrap();
    let policy = Policy::new().retry(backoff).timeout(ms(30));
    let operation = Operation::new(&[(0, Err(1)), (1000, Ok(1)), (0, Err(3))]);
    let result = policy.call(|_| operation.run()).await;
    assert_eq!(result, Err(CallError::Failed(3)));
    let bad = Operation::new(&BAD);
    assert_eq!(policy.call(|_| bad.run()).await, Err(CallError::Failed(7)));
    assert_eq!(bad.began().len(), 1);
}

/// Everything at once, dropped after so many polls.
#[aiomisc::test(simulation)]
async fn dropped_at_any_await_point_everything_is_given_back() {
    let mut outcome = None;
    for polls in 0.. {
        let (load, bulkhead, fuse) = (loaded(1000), one_place(), Fuse::new(9));
        let policy = Policy::new()
            .fallback(Fallback::new(async |error: CallError<u32>| {
                time::sleep(ms(1)).await;
                Err::<u32, _>(error)
            }))
            .retry(thrice())
            .breaker(fuse.clone())
            .load_shed(load.clone())
            .rate_limiter(patient())
            .bulkhead(bulkhead.clone())
            .hedge(hedge())
            .timeout(ms(100));
        let alive = Alive::default();
        let call = policy.call(|_| {
            let one = alive.one();
            async move {
                let _one = one;
                time::sleep(ms(30)).await;
                Err::<u32, _>(7)
            }
        });
        outcome = polled(call, polls).await;
        assert_eq!(
            (alive.count(), load.running()),
            (0, 0),
            "after {polls} polls"
        );
        assert_eq!((bulkhead.running(), bulkhead.waiting()), (0, 0));
        if outcome.is_some() {
            assert_eq!(fuse.events.all().len(), 3);
            break;
        }
    }
    assert_eq!(outcome, Some(Err(CallError::Failed(7))));
}

#[aiomisc::test(runtimes(all))]
async fn nothing_is_lost_when_calls_are_dropped_everywhere() {
    let load = LoadShed::builder(Duration::from_secs(100))
        .initial(8)
        .build()
        .unwrap();
    let bulkhead = Bulkhead::builder(3).build().unwrap();
    let backoff = Backoff::builder()
        .pause(ms(0))
        .max_tries(3)
        .build()
        .unwrap();
    let policy = Policy::new()
        .retry(backoff)
        .load_shed(load.clone())
        .rate_limiter(RateLimiter::builder(1_000_000, ms(1)).build().unwrap())
        .bulkhead(bulkhead.clone())
        .hedge(Hedge::builder(ms(0)).build().unwrap())
        .timeout(Duration::from_secs(100));
    let alive = Alive::default();
    let tasks: Vec<_> = (0..8)
        .map(|seed| {
            let (policy, alive) = (policy.clone(), alive.clone());
            aiomisc::spawn(async move {
                let mut dice = Dice::new(seed);
                for _ in 0..200 {
                    let (takes, fails) = (dice.below(4), dice.below(3));
                    let call = policy.call(|attempt| {
                        let one = alive.one();
                        async move {
                            let _one = one;
                            for _ in 0..takes {
                                ::smol::future::yield_now().await;
                            }
                            if attempt.number() as usize > fails {
                                Ok(())
                            } else {
                                Err(())
                            }
                        }
                    });
                    // Whether it made it does not matter.
                    let _ = give_up(dice.below(12), call).await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!((alive.count(), load.running()), (0, 0));
    assert_eq!((bulkhead.running(), bulkhead.waiting()), (0, 0));
}
