//! `Policy::Restart`: pauses, limits, and what comes in between.

use std::sync::Arc;
use std::time::Duration;

use aiomisc::service::{Restart, ServiceState, ServiceStatus};
use aiomisc::{Service, service_fn, services};

use super::*;

/// Without chance.
fn restart() -> Restart {
    Restart::new().jitter(false)
}

/// P3: pauses grow, and the limit on starts stops the program.
#[test]
fn pauses_double_and_the_limit_stops_the_program() {
    simulate(async || {
        let diary = Diary::new();
        let script = Script::new("frail", &diary, &[Life::Fails(0); 10]);
        let ep = builder()
            .service(script.options(|options| options.policy(restart())))
            .start()
            .await
            .expect("it starts");
        let service = ep.service("frail").expect("it is there");
        ep.closing().await;
        assert_eq!(service.status().restarts, 5);
        let error = ep.graceful_shutdown("done").await.expect_err("it gave up");
        assert_eq!(
            error.to_string(),
            "service `frail` failed: failed again after 5 restarts within 60s: broken"
        );
        assert_eq!(error.exit_code(), 1);
        let because = "stop (service `frail` failed)";
        let mut expected = Vec::new();
        for at in [0, 100, 300, 700, 1500, 3100] {
            expected.push(format!("{at} frail: start"));
            expected.push(format!("{at} frail: {because}"));
        }
        assert_eq!(diary.all(), expected);
        assert_eq!(service.state(), ServiceState::Failed);
    });
}

/// P3: what a service is in each of its pauses, also when a life fails before it was noticed that it had
/// started.
#[test]
fn a_service_is_restarting_until_it_is_back() {
    simulate(async || {
        let count = Arc::new(AtomicUsize::new(0));
        let service = service_fn("frail", move |ctx: ServiceContext| {
            let number = count.fetch_add(1, Ordering::Relaxed);
            async move {
                let known = ctx.status();
                assert_eq!(known.restarts, number as u64);
                assert_eq!(known.cause.is_some(), number > 0);
                ctx.ready();
                if number < 3 {
                    return Err(format!("failure {number}").into());
                }
                ctx.stopping().await;
                Ok(())
            }
        });
        let ep = builder()
            .service(service.configure(|options| options.policy(restart())))
            .start()
            .await
            .expect("it starts");
        let service = ep.service("frail").expect("it is there");
        // It is started at 0, 100, 300 and 700.
        for (restarts, wait) in [(0, 50), (1, 150), (2, 300)] {
            after(wait).await;
            let status = service.status();
            assert_eq!(status.state, ServiceState::Restarting);
            assert_eq!(status.restarts, restarts);
            let cause = format!("service `frail` failed: failure {restarts}");
            assert_eq!(status.cause.as_deref(), Some(cause.as_str()));
        }
        after(300).await;
        assert_eq!(service.state(), ServiceState::Running);
        ep.graceful_shutdown("done").await.expect("it is back");
    });
}

/// P3: the pause has an upper bound, and grows with the starts that count.
#[test]
fn the_longest_pause_is_kept() {
    simulate(async || {
        let diary = Diary::new();
        let policy = restart()
            .pause(Duration::from_secs(1))
            .max_pause(Duration::from_secs(5))
            .limit(6)
            .within(Duration::from_secs(3600));
        let script = Script::new("frail", &diary, &[Life::Fails(0); 10]);
        let ep = builder()
            .service(script.options(|options| options.policy(policy)))
            .start()
            .await
            .expect("it starts");
        ep.closing().await;
        ep.graceful_shutdown("done").await.expect_err("it gave up");
        let starts: Vec<_> = diary
            .all()
            .into_iter()
            .filter_map(|event| Some(event.strip_suffix(" frail: start")?.to_owned()))
            .collect();
        assert_eq!(
            starts,
            ["0", "1000", "3000", "7000", "12000", "17000", "22000"]
        );
    });
}

/// P3: what lies back further than `within` does not count.
#[test]
fn a_service_that_lives_long_enough_begins_anew() {
    simulate(async || {
        let diary = Diary::new();
        let script = Script::new("tired", &diary, &[Life::Fails(60_000); 100]);
        let ep = builder()
            .service(script.options(|options| options.policy(restart().limit(1))))
            .start()
            .await
            .expect("it starts");
        let service = ep.service("tired").expect("it is there");
        let back =
            |status: &ServiceStatus| status.restarts == 50 && status.state == ServiceState::Running;
        let status = service.until(back).await;
        assert_eq!(
            status.cause.as_deref(),
            Some("service `tired` failed: broken")
        );
        assert!(!ep.is_closing());
        let error = ep.graceful_shutdown("done").await;
        let error = error.expect_err("its running part does not look out for the stop");
        assert_eq!(error.failures().len(), 1);
        let last = diary
            .all()
            .into_iter()
            .rfind(|event| event.ends_with("start"));
        assert_eq!(last.as_deref(), Some("3005000 tired: start"));
    });
}

/// P3: failing in a start that is not the first counts like failing later; P4: no `stop` for a life
/// that had not started.
#[test]
fn a_restart_that_fails_is_followed_by_the_next() {
    simulate(async || {
        let diary = Diary::new();
        let lives = [
            Life::Fails(10),
            Life::NoStart,
            Life::PanicAtStart,
            Life::Stuck,
            Life::TaskFails(50),
            Life::Up,
        ];
        let script = Script::new("unlucky", &diary, &lives);
        let ep = builder()
            .service(script.options(|options| {
                options
                    .policy(restart())
                    .start_limit(Duration::from_secs(2))
            }))
            .start()
            .await
            .expect("it starts");
        let service = ep.service("unlucky").expect("it is there");
        let states = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&states);
        let status = service
            .until(move |status| {
                let mut seen = seen.lock().expect("nobody panics meanwhile");
                if seen.last() != Some(&status.state) {
                    seen.push(status.state);
                }
                status.restarts == 5 && status.state == ServiceState::Running
            })
            .await;
        assert_eq!(
            status.cause.as_deref(),
            Some("service `unlucky` failed: a task broke")
        );
        let states = states.lock().expect("nobody panics meanwhile").clone();
        assert!(states.contains(&ServiceState::Restarting), "{states:?}");
        ep.graceful_shutdown("done").await.expect("it is up");
        diary.assert(&[
            "0 unlucky: start",
            "10 unlucky: stop (service `unlucky` failed)",
            "110 unlucky: start",
            "310 unlucky: start",
            "710 unlucky: start",
            "3510 unlucky: start",
            "3560 unlucky: stop (service `unlucky` failed)",
            "5160 unlucky: start",
            "5160 unlucky: stop (done)",
        ]);
    });
}

/// P2: the old life ends within its limit before the pause begins, whatever its stop does.
#[test]
fn the_old_life_is_stopped_first_within_its_limit() {
    simulate(async || {
        let diary = Diary::new();
        let script = Script::new("slow", &diary, &[Life::Fails(10)]).stop_takes(5000);
        let ep =
            builder()
                .service(script.options(|options| {
                    options.policy(restart()).stop_limit(Duration::from_secs(1))
                }))
                .start()
                .await
                .expect("it starts");
        let service = ep.service("slow").expect("it is there");
        service
            .until(|status| status.restarts == 1 && status.state == ServiceState::Running)
            .await;
        diary.assert(&[
            "0 slow: start",
            "10 slow: stop (service `slow` failed)",
            "1110 slow: start",
        ]);
        ep.graceful_shutdown("done")
            .await
            .expect_err("its stop is too slow");
    });
}

/// P3: with jitter each pause is drawn between zero and its length, from the seed.
#[test]
fn jitter_draws_the_pause_from_the_seed() {
    let pauses = |seed| {
        Simulation::new(seed).block_on(async {
            let diary = Diary::new();
            let script = Script::new("frail", &diary, &[Life::Fails(0); 10]);
            let ep = builder()
                .service(script.options(|options| options.policy(Restart::new())))
                .start()
                .await
                .expect("it starts");
            ep.closing().await;
            ep.graceful_shutdown("done").await.expect_err("it gave up");
            let starts = diary.all().into_iter();
            let starts =
                starts.filter_map(|event| event.strip_suffix(" frail: start")?.parse().ok());
            let starts: Vec<u64> = starts.collect();
            starts
                .windows(2)
                .map(|pair| pair[1] - pair[0])
                .collect::<Vec<_>>()
        })
    };
    let mut all = Vec::new();
    for seed in 0..100 {
        let drawn = pauses(seed);
        assert_eq!(drawn, pauses(seed), "seed {seed}");
        for (pause, most) in drawn.iter().zip([100, 200, 400, 800, 1600]) {
            assert!(*pause <= most, "seed {seed}: {drawn:?}");
        }
        all.push(drawn);
    }
    let sum: u64 = all.iter().flatten().sum();
    let mean = 100 * (100 + 200 + 400 + 800 + 1600) / 2;
    assert!(sum.abs_diff(mean) < mean / 5, "{sum} is far from {mean}");
    all.sort();
    all.dedup();
    assert!(all.len() > 90, "{} different ones", all.len());
}

/// P5: a stop that comes at any moment of a restart is not held up by it, and `stop` is called once
/// for each life that has started.
#[test]
fn a_stop_in_the_middle_of_a_restart_ends_it() {
    for at in 0..40 {
        simulate(async || {
            let diary = Diary::new();
            // Fails at 10, is stopped until 110, pauses until 210, starts until 310.
            let script = Script::new("it", &diary, &[Life::Fails(10), Life::Slow(100)]);
            let ep = builder()
                .service(
                    script
                        .stop_takes(100)
                        .options(|options| options.policy(restart())),
                )
                .start()
                .await
                .expect("it starts");
            let begun = ep.runtime().now();
            after(at * 10).await;
            match ep.graceful_shutdown("done").await {
                Ok(_) => assert!(at > 0),
                // It broke in the middle of the stop, or at its very moment.
                Err(error) => {
                    assert_eq!(error.to_string(), "service `it` failed: broken");
                    assert!(at <= 1);
                }
            }
            let took = ep_millis(begun);
            let events = diary.all();
            let count = |what: &str| events.iter().filter(|event| event.contains(what)).count();
            assert!(took <= at * 10 + 200, "{took}: {events:?}");
            let lives = 1 + count("it: ready");
            assert_eq!(count("it: stop ("), lives, "at {at}: {events:?}");
            assert_eq!(count("it: stopped"), lives, "at {at}: {events:?}");
        });
    }

    fn ep_millis(begun: Instant) -> u64 {
        let now = Runtime::current().expect("in a simulation").now();
        u64::try_from(now.duration_since(begun).as_millis()).expect("not that long")
    }
}

/// P6: the others do not notice.
#[test]
fn the_others_do_not_notice_a_restart() {
    simulate(async || {
        let diary = Diary::new();
        let ep = builder()
            .services(services![
                Script::new("frail", &diary, &[Life::Fails(10)])
                    .options(|options| options.policy(restart())),
                Script::new("other", &diary, &[]).configure(|options| options.after("frail")),
            ])
            .start()
            .await
            .expect("both start");
        after(1000).await;
        assert_eq!(
            ep.service("frail").expect("it is there").status().restarts,
            1
        );
        ep.graceful_shutdown("done").await.expect("all is well");
        diary.assert(&[
            "0 frail: start",
            "0 other: start",
            "10 frail: stop (service `frail` failed)",
            "110 frail: start",
            "1000 other: stop (done)",
            "1000 frail: stop (done)",
        ]);
    });
}

#[test]
fn numbers_that_make_no_sense_are_mistakes() {
    simulate(async || {
        let policy = Restart::new()
            .limit(0)
            .within(Duration::ZERO)
            .pause(Duration::from_secs(60));
        let error = builder()
            .service(
                Script::new("it", &Diary::new(), &[]).options(|options| options.policy(policy)),
            )
            .start()
            .await
            .expect_err("three mistakes");
        assert_eq!(
            error.as_config().expect("it is one").problems(),
            [
                "service `it`: restart: expected a limit of at least 1, got 0 (`Policy::StopAll` never \
                 restarts)",
                "service `it`: restart: expected `within` above zero, got 0",
                "service `it`: restart: expected a first pause up to the longest one of 30s, got 60s",
            ]
        );
    });
}
