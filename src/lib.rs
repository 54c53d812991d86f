//! docs
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
pub mod time;

pub use self::entrypoint::{Entrypoint, Outcome, RunError, RunningEntrypoint, run};
pub use self::error::BoxError;
pub use self::runtime::{Runtime, Task, spawn};
pub use self::service::{
    Packet, Service, ServiceContext, StopReason, TcpServer, UdpServer, service_fn,
};
pub use async_trait::async_trait;

/// The version of this library.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
