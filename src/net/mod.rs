//! Streams, listeners and datagram sockets on any runtime, and how to get them.
//!
//! [`bind_socket`] makes what listens or receives, [`connect`] what talks to a server.

mod address;
mod bind;
mod connect;

pub use self::address::Address;
pub use self::bind::{BindSocket, bind_socket};
pub use self::connect::connect;
pub use crate::runtime::net::{
    Addr, DatagramSender, DatagramSocket, Listener, MAX_BATCH, Received, RecvBatch, SendBatch,
    SocketOption, Stream,
};

use std::fmt;
use std::io;

/// Says which socket could not be had; the cause is in `source()`.
#[derive(Debug)]
pub struct SocketError {
    action: &'static str,
    address: String,
    source: io::Error,
}

impl SocketError {
    fn new(action: &'static str, address: impl fmt::Display, source: io::Error) -> Self {
        Self {
            action,
            address: address.to_string(),
            source,
        }
    }

    /// What kind of error the cause is.
    #[must_use]
    pub fn kind(&self) -> io::ErrorKind {
        self.source.kind()
    }

    /// The address as it was given, with its scheme.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }
}

impl fmt::Display for SocketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {} {}", self.action, self.address)
    }
}

impl std::error::Error for SocketError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

impl From<SocketError> for io::Error {
    fn from(error: SocketError) -> Self {
        Self::new(error.kind(), error)
    }
}
