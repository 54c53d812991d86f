//! Plugins that do well (row A12 of the parity table, deviation 31); those that fail are in
//! `plugins_failing`, which is another program. The numbers such as G1 are those of
//! `src/docs/lifecycle.md`.
#![cfg(all(
    feature = "testing",
    feature = "macros",
    any(feature = "smol", feature = "tokio", feature = "simulation")
))]
#![forbid(unsafe_code)] // what `plugin!` makes has none

mod shared;

use std::sync::{Mutex, PoisonError};

use aiomisc::signal::{Frozen, Lifecycle, POST_STOP, PRE_START};
use aiomisc::{BoxError, Entrypoint, plugins, service_fn};

/// What was set up, in order. One for the process, as plugins are.
static SET_UP: Mutex<Vec<&str>> = Mutex::new(Vec::new());

fn note(name: &'static str) {
    let mut set_up = SET_UP.lock().unwrap_or_else(PoisonError::into_inner);
    set_up.push(name);
}

aiomisc::plugin! {
    name: "c: last",
    doc: "Stands first in the file.",
    setup: || note("last"),
}

aiomisc::plugin! {
    name: "b: receivers",
    doc: concat!("Connects ", "two receivers."),
    setup: connect,
}

fn connect() -> Result<(), Frozen> {
    note("receivers");
    // Plugins come before the entrypoint takes the receivers over.
    PRE_START.connect_as("plugin", |event: Lifecycle| async move {
        let context = event.entrypoint.context();
        context.set(&HEARD, event.services.len());
        Ok(())
    })?;
    POST_STOP.connect_as("plugin", |_| async { Ok(()) })?;
    Ok(())
}

static HEARD: aiomisc::Key<usize> = aiomisc::Key::new("heard by the plugin");

mod inner {
    aiomisc::plugin! {
        name: "a: first",
        doc: "Stands in another module.",
        setup: super::first
    }
}

fn first() -> Result<(), BoxError> {
    note("first");
    Ok(())
}

/// G1: once in the process, by name, whichever entrypoint is the first; and what they connect is heard.
#[aiomisc::test(runtimes(all))]
async fn they_are_set_up_once_and_by_name_before_the_first_entrypoint() {
    for _ in 0..2 {
        let ep = Entrypoint::builder()
            .environment(|_| None)
            .log_config(false)
            .service(service_fn("one", |_| async { Ok(()) }))
            .start()
            .await
            .expect("they do well");
        assert!(ep.settings().plugins());
        assert_eq!(ep.context().get(&HEARD).await.expect("it was set"), 1);
        ep.graceful_shutdown("done").await.expect("all is well");
        let set_up = SET_UP.lock().unwrap_or_else(PoisonError::into_inner);
        assert_eq!(*set_up, ["first", "receivers", "last"]);
    }
}

#[test]
fn they_are_listed() {
    let all: Vec<_> = plugins::all()
        .into_iter()
        .map(|plugin| (plugin.name(), plugin.doc(), plugin.module()))
        .collect();
    assert_eq!(
        all,
        [
            ("a: first", "Stands in another module.", "plugins::inner"),
            ("b: receivers", "Connects two receivers.", "plugins"),
            ("c: last", "Stands first in the file.", "plugins"),
        ]
    );
}
