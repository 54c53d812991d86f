//! The example of a pool (row C1 of the parity table).

use super::*;

#[test]
fn a_pool_keeps_few_connections_and_replaces_those_that_break() {
    for runtime in runtimes() {
        let (status, lines) = Example::start("pool", &["--runtime", runtime]).wait();
        assert_eq!(status.code(), Some(0), "{lines:#?}");
        assert!(
            lines[0].starts_with("listening tcp://127.0.0.1:"),
            "{lines:#?}"
        );
        assert_eq!(
            lines[1..],
            [
                "20 right answers over 3 connections",
                "QUIT: OK",
                "PING: PONG",
                "replaced after a failed check: 1",
                "a fourth one: no object of the pool within 10ms: while all of them were in use",
                "closed: the pool is closed",
            ]
        );
    }
}
