//! Callbacks at times of the calendar, and the service of them (rows B8 and C14 of the parity table).
#![cfg(all(
    unix,
    feature = "cron",
    feature = "macros",
    feature = "testing",
    any(feature = "smol", feature = "tokio")
))]
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails at that place"
)]

#[path = "cron/calendar.rs"]
mod calendar;
#[path = "cron/differential.rs"]
mod differential;
#[path = "cron/naive.rs"]
mod naive;
#[path = "cron/parser.rs"]
mod parser;
#[cfg(feature = "simulation")]
#[path = "cron/running.rs"]
mod running;
#[path = "cron/service.rs"]
mod service;
#[path = "shared/mod.rs"]
mod shared;
#[path = "cron/zones.rs"]
mod zones;

use std::time::{Duration, SystemTime};

use aiomisc::cron::CronSpec;

/// A moment, from a text as in RFC 3339.
fn at(text: &str) -> SystemTime {
    let timestamp: jiff::Timestamp = text.parse().unwrap();
    timestamp.into()
}

/// The next times after this moment, as local times with their offset.
fn upcoming(spec: &CronSpec, after: &str, count: usize) -> Vec<String> {
    let zone = jiff::tz::TimeZone::get(spec.time_zone().unwrap()).unwrap();
    let times = spec.upcoming(at(after)).take(count);
    let local = times.map(|time| {
        let timestamp = jiff::Timestamp::try_from(time).unwrap();
        let offset = zone.to_offset(timestamp);
        timestamp.display_with_offset(offset).to_string()
    });
    local.collect()
}

/// A callback that is not to be called.
async fn never() {
    panic!("called");
}

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
