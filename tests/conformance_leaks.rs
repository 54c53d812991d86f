//! The suite leaves no descriptor open. In a file of its own, since descriptors are the process's.
#![cfg(all(
    target_os = "linux",
    feature = "testing",
    any(feature = "smol", feature = "tokio")
))]
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails at that place"
)]

mod common;

use std::time::Duration;

use aiomisc::runtime::Runtime;
use aiomisc::testing::conformance::Subject;

fn prove(runtime: Runtime, make: common::Make) {
    let subject = Subject::new("leaks", runtime).beside(make());
    subject.disposable(make).run().assert();
}

#[test]
fn the_suite_leaves_no_descriptor_open() {
    common::raise_descriptor_limit();
    // One of each adapter will do.
    for (name, make) in common::RUNTIMES.iter().step_by(3) {
        let waits = make();
        // What is opened once and kept, such as the reactor of the process.
        prove(make(), *make);
        settle(&waits, 1000, || false);
        let before = common::descriptors().unwrap();
        prove(make(), *make);
        settle(&waits, 20_000, || {
            common::descriptors().unwrap().len() <= before.len()
        });
        let after = common::descriptors().unwrap();
        assert!(
            after.len() <= before.len(),
            "{name}: before {before:#?}, after {after:#?}"
        );
    }
}

/// Waits until this is so, for so many milliseconds at least: runtimes that were let go end on threads of
/// their own.
fn settle(runtime: &Runtime, most: usize, enough: impl Fn() -> bool) {
    for _ in 0..most {
        if enough() {
            return;
        }
        runtime.block_on(runtime.sleep(Duration::from_millis(1)));
    }
}
