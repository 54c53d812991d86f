use std::borrow::Cow;
use std::io;
use std::net::SocketAddr;
#[cfg(unix)]
use std::os::fd::BorrowedFd;

use super::address::Resolved;
use super::{Address, DatagramSocket, Listener, SocketError, SocketOption};
#[cfg(unix)]
use crate::runtime::Configure;
use crate::runtime::{BindOptions, Runtime};

/// Begins a socket that listens or receives; see [`BindSocket`] for the options.
///
/// ```
/// # #[cfg(feature = "smol")]
/// # aiomisc::adapters::Smol::new().block_on(async {
/// let listener = aiomisc::net::bind_socket("127.0.0.1:0").listen().await?;
/// let socket = aiomisc::net::bind_socket("::").reuse_port(true).datagram().await?;
/// assert_ne!(listener.local_addr()?.port(), Some(0));
/// # drop(socket); Ok::<_, std::io::Error>(()) }).unwrap();
/// ```
pub fn bind_socket(address: impl Into<Address>) -> BindSocket {
    BindSocket::from(address)
}

/// A socket about to be made; from [`bind_socket`].
///
/// The form of the address decides between IPv4, IPv6 and Unix sockets.
#[derive(Clone, Debug)]
#[must_use = "nothing is bound until `listen` or `datagram`"]
pub struct BindSocket {
    address: Address,
    options: BindOptions,
    proto_name: Option<Cow<'static, str>>,
    runtime: Option<Runtime>,
}

impl BindSocket {
    /// Whether a port may be bound again while old connections of it linger. Default: true; it
    /// concerns listeners only.
    pub fn reuse_addr(mut self, on: bool) -> Self {
        self.options.reuse_addr = on;
        self
    }

    /// Whether several sockets may share the port, the system dealing out what comes. Default:
    /// false, so that a second instance of a program gets an error.
    pub fn reuse_port(mut self, on: bool) -> Self {
        self.options.reuse_port = on;
        self
    }

    /// Whether an IPv6 socket takes IPv4 as well. Default: only for the address `::`.
    pub fn dual_stack(mut self, on: bool) -> Self {
        self.options.dual_stack = Some(on);
        self
    }

    /// How many connections may wait to be accepted. Default: 1024; the system may allow fewer.
    pub fn backlog(mut self, connections: u32) -> Self {
        self.options.backlog = connections;
        self
    }

    /// The permissions of a Unix socket's file, such as `0o600`, set before anybody can connect.
    /// Default: what the process's mask leaves.
    pub fn mode(mut self, mode: u32) -> Self {
        self.options.mode = Some(mode);
        self
    }

    /// Whether the file of a Unix socket that nobody listens on any more is replaced. Default:
    /// false, so that a file that exists is an error.
    pub fn replace_stale(mut self, on: bool) -> Self {
        self.options.replace_stale = on;
        self
    }

    /// Adds an option of the socket. They are set in order, before it is bound.
    pub fn option(mut self, option: SocketOption) -> Self {
        self.options.options.push(option);
        self
    }

    /// Sets up whatever else, after the options and before the socket is bound.
    #[cfg(unix)]
    pub fn configure(
        mut self,
        f: impl Fn(BorrowedFd<'_>) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        self.options.configure = Some(Configure::new(f));
        self
    }

    /// The protocol that logs and errors name. Default: `tcp`, `udp` or `unix`.
    pub fn proto_name(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.proto_name = Some(name.into());
        self
    }

    /// The runtime that the socket belongs to. Default: the current one.
    pub fn runtime(mut self, runtime: impl Into<Runtime>) -> Self {
        self.runtime = Some(runtime.into());
        self
    }

    /// Makes a socket that listens.
    ///
    /// # Errors
    ///
    /// [`SocketError`] with the address and the cause: the port is in use, the name is unknown, no
    /// permission, the file exists, the runtime has ended, or no runtime is at hand
    /// ([`NotConnected`](io::ErrorKind::NotConnected)).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves no socket and no file.
    pub async fn listen(&self) -> Result<Listener, SocketError> {
        let listener = self
            .make(Kind::LISTENER)
            .await
            .map_err(|e| self.error("tcp", "listen on", e))?;
        let (scheme, local) = (self.scheme("tcp"), listener.local_addr());
        if let Ok(local) = local {
            tracing::info!(address = %format_args!("{scheme}://{local}"), "listening");
        }
        Ok(listener)
    }

    /// Makes a socket that receives datagrams.
    ///
    /// # Errors
    ///
    /// As [`listen`](Self::listen).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves no socket and no file.
    pub async fn datagram(&self) -> Result<DatagramSocket, SocketError> {
        let socket = self
            .make(Kind::DATAGRAM)
            .await
            .map_err(|e| self.error("udp", "bind", e))?;
        let (scheme, local) = (self.scheme("udp"), socket.local_addr());
        if let Ok(local) = local {
            tracing::info!(address = %format_args!("{scheme}://{local}"), "listening");
        }
        Ok(socket)
    }

    /// What is wrong with it, as far as that can be said before it is used.
    pub(crate) fn check(&self, default: &'static str) -> Result<(), SocketError> {
        let problem = match self.address.problem() {
            Some(problem) => problem,
            None if self.options.backlog == 0 => NO_BACKLOG,
            None => return Ok(()),
        };
        let cause = io::Error::new(io::ErrorKind::InvalidInput, problem);
        Err(self.error(default, "listen on", cause))
    }

    pub(crate) fn scheme(&self, default: &'static str) -> &str {
        match &self.proto_name {
            Some(name) => name,
            None if self.address.is_unix() => "unix",
            None => default,
        }
    }

    fn error(&self, default: &'static str, action: &'static str, cause: io::Error) -> SocketError {
        let scheme = self.scheme(default);
        SocketError::new(action, format_args!("{scheme}://{}", self.address), cause)
    }

    async fn make<T>(&self, kind: Kind<T>) -> io::Result<T> {
        if self.options.backlog == 0 {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, NO_BACKLOG));
        }
        let runtime = match &self.runtime {
            Some(runtime) => runtime.clone(),
            None => Runtime::current()
                .map_err(|error| io::Error::new(io::ErrorKind::NotConnected, error))?,
        };
        match self.address.resolve(&runtime).await? {
            Resolved::Unix(path) => (kind.unix)(&runtime, path, &self.options),
            Resolved::Inet(addrs) => {
                let mut last = None;
                for addr in addrs {
                    match (kind.inet)(&runtime, addr, &self.options) {
                        Ok(socket) => return Ok(socket),
                        Err(error) => last = Some(error),
                    }
                }
                Err(last.unwrap_or_else(|| io::ErrorKind::NotFound.into()))
            }
        }
    }
}

/// An address alone is a socket with the default options.
impl<A: Into<Address>> From<A> for BindSocket {
    fn from(address: A) -> Self {
        Self {
            address: address.into(),
            options: BindOptions::default(),
            proto_name: None,
            runtime: None,
        }
    }
}

const NO_BACKLOG: &str = "the backlog must be at least 1, got 0";

/// How each kind of socket is asked of a runtime.
struct Kind<T> {
    inet: fn(&Runtime, SocketAddr, &BindOptions) -> io::Result<T>,
    unix: fn(&Runtime, std::path::PathBuf, &BindOptions) -> io::Result<T>,
}

impl Kind<Listener> {
    const LISTENER: Self = Self {
        inet: |runtime, addr, options| {
            Ok(Listener::from_raw(
                runtime.backend().listen_tcp(addr, options)?,
            ))
        },
        #[cfg(unix)]
        unix: |runtime, path, options| {
            Ok(Listener::owning_file(
                runtime.backend().listen_unix(&path, options)?,
                path,
            ))
        },
        #[cfg(not(unix))]
        unix: |_, _, _| Err(io::ErrorKind::Unsupported.into()),
    };
}

impl Kind<DatagramSocket> {
    const DATAGRAM: Self = Self {
        inet: |runtime, addr, options| {
            Ok(DatagramSocket::from_raw(
                runtime.backend().bind_udp(addr, options)?,
            ))
        },
        #[cfg(unix)]
        unix: |runtime, path, options| {
            let raw = runtime.backend().bind_unix_datagram(&path, options)?;
            Ok(DatagramSocket::owning_file(raw, path))
        },
        #[cfg(not(unix))]
        unix: |_, _, _| Err(io::ErrorKind::Unsupported.into()),
    };
}
