//! The end of values, in exact virtual time.

use std::sync::atomic::{AtomicUsize, Ordering};

use aiomisc::entrypoint::Stage;
use futures::poll;

use super::*;

/// V5: a stop in the middle drops the factories that are under way, and tears down what is there.
#[test]
fn a_stop_gives_up_what_is_being_made() {
    simulate(async || {
        let diary = Diary::new();
        let start = builder()
            .dependency(diary.factory("db", 100, || Db))
            .dependency(diary.factory("mail", 10, || Mail))
            .services(services![
                diary.service("api", |options| options.needs::<Db>()),
                diary.service("mailer", |options| options.needs::<Mail>()),
                service_fn("stopper", |ctx: ServiceContext| async move {
                    after(50).await;
                    ctx.entrypoint().request_stop("enough");
                    Ok(())
                }),
            ])
            .start();
        let error = start.await.expect_err("it is stopped before");
        let reason = error.stop_reason().map(ToString::to_string);
        assert_eq!(reason.as_deref(), Some("enough"), "{error}");
        diary.assert(&[
            "0 db: making",
            "0 mail: making",
            "10 mail: made",
            "10 mailer: start",
            "50 mailer: stop",
            "60 mail: tear-down",
        ]);
    });
}

/// V5: wherever a start is dropped, all that was made is torn down, and nothing more is made.
#[test]
fn a_start_that_is_dropped_leaves_nothing_behind() {
    for polls in 0..25 {
        simulate(async || {
            let diary = Diary::new();
            let start = builder()
                .dependency(diary.factory("db", 8, || Db))
                .dependency(diary.factory("repo", 4, || Repo).needs::<Db>())
                .dependency(diary.factory("mail", 2, || Mail))
                .services(services![
                    diary.service("api", |options| options.needs::<Repo>()),
                    diary.service("mailer", |options| options.needs::<Mail>()),
                ])
                .start();
            let mut start = Box::pin(start);
            for _ in 0..polls {
                if poll!(&mut start).is_ready() {
                    break;
                }
                after(1).await;
            }
            drop(start);
            after(100).await;
            let count = |what: &str| {
                let events = diary.all();
                events.iter().filter(|event| event.ends_with(what)).count()
            };
            assert_eq!(count("made"), count("tear-down"), "{:?}", diary.all());
            assert_eq!(count("start"), count("stop"), "{:?}", diary.all());
            let before = diary.all().len();
            after(100).await;
            assert_eq!(diary.all().len(), before);
        });
    }
}

/// V6: what fails, panics or hangs at the end is collected, and keeps no other from its end.
#[test]
fn a_tear_down_that_fails_keeps_no_other_from_it() {
    struct Panics;
    struct Hangs;
    struct PanicsWhenDropped;
    impl Drop for PanicsWhenDropped {
        fn drop(&mut self) {
            panic!("it is dropped");
        }
    }
    simulate(async || {
        let diary = Diary::new();
        let fails = Dependency::new(|_| async {
            Ok(Provided::new(Db).on_teardown(|_| async { Err("still in use".into()) }))
        });
        let panics = Dependency::new(|_| async {
            Ok(Provided::new(Panics).on_teardown(|_| async { panic!("what now") }))
        });
        let hangs =
            Dependency::new(|_| async { Ok(Provided::new(Hangs).on_teardown(|_| pending())) });
        let bad = Dependency::new(|_| async { Ok(PanicsWhenDropped) });
        let hangs = hangs.teardown_limit(Duration::from_secs(5));
        let needs = |options: ServiceOptions| {
            let options = options.needs::<Repo>().needs::<PanicsWhenDropped>();
            options.needs::<Mail>()
        };
        let ep = builder()
            .dependency(
                diary
                    .factory("first", 0, || Repo)
                    .needs::<PanicsWhenDropped>(),
            )
            .dependency(bad)
            .dependency(fails.needs::<Repo>())
            .dependency(panics.needs::<Db>())
            .dependency(hangs.needs::<Panics>())
            .dependency(diary.factory("last", 0, || Mail).needs::<Hangs>())
            .service(diary.service("api", needs))
            .start()
            .await
            .expect("all are made");
        let error = ep.graceful_shutdown("done").await.expect_err("three fail");
        let all = error.dependencies();
        assert!(all.iter().all(|error| error.stage() == Stage::Stop));
        let chains: Vec<_> = all.iter().flat_map(|error| error.chain()).collect();
        assert_eq!(chains, ["`Hangs`", "`Panics`", "`Db`"]);
        assert_eq!(
            error.to_string(),
            "dependency `Hangs` failed to be torn down: took longer than the limit of 5s; \
             dependency `Panics` failed to be torn down: panicked: what now; \
             dependency `Db` failed to be torn down: still in use"
        );
        assert_eq!(error.exit_code(), 1);
        diary.assert(&[
            "0 api: start",
            "0 api: stop",
            "0 first: made",
            "0 first: making",
            "0 last: made",
            "0 last: making",
            "10 last: tear-down",
            "5020 first: tear-down",
        ]);
    });
}

/// V6, E4: what is left when the time of the stop is over is named, and dropped.
#[test]
fn what_is_left_after_the_shutdown_timeout_is_named() {
    simulate(async || {
        let diary = Diary::new();
        let hangs = {
            let events = diary.events.clone();
            Dependency::new(move |_| {
                let events = events.clone();
                async move {
                    let value = Provided::new(Db);
                    Ok(value.on_teardown(move |_| async move {
                        let _dropped = events.on_drop("1000 dropped");
                        pending().await
                    }))
                }
            })
        };
        let ep = builder()
            .shutdown_timeout(Duration::from_secs(1))
            .dependency(diary.factory("mail", 0, || Mail))
            .dependency(Dependency::new(|_| async { Ok(Repo) }))
            .dependency(hangs.needs::<Mail>().needs::<Repo>())
            .start()
            .await
            .expect("nothing is needed");
        ep.dependency::<Db>().await.expect("it is made");
        let error = ep.graceful_shutdown("done").await.expect_err("one hangs");
        assert!(error.overran());
        assert_eq!(
            error.to_string(),
            "dependency `Db` failed to be torn down: still there after the shutdown timeout of 1s; \
             dependency `Mail` failed to be torn down: still there after the shutdown timeout of 1s; \
             the stop took longer than the shutdown timeout"
        );
        // What it does is dropped on its next turn.
        after(1).await;
        diary.assert(&["0 mail: made", "0 mail: making", "1000 dropped"]);
    });
}

/// V6: the tear-down has the value to itself.
#[test]
fn the_tear_down_gets_the_last_handle() {
    simulate(async || {
        let ended = Arc::new(AtomicUsize::new(0));
        let counts = Arc::clone(&ended);
        let db = Dependency::new(move |_| {
            let counts = Arc::clone(&counts);
            async move {
                Ok(
                    Provided::new(String::from("db")).on_teardown(move |value| async move {
                        let value = Arc::into_inner(value).ok_or("somebody has it still")?;
                        counts.fetch_add(value.len(), Ordering::SeqCst);
                        Ok(())
                    }),
                )
            }
        });
        struct Holds(#[allow(dead_code, reason = "it is only held")] Arc<String>);
        let holds =
            Dependency::new(|deps: Dependencies| async move { Ok(Holds(deps.get().await?)) });
        let api = service_fn("api", |ctx: ServiceContext| async move {
            let holds = ctx.dependency::<Holds>()?;
            ctx.ready();
            ctx.stopping().await;
            drop(holds);
            Ok(())
        });
        let ep = builder()
            .dependency(db)
            .dependency(holds)
            .service(api.configure(|options| options.needs::<Holds>()))
            .start()
            .await
            .expect("it starts");
        ep.graceful_shutdown("done").await.expect("nobody has it");
        assert_eq!(ended.load(Ordering::SeqCst), 2);
    });
}

/// V5: a program that stops makes nothing, and says so.
#[test]
fn a_program_that_stops_makes_nothing() {
    simulate(async || {
        let diary = Diary::new();
        let ep = builder()
            .dependency(diary.factory("db", 100, || Db))
            .start()
            .await
            .expect("nothing is needed");
        let handle = ep.handle().clone();
        let asked = aiomisc::spawn({
            let handle = handle.clone();
            async move { handle.dependency::<Db>().await.map(|_| ()) }
        });
        after(10).await;
        ep.graceful_shutdown("done").await.expect("all is well");
        for error in [
            asked.await.expect("it does not panic"),
            handle.dependency::<Db>().await.map(|_| ()),
        ] {
            let error = error.expect_err("it stops");
            let source = std::error::Error::source(&error).expect("it has one");
            assert_eq!(source.to_string(), "the program stops");
        }
        diary.assert(&["0 db: making"]);
    });
}
