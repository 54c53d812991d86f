//! Receivers that stand under `#[receiver]`.

use std::error::Error;

use aiomisc::signal::{Lifecycle, PRE_START, Signal};

use super::shared::Events;
use super::{add, heard};

static HEARD: Signal<Events> = Signal::new("HEARD");
static FAILING: Signal<Events> = Signal::new("FAILING");

#[aiomisc::receiver(HEARD)]
async fn last_of_the_module(events: Events) {
    events.add("module");
}

mod b {
    use super::super::shared::Events;
    use aiomisc::BoxError;

    #[aiomisc::receiver(super::HEARD)]
    pub(super) async fn first(events: Events) -> Result<(), BoxError> {
        events.add("b first");
        Ok(())
    }

    /// Other attributes stay, and the conditions count.
    #[aiomisc::receiver(super::HEARD)]
    #[doc(alias = "another")]
    async fn second(events: Events) -> std::io::Result<()> {
        events.add("b second");
        Ok(())
    }

    #[aiomisc::receiver(super::NOWHERE)]
    #[cfg(any())]
    async fn not_there(_: Events) {}
}

#[allow(clippy::unused_async, reason = "they are receivers")]
mod a {
    use super::super::shared::Events;
    use ::aiomisc as renamed;

    #[renamed::receiver(super::HEARD, crate = "renamed")]
    async fn third(Events { .. }: Events) {}

    #[renamed::receiver(super::HEARD, crate = renamed)]
    async fn only(events: Events) {
        events.add("a");
    }
}

#[aiomisc::receiver(FAILING)]
async fn fails(_: Events) -> std::fmt::Result {
    Err(std::fmt::Error)
}

#[aiomisc::receiver(FAILING)]
async fn panics(_: Events) {
    panic!("on purpose");
}

#[aiomisc::receiver(PRE_START)]
async fn of_the_library(event: Lifecycle) {
    let _ = event.entrypoint.services();
}

const ATTACHED: [&str; 4] = ["module", "a", "b first", "b second"];

#[aiomisc::test(runtimes(all))]
async fn they_are_called_by_module_and_line_after_the_connected() {
    assert_eq!(heard(&HEARD).await, ATTACHED);
    let copy = HEARD.copy();
    copy.connect(add("connected")).unwrap();
    let connected_first = [&["connected"][..], &ATTACHED].concat();
    assert_eq!(heard(&copy).await, connected_first);
    copy.freeze();
    assert_eq!(heard(&copy.copy()).await, connected_first);
    assert_eq!(heard(&HEARD).await, ATTACHED, "attached only once");
}

#[aiomisc::test(runtimes(all))]
async fn the_function_stays_a_function() {
    let events = Events::default();
    b::first(events.clone()).await.unwrap();
    assert_eq!(events.all(), ["b first"]);
}

#[aiomisc::test(runtimes(all))]
async fn their_failures_name_them() {
    let error = FAILING.call(Events::default()).await.unwrap_err();
    let names: Vec<_> = error.failures().iter().map(|f| f.receiver()).collect();
    assert_eq!(
        names,
        ["signal::attribute::fails", "signal::attribute::panics"]
    );
    let causes = error.failures().iter().map(|f| f.source().unwrap());
    let causes: Vec<_> = causes.map(ToString::to_string).collect();
    assert_eq!(causes[1], "panicked: on purpose");
    assert!(error.failures()[0].place().starts_with(file!()), "{error}");
}

#[test]
fn the_librarys_signals_have_them_too() {
    let text = format!("{:?}", PRE_START.copy());
    assert!(text.contains("signal::attribute::of_the_library"), "{text}");
}

/// A name that the attribute uses is none of the function's.
mod names {
    static NAMED: aiomisc::signal::Signal<u32> = aiomisc::signal::Signal::new("NAMED");

    #[aiomisc::receiver(NAMED)]
    async fn registration(event: u32) -> Result<(), aiomisc::BoxError> {
        assert_eq!(event, 7);
        Err("it is called".into())
    }

    #[aiomisc::test(runtimes(all))]
    async fn a_receiver_has_any_name() {
        let called = NAMED.call(7).await;
        called.expect_err("its only receiver fails");
    }
}
