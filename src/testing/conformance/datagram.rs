//! D1, D2, D5, D7: single datagrams.

use std::future::poll_fn;
use std::io;
use std::net::UdpSocket;
use std::os::fd::OwnedFd;
use std::pin::pin;
use std::task::{Poll, Waker};

use super::Capability::{Datagrams, StdSockets};
use super::io::{bind, inet, receive};
use super::lab::{Check, Failed, Lab, Result, Tally, any_port, check, ensure, poll, yield_now};
use crate::net::DatagramSocket;
use crate::net::Received;

pub(super) const CHECKS: &[Check] = &[
    check(
        "D1",
        "whole datagrams, and who sent them",
        &[Datagrams],
        |lab| {
            lab.run(async {
                let (mut one, to) = bind(&**lab.backend())?;
                let (mut other, from) = bind(&**lab.backend())?;
                for length in [1, 2, 700, 1400] {
                    let data = vec![9; length];
                    other.send_to(&data, &to).await?;
                    let (got, sender) = receive(&mut one).await?;
                    ensure!(got == data, "{} bytes out of {length} arrived", got.len());
                    ensure!(sender == from, "the sender is said to be {sender}");
                }
                Ok(())
            })
        },
    ),
    check(
        "D1",
        "a datagram longer than the buffer",
        &[Datagrams],
        |lab| {
            lab.run(async {
                let (mut one, to) = bind(&**lab.backend())?;
                let (mut other, _) = bind(&**lab.backend())?;
                other.send_to(b"0123456789", &to).await?;
                other.send_to(b"abcd", &to).await?;
                let cut = one.recv_from(&mut [0; 4]).await?;
                ensure!(cut.len == 4, "{} bytes in a buffer of 4", cut.len);
                ensure!(cut.truncated, "it was cut, and nothing said so");
                let whole = one.recv_from(&mut [0; 4]).await?;
                ensure!(whole.len == 4, "the rest of the one before was given");
                ensure!(!whole.truncated, "a whole datagram is said to be cut");
                Ok(())
            })
        },
    ),
    check("D1", "an empty datagram", &[Datagrams], |lab| {
        lab.run(async {
            let (mut one, to) = bind(&**lab.backend())?;
            let (mut other, from) = bind(&**lab.backend())?;
            other.send_to(b"", &to).await?;
            other.send_to(b"x", &to).await?;
            let empty = one.recv_from(&mut [0; 4]).await?;
            ensure!(
                empty == Received::new(0, from, false),
                "it arrived as {empty:?}"
            );
            let (next, _) = receive(&mut one).await?;
            ensure!(next == b"x", "the next one was lost");
            Ok(())
        })
    }),
    check(
        "D2",
        "the peer is not there",
        &[Datagrams, StdSockets],
        |lab| lab.run(refused(lab)),
    ),
    check(
        "D2",
        "an address of the other family",
        &[Datagrams],
        |lab| {
            lab.run(async {
                let (mut one, to) = bind(&**lab.backend())?;
                let (mut other, _) = bind(&**lab.backend())?;
                let wrong = match inet(&to)? {
                    addr if addr.is_ipv4() => (std::net::Ipv6Addr::LOCALHOST, 9).into(),
                    _ => std::net::SocketAddr::from((std::net::Ipv4Addr::LOCALHOST, 9)),
                };
                let failed = other.send_to(b"x", &wrong.into()).await.is_err();
                ensure!(failed, "it was sent");
                other.send_to(b"y", &to).await?;
                let (data, _) = receive(&mut one).await?;
                ensure!(data == b"y", "something else arrived");
                Ok(())
            })
        },
    ),
    check(
        "D5",
        "a receive that waits is dropped",
        &[Datagrams],
        |lab| {
            lab.run(async {
                let (mut one, to) = bind(&**lab.backend())?;
                let (mut other, _) = bind(&**lab.backend())?;
                for number in 0..20_u8 {
                    {
                        let mut buf = [0; 4];
                        let mut waiting = pin!(one.recv_from(&mut buf));
                        let waits = poll(waiting.as_mut(), Waker::noop()).is_pending();
                        ensure!(waits, "a datagram was received that nobody sent");
                        other.send_to(&[number], &to).await?;
                    }
                    let (data, _) = receive(&mut one).await?;
                    ensure!(data == [number], "datagram {number} was lost");
                }
                Ok(())
            })
        },
    ),
    check(
        "D5",
        "polled in one task, then in another",
        &[Datagrams],
        |lab| {
            lab.run(async {
                let (mut one, to) = bind(&**lab.backend())?;
                let (mut other, _) = bind(&**lab.backend())?;
                {
                    let mut buf = [0; 4];
                    let mut waiting = pin!(one.recv_from(&mut buf));
                    poll_fn(|cx| Poll::Ready(waiting.as_mut().poll(cx).is_pending())).await;
                }
                let receiving = lab.runtime.spawn(async move { receive(&mut one).await });
                yield_now().await;
                other.send_to(b"x", &to).await?;
                let (data, _) = receiving.await??;
                ensure!(data == b"x", "something else arrived");
                Ok(())
            })
        },
    ),
    check(
        "D3",
        "tasks send while another one receives",
        &[Datagrams],
        |lab| {
            lab.run(async {
                let (mut one, to) = bind(&**lab.backend())?;
                let (other, _) = bind(&**lab.backend())?;
                let mut tasks = Vec::new();
                for number in 0..8_u8 {
                    let (mut sender, to) = (other.sender()?, to.clone());
                    tasks.push(lab.runtime.spawn(async move {
                        for _ in 0..10 {
                            sender.send_to(&[number], &to).await?;
                        }
                        Ok::<_, io::Error>(())
                    }));
                }
                let mut counts = [0; 8];
                for _ in 0..80 {
                    let (data, _) = receive(&mut one).await?;
                    if let Some(count) = counts.get_mut(usize::from(data[0])) {
                        *count += 1;
                    }
                }
                for task in tasks {
                    task.await??;
                }
                ensure!(counts == [10; 8], "from each sender arrived {counts:?}");
                Ok(())
            })
        },
    ),
    check(
        "D7",
        "the socket is dropped, a sender lives",
        &[Datagrams],
        |lab| {
            lab.run(async {
                let (mut one, to) = bind(&**lab.backend())?;
                let (other, from) = bind(&**lab.backend())?;
                let mut sender = other.sender()?;
                drop(other);
                sender.send_to(b"x", &to).await?;
                let (_, seen) = receive(&mut one).await?;
                ensure!(seen == from, "it came from another socket");
                Ok(())
            })
        },
    ),
    check(
        "D7",
        "dropped with all of its senders",
        &[Datagrams, StdSockets],
        |lab| {
            let (socket, addr) = bind(&**lab.backend())?;
            drop(socket.sender()?);
            drop(socket);
            let free = UdpSocket::bind(inet(&addr)?).is_ok();
            ensure!(free, "the port is still taken");
            Ok(())
        },
    ),
    check(
        "D7",
        "taken away from the runtime",
        &[Datagrams, StdSockets],
        |lab| {
            let (socket, _) = bind(&**lab.backend())?;
            let sender = socket.sender()?;
            let kind = socket.into_std().map_err(|e| e.kind()).err();
            let busy = kind == Some(io::ErrorKind::ResourceBusy);
            ensure!(busy, "with a sender alive the answer is {kind:?}");
            drop(sender);

            let (socket, addr) = bind(&**lab.backend())?;
            let fd: OwnedFd = socket.into_std()?;
            let std_socket = UdpSocket::from(fd);
            ensure!(
                addr == std_socket.local_addr()?.into(),
                "it is another socket"
            );
            let blocked = std_socket
                .recv(&mut [0])
                .is_err_and(|e| e.kind() == io::ErrorKind::WouldBlock);
            ensure!(blocked, "it is not in non-blocking mode");
            Ok(())
        },
    ),
];

/// A connected socket is told that its peer is not there; afterwards the peer comes up.
async fn refused(lab: &Lab) -> Result {
    let gone = UdpSocket::bind(any_port())?;
    let peer = gone.local_addr()?;
    drop(gone);
    let std_socket = UdpSocket::bind(any_port())?;
    std_socket.connect(peer)?;
    std_socket.set_nonblocking(true)?;
    let mut socket = DatagramSocket::from_raw(lab.backend().adopt_udp(std_socket)?);
    let to = peer.into();
    let mut errors = 0;
    // The answer that nobody is there may take its time.
    for _ in 0..1000 {
        // The error is of the one before, told by a send or by a receive.
        if socket.send_to(b"anybody?", &to).await.is_err() {
            errors += 1;
        }
        let woken = Tally::new();
        let mut buf = [0; 16];
        let mut receiving = pin!(socket.recv_from(&mut buf));
        match poll(receiving.as_mut(), &woken.waker()) {
            Poll::Ready(Err(_)) => errors += 1,
            Poll::Ready(Ok(_)) => return Err(Failed::broken("an answer from nobody")),
            Poll::Pending => yield_now().await,
        }
        if errors > 1 {
            break;
        }
    }
    if errors == 0 {
        return Err(Failed::skipped(
            "the system does not tell that the peer is not there",
        ));
    }
    let Ok(back) = UdpSocket::bind(peer) else {
        return Err(Failed::skipped("the port of the peer was taken meanwhile"));
    };
    let mut tries = 0;
    while socket.send_to(b"hello", &to).await.is_err() {
        tries += 1;
        ensure!(tries < 10, "sending no longer works");
    }
    back.send_to(b"welcome", inet(&socket.local_addr()?)?)?;
    loop {
        let mut buf = [0; 16];
        match socket.recv_from(&mut buf).await {
            Ok(received) => {
                ensure!(&buf[..received.len] == b"welcome", "something else arrived");
                return Ok(());
            }
            // What is left of the errors from before.
            Err(_) if tries < 20 => tries += 1,
            Err(error) => return Err(error.into()),
        }
    }
}
