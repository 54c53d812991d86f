//! Traps that are seen in the source.

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// The Rust files below these directories.
fn files(directories: &[&str]) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut todo: Vec<PathBuf> = directories.iter().map(|d| root().join(d)).collect();
    while let Some(directory) = todo.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                todo.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    assert!(!found.is_empty());
    found
}

/// The code without comments, all white space left out.
fn code(text: &str) -> String {
    text.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .flat_map(|line| line.split_whitespace())
        .collect()
}

/// What is negated in the code's conditions.
fn negated_features(code: &str) -> usize {
    code.match_indices("not(")
        .filter(|(at, _)| {
            let rest = &code[at + "not(".len()..];
            let mut depth = 1;
            let end = rest.find(|c| {
                depth += match c {
                    '(' => 1,
                    ')' => -1,
                    _ => 0,
                };
                depth == 0
            });
            rest[..end.unwrap_or(rest.len())].contains("feature=")
        })
        .count()
}

/// Code for the absence of a feature breaks as soon as somebody's dependency enables it.
#[test]
fn trap_14_no_code_depends_on_the_absence_of_a_feature() {
    for bad in [
        "#[cfg(not(feature = \"x\"))]",
        "#[cfg(all(unix, not(any(\n    unix, feature = \"x\"\n))))]",
        "if cfg!(not( feature=\"x\")) {}",
    ] {
        assert_eq!(negated_features(&code(bad)), 1, "{bad}");
    }
    let good = "#[cfg(all(not(unix), feature = \"x\"))] // not(feature = \"y\")";
    assert_eq!(negated_features(&code(good.split("//").next().unwrap())), 0);
    for (path, text) in files(&["src", "adapters"]) {
        assert_eq!(negated_features(&code(&text)), 0, "{}", path.display());
    }
}

/// An adapter that no test runs stops working: every way to make a runtime is in the matrix.
#[test]
fn trap_13_every_way_to_make_a_runtime_is_proved() {
    let matrix = code(&fs::read_to_string(root().join("tests/conformance.rs")).unwrap());
    let mounted = code(&fs::read_to_string(root().join("adapters/mod.rs")).unwrap());
    let mut ways = 0;
    for mount in mounted.split("pubuseself::").skip(1) {
        let (module, rest) = mount.split_once("::").unwrap();
        let name = rest.split(';').next().unwrap();
        let path = root().join(format!("adapters/{module}/mod.rs"));
        let source = fs::read_to_string(path).unwrap();
        for function in source.split("    pub fn ").skip(1) {
            let signature = function.split('{').next().unwrap();
            let makes =
                ["-> Self", "-> io::Result<Self>"].map(|end| signature.trim().ends_with(end));
            let method = function.split(['(', '<']).next().unwrap();
            if makes.contains(&true) && method != "current" {
                let call = format!("{name}::{method}(");
                assert!(
                    matrix.contains(&call),
                    "{call}…) is not run by the conformance tests"
                );
                ways += 1;
            }
        }
    }
    assert!(ways >= 6, "only {ways} ways were found");
}

/// Blocking on a future in a `Drop` deadlocks runtimes with one thread.
#[test]
fn trap_12_no_drop_blocks_on_a_future() {
    let mut drops = 0;
    for (path, text) in files(&["src", "adapters"]) {
        for body in text.split("fn drop(").skip(1) {
            // To the end of the method, which rustfmt puts on a line of its own.
            let body = body.split("\n    }\n").next().unwrap();
            for call in ["block_on(", "park_until(", ".wait()", ".recv()"] {
                assert!(
                    !body.contains(call),
                    "{}: `{call}` in a drop",
                    path.display()
                );
            }
            drops += 1;
        }
    }
    assert!(drops > 5, "only {drops} drops were found");
}

/// A handle in a static outlives the runtime that it belongs to.
#[test]
fn trap_3_no_static_holds_a_handle_of_tokio() {
    let mut statics = 0;
    for (path, text) in files(&["src", "adapters"]) {
        for line in text.lines().map(str::trim_start) {
            let declared = line
                .split_once("static ")
                .filter(|(before, _)| !before.contains('/'));
            let Some((_, declaration)) = declared else {
                continue;
            };
            statics += 1;
            for handle in ["Handle", "Tokio"] {
                assert!(!declaration.contains(handle), "{}: {line}", path.display());
            }
        }
    }
    assert!(statics > 2, "only {statics} statics were found");
}
