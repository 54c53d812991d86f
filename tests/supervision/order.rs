//! Services that need others.

use std::time::Duration;

use aiomisc::service::ServiceState;
use aiomisc::{service_fn, services};

use super::*;

/// O1, O2: what is needed starts first and stops last; others are not held up.
#[test]
fn what_is_needed_starts_first_and_stops_last() {
    simulate(async || {
        let diary = Diary::new();
        let ep = builder()
            .services(services![
                Script::new("web", &diary, &[Life::Slow(5)])
                    .stop_takes(10)
                    .options(|options| options.after("cache").after("db")),
                Script::new("cache", &diary, &[Life::Slow(20)])
                    .stop_takes(10)
                    .options(|options| options.after("db")),
                Script::new("db", &diary, &[Life::Slow(100)]).stop_takes(10),
                Script::new("alone", &diary, &[Life::Slow(1)]).stop_takes(10),
            ])
            .start()
            .await
            .expect("all start");
        ep.graceful_shutdown("done").await.expect("all is well");
        let mut events = diary.all();
        // What is independent comes in any order.
        for independent in [0..2, 8..10, 10..13] {
            events[independent].sort();
        }
        let expected = [
            "0 alone: start",
            "0 db: start",
            "1 alone: ready",
            "100 db: ready",
            "100 cache: start",
            "120 cache: ready",
            "120 web: start",
            "125 web: ready",
            "125 alone: stop (done)",
            "125 web: stop (done)",
            "135 alone: stopped",
            "135 cache: stop (done)",
            "135 web: stopped",
            "145 cache: stopped",
            "145 db: stop (done)",
            "155 db: stopped",
        ];
        assert_eq!(events, expected);
    });
}

struct Typed(&'static str, Diary);

#[async_trait]
impl Service for Typed {
    async fn start(&self, ctx: ServiceContext) -> Result<(), BoxError> {
        self.1.add(format_args!("{} is {}", ctx.name(), self.0));
        after(10).await;
        Ok(())
    }
}

/// O1: a need by type is met by all of that type, also where they are shared or named.
#[test]
fn a_need_by_type_is_met_by_all_of_it() {
    simulate(async || {
        let diary = Diary::new();
        let last =
            Script::new("last", &diary, &[]).options(|options| options.after_type::<Typed>());
        let ep = builder()
            .services(services![
                last,
                Typed("one", diary.clone()),
                Arc::new(Typed("two", diary.clone())),
                Typed("three", diary.clone()).named("third"),
            ])
            .start()
            .await
            .expect("all start");
        assert!(ep.service("third").expect("it is there").is::<Typed>());
        let mut events = diary.all();
        events[..3].sort();
        assert_eq!(
            events,
            [
                "0 Typed is one",
                "0 Typed#2 is two",
                "0 third is three",
                "10 last: start"
            ]
        );
        ep.graceful_shutdown("done").await.expect("all is well");
    });
}

/// O3: the limit on a start begins when the service may start.
#[test]
fn the_time_of_waiting_for_others_does_not_count() {
    simulate(async || {
        let diary = Diary::new();
        let slow = Script::new("slow", &diary, &[Life::Slow(50_000)]);
        let hasty = Script::new("hasty", &diary, &[Life::Stuck])
            .options(|options| options.after("slow").start_limit(Duration::from_secs(1)));
        let error = builder()
            .services(services![hasty, slow])
            .start()
            .await
            .expect_err("one is stuck");
        assert_eq!(
            error.to_string(),
            "service `hasty` failed to start: neither returned nor called `ServiceContext::ready` \
             within 1s"
        );
        diary.assert(&[
            "0 slow: start",
            "50000 slow: ready",
            "50000 hasty: start",
            "51000 slow: stop (service `hasty` failed)",
        ]);
    });
}

/// O4: those that need a service that fails are not started at all.
#[test]
fn those_that_need_a_failing_one_are_not_started() {
    simulate(async || {
        let diary = Diary::new();
        let seen = diary.clone();
        let error = builder()
            .services(services![
                Script::new("db", &diary, &[Life::NoStart]),
                Script::new("web", &diary, &[]).options(|options| options.after("db")),
            ])
            .on_start_failed(move |event| {
                let diary = seen.clone();
                async move {
                    let states = event.services.iter().map(|s| format!("{}", s.state()));
                    diary.add(states.collect::<Vec<_>>().join(" "));
                    Ok(())
                }
            })
            .start()
            .await
            .expect_err("one fails");
        assert_eq!(error.to_string(), "service `db` failed to start: no start");
        diary.assert(&["0 db: start", "0 failed new"]);
    });
}

/// O5: everything that is wrong is said at once.
#[test]
fn circles_gaps_and_equal_names_are_told_together() {
    simulate(async || {
        let needs = |name: &'static str, others: &'static [&'static str]| {
            let service = service_fn(name, |_| async { Ok(()) });
            service.configure(|options| {
                others
                    .iter()
                    .fold(options, |options, other| options.after(*other))
            })
        };
        let error = Entrypoint::builder()
            .environment(|name| match name {
                "AIOMISC_SHUTDOWN_TIMEOUT" => Some("soon".to_owned()),
                "AIOMISC_DEBUG" => Some("maybe".to_owned()),
                _ => None,
            })
            .services(services![
                needs("hen", &["egg"]),
                needs("egg", &["hen"]),
                needs("narcissus", &["narcissus"]),
                needs("twin", &[]),
                needs("twin", &["nobody"]),
                service_fn("typed", |_| async { Ok(()) })
                    .configure(|options| options.after_type::<Typed>()),
            ])
            .start()
            .await
            .expect_err("hardly anything is right");
        let problems = error.as_config().expect("it is one").problems();
        let others = "the others are";
        let expected = [
            "AIOMISC_DEBUG: expected one of",
            "AIOMISC_SHUTDOWN_TIMEOUT: expected a number of seconds above zero, got `soon`",
            "two services are called `twin`: names must differ",
            &format!("service `twin` needs `nobody`, which is not there; {others} `hen`, `egg`"),
            &format!(
                "service `typed` needs another service of the type Typed, which is not there; {others}"
            ),
            "services need each other, so that none can be the first: `hen` needs `egg` needs `hen`",
            "services need each other, so that none can be the first: `narcissus` needs `narcissus`",
        ];
        for expected in expected {
            let found = problems
                .iter()
                .filter(|problem| problem.starts_with(expected));
            assert_eq!(found.count(), 1, "{expected}: {problems:#?}");
        }
        assert_eq!(problems.len(), expected.len(), "{problems:#?}");
    });
}

/// O2: a service that hangs does not keep those that it needs from being stopped in time.
#[test]
fn a_chain_of_stops_stays_within_the_limits() {
    simulate(async || {
        let diary = Diary::new();
        let ep = builder()
            .shutdown_timeout(Duration::from_secs(10))
            .services(services![
                Script::new("db", &diary, &[]),
                Script::new("web", &diary, &[])
                    .stop_takes(60_000)
                    .options(|options| options.after("db").stop_limit(Duration::from_secs(2))),
                Script::new("slow db", &diary, &[]),
                Script::new("slow web", &diary, &[])
                    .stop_takes(60_000)
                    .options(|options| options.after("slow db")),
            ])
            .start()
            .await
            .expect("all start");
        let handle = ep.handle().clone();
        let error = ep.graceful_shutdown("done").await.expect_err("too slow");
        assert!(error.overran());
        assert_eq!(
            error
                .failures()
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>(),
            [
                "service `web` failed to stop",
                "service `slow db` failed to stop",
                "service `slow web` failed to stop"
            ]
        );
        let stops: Vec<_> = diary
            .all()
            .into_iter()
            .filter(|event| event.contains("stop"))
            .collect();
        assert_eq!(stops.len(), 3, "{stops:?}");
        assert_eq!(stops[2], "2000 db: stop (done)");
        let states: Vec<_> = handle
            .services()
            .iter()
            .map(|service| service.state())
            .collect();
        use ServiceState::{Failed, Stopped};
        assert_eq!(states, [Stopped, Failed, Failed, Failed]);
    });
}
