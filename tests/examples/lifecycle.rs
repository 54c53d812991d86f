//! The examples of the entrypoint, of services and of signals (rows A1, A2, A5, A8, A9, A11, A15 and F1
//! of the parity table).

use std::io::{BufRead, BufReader};

use super::*;

/// Runs an example to its end, without a log: its status, and what it printed.
fn run(name: &str, runtime: &str, args: &[&str]) -> (Option<i32>, Vec<String>) {
    let args = [&["--runtime", runtime], args].concat();
    let example = Example::start_with(name, &args, &[("AIOMISC_LOG_CONFIG", "off")]);
    let (status, lines) = example.wait();
    (status.code(), lines)
}

/// Runs an example on each runtime, and expects just these lines in this order.
#[track_caller]
fn prints(name: &str, args: &[&str], code: i32, expected: &[&str]) {
    for runtime in runtimes() {
        let (status, lines) = run(name, runtime, args);
        assert_eq!(lines, expected, "{runtime}");
        assert_eq!(status, Some(code), "{runtime}");
    }
}

#[test]
fn entrypoint_generic() {
    let expected = ["the main job said: hello there"];
    prints("entrypoint", &["--mode", "generic"], 0, &expected);
}

#[test]
fn entrypoint_complete() {
    for runtime in runtimes() {
        let args = ["--runtime", runtime, "--mode", "complete"];
        let example = Example::start("entrypoint", &args);
        for (name, value) in [
            ("log level         ", "info"),
            // The standard error stream is no terminal here.
            ("log format        ", "plain"),
            ("log buffering     ", "true"),
            ("log buffer size   ", "1024"),
            ("log flushed after ", "200ms"),
            ("debug             ", "false"),
            (
                "signals           ",
                "[OsSignal(SIGINT), OsSignal(SIGTERM)]",
            ),
            ("shutdown timeout  ", "60s"),
        ] {
            assert_eq!(example.line(name), value, "{runtime}");
        }
        let pool: usize = example.line("pool size").trim().parse().expect("a number");
        assert!((4..=32).contains(&pool), "{pool}");
        // The main job has logged it.
        assert_eq!(example.line("hello there"), "");
        assert_eq!(example.wait().0.code(), Some(0));
    }
}

#[test]
fn entrypoint_block() {
    let expected = [
        "the service has started",
        "two waits: Some(40), Some(2)",
        "tick 1",
        "tick 2",
        "tick 3",
        "the service stops",
        "ended: three ticks are enough",
    ];
    prints("entrypoint", &["--mode", "block"], 0, &expected);
}

/// Services start and stop at the same time, so that what they print then comes in any order.
#[test]
fn service_modes_have_their_states() {
    for runtime in runtimes() {
        let (status, mut lines) = run("service_modes", runtime, &[]);
        let together = |a: &String, b: &String| a.starts_with("  ") && b.starts_with("  ");
        for services in lines.chunk_by_mut(together) {
            services.sort();
        }
        let expected = [
            "before the start: Cache new, Worker new, Import new, closure new",
            "  Cache (starting) `start` returns",
            "  Worker (starting) warms up",
            "all have started: Cache running, Worker running, Import running, closure running",
            "  Import (running) is done with 1000 rows",
            "the import is done: Cache running, Worker running, Import stopped, closure running",
            "  Cache (draining) `stop` is called, since the main job has finished",
            "  Worker (draining) finishes what it has begun",
            "after the stop: Cache stopped, Worker stopped, Import stopped, closure stopped",
        ];
        assert_eq!(lines, expected, "{runtime}");
        assert_eq!(status, Some(0), "{runtime}");
    }
}

#[test]
fn service_configuration_says_hello() {
    for runtime in runtimes() {
        let args = ["--name", "Ada", "--title", "Lady"];
        let (status, mut lines) = run("service_configuration", runtime, &args);
        // The main job comes when all have started; these start together.
        assert_eq!(lines.pop().as_deref(), Some("all have said hello"));
        lines.sort();
        let expected = [
            "Hello Ada",
            "Hello Lady Ada, says the builder",
            "Hello mr. Guido",
            "Hello world",
            "👋 🎩 🐍",
        ];
        assert_eq!(lines, expected, "{runtime}");
        assert_eq!(status, Some(0), "{runtime}");
    }
}

#[test]
fn service_configuration_tells_mistakes_before_anything_starts() {
    let expected = "Error: the entrypoint is misconfigured: service `FormalHello`: name and title \
                    must not be empty";
    let args = ["--name", "", "--title", ""];
    prints("service_configuration", &args, 1, &[expected]);
}

#[test]
#[cfg(feature = "macros")]
fn signals_are_received() {
    for runtime in runtimes() {
        let (status, mut lines) = run("signals", runtime, &[]);
        // The place in the file is not what this is about.
        for line in &mut lines {
            *line = line
                .split(" (examples/signals.rs:")
                .next()
                .expect("there is one")
                .to_owned();
        }
        let expected = [
            "PRE_START: a database for api and mail",
            "POST_START: the entrypoint is Starting",
            "POST_START: up are api and mail",
            "RELOADED: version 2 is in the audit log",
            "RELOADED: caches are for version 2 now",
            "RELOADED: caches are for version 3 now",
            "not all did well: the signal RELOADED: receiver `replicate`",
            "PRE_STOP: about to stop api and mail",
            "POST_STOP: nothing runs any more",
        ];
        assert_eq!(lines, expected, "{runtime}");
        assert_eq!(status, Some(0), "{runtime}");
    }
}

/// A receiver that fails at the start fails that; one that fails at the stop stops nothing. Either way
/// the program's end tells.
#[test]
#[cfg(feature = "macros")]
fn signals_tell_of_receivers_that_fail() {
    let pre_start = "PRE_START: a database for api and mail";
    let post_start = "POST_START: up are api and mail";
    let stops = [
        "PRE_STOP: about to stop api and mail",
        "POST_STOP: nothing runs any more",
    ];
    for runtime in runtimes() {
        for (signal, begins, at_start) in [
            ("PRE_START", &[pre_start][..], true),
            ("POST_START", &[pre_start, post_start], true),
            ("PRE_STOP", &[pre_start, post_start], false),
            ("POST_STOP", &[pre_start, post_start], false),
        ] {
            let (status, lines) = run("signals", runtime, &["--fail", signal]);
            assert_eq!(status, Some(1), "{lines:#?}");
            let error = format!("the signal {signal}: receiver `signals::refuse` ");
            let told = |start: &str| {
                let start = format!("{start}: {error}");
                let mut lines = lines.iter().filter(|line| line.starts_with(&start));
                lines.any(|line| line.ends_with(" failed: it was told to fail"))
            };
            assert!(told("Error"), "{lines:#?}");
            assert_eq!(told("START_FAILED"), at_start, "{lines:#?}");
            let others = lines.iter().map(String::as_str).filter(|line| {
                let other = [
                    "Error",
                    "START_FAILED",
                    "RELOADED",
                    "not all",
                    "POST_START: the",
                ];
                !other.iter().any(|start| line.starts_with(start))
            });
            let expected: Vec<_> = begins.iter().copied().chain(stops).collect();
            assert_eq!(others.collect::<Vec<_>>(), expected, "{runtime}");
        }
    }
}

/// A conversation with the control service of the example.
struct Control(BufReader<TcpStream>);

impl Control {
    fn new(addr: &str) -> Self {
        Self(BufReader::new(connect(addr)))
    }

    fn ask(&mut self, command: &str) -> String {
        let stream = self.0.get_mut();
        stream
            .write_all(format!("{command}\n").as_bytes())
            .expect("it reads");
        let mut answer = String::new();
        self.0.read_line(&mut answer).expect("it answers");
        answer.trim_end().to_owned()
    }
}

fn connect(addr: &str) -> TcpStream {
    let stream = TcpStream::connect(addr).expect("it listens");
    let limit = Some(Duration::from_secs(10));
    stream.set_read_timeout(limit).expect("it can be set");
    stream
}

/// A connection that the server has taken: it has answered.
fn connected_echo(addr: &str) -> TcpStream {
    let mut echo = connect(addr);
    echo.write_all(b"hello").expect("it reads");
    let mut answer = [0; 5];
    echo.read_exact(&mut answer).expect("it answers");
    assert_eq!(&answer, b"hello");
    echo
}

#[test]
fn dynamic_services_come_and_go() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = taken.local_addr().expect("it is bound");
    for runtime in runtimes() {
        let variables = [("AIOMISC_LOG_CONFIG", "off")];
        let example = Example::start_with("dynamic_services", &["--runtime", runtime], &variables);
        let mut control = Control::new(&example.line("listening tcp://"));

        let started = control.ask("start one");
        let addr = started
            .strip_prefix("started one on tcp://")
            .expect("it starts");
        let mut echo = connected_echo(addr);

        let started = control.ask("start two after one");
        assert!(started.starts_with("started two on tcp://"), "{started}");
        assert_eq!(
            control.ask("stop one"),
            "error: not stopped: service `one` is needed by `two`"
        );
        let failed = control.ask(&format!("start bad {taken}"));
        let cause =
            format!("error: service `bad` failed to start: cannot listen on tcp://{taken}: ");
        assert!(failed.starts_with(&cause), "{failed}");
        let failed = control.ask("start three after nobody");
        assert!(failed.contains("`three` needs `nobody`"), "{failed}");
        assert_eq!(
            control.ask("list"),
            "control running, one running, two running"
        );

        // What was started before it goes after it.
        assert_eq!(control.ask("stop one two"), "stopped one two");
        assert_eq!(echo.read(&mut [0]).expect("it is closed"), 0);
        assert_eq!(control.ask("list"), "control running");
        assert_eq!(
            control.ask("stop control"),
            "error: there is no echo server `control`"
        );
        assert_eq!(control.ask("quit"), "good bye");
        assert_eq!(example.line("stopped: "), "a command");
        let (status, lines) = example.wait();
        assert_eq!(status.code(), Some(0), "{lines:#?}");
        assert_eq!(lines, [""; 0]);
    }
}

#[test]
fn dynamic_services_stop_with_the_program() {
    for runtime in runtimes() {
        let example = Example::start("dynamic_services", &["--runtime", runtime]);
        let mut control = Control::new(&example.line("listening tcp://"));
        let started = control.ask("start one");
        let addr = started.split("tcp://").nth(1).expect("it starts");
        let mut echo = connected_echo(addr);
        example.signal(Signal::SIGTERM);
        assert_eq!(echo.read(&mut [0]).expect("it is closed"), 0);
        assert_eq!(example.line("stopped: "), "signal SIGTERM");
        assert_eq!(example.wait().0.code(), Some(0));
    }
}

const UP: [&str; 4] = ["database: up", "worker: up", "api: up", "all have started"];
const FAILED: &str = "worker: down, since service `Worker` failed";

fn again(restarts: usize) -> String {
    format!(
        "worker: up again ({restarts}), since service `Worker` failed: connection {restarts} was lost"
    )
}

#[test]
fn supervision_restarts() {
    let args = ["--policy", "restart", "--failures", "2"];
    let rest = [
        FAILED,
        &again(1),
        FAILED,
        &again(2),
        "worker: running after 2 restarts, since service `Worker` failed: connection 2 was lost",
        "api: down",
        "worker: down, since the main job has finished",
        "database: down",
    ];
    prints("supervision", &args, 0, &[&UP[..], &rest].concat());
}

#[test]
fn supervision_gives_up_at_the_limit() {
    let args = ["--policy", "restart", "--failures", "4"];
    let rest = [
        FAILED,
        &again(1),
        FAILED,
        &again(2),
        FAILED,
        &again(3),
        FAILED,
        "api: down",
        "database: down",
        "the program failed: service `Worker` failed: failed again after 3 restarts within 60s: \
         connection 4 was lost",
    ];
    prints("supervision", &args, 1, &[&UP[..], &rest].concat());
}

#[test]
fn supervision_ignores() {
    let rest = [
        "worker: failed after 0 restarts, since service `Worker` failed: connection 1 was lost",
        "api: down",
        "worker: down, since the main job has finished",
        "database: down",
    ];
    let expected = [&UP[..], &rest].concat();
    prints("supervision", &["--policy", "ignore"], 0, &expected);
}

#[test]
fn supervision_stops_the_program() {
    let rest = [
        "api: down",
        FAILED,
        "database: down",
        "the program failed: service `Worker` failed: connection 1 was lost",
    ];
    let expected = [&UP[..], &rest].concat();
    prints("supervision", &["--policy", "stop-all"], 1, &expected);
}
