use std::collections::HashSet;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, UdpSocket};
use std::sync::{Mutex, PoisonError};

use socket2::{Domain, Protocol, Socket, Type};

/// The address of this machine for itself: 127.0.0.1, or ::1 on one without IPv4.
#[must_use]
pub fn localhost() -> IpAddr {
    let v4 = IpAddr::V4(Ipv4Addr::LOCALHOST);
    match UdpSocket::bind((v4, 0)) {
        Ok(_) => v4,
        Err(_) => IpAddr::V6(Ipv6Addr::LOCALHOST),
    }
}

/// Finds a port of [`localhost`] that nobody uses, for TCP and for UDP.
///
/// No two calls in one process give the same one. Another process may take it before you do; where
/// that matters, hold it with [`reserved_port`], or better, bind to port 0 and ask for the address.
///
/// # Panics
///
/// When no port is free.
///
/// ```
/// let port = aiomisc::testing::unused_port();
/// assert!(std::net::TcpListener::bind((aiomisc::testing::localhost(), port)).is_ok());
/// ```
#[must_use]
#[track_caller]
pub fn unused_port() -> u16 {
    match reserved_port() {
        Ok(reserved) => reserved.port(),
        Err(error) => panic!("no port is free: {error}"),
    }
}

/// Reserves a port of [`localhost`], which stays reserved while the value lives.
///
/// The system gives it to nobody who asks for any port, while a TCP listener that allows the reuse
/// of addresses, as [`bind_socket`](crate::net::bind_socket) does by default, can be bound to it by
/// its number. For UDP the port is free but not held: a socket that held it would share what comes
/// in. [`bound_datagram_socket`] gives a socket that has its port.
///
/// # Errors
///
/// When the system gives no port.
///
/// ```
/// # #[cfg(feature = "smol")]
/// # aiomisc::adapters::Smol::new().block_on(async {
/// let reserved = aiomisc::testing::reserved_port()?;
/// let listener = aiomisc::net::bind_socket(reserved.addr()).listen().await?;
/// assert_eq!(listener.local_addr()?.port(), Some(reserved.port()));
/// # Ok::<_, std::io::Error>(()) }).unwrap();
/// ```
pub fn reserved_port() -> io::Result<ReservedPort> {
    /// Those that were given away before, so that two tests of one program never meet.
    static GIVEN: Mutex<Option<HashSet<u16>>> = Mutex::new(None);

    let mut given = GIVEN.lock().unwrap_or_else(PoisonError::into_inner);
    let given = given.get_or_insert_default();
    // Sockets that were refused are held meanwhile, or the system would offer their ports again.
    let mut refused = Vec::new();
    for _ in 0..1000 {
        let reserved = ReservedPort::any()?;
        let addr = reserved.addr();
        if UdpSocket::bind(addr).is_ok() && given.insert(addr.port()) {
            return Ok(reserved);
        }
        refused.push(reserved);
    }
    Err(io::ErrorKind::AddrInUse.into())
}

/// Makes a TCP socket of [`localhost`] that has its port and listens; in non-blocking mode, ready
/// to be adopted by a runtime or handed to a server.
///
/// # Errors
///
/// What the system answers.
pub fn bound_socket() -> io::Result<TcpListener> {
    let listener = TcpListener::bind((localhost(), 0))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Makes a UDP socket of [`localhost`] that has its port; in non-blocking mode, ready to be adopted
/// by a runtime or handed to a server.
///
/// # Errors
///
/// What the system answers.
pub fn bound_datagram_socket() -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind((localhost(), 0))?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// A port that nobody else gets; made by [`reserved_port`].
#[derive(Debug)]
#[must_use = "the port is reserved while this lives"]
pub struct ReservedPort {
    /// Bound, and never listening: otherwise nobody could be bound beside it.
    _socket: Socket,
    addr: SocketAddr,
}

impl ReservedPort {
    fn any() -> io::Result<Self> {
        Self::at((localhost(), 0).into())
    }

    /// Reserves a port of any address; 0 is one that is free.
    pub(super) fn at(addr: SocketAddr) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_reuse_address(true)?;
        socket.bind(&addr.into())?;
        let addr = socket.local_addr()?.as_socket();
        Ok(Self {
            _socket: socket,
            addr: addr.ok_or(io::ErrorKind::AddrNotAvailable)?,
        })
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.addr.port()
    }

    /// The address of this machine with the port.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }
}

/// Row F2 of the parity table.
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_different() {
        let ports: HashSet<u16> = (0..50).map(|_| unused_port()).collect();
        assert_eq!(ports.len(), 50);
        assert!(!ports.contains(&0));
    }

    #[test]
    fn ports_are_free() {
        // Another process may be quicker once, but not each time.
        let free = (0..20).any(|_| {
            let addr = (localhost(), unused_port());
            TcpListener::bind(addr).is_ok() && UdpSocket::bind(addr).is_ok()
        });
        assert!(free);
    }

    #[test]
    fn a_reserved_port_is_held_against_all_who_do_not_share_addresses() {
        let reserved = reserved_port().unwrap();
        let addr = reserved.addr();
        let bind = |share| {
            let socket = Socket::new(Domain::for_address(addr), Type::STREAM, None)?;
            socket.set_reuse_address(share)?;
            socket.bind(&addr.into())?;
            socket.listen(1)
        };
        assert_eq!(bind(false).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        bind(true).unwrap();
        drop(reserved);
        assert_eq!(reserved_port().unwrap().addr().ip(), addr.ip());
    }

    #[test]
    fn bound_sockets_have_ports_and_do_not_block() {
        let listener = bound_socket().unwrap();
        assert_ne!(listener.local_addr().unwrap().port(), 0);
        assert_eq!(
            listener.accept().unwrap_err().kind(),
            io::ErrorKind::WouldBlock
        );
        let socket = bound_datagram_socket().unwrap();
        assert_ne!(socket.local_addr().unwrap().port(), 0);
        assert_eq!(
            socket.recv(&mut [0]).unwrap_err().kind(),
            io::ErrorKind::WouldBlock
        );
    }
}
