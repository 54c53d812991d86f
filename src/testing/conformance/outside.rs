//! N1 and L1: sockets that are made and polled where the runtime is not: on plain threads, and
//! inside of another runtime, which then stands still.

use std::net::{TcpStream, UdpSocket};
use std::sync::Arc;

use super::Capability::{Datagrams, StdSockets, Tcp, UnixSockets};
use super::io::{bind, connect, listen, pair, ping, read_to_end, receive, write_all};
use super::lab::{Check, Result, any_port, check, ensure, on_thread, parked};
use crate::net::{DatagramSocket, Listener, Stream};
use crate::runtime::{Backend, BindOptions};

pub(super) const CHECKS: &[Check] = &[
    check(
        "N1",
        "connecting, polled on a plain thread",
        &[Tcp],
        |lab| {
            let backend = Arc::clone(lab.backend());
            let (mut listener, addr) = listen(&*backend)?;
            let mut near = lab.outside(async move { connect(&*backend, addr).await })?;
            lab.run(async {
                let (mut far, _) = listener.accept().await?;
                ping(&mut near, &mut far).await
            })
        },
    ),
    check(
        "N1",
        "connecting, begun here, polled on a plain thread",
        &[Tcp],
        |lab| {
            let (mut listener, addr) = listen(&**lab.backend())?;
            lab.run(async {
                let connecting = lab.backend().connect_tcp(addr);
                let raw = on_thread(move || parked(async { Ok(connecting.await?) })).await??;
                let (mut far, _) = listener.accept().await?;
                ping(&mut Stream::from_raw(raw), &mut far).await
            })
        },
    ),
    check(
        "N1",
        "reading and writing on a plain thread",
        &[Tcp],
        |lab| {
            let (mut near, mut far) = lab.run(pair(&**lab.backend()))?;
            lab.run(async {
                // Here it waits for the thread, so that both directions wait in turn.
                let there = on_thread(move || {
                    parked(async move {
                        for _ in 0..100 {
                            let data = super::io::read_exact(&mut near, 4).await?;
                            write_all(&mut near, &data).await?;
                        }
                        Ok(())
                    })
                });
                for _ in 0..100 {
                    write_all(&mut far, b"ping").await?;
                    super::io::read_exact(&mut far, 4).await?;
                }
                there.await?
            })
        },
    ),
    check("L1", "accepted on a plain thread", &[Tcp], |lab| {
        let (mut listener, addr) = listen(&**lab.backend())?;
        let backend = Arc::clone(lab.backend());
        lab.run(async {
            let accepting = on_thread(move || parked(async move { Ok(listener.accept().await?) }));
            let mut near = connect(&*backend, addr).await?;
            let (mut far, _) = accepting.await??;
            ping(&mut near, &mut far).await
        })
    }),
    check(
        "L1",
        "accepted inside of another runtime, used when that stands still",
        &[Tcp],
        |lab| {
            let (mut listener, addr) = listen(&**lab.backend())?;
            let mut near = lab.run(connect(&**lab.backend(), addr))?;
            let mut far = lab.inside_other(async move { Ok(listener.accept().await?.0) })?;
            lab.run(ping(&mut near, &mut far))
        },
    ),
    check(
        "N1",
        "connected inside of another runtime, used when that stands still",
        &[Tcp],
        |lab| {
            let (mut listener, addr) = listen(&**lab.backend())?;
            let backend = Arc::clone(lab.backend());
            let mut near = lab.inside_other(async move { connect(&*backend, addr).await })?;
            lab.run(async {
                let (mut far, _) = listener.accept().await?;
                ping(&mut near, &mut far).await
            })
        },
    ),
    check(
        "N1",
        "listening inside of another runtime, used when that stands still",
        &[Tcp],
        |lab| {
            let backend = Arc::clone(lab.backend());
            let (mut listener, addr) = lab.inside_other(async move { listen(&*backend) })?;
            lab.run(async {
                let mut near = connect(&**lab.backend(), addr).await?;
                let (mut far, _) = listener.accept().await?;
                ping(&mut near, &mut far).await
            })
        },
    ),
    check("N1", "echo inside of another runtime", &[Tcp], |lab| {
        let backend = Arc::clone(lab.backend());
        lab.inside_other(async move {
            let (mut near, mut far) = pair(&*backend).await?;
            ping(&mut near, &mut far).await?;
            drop(near);
            let rest = read_to_end(&mut far).await?;
            ensure!(rest.is_empty(), "bytes arrived that nobody sent");
            Ok(())
        })
    }),
    check("N1", "datagrams on a plain thread", &[Datagrams], |lab| {
        let backend = Arc::clone(lab.backend());
        lab.outside(async move { datagrams(&*backend).await })
    }),
    check(
        "N1",
        "datagrams inside of another runtime",
        &[Datagrams],
        |lab| {
            let backend = Arc::clone(lab.backend());
            lab.inside_other(async move { datagrams(&*backend).await })
        },
    ),
    check(
        "N1",
        "bound inside of another runtime, used when that stands still",
        &[Datagrams],
        |lab| {
            let backend = Arc::clone(lab.backend());
            let (mut socket, addr) = lab.inside_other(async move { bind(&*backend) })?;
            lab.run(async {
                let (mut other, from) = bind(&**lab.backend())?;
                other.send_to(b"ping", &addr).await?;
                let (data, sender) = receive(&mut socket).await?;
                ensure!(data == b"ping" && sender == from, "something else arrived");
                Ok(())
            })
        },
    ),
    check(
        "N1",
        "adopted on a plain thread",
        &[Tcp, Datagrams, StdSockets],
        |lab| {
            let backend = Arc::clone(lab.backend());
            lab.outside(async move { adopt(&*backend).await })
        },
    ),
    check(
        "N1",
        "adopted inside of another runtime",
        &[Tcp, Datagrams, StdSockets],
        |lab| {
            let backend = Arc::clone(lab.backend());
            lab.inside_other(async move { adopt(&*backend).await })
        },
    ),
    check(
        "N1",
        "Unix sockets on a plain thread",
        &[UnixSockets],
        |lab| {
            let (backend, path) = (Arc::clone(lab.backend()), lab.path());
            lab.outside(async move { unix(&*backend, path).await })
        },
    ),
    check(
        "N1",
        "Unix sockets inside of another runtime",
        &[UnixSockets],
        |lab| {
            let (backend, path) = (Arc::clone(lab.backend()), lab.path());
            lab.inside_other(async move { unix(&*backend, path).await })
        },
    ),
];

async fn datagrams(backend: &dyn Backend) -> Result {
    let (mut one, addr) = bind(backend)?;
    let (mut other, _) = bind(backend)?;
    for _ in 0..10 {
        other.send_to(b"ping", &addr).await?;
        let (_, from) = receive(&mut one).await?;
        one.sender()?.send_to(b"pong", &from).await?;
        let (data, _) = receive(&mut other).await?;
        ensure!(data == b"pong", "something else arrived");
    }
    Ok(())
}

async fn adopt(backend: &dyn Backend) -> Result {
    let std_listener = crate::testing::bound_socket()?;
    let near = TcpStream::connect(std_listener.local_addr()?)?;
    near.set_nonblocking(true)?;
    let mut near = Stream::from_raw(backend.adopt_tcp_stream(near)?);
    let mut listener = Listener::from_raw(backend.adopt_tcp_listener(std_listener)?);
    let (mut far, _) = listener.accept().await?;
    ping(&mut near, &mut far).await?;

    let std_socket = crate::testing::bound_datagram_socket()?;
    let addr = std_socket.local_addr()?;
    let mut socket = DatagramSocket::from_raw(backend.adopt_udp(std_socket)?);
    UdpSocket::bind(any_port())?.send_to(b"ping", addr)?;
    let (data, _) = receive(&mut socket).await?;
    ensure!(data == b"ping", "something else arrived");
    Ok(())
}

async fn unix(backend: &dyn Backend, path: std::path::PathBuf) -> Result {
    let raw = backend.listen_unix(&path, &BindOptions::default())?;
    let mut listener = Listener::from_raw(raw);
    let mut near = Stream::from_raw(backend.connect_unix(path).await?);
    let (mut far, _) = listener.accept().await?;
    ping(&mut near, &mut far).await
}
