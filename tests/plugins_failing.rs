//! Plugins that fail (row A12 of the parity table, deviation 31): they are those of the whole program, so
//! that every entrypoint here knows of them.
#![cfg(all(
    feature = "testing",
    feature = "macros",
    any(feature = "smol", feature = "tokio", feature = "simulation")
))]

use std::sync::atomic::{AtomicUsize, Ordering};

use aiomisc::entrypoint::EntrypointBuilder;
use aiomisc::{Entrypoint, service_fn};

static CALLS: AtomicUsize = AtomicUsize::new(0);
static STARTS: AtomicUsize = AtomicUsize::new(0);

aiomisc::plugin! {
    name: "fails",
    doc: "Cannot find what it needs.",
    setup: || {
        CALLS.fetch_add(1, Ordering::SeqCst);
        Err(std::io::Error::other("no such device"))
    },
}

aiomisc::plugin! {
    name: "panics",
    doc: "Does not know what to do.",
    setup: || -> () { panic!("what now") },
}

aiomisc::plugin! {
    name: "runs",
    doc: "Runs an entrypoint where none can be.",
    setup: || builder().run(async {}).map(drop),
}

fn builder() -> EntrypointBuilder {
    Entrypoint::builder()
        .environment(|_| None)
        .log_config(false)
        .service(service_fn("counts", |_| async {
            STARTS.fetch_add(1, Ordering::SeqCst);
            Ok(())
        }))
}

/// G2: of this entrypoint and of the next, by name; it is not tried again.
#[aiomisc::test(runtimes(all))]
async fn one_that_fails_is_a_mistake_of_every_entrypoint() {
    for _ in 0..2 {
        let error = builder().start().await.map(drop).expect_err("three fail");
        let config = error.as_config().expect("it is the configuration");
        let of = "of plugins_failing: setup";
        let problems = config.problems();
        assert_eq!(
            problems[..2],
            [
                format!("plugin `fails` {of} failed: no such device"),
                format!("plugin `panics` {of} panicked: what now"),
            ]
        );
        let runs = &problems[2];
        assert!(
            runs.starts_with(&format!("plugin `runs` {of} failed: ")),
            "{runs}"
        );
        let why = "plugins: an entrypoint cannot be run by a plugin's `setup`";
        assert!(runs.contains(why), "{runs}");
        assert_eq!(problems.len(), 3);
        assert_eq!(CALLS.load(Ordering::SeqCst), 1);
    }
}

/// G3: by the builder or the environment; the builder counts.
#[aiomisc::test(runtimes(all))]
async fn without_plugins_an_entrypoint_does_not_care() {
    let off = |name: &str| (name == "AIOMISC_NO_PLUGINS").then(|| "1".to_owned());
    let on = |name: &str| (name == "AIOMISC_NO_PLUGINS").then(|| "off".to_owned());
    for ep in [
        builder().plugins(false),
        builder().environment(off),
        builder().environment(on).plugins(false),
    ] {
        let ep = ep.start().await.expect("they are left alone");
        assert!(!ep.settings().plugins());
        ep.graceful_shutdown("done").await.expect("all is well");
    }
    for ep in [
        builder().environment(off).plugins(true),
        builder().environment(on),
    ] {
        ep.start().await.map(drop).expect_err("they fail");
    }
    assert!(STARTS.load(Ordering::SeqCst) >= 3);
}
