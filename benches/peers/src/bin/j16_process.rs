//! Job 16: a whole process that does nothing, from its start to its end, and the memory that it takes.

use std::process::{Command, Stdio};
use std::time::Instant;

use nix::sys::resource::{UsageWho, getrusage};
use peers::{Bar, Contest, Metric};

const PROCESSES: usize = 40;

fn main() {
    // `once PROGRAM`: a small process for each program, so that the peak of its children is that of this one.
    let args: Vec<String> = std::env::args().collect();
    if let [_, command, program] = &args[..]
        && command == "once"
    {
        return println!("{}", peak(program));
    }
    let metrics = [
        Metric {
            suffix: "-time",
            unit: "ms",
        },
        Metric {
            suffix: "-peak-memory",
            unit: "MiB",
        },
    ];
    Contest::with_metrics("j16-process", metrics, || measure("process_ours"))
        .within_all([Some(Bar::AtMost(6.0)), Some(Bar::AtMost(8.0))])
        .entry("ours-bare", [None; 2], || measure("process_ours_bare"))
        .entry("raw-smol", [None; 2], || measure("process_smol"))
        .entry("raw-tokio", [None; 2], || measure("process_tokio"))
        .entry("floor:empty", [None; 2], || measure("process_empty"))
        .run();
}

/// Milliseconds from the start to the end, the median of many; and the peak of the resident memory.
fn measure(program: &str) -> [f64; 2] {
    let path = std::env::current_exe()
        .expect("the path of this program")
        .with_file_name(program);
    let mut times: Vec<f64> = (0..PROCESSES)
        .map(|_| {
            let begun = Instant::now();
            let status = Command::new(&path)
                .stderr(Stdio::null())
                .status()
                .expect("a program");
            assert!(status.success());
            begun.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    let me = std::env::current_exe().expect("the path of this program");
    let peak = Command::new(me)
        .arg("once")
        .arg(path)
        .output()
        .expect("this program again");
    let peak: f64 = String::from_utf8_lossy(&peak.stdout)
        .trim()
        .parse()
        .expect("a number");
    [times[PROCESSES / 2], peak / 1024.0]
}

/// The peak of a program in KiB.
fn peak(program: &str) -> i64 {
    let status = Command::new(program)
        .stderr(Stdio::null())
        .status()
        .expect("a program");
    assert!(status.success());
    getrusage(UsageWho::RUSAGE_CHILDREN)
        .expect("a count")
        .max_rss()
}
