//! A sink that tests look into, and steer.

use std::io::{self, Write};
use std::process::Command;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use aiomisc::Entrypoint;
use aiomisc::entrypoint::EntrypointBuilder;
use aiomisc::log::{Format, Handler};
use tracing_subscriber::layer::SubscriberExt;

/// As long as a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(20);

/// Keeps what is written. Clones are the same.
#[derive(Clone, Default)]
pub(crate) struct Memory {
    shared: Arc<(Mutex<State>, Condvar)>,
}

#[derive(Default)]
struct State {
    bytes: Vec<u8>,
    calls: usize,
    flushes: usize,
    closed: bool,
    /// Whether calls wait.
    shut: bool,
    /// How many calls wait.
    waiting: usize,
    /// What the next calls answer, the last first.
    answers: Vec<Answer>,
}

pub(crate) enum Answer {
    /// It writes so much.
    Writes(usize),
    Fails(io::ErrorKind),
    Panics,
}

impl Memory {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.lock().bytes.clone()).expect("a text")
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.text().lines().map(str::to_owned).collect()
    }

    /// How often something was written.
    pub(crate) fn calls(&self) -> usize {
        self.lock().calls
    }

    pub(crate) fn flushes(&self) -> usize {
        self.lock().flushes
    }

    /// Calls wait from now on.
    pub(crate) fn shut(&self) {
        self.lock().shut = true;
    }

    pub(crate) fn open(&self) {
        self.lock().shut = false;
        self.shared.1.notify_all();
    }

    /// The next calls answer this.
    pub(crate) fn answer(&self, answers: impl IntoIterator<Item = Answer>) {
        let mut answers: Vec<_> = answers.into_iter().collect();
        answers.reverse();
        self.lock().answers = answers;
    }

    pub(crate) fn until_somebody_waits(&self) {
        self.wait(|state| state.waiting > 0);
    }

    pub(crate) fn until_closed(&self) {
        self.wait(|state| state.closed);
    }

    pub(crate) fn until_contains(&self, text: &str) {
        self.wait(|state| String::from_utf8_lossy(&state.bytes).contains(text));
    }

    fn wait(&self, mut until: impl FnMut(&State) -> bool) {
        let (state, changed) = &*self.shared;
        let state = state.lock().expect("no panic under it");
        let (state, late) = changed
            .wait_timeout_while(state, PATIENCE, |state| !until(state))
            .expect("no panic under it");
        assert!(
            !late.timed_out(),
            "{:?}",
            String::from_utf8_lossy(&state.bytes)
        );
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.shared.0.lock().expect("no panic under it")
    }

    /// What writes here; it is closed when this is dropped.
    pub(crate) fn writer(&self) -> Writer {
        Writer(self.clone())
    }
}

pub(crate) struct Writer(Memory);

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let (state, changed) = &*self.0.shared;
        let mut state = state.lock().expect("no panic under it");
        state.waiting += 1;
        changed.notify_all();
        state = changed
            .wait_while(state, |state| state.shut)
            .expect("no panic under it");
        state.waiting -= 1;
        state.calls += 1;
        let count = match state.answers.pop() {
            None => bytes.len(),
            Some(Answer::Writes(count)) => count.min(bytes.len()),
            Some(Answer::Fails(kind)) => return Err(kind.into()),
            Some(Answer::Panics) => {
                drop(state);
                panic!("on purpose");
            }
        };
        state.bytes.extend_from_slice(&bytes[..count]);
        changed.notify_all();
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.lock().flushes += 1;
        Ok(())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.0.lock().closed = true;
        self.0.shared.1.notify_all();
    }
}

/// Logs in this format, and gives what was written.
pub(crate) fn written(format: impl Format, log: impl FnOnce()) -> String {
    let memory = Memory::default();
    with(Handler::new(format, memory.writer()), log);
    memory.text()
}

/// Has this thread log to the handler.
pub(crate) fn with(handler: Handler, log: impl FnOnce()) {
    let subscriber = tracing_subscriber::registry().with(handler);
    tracing::subscriber::with_default(subscriber, log);
}

/// An entrypoint that does not depend on the environment, on a runtime that there is.
pub(crate) fn entrypoint() -> EntrypointBuilder {
    let builder = Entrypoint::builder().environment(|_| None);
    #[cfg(feature = "smol")]
    return builder.runtime(aiomisc::adapters::Smol::new());
    #[allow(unreachable_code, reason = "reached without the feature `smol`")]
    #[cfg(feature = "tokio")]
    return builder.runtime(aiomisc::adapters::Tokio::multi_thread(2).expect("tokio"));
}

/// Runs the rest of the test (its path) in a process of its own, where it is alone with the log.
#[track_caller]
#[allow(clippy::disallowed_methods, reason = "that is how it is told")]
pub(crate) fn alone(test: &str) -> bool {
    if std::env::var_os("ALONE").is_some() {
        return true;
    }
    let this = std::env::current_exe().expect("we are running");
    let output = Command::new(this)
        .args(["--exact", test, "--nocapture"])
        .env("ALONE", "1")
        .env("RUST_BACKTRACE", "0")
        .output()
        .expect("it can be run again");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{}{said}",
        String::from_utf8_lossy(&output.stdout)
    );
    false
}
