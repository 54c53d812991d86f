//! The frame of an asynchronous daemon, and a box of tools for what goes into it, on any runtime.
//!
//! One [`Entrypoint`] sets up logging, starts [services](Service) together, runs the main job, and
//! stops everything in order. [`TcpServer`] and [`UdpServer`] are ready-made services; [`net`] and
//! [`time`] work alone, in any smol or tokio program.
//!
//! ```
//! # #[cfg(feature = "smol")] {
//! use aiomisc::{TcpServer, services};
//! use futures::AsyncWriteExt;
//!
//! let greeter = TcpServer::new("127.0.0.1:0", |mut stream, peer| async move {
//!     stream.write_all(format!("hello, {peer}\n").as_bytes()).await?;
//!     Ok(())
//! });
//! aiomisc::run(async { /* the main job, while the services run */ }, services![greeter])?;
//! # }
//! # Ok::<(), aiomisc::RunError>(())
//! ```
//!
//! # Which runtime
//!
//! | the program | what to do |
//! |---|---|
//! | has no runtime | nothing: [`run`] takes smol (feature `smol`); [`.runtime(…)`](entrypoint::EntrypointBuilder::runtime) or `AIOMISC_RUNTIME` names another |
//! | is inside of `#[tokio::main]` | switch the feature `tokio` on; [`.start().await`](entrypoint::EntrypointBuilder::start) in place of `run` |
//! | has a smol executor | [`Smol::from_executor`](adapters::Smol::from_executor) |
//! | has something else | three traits: see [`runtime`] and the example `own_runtime` |
//!
//! The current runtime is looked up in one order, which [`runtime`] states.
//!
//! # Features
//!
//! | feature | default | gives |
//! |---|---|---|
//! | `smol` | yes | [`adapters::Smol`], and the runtime of programs that name none |
//! | `tokio` | | [`adapters::Tokio`]; inside of a tokio runtime everything finds it |
//! | `simulation` | | `adapters::Simulation`: virtual time, one seed, a network in memory that fails on request |
//! | `macros` | yes | `#[aiomisc::main]`, `#[aiomisc::receiver]`, `#[aiomisc::dependency]`, `#[aiomisc::threaded]` and its kin, `#[aiomisc::timeout]`, `#[aiomisc::asyncbackoff]`, `#[aiomisc::asyncretry]`, `#[aiomisc::cutout]`, `#[aiomisc::aggregate]` and `aggregate_async`, `#[aiomisc::shield]`, [`plugin!`], and with `testing` `#[aiomisc::test]` |
//! | `log` | yes | what [`log::basic_config`] sets up |
//! | `rich` | yes | the formats `rich` and `rich_tb` of the log |
//! | `syslog` | | the format `syslog`: RFC 3164 and 5424 |
//! | `journald` | | the format `journald`: the journal's own protocol |
//! | `openmetrics` | | `statistics::openmetrics`: the [figures](mod@statistics) as text for a scraper |
//! | `metrics` | | `statistics::publish_metrics`: the figures for the recorder of the facade `metrics` |
//! | `gzip`, `bzip2`, `xz`, `zstd` | | files of these [formats](io::Compression), read and written |
//! | `cron` | | `cron`: callbacks by the calendar, in any time zone; `service::CronService` |
//! | `encodings` | | the [encodings](io::OpenOptions::encoding) of the web for files of text |
//! | `tower` | | the tools of [`resilience`] and [`retry`] as layers of `tower` |
//! | `testing` | | the module `testing` |
//!
//! A feature adds items; it never changes what others do.
#![cfg_attr(docsrs, feature(doc_cfg))]

#[path = "../adapters/mod.rs"]
#[allow(
    clippy::disallowed_methods,
    reason = "the adapters are where the executors, their clocks and their threads are called"
)]
pub mod adapters;
pub mod aggregate;
#[cfg(feature = "macros")]
mod attributes;
mod background;
mod chance;
pub mod circuit_breaker;
pub mod context;
pub mod context_var;
#[cfg(feature = "cron")]
pub mod cron;
pub mod dependency;
pub mod entrypoint;
mod error;
mod flag;
mod future;
pub mod io;
pub mod log;
#[cfg(feature = "macros")]
mod macro_support;
pub mod net;
pub mod periodic;
#[cfg(feature = "macros")]
pub mod plugins;
pub mod pool;
pub mod recurring;
pub mod resilience;
pub mod retry;
pub mod runtime;
pub mod service;
pub mod signal;
pub mod statistics;
#[cfg(feature = "testing")]
pub mod testing;
pub mod thread;
pub mod time;
pub mod utils;

pub use self::aggregate::{Aggregator, AggregatorAsync, Arg};
pub use self::circuit_breaker::CircuitBreaker;
pub use self::context::{Context, Key};
pub use self::context_var::ContextVar;
#[cfg(feature = "cron")]
pub use self::cron::CronCallback;
pub use self::dependency::{Dependencies, Dependency, Provided};
pub use self::entrypoint::{Entrypoint, Outcome, RunError, RunningEntrypoint, run};
pub use self::error::BoxError;
pub use self::net::bind_socket;
pub use self::periodic::PeriodicCallback;
pub use self::pool::{Pool, PoolManager, Pooled};
pub use self::recurring::RecurringCallback;
pub use self::retry::{Backoff, Retry};
pub use self::runtime::{Runtime, Task, spawn};
pub use self::service::{
    Packet, Service, ServiceContext, StopReason, TcpServer, UdpServer, service_fn,
};
pub use self::statistics::statistics;
pub use self::thread::ThreadPool;
pub use self::utils::{awaitable, cancel_tasks, chunk_list, shield};
/// Lets traits of objects have `async fn`; what [`Service`] is written with.
pub use async_trait::async_trait;

#[cfg(feature = "macros")]
pub use self::attributes::*;

/// What the attribute macros expand to.
#[cfg(feature = "macros")]
#[doc(hidden)]
pub mod __private {
    pub use crate::macro_support::*;
}

/// The version of this library.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The README's programs are tests.
#[cfg(all(doctest, feature = "smol", feature = "macros"))]
#[doc = include_str!("../README.md")]
struct Readme;

/// The guide's programs are tests.
#[cfg(all(doctest, feature = "smol", feature = "macros", feature = "testing"))]
#[doc = include_str!("../docs/from-python.md")]
struct FromPython;
