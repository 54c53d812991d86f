//! What several test files need.
#![allow(dead_code, reason = "each test file uses a part of it")]

pub(crate) mod diary;
pub(crate) mod dice;
pub(crate) mod given_up;
pub(crate) mod log;

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use aiomisc::Runtime;
use aiomisc::runtime::Parts;
use aiomisc::testing::ManualClock;

/// What happened, in order.
#[derive(Clone, Default)]
pub(crate) struct Events(Arc<Mutex<Vec<String>>>);

impl Events {
    pub(crate) fn add(&self, event: impl Into<String>) {
        self.0
            .lock()
            .expect("no test panics while it holds this")
            .push(event.into());
    }

    pub(crate) fn all(&self) -> Vec<String> {
        self.0
            .lock()
            .expect("no test panics while it holds this")
            .clone()
    }

    /// Adds an event when the value returned is dropped.
    pub(crate) fn on_drop(&self, event: &str) -> OnDrop {
        OnDrop(self.clone(), event.to_owned())
    }
}

pub(crate) struct OnDrop(Events, String);

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.add(self.1.clone());
    }
}

/// The current runtime with a clock that stands still.
pub(crate) fn manual() -> (Runtime, ManualClock) {
    let clock = ManualClock::new();
    let runtime = Runtime::current().expect("every test runs on a runtime");
    (Parts::of(runtime).timer(clock.clone()).build(), clock)
}

/// A folder of the test's own, removed with what is in it.
pub(crate) struct Folder(tempfile::TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

/// A runtime of every kind, for tests that block their thread.
pub(crate) fn runtimes() -> Vec<Runtime> {
    vec![
        #[cfg(feature = "smol")]
        aiomisc::adapters::Smol::new().into(),
        #[cfg(feature = "tokio")]
        aiomisc::adapters::Tokio::multi_thread(2)
            .expect("tokio")
            .into(),
        #[cfg(feature = "tokio")]
        aiomisc::adapters::Tokio::current_thread()
            .expect("tokio")
            .into(),
    ]
}

/// A name that nobody else has: tests of one process see the figures and lines of each other, and so do those
/// of one test that runs on several runtimes.
pub(crate) fn unique(name: &str) -> String {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    format!("{name} {}", NUMBER.fetch_add(1, Ordering::Relaxed))
}

/// The names by which a program has the entrypoint make its runtime.
pub(crate) const RUNTIME_NAMES: &[&str] = &[
    #[cfg(feature = "smol")]
    "smol",
    #[cfg(feature = "tokio")]
    "tokio",
];

/// The environment in which the entrypoint makes this runtime.
pub(crate) fn made(runtime: &'static str) -> impl Fn(&str) -> Option<String> {
    move |name| (name == "AIOMISC_RUNTIME").then(|| runtime.to_owned())
}
