//! How a stop goes, and what it waits for.

use super::*;

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
