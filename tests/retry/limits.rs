//! Limits on the number of attempts and on their time.

use aiomisc::retry::{Attempt, Backoff, Pause, RetryError};
use aiomisc::time::Elapsed;
use aiomisc::{BoxError, time};
use shared::manual;
use std::io;
use std::pin::pin;

use super::*;

#[aiomisc::test(simulation)]
async fn the_first_success_ends_it() {
    let backoff = Backoff::builder().pause(ms(100)).max_tries(5).build();
    let backoff = backoff.unwrap();
    let script = Script::new([
        (10, Err("one")),
        (10, Err("two")),
        (10, Ok(7)),
        (0, Err("no")),
    ]);
    let result = backoff.try_call(|attempt| script.run(attempt));
    assert_eq!(result.await, Ok(7));
    assert_eq!(script.began(), [0, 110, 220]);
    assert_eq!(script.watch.millis(), 230);
}

#[aiomisc::test(simulation)]
async fn the_last_error_is_given_when_there_were_as_many_attempts_as_there_may_be() {
    for tries in [1_u32, 2, 5] {
        let backoff = Backoff::builder().pause(ms(100)).max_tries(tries).build();
        let backoff = backoff.unwrap();
        let steps: Vec<_> = (1..10).map(|n| (0, Err(n))).collect();
        let script = Script::new(steps);
        let result = backoff.try_call(|attempt| script.run(attempt));
        assert_eq!(result.await, Err(RetryError::Failed(tries)));
        assert_eq!(script.watch.millis(), u128::from(tries - 1) * 100);
    }
}

#[aiomisc::test(simulation)]
async fn there_are_three_attempts_unless_there_is_a_deadline() {
    let attempts = async |backoff: Backoff| {
        let script = Script::new([(0, Err("no"))]);
        let result = backoff.try_call(|attempt| script.run(attempt)).await;
        assert_eq!(result, Err(RetryError::Failed("no")));
        script.began()
    };
    let three = Backoff::builder().pause(ms(100));
    assert_eq!(attempts(three.build().unwrap()).await, [0, 100, 200]);
    let deadline = Backoff::builder().pause(ms(100)).deadline(ms(550));
    let began = attempts(deadline.build().unwrap()).await;
    assert_eq!(began, [0, 100, 200, 300, 400, 500]);
    let both = Backoff::builder().pause(ms(100)).deadline(ms(550));
    let began = attempts(both.max_tries(2).build().unwrap()).await;
    assert_eq!(began, [0, 100]);
}

#[aiomisc::test(simulation)]
async fn an_attempt_that_takes_too_long_is_dropped_and_tried_again() {
    let backoff = Backoff::builder()
        .attempt_timeout(ms(50))
        .pause(ms(100))
        .build()
        .unwrap();
    let script = Script::new([(60, Ok(1)), (51, Ok(2)), (49, Ok(3))]);
    let result = backoff
        .call(async |attempt| Ok::<_, BoxError>(script.run(attempt).await.map_err(|()| "never")?));
    assert_eq!(result.await.unwrap(), 3);
    assert_eq!(script.began(), [0, 150, 300]);
    assert_eq!(script.watch.millis(), 349);
}

#[aiomisc::test(simulation)]
async fn the_time_out_of_the_last_attempt_is_the_error() {
    let backoff = Backoff::builder().attempt_timeout(ms(50)).pause(ms(10));
    let backoff = backoff.build().unwrap();
    let slow = Script::new([(0, Err("no")), (60, Ok(1))]);
    let result = backoff.try_call(|attempt| slow.run(attempt)).await;
    assert_eq!(result, Err(RetryError::Elapsed));
    assert_eq!(slow.began(), [0, 10, 70]);
    let failing = Script::new([(60, Ok(1)), (60, Ok(1)), (0, Err("no"))]);
    let result = backoff.try_call(|attempt| failing.run(attempt)).await;
    assert_eq!(result, Err(RetryError::Failed("no")));
}

#[aiomisc::test(simulation)]
async fn a_time_out_becomes_an_error_of_the_operation() {
    let backoff = Backoff::builder().attempt_timeout(ms(50)).build().unwrap();
    let result = backoff.call(async |_| {
        time::sleep(ms(60)).await;
        Ok::<(), io::Error>(())
    });
    assert_eq!(result.await.unwrap_err().kind(), io::ErrorKind::TimedOut);
    let result = backoff.call(async |_| std::future::pending::<Result<(), BoxError>>().await);
    assert!(result.await.unwrap_err().is::<Elapsed>());
}

#[aiomisc::test(simulation)]
async fn at_the_deadline_an_attempt_is_dropped_and_the_last_error_given() {
    let backoff = Backoff::builder().deadline(ms(1000)).pause(ms(100));
    let backoff = backoff.build().unwrap();
    let events = shared::Events::default();
    let script = Script::new([(300, Err("one")), (300, Err("two")), (300, Ok(1))]);
    let result = backoff.try_call(async |attempt| {
        let _dropped = events.on_drop("dropped");
        let result = script.run(attempt).await;
        events.add("ended");
        result
    });
    assert_eq!(result.await, Err(RetryError::Failed("two")));
    assert_eq!(script.watch.millis(), 1000);
    assert_eq!(script.began(), [0, 400, 800]);
    let ended = ["ended", "dropped", "ended", "dropped", "dropped"];
    assert_eq!(events.all(), ended);
}

/// Work before the first wait of an attempt, which nothing can interrupt, moves no deadline.
#[aiomisc::test(simulation)]
async fn the_deadline_stays_where_it_is_when_an_attempt_works_before_it_waits() {
    let limits = [
        Backoff::builder(),
        Backoff::builder().attempt_timeout(ms(5_000)),
    ];
    for builder in limits {
        let (runtime, clock) = manual();
        let builder = builder.deadline(ms(10_000)).pause(Pause::none());
        let backoff = builder.build().unwrap();
        let mut call = pin!(runtime.scope(backoff.call(async |attempt: Attempt| {
            if attempt.number() == 1 {
                return Err(io::Error::other("the last"));
            }
            clock.advance(ms(9_000));
            std::future::pending::<io::Result<()>>().await
        })));
        for _ in 0..3 {
            assert!(futures::poll!(call.as_mut()).is_pending());
        }
        clock.advance(ms(999));
        assert!(futures::poll!(call.as_mut()).is_pending());
        clock.advance(ms(1));
        let error = call.await.unwrap_err();
        assert_eq!(error.to_string(), "the last");
    }
}

#[aiomisc::test(simulation)]
async fn at_the_deadline_a_pause_is_cut_and_the_last_error_given() {
    let backoff = Backoff::builder().deadline(ms(1000)).pause(ms(400));
    let backoff = backoff.build().unwrap();
    let script = Script::new([(0, Err(1)), (0, Err(2)), (0, Err(3)), (0, Err(4))]);
    let result = backoff.try_call(|attempt| script.run(attempt)).await;
    assert_eq!(result, Err(RetryError::Failed(3)));
    assert_eq!(script.began(), [0, 400, 800]);
    assert_eq!(script.watch.millis(), 1000);
}

/// Not `Ok`, and not one more attempt.
#[aiomisc::test(simulation)]
async fn a_pause_that_ends_at_the_deadline_is_followed_by_nothing() {
    let backoff = Backoff::builder().deadline(ms(400)).pause(ms(400));
    let script = Script::new([(0, Err(1)), (0, Ok(2))]);
    let result = backoff.build().unwrap();
    let result = result.try_call(|attempt| script.run(attempt)).await;
    assert_eq!(result, Err(RetryError::Failed(1)));
    assert_eq!(script.watch.millis(), 400);
}

#[aiomisc::test(simulation)]
async fn without_any_outcome_the_deadline_is_a_time_out() {
    let backoff = Backoff::builder().deadline(ms(70)).build().unwrap();
    let script = Script::<()>::new([(80, Ok(1))]);
    let result = backoff.try_call(|attempt| script.run(attempt)).await;
    assert_eq!(result, Err(RetryError::Elapsed));
    assert_eq!(script.watch.millis(), 70);
}

/// The outcome that counts is the last one, be it a time-out.
#[aiomisc::test(simulation)]
async fn the_time_out_of_an_attempt_is_an_outcome_at_the_deadline() {
    let backoff = Backoff::builder().deadline(ms(200)).attempt_timeout(ms(50));
    let backoff = backoff.pause(ms(50)).build().unwrap();
    let script = Script::new([(0, Err("no")), (80, Ok(1))]);
    let result = backoff.try_call(|attempt| script.run(attempt)).await;
    assert_eq!(result, Err(RetryError::Elapsed));
    assert_eq!(script.began(), [0, 50, 150]);
    assert_eq!(script.watch.millis(), 200);
}

#[aiomisc::test(simulation)]
async fn an_attempt_knows_its_number_and_the_time_left() {
    let backoff = Backoff::builder()
        .deadline(ms(1000))
        .attempt_timeout(ms(300));
    let backoff = backoff.pause(ms(100)).build().unwrap();
    let script = Script::new([
        (200, Err(0)),
        (400, Err(0)),
        (0, Err(0)),
        (0, Err(0)),
        (0, Ok(1)),
    ]);
    let result = backoff.try_call(|attempt| script.run(attempt)).await;
    assert_eq!(result, Ok(1));
    let known = script.attempts.take();
    let numbers: Vec<_> = known.iter().map(Attempt::number).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5]);
    let left: Vec<_> = known.iter().map(Attempt::time_left).collect();
    assert_eq!(script.began(), [0, 300, 700, 800, 900]);
    assert_eq!(left, [300, 300, 300, 200, 100].map(|left| Some(ms(left))));
    let free = Backoff::retry(1).build().unwrap();
    assert_eq!(
        free.call(async |a| Ok::<_, ()>(a.time_left())).await,
        Ok(None)
    );
}

/// As with `time::timeout`.
#[aiomisc::test(simulation)]
async fn an_operation_that_is_ready_at_once_makes_it_in_no_time() {
    for builder in [
        Backoff::builder().deadline(ms(0)),
        Backoff::builder().attempt_timeout(ms(0)).max_tries(1),
    ] {
        let backoff = builder.build().unwrap();
        assert_eq!(backoff.try_call(async |_| Ok::<_, ()>(1)).await, Ok(1));
        let failed = backoff.try_call(async |_| Err::<(), _>(1)).await;
        assert_eq!(
            failed,
            Err(RetryError::Failed(1)),
            "and there is one attempt"
        );
        let script = Script::<()>::new([(1, Ok(1))]);
        let late = backoff.try_call(|attempt| script.run(attempt)).await;
        assert_eq!(late, Err(RetryError::Elapsed));
        assert_eq!((script.began().len(), script.watch.millis()), (1, 0));
    }
}

#[aiomisc::test(simulation)]
async fn the_longest_time_is_no_limit() {
    let backoff = Backoff::builder()
        .deadline(Duration::MAX)
        .attempt_timeout(Duration::MAX)
        .pause(ms(1))
        .build()
        .unwrap();
    let script = Script::new([(86_400_000, Err(1)), (0, Ok(1))]);
    let result = backoff.try_call(|attempt| script.run(attempt)).await;
    assert_eq!(result, Ok(1));
    assert_eq!(script.attempts.borrow()[0].time_left(), None);
}

#[aiomisc::test(simulation)]
async fn retry_has_no_pauses_and_gives_errors_as_they_are() {
    #[derive(Debug, PartialEq, Clone)]
    struct Mine(u32);
    let retry = Backoff::retry(4).build().unwrap();
    let script = Script::new([(10, Err(Mine(1))), (0, Err(Mine(2)))]);
    let result = retry.call(|attempt| script.run(attempt)).await;
    assert_eq!(result, Err(Mine(2)));
    assert_eq!(script.began(), [0, 10, 10, 10]);
}

#[aiomisc::test(simulation)]
async fn others_have_a_turn_between_attempts_without_pauses() {
    let done = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let other = std::sync::Arc::clone(&done);
    let ends = aiomisc::spawn(async move {
        other.store(true, std::sync::atomic::Ordering::SeqCst);
    });
    let retry = Backoff::retry(None).build().unwrap();
    let result = retry.call(async |_| {
        let done = done.load(std::sync::atomic::Ordering::SeqCst);
        if done { Ok(()) } else { Err("not yet") }
    });
    assert_eq!(result.await, Ok(()));
    ends.await.unwrap();
}

#[test]
fn what_cannot_be_is_told() {
    use aiomisc::retry::{Jitter, Pause};
    let tries = Backoff::builder().max_tries(0).build().unwrap_err();
    assert_eq!(
        tries.to_string(),
        "number of tries: expected at least 1, got 0"
    );
    assert_eq!(tries.setting(), "number of tries");
    let retry = Backoff::retry(0).build().unwrap_err();
    assert_eq!(retry, tries);
    let cap = Pause::exponential(ms(10)).cap(ms(5));
    let cap = Backoff::builder().pause(cap).build().unwrap_err();
    let text = "cap of the pause: expected at least the first pause, 10ms, got 5ms";
    assert_eq!(cap.to_string(), text);
    let jitter = Pause::constant(ms(10)).jitter(Jitter::Decorrelated);
    let jitter = Backoff::retry(1).pause(jitter).build().unwrap_err();
    assert_eq!(jitter.setting(), "jitter of the pause");
}

/// A service holds it, and tasks have clones.
#[aiomisc::test(runtimes(all))]
async fn it_goes_anywhere() {
    fn anywhere<T: Clone + Send + Sync + 'static>(_: &T) {}
    let backoff = Backoff::builder()
        .attempt_timeout(Duration::from_secs(20))
        .deadline(Duration::from_secs(20))
        .pause(ms(1))
        .giveup(|error: &io::Error| error.kind() == io::ErrorKind::NotFound)
        .build()
        .unwrap();
    anywhere(&backoff);
    let tasks: Vec<_> = (0..4)
        .map(|_| {
            let backoff = backoff.clone();
            aiomisc::spawn(async move {
                let mut failures = 2_i32;
                let by_closure = backoff.call(|_| {
                    let left = failures;
                    failures -= 1;
                    async move {
                        time::sleep(ms(1)).await;
                        if left > 0 {
                            return Err(io::Error::from(io::ErrorKind::ConnectionReset));
                        }
                        Ok(left)
                    }
                });
                let by_closure = by_closure.await?;
                let text = "text".to_owned();
                let by_future = backoff.call(|attempt| {
                    let text = text.clone();
                    async move {
                        time::sleep(ms(1)).await;
                        Ok::<_, io::Error>(format!("{text} {}", attempt.number()))
                    }
                });
                Ok::<_, io::Error>((by_closure, by_future.await?))
            })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap().unwrap(), (0, "text 1".to_owned()));
    }
}
