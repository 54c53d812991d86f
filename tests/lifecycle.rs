//! The life of an entrypoint and its services (rows A1, A3, A4, A7, A8, A13 of the parity table), on
//! every runtime.
#![cfg(all(
    feature = "testing",
    feature = "macros",
    any(feature = "smol", feature = "tokio", feature = "simulation")
))]

mod shared;

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use aiomisc::entrypoint::{OsSignal, Stage};
use aiomisc::service::{ServiceOptions, ServiceState, StopKind};
use aiomisc::{
    BoxError, Entrypoint, Outcome, Runtime, Service, ServiceContext, StopReason, async_trait,
    service_fn, services,
};
use shared::{Events, manual};

/// A service that writes down what happens to it, and does what it is told.
#[derive(Clone)]
struct Probe {
    name: &'static str,
    events: Events,
    start: Start,
    stop: Stop,
    options: ServiceOptions,
}

#[derive(Clone, Copy)]
enum Start {
    Returns,
    Panics,
    NeverReady,
    ReadyThenStays,
    ReadyThenLooksOut,
    ReadyThenFinishes,
}

#[derive(Clone, Copy)]
enum Stop {
    Returns,
    Fails,
    Panics,
    Hangs,
}

impl Probe {
    fn new(name: &'static str, events: &Events, start: Start, stop: Stop) -> Self {
        Self {
            name,
            events: events.clone(),
            start,
            stop,
            options: ServiceOptions::default(),
        }
    }
}

#[async_trait]
impl Service for Probe {
    fn name(&self) -> std::borrow::Cow<'_, str> {
        self.name.into()
    }

    async fn start(&self, ctx: ServiceContext) -> Result<(), BoxError> {
        let _dropped = self.events.on_drop(&format!("{}: start over", self.name));
        self.events.add(format!("{}: start", self.name));
        match self.start {
            Start::Returns => {}
            Start::Panics => panic!("what now"),
            Start::NeverReady => pending().await,
            Start::ReadyThenStays => {
                ctx.ready();
                pending().await
            }
            Start::ReadyThenLooksOut => {
                ctx.ready();
                ctx.stopping().await;
                self.events.add(format!("{}: stopping", self.name));
            }
            Start::ReadyThenFinishes => ctx.ready(),
        }
        Ok(())
    }

    async fn stop(&self, _: &StopReason) -> Result<(), BoxError> {
        self.events.add(format!("{}: stop", self.name));
        match self.stop {
            Stop::Returns => Ok(()),
            Stop::Fails => Err("cannot let go".into()),
            Stop::Panics => panic!("not now"),
            Stop::Hangs => pending().await,
        }
    }

    fn options(&self) -> ServiceOptions {
        self.options.clone()
    }
}

/// S1, O1
#[aiomisc::test(runtimes(all))]
async fn services_start_together_and_before_the_main_job() {
    // Each waits for the other: one after another they would never start.
    let (one, two) = (switch(), switch());
    let pair = |name, mine: Switch, other: Switch| {
        service_fn(name, move |_| {
            let (mine, other) = (mine.clone(), other.clone());
            async move {
                mine.set();
                other.wait().await;
                Ok(())
            }
        })
    };
    let ep = Entrypoint::builder()
        .service(pair("one", one.clone(), two.clone()))
        .service(pair("two", two, one))
        .start()
        .await
        .expect("both start");
    assert!(
        ep.services()
            .iter()
            .all(|service| service.state() == ServiceState::Running)
    );
    ep.graceful_shutdown("done").await.expect("nothing fails");
}

/// S2
#[aiomisc::test(runtimes(all))]
async fn a_start_that_returns_and_one_that_stays_are_both_started() {
    let events = Events::default();
    let ep = Entrypoint::builder()
        .service(Probe::new(
            "returns",
            &events,
            Start::Returns,
            Stop::Returns,
        ))
        .service(Probe::new(
            "stays",
            &events,
            Start::ReadyThenLooksOut,
            Stop::Returns,
        ))
        .start()
        .await
        .expect("both start");
    let reason = ep.graceful_shutdown("enough").await.expect("nothing fails");
    assert_eq!(reason.kind(), &StopKind::Requested("enough".into()));
    let events = events.all();
    for name in ["returns", "stays"] {
        let stops = events
            .iter()
            .filter(|event| **event == format!("{name}: stop"))
            .count();
        assert_eq!(stops, 1, "{events:?}");
    }
    assert!(events.contains(&"stays: stopping".to_owned()), "{events:?}");
}

/// S4
#[aiomisc::test(runtimes(all))]
async fn a_failing_start_stops_what_is_up_in_reverse_and_names_all() {
    let events = Events::default();
    let (up, begun) = ([switch(), switch()], switch());
    let ready = |name, started: &Switch| WithStop {
        name,
        started: started.clone(),
        events: events.clone(),
    };
    let others = [up[0].clone(), up[1].clone(), begun.clone()];
    let failing = service_fn("failing", move |_| {
        let others = others.clone();
        async move {
            for other in &others {
                other.wait().await;
            }
            Err("out of luck".into())
        }
    });
    let starting = events.clone();
    let starting = service_fn("starting", move |_| {
        let (starting, begun) = (starting.clone(), begun.clone());
        async move {
            let _dropped = starting.on_drop("starting: dropped");
            begun.set();
            pending().await
        }
    });
    let error = Entrypoint::builder()
        .service(ready("one", &up[0]))
        .service(ready("two", &up[1]))
        .service(failing)
        .service(starting)
        .start()
        .await
        .expect_err("one fails");
    assert_eq!(
        events.all(),
        ["starting: dropped", "two: stop", "one: stop"]
    );
    let failed: Vec<_> = error
        .failures()
        .iter()
        .map(|f| (f.service(), f.stage()))
        .collect();
    assert_eq!(
        failed,
        [("failing", Stage::Start), ("starting", Stage::Start)]
    );
    assert_eq!(
        error.to_string(),
        "service `failing` failed to start: out of luck; \
         service `starting` failed to start: given up: service `failing` failed"
    );
    assert_eq!(error.exit_code(), 1);
}

#[aiomisc::test(runtimes(all))]
async fn a_panic_in_start_is_that_service_s_failure() {
    let events = Events::default();
    let error = Entrypoint::builder()
        .service(Probe::new("bad", &events, Start::Panics, Stop::Returns))
        .service(Probe::new(
            "good",
            &events,
            Start::ReadyThenLooksOut,
            Stop::Returns,
        ))
        .start()
        .await
        .expect_err("one panics");
    let text = error.to_string();
    assert!(
        text.starts_with("service `bad` failed to start: panicked: what now"),
        "{text}"
    );
    let events = events.all();
    let count = |what: &str| events.iter().filter(|event| *event == what).count();
    assert_eq!(count("bad: stop"), 0, "it has not started");
    assert_eq!(count("good: start"), count("good: start over"));
}

/// S3
#[aiomisc::test(runtimes(all))]
async fn a_start_that_takes_too_long_is_given_up_at_its_limit() {
    let (runtime, clock) = manual();
    let events = Events::default();
    let mut slow = Probe::new("slow", &events, Start::NeverReady, Stop::Returns);
    slow.options = ServiceOptions::new().start_limit(Duration::from_secs(7));
    let begun = clock.now();
    let start = Runtime::current().expect("a runtime").spawn(
        Entrypoint::builder()
            .runtime(runtime)
            .service(slow)
            .service(Probe::new(
                "patient",
                &events,
                Start::NeverReady,
                Stop::Returns,
            ))
            .start(),
    );
    clock.wait_until_pending(1).await;
    clock.advance(Duration::from_millis(6999));
    assert!(!start.is_finished());
    // The shutdown's own limit may wait as well; only the start's is due.
    assert_eq!(clock.advance_to_next(), Some(Duration::from_millis(1)));
    let error = start.await.expect("no panic").expect_err("too slow");
    assert_eq!(clock.now() - begun, Duration::from_secs(7));
    assert_eq!(error.failures()[0].service(), "slow");
    assert!(error.to_string().contains("within 7s"), "{error}");
    assert!(
        error
            .to_string()
            .contains("`patient` failed to start: given up"),
        "{error}"
    );
}

/// P2
#[aiomisc::test(runtimes(all))]
async fn a_service_that_fails_later_stops_the_program() {
    let events = Events::default();
    for (name, cause) in [
        ("error", "failed: worn out"),
        ("panic", "failed: panicked: worn out"),
    ] {
        let trigger = switch();
        let fail = trigger.clone();
        let failing = service_fn(name, move |ctx| {
            let fail = fail.clone();
            async move {
                ctx.ready();
                fail.wait().await;
                if ctx.name() == "panic" {
                    panic!("worn out");
                }
                Err("worn out".into())
            }
        });
        let ep = Entrypoint::builder()
            .service(failing)
            .service(Probe::new("other", &events, Start::Returns, Stop::Returns))
            .start()
            .await
            .expect("both start");
        trigger.set();
        ep.closing().await;
        let error = ep
            .graceful_shutdown("too late for another reason")
            .await
            .expect_err("failed");
        assert_eq!(error.to_string(), format!("service `{name}` {cause}"));
        assert_eq!(error.failures()[0].stage(), Stage::Run);
    }
    assert_eq!(
        events
            .all()
            .iter()
            .filter(|event| *event == "other: stop")
            .count(),
        2
    );
}

#[aiomisc::test(runtimes(all))]
async fn a_service_that_finishes_leaves_the_program_running() {
    let events = Events::default();
    let ep = Entrypoint::builder()
        .service(Probe::new(
            "brief",
            &events,
            Start::ReadyThenFinishes,
            Stop::Returns,
        ))
        .start()
        .await
        .expect("it starts");
    while ep.services()[0].state() != ServiceState::Stopped {
        aiomisc::time::sleep(Duration::from_millis(1)).await;
    }
    assert!(!ep.is_closing());
    ep.graceful_shutdown("done").await.expect("nothing fails");
    assert!(
        events.all().contains(&"brief: stop".to_owned()),
        "stop is called all the same"
    );
}

/// E3
#[aiomisc::test(runtimes(all))]
async fn errors_of_stops_are_all_kept_and_disturb_nobody() {
    let events = Events::default();
    let ep = Entrypoint::builder()
        .service(Probe::new("first", &events, Start::Returns, Stop::Fails))
        .service(Probe::new("second", &events, Start::Returns, Stop::Panics))
        .service(Probe::new("third", &events, Start::Returns, Stop::Returns))
        .start()
        .await
        .expect("all start");
    let handle = ep.handle().clone();
    let error = ep.graceful_shutdown("done").await.expect_err("two fail");
    let mut failures: Vec<_> = error
        .failures()
        .iter()
        .map(|f| f.service().to_owned())
        .collect();
    failures.sort();
    assert_eq!(failures, ["first", "second"]);
    assert!(
        error
            .to_string()
            .contains("service `first` failed to stop: cannot let go")
    );
    assert!(
        error
            .to_string()
            .contains("service `second` failed to stop: panicked: not now")
    );
    assert!(events.all().contains(&"third: stop".to_owned()));
    let states: Vec<_> = handle
        .services()
        .iter()
        .map(|service| service.state())
        .collect();
    assert_eq!(
        states,
        [
            ServiceState::Failed,
            ServiceState::Failed,
            ServiceState::Stopped
        ]
    );
}

/// E2
#[aiomisc::test(runtimes(all))]
async fn a_loop_that_cannot_know_of_the_stop_is_dropped_at_once() {
    let (runtime, clock) = manual();
    let events = Events::default();
    let seen = events.clone();
    let looping = service_fn("looping", move |ctx| {
        let seen = seen.clone();
        async move {
            let _dropped = seen.on_drop("dropped");
            ctx.ready();
            pending().await
        }
    });
    let begun = clock.now();
    let ep = Entrypoint::builder()
        .runtime(runtime)
        .service(looping)
        .start()
        .await
        .expect("starts");
    ep.graceful_shutdown("done").await.expect("nothing fails");
    assert_eq!(events.all(), ["dropped"]);
    assert_eq!(clock.now(), begun, "nobody has waited");
}

/// E2
#[aiomisc::test(runtimes(all))]
async fn a_running_part_has_the_service_s_limit_to_finish() {
    let (runtime, clock) = manual();
    let events = Events::default();
    let mut stubborn = Probe::new("stubborn", &events, Start::ReadyThenStays, Stop::Returns);
    stubborn.options = ServiceOptions::new().stop_limit(Duration::from_secs(3));
    let ep = Entrypoint::builder()
        .runtime(runtime)
        .service(stubborn)
        .start()
        .await
        .expect("starts");
    let begun = clock.now();
    let stop = aiomisc::spawn(ep.graceful_shutdown("done"));
    // The limit of the program and that of the service.
    clock.wait_until_pending(2).await;
    clock.advance(Duration::from_millis(2999));
    assert!(!events.all().contains(&"stubborn: start over".to_owned()));
    clock.advance(Duration::from_millis(1));
    let error = stop
        .await
        .expect("no panic")
        .expect_err("it had to be dropped");
    assert_eq!(clock.now() - begun, Duration::from_secs(3));
    assert!(
        error
            .to_string()
            .contains("went on for the whole limit of 3s"),
        "{error}"
    );
    assert!(events.all().contains(&"stubborn: start over".to_owned()));
    assert!(!error.overran());
}

#[aiomisc::test(runtimes(all))]
async fn a_stop_that_hangs_ends_at_its_limit_and_spares_the_others() {
    let (runtime, clock) = manual();
    let events = Events::default();
    let mut hangs = Probe::new("hangs", &events, Start::Returns, Stop::Hangs);
    hangs.options = ServiceOptions::new().stop_limit(Duration::from_secs(4));
    let ep = Entrypoint::builder()
        .runtime(runtime)
        .service(hangs)
        .service(Probe::new("fine", &events, Start::Returns, Stop::Returns))
        .start()
        .await
        .expect("both start");
    let begun = clock.now();
    let stop = aiomisc::spawn(ep.graceful_shutdown("done"));
    clock.wait_until_pending(2).await;
    clock.advance(Duration::from_secs(4));
    let error = stop.await.expect("no panic").expect_err("one hangs");
    assert_eq!(clock.now() - begun, Duration::from_secs(4));
    assert_eq!(error.failures().len(), 1);
    assert_eq!(
        error.to_string(),
        "service `hangs` failed to stop: took longer than the limit of 4s"
    );
}

/// E4
#[aiomisc::test(runtimes(all))]
async fn the_limit_of_the_program_comes_before_those_of_services() {
    let (runtime, clock) = manual();
    let events = Events::default();
    let ep = Entrypoint::builder()
        .runtime(runtime)
        .shutdown_timeout(Duration::from_secs(2))
        .service(Probe::new("hangs", &events, Start::Returns, Stop::Hangs))
        .start()
        .await
        .expect("it starts");
    let stop = aiomisc::spawn(ep.graceful_shutdown("done"));
    clock.wait_until_pending(2).await;
    clock.advance(Duration::from_secs(2));
    let error = stop.await.expect("no panic").expect_err("too slow");
    assert!(error.overran());
    assert_eq!(error.exit_code(), 70);
    assert!(
        error
            .to_string()
            .contains("`hangs` failed to stop: still draining"),
        "{error}"
    );
    assert!(
        error
            .to_string()
            .contains("longer than the shutdown timeout"),
        "{error}"
    );
}

/// E5
#[aiomisc::test(runtimes(all))]
async fn tasks_of_a_service_end_with_it() {
    let events = Events::default();
    let seen = events.clone();
    let parent = service_fn("parent", move |ctx| {
        let seen = seen.clone();
        async move {
            for _ in 0..3 {
                let dropped = seen.on_drop("task dropped");
                ctx.spawn(async move {
                    let _dropped = dropped;
                    pending().await
                });
            }
            Ok(())
        }
    });
    let ep = Entrypoint::builder()
        .service(parent)
        .start()
        .await
        .expect("it starts");
    assert!(events.all().is_empty());
    ep.graceful_shutdown("done").await.expect("nothing fails");
    assert_eq!(events.all(), ["task dropped"; 3]);
}

#[aiomisc::test(runtimes(all))]
async fn a_task_that_fails_fails_its_service() {
    let trigger = switch();
    let fail = trigger.clone();
    let parent = service_fn("parent", move |ctx| {
        let fail = fail.clone();
        async move {
            ctx.spawn(async move {
                fail.wait().await;
                Err("broken".into())
            });
            Ok(())
        }
    });
    let ep = Entrypoint::builder()
        .service(parent)
        .start()
        .await
        .expect("it starts");
    trigger.set();
    ep.closing().await;
    let error = ep
        .graceful_shutdown("late")
        .await
        .expect_err("a task failed");
    assert_eq!(error.to_string(), "service `parent` failed: broken");
}

#[aiomisc::test(runtimes(all))]
async fn dropping_a_running_entrypoint_stops_it_in_the_background() {
    let events = Events::default();
    let ep = Entrypoint::builder()
        .service(Probe::new(
            "left",
            &events,
            Start::ReadyThenLooksOut,
            Stop::Returns,
        ))
        .start()
        .await
        .expect("it starts");
    let handle = ep.handle().clone();
    drop(ep);
    handle.stopped().await;
    assert!(events.all().contains(&"left: stop".to_owned()));
}

#[aiomisc::test(runtimes(all))]
async fn dropping_a_start_stops_what_has_started() {
    let events = Events::default();
    let up = switch();
    let first = WithStop {
        name: "first",
        started: up.clone(),
        events: events.clone(),
    };
    let (begun, stopped) = (switch(), switch());
    let (begins, over) = (begun.clone(), stopped.clone());
    let second = service_fn("second", move |_| {
        let (begins, over) = (begins.clone(), over.clone());
        async move {
            let _guard = SetOnDrop(over);
            begins.set();
            pending().await
        }
    });
    let start = aiomisc::spawn(Entrypoint::builder().service(second).service(first).start());
    up.wait().await;
    begun.wait().await;
    assert!(start.cancel().await.is_err());
    stopped.wait().await;
    while events.all() != ["first: stop"] {
        aiomisc::time::sleep(Duration::from_millis(1)).await;
    }
}

#[aiomisc::test(runtimes(all))]
async fn the_current_entrypoint_is_found_inside_and_nowhere_else() {
    assert!(Entrypoint::current().is_none());
    let found = Events::default();
    let seen = found.clone();
    let service = service_fn("inside", move |ctx| {
        let seen = seen.clone();
        async move {
            assert!(Entrypoint::current().is_some());
            let ep = aiomisc::spawn(async { Entrypoint::current().is_some() });
            assert!(ep.await?);
            let job = ctx
                .runtime()
                .spawn_blocking(|| Entrypoint::current().is_some());
            assert!(job.await?);
            seen.add("found");
            Ok(())
        }
    });
    let ep = Entrypoint::builder()
        .service(service)
        .start()
        .await
        .expect("it is found");
    assert_eq!(found.all(), ["found"]);
    assert!(Entrypoint::current().is_none());
    ep.graceful_shutdown("done").await.expect("nothing fails");
}

#[aiomisc::test(runtimes(all))]
async fn names_are_made_unique_unless_they_were_given() {
    struct Same;

    #[async_trait]
    impl Service for Same {
        async fn start(&self, _: ServiceContext) -> Result<(), BoxError> {
            Ok(())
        }
    }

    let ep = Entrypoint::builder()
        .services(services![
            Same,
            service_fn("Same#2", |_| async { Ok(()) }),
            Same,
            Same
        ])
        .start()
        .await
        .expect("all start");
    let names: Vec<_> = ep
        .services()
        .into_iter()
        .map(|service| service.name().to_owned())
        .collect();
    assert_eq!(names, ["Same", "Same#2", "Same#3", "Same#4"]);
    ep.graceful_shutdown("done").await.expect("nothing fails");
}

#[aiomisc::test(runtimes(all))]
async fn mistakes_are_reported_all_together() {
    let idle = aiomisc::TcpServer::new("127.0.0.1:0", |_, _| async { Ok(()) }).max_connections(0);
    let error = Entrypoint::builder()
        .environment(|name| match name {
            "AIOMISC_LOG_LEVEL" => Some("loud".to_owned()),
            "AIOMISC_LOG_FORMAT" => Some("crayon".to_owned()),
            "AIOMISC_LOG_CONFIG" => Some("perhaps".to_owned()),
            "AIOMISC_SHUTDOWN_TIMEOUT" => Some("soon".to_owned()),
            _ => None,
        })
        .shutdown_timeout(Duration::ZERO)
        .service(service_fn("twin", |_| async { Ok(()) }))
        .service(service_fn("twin", |_| async { Ok(()) }))
        .service(service_fn("", |_| async { Ok(()) }))
        .service(
            service_fn("hasty", |_| async { Ok(()) })
                .options(ServiceOptions::new().start_limit(Duration::ZERO)),
        )
        .service(idle)
        .start()
        .await
        .expect_err("nothing is right");
    let problems = error
        .as_config()
        .expect("a mistake of configuration")
        .problems();
    let expected = [
        "AIOMISC_LOG_LEVEL: expected one of critical, error, warning, info, debug, notset, got `loud`",
        "AIOMISC_LOG_FORMAT: expected one of stream, plain, disabled, got `crayon`",
        "AIOMISC_LOG_CONFIG: expected one of 1, enable",
        "AIOMISC_SHUTDOWN_TIMEOUT: expected a number of seconds above zero, got `soon`",
        "shutdown_timeout: expected a duration above zero, got 0",
        "two services are called `twin`",
        "has an empty name",
        "service `hasty`: start_limit: expected a duration above zero, got 0",
        "service `TcpServer`: max_connections must be at least 1, got 0",
    ];
    for expected in expected {
        assert!(
            problems.iter().any(|p| p.contains(expected)),
            "{expected} is not in {problems:#?}"
        );
    }
    assert_eq!(problems.len(), expected.len(), "{problems:#?}");
}

/// A clock that makes one thread slow, so that others overtake it.
struct Slow {
    base: Runtime,
    thread: std::thread::ThreadId,
}

impl aiomisc::runtime::Timer for Slow {
    fn sleep(&self, duration: Duration) -> std::pin::Pin<Box<dyn aiomisc::runtime::Sleep>> {
        self.base.backend().sleep(duration)
    }

    #[allow(
        clippy::disallowed_methods,
        reason = "a thread is held up, as the system may do at any time"
    )]
    fn now(&self) -> std::time::Instant {
        if std::thread::current().id() == self.thread {
            std::thread::sleep(Duration::from_millis(5));
        }
        self.base.now()
    }
}

#[test]
#[allow(
    clippy::disallowed_methods,
    reason = "the thread that starts is none of the runtime's"
)]
fn a_stop_that_overtakes_the_start_leaves_no_service_behind() {
    let runtimes: Vec<Runtime> = vec![
        #[cfg(feature = "smol")]
        aiomisc::adapters::Smol::new().into(),
        #[cfg(feature = "tokio")]
        aiomisc::adapters::Tokio::multi_thread(2)
            .expect("tokio")
            .into(),
    ];
    for base in runtimes {
        let clock = Slow {
            base: base.clone(),
            thread: std::thread::current().id(),
        };
        let runtime = aiomisc::runtime::Parts::of(base.clone())
            .timer(clock)
            .build();
        let token = Arc::new(());
        let failing = service_fn("failing", |_| async { Err("out of luck".into()) });
        let others = (0..30).map(|number| {
            let token = Arc::clone(&token);
            let other = service_fn(format!("other {number}"), move |ctx| {
                let token = Arc::clone(&token);
                async move {
                    let _token = token;
                    ctx.ready();
                    pending().await
                }
            });
            Arc::new(other) as Arc<dyn Service>
        });
        let start = Entrypoint::builder()
            .runtime(runtime)
            .service(failing)
            .services(others)
            .start();
        futures::executor::block_on(start).expect_err("one fails");
        // Whatever was started is dropped by now, or soon.
        futures::executor::block_on(base.timeout(Duration::from_secs(5), async {
            while Arc::strong_count(&token) > 1 {
                base.sleep(Duration::from_millis(5)).await;
            }
        }))
        .expect("nothing is left of the services");
    }
}

#[aiomisc::test(runtimes(all))]
async fn what_overruns_the_limit_of_the_program_is_dropped() {
    let (runtime, clock) = manual();
    let events = Events::default();
    let mut builder = Entrypoint::builder()
        .runtime(runtime)
        .shutdown_timeout(Duration::from_secs(2));
    for name in ["one", "two"] {
        let events = events.clone();
        builder = builder.service(service_fn(name, move |ctx| {
            let events = events.clone();
            async move {
                let _dropped = events.on_drop("dropped");
                ctx.ready();
                ctx.stopping().await;
                pending().await
            }
        }));
    }
    let ep = builder.start().await.expect("both start");
    let handle = ep.handle().clone();
    let stop = aiomisc::spawn(ep.graceful_shutdown("done"));
    clock.wait_until_pending(3).await;
    clock.advance(Duration::from_secs(2));
    let error = stop.await.expect("no panic").expect_err("too slow");
    assert!(error.overran());
    for _ in 0..500 {
        if events.all().len() == 2 {
            break;
        }
        Runtime::current()
            .expect("a runtime")
            .sleep(Duration::from_millis(5))
            .await;
    }
    assert_eq!(events.all(), ["dropped", "dropped"]);
    let states: Vec<_> = handle.services().iter().map(|s| s.state()).collect();
    assert_eq!(states, [ServiceState::Failed, ServiceState::Failed]);
}

#[aiomisc::test(runtimes(all))]
async fn a_stop_that_panics_when_it_is_dropped_leaves_no_task() {
    struct PanicsWhenCut(Events);

    struct PanicOnDrop;

    impl Drop for PanicOnDrop {
        fn drop(&mut self) {
            panic!("not like that");
        }
    }

    #[async_trait]
    impl Service for PanicsWhenCut {
        async fn start(&self, ctx: ServiceContext) -> Result<(), BoxError> {
            let dropped = self.0.on_drop("task dropped");
            ctx.spawn(async move {
                let _dropped = dropped;
                pending().await
            });
            Ok(())
        }

        async fn stop(&self, _: &StopReason) -> Result<(), BoxError> {
            let _panics = PanicOnDrop;
            pending().await
        }

        fn options(&self) -> ServiceOptions {
            ServiceOptions::new().stop_limit(Duration::from_millis(10))
        }
    }

    let events = Events::default();
    let ep = Entrypoint::builder()
        .service(PanicsWhenCut(events.clone()))
        .start()
        .await
        .expect("it starts");
    let handle = ep.handle().clone();
    let error = ep.graceful_shutdown("done").await.expect_err("it panics");
    assert!(error.to_string().contains("not like that"), "{error}");
    assert_eq!(events.all(), ["task dropped"]);
    assert_eq!(handle.services()[0].state(), ServiceState::Failed);
}

#[aiomisc::test(runtimes(all))]
async fn a_task_that_comes_after_the_stop_is_dropped() {
    for outcome in [Ok(()), Err("worn out")] {
        let context = Arc::new(std::sync::Mutex::new(None));
        let keep = Arc::clone(&context);
        let service = service_fn("service", move |ctx: ServiceContext| {
            keep.lock().expect("no panic").replace(ctx.clone());
            async move {
                ctx.ready();
                Ok(outcome?)
            }
        });
        if let Ok(ep) = Entrypoint::builder().service(service).start().await {
            assert_eq!(ep.graceful_shutdown("done").await.is_ok(), outcome.is_ok());
        }
        let ctx = context.lock().expect("no panic").take().expect("it began");
        let dropped = switch();
        let alive = SetOnDrop(dropped.clone());
        ctx.spawn(async move {
            let _alive = alive;
            pending().await
        });
        dropped.wait().await;
    }
}

#[aiomisc::test(runtimes(all))]
async fn a_start_that_a_stop_cuts_off_leaves_nothing() {
    let token = Arc::new(());
    let held = Arc::clone(&token);
    let service = service_fn("starting", move |ctx: ServiceContext| {
        let held = Arc::clone(&held);
        async move {
            let _held = held;
            ctx.entrypoint().request_stop("enough");
            pending().await
        }
    });
    let error = Entrypoint::builder()
        .service(service)
        .start()
        .await
        .expect_err("it was stopped");
    assert!(error.stop_reason().is_some(), "{error}");
    // The task of the shutdown may be dropped a moment after its result is there.
    for _ in 0..500 {
        if Arc::strong_count(&token) == 1 {
            return;
        }
        aiomisc::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("the service is still held by somebody");
}

/// What a service calls finds it, in its start, its stop, and what these spawn; nobody else does.
#[aiomisc::test(runtimes(all), timeout = "10s")]
async fn a_service_is_the_current_one_in_its_start_and_its_stop() {
    struct Found(Events);

    impl Found {
        async fn look(&self, place: &str) -> Result<(), BoxError> {
            let name = || ServiceContext::current().map(|ctx| ctx.name().to_owned());
            let (here, spawned) = (name(), aiomisc::spawn(async move { name() }).await?);
            self.0.add(format!("{place}: {here:?} {spawned:?}"));
            Ok(())
        }
    }

    #[async_trait]
    impl Service for Found {
        async fn start(&self, _: ServiceContext) -> Result<(), BoxError> {
            self.look("start").await
        }

        async fn stop(&self, _: &StopReason) -> Result<(), BoxError> {
            self.look("stop").await
        }
    }

    let events = Events::default();
    let service = Found(events.clone());
    let ep = Entrypoint::builder().service(service).start().await;
    let ended = ep.expect("it starts").graceful_shutdown("done").await;
    ended.expect("it stops");
    assert!(ServiceContext::current().is_none());
    let found = r#"Some("Found") Some("Found")"#;
    assert_eq!(
        events.all(),
        [format!("start: {found}"), format!("stop: {found}")]
    );
}

#[cfg(any(feature = "smol", feature = "tokio"))]
#[path = "lifecycle/run.rs"]
mod run;

/// A service that throws a switch when it has started, and writes its `stop` down.
struct WithStop {
    name: &'static str,
    started: Switch,
    events: Events,
}

#[async_trait]
impl Service for WithStop {
    fn name(&self) -> std::borrow::Cow<'_, str> {
        self.name.into()
    }

    async fn start(&self, _: ServiceContext) -> Result<(), BoxError> {
        self.started.set();
        Ok(())
    }

    async fn stop(&self, _: &StopReason) -> Result<(), BoxError> {
        self.events.add(format!("{}: stop", self.name));
        Ok(())
    }
}

/// A switch that tests throw.
#[derive(Clone)]
struct Switch(Arc<(std::sync::atomic::AtomicBool, event_listener::Event)>);

fn switch() -> Switch {
    Switch(Arc::default())
}

impl Switch {
    fn set(&self) {
        self.0.0.store(true, std::sync::atomic::Ordering::SeqCst);
        self.0.1.notify(usize::MAX);
    }

    async fn wait(&self) {
        loop {
            let thrown = self.0.1.listen();
            if self.0.0.load(std::sync::atomic::Ordering::SeqCst) {
                return;
            }
            thrown.await;
        }
    }
}

struct SetOnDrop(Switch);

impl Drop for SetOnDrop {
    fn drop(&mut self) {
        self.0.set();
    }
}
