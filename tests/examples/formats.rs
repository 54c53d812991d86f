//! The example `logging`: every format of the log (rows E2, E8, E9 and E10).
#![cfg(feature = "rich")]

use aiomisc::log::LogFormat;

use super::{Example, runtimes};

/// What it prints in this format, on a terminal of no kind.
fn logged(format: &str, more: &[&str]) -> Vec<String> {
    logged_with(format, more, &[])
}

fn logged_with(format: &str, more: &[&str], variables: &[(&str, &str)]) -> Vec<String> {
    let mut lines = Vec::new();
    for runtime in runtimes() {
        let options = ["--runtime", runtime, "--format", format, "--level", "debug"];
        let variables = [&[("RUST_BACKTRACE", "0"), ("LC_ALL", "C.UTF-8")], variables].concat();
        let (status, printed) =
            Example::start_with("logging", &[&options, more].concat(), &variables).wait();
        assert_eq!(status.code(), Some(0), "{format}, {runtime}: {printed:#?}");
        lines = printed;
    }
    lines
}

#[track_caller]
fn assert_line(lines: &[String], parts: &[&str]) {
    let found = lines
        .iter()
        .any(|line| parts.iter().all(|part| line.contains(part)));
    assert!(found, "{parts:?}: {lines:#?}");
}

#[test]
fn every_format_can_be_chosen() {
    for name in LogFormat::choices() {
        let format: LogFormat = name.parse().expect("a choice can be read");
        if !format.is_available() {
            let (status, lines) = Example::start("logging", &["--format", name]).wait();
            assert_eq!(status.code(), Some(1), "{lines:#?}");
            let feature = format.feature().expect("it has one");
            assert_line(&lines, &["needs the feature", feature]);
            continue;
        }
        // Nobody listens there: what is lost is said, and nothing fails.
        let lines = logged(name, &["--to", "/no/such/socket"]);
        if format == LogFormat::Disabled {
            // A panic is the hook's that was there before.
            assert_line(&lines, &["panicked at examples/logging.rs"]);
            let logged = lines.iter().any(|line| line.contains("listening"));
            assert!(!logged, "{lines:#?}");
        }
    }
}

#[test]
fn formats_of_lines_have_what_they_promise() {
    let lines = logged("plain", &[]);
    assert_line(&lines, &["listening address=\"127.0.0.1:8080\" tls=false"]);
    assert_line(
        &lines,
        &["answered status=200 cached=true id=7 path=\"/orders\""],
    );

    let lines = logged("stream", &[]);
    assert_line(
        &lines,
        &[
            "[20",
            "] INFO logging: listening address=\"127.0.0.1:8080\" tls=false",
        ],
    );

    let lines = logged("json", &[]);
    assert_line(
        &lines,
        &[
            "\"level\":\"info\"",
            "\"msg\":\"listening\"",
            "\"address\":\"127.0.0.1:8080\"",
        ],
    );

    let lines = logged("color", &[]);
    assert_line(
        &lines,
        &[
            "20",
            " INFO logging: listening address=\"127.0.0.1:8080\" tls=false",
        ],
    );
    assert_line(&lines, &[" CRITICAL logging: the shop is on fire code=7"]);
    assert_line(
        &lines,
        &["error=cannot load settings: No such file or directory (os error 2) attempt=3"],
    );
    assert!(
        !lines.concat().contains('\x1b'),
        "colours are for terminals: {lines:#?}"
    );
    let colored = logged_with("color", &[], &[("CLICOLOR_FORCE", "1")]);
    assert_line(
        &colored,
        &["\x1b[34mINFO\x1b[0m \x1b[36mlogging\x1b[0m: listening \x1b[33maddress\x1b[0m"],
    );
    let plain = logged_with("color", &[], &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]);
    assert!(!plain.concat().contains('\x1b'), "{plain:#?}");
}

#[test]
fn rich_fits_its_width() {
    for width in ["60", "100"] {
        for format in ["rich", "rich_tb"] {
            let by_option = logged(format, &["--width", width]);
            let by_variable = logged_with(format, &[], &[("COLUMNS", width)]);
            for lines in [by_option, by_variable] {
                assert_line(&lines, &["INFO     listening address=\"127.0.0.1:8080\""]);
                assert_line(&lines, &["No such file"]);
                let widest = lines.iter().map(|line| line.chars().count()).max();
                assert!(widest <= width.parse().ok(), "{lines:#?}");
                assert_eq!(
                    lines.iter().any(|line| line.contains("╭─ error ─")),
                    format == "rich_tb"
                );
            }
        }
    }
    let ascii = logged_with("rich_tb", &[], &[("LC_ALL", "C")]);
    assert_line(&ascii, &["+- error -"]);
}

#[cfg(feature = "syslog")]
#[test]
fn syslog_and_journald_send_to_their_sockets() {
    use std::net::Shutdown;
    use std::os::unix::net::UnixDatagram;
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("socket");
    let socket = UnixDatagram::bind(&path).expect("a path of our own");
    let text = path.to_str().expect("a plain path");
    // A socket holds a few records only: somebody has to read while the example writes.
    let (send, records) = mpsc::channel();
    let reader = socket.try_clone().expect("it can be shared");
    thread::spawn(move || {
        let mut buffer = [0; 65536];
        while let Ok(len) = reader.recv(&mut buffer) {
            let record = String::from_utf8_lossy(&buffer[..len]).into_owned();
            if send.send(record).is_err() {
                break;
            }
        }
    });
    let received = |expected: &str| {
        loop {
            let record = records.recv_timeout(Duration::from_secs(10));
            let record = record.unwrap_or_else(|error| panic!("no record has {expected}: {error}"));
            if record.contains(expected) {
                break record;
            }
        }
    };
    logged("syslog", &["--to", text]);
    let record = received("listening");
    assert!(record.starts_with("<30>"), "{record}");
    assert!(
        record.ends_with("]: logging: listening address=\"127.0.0.1:8080\" tls=false"),
        "{record}"
    );
    logged("syslog", &["--to", text, "--rfc", "5424"]);
    let record = received("[fields@32473 address=");
    assert!(
        record.ends_with("\"127.0.0.1:8080\" tls=\"false\"] listening"),
        "{record}"
    );
    #[cfg(feature = "journald")]
    {
        logged("journald", &["--to", text]);
        let record = received("MESSAGE=listening");
        assert!(
            record.contains("\nPRIORITY=6\n") && record.contains("\nTLS=false\n"),
            "{record}"
        );
    }
    socket.shutdown(Shutdown::Both).expect("the reader ends");
}
