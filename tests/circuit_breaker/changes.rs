//! Who hears of changes.

use aiomisc::circuit_breaker::{Change, Reason};
use futures::StreamExt;

use super::*;

fn parts(change: Change) -> (State, State, Reason) {
    (change.from, change.to, change.reason)
}

#[aiomisc::test(simulation)]
async fn changes_are_told_in_order() {
    let breaker = usual().build().unwrap();
    let changes = breaker.changes();
    break_it(&breaker);
    sleep(s(9)).await;
    good(&breaker);
    breaker.open();
    breaker.open();
    breaker.close();
    breaker.reset();
    drop(breaker);
    let told: Vec<_> = changes.map(parts).collect().await;
    let (passing, broken, recovering) = (State::Passing, State::Broken, State::Recovering);
    assert_eq!(
        told,
        [
            (passing, broken, Reason::Failures),
            (broken, recovering, Reason::TimeOver),
            (recovering, passing, Reason::Recovered),
            (passing, broken, Reason::Asked),
            (broken, passing, Reason::Asked),
        ]
    );
}

#[aiomisc::test(simulation)]
async fn a_change_wakes_who_waits_for_it() {
    let breaker = usual().build().unwrap();
    let mut changes = breaker.changes();
    let opened = breaker.clone();
    let open = aiomisc::spawn(async move {
        sleep(ms(10)).await;
        opened.open();
    });
    let begun = now();
    let change = changes.next().await.unwrap();
    assert_eq!(now() - begun, ms(10));
    assert_eq!(
        change.to_string(),
        "from passing to broken: it was asked for"
    );
    open.await.unwrap();
    drop(breaker);
    assert_eq!(changes.next().await, None);
    assert_eq!(changes.next().await, None);
}

#[aiomisc::test(simulation)]
async fn the_oldest_changes_are_left_out_and_counted() {
    let breaker = usual().build().unwrap();
    let mut changes = breaker.changes();
    for _ in 0..50 {
        breaker.open();
        breaker.close();
    }
    assert_eq!(changes.next().await.unwrap().to, State::Broken);
    assert_eq!(changes.missed(), 36);
    drop(breaker);
    assert_eq!(changes.count().await, 63);
}

/// One that begins to listen later hears of later changes.
#[aiomisc::test(simulation)]
async fn what_was_before_is_not_told() {
    let breaker = usual().build().unwrap();
    breaker.open();
    let mut changes = breaker.changes();
    breaker.close();
    assert_eq!(changes.next().await.unwrap().to, State::Passing);
}

#[aiomisc::test(simulation)]
async fn changes_are_logged() {
    shared::log::keep();
    let breaker = usual().name("told in the log").build().unwrap();
    break_it(&breaker);
    sleep(s(9)).await;
    good(&breaker);
    let lines = shared::log::with("told in the log");
    assert_eq!(lines.len(), 3, "{lines:#?}");
    for (line, expected) in lines.iter().zip([
        [
            "WARN ",
            "message=the circuit is broken ",
            "reason=too many failures ",
        ],
        [
            "INFO ",
            "message=the circuit is recovering ",
            "reason=its time is over ",
        ],
        [
            "INFO ",
            "message=the circuit is passing ",
            "reason=calls have succeeded ",
        ],
    ]) {
        assert!(expected.iter().all(|part| line.contains(part)), "{line}");
    }
}
