//! What has been logged is in the file when the process ends, however it ends: each program is a process of
//! its own that logs from eight threads meanwhile (rows E4 and E6 of the parity table).
#![allow(
    clippy::disallowed_methods,
    reason = "processes are waited for in real time"
)]
#![cfg(all(unix, feature = "log", feature = "smol"))]

#[path = "shared/program.rs"]
mod program;
#[path = "log_ends/programs.rs"]
mod programs;

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};

use nix::sys::signal::Signal::SIGTERM;
use program::Program;
use programs::{RECORDS, THREADS};

/// A program of `programs`, and the file that it logs to.
fn program(name: &str, file: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("we are running"));
    command
        .args(["--exact", "programs::program", "--nocapture"])
        .env("PROGRAM", name)
        .env("FILE", file);
    command
}

/// Runs a program, tells it to end, and looks at its file.
#[track_caller]
fn row(name: &str, code: Option<i32>) {
    let file = File::new();
    let program = Program::start(&mut program(name, &file.0));
    program.line("logging");
    if name.starts_with("terminated") {
        program.line("ready");
        program.signal(SIGTERM);
    }
    let before = program.line("before: ");
    let (status, lines) = program.wait();
    assert_eq!(status.code(), code, "{name}: {lines:#?}");

    // How many of each thread had been logged when the program was about to end.
    let before: Vec<u64> = before
        .split(' ')
        .map(|count| count.parse().expect("a number"))
        .collect();
    assert_eq!(before.len(), THREADS, "{name}");
    assert!(before.iter().sum::<u64>() > 1000, "{name}: {before:?}");
    let counts = file.counts();
    for (thread, (before, count)) in before.iter().zip(&counts).enumerate() {
        assert!(
            before <= count,
            "{name}: thread {thread} had logged {before} records, and {count} are in the file"
        );
    }
}

/// Runs a program that logs a megabyte to its standard error stream; gives its result, and what came out.
fn result_with_stderr(stderr: impl Into<Stdio>, read: impl FnOnce()) -> Option<i32> {
    let mut child = program("to stderr", Path::new("none"))
        .stdout(Stdio::piped())
        .stderr(stderr)
        .spawn()
        .expect("it can be run again");
    let out = BufReader::new(child.stdout.take().expect("piped"));
    let mut lines = out.lines().map_while(Result::ok);
    assert!(lines.any(|line| line == "running"));
    read();
    // Until it has ended.
    assert_eq!(lines.count(), 0);
    child.wait().expect("it was started").code()
}

#[test]
fn a_full_disk_does_not_change_the_result() {
    let full = fs::OpenOptions::new().write(true).open("/dev/full");
    let result = result_with_stderr(full.expect("every Linux has it"), || ());
    assert_eq!(result, Some(programs::RESULT));
}

#[test]
fn a_closed_pipe_does_not_change_the_result() {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    assert_eq!(result_with_stderr(writer, || ()), Some(programs::RESULT));
}

/// A pipe holds much less than is logged.
#[test]
fn a_reader_that_begins_late_gets_all_of_it_and_does_not_change_the_result() {
    let (mut reader, writer) = std::io::pipe().expect("a pipe");
    let mut text = String::new();
    let read = || {
        reader.read_to_string(&mut text).expect("a text");
    };
    assert_eq!(result_with_stderr(writer, read), Some(programs::RESULT));
    let records = text.lines().filter(|line| line.starts_with("record 0 "));
    assert_eq!(records.count() as u64, programs::TO_STDERR);
}

/// A file for a log, which is gone with the test.
struct File(tempfile::TempPath);

impl File {
    fn new() -> Self {
        Self(
            tempfile::NamedTempFile::new()
                .expect("a file")
                .into_temp_path(),
        )
    }

    /// How many records of each thread are there: whole lines only, in the order of the thread, without
    /// a gap.
    fn counts(&self) -> Vec<u64> {
        let text = fs::read(&self.0).expect("the program has made it");
        let text = String::from_utf8(text).expect("a text");
        assert!(text.ends_with('\n'), "the last line is whole");
        let mut counts = vec![0; THREADS];
        for line in text.lines() {
            let Some(record) = line.strip_prefix("record ") else {
                continue;
            };
            let (thread, number) = record.split_once(' ').expect("a thread and a number");
            let count: &mut u64 = &mut counts[thread.parse::<usize>().expect("a thread")];
            assert_eq!(number.parse(), Ok(*count), "{line}");
            *count += 1;
        }
        counts
    }
}

#[test]
fn main_returns() {
    row("returns", Some(0));
}

/// All of a million records.
#[test]
fn a_million_records() {
    let name = "million";
    let file = File::new();
    let program = Program::start(&mut program(name, &file.0));
    let (status, lines) = program.wait();
    assert_eq!(status.code(), Some(0), "{lines:#?}");
    assert_eq!(file.counts(), [RECORDS / THREADS as u64; THREADS]);
}

#[test]
fn the_user_exits() {
    row("exits", Some(7));
}

#[test]
fn another_thread_exits_that_never_logged() {
    row("exits elsewhere", Some(7));
}

#[test]
fn main_panics() {
    row("panics", Some(101));
}

/// A record that is being written then is written to its end.
#[test]
fn everybody_writes_by_himself() {
    row("exits, unbuffered", Some(7));
    row("panics, unbuffered", Some(101));
    row("terminated, blocked, unbuffered", Some(70));
}

#[test]
fn main_panics_in_an_entrypoint() {
    row("panics in an entrypoint", Some(101));
}

#[test]
fn terminated_by_a_signal() {
    row("terminated", Some(0));
}

#[test]
fn terminated_and_a_service_cannot_stop() {
    row("terminated, overruns", Some(70));
}

#[test]
fn terminated_and_a_thread_is_blocked() {
    row("terminated, blocked", Some(70));
}

/// The third signal ends the process at once, and yet the log is written.
#[test]
fn terminated_three_times() {
    let file = File::new();
    let program = Program::start(&mut program("three times", &file.0));
    program.line("ready");
    program.signal(SIGTERM);
    program.line("stopping");
    program.signal(SIGTERM);
    program.line("cut");
    program.signal(SIGTERM);
    let (status, lines) = program.wait();
    assert_eq!(status.code(), Some(128 + 15), "{lines:#?}");
    let counts = file.counts();
    assert!(counts.iter().sum::<u64>() > 1000, "{counts:?}");
}
