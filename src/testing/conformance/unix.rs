//! The lines C, L and D once more, with Unix sockets; and their files.

use std::io;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};

use super::Capability::{Datagrams, StdSockets, UnixSockets};
use super::io::{close, ping, read_exact, read_to_end, receive, write_all};
use super::lab::{Check, Lab, Result, check, ensure, yield_now};
use crate::net::{Addr, DatagramSocket, Listener, SocketOption, Stream};
use crate::runtime::BindOptions;

pub(super) const CHECKS: &[Check] = &[
    check(
        "C2",
        "Unix sockets: words, and the end of both halves",
        &[UnixSockets],
        |lab| {
            lab.run(async {
                let (mut listener, path) = listen(lab)?;
                let mut near = Stream::from_raw(lab.backend().connect_unix(path).await?);
                let (mut far, _) = listener.accept().await?;
                ping(&mut near, &mut far).await?;
                write_all(&mut near, b"word").await?;
                close(&mut near).await?;
                let word = read_to_end(&mut far).await?;
                ensure!(word == b"word", "the peer read {word:?}");
                write_all(&mut far, b"answer").await?;
                let answer = read_exact(&mut near, 6).await?;
                ensure!(answer == b"answer", "reading went on with {answer:?}");
                close(&mut far).await?;
                let rest = read_to_end(&mut near).await?;
                ensure!(rest.is_empty(), "bytes arrived that nobody sent");
                Ok(())
            })
        },
    ),
    check("C7", "Unix sockets: the ends", &[UnixSockets], |lab| {
        lab.run(async {
            let (mut listener, path) = listen(lab)?;
            let at = Addr::Unix(Some(path.clone()));
            ensure!(
                listener.local_addr()? == at,
                "the listener is somewhere else"
            );
            let near = Stream::from_raw(lab.backend().connect_unix(path).await?);
            let (far, peer) = listener.accept().await?;
            ensure!(peer == Addr::Unix(None), "the peer is said to be {peer}");
            ensure!(near.peer_addr()? == at, "the peer is not the listener");
            ensure!(far.local_addr()? == at, "the local end is not the listener");
            ensure!(
                near.local_addr()? == Addr::Unix(None),
                "the near end has a name"
            );
            near.set_nodelay(true)?;
            Ok(())
        })
    }),
    check(
        "L3",
        "Unix sockets: a listener is dropped",
        &[UnixSockets],
        |lab| {
            lab.run(async {
                let (listener, path) = listen(lab)?;
                drop(listener);
                let refused = lab.backend().connect_unix(path).await.is_err();
                ensure!(refused, "a connect after the drop worked");
                Ok(())
            })
        },
    ),
    check(
        "L3",
        "Unix sockets: the file goes with the listener",
        &[UnixSockets],
        |lab| {
            lab.run(async {
                let path = lab.path();
                let text = format!("unix:{}", path.display());
                let listener = crate::net::bind_socket(text.as_str()).listen().await?;
                ensure!(path.exists(), "there is no file");
                let again = crate::net::bind_socket(text.as_str()).listen().await;
                let kind = again.err().map(|error| error.kind());
                ensure!(
                    kind == Some(io::ErrorKind::AddrInUse),
                    "once more gives {kind:?}"
                );
                drop(listener);
                ensure!(!path.exists(), "the file was left behind");
                Ok(())
            })
        },
    )
    .unless_simulated("sockets in memory have no file"),
    check(
        "N4",
        "Unix sockets of the standard library",
        &[UnixSockets, StdSockets],
        |lab| {
            lab.run(async {
                let (near, far) = UnixStream::pair()?;
                near.set_nonblocking(true)?;
                far.set_nonblocking(true)?;
                let mut near = Stream::from_raw(lab.backend().adopt_unix_stream(near)?);
                let mut far = Stream::from_raw(lab.backend().adopt_unix_stream(far)?);
                ping(&mut near, &mut far).await?;

                let path = lab.path();
                let std_listener = UnixListener::bind(&path)?;
                std_listener.set_nonblocking(true)?;
                let raw = lab.backend().adopt_unix_listener(std_listener)?;
                let mut listener = Listener::from_raw(raw);
                let mut near = Stream::from_raw(lab.backend().connect_unix(path).await?);
                let (mut far, _) = listener.accept().await?;
                ping(&mut near, &mut far).await?;
                let std_listener = UnixListener::from(listener.into_std()?);
                let kind = std_listener.accept().map_err(|e| e.kind()).err();
                let right = kind == Some(io::ErrorKind::WouldBlock);
                ensure!(right, "given back, it answers {kind:?}");
                Ok(())
            })
        },
    ),
    check(
        "D1",
        "Unix sockets: whole datagrams, and cut ones",
        &[UnixSockets, Datagrams],
        |lab| {
            lab.run(async {
                let (mut one, to) = bind(lab, &[])?;
                let (mut other, from) = bind(lab, &[])?;
                for data in [&b"0123456789"[..], b"", b"x"] {
                    other.send_to(data, &to).await?;
                }
                let cut = one.recv_from(&mut [0; 4]).await?;
                ensure!(cut.len == 4 && cut.truncated, "it was cut, but is {cut:?}");
                ensure!(cut.from == from, "the sender is said to be {}", cut.from);
                let empty = one.recv_from(&mut [0; 4]).await?;
                ensure!(
                    empty.len == 0 && !empty.truncated,
                    "an empty one is {empty:?}"
                );
                let (data, _) = receive(&mut one).await?;
                ensure!(data == b"x", "something else arrived");
                Ok(())
            })
        },
    ),
    check(
        "D2",
        "Unix sockets: nobody is there",
        &[UnixSockets, Datagrams],
        |lab| {
            lab.run(async {
                let (mut one, to) = bind(lab, &[])?;
                let (mut other, _) = bind(lab, &[])?;
                for nobody in [Addr::Unix(Some(lab.path())), Addr::Unix(None)] {
                    let failed = other.send_to(b"x", &nobody).await.is_err();
                    ensure!(failed, "a datagram to {nobody} was sent");
                }
                other.send_to(b"x", &to).await?;
                receive(&mut one).await?;
                Ok(())
            })
        },
    ),
    check(
        "D3",
        "many senders wait for room in one socket",
        &[UnixSockets, Datagrams, StdSockets],
        |lab| lab.run(full(lab)),
    ),
    check(
        "D7",
        "Unix sockets: one of the standard library, and back",
        &[UnixSockets, Datagrams, StdSockets],
        |lab| {
            lab.run(async {
                let (near, far) = UnixDatagram::pair()?;
                near.set_nonblocking(true)?;
                let mut socket = DatagramSocket::from_raw(lab.backend().adopt_unix_datagram(near)?);
                far.send(b"ping")?;
                let (data, from) = receive(&mut socket).await?;
                ensure!(data == b"ping", "something else arrived");
                ensure!(from == Addr::Unix(None), "the sender is said to be {from}");
                let back = UnixDatagram::from(socket.into_std()?);
                back.send(b"pong")?;
                let count = far.recv(&mut [0; 8])?;
                ensure!(count == 4, "{count} bytes arrived");
                Ok(())
            })
        },
    ),
];

fn listen(lab: &Lab) -> Result<(Listener, std::path::PathBuf)> {
    let path = lab.path();
    let raw = lab.backend().listen_unix(&path, &BindOptions::default())?;
    Ok((Listener::from_raw(raw), path))
}

fn bind(lab: &Lab, options: &[SocketOption]) -> Result<(DatagramSocket, Addr)> {
    let path = lab.path();
    let options = BindOptions {
        options: options.to_vec(),
        ..BindOptions::default()
    };
    let raw = lab.backend().bind_unix_datagram(&path, &options)?;
    Ok((DatagramSocket::from_raw(raw), Addr::Unix(Some(path))))
}

/// Eight tasks send through one socket whose buffer is full, until its reader goes on.
async fn full(lab: &Lab) -> Result {
    const SENDERS: usize = 8;
    const EACH: usize = 40;

    let path = lab.path();
    let reader = UnixDatagram::bind(&path)?;
    reader.set_nonblocking(true)?;
    let (socket, _) = bind(lab, &[SocketOption::SendBuffer(4096)])?;
    let waiting = super::lab::Tally::new();
    let mut tasks = Vec::new();
    for _ in 0..SENDERS {
        let (mut sender, to) = (socket.sender()?, Addr::Unix(Some(path.clone())));
        let waits = waiting.clone();
        tasks.push(lab.runtime.spawn(async move {
            let (data, mut waited) = ([3; 1000], false);
            for _ in 0..EACH {
                let mut send = std::pin::pin!(sender.send_to(&data, &to));
                std::future::poll_fn(|cx| {
                    let poll = send.as_mut().poll(cx);
                    if poll.is_pending() && !std::mem::replace(&mut waited, true) {
                        waits.add();
                    }
                    poll
                })
                .await?;
            }
            Ok::<_, io::Error>(())
        }));
    }
    // All of them wait before anybody reads.
    waiting.reach(SENDERS).await;
    drop(socket);
    let mut received = 0;
    while received < SENDERS * EACH {
        received += drain(&reader)?;
        // Those who were woken have their turn.
        yield_now().await;
    }
    for task in tasks {
        task.await??;
    }
    Ok(())
}

/// Takes what is there.
fn drain(reader: &UnixDatagram) -> io::Result<usize> {
    let (mut count, mut buf) = (0, [0; 2048]);
    loop {
        match reader.recv(&mut buf) {
            Ok(_) => count += 1,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(count),
            Err(error) => return Err(error),
        }
    }
}
