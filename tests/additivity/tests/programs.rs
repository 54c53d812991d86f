//! What the programs print and how they end: one text for each, whatever else is compiled in.
#![cfg(any(feature = "smol-app", feature = "tokio-app"))]

use std::process::{Command, Output};

const TASKS: &str = "\
unnamed task: additivity::an_unnamed_future::{{closure}}
named task: counter
its panic: out of numbers of counter
an aborted task: cancelled true, panicked false
";

fn run(program: &str, args: &[&str]) -> Output {
    let mut command = Command::new(program);
    for variable in ["AIOMISC_RUNTIME", "AIOMISC_LOG_FORMAT", "AIOMISC_LOG_LEVEL"] {
        command.env_remove(variable);
    }
    let output = command
        .args(args)
        .output()
        .expect("cargo builds the programs");
    assert!(!output.stdout.is_empty(), "{output:?}");
    output
}

fn assert_output(output: &Output, code: i32, expected: &str) {
    let err = String::from_utf8_lossy(&output.stderr);
    let out = String::from_utf8_lossy(&output.stdout);
    assert_eq!(out, expected, "{err}");
    assert_eq!(output.status.code(), Some(code), "{err}");
}

fn main_of(program: &str, runtime: &str) {
    let expected = format!(
        "main: {runtime}, task: {runtime}, blocking: {runtime}, timers: yes\n\
         {TASKS}\
         server: handled on {runtime}\n"
    );
    assert_output(&run(program, &[]), 7, &expected);
    assert_output(&run(program, &["terminate"]), 0, &expected);
    let output = run(program, &["panic"]);
    assert_output(&output, 101, &expected);
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(err.matches("as asked").count(), 1, "{err}");
}

#[cfg(feature = "smol-app")]
#[test]
fn a_main_on_smol() {
    main_of(env!("CARGO_BIN_EXE_smol_main"), "smol");
}

#[cfg(feature = "tokio-app")]
#[test]
fn a_main_on_tokio() {
    main_of(env!("CARGO_BIN_EXE_tokio_main"), "tokio");
}

#[cfg(feature = "smol-app")]
#[test]
fn a_program_on_smol() {
    let expected = format!(
        "\
smol::block_on: smol, task: smol, blocking: smol, timers: yes
{TASKS}\
smol::spawn: smol, task: smol, blocking: smol, timers: yes
smol::unblock: smol
a task in smol::spawn: smol, task: smol, blocking: smol, timers: yes
server: handled on smol
stopped: enough
thread: smol
smol::block_on in a thread: smol, task: smol, blocking: smol, timers: yes
run: smol, task: smol, blocking: smol, timers: yes
run: true
"
    );
    assert_output(&run(env!("CARGO_BIN_EXE_smol_program"), &[]), 0, &expected);
}

#[cfg(feature = "tokio-app")]
#[test]
fn a_program_on_tokio() {
    let expected = format!(
        "\
#[tokio::main]: tokio, task: tokio, blocking: tokio, timers: yes
{TASKS}\
tokio::spawn: tokio, task: tokio, blocking: tokio, timers: yes
tokio::task::spawn_blocking: tokio
a task in tokio::spawn: tokio, task: tokio, blocking: tokio, timers: yes
server: handled on tokio
stopped: enough
thread: tokio
block_on in a thread: tokio, task: tokio, blocking: tokio, timers: yes
run: tokio, task: tokio, blocking: tokio, timers: yes
run: true
a current-thread runtime: tokio, task: tokio, blocking: tokio, timers: yes
"
    );
    assert_output(&run(env!("CARGO_BIN_EXE_tokio_program"), &[]), 0, &expected);
}
