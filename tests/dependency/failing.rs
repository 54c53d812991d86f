//! Factories that fail, in exact virtual time.

use aiomisc::dependency::DependencyError;
use aiomisc::entrypoint::Stage;
use aiomisc::service::ServiceState;

use super::*;

/// V4, S4: all that need it are named with the chain; what is up is undone, what was made is torn down.
#[test]
fn a_factory_that_fails_fails_the_start_of_those_who_need_it() {
    simulate(async || {
        let diary = Diary::new();
        let db = Dependency::new(|_| async {
            after(30).await;
            Err::<Db, _>("connection refused".into())
        });
        let error = builder()
            .dependency(db)
            .dependency(diary.factory("repo", 0, || Repo).needs::<Db>())
            .dependency(diary.factory("mail", 10, || Mail))
            .services(services![
                diary.service("api", |options| options.needs::<Repo>()),
                diary.service("report", |options| options.needs::<Repo>()),
                diary.service("mailer", |options| options.needs::<Mail>()),
                diary.service("after", |options| options.after("api")),
            ])
            .on_start_failed({
                let diary = diary.clone();
                move |event| {
                    let states = event.services.iter().map(|one| one.status().state);
                    assert_eq!(states.collect::<Vec<_>>()[..2], [ServiceState::Failed; 2]);
                    diary.add(format_args!("START_FAILED: {}", event.errors.join("; ")));
                    async { Ok(()) }
                }
            })
            .start()
            .await
            .expect_err("one fails");
        let api =
            "service `api` failed to start: it needs `Repo`, which needs `Db`: connection refused";
        let report = api.replace("api", "report");
        assert_eq!(error.to_string(), format!("{api}; {report}"));
        assert_eq!(error.exit_code(), 1);
        let failed = format!("30 START_FAILED: {api}; {report}");
        diary.assert(&[
            "0 mail: making",
            "10 mail: made",
            "10 mailer: start",
            &failed,
            "30 mailer: stop",
            "40 mail: tear-down",
        ]);
    });
}

/// V4: panics, also of a function that makes no future, are failures.
#[test]
fn a_factory_that_panics_has_failed() {
    fn no_future(_: Dependencies) -> std::future::Ready<Result<Db, BoxError>> {
        panic!("no future");
    }
    simulate(async || {
        let ep = builder().dependency(Dependency::new(no_future));
        let ep = ep.start().await.expect("nothing is needed");
        let error = ep.dependency::<Db>().await.err().expect("it fails");
        assert_eq!(error.to_string(), "dependency `Db` is not there");
        assert_eq!(source(&error), "panicked: no future");
        assert_eq!(error.stage(), Stage::Start);
        ep.graceful_shutdown("done").await.expect("all is well");
        let factory = Dependency::new(|_| async {
            after(10).await;
            panic!("in the middle");
            #[allow(unreachable_code, reason = "gives the type")]
            Ok(Db)
        });
        let api = service_fn("api", |_| async { Ok(()) });
        let error = builder()
            .dependency(factory)
            .service(api.configure(|options| options.needs::<Db>()))
            .start()
            .await
            .expect_err("it fails");
        assert_eq!(
            error.to_string(),
            "service `api` failed to start: it needs `Db`: panicked: in the middle"
        );
    });
}

fn source(error: &DependencyError) -> String {
    let source = std::error::Error::source(error);
    source.expect("it has one").to_string()
}

/// V4: a limit of each factory; the one that hangs is named, whoever waits for it.
#[test]
fn a_factory_that_hangs_is_given_up() {
    simulate(async || {
        let diary = Diary::new();
        let dropped = diary.events.clone();
        let hangs = Dependency::new(move |_| {
            let dropped = dropped.on_drop("5000 dropped");
            async move {
                let _dropped = dropped;
                pending::<Result<Db, BoxError>>().await
            }
        });
        let waits = Dependency::new(|deps: Dependencies| async move {
            deps.get::<Db>().await?;
            Ok(Repo)
        });
        diary.add("begun");
        let start = |hangs: Dependency, waits: Dependency| {
            let ep = builder().dependency(hangs).dependency(waits);
            ep.service(diary.service("api", |options| options.needs::<Repo>()))
                .start()
        };
        let limit = Duration::from_secs(5);
        let error = start(hangs.clone().make_limit(limit), waits.clone()).await;
        assert_eq!(
            error.expect_err("one hangs").to_string(),
            "service `api` failed to start: it needs `Repo`, which needs `Db`: took longer than the limit \
             of 5s"
        );
        diary.assert(&["0 begun", "5000 dropped"]);

        let error = start(hangs, waits.make_limit(limit)).await;
        assert_eq!(
            error.expect_err("one hangs").to_string(),
            "service `api` failed to start: it needs `Repo`: took longer than the limit of 5s, and still \
             waits for `Db`"
        );
        assert_eq!(diary.all().len(), 3, "the other is dropped with the start");
    });
}

/// V3: those that wait for each other are told at once, each in its way.
#[test]
fn a_circle_that_shows_late_is_told_and_nobody_hangs() {
    struct A;
    struct B;
    struct C;
    async fn get<T: Send + Sync + 'static>(deps: Dependencies) -> Result<(), BoxError> {
        after(1).await;
        deps.get::<T>().await?;
        Ok(())
    }
    simulate(async || {
        let start = |api: Configured<Noted>| {
            builder()
                .dependency(Dependency::new(|deps| async {
                    get::<B>(deps).await.map(|()| A)
                }))
                .dependency(Dependency::new(|deps| async {
                    get::<C>(deps).await.map(|()| B)
                }))
                .dependency(Dependency::new(|deps| async {
                    get::<A>(deps).await.map(|()| C)
                }))
                .dependency(Dependency::new(|deps| async {
                    get::<Repo>(deps).await.map(|()| Db)
                }))
                .dependency(Dependency::new(|_| async {
                    // Whichever way it asks.
                    let ep = Entrypoint::current().expect("a factory is inside of it");
                    ep.dependency::<Db>().await?;
                    Ok(Repo)
                }))
                .service(api)
                .start()
        };
        let diary = Diary::new();
        let circle = "they need each other, so that none can be the first";
        let error = start(diary.service("api", |options| options.needs::<A>())).await;
        assert_eq!(
            error.expect_err("a circle").to_string(),
            format!(
                "service `api` failed to start: it needs `A`, which needs `B`, which needs `C`, which \
                 needs `A`: {circle}"
            )
        );
        let error = start(diary.service("api", |options| options.needs::<Db>())).await;
        assert_eq!(
            error.expect_err("a circle").to_string(),
            format!(
                "service `api` failed to start: it needs `Db`, which needs `Repo`, which needs `Db`: \
                 {circle}"
            )
        );
        // All three begin at the same time, and wait for each other.
        let api = diary.service("api", |options| {
            options.needs::<C>().needs::<B>().needs::<A>()
        });
        let error = start(api).await.expect_err("a circle").to_string();
        assert!(error.ends_with(circle), "{error}");
        assert!(
            error.contains("`A`") && error.contains("`B`") && error.contains("`C`"),
            "{error}"
        );
    });
}

/// V3: to be waited for by somebody who waits for somebody is no circle.
#[test]
fn a_diamond_is_no_circle() {
    struct Left;
    struct Right;
    simulate(async || {
        let diary = Diary::new();
        let left = Dependency::new(|deps: Dependencies| async move {
            deps.get::<Db>().await?;
            after(5).await;
            deps.get::<Right>().await?;
            Ok(Left)
        });
        let right = Dependency::new(|deps: Dependencies| async move {
            deps.get::<Db>().await?;
            after(10).await;
            deps.get::<Db>().await?;
            Ok(Right)
        });
        let top = Dependency::new(|deps: Dependencies| async move {
            futures::future::try_join(deps.get::<Left>(), deps.get::<Right>()).await?;
            deps.get::<Left>().await?;
            Ok(Repo)
        });
        let ep = builder()
            .dependency(left)
            .dependency(right)
            .dependency(top.needs::<Db>())
            .dependency(diary.factory("db", 3, || Db))
            .service(diary.service("api", |options| options.needs::<Repo>()))
            .start()
            .await
            .expect("all are made");
        ep.graceful_shutdown("done").await.expect("all is well");
        diary.assert(&[
            "0 db: making",
            "3 db: made",
            "13 api: start",
            "13 api: stop",
            "23 db: tear-down",
        ]);
    });
}

/// V4, D2: what fails for services that come later is theirs alone, and may go well the next time.
#[test]
fn a_factory_that_failed_is_called_again_for_the_next_one() {
    simulate(async || {
        let diary = Diary::new();
        let calls = Arc::new(Mutex::new(0));
        let db = Dependency::new(move |_| {
            let calls = Arc::clone(&calls);
            async move {
                let mut calls = calls.lock().expect("nobody panics meanwhile");
                *calls += 1;
                match *calls {
                    1 => Err("not yet".into()),
                    _ => Ok(Db),
                }
            }
        });
        let ep = builder()
            .dependency(db)
            .start()
            .await
            .expect("nothing is needed");
        let later = || diary.service("later", |options| options.needs::<Db>());
        let error = ep.start_services(services![later()]).await;
        assert_eq!(
            error.expect_err("not yet").to_string(),
            "service `later` failed to start: it needs `Db`: not yet"
        );
        assert!(!ep.is_closing());
        ep.start_services(services![later()])
            .await
            .expect("it starts");
        ep.graceful_shutdown("done").await.expect("all is well");
        diary.assert(&["0 later: start", "0 later: stop"]);
    });
}

/// V3: who still asks when nothing runs any more is told so. Tasks are dropped by the system's runtimes.
#[cfg(any(feature = "smol", feature = "tokio"))]
#[test]
#[allow(
    clippy::disallowed_methods,
    reason = "the runtime of the library is gone"
)]
fn without_its_runtime_an_entrypoint_makes_nothing_and_nobody_hangs() {
    fn ask(runtime: aiomisc::Runtime) {
        let hangs = Dependency::new(|_| pending::<Result<Db, BoxError>>());
        let other = Dependency::new(|_| async { Ok(Repo) });
        let ep = builder().dependency(hangs).dependency(other);
        let ep = runtime.block_on(ep.start()).expect("nothing is needed");
        let asked = ep.dependency::<Db>();
        let mut asked = Box::pin(asked);
        let first = runtime.block_on(async { futures::poll!(&mut asked).is_pending() });
        assert!(first, "it hangs");
        drop(runtime);
        for error in [
            smol::block_on(asked).map(drop),
            smol::block_on(ep.dependency::<Repo>()).map(drop),
        ] {
            let error = error.expect_err("nothing can run");
            assert_eq!(source(&error), "the runtime of the entrypoint is gone");
        }
    }
    #[cfg(feature = "smol")]
    ask(aiomisc::adapters::Smol::new().into());
    #[cfg(feature = "tokio")]
    ask(aiomisc::adapters::Tokio::multi_thread(1)
        .expect("tokio")
        .into());
}
