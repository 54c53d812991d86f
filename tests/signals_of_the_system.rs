//! The signals of the system and the exit codes (row A13 of the parity table): each program is a process
//! of its own, on every runtime, and gets real signals. (That they are caught by default on the main thread
//! is seen in `examples.rs`: here the harness has that thread.)
#![allow(
    clippy::disallowed_methods,
    reason = "processes are waited for in real time"
)]
#![cfg(all(unix, feature = "log", any(feature = "smol", feature = "tokio")))]

#[path = "shared/program.rs"]
mod program;
#[path = "signals/programs.rs"]
mod programs;

use std::process::Command;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal::{self, SIGINT, SIGTERM};
use program::Program;

/// What each program says at which moment, and what it is then told.
type Told = &'static [(&'static str, Signal)];

/// As long as a program may take to end beyond its own limit: a second of grace, one for the log, half of one to
/// say so, and what a busy machine adds.
const BEYOND: Duration = Duration::from_secs(8);

/// Runs a program on every runtime; it ends with this code, and prints lines with these in them.
#[track_caller]
fn row(name: &str, told: Told, code: i32, says: &[&str]) {
    for runtime in programs::RUNTIMES {
        let ended = run(name, runtime, told);
        let lines = &ended.lines;
        assert_eq!(ended.code, Some(code), "{name} on {runtime}: {lines:#?}");
        for text in says {
            let said = lines.iter().any(|line| line.contains(text));
            assert!(
                said,
                "{name} on {runtime} does not say `{text}`: {lines:#?}"
            );
        }
        let (took, limit) = (ended.took, programs::LIMIT + BEYOND);
        assert!(
            took <= limit,
            "{name} on {runtime} took {took:?}: {lines:#?}"
        );
    }
}

struct Ended {
    code: Option<i32>,
    /// From the last signal to the end.
    took: Duration,
    lines: Vec<String>,
}

fn run(name: &str, runtime: &str, told: Told) -> Ended {
    let this = std::env::current_exe().expect("we are running");
    let program = Program::start(
        Command::new(this)
            .args(["--exact", "programs::program", "--nocapture"])
            .env("PROGRAM", name)
            .env("RUNTIME", runtime),
    );
    let mut last = Instant::now();
    for (line, signal) in told {
        program.line(line);
        last = Instant::now();
        program.signal(*signal);
    }
    let (status, lines) = program.wait();
    Ended {
        code: status.code(),
        took: last.elapsed(),
        lines,
    }
}

/// E6, E7
#[test]
fn the_first_signal_ends_run_forever_with_zero() {
    for signal in [&[("ready", SIGTERM)], &[("ready", SIGINT)]] {
        let says = format!("stopping reason=signal {}", signal[0].1);
        row("run_forever", signal, 0, &[&says, "service: stop"]);
    }
}

#[test]
fn the_first_signal_drops_the_main_job_before_services_stop_and_gives_zero() {
    let told: Told = &[("main: ready", SIGTERM)];
    row("run", told, 0, &["stopping reason=signal SIGTERM"]);
    for runtime in programs::RUNTIMES {
        let lines = run("run", runtime, told).lines;
        let at = |text: &str| lines.iter().position(|line| line == text);
        let (dropped, stop) = (at("main: dropped"), at("service: stop"));
        assert!(dropped.is_some() && dropped < stop, "{lines:#?}");
    }
}

#[test]
fn the_first_signal_ends_a_block_with_zero() {
    let says = ["closure: signal SIGTERM", "service: stop"];
    row("block", &[("closure: ready", SIGTERM)], 0, &says);
}

#[test]
fn a_signal_during_a_long_start_ends_it_with_zero() {
    let says = ["starting: dropped", "stopping reason=signal SIGTERM"];
    row("long_start", &[("ready", SIGTERM)], 0, &says);
}

/// E6
#[test]
fn the_second_signal_cuts_the_drain_and_still_gives_zero() {
    let told = &[("ready", SIGTERM), ("service: stop", SIGTERM)];
    row(
        "patient_stop",
        told,
        0,
        &["the drain is cut signal=SIGTERM"],
    );
    let told = &[("ready", SIGINT), ("service: stop", SIGTERM)];
    row(
        "patient_stop",
        told,
        0,
        &["the drain is cut signal=SIGTERM"],
    );
}

/// E6, V6
#[test]
fn the_second_signal_cuts_the_tear_down_of_what_services_shared() {
    let told = &[("ready", SIGTERM), ("value: tear-down", SIGTERM)];
    let says = &["service: stop", "value: cut", "the tear-down was cut"];
    row("patient_tear_down", told, 0, says);
}

/// E6
#[test]
fn the_third_signal_ends_the_process_at_once_with_its_number() {
    row(
        "blocked_patient_stop",
        &[
            ("ready", SIGTERM),
            ("service: stop", SIGTERM),
            ("the drain is cut", SIGTERM),
        ],
        128 + 15,
        &[],
    );
    row(
        "blocked_patient_stop",
        &[
            ("ready", SIGTERM),
            ("service: stop", SIGINT),
            ("the drain is cut", SIGINT),
        ],
        128 + 2,
        &[],
    );
}

/// E4, E7
#[test]
fn a_stop_that_overruns_gives_70_and_is_named() {
    let says = ["service `service` failed to stop", "the shutdown timeout"];
    row("overruns", &[("ready", SIGTERM)], 70, &says);
}

#[test]
fn a_stop_that_blocks_its_thread_gives_70_and_is_named() {
    let says = ["`service`", "the shutdown t"];
    row("blocks", &[("ready", SIGTERM)], 70, &says);
    // With one thread nothing but the watchdog is left to say so, and it names the tasks as well.
    let one_thread = |runtime: &&&str| **runtime != "tokio";
    for runtime in programs::RUNTIMES.iter().filter(one_thread) {
        let lines = run("blocks", runtime, &[("ready", SIGTERM)]).lines;
        let has = |text: &str| lines.iter().any(|line| line.starts_with(text));
        let limit = programs::LIMIT;
        assert!(
            has(&format!(
                "aiomisc: the shutdown took longer than {limit:?}; still there: `service` (draining)"
            )),
            "{lines:#?}"
        );
        let task = "aiomisc: still there: task `service` (spawned at src/";
        assert!(has(task), "{lines:#?}");
    }
}

#[test]
fn a_stop_that_swallows_its_cancellation_gives_70_and_is_named() {
    let says = ["`service`", "the shutdown t"];
    row("swallows", &[("ready", SIGTERM)], 70, &says);
    row("leaves_a_job", &[("ready", SIGTERM)], 70, &says);
}

#[test]
fn a_stop_that_sits_in_exit_gives_70_and_is_named() {
    let says = ["service: exit", "`service`", "the shutdown t"];
    row("exits", &[("ready", SIGTERM)], 70, &says);
}

#[test]
fn an_exit_of_our_own_that_does_not_return_gives_70_as_well() {
    let says = ["service `service` failed to stop", "never ends"];
    row("ends_in_exit", &[("ready", SIGTERM)], 70, &says);
}

#[test]
fn a_closure_that_does_not_return_after_a_signal_gives_70() {
    let says = ["the shutdown took longer than"];
    row("deaf_block", &[("closure: ready", SIGTERM)], 70, &says);
}

/// E4, E6: a log that nobody reads any more cannot keep the process.
#[test]
fn a_program_whose_log_is_stuck_ends_all_the_same() {
    row("mute_overruns", &[("ready", SIGTERM)], 70, &[]);
    row("mute_blocks", &[("ready", SIGTERM)], 70, &[]);
    let told = &[
        ("ready", SIGTERM),
        ("service: stop", SIGTERM),
        ("service: cut", SIGTERM),
    ];
    row("mute_patient_stop", told, 128 + 15, &[]);
}
