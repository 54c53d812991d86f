//! Job 14: a thousand periodic callbacks every 50 ms, with their CPU time and allocations; the next time of a cron
//! expression.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, SystemTime};

use aiomisc::adapters::{Smol, Tokio};
use aiomisc::cron::CronSpec;
use aiomisc::periodic::{Missed, PeriodicCallback};
use aiomisc::{Runtime, time};
use peers::allocs::{self, Counting};
use peers::{Bar, Contest, Metric, ns_per_op, process};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const TIMERS: u64 = 1_000;
const INTERVAL: Duration = Duration::from_millis(50);
const TURNS: u64 = 40;

type MakeRuntime = fn() -> Runtime;

fn main() {
    let adapters: [(&str, MakeRuntime); 2] = [
        ("smol", || Smol::new().into()),
        ("tokio-current", || {
            Tokio::current_thread().expect("a runtime").into()
        }),
    ];
    let metrics = [
        Metric {
            suffix: "/share",
            unit: "%",
        },
        Metric {
            suffix: "/cpu",
            unit: "us",
        },
        Metric {
            suffix: "/allocations",
            unit: "a-call",
        },
    ];
    for (name, make) in adapters {
        let contest =
            Contest::with_metrics(
                format!("j14-periodic-1000/{name}"),
                metrics,
                || ours(make()),
            )
            .within_all([Some(Bar::AtLeast(99.5)), Some(Bar::AtMost(3.0)), None]);
        match name {
            "smol" => contest
                .entry("async-io-interval", [None; 3], async_io_intervals)
                .run(),
            _ => contest
                .entry("tokio-interval", [None; 3], tokio_intervals)
                .run(),
        }
    }
    cron();
}

/// Measures what counts calls while it runs for so many intervals.
fn measured(count: &AtomicU64, run: impl FnOnce(&dyn Fn())) -> [f64; 3] {
    let cpu = || process::cpu_time(std::process::id());
    let before = std::cell::Cell::new((cpu(), allocs::so_far().0, 0));
    // When all have been called once.
    run(&|| before.set((cpu(), allocs::so_far().0, count.load(Relaxed))));
    let (cpu_before, allocs_before, calls_before) = before.get();
    let calls = (count.load(Relaxed) - calls_before) as f64;
    [
        100.0 * calls / (TIMERS * TURNS) as f64,
        (cpu() - cpu_before).as_secs_f64() * 1e6 / calls,
        (allocs::so_far().0 - allocs_before) as f64 / calls,
    ]
}

fn ours(runtime: Runtime) -> [f64; 3] {
    let count = Arc::new(AtomicU64::new(0));
    measured(&count, |begin| {
        runtime.block_on(async {
            let mut timers = Vec::new();
            for _ in 0..TIMERS {
                let count = Arc::clone(&count);
                let timer = PeriodicCallback::new(move || {
                    count.fetch_add(1, Relaxed);
                    std::future::ready(())
                });
                let timer = timer.name("bench").fixed_rate(Missed::Skip);
                timers.push(timer.start(INTERVAL).expect("a runtime"));
            }
            time::sleep(INTERVAL * 3 / 2).await;
            begin();
            time::sleep(INTERVAL * TURNS as u32).await;
        });
    })
}

fn async_io_intervals() -> [f64; 3] {
    let count = Arc::new(AtomicU64::new(0));
    measured(&count, |begin| {
        let executor = async_executor::Executor::new();
        async_io::block_on(executor.run(async {
            let mut tasks = Vec::new();
            for _ in 0..TIMERS {
                let count = Arc::clone(&count);
                tasks.push(executor.spawn(async move {
                    use futures_lite::StreamExt;
                    let mut ticks = async_io::Timer::interval(INTERVAL);
                    while ticks.next().await.is_some() {
                        count.fetch_add(1, Relaxed);
                    }
                }));
            }
            async_io::Timer::after(INTERVAL * 3 / 2).await;
            begin();
            async_io::Timer::after(INTERVAL * TURNS as u32).await;
        }));
    })
}

fn tokio_intervals() -> [f64; 3] {
    let count = Arc::new(AtomicU64::new(0));
    measured(&count, |begin| {
        peers::tokio_ct().block_on(async {
            for _ in 0..TIMERS {
                let count = Arc::clone(&count);
                tokio::spawn(async move {
                    let mut ticks = tokio::time::interval(INTERVAL);
                    loop {
                        ticks.tick().await;
                        count.fetch_add(1, Relaxed);
                    }
                });
            }
            tokio::time::sleep(INTERVAL * 3 / 2).await;
            begin();
            tokio::time::sleep(INTERVAL * TURNS as u32).await;
        });
    })
}

fn cron() {
    const OPS: u64 = 10_000;
    let from = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    for (name, zone) in [("utc", "UTC"), ("berlin", "Europe/Berlin")] {
        let spec = CronSpec::parse("*/5 9-17 * * MON-FRI").expect("it is one");
        let spec = spec.in_time_zone(zone).expect("it is one");
        Contest::new(format!("j14-cron-next/{name}"), "ns", || {
            ns_per_op(OPS, || {
                for _ in 0..OPS {
                    black_box(spec.next_after(black_box(from)));
                }
            })
        })
        .run();
    }
    Contest::new("j14-cron-parse", "ns", || {
        ns_per_op(OPS / 10, || {
            for _ in 0..OPS / 10 {
                black_box(CronSpec::parse(black_box("*/5 9-17 * * MON-FRI"))).expect("it is one");
            }
        })
    })
    .run();
}
