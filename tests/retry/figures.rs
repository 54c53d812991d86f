//! What is counted.

use aiomisc::retry::{Backoff, BackoffStatistic, RetryStatistic};
use aiomisc::statistics;

use super::*;

fn lines(name: &str) -> Vec<String> {
    let figures = statistics().of_kind::<BackoffStatistic>();
    let named = figures.filter(|figure| figure.name.as_deref() == Some(name));
    named.map(|figure| figure.to_string()).collect()
}

/// Fault of the original: the sum of the time included the pauses. And calls, attempts and pauses were one.
#[aiomisc::test(simulation)]
async fn calls_attempts_and_pauses_are_counted_apart_and_the_time_has_no_pauses_in_it() {
    let backoff = Backoff::builder()
        .attempt_timeout(ms(500))
        .pause(ms(1000))
        .name("figures of a backoff")
        .build()
        .unwrap();
    assert_eq!(backoff.name(), Some("figures of a backoff"));
    let script = Script::new([(200, Err(())), (700, Ok(1)), (100, Ok(1))]);
    let result = backoff.try_call(|attempt| script.run(attempt)).await;
    assert_eq!(result, Ok(1));
    let script = Script::new([(50, Err(()))]);
    let result = backoff.try_call(|attempt| script.run(attempt)).await;
    result.unwrap_err();
    let script = Script::<()>::new([(100, Ok(1))]);
    let call = backoff.try_call(|attempt| script.run(attempt));
    time::timeout(ms(30), call).await.unwrap_err();
    let expected = [
        "calls 3",
        "attempts 7",
        "pauses 4",
        "done 1",
        "errors 5",
        "failed 1",
        "cancels 1",
        "refused 0",
        // 200 + 500 + 100, three times 50, and 30
        "sum_time 0.98",
        "sum_pauses 4",
    ];
    let expected = expected.map(|line| format!("BackoffStatistic figures of a backoff {line}"));
    assert_eq!(lines("figures of a backoff"), expected);
}

/// Row C16: whoever asks for the one kind gets both.
#[aiomisc::test(simulation)]
async fn retries_are_of_a_kind_of_their_own() {
    let retry = Backoff::retry(2)
        .name("figures of a retry")
        .build()
        .unwrap();
    retry.call(async |_| Err::<(), _>(())).await.unwrap_err();
    let lines = lines("figures of a retry");
    assert!(
        lines.contains(&"RetryStatistic figures of a retry attempts 2".to_owned()),
        "{lines:?}"
    );
    assert_eq!(lines.len(), 10);
    let all = statistics().of_kind::<RetryStatistic>();
    assert!(
        all.map(|figure| figure.kind)
            .all(|kind| kind.name() == "RetryStatistic")
    );
    assert_eq!(retry.name(), Some("figures of a retry"));
}

#[aiomisc::test(simulation)]
async fn clones_share_their_figures_which_go_with_the_last() {
    let backoff = Backoff::builder()
        .name("figures of clones")
        .build()
        .unwrap();
    let clone = backoff.clone();
    clone.try_call(async |_| Ok::<_, ()>(())).await.unwrap();
    drop(clone);
    assert_eq!(backoff.statistics().done.total(), 1);
    drop(backoff);
    assert_eq!(lines("figures of clones"), [""; 0]);
}

/// No clock is read for it.
#[aiomisc::test(simulation)]
async fn without_a_name_the_time_is_not_measured() {
    let retry = Backoff::retry(2).build().unwrap();
    let script = Script::new([(100, Err(()))]);
    retry.call(|attempt| script.run(attempt)).await.unwrap_err();
    assert_eq!(retry.statistics().sum_time.total(), ms(0));
    assert_eq!(retry.statistics().errors.total(), 2);
}
