//! L1 to L6: listeners.

use std::future::poll_fn;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::task::{Context, Poll, Waker};

use socket2::{SockRef, Socket};

use super::Capability::{StdSockets, Tcp};
use super::io::{connect, listen, ping, read_exact, write_all};
use super::lab::{Check, Failed, Lab, Result, check, ensure, too_many_files};
use super::stream_close::reset;
use crate::net::Listener;

pub(super) const CHECKS: &[Check] = &[
    check("L4", "many connections, one after another", &[Tcp], |lab| {
        lab.run(async {
            let (mut listener, addr) = listen(&**lab.backend())?;
            for _ in 0..100 {
                let mut near = connect(&**lab.backend(), addr).await?;
                let (mut far, _) = listener.accept().await?;
                ping(&mut near, &mut far).await?;
            }
            Ok(())
        })
    }),
    check("L4", "a thousand connections at once", &[Tcp], thousand),
    check("L4", "an accept that waits is dropped", &[Tcp], |lab| {
        lab.run(async {
            let (mut listener, addr) = listen(&**lab.backend())?;
            for _ in 0..20 {
                accept_waits(&mut listener)?;
                let mut near = connect(&**lab.backend(), addr).await?;
                // Dropped once more, now that there is something to take.
                drop(listener.accept());
                let (mut far, peer) = listener.accept().await?;
                ensure!(peer == near.local_addr()?, "another connection was given");
                ping(&mut near, &mut far).await?;
            }
            Ok(())
        })
    }),
    check(
        "L4",
        "woken for a connection, in another task than before",
        &[Tcp],
        |lab| {
            lab.run(async {
                let (mut listener, addr) = listen(&**lab.backend())?;
                accept_waits(&mut listener)?;
                let accepting = lab.runtime.spawn(async move { listener.accept().await });
                super::lab::yield_now().await;
                let near = connect(&**lab.backend(), addr).await?;
                let (_, peer) = accepting.await??;
                ensure!(peer == near.local_addr()?, "another connection was given");
                Ok(())
            })
        },
    ),
    check(
        "L2",
        "connections that are reset before they are taken",
        &[Tcp, StdSockets],
        |lab| {
            lab.run(async {
                let (mut listener, addr) = listen(&**lab.backend())?;
                for _ in 0..50 {
                    reset(TcpStream::connect(addr)?)?;
                }
                let good = TcpStream::connect(addr)?;
                find(&mut listener, good.local_addr()?).await
            })
        },
    ),
    check(
        "L2",
        "an error of the system, after which it listens again",
        &[Tcp, StdSockets],
        |lab| lab.run(after_an_error(lab)),
    ),
    check("L3", "dropped", &[Tcp], |lab| {
        lab.run(async {
            let (mut listener, addr) = listen(&**lab.backend())?;
            let near = connect(&**lab.backend(), addr).await?;
            let (mut far, _) = listener.accept().await?;
            accept_waits(&mut listener)?;
            drop(listener);
            let refused = lab.backend().connect_tcp(addr).await.is_err();
            ensure!(refused, "a connect after the drop worked");
            // What was accepted lives on.
            let mut near = near;
            ping(&mut near, &mut far).await
        })
    }),
    check(
        "L3",
        "the port can be listened on again at once",
        &[Tcp, StdSockets],
        |lab| {
            lab.run(async {
                let (mut listener, addr) = listen(&**lab.backend())?;
                let near = connect(&**lab.backend(), addr).await?;
                let far = listener.accept().await?;
                drop(listener);
                // The side that closes first is the one that lingers.
                drop(far);
                drop(near);
                let options = crate::runtime::BindOptions::default();
                let mut again = Listener::from_raw(lab.backend().listen_tcp(addr, &options)?);
                let near = connect(&**lab.backend(), addr).await?;
                let (_, peer) = again.accept().await?;
                ensure!(peer == near.local_addr()?, "another connection was given");
                Ok(())
            })
        },
    ),
    check(
        "L5",
        "taken away from the runtime",
        &[Tcp, StdSockets],
        |lab| {
            let (mut listener, addr) = listen(&**lab.backend())?;
            accept_waits(&mut listener)?;
            let fd = listener.into_std()?;
            let listener = TcpListener::from(fd);
            ensure!(listener.local_addr()? == addr, "it is another socket");
            let blocked = listener
                .accept()
                .is_err_and(|e| e.kind() == std::io::ErrorKind::WouldBlock);
            ensure!(blocked, "it is not in non-blocking mode");
            let near = TcpStream::connect(addr)?;
            listener.set_nonblocking(false)?;
            let (_, peer) = listener.accept()?;
            ensure!(peer == near.local_addr()?, "another connection was given");
            Ok(())
        },
    ),
    check("L6", "taken without a wait", &[Tcp], |lab| {
        lab.run(async {
            let (mut listener, addr) = listen(&**lab.backend())?;
            ensure!(listener.accept_ready()?.is_none(), "nobody has connected");
            let mut near = connect(&**lab.backend(), addr).await?;
            let Some((mut far, peer)) = listener.accept_ready()? else {
                return Err(Failed::broken("a connection was not found"));
            };
            ensure!(peer == near.local_addr()?, "another connection was given");
            ping(&mut near, &mut far).await?;
            ensure!(listener.accept_ready()?.is_none(), "it was given twice");
            Ok(())
        })
    }),
    check(
        "L6",
        "taken before the runtime has heard of it",
        &[Tcp, StdSockets],
        |lab| {
            let (mut listener, addr) = listen(&**lab.backend())?;
            let near = TcpStream::connect(addr)?;
            let Some((_, peer)) = listener.accept_ready()? else {
                return Err(Failed::broken("a connection was not found"));
            };
            ensure!(
                peer == near.local_addr()?.into(),
                "another connection was given"
            );
            Ok(())
        },
    ),
];

/// Polls the accept once, with a waker that nobody needs.
fn accept_waits(listener: &mut Listener) -> Result {
    let waits = match listener.poll_accept(&mut Context::from_waker(Waker::noop())) {
        Poll::Pending => true,
        Poll::Ready(outcome) => outcome.map(|_| false)?,
    };
    ensure!(waits, "a connection was accepted that nobody made");
    Ok(())
}

/// Accepts until the connection from this address comes; others may be errors.
async fn find(listener: &mut Listener, from: SocketAddr) -> Result {
    for _ in 0..1000 {
        if let Ok((_, peer)) = listener.accept().await
            && peer == from.into()
        {
            return Ok(());
        }
    }
    Err(Failed::broken(
        "a good connection was not found among 1000 accepts",
    ))
}

/// A second handle to the listening socket makes the system fail the accept, and then listens anew.
async fn after_an_error(lab: &Lab) -> Result {
    // The number of the port has to be given by hand for the socket to keep it.
    let reserved = crate::testing::reserved_port()?;
    let mut listener = {
        let options = crate::runtime::BindOptions::default();
        let socket = std_listener(reserved.addr(), &options)?;
        let second = socket.try_clone()?;
        (
            Listener::from_raw(lab.backend().adopt_tcp_listener(socket)?),
            second,
        )
    };
    let (listener, second) = (&mut listener.0, SockRef::from(&listener.1));
    accept_waits(listener)?;
    if second.shutdown(std::net::Shutdown::Both).is_err() {
        return Err(Failed::skipped(
            "the system does not fail a listener on request",
        ));
    }
    let failed = poll_fn(|cx| Poll::Ready(listener.poll_accept(cx))).await;
    if !matches!(failed, Poll::Ready(Err(_))) {
        // It may be told of the failure a little later, on some systems never.
        let wait = lab
            .runtime
            .timeout(super::lab::millis(5000), listener.accept());
        if !matches!(wait.await, Ok(Err(_))) {
            return Err(Failed::skipped(
                "the system does not fail a listener on request",
            ));
        }
    }
    second.listen(16)?;
    let good = TcpStream::connect(reserved.addr())?;
    find(listener, good.local_addr()?).await
}

fn std_listener(
    addr: SocketAddr,
    options: &crate::runtime::BindOptions,
) -> std::io::Result<TcpListener> {
    let socket = Socket::new(
        socket2::Domain::for_address(addr),
        socket2::Type::STREAM,
        None,
    )?;
    socket.set_reuse_address(options.reuse_addr)?;
    socket.bind(&addr.into())?;
    socket.listen(16)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

/// Connected and served at once, each with an answer of its own.
fn thousand(lab: &Lab) -> Result {
    const COUNT: u32 = 1000;

    lab.run(async {
        let (mut listener, addr) = listen(&**lab.backend())?;
        let runtime = lab.runtime.clone();
        let serving = lab.runtime.spawn(async move {
            let mut open = Vec::new();
            for _ in 0..COUNT {
                let (mut stream, _) = listener.accept().await?;
                open.push(runtime.spawn(async move {
                    let request = read_exact(&mut stream, 4).await?;
                    write_all(&mut stream, &request).await?;
                    Result::Ok(stream)
                }));
            }
            // All of them are open until the last one was accepted.
            for connection in open {
                connection.await??;
            }
            Result::Ok(())
        });
        let clients: Vec<_> = (0..COUNT)
            .map(|number| {
                let backend = std::sync::Arc::clone(lab.backend());
                lab.runtime.spawn(async move {
                    let mut stream = connect(&*backend, addr).await?;
                    write_all(&mut stream, &number.to_be_bytes()).await?;
                    let answer = read_exact(&mut stream, 4).await?;
                    ensure!(
                        answer == number.to_be_bytes(),
                        "the answer to another one came"
                    );
                    Result::Ok(stream)
                })
            })
            .collect();
        let mut open = Vec::new();
        for client in clients {
            open.push(client.await??);
        }
        serving.await?
    })
    .map_err(|failed| match failed {
        Failed::Broken(text) if low_limit() => {
            Failed::Skipped(format!("the limit on open files is too low ({text})"))
        }
        other => other,
    })
}

/// Whether this process cannot open two thousand descriptors more.
fn low_limit() -> bool {
    let mut open = Vec::new();
    for _ in 0..2100 {
        match std::fs::File::open("/dev/null") {
            Ok(file) => open.push(file),
            Err(error) => return too_many_files(&error),
        }
    }
    false
}
