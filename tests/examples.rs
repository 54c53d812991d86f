//! The examples, run as a user runs them: as processes, with real clients and real signals (rows A1,
//! A3, A6, A7, A13, B1, B2, E1, E2 and E8 of the parity table; more are in `lifecycle`).
#![allow(
    clippy::disallowed_methods,
    reason = "processes are waited for in real time"
)]
#![cfg(all(unix, feature = "log", any(feature = "smol", feature = "tokio")))]

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpStream, UdpSocket};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use nix::sys::signal::Signal;

#[cfg(feature = "macros")]
#[path = "examples/batches.rs"]
mod batches;
#[path = "examples/files.rs"]
mod files;
#[path = "examples/formats.rs"]
mod formats;
#[path = "examples/iterables.rs"]
mod iterables;
#[path = "examples/lifecycle.rs"]
mod lifecycle;
#[path = "examples/logging.rs"]
mod logging;
#[path = "examples/pools.rs"]
mod pools;
#[path = "shared/program.rs"]
mod program;
#[cfg(feature = "macros")]
#[path = "examples/resilience.rs"]
mod resilience;
#[cfg(all(feature = "macros", feature = "testing"))]
#[allow(
    dead_code,
    reason = "the tests of the example are run here, and its `main` as a program"
)]
#[path = "../examples/test_with_proxy.rs"]
mod test_with_proxy;
#[cfg(feature = "macros")]
#[path = "examples/threads.rs"]
mod threads;
#[path = "examples/timers.rs"]
mod timers;
#[cfg(feature = "macros")]
#[path = "examples/wiring.rs"]
mod wiring;

use program::Program;

/// An example that runs (`cargo test` builds all of them).
struct Example;

impl Example {
    fn start(name: &str, args: &[&str]) -> Program {
        Self::start_with(name, args, &[])
    }

    fn start_with(name: &str, args: &[&str], variables: &[(&str, &str)]) -> Program {
        let mut command = Command::new(path(name));
        Program::start(command.args(args).envs(variables.iter().copied()))
    }
}

fn path(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("we are running");
    test.ancestors()
        .nth(2)
        .expect("in the folder `deps`")
        .join("examples")
        .join(name)
}

fn runtimes() -> &'static [&'static str] {
    &[
        #[cfg(feature = "smol")]
        "smol",
        #[cfg(feature = "tokio")]
        "tokio",
    ]
}

/// The heart of it: 32 connections ask as fast as they can while the program is told to stop. Each
/// answer that the server counted has arrived, and nobody was cut in the middle.
#[test]
fn quickstart_answers_every_request_that_it_took_and_ends_with_zero() {
    for runtime in runtimes() {
        for signal in [Signal::SIGTERM, Signal::SIGINT] {
            let example = Example::start("quickstart", &["--runtime", runtime]);
            let tcp = example.line("listening tcp://");
            let udp = example.line("listening udp://");

            let (stop, enough) = (Arc::new(AtomicBool::new(false)), mpsc::channel());
            let clients: Vec<_> = (0..32_u32)
                .map(|id| {
                    let (tcp, stop, enough) = (tcp.clone(), Arc::clone(&stop), enough.0.clone());
                    thread::spawn(move || ask_until_closed(id, &tcp, &stop, &enough))
                })
                .collect();
            let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
            socket
                .set_read_timeout(Some(Duration::from_secs(10)))
                .expect("it can be set");
            socket.send_to(b"hello", &udp).expect("the system takes it");
            let mut buf = [0; 16];
            let (count, _) = socket.recv_from(&mut buf).expect("an answer");
            assert_eq!(&buf[..count], b"hello");

            // Every client has had a hundred answers: all of them are in full swing.
            for _ in 0..32 {
                enough
                    .1
                    .recv_timeout(Duration::from_secs(30))
                    .expect("all are served");
            }
            example.signal(signal);
            let answered: u64 = clients
                .into_iter()
                .map(|c| c.join().expect("no request is cut"))
                .sum();
            stop.store(true, Ordering::Relaxed);
            let counted: u64 = example.line("answered ").parse().expect("a number");
            let (status, lines) = example.wait();
            assert_eq!(status.code(), Some(0), "{runtime}: {lines:#?}");
            assert_eq!(counted, answered + 1, "{runtime}: each answer has arrived");
        }
    }
}

/// Asks, and checks the answers, until the server closes the connection between two of them.
fn ask_until_closed(id: u32, addr: &str, stop: &AtomicBool, enough: &mpsc::Sender<()>) -> u64 {
    let mut stream = TcpStream::connect(addr).expect("it listens");
    stream.set_nodelay(true).expect("it can be set");
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .expect("it can be set");
    let mut answered = 0_u64;
    while !stop.load(Ordering::Relaxed) {
        let request = format!("{id:08}{answered:056}");
        if stream.write_all(request.as_bytes()).is_err() {
            break;
        }
        let mut answer = [0; 64];
        match stream.read_exact(&mut answer) {
            Ok(()) => assert_eq!(answer, request.as_bytes()),
            // The server had closed before this request arrived: it took nothing of it.
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset
                ) =>
            {
                break;
            }
            Err(error) => panic!("client {id} after {answered} answers: {error}"),
        }
        answered += 1;
        if answered == 100 {
            enough.send(()).expect("the test waits for it");
        }
    }
    answered
}

#[test]
fn quickstart_serves_a_unix_socket_and_removes_its_file() {
    for runtime in runtimes() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("socket");
        let text = path.to_str().expect("a plain path");
        let example = Example::start("quickstart", &["--runtime", runtime, "--tcp", text]);
        assert_eq!(example.line("listening unix://"), text);
        let mut stream = UnixStream::connect(&path).expect("it listens");
        stream.write_all(b"hello").expect("it reads");
        let mut answer = [0; 5];
        stream.read_exact(&mut answer).expect("it answers");
        example.signal(Signal::SIGTERM);
        let (status, lines) = example.wait();
        assert_eq!(status.code(), Some(0), "{lines:#?}");
        assert!(!path.exists());
    }
}

#[test]
fn quickstart_says_what_is_wrong() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let addr = taken.local_addr().expect("it is bound").to_string();
    for (args, expected) in [
        (
            ["--tcp", addr.as_str()],
            format!("cannot listen on tcp://{addr}: Address already in use"),
        ),
        (
            ["--tcp", "nosuchhost.invalid:80"],
            "cannot listen on tcp://nosuchhost.invalid:80".to_owned(),
        ),
        (
            ["--udp", "203.0.113.1:0"],
            "cannot bind udp://203.0.113.1:0".to_owned(),
        ),
        (
            ["--tcp", "localhost:http"],
            "service `TcpServer`: cannot listen on tcp://localhost:http: \
             the port must be a number from 0 to 65535"
                .to_owned(),
        ),
        (["--port", "80"], "unknown option --port".to_owned()),
    ] {
        // Named, because a build with tokio alone chooses none by itself.
        let args = [&["--runtime", runtimes()[0]], &args[..]].concat();
        let example = Example::start("quickstart", &args);
        let (status, lines) = example.wait();
        assert_eq!(status.code(), Some(1), "{args:?}: {lines:#?}");
        assert!(
            lines.iter().any(|line| line.contains(&expected)),
            "{expected}: {lines:#?}"
        );
    }
}

#[test]
#[cfg(feature = "tokio")]
fn embed_in_tokio_serves_and_stops_with_the_program() {
    let example = Example::start("embed_in_tokio", &[]);
    let addr = example.line("listening tcp://");
    let mut stream = TcpStream::connect(addr).expect("it listens");
    stream.write_all(b"hello").expect("it reads");
    let mut answer = [0; 5];
    stream.read_exact(&mut answer).expect("it answers");
    assert_eq!(&answer, b"HELLO");
    example.signal(Signal::SIGINT);
    assert_eq!(example.line("stopped: "), "signal SIGINT");
    assert_eq!(example.wait().0.code(), Some(0));
}

#[test]
#[cfg(feature = "smol")]
fn embed_in_smol_serves_and_stops_with_the_program() {
    let example = Example::start("embed_in_smol", &["--seconds", "5"]);
    let addr = example.line("listening udp://");
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    socket
        .set_read_timeout(Some(Duration::from_secs(10)))
        .expect("it can be set");
    socket
        .send_to(b"what time is it", addr)
        .expect("the system takes it");
    let mut buf = [0; 16];
    let (count, _) = socket.recv_from(&mut buf).expect("an answer");
    assert_eq!(&buf[..count], b"cuckoo");
    assert_eq!(example.line("stopped: "), "the program has done its work");
    assert_eq!(example.wait().0.code(), Some(0));
}

#[test]
fn the_log_looks_as_the_environment_says() {
    let stopped = |variables: &[(&str, &str)]| {
        // Named, because a build with tokio alone chooses none by itself.
        let args = ["--runtime", runtimes()[0]];
        let example = Example::start_with("quickstart", &args, variables);
        example.line("listening tcp://");
        example.line("listening udp://");
        example.signal(Signal::SIGTERM);
        let (status, lines) = example.wait();
        assert_eq!(status.code(), Some(0), "{lines:#?}");
        lines
    };
    let has = |lines: &[String], line: &str| lines.iter().any(|found| found == line);

    // The standard error stream is no terminal here.
    let lines = stopped(&[]);
    assert!(has(&lines, "stopping reason=signal SIGTERM"), "{lines:#?}");

    let lines = stopped(&[
        ("AIOMISC_LOG_FORMAT", "stream"),
        ("AIOMISC_LOG_LEVEL", "DEBUG"),
    ]);
    let line = lines
        .iter()
        .find(|line| line.contains("stopping reason"))
        .expect("it is logged");
    let (time, rest) = line.split_at("[2026-11-22 12:00:00] ".len());
    let digits: String = time
        .chars()
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .collect();
    assert_eq!(digits, "[0000-00-00 00:00:00] ");
    assert_eq!(
        rest,
        "INFO aiomisc::entrypoint: stopping reason=signal SIGTERM"
    );
    assert!(
        lines
            .iter()
            .any(|line| line.ends_with("DEBUG aiomisc::entrypoint::shutdown: stopped"))
    );

    let lines = stopped(&[
        ("AIOMISC_LOG_FORMAT", "stream"),
        ("AIOMISC_LOG_DATE_FORMAT", "day %j"),
    ]);
    let line = lines
        .iter()
        .find(|line| line.contains("stopping reason"))
        .expect("it is logged");
    let day = line.strip_prefix("day ").and_then(|line| line.get(..3));
    assert!(day.is_some_and(|day| day.parse::<u16>().is_ok()), "{line}");

    let lines = stopped(&[("AIOMISC_LOG_LEVEL", "warning")]);
    assert_eq!(lines, ["answered 0"]);
    let lines = stopped(&[("AIOMISC_LOG_FORMAT", "disabled")]);
    assert_eq!(lines, ["answered 0"]);
    let lines = stopped(&[("AIOMISC_LOG_CONFIG", "off")]);
    assert_eq!(lines, ["answered 0"]);
}

/// Row A10 of the parity table.
#[test]
fn context_brings_services_together() {
    for runtime in runtimes() {
        let variables = [("AIOMISC_RUNTIME", *runtime), ("AIOMISC_LOG_CONFIG", "off")];
        let example = Example::start_with("context", &[], &variables);
        let (status, lines) = example.wait();
        assert_eq!(status.code(), Some(0), "{lines:#?}");
        assert_eq!(
            lines,
            [
                "without a cache: the key `cache` (alloc::string::String) was not set within 10ms",
                "waiting: `pool` (alloc::sync::Arc<context::Pool>) by the service `Api` at \
                 examples/context.rs:52:34",
                "with a pool of 10",
                "values asked for: 2, set: 1",
            ]
        );
    }
}

/// Rows C16 and C17 of the parity table.
#[test]
fn statistics_show_the_program_s_own_beside_ours() {
    for runtime in runtimes() {
        let example = Example::start("statistics", &["--runtime", runtime]);
        let (status, lines) = example.wait();
        assert_eq!(status.code(), Some(0), "{lines:#?}");
        let of_interest = ["ContextStatistic", "GiftPacker", "Packer", "packed"];
        let (times, counts): (Vec<_>, Vec<_>) = lines
            .iter()
            .map(String::as_str)
            .filter(|line| of_interest.iter().any(|start| line.starts_with(start)))
            .partition(|line| line.contains(" sum_time ") || line.contains(" took "));
        assert_eq!(
            counts,
            [
                "ContextStatistic None get 0",
                "ContextStatistic None set 1",
                "GiftPackerStatistic gifts done 2",
                "GiftPackerStatistic gifts running 0",
                "GiftPackerStatistic gifts cards 2",
                "PackerStatistic left done 3",
                "PackerStatistic left running 0",
                "packed by all: 5",
            ]
        );
        let sum = times[2].strip_prefix("PackerStatistic left sum_time ");
        let sum: f64 = sum.and_then(|sum| sum.parse().ok()).expect("a number");
        assert!(sum >= 0.006, "{sum}");
        assert_eq!(
            times[3],
            format!("PackerStatistic left took 3 in {sum}"),
            "{times:#?}"
        );
    }
}

#[test]
#[cfg(feature = "openmetrics")]
fn statistics_are_a_page_for_a_scraper() {
    let args = ["--runtime", runtimes()[0], "--format", "openmetrics"];
    let (status, lines) = Example::start("statistics", &args).wait();
    assert_eq!(status.code(), Some(0), "{lines:#?}");
    let has = |line: &str| assert!(lines.iter().any(|l| l == line), "{line}: {lines:#?}");
    has("# HELP statistics_packer_done Parcels that were packed.");
    has("statistics_packer_done_total{name=\"left\"} 3");
    has("statistics_gift_packer_took_seconds_bucket{le=\"+Inf\",name=\"gifts\"} 2");
    has("aiomisc_context_set_total 1");
    assert_eq!(lines.last().map(String::as_str), Some("# EOF"));
}

#[test]
#[cfg(feature = "testing")]
fn own_runtime_keeps_its_contract_and_echoes() {
    let example = Example::start("own_runtime", &[]);
    example.line("listening tcp://");
    assert_eq!(example.line("echo: "), "hello");
    let (status, lines) = example.wait();
    assert_eq!(status.code(), Some(0), "{lines:#?}");
}

#[test]
#[cfg(feature = "simulation")]
fn simulate_finds_the_bug_and_nothing_once_it_is_mended() {
    let run = |args: &[&str]| Example::start("simulate", args).wait();
    let (status, lines) = run(&["--seeds", "300"]);
    assert_eq!(status.code(), Some(1), "{lines:#?}");
    let seed = lines[0].strip_prefix("seed ").expect("one is found");
    let (seed, text) = seed.split_once(": ").expect("with its number");
    assert_eq!(text, "15 were added, and the counter says 16");

    let (status, first) = run(&["--seed", seed]);
    assert_eq!(status.code(), Some(1));
    assert_eq!(first.last(), lines.first());
    assert!(
        first
            .iter()
            .any(|line| line.contains("network   cut between")),
        "{first:#?}"
    );
    assert_eq!(run(&["--seed", seed]).1, first, "one seed is one run");

    let (status, lines) = run(&["--seeds", "300", "--fixed"]);
    assert_eq!(status.code(), Some(0), "{lines:#?}");
    assert_eq!(lines.last().map(String::as_str), Some("nothing found"));
}

/// Row F3 of the parity table.
#[test]
#[cfg(all(feature = "macros", feature = "testing"))]
fn test_with_proxy_shows_what_a_client_makes_of_trouble() {
    for runtime in runtimes() {
        let variables = [("AIOMISC_RUNTIME", *runtime)];
        let example = Example::start_with("test_with_proxy", &[], &variables);
        let (status, lines) = example.wait();
        assert_eq!(status.code(), Some(0), "{lines:#?}");
        assert_eq!(
            lines,
            [
                "as it is: an apple is 5, tries: 1",
                "with delays: an apple is 5, tries: 1",
                "after a cut: an apple is 5, tries: 2",
                "with garbage: an answer that makes no sense: \"who?\\n\"",
                "when refused: connection refused",
                "as it was: an apple is 5, tries: 1",
            ]
        );
    }
}
