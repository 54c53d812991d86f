//! An adapter of your own, from nothing: the three traits over a bare `async-executor`, with sockets
//! and timers of `async-io`. The conformance suite proves it, then it serves one echo.
//!
//! ```sh
//! cargo run --example own_runtime --no-default-features --features testing
//! ```
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "an adapter is where an executor and a clock are called; a program talks to its user"
)]

use std::io::{self, IoSlice};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::sync::{Arc, Mutex, Weak};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use aiomisc::net::{Addr, bind_socket, connect};
use aiomisc::runtime as port;
use aiomisc::runtime::{Backend, Drive, Net, RawStream, Runtime, Spawn, TaskHandle};
use aiomisc::testing::conformance::{Capability, Subject};
use async_executor::{Executor, Task};
use async_io::{Async, Timer};
use futures::future::BoxFuture;
use futures::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// What tasks hold of the runtime. It does not own the executor: that owns the tasks, and nothing
/// would ever end.
#[derive(Debug)]
struct Own(Weak<Executor<'static>>);

/// What the program holds: it keeps the executor, and drives it while a thread blocks on it.
struct Owner(Arc<Executor<'static>>);

/// Makes a handle out of both.
fn own_runtime() -> Runtime {
    let executor = Arc::new(Executor::new());
    let backend = Own(Arc::downgrade(&executor));
    Runtime::with_driver(Arc::new(backend), Arc::new(Owner(executor)))
}

impl Drive for Owner {
    fn block_on(&self, future: Pin<&mut (dyn Future<Output = ()> + '_)>) {
        async_io::block_on(self.0.run(future));
    }
}

/// Its hooks may stay as they are.
impl Backend for Own {
    fn name(&self) -> &str {
        "own"
    }
}

// ---- tasks ----

impl Spawn for Own {
    fn spawn(
        &self,
        _name: &str,
        _placement: port::Placement,
        future: BoxFuture<'static, ()>,
    ) -> Box<dyn TaskHandle> {
        // When the runtime has ended, the future is dropped here (S7).
        let task = self.0.upgrade().map(|executor| executor.spawn(future));
        Box::new(Handle(Mutex::new(task)))
    }
}

/// Dropping a task of `async-executor` cancels it, ours has to detach (S3).
struct Handle(Mutex<Option<Task<()>>>);

impl TaskHandle for Handle {
    fn abort(&self) {
        let task = self.0.lock().ok().and_then(|mut task| task.take());
        drop(task);
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        if let Some(task) = self.0.get_mut().ok().and_then(Option::take) {
            task.detach();
        }
    }
}

// ---- time ----

impl port::Timer for Own {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn port::Sleep>> {
        Box::pin(Sleep(Timer::after(duration)))
    }

    fn now(&self) -> Instant {
        Instant::now()
    }
}

struct Sleep(Timer);

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.0).poll(cx).map(drop)
    }
}

impl port::Sleep for Sleep {
    fn reset(mut self: Pin<&mut Self>, duration: Duration) {
        self.0.set_after(duration);
    }
}

// ---- sockets: the library makes and binds them, an adapter only takes them over ----

impl Net for Own {
    fn connect_tcp(&self, addr: SocketAddr) -> BoxFuture<'static, io::Result<Box<dyn RawStream>>> {
        Box::pin(async move { Ok(stream(Async::<TcpStream>::connect(addr).await?)) })
    }

    fn adopt_tcp_stream(&self, socket: TcpStream) -> io::Result<Box<dyn RawStream>> {
        Ok(stream(Async::new(socket)?))
    }

    fn adopt_tcp_listener(&self, socket: TcpListener) -> io::Result<Box<dyn port::RawListener>> {
        Ok(Box::new(Listener(Async::new(socket)?)))
    }
    // Neither Unix sockets nor datagrams: what is not written answers `Unsupported` (N6).
}

fn stream(io: Async<TcpStream>) -> Box<dyn RawStream> {
    Box::new(Stream(io))
}

struct Stream(Async<TcpStream>);

/// The calls that `async-io` does as they should be.
macro_rules! forward {
    ($($name:ident($($arg:ident: $type:ty)?) -> $out:ty;)*) => {$(
        fn $name(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            $($arg: $type)?
        ) -> Poll<io::Result<$out>> {
            Pin::new(&mut self.0).$name(cx, $($arg)?)
        }
    )*};
}

impl AsyncRead for Stream {
    forward! { poll_read(buf: &mut [u8]) -> usize; }
}

impl AsyncWrite for Stream {
    forward! {
        poll_write(buf: &[u8]) -> usize;
        poll_write_vectored(bufs: &[IoSlice<'_>]) -> usize;
        poll_flush() -> ();
    }

    // `async-io` only flushes; the peer would wait for the end for ever (C2).
    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(match self.0.get_ref().shutdown(Shutdown::Write) {
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
            other => other,
        })
    }
}

impl RawStream for Stream {
    fn local_addr(&self) -> io::Result<Addr> {
        self.0.get_ref().local_addr().map(Into::into)
    }

    fn peer_addr(&self) -> io::Result<Addr> {
        self.0.get_ref().peer_addr().map(Into::into)
    }
}

struct Listener(Async<TcpListener>);

impl port::RawListener for Listener {
    fn poll_accept(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<(Box<dyn RawStream>, Addr)>> {
        loop {
            match self.0.get_ref().accept() {
                Ok((socket, peer)) => {
                    return Poll::Ready(Ok((stream(Async::new(socket)?), peer.into())));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    ready!(self.0.poll_readable(cx))?;
                }
                // The next poll goes on behind it (L2).
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }

    fn local_addr(&self) -> io::Result<Addr> {
        self.0.get_ref().local_addr().map(Into::into)
    }

    fn into_std(self: Box<Self>) -> io::Result<OwnedFd> {
        Ok(self.0.into_inner()?.into())
    }
}

// ---- the proof, and the use ----

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let report = Subject::new("own runtime", own_runtime())
        .without(Capability::UnixSockets)
        .without(Capability::Datagrams)
        .disposable(own_runtime)
        .beside(own_runtime())
        .run();
    println!("{report}");
    if !report.is_success() {
        return Err("the adapter breaks its contract".into());
    }
    own_runtime().block_on(async {
        let mut listener = bind_socket("127.0.0.1:0").listen().await?;
        let addr = listener.local_addr()?;
        println!("listening tcp://{addr}");
        let server = aiomisc::spawn(async move {
            let (reader, mut writer) = listener.accept().await?.0.split();
            futures::io::copy(reader, &mut writer).await?;
            writer.close().await
        });
        let mut client = connect(addr.to_string()).await?;
        client.write_all(b"hello").await?;
        client.close().await?;
        let mut answer = String::new();
        client.read_to_string(&mut answer).await?;
        println!("echo: {answer}");
        Ok(server.await??)
    })
}
