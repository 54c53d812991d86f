//! Values that services share (row A14 of the parity table, decision 36), on every runtime, and in exact
//! virtual time where time or order matters. The numbers such as V2 are those of `src/docs/lifecycle.md`.
#![cfg(all(
    feature = "testing",
    feature = "macros",
    any(feature = "smol", feature = "tokio", feature = "simulation")
))]
#![forbid(unsafe_code)] // what `#[dependency]` makes has none

#[path = "dependency/attribute.rs"]
mod attribute;
#[cfg(feature = "simulation")]
#[path = "dependency/background.rs"]
mod background;
#[cfg(feature = "simulation")]
#[path = "dependency/failing.rs"]
mod failing;
#[cfg(feature = "simulation")]
#[path = "dependency/making.rs"]
mod making;
#[path = "dependency/mistakes.rs"]
mod mistakes;
mod shared;
#[cfg(feature = "simulation")]
#[path = "dependency/stopping.rs"]
mod stopping;
#[path = "dependency/storm.rs"]
mod storm;
#[path = "dependency/ways.rs"]
mod ways;

#[cfg(feature = "simulation")]
use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aiomisc::dependency::{Dependencies, Dependency, Provided};
use aiomisc::entrypoint::EntrypointBuilder;
use aiomisc::service::{Configured, ServiceOptions};
use aiomisc::{
    BoxError, Entrypoint, Service, ServiceContext, StopReason, async_trait, service_fn, services,
    time,
};
use shared::Events;
use shared::diary::Diary;

fn builder() -> EntrypointBuilder {
    Entrypoint::builder()
        .environment(|_| None)
        .log_config(false)
}

/// Runs a test in a simulation, with some seeds.
#[cfg(feature = "simulation")]
fn simulate<T>(test: impl AsyncFn() -> T) {
    for seed in 0..20 {
        aiomisc::adapters::Simulation::new(seed).block_on(test());
    }
}

async fn after(millis: u64) {
    time::sleep(Duration::from_millis(millis)).await;
}

#[cfg_attr(
    not(feature = "simulation"),
    allow(dead_code, reason = "times and order are tested in simulations")
)]
impl Diary {
    /// What happened, those of one moment in the order of their texts.
    fn all(&self) -> Vec<String> {
        let mut events = self.as_it_came();
        let millis = |event: &String| -> u64 {
            let number = event.split(' ').next().expect("there is one");
            number.parse().expect("a number")
        };
        events.sort_by_key(|event| (millis(event), event.clone()));
        events
    }

    #[track_caller]
    fn assert(&self, expected: &[&str]) {
        assert_eq!(self.all(), expected);
    }

    /// A factory that takes so many milliseconds; the end of its value is written down as well.
    fn factory<T: Send + Sync + 'static>(
        &self,
        name: &'static str,
        takes: u64,
        make: fn() -> T,
    ) -> Dependency {
        let diary = self.clone();
        Dependency::new(move |_| {
            let diary = diary.clone();
            async move {
                diary.add(format_args!("{name}: making"));
                after(takes).await;
                diary.add(format_args!("{name}: made"));
                Ok(diary.ended(name, make()))
            }
        })
    }

    /// A value whose tear-down takes ten milliseconds.
    fn ended<T: Send + Sync + 'static>(&self, name: &'static str, value: T) -> Provided<T> {
        let diary = self.clone();
        Provided::new(value).on_teardown(move |_| async move {
            diary.add(format_args!("{name}: tear-down"));
            after(10).await;
            Ok(())
        })
    }

    /// A service that is up when it starts, and takes ten milliseconds to stop.
    fn service(
        &self,
        name: &'static str,
        options: impl FnOnce(ServiceOptions) -> ServiceOptions,
    ) -> Configured<Noted> {
        let service = Noted {
            name,
            diary: self.clone(),
        };
        service.configure(options)
    }
}

struct Noted {
    name: &'static str,
    diary: Diary,
}

#[async_trait]
impl Service for Noted {
    fn name(&self) -> std::borrow::Cow<'_, str> {
        self.name.into()
    }

    async fn start(&self, _: ServiceContext) -> Result<(), BoxError> {
        self.diary.add(format_args!("{}: start", self.name));
        Ok(())
    }

    async fn stop(&self, _: &StopReason) -> Result<(), BoxError> {
        self.diary.add(format_args!("{}: stop", self.name));
        after(10).await;
        Ok(())
    }
}

/// Values for the tests.
struct Db;
struct Repo;
struct Mail;
