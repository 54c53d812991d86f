//! Job 11: structured records as JSON through to a file, and calls below the level.
//!
//! Every implementation runs in a process of its own, for loggers are set once: `j11_logging run NAME`.

use std::fs::{File, OpenOptions};
use std::hint::black_box;
use std::io::Write as _;
use std::process::Command;
use std::sync::Mutex;
use std::time::{Instant, SystemTime};

use aiomisc::log::{self, LogFormat, LogLevel, Output};
use peers::{Bar, Contest, Metric, ns_per_op};
use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};

const RECORDS: u64 = 500_000;

fn main() {
    let args: Vec<String> = std::env::args().collect();
    if let [_, run, name] = &args[..]
        && run == "run"
    {
        let [caller, flushed] = run_one(name);
        println!("{caller} {flushed}");
        return;
    }
    let metrics = || {
        ["-caller", "-to-the-file"].map(|suffix| Metric {
            suffix,
            unit: "records/s",
        })
    };
    for threads in ["1", "2"] {
        let job = format!("j11-json-{threads}-threads");
        let child = |name: &str| {
            let name = format!("{name}/{threads}");
            move || in_child(&name)
        };
        let none = [None, None];
        Contest::with_metrics(job, metrics(), child("aiomisc"))
            .entry("aiomisc-unbuffered", none, child("unbuffered"))
            .entry(
                "tracing-json/non-blocking",
                [None, Some(Bar::AtLeast(3.0))],
                child("non-blocking"),
            )
            .entry("tracing-json/by-the-caller", none, child("by-the-caller"))
            .entry("floor:copied-pieces", none, child("floor"))
            .run();
    }
    Contest::new("j11-below-the-level", "ns/op", || in_child("below/ours")[0])
        .rival("tracing-subscriber", Bar::AtMost(1.1), || {
            in_child("below/tracing-subscriber")[0]
        })
        .run();
}

/// The figures that a child prints.
fn in_child(name: &str) -> [f64; 2] {
    let program = std::env::current_exe().expect("this program");
    let output = Command::new(program).args(["run", name]).output();
    let output = output.expect("a child");
    let text = String::from_utf8_lossy(&output.stdout);
    let figures: Vec<f64> = text
        .split_whitespace()
        .filter_map(|word| word.parse().ok())
        .collect();
    figures.try_into().unwrap_or_else(|_| {
        panic!(
            "{name} said {text:?} {}",
            String::from_utf8_lossy(&output.stderr)
        )
    })
}

fn run_one(name: &str) -> [f64; 2] {
    if let Some(whose) = name.strip_prefix("below/") {
        return [below_the_level(whose), 0.0];
    }
    let (name, threads) = name.split_once('/').expect("NAME/THREADS");
    let threads: u64 = threads.parse().expect("a number of threads");
    let mut guard = None;
    match name {
        "aiomisc" | "unbuffered" => log::basic_config()
            .format(LogFormat::Json)
            .output(Output::from(null()))
            .buffered(name == "aiomisc")
            .init()
            .expect("a configuration"),
        "non-blocking" => {
            let (writer, worker) = non_blocking();
            guard = Some(worker);
            let subscriber = tracing_subscriber::fmt()
                .json()
                .with_writer(writer)
                .finish();
            tracing::subscriber::set_global_default(subscriber).expect("no other");
        }
        "by-the-caller" => {
            let writer = Mutex::new(null());
            let subscriber = tracing_subscriber::fmt()
                .json()
                .with_writer(writer)
                .finish();
            tracing::subscriber::set_global_default(subscriber).expect("no other");
        }
        "floor" => {}
        other => panic!("no such implementation: {other}"),
    }
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                if name == "floor" {
                    return copied_pieces(RECORDS / threads);
                }
                for i in 0..RECORDS / threads {
                    tracing::info!(user_id = i, path = "/index.html", "request served");
                }
            });
        }
    });
    let caller = begun.elapsed().as_secs_f64();
    drop(guard);
    if name == "aiomisc" {
        assert!(log::flush());
    }
    let flushed = begun.elapsed().as_secs_f64();
    let records = RECORDS as f64;
    [records / caller, records / flushed]
}

/// Nanoseconds of a call that is not logged.
fn below_the_level(whose: &str) -> f64 {
    match whose {
        "ours" => log::basic_config()
            .level(LogLevel::Info)
            .format(LogFormat::Json)
            .output(null())
            .init()
            .expect("a configuration"),
        _ => tracing_subscriber::fmt()
            .with_max_level(tracing::Level::INFO)
            .with_writer(Mutex::new(null()))
            .init(),
    }
    const CALLS: u64 = 50_000_000;
    ns_per_op(CALLS, || {
        for i in 0..CALLS {
            tracing::debug!(user_id = black_box(i), path = "/index.html", "served");
        }
    })
}

fn non_blocking() -> (NonBlocking, WorkerGuard) {
    NonBlockingBuilder::default().lossy(false).finish(null())
}

/// A file without a disk.
fn null() -> File {
    OpenOptions::new()
        .write(true)
        .open("/dev/null")
        .expect("/dev/null")
}

/// What it costs to put such a line together from pieces, with the clock read for each.
fn copied_pieces(records: u64) {
    let mut file = null();
    let mut out = Vec::with_capacity(1 << 17);
    for i in 0..records {
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .expect("a clock");
        out.extend_from_slice(b"{\"@timestamp\":1700000000.");
        number(&mut out, now.subsec_micros().into());
        out.extend_from_slice(
            b",\"level\":\"info\",\"msg\":\"request served\",\"@fields\":{\"identifier\":\"j11_logging\",\
              \"code_file\":\"benches/peers/src/bin/j11_logging.rs\",\"code_line\":137,\
              \"code_module\":\"j11_logging\",\"pid\":12345,\"process_name\":\"j11_logging\",\
              \"thread_name\":\"ThreadId(2)\",\"user_id\":",
        );
        number(&mut out, black_box(i));
        out.extend_from_slice(b",\"path\":\"/index.html\",\"errno\":0}}\n");
        if out.len() > 1 << 16 {
            file.write_all(&out).expect("/dev/null");
            out.clear();
        }
    }
    file.write_all(&out).expect("/dev/null");
}

fn number(out: &mut Vec<u8>, mut value: u64) {
    let mut digits = [b'0'; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}
