//! The programs that end. They are this test itself, started once more.
#![allow(
    clippy::exit,
    clippy::print_stdout,
    reason = "programs print, and end with the code of their run"
)]

use std::future::pending;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use aiomisc::entrypoint::{EntrypointBuilder, OsSignal};
use aiomisc::log::{LogFormat, Output, basic_config};
use aiomisc::{BoxError, Entrypoint, Service, ServiceContext, StopReason, async_trait};

pub(super) const THREADS: usize = 8;

pub(super) const RECORDS: u64 = 1_000_000;

/// How many records each thread has logged.
static LOGGED: [AtomicU64; THREADS] = [const { AtomicU64::new(0) }; THREADS];

/// Runs the program that the environment names, and nothing when this is run as a test.
#[test]
fn program() {
    let (Ok(name), Ok(file)) = (std::env::var("PROGRAM"), std::env::var("FILE")) else {
        return;
    };
    println!();
    // Not on a thread of the harness, which would catch the panic.
    let program = thread::Builder::new().name("program".to_owned());
    let program = program.spawn(move || {
        run(&name, &file);
        // As `main` does when it returns.
        std::process::exit(0);
    });
    if program.expect("a thread").join().is_err() {
        // As the runtime of the language does when `main` panics.
        std::process::exit(101);
    }
}

/// Logs to the standard error stream, whatever that is, and comes to its result.
pub(super) const RESULT: i32 = 5;

pub(super) const TO_STDERR: u64 = 20_000;

fn run(name: &str, file: &str) {
    if name == "to stderr" {
        say("running");
        let builder = Entrypoint::builder().log_format(LogFormat::Plain);
        let ran = builder.run(async {
            log(0, TO_STDERR);
            RESULT
        });
        let outcome = ran.expect("nothing fails").finished();
        std::process::exit(outcome.expect("nothing stops it"));
    }
    let output = Output::file(file).expect("a file");
    let config = basic_config()
        .format(LogFormat::Plain)
        .output(output)
        .buffered(!name.ends_with("unbuffered"));
    config.init().expect("a configuration");
    if name == "million" {
        thread::scope(|scope| {
            for number in 0..THREADS {
                scope.spawn(move || log(number, RECORDS / THREADS as u64));
            }
        });
        return;
    }
    for number in 0..THREADS {
        thread::spawn(move || log(number, u64::MAX));
    }
    // Until they are all at work.
    while LOGGED
        .iter()
        .any(|logged| logged.load(Ordering::Acquire) < 1000)
    {
        thread::yield_now();
    }
    say("logging");
    // Those that cannot stop use all of it.
    let limit = Duration::from_secs(if name == "terminated" { 30 } else { 2 });
    let builder = Entrypoint::builder()
        .log_format(LogFormat::Plain)
        .catch_signals([OsSignal::TERM])
        .shutdown_timeout(limit);
    match name {
        "returns" => tell(),
        "exits" | "exits, unbuffered" => {
            tell();
            std::process::exit(7);
        }
        "exits elsewhere" => {
            let exit = thread::spawn(|| {
                tell();
                std::process::exit(7);
            });
            exit.join().expect("it does not come back");
        }
        "panics" | "panics, unbuffered" => {
            tell();
            panic!("on purpose");
        }
        "panics in an entrypoint" => {
            let ran = builder.run(async {
                tell();
                panic!("on purpose");
            });
            drop(ran);
        }
        "terminated" => {
            builder
                .service(Stops(Stop::AtOnce))
                .run_forever()
                .expect("a graceful stop");
        }
        "terminated, overruns" => forever(builder, Stop::Never),
        "terminated, blocked" | "terminated, blocked, unbuffered" => forever(builder, Stop::Blocks),
        "three times" => forever(
            builder.shutdown_timeout(Duration::from_secs(30)),
            Stop::NeverSays,
        ),
        other => panic!("no program is called {other}"),
    }
}

fn forever(builder: EntrypointBuilder, stop: Stop) {
    let error = builder.service(Stops(stop)).run_forever().map(drop);
    panic!("it has come to an end: {error:?}");
}

fn log(thread: usize, count: u64) {
    for number in 0..count {
        tracing::info!("record {thread} {number}");
        LOGGED[thread].store(number + 1, Ordering::Release);
    }
}

/// Tells what has been logged by now.
fn tell() {
    let logged: Vec<_> = LOGGED
        .iter()
        .map(|logged| logged.load(Ordering::Acquire).to_string())
        .collect();
    say(&format!("before: {}", logged.join(" ")));
}

fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}").expect("somebody reads");
    out.flush().expect("somebody reads");
}

struct Stops(Stop);

#[derive(Clone, Copy, PartialEq)]
enum Stop {
    AtOnce,
    Never,
    NeverSays,
    Blocks,
}

#[async_trait]
impl Service for Stops {
    async fn start(&self, _: ServiceContext) -> Result<(), BoxError> {
        say("ready");
        Ok(())
    }

    async fn stop(&self, _: &StopReason) -> Result<(), BoxError> {
        tell();
        match self.0 {
            Stop::AtOnce => {}
            Stop::Never => pending::<()>().await,
            Stop::NeverSays => {
                say("stopping");
                let _cut = Says("cut");
                pending::<()>().await;
            }
            Stop::Blocks => {
                let never = Arc::new(AtomicBool::new(false));
                while !never.load(Ordering::Relaxed) {
                    thread::park();
                }
            }
        }
        Ok(())
    }
}

/// Says it when it is dropped, and does not come back then.
struct Says(&'static str);

impl Drop for Says {
    fn drop(&mut self) {
        say(self.0);
        loop {
            thread::park();
        }
    }
}
