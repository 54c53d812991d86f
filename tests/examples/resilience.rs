//! The examples of limits on time and of trying again (rows C2, C3 and C4 of the parity table).

use super::*;

fn run(name: &str, runtime: &str) -> Vec<String> {
    let variables = [("AIOMISC_RUNTIME", runtime)];
    let (status, lines) = Example::start_with(name, &[], &variables).wait();
    assert_eq!(status.code(), Some(0), "{runtime}: {lines:#?}");
    lines
}

#[test]
fn timeout_limits_functions_and_futures() {
    for runtime in runtimes() {
        assert_eq!(
            run("timeout", runtime),
            [
                "slow: the time limit has elapsed",
                "read: forty bytes",
                "read: TimedOut",
                "patient for 5 ms: Err(Elapsed)",
                "patient for 5000 ms: Ok(\"done\")",
                "pending: Err(Elapsed)",
                "ready: Ok(7)",
            ]
        );
    }
}

#[test]
fn retry_gets_its_answers_in_the_end() {
    for runtime in runtimes() {
        assert_eq!(
            run("retry", runtime),
            [
                "answer: cuckoo",
                "download: Ok(18)",
                "attempt 1 has 1 s",
                "attempt 2 has 1 s",
                "attempt 3 has 1 s",
                "object: Ok(\"an answer\")",
                "left in the budget: 8.1",
                "BackoffStatistic object calls 1",
                "BackoffStatistic object attempts 3",
                "BackoffStatistic object pauses 2",
                "BackoffStatistic object done 1",
            ]
        );
    }
}
