//! How a start goes.

use super::*;

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
    let other = begun.clone();
    let failing = service_fn("failing", move |ctx: ServiceContext| {
        let other = other.clone();
        async move {
            for name in ["one", "two"] {
                let up = ctx.entrypoint().service(name).expect("it is there");
                let is_up = |status: &ServiceStatus| status.state == ServiceState::Running;
                up.until(is_up).await;
            }
            other.wait().await;
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
