use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Where a socket is bound or connected.
///
/// Displays as `127.0.0.1:80`, `[::1]:80`, the path of a Unix socket, or `(unnamed)`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Addr {
    /// An IPv4 or IPv6 address with its port.
    Inet(SocketAddr),
    /// The path of a Unix socket; `None` for one without a name, as the client's end mostly is.
    Unix(Option<PathBuf>),
}

impl Addr {
    /// The address and port, unless this is a Unix socket.
    #[must_use]
    pub fn inet(&self) -> Option<SocketAddr> {
        match self {
            Self::Inet(addr) => Some(*addr),
            Self::Unix(_) => None,
        }
    }

    /// The port, unless this is a Unix socket.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        self.inet().map(|addr| addr.port())
    }

    /// The path of a named Unix socket.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Inet(_) => None,
            Self::Unix(path) => path.as_deref(),
        }
    }
}

impl fmt::Display for Addr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inet(addr) => addr.fmt(f),
            Self::Unix(Some(path)) => path.display().fmt(f),
            Self::Unix(None) => f.write_str("(unnamed)"),
        }
    }
}

impl From<SocketAddr> for Addr {
    fn from(addr: SocketAddr) -> Self {
        Self::Inet(addr)
    }
}

#[cfg(unix)]
impl From<std::os::unix::net::SocketAddr> for Addr {
    fn from(addr: std::os::unix::net::SocketAddr) -> Self {
        Self::Unix(addr.as_pathname().map(Path::to_owned))
    }
}
