//! Callbacks at intervals and at times of the calendar: alone, and as services that are waited for at the stop.
//!
//! ```sh
//! cargo run --example periodic_and_cron --features cron
//! cargo run --example periodic_and_cron --features cron -- --next '30 2 * * *' --zone Europe/Berlin
//! ```
//!
//! The second form prints the next times of an expression. `--runtime` takes `smol` or `tokio`.
#![allow(clippy::print_stdout, reason = "this is what the example shows")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use aiomisc::cron::{CronCallback, CronSpec};
use aiomisc::periodic::{Missed, PeriodicCallback};
use aiomisc::service::{CronService, PeriodicService};
use aiomisc::{BoxError, services, time};

#[path = "common/cli.rs"]
mod cli;

fn main() -> Result<(), BoxError> {
    let args = cli::Args::parse(&["--runtime", "--next", "--zone"])?;
    let expression = args.get("--next", "");
    if !expression.is_empty() {
        return print_next(&expression, &args.get("--zone", "UTC"));
    }

    // As services: they are started with the program, and their calls are waited for at its end.
    let heartbeat = PeriodicService::new(Duration::from_millis(100), || async {
        println!("service: heartbeat begins");
        time::sleep(Duration::from_millis(50)).await;
        println!("service: heartbeat ends");
    })
    .name("heartbeat");
    let cron = CronService::new()
        .register(CronSpec::with_seconds_first("* * * * * *")?, || async {
            println!("service: a second has passed");
        })?
        .register("@yearly", || async { println!("happy new year") })?;
    let heart = heartbeat.monitor();

    let outcome = args
        .entrypoint()?
        .services(services![heartbeat, cron])
        .run(async {
            fixed_delay().await?;
            fixed_rate().await?;
            each_second().await
        })?;
    outcome.finished().ok_or("a signal came")??;
    println!("the heartbeat has ended: {:?}", heart.status().state);
    Ok(())
}

/// The pause is between the end of a call and the next one. An error is logged, and the timer goes on.
async fn fixed_delay() -> Result<(), BoxError> {
    let calls = Arc::new(AtomicU32::new(0));
    let counts = Arc::clone(&calls);
    let timer = PeriodicCallback::new(move || {
        let call = counts.fetch_add(1, Ordering::Relaxed);
        async move {
            match call {
                1 => Err("the second one fails"),
                _ => Ok(()),
            }
        }
    })
    .name("cleaner")
    .suppress(|_| true);
    timer.start(Duration::from_millis(10))?.detach();
    while calls.load(Ordering::Relaxed) < 5 {
        time::sleep(Duration::from_millis(5)).await;
    }
    println!("cleaner: {}", timer.stop().await?);
    let monitor = timer.monitor();
    println!(
        "cleaner: {} failed as was foreseen",
        monitor.statistics().suppressed.total()
    );
    Ok(())
}

/// The calls are on a grid. One that takes too long has the next ones missed, which is told.
async fn fixed_rate() -> Result<(), BoxError> {
    let first = Arc::new(AtomicU32::new(0));
    let sampler = PeriodicCallback::new(move || {
        let slow = first.fetch_add(1, Ordering::Relaxed) == 0;
        async move {
            if slow {
                time::sleep(Duration::from_millis(250)).await;
            }
        }
    })
    .name("sampler")
    .fixed_rate(Missed::Skip);
    let task = sampler.start(Duration::from_millis(100))?;
    let monitor = sampler.monitor();
    let missed = || monitor.statistics().missed.total();
    while missed() < 2 {
        time::sleep(Duration::from_millis(20)).await;
    }
    println!("sampler: {}", task.stop().await);
    println!("sampler: {} missed", missed());
    Ok(())
}

/// Times of the calendar, with seconds.
async fn each_second() -> Result<(), BoxError> {
    let calls = Arc::new(AtomicU32::new(0));
    let counts = Arc::clone(&calls);
    let timer = CronCallback::new(move || {
        counts.fetch_add(1, Ordering::Relaxed);
        async {}
    });
    timer
        .start(CronSpec::with_seconds_last("* * * * * */1")?)?
        .detach();
    while calls.load(Ordering::Relaxed) < 2 {
        time::sleep(Duration::from_millis(20)).await;
    }
    let stopped = timer.stop().await?;
    println!(
        "cron: {stopped} after {} calls",
        calls.load(Ordering::Relaxed)
    );
    Ok(())
}

#[allow(
    clippy::disallowed_methods,
    reason = "the next times are those after the moment at which the program is called"
)]
fn print_next(expression: &str, zone: &str) -> Result<(), BoxError> {
    let spec = CronSpec::parse(expression)?.in_time_zone(zone)?;
    let now = SystemTime::now();
    for time in spec.upcoming(now).take(5) {
        println!("in {} s", time.duration_since(now)?.as_secs());
    }
    Ok(())
}
