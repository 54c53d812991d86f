//! Starts and stops that something overtakes, cuts off or drops.

use super::*;

/// A clock that makes one thread slow, so that others overtake it.
struct Slow {
    base: Runtime,
    thread: std::thread::ThreadId,
}

impl aiomisc::runtime::Timer for Slow {
    fn sleep(&self, duration: Duration) -> std::pin::Pin<Box<dyn aiomisc::runtime::Sleep>> {
        self.base.backend().sleep(duration)
    }

    #[allow(
        clippy::disallowed_methods,
        reason = "a thread is held up, as the system may do at any time"
    )]
    fn now(&self) -> std::time::Instant {
        if std::thread::current().id() == self.thread {
            std::thread::sleep(Duration::from_millis(5));
        }
        self.base.now()
    }
}

#[test]
#[allow(
    clippy::disallowed_methods,
    reason = "the thread that starts is none of the runtime's"
)]
fn a_stop_that_overtakes_the_start_leaves_no_service_behind() {
    let runtimes: Vec<Runtime> = vec![
        #[cfg(feature = "smol")]
        aiomisc::adapters::Smol::new().into(),
        #[cfg(feature = "tokio")]
        aiomisc::adapters::Tokio::multi_thread(2)
            .expect("tokio")
            .into(),
    ];
    for base in runtimes {
        let clock = Slow {
            base: base.clone(),
            thread: std::thread::current().id(),
        };
        let runtime = aiomisc::runtime::Parts::of(base.clone())
            .timer(clock)
            .build();
        let token = Arc::new(());
        let failing = service_fn("failing", |_| async { Err("out of luck".into()) });
        let others = (0..30).map(|number| {
            let token = Arc::clone(&token);
            let other = service_fn(format!("other {number}"), move |ctx| {
                let token = Arc::clone(&token);
                async move {
                    let _token = token;
                    ctx.ready();
                    pending().await
                }
            });
            Arc::new(other) as Arc<dyn Service>
        });
        let start = Entrypoint::builder()
            .runtime(runtime)
            .service(failing)
            .services(others)
            .start();
        futures::executor::block_on(start).expect_err("one fails");
        // Whatever was started is dropped by now, or soon.
        futures::executor::block_on(base.timeout(Duration::from_secs(5), async {
            while Arc::strong_count(&token) > 1 {
                base.sleep(Duration::from_millis(5)).await;
            }
        }))
        .expect("nothing is left of the services");
    }
}

#[aiomisc::test(runtimes(all))]
async fn what_overruns_the_limit_of_the_program_is_dropped() {
    let (runtime, clock) = manual();
    let events = Events::default();
    let mut builder = Entrypoint::builder()
        .runtime(runtime)
        .shutdown_timeout(Duration::from_secs(2));
    for name in ["one", "two"] {
        let events = events.clone();
        builder = builder.service(service_fn(name, move |ctx| {
            let events = events.clone();
            async move {
                let _dropped = events.on_drop("dropped");
                ctx.ready();
                ctx.stopping().await;
                pending().await
            }
        }));
    }
    let ep = builder.start().await.expect("both start");
    let handle = ep.handle().clone();
    let stop = aiomisc::spawn(ep.graceful_shutdown("done"));
    clock.wait_until_pending(3).await;
    clock.advance(Duration::from_secs(2));
    let error = stop.await.expect("no panic").expect_err("too slow");
    assert!(error.overran());
    while events.all().len() < 2 {
        Runtime::current()
            .expect("a runtime")
            .sleep(Duration::from_millis(5))
            .await;
    }
    assert_eq!(events.all(), ["dropped", "dropped"]);
    let states: Vec<_> = handle.services().iter().map(|s| s.state()).collect();
    assert_eq!(states, [ServiceState::Failed, ServiceState::Failed]);
}

#[aiomisc::test(runtimes(all))]
async fn a_stop_that_panics_when_it_is_dropped_leaves_no_task() {
    struct PanicsWhenCut(Events);

    struct PanicOnDrop;

    impl Drop for PanicOnDrop {
        fn drop(&mut self) {
            panic!("not like that");
        }
    }

    #[async_trait]
    impl Service for PanicsWhenCut {
        async fn start(&self, ctx: ServiceContext) -> Result<(), BoxError> {
            let dropped = self.0.on_drop("task dropped");
            ctx.spawn(async move {
                let _dropped = dropped;
                pending().await
            });
            Ok(())
        }

        async fn stop(&self, _: &StopReason) -> Result<(), BoxError> {
            let _panics = PanicOnDrop;
            pending().await
        }

        fn options(&self) -> ServiceOptions {
            ServiceOptions::new().stop_limit(Duration::from_millis(10))
        }
    }

    let events = Events::default();
    let ep = Entrypoint::builder()
        .service(PanicsWhenCut(events.clone()))
        .start()
        .await
        .expect("it starts");
    let handle = ep.handle().clone();
    let error = ep.graceful_shutdown("done").await.expect_err("it panics");
    assert!(error.to_string().contains("not like that"), "{error}");
    assert_eq!(events.all(), ["task dropped"]);
    assert_eq!(handle.services()[0].state(), ServiceState::Failed);
}

#[aiomisc::test(runtimes(all))]
async fn a_task_that_comes_after_the_stop_is_dropped() {
    for outcome in [Ok(()), Err("worn out")] {
        let context = Arc::new(std::sync::Mutex::new(None));
        let keep = Arc::clone(&context);
        let service = service_fn("service", move |ctx: ServiceContext| {
            keep.lock().expect("no panic").replace(ctx.clone());
            async move {
                ctx.ready();
                Ok(outcome?)
            }
        });
        if let Ok(ep) = Entrypoint::builder().service(service).start().await {
            assert_eq!(ep.graceful_shutdown("done").await.is_ok(), outcome.is_ok());
        }
        let ctx = context.lock().expect("no panic").take().expect("it began");
        let dropped = switch();
        let alive = SetOnDrop(dropped.clone());
        ctx.spawn(async move {
            let _alive = alive;
            pending().await
        });
        dropped.wait().await;
    }
}

#[aiomisc::test(runtimes(all))]
async fn a_start_that_a_stop_cuts_off_leaves_nothing() {
    let token = Arc::new(());
    let held = Arc::clone(&token);
    let service = service_fn("starting", move |ctx: ServiceContext| {
        let held = Arc::clone(&held);
        async move {
            let _held = held;
            ctx.entrypoint().request_stop("enough");
            pending().await
        }
    });
    let error = Entrypoint::builder()
        .service(service)
        .start()
        .await
        .expect_err("it was stopped");
    assert!(error.stop_reason().is_some(), "{error}");
    // The task of the shutdown may be dropped a moment after its result is there.
    while Arc::strong_count(&token) > 1 {
        aiomisc::time::sleep(Duration::from_millis(5)).await;
    }
}
