//! Makes sockets of the system for every adapter alike.

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};
#[cfg(unix)]
use std::os::fd::BorrowedFd;
#[cfg(unix)]
use std::os::unix::net::{UnixDatagram, UnixListener};
#[cfg(unix)]
use std::path::Path;
#[cfg(unix)]
use std::sync::Arc;

use socket2::{Domain, Protocol, SockAddr, Socket, Type};

/// How a socket is made that listens or receives; filled by
/// [`bind_socket`](crate::net::bind_socket).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct BindOptions {
    /// How many connections may wait to be accepted. Default: 1024; the system may allow fewer.
    pub backlog: u32,
    /// Whether a port may be bound again while old connections of it linger. Default: true.
    pub reuse_addr: bool,
    /// Whether several sockets may share the port. Default: false, so that a clash is an error.
    pub reuse_port: bool,
    /// Whether an IPv6 socket also takes IPv4. Default: only for the address `::`.
    pub dual_stack: Option<bool>,
    /// The permissions of a Unix socket's file. Default: what the process's mask leaves.
    pub mode: Option<u32>,
    /// Whether the file of a Unix socket that nobody listens on any more may be replaced.
    /// Default: false.
    pub replace_stale: bool,
    /// Options of the socket, set in this order before it is bound. Default: none.
    pub options: Vec<SocketOption>,
    /// Sets whatever else, after `options`. Default: nothing.
    #[cfg(unix)]
    pub configure: Option<Configure>,
}

/// An option of a socket.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SocketOption {
    /// Whether small writes go out at once. Listening sockets begin with true, and hand it on.
    NoDelay(bool),
    /// Whether silent connections are probed by the system.
    KeepAlive(bool),
    /// The size of the receive buffer in bytes.
    ReceiveBuffer(usize),
    /// The size of the send buffer in bytes.
    SendBuffer(usize),
    /// Whether datagrams may go to broadcast addresses.
    Broadcast(bool),
    /// How many hops a packet may take (IPv4).
    TimeToLive(u32),
}

impl SocketOption {
    fn apply(&self, socket: &Socket) -> io::Result<()> {
        match *self {
            Self::NoDelay(on) => socket.set_tcp_nodelay(on),
            Self::KeepAlive(on) => socket.set_keepalive(on),
            Self::ReceiveBuffer(bytes) => socket.set_recv_buffer_size(bytes),
            Self::SendBuffer(bytes) => socket.set_send_buffer_size(bytes),
            Self::Broadcast(on) => socket.set_broadcast(on),
            Self::TimeToLive(hops) => socket.set_ttl_v4(hops),
        }
    }
}

/// A user's function that sets up a socket before it is bound.
#[cfg(unix)]
#[derive(Clone)]
pub struct Configure(Arc<dyn Fn(BorrowedFd<'_>) -> io::Result<()> + Send + Sync>);

#[cfg(unix)]
impl Configure {
    pub(crate) fn new(
        f: impl Fn(BorrowedFd<'_>) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(f))
    }
}

#[cfg(unix)]
impl fmt::Debug for Configure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Configure(..)")
    }
}

impl Default for BindOptions {
    fn default() -> Self {
        Self {
            backlog: 1024,
            reuse_addr: true,
            reuse_port: false,
            dual_stack: None,
            mode: None,
            replace_stale: false,
            options: Vec::new(),
            #[cfg(unix)]
            configure: None,
        }
    }
}

impl BindOptions {
    fn apply(&self, socket: &Socket) -> io::Result<()> {
        socket.set_nonblocking(true)?;
        for option in &self.options {
            option.apply(socket)?;
        }
        #[cfg(unix)]
        if let Some(Configure(configure)) = &self.configure {
            use std::os::fd::AsFd;
            configure(socket.as_fd())?;
        }
        Ok(())
    }

    fn inet(&self, addr: SocketAddr, kind: Type, protocol: Protocol) -> io::Result<Socket> {
        let socket = Socket::new(Domain::for_address(addr), kind, Some(protocol))?;
        // On Windows the option means something else: that others may take the port away.
        #[cfg(unix)]
        socket.set_reuse_address(self.reuse_addr)?;
        #[cfg(unix)]
        socket.set_reuse_port(self.reuse_port)?;
        if let SocketAddr::V6(addr) = addr {
            socket.set_only_v6(
                !self
                    .dual_stack
                    .unwrap_or_else(|| addr.ip().is_unspecified()),
            )?;
        }
        if kind == Type::STREAM {
            // Accepted sockets inherit it, which saves a call for each of them.
            socket.set_tcp_nodelay(true)?;
        }
        self.apply(&socket)?;
        socket.bind(&addr.into())?;
        Ok(socket)
    }

    #[cfg(unix)]
    fn unix(&self, path: &Path, kind: Type) -> io::Result<(Socket, NewFile)> {
        let addr = SockAddr::unix(path)?;
        let socket = Socket::new(Domain::UNIX, kind, None)?;
        self.apply(&socket)?;
        if self.replace_stale && is_stale(path, &addr, kind) {
            std::fs::remove_file(path)?;
        }
        socket
            .bind(&addr)
            .map_err(|error| explain_file(path, error))?;
        let file = NewFile(Some(path.to_owned()));
        if let Some(mode) = self.mode {
            use std::os::unix::fs::PermissionsExt;
            // Nobody can connect yet: the socket does not listen before this.
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))?;
        }
        Ok((socket, file))
    }

    fn backlog(&self) -> i32 {
        i32::try_from(self.backlog).unwrap_or(i32::MAX)
    }
}

pub(super) fn tcp_listener(addr: SocketAddr, options: &BindOptions) -> io::Result<TcpListener> {
    let socket = options.inet(addr, Type::STREAM, Protocol::TCP)?;
    socket.listen(options.backlog())?;
    Ok(socket.into())
}

pub(super) fn udp(addr: SocketAddr, options: &BindOptions) -> io::Result<UdpSocket> {
    // For datagrams the option of that name lets two sockets share the port without a word.
    let options = BindOptions {
        reuse_addr: options.reuse_port,
        ..options.clone()
    };
    Ok(options.inet(addr, Type::DGRAM, Protocol::UDP)?.into())
}

#[cfg(unix)]
pub(super) fn unix_listener(
    path: &Path,
    options: &BindOptions,
) -> io::Result<(UnixListener, NewFile)> {
    let (socket, file) = options.unix(path, Type::STREAM)?;
    socket.listen(options.backlog())?;
    Ok((std::os::fd::OwnedFd::from(socket).into(), file))
}

#[cfg(unix)]
pub(super) fn unix_datagram(
    path: &Path,
    options: &BindOptions,
) -> io::Result<(UnixDatagram, NewFile)> {
    let (socket, file) = options.unix(path, Type::DGRAM)?;
    Ok((std::os::fd::OwnedFd::from(socket).into(), file))
}

/// Is there a socket file on which nobody listens?
#[cfg(unix)]
fn is_stale(path: &Path, addr: &SockAddr, kind: Type) -> bool {
    use std::os::unix::fs::FileTypeExt;
    // Connecting to a file of another kind is refused as well, and that one is not ours to remove.
    if !std::fs::symlink_metadata(path).is_ok_and(|meta| meta.file_type().is_socket()) {
        return false;
    }
    let Ok(probe) = Socket::new(Domain::UNIX, kind, None) else {
        return false;
    };
    probe.set_nonblocking(true).is_ok()
        && probe
            .connect(addr)
            .is_err_and(|e| e.kind() == io::ErrorKind::ConnectionRefused)
}

#[cfg(unix)]
fn explain_file(path: &Path, error: io::Error) -> io::Error {
    if error.kind() == io::ErrorKind::AddrInUse {
        return io::Error::new(
            io::ErrorKind::AddrInUse,
            format!(
                "the file {} exists; remove it, or allow `replace_stale` if it is the socket of a \
                 program that has ended",
                path.display()
            ),
        );
    }
    error
}

/// Removes the file of a socket that is not completed after all.
#[cfg(unix)]
pub(super) struct NewFile(Option<std::path::PathBuf>);

#[cfg(unix)]
impl NewFile {
    pub(super) fn keep(mut self) {
        self.0 = None;
    }
}

#[cfg(unix)]
impl Drop for NewFile {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            // The error that brought us here matters more than this one.
            let _ = std::fs::remove_file(path);
        }
    }
}
