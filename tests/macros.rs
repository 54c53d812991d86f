//! `#[aiomisc::main]`, `#[aiomisc::test]` and `#[aiomisc::threaded]` (rows A7, F1 and D1 to D3 of the parity
//! table), and the harness
//! that tests run in. Messages for mistakes are in `tests/ui`.
#![cfg(all(
    unix,
    feature = "macros",
    feature = "testing",
    feature = "log",
    any(feature = "smol", feature = "tokio", feature = "simulation")
))]

#[path = "macros/harness.rs"]
mod harness;
#[path = "macros/programs.rs"]
mod programs;
#[path = "macros/tests.rs"]
mod tests;
#[path = "macros/threaded.rs"]
mod threaded;

use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// This test program in a process of its own, to run one test as it is run here alone.
fn alone(test: &str) -> Command {
    let mut command = this_program();
    command
        .args(["--exact", "--test-threads=1", test])
        .env(ON_PURPOSE, "1");
    command
}

/// Tells a test that it is the subject of another one, and has to fail.
const ON_PURPOSE: &str = "AIOMISC_TEST_ON_PURPOSE";

#[allow(
    clippy::disallowed_methods,
    reason = "a child of the test reads what its parent wrote"
)]
fn on_purpose() -> bool {
    std::env::var_os(ON_PURPOSE).is_some()
}

/// This test program, with an environment that says nothing.
fn this_program() -> Command {
    let mut command = Command::new(std::env::current_exe().expect("the system knows"));
    for variable in [
        "AIOMISC_LOG_FORMAT",
        "AIOMISC_LOG_LEVEL",
        "AIOMISC_RUNTIME",
        "AIOMISC_SIMULATION_SEED",
        "RUST_BACKTRACE",
    ] {
        command.env_remove(variable);
    }
    command
}

/// How a process ended, and what it said.
struct Ended {
    status: ExitStatus,
    out: String,
    err: String,
}

/// Waits for a process to end; kills it when it takes too long.
fn end(mut command: Command) -> Ended {
    let command = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let child = command.spawn().expect("this program can be run");
    let pid = Pid::from_raw(i32::try_from(child.id()).expect("a process id is small"));
    let (send, ended) = mpsc::channel();
    thread::spawn(move || send.send(child.wait_with_output()));
    let Ok(output) = ended.recv_timeout(Duration::from_secs(30)) else {
        // It may have ended this moment.
        let _ = kill(pid, Signal::SIGKILL);
        panic!("a process did not end within 30 s: {command:?}");
    };
    let output = output.expect("its output can be read");
    let text = |bytes| String::from_utf8(bytes).expect("it writes text");
    Ended {
        status: output.status,
        out: text(output.stdout),
        err: text(output.stderr),
    }
}
