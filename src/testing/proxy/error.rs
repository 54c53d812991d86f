use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;

use crate::net::SocketError;

/// What went wrong in a [`TcpProxy`](super::TcpProxy) without having been asked for.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ProxyError {
    /// A client came, and the target could not be reached. The connection of the client was closed.
    Unreachable(Arc<SocketError>),
    /// A processor panicked with this text. Both ends of the connection were reset.
    Processor(String),
    /// A client could not be accepted; it waits until that works.
    Accept(Arc<io::Error>),
}

impl fmt::Display for ProxyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(_) => f.write_str("the target of the proxy cannot be reached"),
            Self::Processor(panic) => write!(f, "a processor of the proxy panicked: {panic}"),
            Self::Accept(_) => f.write_str("the proxy cannot accept a client"),
        }
    }
}

impl Error for ProxyError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Unreachable(error) => Some(&**error),
            Self::Accept(error) => Some(&**error),
            Self::Processor(_) => None,
        }
    }
}
