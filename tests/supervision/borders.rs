//! What foreign code does where nobody looks for it: it stops a service that waits for its turn, panics
//! outside of a poll, and fails when the program stops anyway.

use std::pin::Pin;

use aiomisc::service::{Restart, ServiceState};
use aiomisc::signal::{POST_STOP, PRE_START, PRE_STOP};
use aiomisc::{service_fn, services};

use super::*;

/// S3: a service that is stopped before its turn to start has come is nobody's to wait for.
#[test]
fn a_service_that_is_stopped_before_its_turn_holds_nobody_up() {
    simulate(async || {
        let diary = Diary::new();
        let first = service_fn("first", |ctx| async move {
            let ep = ctx.entrypoint();
            let second = ep.service("second").expect("it is there");
            let third = ep.service("third").expect("it is there");
            ep.stop_services([second.clone(), third], "not wanted")
                .await?;
            assert_eq!(second.state(), ServiceState::Stopped);
            Ok(())
        });
        let start = builder()
            .services(services![
                first,
                Script::new("second", &diary, &[]).options(|options| options.after("first")),
                Script::new("third", &diary, &[]).options(|options| options.after("second")),
            ])
            .start();
        let ep = time::timeout(Duration::from_secs(600), start)
            .await
            .expect("nothing waits without a limit")
            .expect("the first starts");
        assert_eq!(ep.services().len(), 1);
        ep.graceful_shutdown("done").await.expect("all is well");
        assert!(diary.all().is_empty());
    });
}

/// The same, by a receiver of PRE_START.
#[test]
fn a_receiver_of_pre_start_can_stop_a_service() {
    simulate(async || {
        let diary = Diary::new();
        let start = builder()
            .services(services![
                Script::new("one", &diary, &[]),
                Script::new("two", &diary, &[]).options(|options| options.after("one")),
            ])
            .connect(&PRE_START, |event| async move {
                let all = event.services.iter().cloned();
                event.entrypoint.stop_services(all, "not wanted").await?;
                Ok(())
            })
            .start();
        let ep = time::timeout(Duration::from_secs(600), start)
            .await
            .expect("nothing waits without a limit")
            .expect("nothing is left to fail");
        assert_eq!(ep.services().len(), 0);
        ep.graceful_shutdown("done").await.expect("all is well");
        assert!(diary.all().is_empty());
    });
}

/// S4: START_FAILED comes before what has started is stopped, as the signal promises.
#[test]
fn what_has_started_is_there_as_long_as_receivers_of_start_failed_run() {
    simulate(async || {
        let diary = Diary::new();
        let note = diary.clone();
        let error = builder()
            .services(services![
                Script::new("up", &diary, &[]),
                Script::new("fails", &diary, &[Life::NoStart])
                    .options(|options| options.after("up")),
            ])
            .on_start_failed(move |_| {
                let note = note.clone();
                async move {
                    after(10).await;
                    note.add("START_FAILED is over");
                    Ok(())
                }
            })
            .start()
            .await
            .expect_err("one fails");
        assert_eq!(error.failures().len(), 1);
        diary.assert(&[
            "0 up: start",
            "0 fails: start",
            "10 START_FAILED is over",
            "10 up: stop (service `fails` failed)",
        ]);
    });
}

/// E4: receivers of START_FAILED are a part of the stop, and of its time.
#[test]
fn receivers_of_start_failed_have_no_time_beside_that_of_the_stop() {
    simulate(async || {
        let mut builder = builder()
            .shutdown_timeout(Duration::from_secs(8))
            .service(Script::new("fails", &Diary::new(), &[Life::NoStart]));
        for _ in 0..10 {
            builder = builder.on_start_failed(|_| pending());
        }
        let runtime = Runtime::current().expect("in a simulation");
        let begun = runtime.now();
        let error = builder.start().await.expect_err("it fails");
        assert!(!error.overran());
        assert_eq!(error.receivers()[0].failures().len(), 10);
        assert_eq!(runtime.now().duration_since(begun), Duration::from_secs(2));
    });
}

/// A service whose `start` and `stop` are no asynchronous functions, and panic when they are called.
struct ByHand {
    start: bool,
    stop: bool,
}

type Answer<'a> = Pin<Box<dyn Future<Output = Result<(), BoxError>> + Send + 'a>>;

impl Service for ByHand {
    fn start<'a, 'b>(&'a self, ctx: ServiceContext) -> Answer<'b>
    where
        'a: 'b,
    {
        assert!(!self.start, "start was called");
        Box::pin(async move {
            if ctx.status().restarts > 0 {
                return Ok(());
            }
            ctx.ready();
            after(10).await;
            Err("broken".into())
        })
    }

    fn stop<'a, 'b, 'c>(&'a self, _: &'b StopReason) -> Answer<'c>
    where
        'a: 'c,
        'b: 'c,
    {
        assert!(!self.stop, "stop was called");
        Box::pin(async { Ok(()) })
    }

    fn options(&self) -> ServiceOptions {
        ServiceOptions::new().policy(Restart::new().jitter(false))
    }
}

#[test]
fn a_start_that_panics_before_there_is_a_future_fails_at_once() {
    simulate(async || {
        let runtime = Runtime::current().expect("in a simulation");
        let begun = runtime.now();
        let service = ByHand {
            start: true,
            stop: false,
        };
        let error = builder()
            .service(service)
            .start()
            .await
            .expect_err("it panics");
        assert_eq!(runtime.now(), begun, "{error}");
        assert_eq!(
            error.to_string(),
            "service `ByHand` failed to start: panicked: start was called"
        );
    });
}

/// P3: such a stop does not keep a service from coming back.
#[test]
fn a_stop_that_panics_before_there_is_a_future_is_one_that_panics() {
    simulate(async || {
        let service = ByHand {
            start: false,
            stop: true,
        };
        let ep = builder().service(service).start().await.expect("it starts");
        let handle = ep.service("ByHand").expect("it is there");
        let back =
            handle.until(|status| status.restarts == 1 && status.state == ServiceState::Running);
        time::timeout(Duration::from_secs(600), back)
            .await
            .expect("it comes back");
        let error = ep.graceful_shutdown("done").await.expect_err("it panics");
        assert_eq!(
            error.to_string(),
            "service `ByHand` failed to stop: panicked: stop was called"
        );
    });
}

/// A service that panics where it is asked about itself.
struct Rude(&'static str);

impl Rude {
    fn asked(&self, what: &str) {
        assert!(self.0 != what, "in {what}");
    }
}

#[async_trait]
impl Service for Rude {
    fn name(&self) -> Cow<'_, str> {
        self.asked("name");
        "rude".into()
    }

    async fn start(&self, _: ServiceContext) -> Result<(), BoxError> {
        Ok(())
    }

    fn options(&self) -> ServiceOptions {
        self.asked("options");
        ServiceOptions::default()
    }

    fn check(&self) -> Result<(), BoxError> {
        self.asked("check");
        Ok(())
    }
}

/// O5: a panic there is a mistake of the configuration, told with the others.
#[test]
fn a_panic_of_a_configuration_is_told_with_the_other_mistakes() {
    simulate(async || {
        for (what, name) in [("name", "Rude"), ("options", "rude"), ("check", "rude")] {
            let lost = service_fn("lost", |_| async { Ok(()) })
                .options(ServiceOptions::new().after("nowhere"));
            let error = builder()
                .services(services![Rude(what), lost])
                .start()
                .await
                .expect_err("it panics");
            let problems = error.as_config().expect("one of those").problems();
            assert_eq!(problems.len(), 2, "{problems:?}");
            assert_eq!(
                problems[0],
                format!("service `{name}`: {what} panicked: in {what}")
            );
        }
        let ep = builder().start().await.expect("nothing is to be started");
        let error = ep.start_services(services![Rude("check")]).await;
        assert!(error.expect_err("it panics").as_config().is_some());
        ep.graceful_shutdown("done").await.expect("all is well");
    });
}

/// E3: the error of a service that somebody stops is one of the program that stops meanwhile.
#[test]
fn the_errors_of_a_stop_that_is_overtaken_by_that_of_the_program_are_not_lost() {
    simulate(async || {
        let diary = Diary::new();
        let ep = builder()
            .service(FailsToStop)
            .service(Script::new("other", &diary, &[]))
            .connect(&POST_STOP, |event| async move {
                // Those of the group take longer than those of the program.
                if event.services.len() == 1 {
                    after(50).await;
                }
                Ok(())
            })
            .start()
            .await
            .expect("both start");
        let handle = ep.handle().clone();
        let stop = aiomisc::spawn(async move {
            let service = handle.service("FailsToStop").expect("it is there");
            handle.stop_services([service], "enough").await
        });
        after(5).await;
        let error = ep
            .graceful_shutdown("done")
            .await
            .expect_err("a stop failed");
        assert_eq!(
            error.to_string(),
            "service `FailsToStop` failed to stop: no stop"
        );
        assert!(stop.await.expect("no panic").is_err());
    });
}

struct FailsToStop;

#[async_trait]
impl Service for FailsToStop {
    async fn start(&self, _: ServiceContext) -> Result<(), BoxError> {
        Ok(())
    }

    async fn stop(&self, _: &StopReason) -> Result<(), BoxError> {
        after(10).await;
        Err("no stop".into())
    }
}

/// A panic of what a service is made of reaches nobody; there may be several of them.
#[test]
fn services_may_panic_when_they_are_dropped() {
    for seed in 0..5 {
        let services = services![DropsBadly, DropsBadly, DropsBadly];
        let outcome = Simulation::new(seed).block_on(async move {
            let ep = builder().services(services).start().await?;
            ep.graceful_shutdown("done").await
        });
        assert!(outcome.is_ok());
    }
}

struct DropsBadly;

#[async_trait]
impl Service for DropsBadly {
    async fn start(&self, _: ServiceContext) -> Result<(), BoxError> {
        Ok(())
    }
}

impl Drop for DropsBadly {
    fn drop(&mut self) {
        panic!("when dropped");
    }
}

/// The end of a long chain does not take a stack as long.
#[test]
fn a_chain_of_services_is_dropped_link_by_link() {
    let links: u32 = 100_000;
    Simulation::new(0).block_on(async move {
        let services = (0..links).map(|link| {
            let options = match link {
                0 => ServiceOptions::new(),
                link => ServiceOptions::new().after((link - 1).to_string()),
            };
            let service = service_fn(link.to_string(), |_| async { Ok(()) });
            Arc::new(service.options(options)) as Arc<dyn Service>
        });
        let ep = builder()
            .services(services)
            .start()
            .await
            .expect("all start");
        ep.graceful_shutdown("done").await.expect("all is well");
    });
}

/// L2: a receiver of PRE_STOP that fails changes nothing: the services stop at the same time.
#[test]
fn a_failing_receiver_of_pre_stop_does_not_have_the_services_queue() {
    simulate(async || {
        let diary = Diary::new();
        let ep = builder()
            .service(Script::new("one", &diary, &[]).stop_takes(10))
            .service(Script::new("two", &diary, &[]).stop_takes(10))
            .connect(&PRE_STOP, |_| async { Err("no".into()) })
            .start()
            .await
            .expect("both start");
        let error = ep.graceful_shutdown("done").await.expect_err("one fails");
        assert_eq!(error.receivers().len(), 1);
        let mut events = diary.all();
        events.retain(|event| event.ends_with("stopped"));
        events.sort();
        assert_eq!(events, ["10 one: stopped", "10 two: stopped"]);
    });
}

/// E5: a service that holds its context, and with it itself, is gone all the same when it has stopped;
/// also for those who still have a handle to it.
#[test]
fn a_service_that_holds_its_context_is_dropped_at_its_stop() {
    struct Holds(
        Mutex<Option<ServiceContext>>,
        #[allow(dead_code, reason = "held")] Arc<()>,
    );

    #[async_trait]
    impl Service for Holds {
        async fn start(&self, ctx: ServiceContext) -> Result<(), BoxError> {
            *self.0.lock().expect("not poisoned") = Some(ctx);
            Ok(())
        }
    }

    simulate(async || {
        let (first, second) = (Arc::new(()), Arc::new(()));
        let left = [&first, &second].map(Arc::downgrade);
        let ep = builder()
            .service(Holds(Mutex::default(), first))
            .start()
            .await
            .expect("it starts");
        let handles = ep
            .start_services(services![Holds(Mutex::default(), second)])
            .await
            .expect("it starts");
        ep.stop_services(handles.clone(), "enough")
            .await
            .expect("it stops");
        assert_eq!(left[1].strong_count(), 0);
        assert!(handles[0].is::<Holds>(), "what it was is still known");
        ep.graceful_shutdown("done").await.expect("all is well");
        assert_eq!(left[0].strong_count(), 0);
    });
}
