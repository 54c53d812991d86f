//! docs
#![cfg_attr(docsrs, feature(doc_cfg))]

#[path = "../adapters/mod.rs"]
#[allow(
    clippy::disallowed_methods,
    reason = "the adapters are where the executors, their clocks and their threads are called"
)]
pub mod adapters;
mod error;
pub mod net;
pub mod runtime;
#[cfg(feature = "testing")]
pub mod testing;
pub mod time;

pub use self::error::BoxError;
pub use self::runtime::spawn;
