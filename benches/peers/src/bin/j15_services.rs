//! Job 15: the start and the stop of many services.

use aiomisc::adapters::{Smol, Tokio};
use aiomisc::log::LogLevel;
use aiomisc::{Entrypoint, Runtime, ServiceContext, service_fn};
use peers::{Bar, Contest};

fn main() {
    for count in [1000, 10_000, 100_000] {
        for (name, make) in adapters() {
            let contest = Contest::new(format!("j15-services-{count}/{name}"), "ms", || {
                start_and_stop(make(), count)
            });
            match count {
                1000 => contest.within(Bar::AtMost(3.0)).run(),
                // Not more for each of them than when there are few.
                _ => contest
                    .rival("as-many-times-1000", Bar::AtMost(1.5), || {
                        start_and_stop(make(), 1000) * f64::from(count) / 1000.0
                    })
                    .run(),
            }
        }
    }
}

fn adapters() -> [(&'static str, fn() -> Runtime); 3] {
    [
        ("smol", || Smol::new().into()),
        ("tokio-current", || {
            Tokio::current_thread().expect("a runtime").into()
        }),
        ("tokio-2-threads", || {
            Tokio::multi_thread(2).expect("a runtime").into()
        }),
    ]
}

/// Milliseconds of the whole run of a program whose services wait for their stop.
fn start_and_stop(runtime: Runtime, count: u32) -> f64 {
    let waits = |ctx: ServiceContext| async move {
        ctx.ready();
        ctx.stopping().await;
        Ok(())
    };
    let mut entrypoint = Entrypoint::builder()
        .runtime(runtime)
        .log_level(LogLevel::Error);
    for number in 0..count {
        entrypoint = entrypoint.service(service_fn(format!("service {number}"), waits));
    }
    let begun = std::time::Instant::now();
    entrypoint
        .run(async {})
        .expect("a program that ends in order");
    begun.elapsed().as_secs_f64() * 1e3
}
