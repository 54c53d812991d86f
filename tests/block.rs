//! The entrypoint around code that is not asynchronous (row A15 of the parity table), on every runtime.
#![cfg(all(unix, feature = "testing", any(feature = "smol", feature = "tokio")))]

mod shared;

use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use aiomisc::service::StopKind;
use aiomisc::{
    BoxError, Entrypoint, Outcome, Runtime, Service, ServiceContext, StopReason, async_trait,
    service_fn, thread,
};
use shared::{Events, runtimes};

/// A service that writes its start and stop down.
struct Probe(Events);

#[async_trait]
impl Service for Probe {
    async fn start(&self, _: ServiceContext) -> Result<(), BoxError> {
        self.0.add("start");
        Ok(())
    }

    async fn stop(&self, _: &StopReason) -> Result<(), BoxError> {
        self.0.add("stop");
        Ok(())
    }
}

/// As on every thread that polls nothing.
#[test]
fn the_closure_may_wait_as_any_thread_does() {
    for runtime in runtimes() {
        let waited = Entrypoint::builder().runtime(runtime).block(|_| {
            let here = Runtime::current().expect("that of the entrypoint");
            let inside = || thread::sync_wait_on(&here, async { 7 });
            (inside(), here.block_on(async { inside().is_err() }))
        });
        assert_eq!(waited.expect("it runs"), (Ok(7), true));
    }
}

#[test]
fn services_are_up_around_the_closure_which_may_block_several_times() {
    for runtime in runtimes() {
        let events = Events::default();
        let sum = Entrypoint::builder()
            .runtime(runtime)
            .service(Probe(events.clone()))
            .block(|ep| {
                events.add("first");
                let one = ep.block_on(async { 1 }).finished().expect("no stop");
                // What is not 'static can be waited for as well.
                let (borrowed, events) = (&one, &events);
                let two = ep.block_on(async move {
                    aiomisc::time::sleep(Duration::from_millis(1)).await;
                    events.add("second");
                    borrowed + 1
                });
                one + two.finished().expect("no stop")
            });
        assert_eq!(sum.expect("nothing fails"), 3);
        assert_eq!(events.all(), ["start", "first", "second", "stop"]);
    }
}

#[test]
fn tasks_that_come_before_run_forever_run_and_one_of_them_ends_it() {
    for runtime in runtimes() {
        let events = Events::default();
        let seen = events.clone();
        let reason = Entrypoint::builder()
            .runtime(runtime)
            .service(Probe(events.clone()))
            .block(|ep| {
                for name in ["a", "b"] {
                    let seen = seen.clone();
                    ep.spawn(async move { seen.add(name) }).detach();
                }
                // Without the handle, as code deeper down has it.
                aiomisc::spawn(async {
                    let ep = Entrypoint::current().expect("tasks belong to the entrypoint");
                    while ep.tasks().len() > 1 {
                        aiomisc::time::sleep(Duration::from_millis(1)).await;
                    }
                    ep.request_stop("all done");
                })
                .detach();
                ep.run_forever()
            });
        let reason = reason.expect("nothing fails");
        assert_eq!(reason.kind(), &StopKind::Requested("all done".into()));
        let mut events = events.all();
        events[1..3].sort();
        assert_eq!(events, ["start", "a", "b", "stop"]);
    }
}

#[test]
fn the_closure_is_inside_of_the_entrypoint() {
    assert!(Entrypoint::current().is_none());
    for runtime in runtimes() {
        let outcome = Entrypoint::builder().runtime(runtime).block(|ep| {
            assert!(Entrypoint::current().is_some());
            // From another thread, which is in no scope of its own.
            std::thread::scope(|threads| {
                let other = threads.spawn(|| {
                    assert!(Entrypoint::current().is_none());
                    ep.spawn(async { Entrypoint::current().is_some() })
                });
                let task = other.join().expect("no panic");
                let found = ep.block_on(task).finished().expect("no stop");
                assert!(found.expect("no panic"));
            });
            let found = ep.runtime().block_on(async { Entrypoint::current() });
            assert!(found.is_some());
        });
        outcome.expect("nothing fails");
        assert!(Entrypoint::current().is_none());
    }
}

#[test]
fn a_stop_drops_the_future_and_those_that_come_later() {
    for runtime in runtimes() {
        let events = Events::default();
        let outcome = Entrypoint::builder()
            .runtime(runtime)
            .service(Probe(events.clone()))
            .block(|ep| {
                let dropped = events.on_drop("first dropped");
                let first = ep.block_on(async {
                    let _dropped = dropped;
                    Entrypoint::current()
                        .expect("inside")
                        .request_stop("enough");
                    pending::<()>().await;
                });
                assert!(first.stop_reason().is_some(), "{first:?}");
                assert!(ep.is_closing());
                let second = ep.block_on(async { events.add("never") });
                assert!(matches!(second, Outcome::Stopped(_)), "{second:?}");
                events.add("closure over");
                ep.run_forever().to_string()
            });
        assert_eq!(outcome.expect("nothing fails"), "enough");
        assert_eq!(
            events.all(),
            ["start", "first dropped", "closure over", "stop"]
        );
    }
}

#[test]
fn a_stop_between_two_waits_is_seen_by_the_next() {
    for runtime in runtimes() {
        let outcome = Entrypoint::builder().runtime(runtime).block(|ep| {
            assert!(ep.block_on(async {}).finished().is_some());
            ep.request_stop("in between");
            ep.block_on(async { unreachable!("the stop has begun") })
                .stop_reason()
                .map(ToString::to_string)
        });
        let reason = outcome.expect("nothing fails");
        assert_eq!(reason.as_deref(), Some("in between"));
    }
}

#[test]
fn a_service_that_fails_ends_the_wait() {
    for runtime in runtimes() {
        let events = Events::default();
        // One that fails before all have started ends the start instead.
        let (all_up, closure_runs) = async_channel::bounded::<()>(1);
        let failing = service_fn("failing", move |ctx: ServiceContext| {
            let closure_runs = closure_runs.clone();
            async move {
                ctx.ready();
                closure_runs.recv().await.expect_err("closed");
                Err("broken".into())
            }
        });
        let seen = events.clone();
        let error = Entrypoint::builder()
            .runtime(runtime)
            .service(Probe(events.clone()))
            .service(failing)
            .block(|ep| {
                drop(all_up);
                seen.add(ep.run_forever().to_string());
            })
            .expect_err("a service failed");
        assert_eq!(error.to_string(), "service `failing` failed: broken");
        let events = events.all();
        assert_eq!(
            events,
            ["start", "service `failing` failed", "stop"],
            "{events:?}"
        );
    }
}

#[test]
fn the_closure_is_not_called_when_the_start_fails_or_is_stopped() {
    for runtime in runtimes() {
        let events = Events::default();
        let failing = service_fn("failing", |_| async { Err("out of luck".into()) });
        let error = Entrypoint::builder()
            .runtime(runtime.clone())
            .service(failing)
            .block(|_| events.add("called"))
            .expect_err("a service failed");
        assert_eq!(error.failures().len(), 1, "{error}");
        assert_eq!(error.exit_code(), 1);

        let stopping = service_fn("stopping", |ctx: ServiceContext| async move {
            ctx.entrypoint().request_stop("not today");
            pending().await
        });
        let error = Entrypoint::builder()
            .runtime(runtime)
            .service(stopping)
            .block(|_| events.add("called"))
            .expect_err("it was stopped");
        let reason = error.stop_reason().expect("nothing failed");
        assert_eq!(reason.to_string(), "not today");
        assert_eq!(error.exit_code(), 0);
        assert!(events.all().is_empty());
    }
}

#[test]
fn a_panic_of_the_closure_or_of_its_future_comes_through_after_the_stop() {
    for inside in [false, true] {
        for runtime in runtimes() {
            let events = Events::default();
            let builder = Entrypoint::builder()
                .runtime(runtime)
                .service(Probe(events.clone()));
            let run = || {
                builder.block(|ep| {
                    if inside {
                        ep.block_on(async { panic!("oh no") });
                    }
                    panic!("oh no")
                })
            };
            let panic = catch_unwind(AssertUnwindSafe(run)).map(drop);
            let panic = panic.expect_err("it panics");
            assert_eq!(panic.downcast_ref(), Some(&"oh no"));
            assert_eq!(events.all(), ["start", "stop"]);
        }
    }
}

#[test]
fn a_stop_that_takes_too_long_is_an_error_of_the_block() {
    struct Hangs;

    #[async_trait]
    impl Service for Hangs {
        async fn start(&self, _: ServiceContext) -> Result<(), BoxError> {
            Ok(())
        }

        async fn stop(&self, _: &StopReason) -> Result<(), BoxError> {
            pending().await
        }
    }

    for runtime in runtimes() {
        let error = Entrypoint::builder()
            .runtime(runtime)
            .service(Hangs)
            .shutdown_timeout(Duration::from_millis(10))
            .exit_on_overrun(false)
            .block(|_| ())
            .expect_err("it hangs");
        assert!(error.overran());
        assert_eq!(error.exit_code(), 70);
    }
}

#[test]
fn mistakes_of_the_configuration_come_before_everything() {
    let events = Events::default();
    let error = Entrypoint::builder()
        .pool_size(0)
        .service(Probe(events.clone()))
        .block(|_| events.add("called"))
        .expect_err("a pool of nothing");
    assert!(error.as_config().is_some());
    assert!(events.all().is_empty());
}

/// On smol a wait within a wait is possible, and the runtime is driven by the inner one.
#[test]
#[cfg(feature = "smol")]
fn a_block_inside_of_a_task_waits_on_smol() {
    let smol = aiomisc::adapters::Smol::new();
    let inner = smol.runtime();
    let answer = smol.block_on(async {
        let outcome = Entrypoint::builder()
            .runtime(inner)
            .block(|ep| ep.block_on(ep.spawn(async { 7 })).finished());
        outcome.expect("nothing fails")
    });
    let answer = answer.expect("no stop").expect("no panic");
    assert_eq!(answer, 7);
}

/// tokio does not let its threads be blocked: its panic is the program's, before anything has begun.
#[test]
#[cfg(feature = "tokio")]
fn a_block_inside_of_a_task_panics_on_tokio() {
    use aiomisc::adapters::Tokio;
    for tokio in [Tokio::multi_thread(2), Tokio::current_thread()] {
        let tokio = tokio.expect("tokio");
        let events = Events::default();
        let builder = Entrypoint::builder()
            .runtime(tokio.runtime())
            .service(Probe(events.clone()));
        let inside = || tokio.block_on(async { builder.block(|_| events.add("called")) });
        let panic = catch_unwind(AssertUnwindSafe(inside)).map(drop);
        let panic = panic.expect_err("a runtime inside of a runtime");
        let text = panic.downcast_ref::<String>().map_or_else(
            || (*panic.downcast_ref::<&str>().expect("a text")).to_owned(),
            Clone::clone,
        );
        assert!(text.contains("within a runtime"), "{text}");
        assert!(events.all().is_empty());

        // And one inside of a block does not keep the services from being stopped.
        let builder = Entrypoint::builder()
            .runtime(tokio.runtime())
            .service(Probe(events.clone()));
        let nested = || {
            builder.block(|ep| {
                ep.block_on(async {
                    ep.block_on(async {});
                });
            })
        };
        let panic = catch_unwind(AssertUnwindSafe(nested)).map(drop);
        panic.expect_err("a runtime inside of a runtime");
        assert_eq!(events.all(), ["start", "stop"]);
    }
}
