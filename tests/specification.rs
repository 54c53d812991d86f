//! Each line of the specification of the lifecycle is named by a test.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The files whose tests show what the specification says.
const TESTS: &[&str] = &[
    "tests/adversarial.rs",
    "tests/dependency/failing.rs",
    "tests/dependency/making.rs",
    "tests/dependency/mistakes.rs",
    "tests/dependency/stopping.rs",
    "tests/dependency/ways.rs",
    "tests/lifecycle.rs",
    "tests/lifecycle/overtaken.rs",
    "tests/lifecycle/run.rs",
    "tests/lifecycle/start.rs",
    "tests/lifecycle/stop.rs",
    "tests/plugins.rs",
    "tests/plugins_failing.rs",
    "tests/signals_of_the_system.rs",
    "tests/supervision/borders.rs",
    "tests/supervision/dynamic.rs",
    "tests/supervision/failing_start.rs",
    "tests/supervision/order.rs",
    "tests/supervision/policies.rs",
    "tests/supervision/restart.rs",
    "tests/supervision/signals.rs",
    "tests/supervision_threads.rs",
];

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// `S1`, `P3` and the like.
fn numbers(text: &str) -> impl Iterator<Item = String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric());
    words.filter(|word| is_number(word)).map(str::to_owned)
}

fn is_number(word: &str) -> bool {
    let mut chars = word.chars();
    chars.next().is_some_and(|c| "SOPELDVG".contains(c))
        && word.len() > 1
        && chars.all(|c| c.is_ascii_digit())
}

#[test]
fn every_line_of_the_lifecycle_is_named_by_a_test_and_no_other() {
    let specification = read("src/docs/lifecycle.md");
    let lines: BTreeSet<_> = specification
        .lines()
        .filter_map(|line| line.strip_prefix("- **"))
        .flat_map(|line| numbers(line).next())
        .collect();
    assert!(lines.len() > 30, "{lines:?}");
    let named: BTreeSet<_> = TESTS
        .iter()
        .flat_map(|path| {
            let text = read(path);
            let comments = text
                .lines()
                .filter(|line| line.trim_start().starts_with("///"));
            comments.flat_map(numbers).collect::<Vec<_>>()
        })
        .collect();
    let unnamed: Vec<_> = lines.difference(&named).collect();
    assert!(unnamed.is_empty(), "no test names {unnamed:?}");
    let unknown: Vec<_> = named.difference(&lines).collect();
    assert!(unknown.is_empty(), "the specification has no {unknown:?}");
}
