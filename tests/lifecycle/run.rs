//! `run` blocks a thread: these are not inside of a runtime.

use aiomisc::Outcome;
use aiomisc::entrypoint::OsSignal;

use super::shared::runtimes;
use super::*;

#[test]
fn the_main_job_runs_between_start_and_stop() {
    for runtime in runtimes() {
        let events = Events::default();
        let probe = Probe::new("probe", &events, Start::ReadyThenLooksOut, Stop::Returns);
        let main = events.clone();
        let outcome = Entrypoint::builder()
            .runtime(runtime)
            .service(probe)
            .run(async move {
                assert!(Entrypoint::current().is_some());
                main.add("main");
                7
            });
        assert!(matches!(outcome, Ok(Outcome::Finished(7))), "{outcome:?}");
        let events = events.all();
        assert_eq!(events[..2], ["probe: start", "main"], "{events:?}");
        assert!(events.contains(&"probe: stop".to_owned()), "{events:?}");
    }
}

#[test]
fn a_failing_service_drops_the_main_job_before_the_stop() {
    for runtime in runtimes() {
        let events = Events::default();
        // One that fails before all have started ends the start instead.
        let main_runs = switch();
        let fail = main_runs.clone();
        let failing = service_fn("failing", move |ctx| {
            let fail = fail.clone();
            async move {
                ctx.ready();
                fail.wait().await;
                Err("broken".into())
            }
        });
        let main = events.on_drop("main dropped");
        let error = Entrypoint::builder()
            .runtime(runtime)
            .service(Probe::new("other", &events, Start::Returns, Stop::Returns))
            .service(failing)
            .run(async move {
                let _main = main;
                main_runs.set();
                pending::<()>().await;
            })
            .expect_err("a service failed");
        assert_eq!(error.to_string(), "service `failing` failed: broken");
        assert_eq!(
            events.all(),
            [
                "other: start",
                "other: start over",
                "main dropped",
                "other: stop"
            ]
        );
    }
}

#[test]
fn a_panic_of_the_main_job_comes_through_after_the_stop() {
    for runtime in runtimes() {
        let events = Events::default();
        let probe = Probe::new("probe", &events, Start::Returns, Stop::Returns);
        let run = move || {
            let main = async { panic!("oh no") };
            Entrypoint::builder()
                .runtime(runtime)
                .service(probe)
                .run(main)
        };
        let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run));
        let panic = panic.map(drop).expect_err("it panics");
        assert_eq!(panic.downcast_ref(), Some(&"oh no"));
        assert!(events.all().contains(&"probe: stop".to_owned()));
    }
}

/// E1, E7
#[test]
fn a_requested_stop_is_an_outcome() {
    for runtime in runtimes() {
        let outcome = Entrypoint::builder().runtime(runtime).run(async {
            Entrypoint::current()
                .expect("we are inside")
                .request_stop("enough");
            pending::<()>().await;
        });
        let Ok(Outcome::Stopped(reason)) = outcome else {
            panic!("{outcome:?}")
        };
        assert_eq!(reason.to_string(), "enough");
    }
}

#[test]
fn a_main_job_that_panics_when_it_is_dropped_does_not_prevent_the_stop() {
    struct PanicOnDrop;

    impl Drop for PanicOnDrop {
        fn drop(&mut self) {
            panic!("not like that");
        }
    }

    for runtime in runtimes() {
        let events = Events::default();
        let probe = Probe::new("probe", &events, Start::Returns, Stop::Returns);
        let run = move || {
            let main = async {
                let _panics = PanicOnDrop;
                Entrypoint::current()
                    .expect("we are inside")
                    .request_stop("enough");
                pending::<()>().await;
            };
            Entrypoint::builder()
                .runtime(runtime)
                .service(probe)
                .run(main)
        };
        let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run));
        let panic = panic.map(drop).expect_err("it panics");
        assert_eq!(panic.downcast_ref(), Some(&"not like that"));
        assert!(events.all().contains(&"probe: stop".to_owned()));
    }
}

#[test]
fn signals_that_do_not_exist_are_mistakes_of_the_configuration() {
    for number in [0, -1, 33, 65, 128, 1000, i32::MIN, i32::MAX] {
        for runtime in runtimes() {
            let error = Entrypoint::builder()
                .runtime(runtime)
                .catch_signals([OsSignal::from_raw(number)])
                .run(async {})
                .expect_err("there is no such signal");
            assert!(error.as_config().is_some(), "{number}: {error}");
        }
    }
}

/// Runs [`child`] in a process of its own, and gives how that ended.
fn in_a_process(what: &str) -> std::process::ExitStatus {
    let program = std::env::current_exe().expect("this program");
    let output = std::process::Command::new(program)
        .args(["--exact", "run::child", "--nocapture"])
        .env("AIOMISC_TEST_CHILD", what)
        .output();
    output.expect("it can be started").status
}

fn terminate() {
    let me = nix::unistd::Pid::this();
    nix::sys::signal::kill(me, nix::sys::signal::SIGTERM).expect("we may signal ourselves");
}

/// Does nothing unless it is run by [`in_a_process`].
#[test]
#[allow(
    clippy::disallowed_methods,
    reason = "these programs block their threads, and are told by a variable what to do"
)]
fn child() {
    let Ok(what) = std::env::var("AIOMISC_TEST_CHILD") else {
        return;
    };
    let runtime = runtimes().remove(0);
    let builder = Entrypoint::builder()
        .runtime(runtime)
        .catch_signals([OsSignal::TERM]);
    match &*what {
        "blocked" => {
            let blocks = service_fn("blocks", |ctx: ServiceContext| async move {
                ctx.ready();
                terminate();
                std::thread::sleep(Duration::from_secs(20));
                Ok(())
            });
            let builder = builder.shutdown_timeout(Duration::from_millis(10));
            drop(builder.service(blocks).run(pending::<()>()));
        }
        "given back" => {
            let signals = [OsSignal::TERM, OsSignal::from_raw(33)];
            let outcome = builder.catch_signals(signals).run(async {});
            outcome.expect_err("the second cannot be caught");
            terminate();
            std::thread::sleep(Duration::from_secs(20));
        }
        "impatient" => {
            struct Blocks;

            #[async_trait]
            impl Service for Blocks {
                async fn start(&self, _: ServiceContext) -> Result<(), BoxError> {
                    Ok(())
                }

                async fn stop(&self, _: &StopReason) -> Result<(), BoxError> {
                    // Two at the same time may be one.
                    for _ in 0..60 {
                        terminate();
                        std::thread::sleep(Duration::from_millis(300));
                    }
                    Ok(())
                }
            }

            drop(builder.service(Blocks).run(async {}));
        }
        other => panic!("{other}"),
    }
}

#[test]
fn a_blocked_executor_does_not_prevent_the_exit() {
    assert_eq!(in_a_process("blocked").code(), Some(70));
}

#[test]
fn signals_that_are_refused_leave_the_others_as_they_were() {
    use std::os::unix::process::ExitStatusExt;
    assert_eq!(in_a_process("given back").signal(), Some(15));
}

#[test]
fn a_signal_during_another_stop_is_the_second_and_the_next_the_third() {
    assert_eq!(in_a_process("impatient").code(), Some(128 + 15));
}

#[test]
fn an_unknown_runtime_is_named() {
    let error = Entrypoint::builder()
        .environment(|name| (name == "AIOMISC_RUNTIME").then(|| "libuv".to_owned()))
        .run(async {})
        .expect_err("there is no such runtime");
    let text = error.to_string();
    assert!(
        text.contains("AIOMISC_RUNTIME: `libuv` is no runtime of this build"),
        "{text}"
    );
}
