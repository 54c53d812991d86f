//! N2 to N6: connecting, adopting, and errors.

use std::collections::HashSet;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::task::Waker;

use futures_core::future::BoxFuture;
use socket2::{Domain, Protocol, Socket, Type};

use super::Capability::{self, Datagrams, StdSockets, Tcp, UnixSockets};
use super::io::{connect, listen, ping, receive};
use super::lab::{Check, Failed, Lab, Result, any_port, check, ensure, poll};
use crate::net::{DatagramSocket, Listener, Stream};
use crate::runtime::{BindOptions, RawStream};

pub(super) const CHECKS: &[Check] = &[
    check(
        "N2",
        "connecting to one that does not answer",
        &[Tcp, StdSockets],
        |lab| {
            lab.run(async {
                let busy = Unanswered::new()?;
                let mut connecting = busy.connecting(lab)?;
                // Others run while it waits.
                lab.runtime.spawn(async {}).await?;
                let waits = poll(connecting.as_mut(), Waker::noop()).is_pending();
                ensure!(waits, "it connected to nobody");
                Ok(())
            })
        },
    ),
    check(
        "N3",
        "dropped while the other end does not answer",
        &[Tcp, StdSockets],
        |lab| {
            lab.run(async {
                let busy = Unanswered::new()?;
                let connecting = busy.connecting(lab)?;
                // The table is no snapshot: while others open and close, a line may be left out.
                let mut half_made = (0..100).map(|_| busy.half_made());
                if !half_made.any(|seen| seen.is_ok_and(|seen| seen)) {
                    let text = "the system does not tell which connections are half-made";
                    return Err(Failed::skipped(text));
                }
                drop(connecting);
                for _ in 0..5 {
                    ensure!(!busy.half_made()?, "the half-made socket is still open");
                }
                Ok(())
            })
        },
    ),
    check("N4", "a connected TCP stream", &[Tcp, StdSockets], |lab| {
        lab.run(async {
            let std_listener = TcpListener::bind(any_port())?;
            let near = TcpStream::connect(std_listener.local_addr()?)?;
            let (far, _) = std_listener.accept()?;
            near.set_nonblocking(true)?;
            far.set_nonblocking(true)?;
            let mut near = Stream::from_raw(lab.backend().adopt_tcp_stream(near)?);
            let mut far = Stream::from_raw(lab.backend().adopt_tcp_stream(far)?);
            ping(&mut near, &mut far).await?;
            drop(near);
            let rest = super::io::read_to_end(&mut far).await?;
            ensure!(rest.is_empty(), "the adopted stream was not closed");
            Ok(())
        })
    }),
    check("N4", "a listening TCP socket", &[Tcp, StdSockets], |lab| {
        lab.run(async {
            let std_listener = crate::testing::bound_socket()?;
            let addr = std_listener.local_addr()?;
            let raw = lab.backend().adopt_tcp_listener(std_listener)?;
            let mut listener = Listener::from_raw(raw);
            let mut near = connect(&**lab.backend(), addr).await?;
            let (mut far, _) = listener.accept().await?;
            ping(&mut near, &mut far).await?;
            drop(listener);
            let refused = TcpStream::connect(addr).is_err();
            ensure!(refused, "the adopted listener was not closed");
            Ok(())
        })
    }),
    check(
        "N4",
        "a bound UDP socket",
        &[Datagrams, StdSockets],
        |lab| {
            lab.run(async {
                let std_socket = crate::testing::bound_datagram_socket()?;
                let addr = std_socket.local_addr()?;
                let mut socket = DatagramSocket::from_raw(lab.backend().adopt_udp(std_socket)?);
                let peer = UdpSocket::bind(any_port())?;
                peer.send_to(b"ping", addr)?;
                let (data, from) = receive(&mut socket).await?;
                ensure!(data == b"ping", "other bytes arrived");
                ensure!(
                    from == peer.local_addr()?.into(),
                    "the sender is said to be {from}"
                );
                drop(socket);
                let free = UdpSocket::bind(addr).is_ok();
                ensure!(free, "the adopted socket was not closed");
                Ok(())
            })
        },
    ),
    check(
        "N5",
        "nobody listens on the port",
        &[Tcp, StdSockets],
        |lab| {
            lab.run(async {
                let reserved = crate::testing::reserved_port()?;
                let outcome = lab.backend().connect_tcp(reserved.addr()).await;
                expect(outcome.map(drop), io::ErrorKind::ConnectionRefused, true)
            })
        },
    ),
    check("N5", "the port is taken", &[Tcp], |lab| {
        lab.run(async {
            let (_listener, addr) = listen(&**lab.backend())?;
            let options = BindOptions::default();
            let outcome = lab.backend().listen_tcp(addr, &options);
            expect(outcome.map(drop), io::ErrorKind::AddrInUse, true)
        })
    }),
    check("N5", "the UDP port is taken", &[Datagrams], |lab| {
        lab.run(async {
            let (_socket, addr) = super::io::bind(&**lab.backend())?;
            let options = BindOptions::default();
            let outcome = lab.backend().bind_udp(super::io::inet(&addr)?, &options);
            expect(outcome.map(drop), io::ErrorKind::AddrInUse, true)
        })
    }),
    check(
        "N5",
        "there is no such Unix socket",
        &[UnixSockets],
        |lab| {
            let path = lab.path();
            let outcome = lab.run(lab.backend().connect_unix(path));
            expect(outcome.map(drop), io::ErrorKind::NotFound, true)
        },
    ),
];

/// Checks an error of the system.
fn expect(outcome: io::Result<()>, kind: io::ErrorKind, code: bool) -> Result {
    let Err(error) = outcome else {
        return Err(Failed::broken(format_args!("it worked; expected {kind:?}")));
    };
    let found = error.kind();
    ensure!(
        found == kind,
        "the error is of kind {found:?} instead of {kind:?}: {error}"
    );
    ensure!(
        !code || error.raw_os_error().is_some(),
        "the error has lost the system's code: {error}"
    );
    Ok(())
}

/// N6: the answer for a part that the adapter is said not to have.
pub(super) fn is_unsupported(lab: &Lab, part: Capability) -> Result {
    let (backend, options) = (lab.backend(), BindOptions::default());
    let expect_unsupported =
        |outcome: io::Result<()>| expect(outcome, io::ErrorKind::Unsupported, false);
    match part {
        Tcp => {
            expect_unsupported(backend.listen_tcp(any_port(), &options).map(drop))?;
            expect_unsupported(lab.run(backend.connect_tcp(any_port())).map(drop))
        }
        Datagrams => expect_unsupported(backend.bind_udp(any_port(), &options).map(drop)),
        UnixSockets => {
            let path = lab.path();
            expect_unsupported(backend.listen_unix(&path, &options).map(drop))?;
            expect_unsupported(backend.bind_unix_datagram(&path, &options).map(drop))?;
            expect_unsupported(lab.run(backend.connect_unix(path)).map(drop))
        }
        StdSockets => {
            let listener = crate::testing::bound_socket()?;
            expect_unsupported(backend.adopt_tcp_listener(listener).map(drop))?;
            let socket = crate::testing::bound_datagram_socket()?;
            expect_unsupported(backend.adopt_udp(socket).map(drop))
        }
    }
}

/// A listener whose queue is full, so that who connects waits.
struct Unanswered {
    addr: SocketAddr,
    _listener: Socket,
    queue: Vec<Socket>,
}

impl Unanswered {
    fn new() -> Result<Self> {
        let any = any_port();
        let listener = Socket::new(Domain::for_address(any), Type::STREAM, Some(Protocol::TCP))?;
        listener.bind(&any.into())?;
        listener.listen(1)?;
        let Some(addr) = listener.local_addr()?.as_socket() else {
            return Err(Failed::broken("the listener has no address"));
        };
        let mut queue = Vec::new();
        for _ in 0..6 {
            let socket = Socket::new(Domain::for_address(addr), Type::STREAM, None)?;
            socket.set_nonblocking(true)?;
            // Those that find no place in the queue are still under way, as they should be.
            let _ = socket.connect(&addr.into());
            queue.push(socket);
        }
        Ok(Self {
            addr,
            _listener: listener,
            queue,
        })
    }

    fn connecting(&self, lab: &Lab) -> Result<BoxFuture<'static, io::Result<Box<dyn RawStream>>>> {
        let mut connecting = lab.backend().connect_tcp(self.addr);
        if poll(connecting.as_mut(), Waker::noop()).is_ready() {
            let text = "the system takes connections that nobody accepts";
            return Err(Failed::skipped(text));
        }
        Ok(connecting)
    }

    /// Whether a connection that is not of the queue waits for the answer, as Linux tells.
    fn half_made(&self) -> io::Result<bool> {
        let file = if self.addr.is_ipv6() { "tcp6" } else { "tcp" };
        let table = std::fs::read_to_string(format!("/proc/self/net/{file}"))?;
        let mut queue = HashSet::new();
        for socket in &self.queue {
            let local = socket.local_addr()?.as_socket();
            queue.extend(local.map(|addr| hex_port(addr.port())));
        }
        let port = hex_port(self.addr.port());
        Ok(table.lines().any(|line| {
            let mut fields = line.split_whitespace().skip(1);
            let (local, remote, state) = (fields.next(), fields.next(), fields.next());
            state == Some("02")
                && remote.is_some_and(|remote| remote.ends_with(&port))
                && !local.is_some_and(|local| queue.iter().any(|port| local.ends_with(port)))
        }))
    }
}

/// A port at the end of an address in the table of Linux.
fn hex_port(port: u16) -> String {
    format!(":{port:04X}")
}
