//! The example of files: the documents' programs of chapter 4.2.13 (row D7 of the parity table).

use super::*;

#[test]
fn files_are_written_hashed_and_compressed() {
    for runtime in runtimes() {
        let example = Example::start("files", &["--runtime", runtime]);
        let (status, lines) = example.wait();
        assert_eq!(status.code(), Some(0), "{runtime}: {lines:#?}");
        assert_eq!(lines[..2], ["Hello world", "the hashes differ: true"]);
        let compressed = [
            "10000 lines in less than 10000 bytes: true",
            "gzip is not compiled in",
        ];
        assert!(compressed.contains(&&*lines[2]), "{lines:#?}");
    }
}
