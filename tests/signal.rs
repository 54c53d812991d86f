//! Signals and their receivers (row A11 of the parity table, deviation 6).
#![cfg(all(
    unix,
    feature = "testing",
    feature = "macros",
    any(feature = "smol", feature = "tokio")
))]
#![forbid(unsafe_code)] // what `#[receiver]` makes has none
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails at that place"
)]

#[path = "signal/attribute.rs"]
mod attribute;
#[path = "shared/mod.rs"]
mod shared;

use std::error::Error;
use std::future::pending;
use std::sync::Arc;

use aiomisc::Entrypoint;
use aiomisc::signal::{Lifecycle, POST_START, POST_STOP, PRE_START, PRE_STOP, Signal};
use futures::poll;

use self::shared::Events;

/// A signal with receivers that add these texts.
fn adding(texts: &[&'static str]) -> Signal<Events> {
    let signal = Signal::new("ADDING");
    for text in texts {
        signal.connect(add(text)).unwrap();
    }
    signal
}

/// A receiver that adds a text.
fn add(
    text: &'static str,
) -> impl Fn(Events) -> std::future::Ready<Result<(), aiomisc::BoxError>> + Send + Sync {
    move |events| {
        events.add(text);
        std::future::ready(Ok(()))
    }
}

async fn heard(signal: &Signal<Events>) -> Vec<String> {
    let events = Events::default();
    signal.call(events.clone()).await.unwrap();
    events.all()
}

#[aiomisc::test(runtimes(all))]
async fn receivers_are_called_in_the_order_of_connection_one_after_another() {
    let signal: Signal<Events> = Signal::new("TURNS");
    for name in ["one", "two", "three"] {
        let receiver = move |events: Events| async move {
            events.add(format!("{name} begins"));
            aiomisc::time::sleep(std::time::Duration::from_micros(1)).await;
            events.add(format!("{name} ends"));
            Ok(())
        };
        signal.connect(receiver).unwrap();
    }
    let expected = ["one", "two", "three"].map(|n| [format!("{n} begins"), format!("{n} ends")]);
    assert_eq!(heard(&signal).await, expected.concat());
    assert_eq!(
        heard(&signal).await,
        expected.concat(),
        "also the next time"
    );
    assert!(heard(&Signal::new("NOBODY")).await.is_empty());
}

#[aiomisc::test(runtimes(all))]
async fn one_that_fails_or_panics_does_not_keep_the_others_from_being_called() {
    #[derive(Debug)]
    struct Outer(std::fmt::Error);
    impl std::fmt::Display for Outer {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("outer")
        }
    }
    impl Error for Outer {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.0)
        }
    }

    let signal = adding(&["first"]);
    let fails = |_| async { Err(Outer(std::fmt::Error).into()) };
    signal.connect_as("fails", fails).unwrap();
    let failing_line = line!() - 1;
    signal.connect(add("second")).unwrap();
    let panics = |_| async { panic!("later") };
    signal.connect_as("panics", panics).unwrap();
    let panics_at_once = |events: Events| {
        assert!(events.all().is_empty(), "at once");
        async { Ok(()) }
    };
    signal.connect_as("at once", panics_at_once).unwrap();
    signal.connect(add("third")).unwrap();

    let events = Events::default();
    let error = signal.call(events.clone()).await.unwrap_err();
    assert_eq!(events.all(), ["first", "second", "third"]);

    assert_eq!(error.signal(), "ADDING");
    let failed: Vec<_> = error.failures().iter().map(|f| f.receiver()).collect();
    assert_eq!(failed, ["fails", "panics", "at once"]);
    let first = &error.failures()[0];
    let place = format!("{}:{failing_line}", file!());
    assert_eq!(first.place(), place);
    assert_eq!(
        first.to_string(),
        format!("receiver `fails` ({place}) failed")
    );
    assert_eq!(first.source().unwrap().to_string(), "outer");
    let causes: Vec<_> = error.failures()[1..]
        .iter()
        .map(|failure| failure.source().unwrap().to_string())
        .collect();
    assert_eq!(causes, ["panicked: later", "panicked: at once"]);
    let text = error.to_string();
    let start = format!("the signal ADDING: receiver `fails` ({place}) failed: outer: ");
    assert!(text.starts_with(&start), "{text}");
    assert!(text.ends_with("failed: panicked: at once"), "{text}");
}

#[aiomisc::test(runtimes(all))]
async fn an_event_that_panics_when_it_is_cloned_is_the_receivers_failure() {
    struct Uncloneable;
    impl Clone for Uncloneable {
        fn clone(&self) -> Self {
            panic!("on purpose");
        }
    }
    let signal: Signal<Uncloneable> = Signal::new("S");
    for _ in 0..2 {
        signal.connect(|_| async { Ok(()) }).unwrap();
    }
    let error = signal.call(Uncloneable).await.unwrap_err();
    assert_eq!(error.failures().len(), 2);
}

async fn by_name(_: Events) -> Result<(), aiomisc::BoxError> {
    Err("on purpose".into())
}

#[aiomisc::test(runtimes(all))]
async fn a_function_is_called_by_its_path() {
    let signal = Signal::new("S");
    signal.connect(by_name).unwrap();
    let error = signal.call(Events::default()).await.unwrap_err();
    assert_eq!(error.failures()[0].receiver(), "signal::by_name");
}

#[aiomisc::test(runtimes(all))]
async fn receivers_are_disconnected_one_by_one() {
    let signal = adding(&["one"]);
    let two = signal.connect(add("two")).unwrap();
    let again = signal.connect(add("two")).unwrap();
    assert_ne!(two, again);
    assert_eq!(signal.disconnect(two), Ok(true));
    assert_eq!(signal.disconnect(two), Ok(false));
    assert_eq!(heard(&signal).await, ["one", "two"]);
    let elsewhere = adding(&[]).connect(add("three")).unwrap();
    assert_eq!(signal.disconnect(elsewhere), Ok(false));
}

#[aiomisc::test(runtimes(all))]
async fn a_frozen_signal_is_called_and_not_changed() {
    let signal = adding(&["one"]);
    let two = signal.connect(add("two")).unwrap();
    assert!(!signal.is_frozen());
    signal.freeze();
    signal.freeze();
    assert!(signal.is_frozen());
    let error = signal.connect(add("three")).unwrap_err();
    assert_eq!(error.to_string(), "the signal ADDING is frozen");
    assert_eq!(signal.disconnect(two), Err(error));
    assert_eq!(heard(&signal).await, ["one", "two"]);
}

#[aiomisc::test(runtimes(all))]
async fn a_copy_is_changed_on_its_own() {
    let signal = adding(&["one"]);
    let two = signal.connect(add("two")).unwrap();
    signal.freeze();
    let copy = signal.copy();
    assert!(!copy.is_frozen());
    assert_eq!(copy.name(), signal.name());
    copy.connect(add("three")).unwrap();
    assert_eq!(copy.disconnect(two), Ok(true));
    assert_eq!(heard(&copy).await, ["one", "three"]);
    assert_eq!(heard(&signal).await, ["one", "two"]);
    copy.freeze();
    assert!(!copy.copy().is_frozen());
}

#[aiomisc::test(runtimes(all))]
async fn a_dropped_call_drops_the_receiver_that_runs_and_calls_no_more() {
    let signal = adding(&["one"]);
    let waits = |events: Events| async move {
        let _dropped = events.on_drop("dropped");
        events.add("two");
        pending().await
    };
    signal.connect(waits).unwrap();
    signal.connect(add("three")).unwrap();
    let events = Events::default();
    drop(signal.call(events.clone())); // never polled
    assert!(events.all().is_empty());
    let mut call = Box::pin(signal.call(events.clone()));
    assert!(poll!(&mut call).is_pending());
    assert!(poll!(&mut call).is_pending());
    drop(call);
    assert_eq!(events.all(), ["one", "two", "dropped"]);
    assert!(!signal.is_frozen(), "nothing stays locked");
}

#[aiomisc::test(runtimes(all))]
async fn receivers_may_change_the_signal_that_calls_them() {
    let signal: Arc<Signal<Events>> = Arc::new(Signal::new("S"));
    let of_receiver = Arc::clone(&signal);
    signal
        .connect(move |events: Events| {
            let signal = Arc::clone(&of_receiver);
            async move {
                events.add("one");
                signal.connect(add("more"))?;
                Ok(())
            }
        })
        .unwrap();
    assert_eq!(
        heard(&signal).await,
        ["one"],
        "it counts from the next call"
    );
    assert_eq!(heard(&signal).await, ["one", "more"]);
}

#[aiomisc::test(runtimes(all))]
async fn only_the_signals_of_entrypoints_can_be_connected_to_one() {
    static MINE: Signal<Lifecycle> = Signal::new("MINE");
    let entrypoint = Entrypoint::builder()
        .log_config(false)
        .catch_signals([])
        .connect(&PRE_START, |_| async { Ok(()) })
        .connect(&POST_START, |_| async { Ok(()) })
        .connect(&PRE_STOP, |_| async { Ok(()) })
        .connect(&POST_STOP, |_| async { Ok(()) })
        .on_start_failed(|_| async { Ok(()) });
    let running = entrypoint.clone().start().await.unwrap();
    running.graceful_shutdown("done").await.unwrap();
    let wrong = entrypoint.connect(&MINE, |_| async { Ok(()) });
    let error = wrong.start().await.unwrap_err();
    let problems = error.as_config().unwrap().problems();
    assert_eq!(problems, ["connect: MINE is not a signal of an entrypoint"]);
}
