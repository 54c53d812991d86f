//! A call that is dropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aiomisc::retry::{Backoff, Pause, RetryBudget};
use shared::dice::Dice;
use shared::given_up::{give_up, polled};

use super::*;

/// Counts what lives.
#[derive(Clone, Default)]
struct Living(Arc<AtomicUsize>);

impl Living {
    fn begin(&self) -> Self {
        self.0.fetch_add(1, Ordering::SeqCst);
        self.clone()
    }

    fn end(self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }

    fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

struct Alive(Option<Living>);

impl Drop for Alive {
    fn drop(&mut self) {
        if let Some(living) = self.0.take() {
            living.end();
        }
    }
}

/// Two attempts that wait twice each, a pause, and none after the drop.
#[aiomisc::test(simulation)]
async fn dropped_at_any_await_point_nothing_is_tried_again_and_nothing_is_left() {
    for named in [false, true] {
        let mut outcome = None;
        for polls in 0.. {
            let budget = RetryBudget::new(5, 0.1).unwrap();
            let builder = Backoff::builder()
                .attempt_timeout(ms(1000))
                .deadline(ms(5000))
                .pause(ms(10))
                .budget(&budget);
            let builder = if named {
                builder.name("dropped")
            } else {
                builder
            };
            let backoff = builder.build().unwrap();
            let living = Living::default();
            let attempts = AtomicUsize::new(0);
            let call = backoff.try_call(async |attempt| {
                let _alive = Alive(Some(living.begin()));
                attempts.fetch_add(1, Ordering::SeqCst);
                time::sleep(ms(5)).await;
                time::sleep(ms(5)).await;
                if attempt.number() < 3 {
                    Err("no")
                } else {
                    Ok(7)
                }
            });
            outcome = polled(call, polls).await;
            let made = attempts.load(Ordering::SeqCst);
            assert_eq!(living.count(), 0, "after {polls} polls");
            time::sleep(ms(10_000)).await;
            assert_eq!(attempts.load(Ordering::SeqCst), made, "nothing goes on");
            let figures = backoff.statistics();
            let ended = figures.done.total() + figures.failed.total() + figures.cancels.total();
            assert_eq!(ended, figures.calls.total(), "after {polls} polls");
            assert_eq!(figures.attempts.total(), made as u64);
            // A token for each retry that began, and some for the success.
            let spent = made.saturating_sub(1) as f64 - if outcome.is_some() { 0.1 } else { 0.0 };
            assert!(
                (5.0 - spent - budget.tokens()).abs() < 1e-9,
                "after {polls} polls"
            );
            if outcome.is_some() {
                break;
            }
        }
        assert_eq!(outcome, Some(Ok(7)));
    }
}

/// Many calls of one object, each dropped at some point or other.
#[aiomisc::test(runtimes(all))]
async fn calls_that_are_dropped_everywhere_add_up() {
    let budget = RetryBudget::new(1_000_000, 0.1).unwrap();
    let backoff = Backoff::builder()
        .attempt_timeout(Duration::from_secs(100))
        // Polls that nothing wakes get through it.
        .pause(Pause::none())
        .max_tries(4)
        .budget(&budget)
        .build()
        .unwrap();
    let living = Living::default();
    let tasks: Vec<_> = (0..8)
        .map(|seed| {
            let (backoff, living) = (backoff.clone(), living.clone());
            aiomisc::spawn(async move {
                let mut dice = Dice::new(seed);
                for _ in 0..200 {
                    let (polls, waits, fails) = (dice.below(16), dice.below(3), dice.below(6));
                    let call = backoff.try_call(|attempt| {
                        let living = living.begin();
                        async move {
                            let _alive = Alive(Some(living));
                            for _ in 0..waits {
                                ::smol::future::yield_now().await;
                            }
                            let last = usize::try_from(attempt.number()).unwrap() > fails;
                            if last { Ok(()) } else { Err(()) }
                        }
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
    assert_eq!(living.count(), 0);
    let figures = backoff.statistics();
    let (done, failed) = (figures.done.total(), figures.failed.total());
    let cancels = figures.cancels.total();
    assert!(done > 0 && failed > 0 && cancels > 0);
    assert_eq!(done + failed + cancels, figures.calls.total());
    let retries = figures.attempts.total() - figures.calls.total();
    assert!(retries > 0);
    let refunds = 1_000_000.0 - budget.tokens() - retries as f64;
    assert!(
        refunds <= 0.0 && -refunds <= done as f64 * 0.1 + 1e-6,
        "{refunds}"
    );
}
