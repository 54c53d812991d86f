//! The examples of threads and of what goes along with them (rows D1, D2, D4, D5, D6 and D11 of the parity
//! table).

use super::*;

fn run(name: &str, runtime: &str) -> Vec<String> {
    let variables = [("AIOMISC_RUNTIME", runtime)];
    let (status, lines) = Example::start_with(name, &[], &variables).wait();
    assert_eq!(status.code(), Some(0), "{runtime}: {lines:#?}");
    lines
}

#[test]
fn context_vars_reads_what_threads_have_written() {
    for runtime in runtimes() {
        let lines = run("context_vars", runtime);
        let users = |what: &str| {
            let users = lines.iter().filter_map(|line| line.strip_prefix(what));
            let mut users: Vec<u32> = users.map(|user| user.parse().expect("an id")).collect();
            // They are written at the same time, in any order.
            users.sort_unstable();
            users
        };
        assert_eq!(users("set ").len(), 5, "{lines:#?}");
        assert_eq!(users("set "), users("read "));
        let last = lines.last().map(String::as_str);
        assert_eq!(last, Some("a child has set 1, its parent still has 0"));
        assert_eq!(lines.len(), 11);
    }
}

#[test]
fn threaded_shows_every_kind_of_thread() {
    for runtime in runtimes() {
        let mut lines = run("threaded", runtime).into_iter();
        // The hook of the panic has its own lines, on the other stream.
        let mut next = |expected: &str| {
            let line = lines.find(|line| line.starts_with(expected));
            line.unwrap_or_else(|| panic!("no line begins with `{expected}`, on {runtime}"))
        };
        assert_eq!(next("read "), "read 100 bytes");
        let hash = next("the hash is 00");
        assert_eq!(hash.len(), "the hash is ".len() + 16);
        next("both have slept at the same time");
        next("running");
        next("exiting");
        assert_eq!(next("asked from a thread: "), "asked from a thread: 9");
        assert_eq!(next("on the pool "), "on the pool `disk`: [1, 4, 9]");
        assert_eq!(next("directly: "), "directly: pool, Some(\"direct\")");
        assert_eq!(next("a panic: "), "a panic: out of paper");
        assert_eq!(next("closed: "), "closed: true");
    }
}
