//! The examples of limits on time and of trying again, and of the circuit breaker (rows C2 to C6 of the parity table).

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

#[test]
fn circuit_breaker_breaks_and_recovers() {
    for runtime in runtimes() {
        assert_eq!(
            run("circuit_breaker", runtime),
            [
                "1 passing: hello",
                "2 passing: hello",
                "3 passing: failed: unexpected end of file",
                "4 passing: failed: unexpected end of file",
                "5 broken: the circuit is broken, after: unexpected end of file",
                "6 broken: the circuit is broken, after: unexpected end of file",
                "7 recovering: failed: unexpected end of file",
                "8 recovering: hello",
                "9 recovering: hello",
                "10 passing: hello",
                "CircuitBreakerStatistic peer success 5",
                "CircuitBreakerStatistic peer failure 3",
                "CircuitBreakerStatistic peer broken 2",
                "from passing to broken: too many failures",
                "from broken to recovering: its time is over",
                "from recovering to broken: too many failures",
                "from broken to recovering: its time is over",
                "from recovering to passing: calls have succeeded",
                "cutout: unexpected end of file",
                "cutout: unexpected end of file",
                "cutout: unexpected end of file",
                "cutout: unexpected end of file",
                "cutout: the circuit is broken, after: unexpected end of file",
            ]
        );
    }
}
