//! The example of an aggregator (row C7 of the parity table).

use super::*;

#[test]
fn aggregate_makes_one_call_of_many() {
    for runtime in runtimes() {
        let (status, lines) = Example::start("aggregate", &["--runtime", runtime]).wait();
        assert_eq!(status.code(), Some(0), "{lines:#?}");
        assert_eq!(
            lines,
            [
                "squares of 5 numbers",
                "[0, 1, 4, 9, 16]",
                "cubes of 3 numbers",
                "1",
                "8",
                "9223372036854775807 is too large",
                "no user: the database is empty",
                "no user: the database is empty",
                "SELECT … WHERE id IN [4, 2, 1]",
                "None",
                "Some(\"Grace\")",
                "Some(\"Ada\")",
                "Edsger",
                "there is no user 4",
            ]
        );
    }
}
