//! `start_services` and `stop_services`.

use std::time::Duration;

use aiomisc::service::{Policy, Restart, ServiceState, StopKind};
use aiomisc::signal::PRE_START;
use aiomisc::{Service, services};

use super::*;

/// D1: they are services like any other, with names of their own.
#[test]
fn services_come_and_go() {
    simulate(async || {
        let diary = Diary::new();
        let ep = builder()
            .service(Script::new("first", &diary, &[]))
            .start()
            .await
            .expect("it starts");
        let handles = ep
            .start_services(services![
                Script::new("b", &diary, &[Life::Slow(10)]).options(|options| options.after("a")),
                Script::new("a", &diary, &[Life::Slow(10)])
                    .options(|options| options.after("first")),
            ])
            .await
            .expect("both start");
        let names = |handles: &[aiomisc::service::ServiceHandle]| {
            handles
                .iter()
                .map(|handle| handle.name().to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(names(&handles), ["b", "a"]);
        assert_eq!(names(&ep.services()), ["first", "b", "a"]);
        ep.stop_services(handles.clone(), "enough")
            .await
            .expect("both stop");
        assert_eq!(names(&ep.services()), ["first"]);
        assert!(
            handles
                .iter()
                .all(|handle| handle.state() == ServiceState::Stopped)
        );
        // Those that have gone are passed over.
        ep.stop_services(handles, "enough")
            .await
            .expect("nothing is to be done");
        ep.graceful_shutdown("done").await.expect("all is well");
        diary.assert(&[
            "0 first: start",
            "0 a: start",
            "10 a: ready",
            "10 b: start",
            "20 b: ready",
            "20 b: stop (enough)",
            "20 a: stop (enough)",
            "20 first: stop (done)",
        ]);
    });
}

/// D2: one that fails undoes those that came with it; the program goes on.
#[test]
fn a_start_that_fails_is_undone_and_the_program_goes_on() {
    simulate(async || {
        let diary = Diary::new();
        let ep = builder()
            .service(Script::new("first", &diary, &[]))
            .start()
            .await
            .expect("it starts");
        let error = ep
            .start_services(services![
                Script::new("up", &diary, &[]),
                Script::new("fails", &diary, &[Life::NoStart])
                    .options(|options| options.after("up")),
                Script::new("stuck", &diary, &[Life::Stuck]).options(|options| options.after("up")),
            ])
            .await
            .expect_err("one fails");
        let text = error.to_string();
        assert!(
            text.contains("service `fails` failed to start: no start"),
            "{text}"
        );
        assert!(!ep.is_closing());
        assert_eq!(ep.services().len(), 1);
        ep.graceful_shutdown("done").await.expect("all is well");
        let events = diary.all();
        assert_eq!(events[..2], ["0 first: start", "0 up: start"]);
        assert_eq!(
            events[events.len() - 2..],
            [
                "0 up: stop (service `fails` failed)",
                "0 first: stop (done)"
            ]
        );
    });
}

/// D3: dropping the start at any moment stops what has started.
#[test]
fn dropping_the_start_undoes_it() {
    for at in 0..6 {
        simulate(async || {
            let diary = Diary::new();
            let ep = builder().start().await.expect("it starts");
            let start = ep.start_services(services![
                Script::new("one", &diary, &[Life::Slow(10)]),
                Script::new("two", &diary, &[Life::Slow(20)])
                    .options(|options| options.after("one")),
            ]);
            let in_time = time::timeout(Duration::from_millis(at * 7), start).await;
            match in_time {
                Ok(started) => {
                    assert_eq!(started.expect("both start").len(), 2);
                    assert_eq!(ep.services().len(), 2);
                }
                Err(_) => {
                    after(100).await;
                    assert_eq!(ep.services().len(), 0, "at {at}");
                }
            }
            ep.graceful_shutdown("done").await.expect("all is well");
            let events = diary.all();
            let count = |what: &str| events.iter().filter(|event| event.contains(what)).count();
            assert_eq!(count("ready"), count("stop ("), "at {at}: {events:?}");
        });
    }
}

/// D4: what somebody needs does not go before that one.
#[test]
fn what_is_needed_cannot_be_stopped_alone() {
    simulate(async || {
        let diary = Diary::new();
        let ep = builder()
            .services(services![
                Script::new("db", &diary, &[]),
                Script::new("web", &diary, &[]).options(|options| options.after("db")),
            ])
            .start()
            .await
            .expect("both start");
        let db = ep.service("db").expect("it is there");
        let error = ep
            .stop_services([db.clone()], "enough")
            .await
            .expect_err("it is needed");
        assert_eq!(
            error.to_string(),
            "not stopped: service `db` is needed by `web`"
        );
        assert_eq!(db.state(), ServiceState::Running);
        let web = ep.service("web").expect("it is there");
        ep.stop_services([db, web], "enough")
            .await
            .expect("both go");
        ep.graceful_shutdown("done").await.expect("all is well");
        diary.assert(&[
            "0 db: start",
            "0 web: start",
            "0 web: stop (enough)",
            "0 db: stop (enough)",
        ]);
    });
}

/// D5: mistakes are told before anything starts, beside those who are there.
#[test]
fn mistakes_are_told_before_anything_starts() {
    simulate(async || {
        let diary = Diary::new();
        let ep = builder()
            .service(Script::new("taken", &diary, &[]))
            .start()
            .await
            .expect("it starts");
        let error = ep
            .start_services(services![
                Script::new("taken", &diary, &[]),
                Script::new("new", &diary, &[]).options(|options| options.after("gone")),
            ])
            .await
            .expect_err("two mistakes");
        assert_eq!(
            error.as_config().expect("it is one").problems(),
            [
                "two services are called `taken`: names must differ",
                "service `new` needs `gone`, which is not there; the others are `taken`, `taken`",
            ]
        );
        ep.graceful_shutdown("done").await.expect("all is well");
        let late = ep_of_a_stopped_program().await;
        let error = late
            .start_services(services![])
            .await
            .expect_err("it has stopped");
        assert_eq!(
            *error.stop_reason().expect("that is why").kind(),
            StopKind::Requested("done".into())
        );
    });

    async fn ep_of_a_stopped_program() -> Entrypoint {
        let ep = builder().start().await.expect("it starts");
        let handle = ep.handle().clone();
        ep.graceful_shutdown("done").await.expect("it stops");
        handle
    }
}

/// D6: the same policies hold; stopping one that restarts ends that.
#[test]
fn policies_hold_for_those_that_come_later() {
    simulate(async || {
        let diary = Diary::new();
        let ep = builder().start().await.expect("it starts");
        let restart = Restart::new().jitter(false).pause(Duration::from_secs(10));
        let handles = ep
            .start_services(services![
                Script::new("frail", &diary, &[Life::Fails(10); 9])
                    .options(|options| options.policy(restart)),
                Script::new("ignored", &diary, &[Life::Panics(10)])
                    .options(|options| options.policy(Policy::Ignore)),
            ])
            .await
            .expect("both start");
        after(100).await;
        assert_eq!(handles[0].state(), ServiceState::Restarting);
        assert_eq!(handles[1].state(), ServiceState::Failed);
        ep.stop_services(handles.clone(), "enough")
            .await
            .expect("nothing fails now");
        assert_eq!(handles[0].state(), ServiceState::Failed);
        let fatal = services![Script::new("fatal", &diary, &[Life::Fails(10)])];
        ep.start_services(fatal).await.expect("it starts");
        ep.closing().await;
        let error = ep.graceful_shutdown("done").await.expect_err("it failed");
        assert_eq!(error.to_string(), "service `fatal` failed: broken");
    });
}

/// D7: a stop of the program in the middle of either is its business.
#[test]
fn the_stop_of_the_program_comes_in_between() {
    simulate(async || {
        let diary = Diary::new();
        let ep = builder().start().await.expect("it starts");
        let handle = ep.handle().clone();
        let start = aiomisc::spawn(async move {
            let slow = services![Script::new("slow", &Diary::new(), &[Life::Slow(1000)])];
            handle.start_services(slow).await
        });
        let leaving = ep
            .start_services(services![
                Script::new("leaving", &diary, &[]).stop_takes(500)
            ])
            .await
            .expect("it starts");
        let handle = ep.handle().clone();
        let stop = aiomisc::spawn(async move { handle.stop_services(leaving, "enough").await });
        after(100).await;
        ep.graceful_shutdown("done").await.expect("all is well");
        let start = start
            .await
            .expect("it does not panic")
            .expect_err("it was stopped");
        assert!(start.stop_reason().is_some(), "{start}");
        // Whether it was told before or after the program's stop, the service was stopped once.
        let _ = stop.await.expect("it does not panic");
        diary.assert(&[
            "0 leaving: start",
            "0 leaving: stop (enough)",
            "500 leaving: stopped",
        ]);
    });
}

/// D8: a service may start others in its own start, and needs of theirs that are not up are waited
/// for.
#[test]
fn a_service_may_start_others() {
    struct Parent(Diary);

    #[async_trait]
    impl Service for Parent {
        async fn start(&self, ctx: ServiceContext) -> Result<(), BoxError> {
            let child = Script::new("child", &self.0, &[]).options(|options| options.after("slow"));
            ctx.entrypoint().start_services(services![child]).await?;
            self.0.add("parent: up");
            Ok(())
        }
    }

    simulate(async || {
        let diary = Diary::new();
        let ep = builder()
            .services(services![
                Script::new("slow", &diary, &[Life::Slow(50)]),
                Parent(diary.clone()),
            ])
            .start()
            .await
            .expect("all start");
        ep.graceful_shutdown("done").await.expect("all is well");
        diary.assert(&[
            "0 slow: start",
            "50 slow: ready",
            "50 child: start",
            "50 parent: up",
            "50 child: stop (done)",
            "50 slow: stop (done)",
        ]);
    });
}

/// D4: nobody stops the services of another entrypoint.
#[test]
fn services_of_others_are_refused() {
    simulate(async || {
        let diary = Diary::new();
        let mine = builder().start().await.expect("it starts");
        let other = builder()
            .service(Script::new("theirs", &diary, &[]))
            .start()
            .await
            .expect("it starts");
        let theirs = other.services();
        let error = mine.stop_services(theirs, "enough").await;
        assert_eq!(
            error.expect_err("it is not ours").to_string(),
            "not stopped: service `theirs` belongs to another entrypoint"
        );
        mine.graceful_shutdown("done").await.expect("all is well");
        other.graceful_shutdown("done").await.expect("all is well");
        diary.assert(&["0 theirs: start", "0 theirs: stop (done)"]);
    });
}

/// D3: also while a receiver runs that panics when it is dropped.
#[test]
fn dropping_the_start_drops_its_receivers() {
    struct PanicOnDrop;

    impl Drop for PanicOnDrop {
        fn drop(&mut self) {
            panic!("not like that");
        }
    }

    simulate(async || {
        let diary = Diary::new();
        let ep = builder()
            .connect(&PRE_START, |event| async move {
                if event
                    .services
                    .iter()
                    .any(|service| service.name() == "late")
                {
                    let _panics = PanicOnDrop;
                    pending().await
                }
                Ok(())
            })
            .start()
            .await
            .expect("it starts");
        let start = ep.start_services(services![Script::new("late", &diary, &[])]);
        let in_time = time::timeout(Duration::from_millis(10), start).await;
        assert!(in_time.is_err(), "{in_time:?}");
        after(10).await;
        assert_eq!(ep.services(), []);
        ep.graceful_shutdown("done").await.expect("all is well");
        diary.assert(&[]);
    });
}
