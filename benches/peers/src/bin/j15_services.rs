//! Job 15: the start and the stop of many services.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use aiomisc::adapters::{Smol, Tokio};
use aiomisc::log::LogLevel;
use aiomisc::{Entrypoint, Runtime, ServiceContext, service_fn};
use event_listener::Event;
use peers::{Bar, Contest};

fn main() {
    for count in [1000, 10_000, 100_000] {
        for (name, make) in adapters() {
            let contest = Contest::new(format!("j15-services-{count}/{name}"), "ms", || {
                start_and_stop(make(), count)
            });
            match count {
                1000 => contest
                    .within(Bar::AtMost(3.0))
                    .peer("floor:two-tasks-and-an-event", || {
                        two_tasks_and_an_event(count)
                    })
                    .run(),
                // Not more for each of them than when there are few.
                _ => contest
                    .rival("as-many-times-1000", Bar::AtMost(1.5), || {
                        // Once for nothing: the allocator puts in order what the large run has left.
                        start_and_stop(make(), 1000);
                        start_and_stop(make(), 1000) * f64::from(count) / 1000.0
                    })
                    .run(),
            }
        }
    }
}

/// Milliseconds of the least that such services need, on a bare executor: a task that waits, and a task that tells it
/// to end.
fn two_tasks_and_an_event(count: u32) -> f64 {
    let begun = Instant::now();
    let executor = async_executor::Executor::new();
    async_io::block_on(executor.run(async {
        let mut tasks = Vec::new();
        let mut stops = Vec::new();
        for _ in 0..count {
            let stop = Arc::new((AtomicBool::new(false), Event::new()));
            stops.push(Arc::clone(&stop));
            tasks.push(executor.spawn(async move {
                let stopped = stop.1.listen();
                if !stop.0.load(Ordering::SeqCst) {
                    stopped.await;
                }
            }));
        }
        futures_lite::future::yield_now().await;
        for stop in stops {
            tasks.push(executor.spawn(async move {
                stop.0.store(true, Ordering::SeqCst);
                stop.1.notify(usize::MAX);
            }));
        }
        for task in tasks {
            task.await;
        }
    }));
    begun.elapsed().as_secs_f64() * 1e3
}

type Adapter = (&'static str, fn() -> Runtime);

fn adapters() -> [Adapter; 3] {
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
    let begun = Instant::now();
    entrypoint
        .run(async {})
        .expect("a program that ends in order");
    begun.elapsed().as_secs_f64() * 1e3
}
