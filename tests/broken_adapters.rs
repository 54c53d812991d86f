//! Adapters with one thing wrong, each of which the conformance suite has to reject, naming the line
//! of the contract that is broken.
#![cfg(all(unix, feature = "smol", feature = "tokio", feature = "testing"))]
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "these adapters are wrong on purpose, and a test that cannot go on fails at that place"
)]

#[path = "broken/datagram.rs"]
mod datagram;
#[path = "broken/net.rs"]
mod net;
#[path = "broken/spawn.rs"]
mod spawn;
#[path = "broken/stream.rs"]
mod stream;
#[path = "broken/time.rs"]
mod time;

use std::time::Duration;

use aiomisc::adapters::{Smol, Tokio};
use aiomisc::runtime::Runtime;
use aiomisc::testing::conformance::Subject;

/// The suite rejects it, and says why: by this line, with this text in what was seen.
#[track_caller]
fn rejected(subject: Subject, line: &str, seen: &str) {
    // What hangs uses all of it; what does not may take its time.
    let limit = Duration::from_secs(if seen.contains("hung") { 1 } else { 10 });
    let report = subject.only(line).time_limit(limit).run();
    let text = report.to_string();
    assert_eq!(report.failed_lines(), [line], "{text}");
    let failed = report.failed().next().unwrap();
    assert!(!failed.text().is_empty());
    assert!(
        text.contains(&format!("{line}: {}", failed.text())),
        "{text}"
    );
    assert!(text.contains(seen), "{text}");
    let panic = std::panic::catch_unwind(|| report.assert()).unwrap_err();
    assert!(panic.downcast_ref::<String>().unwrap().contains(line));
}

/// What is wrapped unless the test needs another one.
fn good() -> Runtime {
    Smol::new().into()
}

/// A handle as tasks have it, which does not keep the runtime alive.
fn unowned(runtime: &Runtime) -> Runtime {
    runtime.block_on(async { Runtime::current().unwrap() })
}

/// A tokio runtime without timers and sockets, to be inside of.
fn bare_tokio() -> Runtime {
    static BARE: std::sync::OnceLock<tokio::runtime::Runtime> = std::sync::OnceLock::new();
    let bare = BARE.get_or_init(|| {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .build()
            .unwrap()
    });
    Tokio::from_handle(bare.handle().clone()).into()
}

/// The wrappers themselves change nothing.
#[test]
fn without_a_fault_they_pass() {
    let makers: [fn() -> Runtime; 3] = [
        || spawn::Faulty::new(good()).build(),
        || time::Faulty::new(good()).build(),
        || net::Faulty::new(good()).build(),
    ];
    for make in makers {
        let subject = Subject::new("without a fault", make()).beside(good());
        subject.disposable(make).run().assert();
    }
}
