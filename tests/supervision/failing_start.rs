//! A start that fails.

use aiomisc::context::Key;
use aiomisc::entrypoint::Stage;
use aiomisc::service::{ServiceState, StopKind};
use aiomisc::signal::{POST_START, POST_STOP, PRE_START, PRE_STOP};
use aiomisc::{service_fn, services};

use super::*;

static NEVER_SET: Key<u32> = Key::new("the other's key");

/// S4: two are up, one fails, one is starting, and one waits for a value that the failing one was to
/// set. Those up are stopped in reverse, one after the other; the others are joined; one error names
/// all; POST_START is not called.
#[test]
fn a_failing_start_undoes_everything_and_names_all() {
    simulate(async || {
        let diary = Diary::new();
        let note = |text: &'static str| {
            let diary = diary.clone();
            move |_| {
                diary.add(text);
                async { Ok(()) }
            }
        };
        let in_start = diary.clone();
        let waiting = diary.clone();
        let starting = service_fn("starting", move |_| {
            let dropped = in_start.events.on_drop("starting: dropped");
            async move {
                let _dropped = dropped;
                pending().await
            }
        });
        let waits = service_fn("waiting", move |ctx| {
            let dropped = waiting.events.on_drop("waiting: dropped");
            async move {
                let _dropped = dropped;
                ctx.context().get(&NEVER_SET).await?;
                Ok(())
            }
        });
        let failing = service_fn("failing", |_| async {
            after(20).await;
            Err("out of luck".into())
        });
        let error = builder()
            .services(services![
                Script::new("one", &diary, &[]).stop_takes(10),
                Script::new("two", &diary, &[])
                    .options(|options| options.after("one"))
                    .stop_takes(10),
                failing,
                starting,
                waits,
            ])
            .connect(&PRE_START, note("PRE_START"))
            .connect(&POST_START, note("POST_START"))
            .connect(&PRE_STOP, note("PRE_STOP"))
            .connect(&POST_STOP, note("POST_STOP"))
            .on_start_failed({
                let diary = diary.clone();
                move |event| {
                    diary.add(format_args!("START_FAILED: {}", event.errors.join("; ")));
                    async { Ok(()) }
                }
            })
            .start()
            .await
            .expect_err("one fails");
        let mut failures: Vec<_> = error
            .failures()
            .iter()
            .map(|f| (f.service(), f.stage()))
            .collect();
        assert_eq!(failures.remove(0), ("failing", Stage::Start));
        failures.sort_by_key(|(name, _)| *name);
        assert_eq!(
            failures,
            [("starting", Stage::Start), ("waiting", Stage::Start)]
        );
        let text = error.to_string();
        assert!(
            text.starts_with("service `failing` failed to start: out of luck; "),
            "{text}"
        );
        for name in ["starting", "waiting"] {
            let given_up =
                format!("service `{name}` failed to start: given up: service `failing` failed");
            assert!(text.contains(&given_up), "{text}");
        }
        let mut events = diary.all();
        let dropped = events
            .iter()
            .position(|event| event.ends_with("dropped"))
            .expect("it was");
        events[dropped..dropped + 2].sort();
        assert_eq!(
            events,
            [
                "0 PRE_START",
                "0 one: start",
                "0 two: start",
                "20 START_FAILED: service `failing` failed to start: out of luck",
                "20 PRE_STOP",
                "starting: dropped",
                "waiting: dropped",
                "20 two: stop (service `failing` failed)",
                "30 two: stopped",
                "30 one: stop (service `failing` failed)",
                "40 one: stopped",
                "40 POST_STOP",
            ]
        );
    });
}

/// S5: a stop that comes during the start is no failure.
#[test]
fn a_stop_during_the_start_is_no_failure() {
    for at in [0, 5, 10, 15] {
        simulate(async || {
            let diary = Diary::new();
            let start = builder()
                .services(services![
                    Script::new("quick", &diary, &[Life::Slow(10)]),
                    Script::new("slow", &diary, &[Life::Slow(20)]),
                ])
                .connect(&POST_START, |_| async { panic!("it has not started") })
                .on_start_failed(|_| async { panic!("it has not failed") })
                .connect(&PRE_START, move |event| async move {
                    let entrypoint = event.entrypoint.clone();
                    aiomisc::spawn(async move {
                        after(at).await;
                        entrypoint.request_stop("changed my mind");
                    })
                    .detach();
                    Ok(())
                });
            let error = start.start().await.expect_err("it was stopped");
            let reason = error.stop_reason().expect("nothing failed");
            assert_eq!(
                *reason.kind(),
                StopKind::Requested("changed my mind".into())
            );
            assert_eq!(error.exit_code(), 0);
            let stops = diary
                .all()
                .into_iter()
                .filter(|event| event.contains("stop ("))
                .count();
            let up = diary
                .all()
                .into_iter()
                .filter(|event| event.contains("ready"))
                .count();
            assert_eq!(stops, up);
        });
    }
}

/// S6: a receiver that fails at the start fails it, and the others are called all the same.
#[test]
fn a_failing_receiver_at_the_start_fails_it() {
    for (signal, started) in [(&PRE_START, false), (&POST_START, true)] {
        simulate(async || {
            let diary = Diary::new();
            let told = diary.clone();
            let failed = diary.clone();
            let error = builder()
                .service(Script::new("it", &diary, &[]))
                .connect(signal, |_| async { Err("no".into()) })
                .connect(signal, |_| async { panic!("never") })
                .connect(signal, move |_| {
                    told.add("told");
                    async { Ok(()) }
                })
                .on_start_failed(move |event| {
                    failed.add(format_args!("failed with {} errors", event.errors.len()));
                    async { Ok(()) }
                })
                .start()
                .await
                .expect_err("receivers fail");
            let failures = error.receivers()[0].failures();
            assert_eq!(failures.len(), 2);
            let text = error.to_string();
            assert!(
                text.starts_with(&format!("the signal {}: receiver", signal.name())),
                "{text}"
            );
            assert!(
                text.contains("no") && text.contains("panicked: never"),
                "{text}"
            );
            let stop = format!("0 it: stop (a receiver of {} failed)", signal.name());
            match started {
                true => diary.assert(&["0 it: start", "0 told", "0 failed with 1 errors", &stop]),
                false => diary.assert(&["0 told", "0 failed with 1 errors"]),
            }
        });
    }
}

/// S3: nothing waits without a limit, receivers at the start neither.
#[test]
fn receivers_have_limits() {
    simulate(async || {
        let diary = Diary::new();
        let begun = Runtime::current().expect("in a simulation").now();
        let error = builder()
            .service(Script::new("it", &diary, &[]))
            .connect(&PRE_START, |_| pending())
            .start()
            .await
            .expect_err("it hangs");
        assert!(
            error
                .to_string()
                .ends_with("took longer than the limit of 60s"),
            "{error}"
        );
        let now = Runtime::current().expect("in a simulation").now();
        assert_eq!(now.duration_since(begun), Duration::from_secs(60));

        let ep = builder()
            .service(Script::new("it", &diary, &[]))
            .shutdown_timeout(Duration::from_secs(8))
            .connect(&PRE_STOP, |_| pending())
            .connect(&POST_STOP, |_| pending())
            .start()
            .await
            .expect("it starts");
        let handle = ep.handle().clone();
        let begun = handle.runtime().now();
        let error = ep.graceful_shutdown("done").await.expect_err("they hang");
        assert!(!error.overran(), "{error}");
        assert_eq!(error.receivers().len(), 2);
        assert_eq!(
            handle.runtime().now().duration_since(begun),
            Duration::from_secs(2)
        );
        assert_eq!(handle.services()[0].state(), ServiceState::Stopped);
        diary.assert(&["0 it: start", "1000 it: stop (done)"]);
    });
}

/// S3: receivers that hang leave time for the services, however many they are.
#[test]
fn receivers_that_hang_leave_time_for_services() {
    simulate(async || {
        let diary = Diary::new();
        let told = diary.clone();
        let mut builder = builder()
            .service(Script::new("it", &diary, &[]))
            .shutdown_timeout(Duration::from_secs(8));
        for _ in 0..20 {
            builder = builder.connect(&PRE_STOP, |_| pending());
        }
        let tell = move |_| {
            told.add("told");
            async { Ok(()) }
        };
        let ep = builder
            .connect(&PRE_STOP, tell)
            .start()
            .await
            .expect("it starts");
        let error = ep.graceful_shutdown("done").await.expect_err("they hang");
        assert!(!error.overran(), "{error}");
        assert_eq!(error.receivers()[0].failures().len(), 20);
        diary.assert(&["0 it: start", "2000 told", "2000 it: stop (done)"]);
    });
}
