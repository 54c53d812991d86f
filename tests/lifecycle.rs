//! The life of an entrypoint and its services (rows A1, A3, A4, A7, A8, A13 of the parity table), on
//! every runtime.
#![cfg(all(
    feature = "testing",
    feature = "macros",
    any(feature = "smol", feature = "tokio", feature = "simulation")
))]

#[path = "lifecycle/overtaken.rs"]
mod overtaken;
mod shared;
#[path = "lifecycle/start.rs"]
mod start;
#[path = "lifecycle/stop.rs"]
mod stop;

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use aiomisc::entrypoint::Stage;
use aiomisc::service::{ServiceOptions, ServiceState, ServiceStatus, StopKind};
use aiomisc::{
    BoxError, Entrypoint, Runtime, Service, ServiceContext, StopReason, async_trait, service_fn,
    services,
};
use shared::{Events, manual};

/// A service that writes down what happens to it, and does what it is told.
#[derive(Clone)]
struct Probe {
    name: &'static str,
    events: Events,
    start: Start,
    stop: Stop,
    options: ServiceOptions,
}

#[derive(Clone, Copy)]
enum Start {
    Returns,
    Panics,
    NeverReady,
    ReadyThenStays,
    ReadyThenLooksOut,
    ReadyThenFinishes,
}

#[derive(Clone, Copy)]
enum Stop {
    Returns,
    Fails,
    Panics,
    Hangs,
}

impl Probe {
    fn new(name: &'static str, events: &Events, start: Start, stop: Stop) -> Self {
        Self {
            name,
            events: events.clone(),
            start,
            stop,
            options: ServiceOptions::default(),
        }
    }
}

#[async_trait]
impl Service for Probe {
    fn name(&self) -> std::borrow::Cow<'_, str> {
        self.name.into()
    }

    async fn start(&self, ctx: ServiceContext) -> Result<(), BoxError> {
        let _dropped = self.events.on_drop(&format!("{}: start over", self.name));
        self.events.add(format!("{}: start", self.name));
        match self.start {
            Start::Returns => {}
            Start::Panics => panic!("what now"),
            Start::NeverReady => pending().await,
            Start::ReadyThenStays => {
                ctx.ready();
                pending().await
            }
            Start::ReadyThenLooksOut => {
                ctx.ready();
                ctx.stopping().await;
                self.events.add(format!("{}: stopping", self.name));
            }
            Start::ReadyThenFinishes => ctx.ready(),
        }
        Ok(())
    }

    async fn stop(&self, _: &StopReason) -> Result<(), BoxError> {
        self.events.add(format!("{}: stop", self.name));
        match self.stop {
            Stop::Returns => Ok(()),
            Stop::Fails => Err("cannot let go".into()),
            Stop::Panics => panic!("not now"),
            Stop::Hangs => pending().await,
        }
    }

    fn options(&self) -> ServiceOptions {
        self.options.clone()
    }
}

#[aiomisc::test(runtimes(all))]
async fn a_service_that_finishes_leaves_the_program_running() {
    let events = Events::default();
    let ep = Entrypoint::builder()
        .service(Probe::new(
            "brief",
            &events,
            Start::ReadyThenFinishes,
            Stop::Returns,
        ))
        .start()
        .await
        .expect("it starts");
    while ep.services()[0].state() != ServiceState::Stopped {
        aiomisc::time::sleep(Duration::from_millis(1)).await;
    }
    assert!(!ep.is_closing());
    ep.graceful_shutdown("done").await.expect("nothing fails");
    assert!(
        events.all().contains(&"brief: stop".to_owned()),
        "stop is called all the same"
    );
}

#[aiomisc::test(runtimes(all))]
async fn dropping_a_running_entrypoint_stops_it_in_the_background() {
    let events = Events::default();
    let ep = Entrypoint::builder()
        .service(Probe::new(
            "left",
            &events,
            Start::ReadyThenLooksOut,
            Stop::Returns,
        ))
        .start()
        .await
        .expect("it starts");
    let handle = ep.handle().clone();
    drop(ep);
    handle.stopped().await;
    assert!(events.all().contains(&"left: stop".to_owned()));
}

#[aiomisc::test(runtimes(all))]
async fn dropping_a_start_stops_what_has_started() {
    let events = Events::default();
    let up = switch();
    let first = WithStop {
        name: "first",
        started: up.clone(),
        events: events.clone(),
    };
    let (begun, stopped) = (switch(), switch());
    let (begins, over) = (begun.clone(), stopped.clone());
    let second = service_fn("second", move |_| {
        let (begins, over) = (begins.clone(), over.clone());
        async move {
            let _guard = SetOnDrop(over);
            begins.set();
            pending().await
        }
    });
    let start = aiomisc::spawn(Entrypoint::builder().service(second).service(first).start());
    up.wait().await;
    begun.wait().await;
    assert!(start.cancel().await.is_err());
    stopped.wait().await;
    while events.all() != ["first: stop"] {
        aiomisc::time::sleep(Duration::from_millis(1)).await;
    }
}

#[aiomisc::test(runtimes(all))]
async fn the_current_entrypoint_is_found_inside_and_nowhere_else() {
    assert!(Entrypoint::current().is_none());
    let found = Events::default();
    let seen = found.clone();
    let service = service_fn("inside", move |ctx| {
        let seen = seen.clone();
        async move {
            assert!(Entrypoint::current().is_some());
            let ep = aiomisc::spawn(async { Entrypoint::current().is_some() });
            assert!(ep.await?);
            let job = ctx
                .runtime()
                .spawn_blocking(|| Entrypoint::current().is_some());
            assert!(job.await?);
            seen.add("found");
            Ok(())
        }
    });
    let ep = Entrypoint::builder()
        .service(service)
        .start()
        .await
        .expect("it is found");
    assert_eq!(found.all(), ["found"]);
    assert!(Entrypoint::current().is_none());
    ep.graceful_shutdown("done").await.expect("nothing fails");
}

#[aiomisc::test(runtimes(all))]
async fn names_are_made_unique_unless_they_were_given() {
    struct Same;

    #[async_trait]
    impl Service for Same {
        async fn start(&self, _: ServiceContext) -> Result<(), BoxError> {
            Ok(())
        }
    }

    let ep = Entrypoint::builder()
        .services(services![
            Same,
            service_fn("Same#2", |_| async { Ok(()) }),
            Same,
            Same
        ])
        .start()
        .await
        .expect("all start");
    let names: Vec<_> = ep
        .services()
        .into_iter()
        .map(|service| service.name().to_owned())
        .collect();
    assert_eq!(names, ["Same", "Same#2", "Same#3", "Same#4"]);
    ep.graceful_shutdown("done").await.expect("nothing fails");
}

#[aiomisc::test(runtimes(all))]
async fn mistakes_are_reported_all_together() {
    let idle = aiomisc::TcpServer::new("127.0.0.1:0", |_, _| async { Ok(()) }).max_connections(0);
    let error = Entrypoint::builder()
        .environment(|name| match name {
            "AIOMISC_LOG_LEVEL" => Some("loud".to_owned()),
            "AIOMISC_LOG_FORMAT" => Some("crayon".to_owned()),
            "AIOMISC_LOG_CONFIG" => Some("perhaps".to_owned()),
            "AIOMISC_SHUTDOWN_TIMEOUT" => Some("soon".to_owned()),
            _ => None,
        })
        .shutdown_timeout(Duration::ZERO)
        .service(service_fn("twin", |_| async { Ok(()) }))
        .service(service_fn("twin", |_| async { Ok(()) }))
        .service(service_fn("", |_| async { Ok(()) }))
        .service(
            service_fn("hasty", |_| async { Ok(()) })
                .options(ServiceOptions::new().start_limit(Duration::ZERO)),
        )
        .service(idle)
        .start()
        .await
        .expect_err("nothing is right");
    let problems = error
        .as_config()
        .expect("a mistake of configuration")
        .problems();
    let expected = [
        "AIOMISC_LOG_LEVEL: expected one of critical, error, warning, info, debug, notset, got `loud`",
        "AIOMISC_LOG_FORMAT: expected one of stream, color, json, syslog, plain, journald, rich, \
         rich_tb, disabled, got `crayon`",
        "AIOMISC_LOG_CONFIG: expected one of 1, enable",
        "AIOMISC_SHUTDOWN_TIMEOUT: expected a number of seconds above zero, got `soon`",
        "shutdown_timeout: expected a duration above zero, got 0",
        "two services are called `twin`",
        "has an empty name",
        "service `hasty`: start_limit: expected a duration above zero, got 0",
        "service `TcpServer`: max_connections must be at least 1, got 0",
    ];
    for expected in expected {
        assert!(
            problems.iter().any(|p| p.contains(expected)),
            "{expected} is not in {problems:#?}"
        );
    }
    assert_eq!(problems.len(), expected.len(), "{problems:#?}");
}

/// What a service calls finds it, in its start, its stop, and what these spawn; nobody else does.
#[aiomisc::test(runtimes(all), timeout = "10s")]
async fn a_service_is_the_current_one_in_its_start_and_its_stop() {
    struct Found(Events);

    impl Found {
        async fn look(&self, place: &str) -> Result<(), BoxError> {
            let name = || ServiceContext::current().map(|ctx| ctx.name().to_owned());
            let (here, spawned) = (name(), aiomisc::spawn(async move { name() }).await?);
            self.0.add(format!("{place}: {here:?} {spawned:?}"));
            Ok(())
        }
    }

    #[async_trait]
    impl Service for Found {
        async fn start(&self, _: ServiceContext) -> Result<(), BoxError> {
            self.look("start").await
        }

        async fn stop(&self, _: &StopReason) -> Result<(), BoxError> {
            self.look("stop").await
        }
    }

    let events = Events::default();
    let service = Found(events.clone());
    let ep = Entrypoint::builder().service(service).start().await;
    let ended = ep.expect("it starts").graceful_shutdown("done").await;
    ended.expect("it stops");
    assert!(ServiceContext::current().is_none());
    let found = r#"Some("Found") Some("Found")"#;
    assert_eq!(
        events.all(),
        [format!("start: {found}"), format!("stop: {found}")]
    );
}

#[cfg(any(feature = "smol", feature = "tokio"))]
#[path = "lifecycle/run.rs"]
mod run;

/// A service that throws a switch when it has started, and writes its `stop` down.
struct WithStop {
    name: &'static str,
    started: Switch,
    events: Events,
}

#[async_trait]
impl Service for WithStop {
    fn name(&self) -> std::borrow::Cow<'_, str> {
        self.name.into()
    }

    async fn start(&self, _: ServiceContext) -> Result<(), BoxError> {
        self.started.set();
        Ok(())
    }

    async fn stop(&self, _: &StopReason) -> Result<(), BoxError> {
        self.events.add(format!("{}: stop", self.name));
        Ok(())
    }
}

/// A switch that tests throw.
#[derive(Clone)]
struct Switch(Arc<(std::sync::atomic::AtomicBool, event_listener::Event)>);

fn switch() -> Switch {
    Switch(Arc::default())
}

impl Switch {
    fn set(&self) {
        self.0.0.store(true, std::sync::atomic::Ordering::SeqCst);
        self.0.1.notify(usize::MAX);
    }

    async fn wait(&self) {
        loop {
            let thrown = self.0.1.listen();
            if self.0.0.load(std::sync::atomic::Ordering::SeqCst) {
                return;
            }
            thrown.await;
        }
    }
}

struct SetOnDrop(Switch);

impl Drop for SetOnDrop {
    fn drop(&mut self) {
        self.0.set();
    }
}
