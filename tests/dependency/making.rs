//! When values are made, in exact virtual time.

use aiomisc::service::{Policy, Restart};
use aiomisc::signal::{POST_START, POST_STOP, PRE_START};

use super::*;

fn note(
    diary: &Diary,
    text: &'static str,
) -> impl Fn(aiomisc::signal::Lifecycle) -> std::future::Ready<Result<(), BoxError>> + Send + Sync + use<>
{
    let diary = diary.clone();
    move |_| {
        diary.add(text);
        std::future::ready(Ok(()))
    }
}

/// V1, V2, V6: a service is started as soon as what it needs is there; what nobody needs is never made;
/// the end comes in reverse, after the services and before POST_STOP.
#[test]
fn values_are_made_when_they_are_needed_and_torn_down_in_reverse() {
    simulate(async || {
        let diary = Diary::new();
        let ep = builder()
            .dependency(diary.factory("db", 100, || Db))
            .dependency(diary.factory("mail", 50, || Mail))
            .dependency(diary.factory("repo", 10, || Repo).needs::<Db>())
            .dependency(diary.factory("nobody's", 0, || 7_u8))
            .services(services![
                diary.service("api", |options| options.needs::<Repo>().needs::<Mail>()),
                diary.service("mailer", |options| options.needs::<Mail>()),
                diary.service("alone", |options| options),
            ])
            .connect(&PRE_START, note(&diary, "PRE_START"))
            .connect(&POST_START, note(&diary, "POST_START"))
            .connect(&POST_STOP, note(&diary, "POST_STOP"))
            .start()
            .await
            .expect("all start");
        after(90).await;
        ep.graceful_shutdown("done").await.expect("all is well");
        diary.assert(&[
            "0 PRE_START",
            "0 alone: start",
            "0 db: making",
            "0 mail: making",
            "50 mail: made",
            "50 mailer: start",
            "100 db: made",
            "100 repo: making",
            "110 POST_START",
            "110 api: start",
            "110 repo: made",
            "200 alone: stop",
            "200 api: stop",
            "200 mailer: stop",
            "210 repo: tear-down",
            "220 db: tear-down",
            "230 mail: tear-down",
            "240 POST_STOP",
        ]);
    });
}

/// V1: what is asked for in the middle is made then; others that wait for it get the same.
#[test]
fn what_is_asked_for_late_is_made_late_and_once() {
    simulate(async || {
        let diary = Diary::new();
        let late = {
            let diary = diary.clone();
            Dependency::new(move |deps: Dependencies| {
                let diary = diary.clone();
                async move {
                    after(20).await;
                    let first = deps.get::<Db>();
                    let (one, other) = futures::future::try_join(first, deps.get::<Db>()).await?;
                    assert!(Arc::ptr_eq(&one, &other));
                    diary.add("repo: made");
                    Ok(diary.ended("repo", (Repo, one)))
                }
            })
        };
        let ep = builder()
            .dependency(late)
            .dependency(diary.factory("db", 100, || Db))
            .services(services![
                diary.service("api", |options| options.needs::<(Repo, Arc<Db>)>()),
                diary.service("other", |options| options.needs::<(Repo, Arc<Db>)>()),
            ])
            .start()
            .await
            .expect("all start");
        let asked = async || ep.dependency::<Db>().await.expect("it is there");
        assert!(Arc::ptr_eq(&asked().await, &asked().await));
        ep.graceful_shutdown("done").await.expect("all is well");
        diary.assert(&[
            // The clock of the diary begins with its first event.
            "0 db: making",
            "100 api: start",
            "100 api: stop",
            "100 db: made",
            "100 other: start",
            "100 other: stop",
            "100 repo: made",
            "110 repo: tear-down",
            "120 db: tear-down",
        ]);
    });
}

/// V2, O3: the limit on a start begins when the service may start.
#[test]
fn the_time_of_the_factories_does_not_count_for_the_service() {
    simulate(async || {
        let diary = Diary::new();
        let api = |options: ServiceOptions| {
            let options = options.start_limit(Duration::from_secs(1));
            options.after("first").needs::<Db>()
        };
        let ep = builder()
            .dependency(diary.factory("db", 50_000, || Db))
            .services(services![
                diary.service("api", api),
                diary.service("first", |options| options),
            ])
            .start()
            .await;
        let ep = ep.expect("all start");
        diary.assert(&[
            "0 db: making",
            "0 first: start",
            "50000 api: start",
            "50000 db: made",
        ]);
        ep.graceful_shutdown("done").await.expect("all is well");
    });
}

/// V1: nobody's wait is another's.
#[test]
fn one_who_gives_up_disturbs_no_other() {
    simulate(async || {
        let diary = Diary::new();
        let ep = builder().dependency(diary.factory("db", 100, || Db));
        let ep = ep.start().await.expect("nothing is needed");
        let short = time::timeout(Duration::from_millis(10), ep.dependency::<Db>()).await;
        assert!(short.is_err());
        ep.dependency::<Db>().await.expect("it is made");
        ep.graceful_shutdown("done").await.expect("all is well");
        diary.assert(&["0 db: making", "100 db: made", "100 db: tear-down"]);
    });
}

/// V7: a life that comes later, and a service that comes later, find the value that is there.
#[test]
fn later_lives_and_later_services_find_the_same_value() {
    simulate(async || {
        let diary = Diary::new();
        let seen: Arc<Mutex<Vec<Arc<Db>>>> = Arc::default();
        let sees = |fails: bool| {
            let seen = Arc::clone(&seen);
            service_fn(
                if fails { "fails" } else { "later" },
                move |ctx: ServiceContext| {
                    let seen = Arc::clone(&seen);
                    async move {
                        let value = ctx.dependency::<Db>()?;
                        let lives = {
                            let mut seen = seen.lock().expect("nobody panics meanwhile");
                            seen.push(value);
                            seen.len()
                        };
                        ctx.ready();
                        if fails && lives < 3 {
                            return Err("once more".into());
                        }
                        pending().await
                    }
                },
            )
        };
        let pause = Duration::from_millis(1);
        let restart = Policy::Restart(Restart::new().pause(pause).max_pause(pause));
        let ep = builder()
            .dependency(diary.factory("db", 100, || Db))
            .service(sees(true).configure(|options| options.needs::<Db>().policy(restart)))
            .start()
            .await
            .expect("it starts");
        after(100).await;
        let later = sees(false).configure(|options| options.needs::<Db>());
        ep.start_services(services![later])
            .await
            .expect("it starts");
        {
            let seen = std::mem::take(&mut *seen.lock().expect("nobody panics meanwhile"));
            assert_eq!(seen.len(), 4);
            assert!(seen.iter().all(|value| Arc::ptr_eq(value, &seen[0])));
        }
        ep.graceful_shutdown("done").await.expect("all is well");
        assert_eq!(diary.all().len(), 3, "{:?}", diary.all());
    });
}

/// V7: what a service that comes later needs is made then, and lives until the end of the program.
#[test]
fn what_later_services_need_is_made_later() {
    simulate(async || {
        let diary = Diary::new();
        let ep = builder().dependency(diary.factory("db", 100, || Db));
        let ep = ep.start().await.expect("nothing is needed");
        let later = || diary.service("later", |options| options.needs::<Db>());
        let handles = ep.start_services(services![later()]).await;
        let handles = handles.expect("it starts");
        ep.stop_services(handles, "for now")
            .await
            .expect("it stops");
        ep.start_services(services![later()])
            .await
            .expect("it starts again");
        ep.graceful_shutdown("done").await.expect("all is well");
        diary.assert(&[
            "0 db: making",
            "100 db: made",
            "100 later: start",
            "100 later: stop",
            "110 later: start",
            "110 later: stop",
            "120 db: tear-down",
        ]);
    });
}
