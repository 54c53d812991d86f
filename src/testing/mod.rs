//! What tests need: a clock that moves when told, free ports, a network that makes trouble, and the proof
//! that an adapter is right.
//!
//! | item | for |
//! |---|---|
//! | [`ManualClock`] | tests about time that need not wait |
//! | [`unused_port`], [`reserved_port`], [`bound_socket`], [`bound_datagram_socket`] | servers in tests |
//! | [`TcpProxy`] | a network between a client and its server that is slow, narrow, mad, or cut |
//! | [`Harness`] | a test with its own runtime, services and limit; `#[aiomisc::test]` is made of it |
//! | [`conformance`] | whoever writes an adapter for another executor |
//!
//! Nothing here is meant for production: helpers panic where a test cannot go on.

mod clock;
#[cfg(unix)]
pub mod conformance;
mod harness;
mod port;
mod proxy;

pub use self::clock::ManualClock;
pub use self::harness::{Harness, TestOutput};
pub use self::port::{
    ReservedPort, bound_datagram_socket, bound_socket, localhost, reserved_port, unused_port,
};
pub use self::proxy::{ProxyError, ProxyStatistics, Slowdown, TcpProxy, TcpProxyBuilder};
