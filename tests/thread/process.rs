//! Programs with jobs that do not end.
#![allow(
    clippy::disallowed_methods,
    reason = "a program is told by a variable what to be"
)]

use std::process::{Command, Stdio};
use std::time::Duration;

use aiomisc::Entrypoint;
use aiomisc::thread::{self, Separate};

use super::shared::{RUNTIME_NAMES, made};

const NOBODY_WAKES_IT: fn() = || {
    loop {
        std::thread::park();
    }
};

/// The program: it does nothing unless it is asked for.
#[test]
fn program() {
    let Some(runtime) = RUNTIME_NAMES
        .iter()
        .find(|name| std::env::var("PROGRAM").is_ok_and(|program| program == **name))
    else {
        return;
    };
    let outcome = Entrypoint::builder()
        .environment(made(runtime))
        .log_config(true)
        .shutdown_timeout(Duration::from_secs(4))
        .run(async {
            thread::run(NOBODY_WAKES_IT).detach();
            Separate::new()
                .name("kept")
                .detach(false)
                .run(NOBODY_WAKES_IT)
                .detach();
            thread::run_separate(NOBODY_WAKES_IT).detach();
            thread::run(|| ()).await
        });
    outcome
        .expect("jobs that are left are no failure")
        .finished()
        .unwrap()
        .unwrap();
    println!("the end");
}

#[test]
fn a_job_that_blocks_for_ever_does_not_keep_the_process() {
    for runtime in RUNTIME_NAMES {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "process::program", "--nocapture"])
            .env("PROGRAM", runtime)
            .stdout(Stdio::piped())
            .output()
            .unwrap();
        let text =
            String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{runtime}: {text}");
        assert!(text.contains("the end"), "{runtime}: {text}");
        let left = text
            .lines()
            .filter(|line| line.contains("left after "))
            .count();
        assert_eq!(left, 2, "{runtime}: {text}");
        assert!(text.contains("kept"), "{runtime}: {text}");
        assert!(
            text.contains("tests/thread/process.rs:"),
            "{runtime}: {text}"
        );
    }
}
