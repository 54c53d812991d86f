//! Two entrypoints in one process. Alone in its file: what the process has once is looked at here.
#![cfg(all(unix, feature = "testing", any(feature = "smol", feature = "tokio")))]

mod shared;

use aiomisc::entrypoint::{EntrypointBuilder, OsSignal};
use aiomisc::{Entrypoint, Runtime};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use shared::{log, runtimes};

fn builder(runtime: Runtime) -> EntrypointBuilder {
    Entrypoint::builder()
        .runtime(runtime)
        .catch_signals([OsSignal::HUP])
}

/// How often a second entrypoint has said that the first one has these.
fn told() -> [usize; 2] {
    ["has set up logging already", "has the signals already"].map(|text| log::with(text).len())
}

#[test]
fn the_first_has_logging_and_signals_and_the_second_says_so_once() {
    log::keep();
    for (runtime, other) in runtimes().into_iter().zip(runtimes().into_iter().rev()) {
        let [logging, signals] = told();
        let outcome = builder(runtime.clone()).block(|first| {
            assert_eq!(told(), [logging, signals], "the first has both");
            let outcome = builder(other).block(|second| {
                assert_eq!(told(), [logging + 1, signals + 1]);
                kill(Pid::this(), Signal::SIGHUP).expect("we may signal ourselves");
                assert_eq!(first.run_forever().signal(), Some(OsSignal::HUP));
                assert!(!second.is_closing(), "the signal was not for the second");
            });
            outcome.expect("nothing fails");
        });
        outcome.expect("a stop by a signal is no failure");
        builder(runtime).block(|_| ()).expect("nothing fails");
        assert_eq!(told(), [logging + 1, signals + 1], "both were given back");
    }
}
