//! What is wrong is told before anything is started.

use aiomisc::RunError;

use super::*;

struct Unknown;
struct Twice;

async fn problems(ep: EntrypointBuilder) -> Vec<String> {
    let started = ep.start().await.map(|_| ());
    let error: RunError = started.expect_err("something is wrong");
    let config = error.as_config().expect("it is the configuration");
    config.problems().to_vec()
}

fn never(_: Dependencies) -> std::future::Ready<Result<Repo, BoxError>> {
    panic!("it is not called")
}

/// V3, O5: with the chain, and what is there.
#[aiomisc::test(runtimes(all))]
async fn what_nobody_provides_is_named_with_the_chain() {
    let diary = Diary::new();
    let ep = builder()
        .dependency(Dependency::new(never).needs::<Db>().needs::<Mail>())
        .dependency(Dependency::value(Mail))
        .dependency(Dependency::new(|_| async { Ok(Db) }).needs_named::<Unknown>("x"))
        .services(services![
            diary.service("api", |options| options.needs::<Repo>().needs::<Unknown>()),
            diary.service("other", |options| options
                .needs::<Repo>()
                .needs::<Unknown>()),
        ]);
    let problems = problems(ep).await;
    let begins = [
        "service `api` needs `Repo`, which needs `Db`, which needs `Unknown` named `x`: nobody provides it",
        "service `api` needs `Unknown`: nobody provides it",
        "service `other` needs `Unknown`: nobody provides it",
    ];
    assert_eq!(problems.len(), begins.len(), "{problems:#?}");
    for (problem, begin) in problems.iter().zip(begins) {
        assert!(problem.starts_with(begin), "{problem}");
        assert!(problem.contains("`Db`, `Mail`"), "{problem}");
    }
    assert!(diary.all().is_empty());
}

/// V3, O5: each circle once.
#[aiomisc::test(runtimes(all))]
async fn circles_are_named() {
    let diary = Diary::new();
    let ep = builder()
        .dependency(Dependency::new(never).needs::<Db>())
        .dependency(Dependency::new(|_| async { Ok(Db) }).needs::<Mail>())
        .dependency(Dependency::new(|_| async { Ok(Mail) }).needs::<Db>())
        .dependency(Dependency::new(|_| async { Ok(Twice) }).needs::<Twice>())
        .services(services![
            diary.service("api", |options| options.needs::<Repo>()),
            diary.service("other", |options| options.needs::<Mail>().needs::<Twice>()),
        ]);
    let circle = "dependencies need each other, so that none can be the first: ";
    assert_eq!(
        problems(ep).await,
        [
            format!("{circle}`Db` needs `Mail` needs `Db`"),
            format!("{circle}`Twice` needs `Twice`"),
        ]
    );
    assert!(diary.all().is_empty());
}

/// V3, V8: two factories for one that is needed; a replaced one counts alone.
#[aiomisc::test(runtimes(all))]
async fn two_who_provide_the_same_are_named() {
    let twice = || {
        builder()
            .dependency(Dependency::new(|_| async { Ok(Twice) }))
            .dependency(Dependency::value(Twice))
            .dependency(Dependency::value(Twice).named("other"))
    };
    let api = || service_fn("api", |_| async { Ok(()) });
    let needs = || api().configure(|options| options.needs::<Twice>());
    let problems = problems(twice().service(needs())).await;
    assert_eq!(problems.len(), 1, "{problems:?}");
    let begin = "service `api` needs `Twice`: it is provided more than once, by the one at ";
    assert!(problems[0].starts_with(begin), "{problems:?}");
    assert_eq!(
        problems[0].matches("mistakes.rs:").count(),
        2,
        "{problems:?}"
    );

    for ep in [
        twice().service(api()),
        twice().service(api().configure(|options| options.needs_named::<Twice>("other"))),
        twice().service(needs()).replace_dependency(Twice),
    ] {
        let ep = ep
            .start()
            .await
            .expect("nothing is wrong with what is needed");
        ep.graceful_shutdown("done").await.expect("all is well");
    }
}

/// O5: limits that mean nothing.
#[aiomisc::test(runtimes(all))]
async fn limits_of_zero_are_mistakes() {
    let ep = builder()
        .dependency(Dependency::value(Db).make_limit(Duration::ZERO))
        .replace_dependency_with(Dependency::value(Db).teardown_limit(Duration::ZERO));
    assert_eq!(
        problems(ep).await,
        [
            "dependency `Db`: make_limit: expected a duration above zero, got 0",
            "dependency `Db`: teardown_limit: expected a duration above zero, got 0",
        ]
    );
}

/// D5: the same for services that come later.
#[aiomisc::test(runtimes(all))]
async fn later_services_are_looked_at_as_well() {
    let ep = builder().start().await.expect("it starts");
    let later = service_fn("later", |_| async { Ok(()) });
    let later = later.configure(|options| options.needs::<Unknown>());
    let error = ep.start_services(services![later]).await;
    let error = error.expect_err("nobody provides it");
    let problems = error
        .as_config()
        .expect("it is the configuration")
        .problems();
    assert!(problems[0].starts_with("service `later` needs `Unknown`: nobody provides it"));
    ep.graceful_shutdown("done").await.expect("all is well");
}

/// V3: what was not declared is told to the one who asks.
#[aiomisc::test(runtimes(all))]
async fn a_service_gets_only_what_it_says_that_it_needs() {
    let asks = service_fn("asks", |ctx: ServiceContext| async move {
        ctx.dependency::<Db>()?;
        ctx.dependency_named::<Vec<Db>>("x")?;
        Ok(())
    });
    let ep = builder().dependency(Dependency::value(Db));
    let error = ep
        .service(asks.configure(|options| options.needs::<Db>()))
        .start()
        .await;
    assert_eq!(
        error.expect_err("one is not declared").to_string(),
        "service `asks` failed to start: dependency `Vec<Db>` named `x` is not there: the service does \
         not say that it needs it: `needs_named::<Vec<Db>>(\"x\")` in its options"
    );
}

/// V3: also where it is asked for late.
#[aiomisc::test(runtimes(all))]
async fn what_is_asked_for_late_may_be_missing() {
    let late = Dependency::new(|deps: Dependencies| async move {
        deps.get::<Unknown>().await?;
        Ok(Repo)
    });
    let ep = builder().dependency(late).start().await.expect("it starts");
    let error = ep.dependency::<Repo>().await.err().expect("it is missing");
    assert_eq!(error.chain(), ["`Repo`", "`Unknown`"]);
    assert_eq!(
        error.to_string(),
        "dependency `Repo`, which needs `Unknown`, is not there"
    );
    let source = std::error::Error::source(&error)
        .expect("it has one")
        .to_string();
    assert!(source.starts_with("nobody provides it, by "), "{source}");
    ep.graceful_shutdown("done").await.expect("all is well");
}

/// The main job asks for what it needs.
#[cfg(any(feature = "smol", feature = "tokio"))]
#[test]
fn the_main_job_finds_values() {
    for runtime in shared::runtimes() {
        let ended = builder()
            .runtime(runtime)
            .dependency(Dependency::value(7_u8))
            .run_with(async |ep| *ep.dependency::<u8>().await.expect("it is there"));
        assert!(
            matches!(ended, Ok(aiomisc::Outcome::Finished(7))),
            "{ended:?}"
        );
    }
}
