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
//! | `macros` | yes | `#[aiomisc::main]`, and with `testing` `#[aiomisc::test]` |
//! | `log` | yes | what [`log::basic_config`] sets up |
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
pub mod entrypoint;
mod error;
mod flag;
mod future;
pub mod log;
pub mod net;
pub mod runtime;
pub mod service;
#[cfg(feature = "testing")]
pub mod testing;
pub mod time;

pub use self::entrypoint::{Entrypoint, Outcome, RunError, RunningEntrypoint, run};
pub use self::error::BoxError;
pub use self::runtime::{Runtime, Task, spawn};
pub use self::service::{
    Packet, Service, ServiceContext, StopReason, TcpServer, UdpServer, service_fn,
};
/// Lets traits of objects have `async fn`; what [`Service`] is written with.
pub use async_trait::async_trait;

/// The version of this library.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The README's programs are tests.
#[cfg(all(doctest, feature = "smol"))]
#[doc = include_str!("../README.md")]
struct Readme;

/// The guide's programs are tests.
#[cfg(all(doctest, feature = "smol", feature = "macros", feature = "testing"))]
#[doc = include_str!("../docs/from-python.md")]
struct FromPython;
