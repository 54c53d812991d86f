//! Which errors are tried again.

use aiomisc::retry::{Backoff, BackoffFor, RetryError, RetryFor};
use aiomisc::time::Elapsed;
use aiomisc::{BoxError, time};
use std::cell::Cell;
use std::io::{self, ErrorKind};
use std::sync::Mutex;

use super::*;

#[aiomisc::test(simulation)]
async fn only_errors_that_the_rule_holds_for_are_tried_again() {
    let retry: RetryFor<u32> = Backoff::retry(10)
        .retry_if(|error: &u32| *error < 3)
        .build()
        .unwrap();
    let script = Script::new([(0, Err(1)), (0, Err(2)), (0, Err(3)), (0, Ok(4))]);
    assert_eq!(retry.call(|attempt| script.run(attempt)).await, Err(3));
    assert_eq!(script.began().len(), 3);
}

#[aiomisc::test(simulation)]
async fn an_error_that_ends_it_is_given_at_once() {
    let retry = Backoff::retry(10)
        .giveup(|error: &u32| *error == 2)
        .pause(ms(10))
        .build()
        .unwrap();
    let script = Script::new([(0, Err(1)), (0, Err(2)), (0, Ok(3))]);
    assert_eq!(retry.call(|attempt| script.run(attempt)).await, Err(2));
    assert_eq!(script.began(), [0, 10]);
    assert_eq!(script.watch.millis(), 10);
}

/// The order is that of the original: the number of tries goes before `giveup`.
#[aiomisc::test(simulation)]
async fn rules_are_asked_in_order_and_only_while_attempts_are_left() {
    static ASKED: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let note = |rule: &str, error: &u32| ASKED.lock().unwrap().push(format!("{rule} {error}"));
    let retry = Backoff::retry(3)
        .giveup(move |error: &u32| {
            note("giveup", error);
            false
        })
        .retry_if(move |error| {
            note("retry_if", error);
            true
        })
        .retry_after(move |error| {
            note("retry_after", error);
            None
        })
        .build()
        .unwrap();
    let script = Script::new([(0, Err(1)), (0, Err(2)), (0, Err(3))]);
    assert_eq!(retry.call(|attempt| script.run(attempt)).await, Err(3));
    let asked = ASKED.lock().unwrap();
    let each = |n| ["retry_if", "giveup", "retry_after"].map(|rule| format!("{rule} {n}"));
    let expected = [&each(1)[..], &each(2)[..], &["retry_if 3".to_owned()]].concat();
    assert_eq!(*asked, expected);
}

#[aiomisc::test(simulation)]
async fn a_time_out_is_always_tried_again() {
    let backoff: BackoffFor<io::Error> = Backoff::builder()
        .attempt_timeout(ms(50))
        .pause(ms(10))
        .max_tries(5)
        .retry_if(|_: &io::Error| false)
        .build()
        .unwrap();
    let attempts = Cell::new(0);
    let result = backoff.call(async |attempt| {
        attempts.set(attempt.number());
        match attempt.number() {
            1 => std::future::pending().await,
            // One that is the operation's own.
            2 => Ok(time::timeout(ms(5), std::future::pending::<()>()).await?),
            3 => Err(ErrorKind::TimedOut.into()),
            _ => Err(ErrorKind::NotFound.into()),
        }
    });
    assert_eq!(result.await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(attempts.get(), 4);
}

#[aiomisc::test(simulation)]
async fn a_time_out_in_a_box_is_tried_again_too() {
    let retry = Backoff::retry(3)
        .retry_if(|_: &BoxError| false)
        .build()
        .unwrap();
    let attempts = Cell::new(0);
    let result = retry.call(async |_| {
        attempts.set(attempts.get() + 1);
        time::timeout(ms(5), std::future::pending::<()>()).await?;
        Ok::<(), BoxError>(())
    });
    assert!(result.await.unwrap_err().is::<Elapsed>());
    assert_eq!(attempts.get(), 3);
}

/// As in the original, where `giveup` sees every exception.
#[aiomisc::test(simulation)]
async fn a_time_out_may_end_it_where_it_is_an_error_of_the_operation() {
    let backoff = Backoff::builder()
        .attempt_timeout(ms(50))
        .giveup(|error: &io::Error| error.kind() == ErrorKind::TimedOut)
        .build()
        .unwrap();
    let slow = async |_| std::future::pending::<io::Result<()>>().await;
    let watch = Watch::begin();
    let error = backoff.call(slow).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert_eq!(watch.millis(), 50);
    let error = backoff.try_call(slow).await;
    assert!(matches!(error, Err(RetryError::Elapsed)));
    assert!(
        watch.millis() >= 4 * 50,
        "it is no error of this type there"
    );
}

#[aiomisc::test(simulation)]
async fn an_error_asks_for_its_pause() {
    let retry = Backoff::retry(None)
        .pause(ms(10))
        .retry_after(|error: &Option<u64>| error.map(ms))
        .build()
        .unwrap();
    let script = Script::new([
        (0, Err(Some(70))),
        (0, Err(None)),
        (0, Err(Some(0))),
        (0, Err(Some(500_000))),
        (0, Ok(1)),
    ]);
    assert_eq!(retry.call(|attempt| script.run(attempt)).await, Ok(1));
    assert_eq!(script.began(), [0, 70, 80, 80, 500_080]);
}

#[aiomisc::test(simulation)]
async fn no_error_asks_for_more_than_the_deadline() {
    let backoff = Backoff::builder()
        .deadline(ms(300))
        .retry_after(|_: &&str| Some(Duration::MAX))
        .build()
        .unwrap();
    let script = Script::new([(0, Err("busy"))]);
    let result = backoff.try_call(|attempt| script.run(attempt)).await;
    assert_eq!(result, Err(RetryError::Failed("busy")));
    assert_eq!(script.watch.millis(), 300);
}

/// Neither `Send` nor `Clone` nor `Debug`, and with a life of its own.
#[aiomisc::test(simulation)]
async fn any_error_will_do_without_rules() {
    struct Borrowed<'a>(&'a str, std::rc::Rc<u8>);
    let text = "text".to_owned();
    let retry = Backoff::retry(2).build().unwrap();
    let result = retry.call(async |_| Err::<(), _>(Borrowed(&text, std::rc::Rc::default())));
    let Borrowed(given, counted) = result.await.unwrap_err();
    assert!(std::ptr::eq(given, &raw const *text) && *counted == 0);
    // The same one, for errors of another type.
    assert_eq!(retry.call(async |_| Err::<(), _>(7)).await, Err(7));
}

#[aiomisc::test(simulation)]
async fn a_panic_goes_to_the_caller() {
    let retry = Backoff::retry(5)
        .retry_if(|error: &&str| {
            if *error == "rule" {
                panic!("of the rule")
            } else {
                true
            }
        })
        .name("panics of a retry")
        .build()
        .unwrap();
    for what in ["rule", "operation"] {
        let retry = retry.clone();
        let task = aiomisc::spawn(async move {
            let result = retry.call(async |_| match what {
                "rule" => Err::<(), _>(what),
                _ => panic!("of the operation"),
            });
            result.await
        });
        let error = task.await.unwrap_err();
        assert_eq!(error.panic_text(), Some(&*format!("of the {what}")));
    }
    let figures = retry.statistics();
    assert_eq!((figures.attempts.total(), figures.cancels.total()), (2, 2));
}

#[test]
fn errors_say_what_happened() {
    use std::error::Error;
    let failed = RetryError::Failed(io::Error::other("the disk is full"));
    assert_eq!(failed.to_string(), "the last attempt has failed");
    assert_eq!(failed.source().unwrap().to_string(), "the disk is full");
    let elapsed = RetryError::<io::Error>::Elapsed;
    assert_eq!(elapsed.to_string(), "the attempts have taken too long");
    assert!(elapsed.source().unwrap().is::<Elapsed>());
    assert_eq!(elapsed.into_error().kind(), ErrorKind::TimedOut);
    assert_eq!(RetryError::Failed(7).failed(), Some(7));
}
