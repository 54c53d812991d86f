use std::fmt;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs, UdpSocket};
use std::path::PathBuf;

use super::sink::Datagrams;

/// Where the system's log is: a socket of this host, or a server reached over UDP.
///
/// ```
/// use aiomisc::log::{Handler, Output, SyslogSocket, format::{Facility, Syslog}};
///
/// let format = Syslog::rfc3164().facility(Facility::Daemon);
/// let handler = Handler::new(format, Output::datagrams(SyslogSocket::local()));
/// # drop(handler);
/// ```
///
/// Nothing is opened before the first record. A daemon that was restarted is found again with the next record. One that
/// does not read is waited for, for at most a second; then the record is lost, and those after it do not wait until one
/// gets through. Over UDP nobody knows what arrives.
pub struct SyslogSocket(Kind);

enum Kind {
    #[cfg(unix)]
    Unix(super::unix_socket::UnixSocket),
    Udp {
        to: SocketAddr,
        socket: Option<UdpSocket>,
    },
}

/// The port that IANA has given to syslog over UDP.
const PORT: u16 = 514;

impl SyslogSocket {
    /// The log of this host: `/dev/log` if it is there, else UDP to 127.0.0.1, port 514.
    #[must_use]
    pub fn local() -> Self {
        let path = PathBuf::from("/dev/log");
        #[cfg(unix)]
        if path.exists() {
            return Self::unix(path);
        }
        drop(path);
        Self::to((Ipv4Addr::LOCALHOST, PORT).into())
    }

    /// The datagram socket that has this path. It need not be there yet.
    #[cfg(unix)]
    #[must_use]
    pub fn unix(path: impl Into<PathBuf>) -> Self {
        Self(Kind::Unix(super::unix_socket::UnixSocket::new(path)))
    }

    /// A server, such as `("log.example.org", 514)`. A name is looked up once, here.
    ///
    /// # Errors
    ///
    /// The name has no address, or cannot be looked up.
    pub fn udp(server: impl ToSocketAddrs) -> io::Result<Self> {
        let found = server.to_socket_addrs()?.next();
        let missing = || io::Error::new(io::ErrorKind::NotFound, "the server has no address");
        found.map(Self::to).ok_or_else(missing)
    }

    fn to(to: SocketAddr) -> Self {
        Self(Kind::Udp { to, socket: None })
    }
}

impl Datagrams for SyslogSocket {
    fn send(&mut self, record: &[u8]) -> io::Result<()> {
        match &mut self.0 {
            #[cfg(unix)]
            Kind::Unix(socket) => socket.send(|socket| socket.send(record).map(drop)),
            Kind::Udp { to, socket } => {
                let socket = match socket {
                    Some(socket) => socket,
                    None => socket.insert(unbound(to)?),
                };
                // Not connected: else the answer to one datagram, that nobody is there, would be the
                // error of the next one.
                socket.send_to(record, *to).map(drop)
            }
        }
    }
}

fn unbound(to: &SocketAddr) -> io::Result<UdpSocket> {
    match to {
        SocketAddr::V4(_) => UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)),
        SocketAddr::V6(_) => UdpSocket::bind((Ipv6Addr::UNSPECIFIED, 0)),
    }
}

impl fmt::Debug for SyslogSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = f.debug_tuple("SyslogSocket");
        match &self.0 {
            #[cfg(unix)]
            Kind::Unix(socket) => f.field(socket),
            Kind::Udp { to, .. } => f.field(to),
        };
        f.finish()
    }
}
