//! The network side of the port: what an adapter implements (`Net`, `Raw…`) and what users hold
//! (`Stream`, `Listener`, `DatagramSocket`).

mod addr;
pub(crate) mod batch;
mod datagram;
mod listener;
mod socket;
mod stream;

pub use self::addr::Addr;
pub use self::batch::{MAX_BATCH, Received, RecvBatch, SendBatch};
#[cfg(unix)]
pub use self::batch::{recv, recv_batch, send, send_batch};
pub use self::datagram::{DatagramSender, DatagramSocket, RawDatagram, RawSender};
pub use self::listener::{Listener, RawListener};
#[cfg(unix)]
pub use self::socket::Configure;
pub use self::socket::{BindOptions, SocketOption};
pub use self::stream::{RawStream, Stream};

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
#[cfg(unix)]
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
#[cfg(unix)]
use std::path::{Path, PathBuf};

use futures_core::future::BoxFuture;

/// Opens sockets.
///
/// An adapter for a real kernel writes `connect_*` and `adopt_*`; listening and binding make the
/// socket here, so that every adapter has the same options and the same defaults, and adopt it.
///
/// # Contract
///
/// - **N1** Every method may be called on any thread, inside or outside of the runtime. Futures and
///   sockets may be polled anywhere, too; what they wait for belongs to this runtime, not to the
///   one that happens to be current.
/// - **N2** Nothing here blocks, looks up names, or logs.
/// - **N3** Dropping a connect future closes the half-made socket.
/// - **N4** `adopt_*` gets a socket in non-blocking mode and owns it from then on; on an error it
///   is closed.
/// - **N5** Errors of the system keep their kind and code.
/// - **N6** What an adapter does not have is [`Unsupported`](io::ErrorKind::Unsupported).
pub trait Net: Send + Sync + 'static {
    /// Connects to a TCP address.
    fn connect_tcp(&self, addr: SocketAddr) -> BoxFuture<'static, io::Result<Box<dyn RawStream>>>;

    /// Takes over a connected TCP stream.
    fn adopt_tcp_stream(&self, stream: TcpStream) -> io::Result<Box<dyn RawStream>> {
        drop(stream);
        Err(unsupported("adopt a TCP stream"))
    }

    /// Takes over a listening TCP socket.
    fn adopt_tcp_listener(&self, listener: TcpListener) -> io::Result<Box<dyn RawListener>> {
        drop(listener);
        Err(unsupported("adopt a TCP listener"))
    }

    /// Takes over a bound UDP socket.
    fn adopt_udp(&self, socket: UdpSocket) -> io::Result<Box<dyn RawDatagram>> {
        drop(socket);
        Err(unsupported("adopt a UDP socket"))
    }

    /// Connects to a Unix socket.
    #[cfg(unix)]
    fn connect_unix(&self, path: PathBuf) -> BoxFuture<'static, io::Result<Box<dyn RawStream>>> {
        drop(path);
        Box::pin(std::future::ready(Err(unsupported(
            "connect to a Unix socket",
        ))))
    }

    /// Takes over a connected Unix stream.
    #[cfg(unix)]
    fn adopt_unix_stream(&self, stream: UnixStream) -> io::Result<Box<dyn RawStream>> {
        drop(stream);
        Err(unsupported("adopt a Unix stream"))
    }

    /// Takes over a listening Unix socket.
    #[cfg(unix)]
    fn adopt_unix_listener(&self, listener: UnixListener) -> io::Result<Box<dyn RawListener>> {
        drop(listener);
        Err(unsupported("adopt a Unix listener"))
    }

    /// Takes over a bound Unix datagram socket.
    #[cfg(unix)]
    fn adopt_unix_datagram(&self, socket: UnixDatagram) -> io::Result<Box<dyn RawDatagram>> {
        drop(socket);
        Err(unsupported("adopt a Unix datagram socket"))
    }

    /// Listens for TCP connections.
    fn listen_tcp(
        &self,
        addr: SocketAddr,
        options: &BindOptions,
    ) -> io::Result<Box<dyn RawListener>> {
        self.adopt_tcp_listener(socket::tcp_listener(addr, options)?)
    }

    /// Binds a UDP socket.
    fn bind_udp(
        &self,
        addr: SocketAddr,
        options: &BindOptions,
    ) -> io::Result<Box<dyn RawDatagram>> {
        self.adopt_udp(socket::udp(addr, options)?)
    }

    /// Listens on a Unix socket.
    #[cfg(unix)]
    fn listen_unix(&self, path: &Path, options: &BindOptions) -> io::Result<Box<dyn RawListener>> {
        let (socket, file) = socket::unix_listener(path, options)?;
        let listener = self.adopt_unix_listener(socket)?;
        file.keep();
        Ok(listener)
    }

    /// Binds a Unix datagram socket.
    #[cfg(unix)]
    fn bind_unix_datagram(
        &self,
        path: &Path,
        options: &BindOptions,
    ) -> io::Result<Box<dyn RawDatagram>> {
        let (socket, file) = socket::unix_datagram(path, options)?;
        let socket = self.adopt_unix_datagram(socket)?;
        file.keep();
        Ok(socket)
    }

    /// Looks a host name up, for runtimes that have names of their own. Default: `None`, which
    /// means that the system is asked, in a blocking job.
    fn resolve(
        &self,
        host: &str,
        port: u16,
    ) -> Option<BoxFuture<'static, io::Result<Vec<SocketAddr>>>> {
        let _ = (host, port);
        None
    }
}

fn unsupported(what: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::Unsupported,
        format!("this runtime cannot {what}"),
    )
}
