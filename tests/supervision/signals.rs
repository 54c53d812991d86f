//! When the signals of the lifecycle are called, and with what.

use aiomisc::services;
use aiomisc::signal::{Lifecycle, POST_START, POST_STOP, PRE_START, PRE_STOP};

use super::*;

fn telling(builder: EntrypointBuilder, diary: &Diary) -> EntrypointBuilder {
    let tell = |name: &'static str| {
        let diary = diary.clone();
        move |event: Lifecycle| {
            let services = event.services.iter();
            let services: Vec<_> = services
                .map(|s| format!("{} {}", s.name(), s.state()))
                .collect();
            diary.add(format_args!("{name}: {}", services.join(", ")));
            async { Ok(()) }
        }
    };
    builder
        .connect(&PRE_START, tell("PRE_START"))
        .connect(&POST_START, tell("POST_START"))
        .connect(&PRE_STOP, tell("PRE_STOP"))
        .connect(&POST_STOP, tell("POST_STOP"))
}

/// L1: the order of a life, and again for those that come and go, with just those.
#[test]
fn signals_are_called_in_order_and_again_for_those_that_come_and_go() {
    simulate(async || {
        let diary = Diary::new();
        let ep = telling(builder(), &diary)
            .service(Script::new("first", &diary, &[]))
            .start()
            .await
            .expect("it starts");
        after(10).await;
        let late = ep
            .start_services(services![Script::new("late", &diary, &[])])
            .await
            .expect("it starts");
        after(10).await;
        ep.stop_services(late, "enough").await.expect("it stops");
        after(10).await;
        ep.graceful_shutdown("done").await.expect("it stops");
        diary.assert(&[
            "0 PRE_START: first new",
            "0 first: start",
            "0 POST_START: first running",
            "10 PRE_START: late new",
            "10 late: start",
            "10 POST_START: late running",
            "20 PRE_STOP: late running",
            "20 late: stop (enough)",
            "20 POST_STOP: late stopped",
            "30 PRE_STOP: first running",
            "30 first: stop (done)",
            "30 POST_STOP: first stopped",
        ]);
    });
}

/// L2: a failing receiver keeps nothing from being stopped, and is an error of the run.
#[test]
fn failing_receivers_at_the_stop_are_collected() {
    simulate(async || {
        let diary = Diary::new();
        let ep = telling(builder(), &diary)
            .service(Script::new("it", &diary, &[]))
            .connect(&PRE_STOP, |_| async { Err("not now".into()) })
            .connect(&POST_STOP, |_| async { panic!("not like that") })
            .start()
            .await
            .expect("it starts");
        let error = ep
            .graceful_shutdown("done")
            .await
            .expect_err("receivers fail");
        let signals: Vec<_> = error
            .receivers()
            .iter()
            .map(|error| error.signal())
            .collect();
        assert_eq!(signals, ["PRE_STOP", "POST_STOP"]);
        assert_eq!(error.exit_code(), 1);
        diary.assert(&[
            "0 PRE_START: it new",
            "0 it: start",
            "0 POST_START: it running",
            "0 PRE_STOP: it running",
            "0 it: stop (done)",
            "0 POST_STOP: it stopped",
        ]);
    });
}

/// L3: a signal of the program is a template: what is connected later does not reach an entrypoint
/// that has begun.
#[test]
fn templates_are_copied_at_the_start() {
    simulate(async || {
        // Other entrypoints of this process, which begin now, do have it.
        const NAME: &str = "of a test of its own";
        let diary = Diary::new();
        let ep = builder()
            .service(Script::new(NAME, &diary, &[]))
            .start()
            .await
            .expect("it starts");
        let connection = PRE_STOP
            .connect(|event: Lifecycle| async move {
                let told = event.services.iter().any(|s| s.name() == NAME);
                assert!(!told, "too late");
                Ok(())
            })
            .expect("templates are not frozen");
        let stopped = ep.graceful_shutdown("done").await;
        assert_eq!(PRE_STOP.disconnect(connection), Ok(true));
        stopped.expect("nobody was told");
    });
}
