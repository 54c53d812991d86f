//! Broken networks: opening sockets, and listeners.

use std::future::poll_fn;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};

use aiomisc::adapters::Tokio;
use aiomisc::net::Addr;
use aiomisc::runtime::{BindOptions, Net, Parts, RawDatagram, RawListener, RawStream, Runtime};
use aiomisc::testing::conformance::Subject;
use futures::future::BoxFuture;
use futures::io::{AsyncRead, AsyncWrite};

use crate::{bare_tokio, good, rejected, unowned};

type Connecting = BoxFuture<'static, io::Result<Box<dyn RawStream>>>;

/// A good runtime's network with these things done in another way.
pub(crate) struct Faulty {
    pub(crate) good: Runtime,
    pub(crate) connect: fn(&Runtime, SocketAddr) -> Connecting,
    pub(crate) adopt: fn(&Runtime, TcpStream) -> io::Result<Box<dyn RawStream>>,
    pub(crate) listen: fn(&Runtime, TcpListener) -> io::Result<Box<dyn RawListener>>,
    pub(crate) stream: fn(Box<dyn RawStream>) -> Box<dyn RawStream>,
    pub(crate) listener: fn(Box<dyn RawListener>) -> Box<dyn RawListener>,
    pub(crate) datagram: fn(Box<dyn RawDatagram>) -> Box<dyn RawDatagram>,
}

impl Faulty {
    pub(crate) fn new(good: Runtime) -> Self {
        Self {
            good,
            connect: |good, addr| good.backend().connect_tcp(addr),
            adopt: |good, stream| good.backend().adopt_tcp_stream(stream),
            listen: |good, listener| good.backend().adopt_tcp_listener(listener),
            stream: |stream| stream,
            listener: |listener| listener,
            datagram: |datagram| datagram,
        }
    }

    pub(crate) fn build(mut self) -> Runtime {
        let owner = self.good.clone();
        self.good = unowned(&owner);
        Parts::of(owner).net(self).build()
    }

    pub(crate) fn subject(self) -> Subject {
        Subject::new("broken network", self.build())
    }

    fn wrap(&self, connecting: Connecting) -> Connecting {
        let stream = self.stream;
        Box::pin(async move { Ok(stream(connecting.await?)) })
    }
}

impl Net for Faulty {
    fn connect_tcp(&self, addr: SocketAddr) -> Connecting {
        self.wrap((self.connect)(&self.good, addr))
    }

    fn adopt_tcp_stream(&self, stream: TcpStream) -> io::Result<Box<dyn RawStream>> {
        (self.adopt)(&self.good, stream).map(self.stream)
    }

    fn adopt_tcp_listener(&self, listener: TcpListener) -> io::Result<Box<dyn RawListener>> {
        let listener = (self.listen)(&self.good, listener).map(self.listener)?;
        Ok(Accepts::boxed(listener, self.stream))
    }

    fn adopt_udp(&self, socket: UdpSocket) -> io::Result<Box<dyn RawDatagram>> {
        self.good.backend().adopt_udp(socket).map(self.datagram)
    }

    fn connect_unix(&self, path: PathBuf) -> Connecting {
        self.wrap(self.good.backend().connect_unix(path))
    }

    fn adopt_unix_stream(&self, stream: UnixStream) -> io::Result<Box<dyn RawStream>> {
        self.good
            .backend()
            .adopt_unix_stream(stream)
            .map(self.stream)
    }

    fn adopt_unix_listener(&self, listener: UnixListener) -> io::Result<Box<dyn RawListener>> {
        let listener = self.good.backend().adopt_unix_listener(listener)?;
        Ok(Accepts::boxed((self.listener)(listener), self.stream))
    }

    fn adopt_unix_datagram(&self, socket: UnixDatagram) -> io::Result<Box<dyn RawDatagram>> {
        self.good
            .backend()
            .adopt_unix_datagram(socket)
            .map(self.datagram)
    }
}

/// Wraps the streams that a listener gives.
struct Accepts(
    Box<dyn RawListener>,
    fn(Box<dyn RawStream>) -> Box<dyn RawStream>,
);

impl Accepts {
    fn boxed(
        listener: Box<dyn RawListener>,
        stream: fn(Box<dyn RawStream>) -> Box<dyn RawStream>,
    ) -> Box<dyn RawListener> {
        Box::new(Self(listener, stream))
    }
}

impl RawListener for Accepts {
    fn poll_accept(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<(Box<dyn RawStream>, Addr)>> {
        let stream = self.1;
        self.0
            .poll_accept(cx)
            .map_ok(|(raw, peer)| (stream(raw), peer))
    }

    fn local_addr(&self) -> io::Result<Addr> {
        self.0.local_addr()
    }

    fn into_std(self: Box<Self>) -> io::Result<OwnedFd> {
        self.0.into_std()
    }
}

// ---- traps 1 and 2: sockets of tokio belong to the runtime that is current ----

/// A stream of tokio, as a careless adapter would wrap it.
struct Bare(tokio_util::Compat);

mod tokio_util {
    //! As much of a bridge as these tests need.
    use super::*;

    pub(super) struct Compat(pub(super) tokio::net::TcpStream);

    impl AsyncRead for Compat {
        fn poll_read(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            buf: &mut [u8],
        ) -> Poll<io::Result<usize>> {
            let mut buf = tokio::io::ReadBuf::new(buf);
            tokio::io::AsyncRead::poll_read(Pin::new(&mut self.0), cx, &mut buf)
                .map_ok(|()| buf.filled().len())
        }
    }

    impl AsyncWrite for Compat {
        fn poll_write(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            buf: &[u8],
        ) -> Poll<io::Result<usize>> {
            tokio::io::AsyncWrite::poll_write(Pin::new(&mut self.0), cx, buf)
        }

        fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            tokio::io::AsyncWrite::poll_flush(Pin::new(&mut self.0), cx)
        }

        fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            tokio::io::AsyncWrite::poll_shutdown(Pin::new(&mut self.0), cx)
        }
    }

    impl RawStream for Compat {
        fn local_addr(&self) -> io::Result<Addr> {
            self.0.local_addr().map(Into::into)
        }

        fn peer_addr(&self) -> io::Result<Addr> {
            self.0.peer_addr().map(Into::into)
        }
    }
}

fn bare(stream: tokio::net::TcpStream) -> Box<dyn RawStream> {
    let Bare(stream) = Bare(tokio_util::Compat(stream));
    Box::new(stream)
}

fn tokio_runtime() -> Runtime {
    Tokio::multi_thread(1).unwrap().into()
}

#[test]
fn trap_1_connects_without_entering() {
    let make = || Faulty {
        connect: |_, addr| {
            Box::pin(async move { Ok(bare(tokio::net::TcpStream::connect(addr).await?)) })
        },
        ..Faulty::new(tokio_runtime())
    };
    rejected(make().subject(), "N1", "there is no reactor running");
    let seen = "connected inside of another runtime, used when that stands still: it hung";
    let stands_still = Tokio::current_thread().unwrap();
    rejected(make().subject().beside(stands_still), "N1", seen);
}

#[test]
fn trap_2_enters_when_the_future_is_made_and_not_when_it_is_polled() {
    let faulty = Faulty {
        connect: |good, addr| {
            good.enter(|| {
                let connecting =
                    async move { Ok(bare(tokio::net::TcpStream::connect(addr).await?)) };
                Box::pin(connecting)
            })
        },
        ..Faulty::new(tokio_runtime())
    };
    rejected(faulty.subject(), "N1", "there is no reactor running");
}

/// Enters when it takes the socket over, and not at the polls.
struct AcceptsBare(tokio::net::TcpListener);

impl RawListener for AcceptsBare {
    fn poll_accept(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<(Box<dyn RawStream>, Addr)>> {
        self.0
            .poll_accept(cx)
            .map_ok(|(stream, peer)| (bare(stream), peer.into()))
    }

    fn local_addr(&self) -> io::Result<Addr> {
        self.0.local_addr().map(Into::into)
    }
}

#[test]
fn trap_1_accepts_without_entering() {
    let make = || Faulty {
        listen: |good, listener| {
            let listener = good.enter(|| tokio::net::TcpListener::from_std(listener))?;
            Ok(Box::new(AcceptsBare(listener)))
        },
        ..Faulty::new(tokio_runtime())
    };
    rejected(make().subject(), "L1", "there is no reactor running");
    let seen = "accepted inside of another runtime, used when that stands still: it hung";
    let stands_still = Tokio::current_thread().unwrap();
    rejected(make().subject().beside(stands_still), "L1", seen);
    // tokio's polls know of nothing that its driver has not told of; here it is not driven meanwhile.
    let seen = "taken before the runtime has heard of it: a connection was not found";
    let not_driven = Faulty {
        listen: make().listen,
        ..Faulty::new(Tokio::current_thread().unwrap().into())
    };
    rejected(not_driven.subject(), "L6", seen);
}

#[test]
fn trap_1_adopts_without_entering() {
    let faulty = Faulty {
        adopt: |_, stream| Ok(bare(tokio::net::TcpStream::from_std(stream)?)),
        ..Faulty::new(tokio_runtime())
    };
    let subject = faulty.subject().beside(bare_tokio());
    rejected(
        subject,
        "N1",
        "adopted on a plain thread: it panicked: there is no reactor running",
    );
}

// ---- N: opening ----

#[test]
fn blocks_while_it_connects() {
    let faulty = Faulty {
        connect: |good, addr| {
            let outcome = TcpStream::connect(addr).and_then(|stream| {
                stream.set_nonblocking(true)?;
                good.backend().adopt_tcp_stream(stream)
            });
            Box::pin(async move { outcome })
        },
        ..Faulty::new(good())
    };
    rejected(
        faulty.subject(),
        "N2",
        "connecting to one that does not answer: it hung",
    );
}

#[test]
fn goes_on_connecting_when_nobody_wants_it_any_more() {
    let faulty = Faulty {
        connect: |good, addr| {
            let mut connecting = good.backend().connect_tcp(addr);
            let begun = connecting
                .as_mut()
                .poll(&mut Context::from_waker(Waker::noop()));
            let task = good.spawn(async move {
                match begun {
                    Poll::Ready(outcome) => outcome,
                    Poll::Pending => connecting.await,
                }
            });
            Box::pin(async move { task.await.unwrap() })
        },
        ..Faulty::new(good())
    };
    rejected(faulty.subject(), "N3", "the half-made socket is still open");
}

#[test]
fn keeps_what_it_has_adopted() {
    static KEPT: Mutex<Vec<TcpStream>> = Mutex::new(Vec::new());
    let faulty = Faulty {
        adopt: |good, stream| {
            KEPT.lock().unwrap().push(stream.try_clone()?);
            good.backend().adopt_tcp_stream(stream)
        },
        ..Faulty::new(good())
    };
    rejected(faulty.subject(), "N4", "a connected TCP stream: it hung");
}

#[test]
fn loses_the_kind_of_errors() {
    let faulty = Faulty {
        connect: |good, addr| {
            let connecting = good.backend().connect_tcp(addr);
            Box::pin(async move { connecting.await.map_err(io::Error::other) })
        },
        ..Faulty::new(good())
    };
    rejected(faulty.subject(), "N5", "instead of ConnectionRefused");
}

#[test]
fn loses_the_code_of_errors() {
    let faulty = Faulty {
        connect: |good, addr| {
            let connecting = good.backend().connect_tcp(addr);
            Box::pin(async move { connecting.await.map_err(|error| error.kind().into()) })
        },
        ..Faulty::new(good())
    };
    rejected(
        faulty.subject(),
        "N5",
        "the error has lost the system's code",
    );
}

// ---- L: listeners ----

#[derive(Clone, Copy, PartialEq)]
enum Fault {
    EndsAfterAnError,
    EndsAfterAReset,
    KeepsListening,
    LosesEverySecond,
    TakesAheadOfTime,
    KeepsTheFirstWaker,
    GivesItBackBlocking,
}

struct Bad {
    good: Option<Box<dyn RawListener>>,
    fault: Fault,
    ended: bool,
    waker: Option<Waker>,
    #[allow(clippy::type_complexity, reason = "it is what is accepted")]
    taken: Option<(Box<dyn RawStream>, Addr)>,
}

impl Bad {
    fn boxed(good: Box<dyn RawListener>, fault: Fault) -> Box<dyn RawListener> {
        Box::new(Self {
            good: Some(good),
            fault,
            ended: false,
            waker: None,
            taken: None,
        })
    }
}

impl RawListener for Bad {
    fn poll_accept(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<(Box<dyn RawStream>, Addr)>> {
        let good = self.good.as_mut().unwrap();
        if self.ended {
            return Poll::Pending;
        }
        let waker = match self.fault {
            Fault::KeepsTheFirstWaker => {
                self.waker.get_or_insert_with(|| cx.waker().clone()).clone()
            }
            _ => cx.waker().clone(),
        };
        let cx = &mut Context::from_waker(&waker);
        let mut poll = good.poll_accept(cx);
        match self.fault {
            Fault::EndsAfterAnError => self.ended = matches!(poll, Poll::Ready(Err(_))),
            // What was reset has no peer any more.
            Fault::EndsAfterAReset => {
                self.ended = matches!(&poll, Poll::Ready(Ok((raw, _))) if raw.peer_addr().is_err());
            }
            Fault::LosesEverySecond if poll.is_ready() => poll = good.poll_accept(cx),
            // Takes one when it is there, and gives it only at the next poll.
            Fault::TakesAheadOfTime => {
                let before = self.taken.take();
                if let Poll::Ready(Ok(accepted)) = poll {
                    self.taken = Some(accepted);
                    poll = Poll::Pending;
                }
                return before.map_or(poll, |accepted| Poll::Ready(Ok(accepted)));
            }
            _ => {}
        }
        poll
    }

    fn local_addr(&self) -> io::Result<Addr> {
        self.good.as_ref().unwrap().local_addr()
    }

    fn into_std(mut self: Box<Self>) -> io::Result<OwnedFd> {
        let fd = self.good.take().unwrap().into_std()?;
        if self.fault == Fault::GivesItBackBlocking {
            let listener = TcpListener::from(fd);
            listener.set_nonblocking(false)?;
            return Ok(listener.into());
        }
        Ok(fd)
    }
}

impl Drop for Bad {
    fn drop(&mut self) {
        static KEPT: Mutex<Vec<Box<dyn RawListener>>> = Mutex::new(Vec::new());
        if self.fault == Fault::KeepsListening
            && let Some(good) = self.good.take()
        {
            KEPT.lock().unwrap().push(good);
        }
    }
}

fn with_listener(listener: fn(Box<dyn RawListener>) -> Box<dyn RawListener>) -> Subject {
    let faulty = Faulty {
        listener,
        ..Faulty::new(good())
    };
    faulty.subject()
}

#[test]
fn ends_the_accept_loop_after_an_error() {
    let subject = with_listener(|good| Bad::boxed(good, Fault::EndsAfterAnError));
    rejected(
        subject,
        "L2",
        "an error of the system, after which it listens again: it hung",
    );
}

#[test]
fn ends_the_accept_loop_after_a_connection_that_was_reset() {
    let subject = with_listener(|good| Bad::boxed(good, Fault::EndsAfterAReset));
    rejected(
        subject,
        "L2",
        "connections that are reset before they are taken: it hung",
    );
}

#[test]
fn goes_on_listening_after_the_drop() {
    let subject = with_listener(|good| Bad::boxed(good, Fault::KeepsListening));
    rejected(subject, "L3", "a connect after the drop worked");
}

#[test]
fn loses_connections() {
    let subject = with_listener(|good| Bad::boxed(good, Fault::LosesEverySecond));
    rejected(subject, "L4", "it hung");
}

#[test]
fn takes_connections_ahead_of_time() {
    let subject = with_listener(|good| Bad::boxed(good, Fault::TakesAheadOfTime));
    rejected(subject, "L4", "it hung");
}

#[test]
fn keeps_the_first_waker_of_an_accept() {
    let subject = with_listener(|good| Bad::boxed(good, Fault::KeepsTheFirstWaker));
    rejected(
        subject,
        "L4",
        "woken for a connection, in another task than before: it hung",
    );
}

#[test]
fn gives_the_listener_back_in_blocking_mode() {
    let subject = with_listener(|good| Bad::boxed(good, Fault::GivesItBackBlocking));
    rejected(subject, "L5", "it hung");
}

/// `adopt_*` reaches the wrappers, so that the faults above are seen at all.
#[test]
fn the_wrappers_are_used() {
    let runtime = Faulty {
        stream: |_| panic!("wrapped"),
        ..Faulty::new(good())
    }
    .build();
    let raw = runtime.backend().listen_tcp(
        (std::net::Ipv4Addr::LOCALHOST, 0).into(),
        &BindOptions::default(),
    );
    let mut listener = raw.unwrap();
    let addr = listener.local_addr().unwrap().inet().unwrap();
    let near = TcpStream::connect(addr).unwrap();
    let accepting = std::panic::AssertUnwindSafe(|| {
        runtime.block_on(poll_fn(|cx| listener.poll_accept(cx).map(drop)));
    });
    assert!(std::panic::catch_unwind(accepting).is_err());
    drop(near);
}
