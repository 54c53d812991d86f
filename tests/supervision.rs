//! What becomes of services that fail, the order of their starts and stops, and services that come and
//! go (rows A5, A8, A11, F1 of the parity table; deviations 1 to 5 and 7), in exact virtual time.
//! The numbers such as P2 are those of `src/docs/lifecycle.md`.
#![cfg(all(feature = "simulation", feature = "testing"))]

#[path = "supervision/borders.rs"]
mod borders;
#[path = "supervision/dynamic.rs"]
mod dynamic;
#[path = "supervision/failing_start.rs"]
mod failing_start;
#[path = "supervision/order.rs"]
mod order;
#[path = "supervision/policies.rs"]
mod policies;
#[path = "supervision/restart.rs"]
mod restart;
mod shared;
#[path = "supervision/signals.rs"]
mod signals;

use std::borrow::Cow;
use std::future::pending;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use aiomisc::adapters::Simulation;
use aiomisc::entrypoint::EntrypointBuilder;
use aiomisc::service::ServiceOptions;
use aiomisc::{
    BoxError, Entrypoint, Runtime, Service, ServiceContext, StopReason, async_trait, time,
};
use shared::diary::Diary;

/// Runs a test in a simulation, with some seeds.
fn simulate<T>(test: impl AsyncFn() -> T) {
    for seed in 0..20 {
        Simulation::new(seed).block_on(test());
    }
}

fn builder() -> EntrypointBuilder {
    Entrypoint::builder()
        .environment(|_| None)
        .log_config(false)
}

/// Waits for this long.
async fn after(millis: u64) {
    time::sleep(Duration::from_millis(millis)).await;
}

impl Diary {
    fn all(&self) -> Vec<String> {
        self.as_it_came()
    }

    #[track_caller]
    fn assert(&self, expected: &[&str]) {
        assert_eq!(self.all(), expected);
    }
}

/// What a life of a service does.
#[derive(Clone, Copy, Debug)]
enum Life {
    /// Its start returns.
    Up,
    /// Its start fails at once.
    NoStart,
    /// Its start panics at once.
    PanicAtStart,
    /// Its start never gets ready.
    Stuck,
    /// It is ready after this time, and stays.
    Slow(u64),
    /// It is ready, and its running part fails after this time.
    Fails(u64),
    /// It is ready, and panics after this time.
    Panics(u64),
    /// A task of it fails after this time.
    TaskFails(u64),
    /// It finishes after this time.
    Ends(u64),
}

/// A service that lives the lives that it was given, and then is up.
struct Script {
    name: &'static str,
    diary: Diary,
    lives: Vec<Life>,
    count: AtomicUsize,
    options: ServiceOptions,
    /// How long its stop takes.
    stop: u64,
}

impl Script {
    fn new(name: &'static str, diary: &Diary, lives: &[Life]) -> Self {
        Self {
            name,
            diary: diary.clone(),
            lives: lives.to_vec(),
            count: AtomicUsize::new(0),
            options: ServiceOptions::default(),
            stop: 0,
        }
    }

    fn options(mut self, change: impl FnOnce(ServiceOptions) -> ServiceOptions) -> Self {
        self.options = change(self.options);
        self
    }

    fn stop_takes(mut self, millis: u64) -> Self {
        self.stop = millis;
        self
    }
}

#[async_trait]
impl Service for Script {
    fn name(&self) -> Cow<'_, str> {
        self.name.into()
    }

    async fn start(&self, ctx: ServiceContext) -> Result<(), BoxError> {
        let name = self.name;
        self.diary.add(format_args!("{name}: start"));
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        match self.lives.get(number).copied().unwrap_or(Life::Up) {
            Life::Up => Ok(()),
            Life::NoStart => Err("no start".into()),
            Life::PanicAtStart => panic!("at the start"),
            Life::Stuck => pending().await,
            Life::Slow(millis) => {
                after(millis).await;
                ctx.ready();
                self.diary.add(format_args!("{name}: ready"));
                ctx.stopping().await;
                Ok(())
            }
            Life::Fails(millis) => {
                ctx.ready();
                after(millis).await;
                Err("broken".into())
            }
            Life::Panics(millis) => {
                ctx.ready();
                after(millis).await;
                panic!("oh no")
            }
            Life::TaskFails(millis) => {
                ctx.spawn(async move {
                    after(millis).await;
                    Err("a task broke".into())
                });
                Ok(())
            }
            Life::Ends(millis) => {
                ctx.ready();
                after(millis).await;
                Ok(())
            }
        }
    }

    async fn stop(&self, reason: &StopReason) -> Result<(), BoxError> {
        self.diary
            .add(format_args!("{}: stop ({reason})", self.name));
        if self.stop > 0 {
            after(self.stop).await;
            self.diary.add(format_args!("{}: stopped", self.name));
        }
        Ok(())
    }

    fn options(&self) -> ServiceOptions {
        self.options.clone()
    }
}
