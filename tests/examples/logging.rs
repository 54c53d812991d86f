//! The examples of the log.

use std::fs;
use std::process::Command;

use super::{Example, runtimes};

/// The system's own `gzip` finds every record, in order, in files of which none is too large.
#[test]
fn rotating_gzip_log_loses_no_record() {
    for runtime in runtimes() {
        no_record_is_lost(runtime);
    }
}

fn no_record_is_lost(runtime: &str) {
    let directory = tempfile::tempdir().expect("a folder");
    let program = Example::start(
        "rotating_gzip_log",
        &[
            "--directory",
            &directory.path().to_string_lossy(),
            "--records",
            "50000",
            "--runtime",
            runtime,
        ],
    );
    let (status, lines) = program.wait();
    assert_eq!(status.code(), Some(0), "{lines:#?}");
    assert!(
        lines
            .iter()
            .any(|line| line.contains("WARNING") && line.ends_with("that was all records=50000")),
        "{lines:#?}"
    );
    assert_eq!(
        lines.len(),
        2,
        "the others are in the files alone: {lines:#?}"
    );

    // The oldest first.
    let mut files: Vec<_> = fs::read_dir(directory.path())
        .expect("it was made")
        .map(|entry| entry.expect("it can be read").path())
        .collect();
    files.sort_by_key(|path| std::cmp::Reverse(number(path)));
    assert!(files.len() > 3, "it was rotated: {files:?}");
    let output = Command::new("gzip")
        .arg("-dc")
        .args(&files)
        .output()
        .expect("gzip is installed");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).expect("a text");
    let numbers: Vec<u64> = text
        .lines()
        .filter_map(|line| line.split_once("hello world number=")?.1.parse().ok())
        .collect();
    assert_eq!(numbers, (0..50_000).collect::<Vec<_>>());
}

/// 2 for `app.log.2.gz`, and 0 for `app.log.gz`.
fn number(path: &std::path::Path) -> u64 {
    let name = path
        .file_name()
        .expect("a file")
        .to_string_lossy()
        .into_owned();
    name.split('.')
        .filter_map(|part| part.parse().ok())
        .next()
        .unwrap_or(0)
}
