use std::io::{self, IoSlice};
use std::os::fd::{AsFd, OwnedFd};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_io::{AsyncRead, AsyncWrite};
use socket2::SockRef;
use tokio::io::{AsyncRead as _, AsyncWrite as _, ReadBuf};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::runtime::Handle;

use crate::runtime::net::Addr;
use crate::runtime::{RawListener, RawStream};

pub(super) struct Stream<T>(T);

impl<T> Stream<T>
where
    Self: RawStream + 'static,
{
    pub(super) fn boxed(io: T) -> Box<dyn RawStream> {
        Box::new(Self(io))
    }
}

pub(super) struct Listener<T> {
    listener: T,
    handle: Handle,
}

impl<T> Listener<T> {
    pub(super) fn new(listener: T, handle: &Handle) -> Self {
        Self {
            listener,
            handle: handle.clone(),
        }
    }
}

/// What differs between TCP and Unix sockets, which tokio gives no trait for.
macro_rules! sockets {
    ($($stream:ident $listener:ident $std:path, |$addr:ident| $to_addr:expr, { $($tcp:item)* })*) => {$(
        impl AsyncRead for Stream<$stream> {
            fn poll_read(
                mut self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buf: &mut [u8],
            ) -> Poll<io::Result<usize>> {
                let mut buf = ReadBuf::new(buf);
                Pin::new(&mut self.0).poll_read(cx, &mut buf).map_ok(|()| buf.filled().len())
            }
        }

        impl AsyncWrite for Stream<$stream> {
            fn poll_write(
                mut self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buf: &[u8],
            ) -> Poll<io::Result<usize>> {
                Pin::new(&mut self.0).poll_write(cx, buf)
            }

            fn poll_write_vectored(
                mut self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                bufs: &[IoSlice<'_>],
            ) -> Poll<io::Result<usize>> {
                Pin::new(&mut self.0).poll_write_vectored(cx, bufs)
            }

            fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                Pin::new(&mut self.0).poll_flush(cx)
            }

            fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                match ready!(Pin::new(&mut self.0).poll_shutdown(cx)) {
                    Err(error) if error.kind() == io::ErrorKind::NotConnected => Poll::Ready(Ok(())),
                    other => Poll::Ready(other),
                }
            }
        }

        impl RawStream for Stream<$stream> {
            fn local_addr(&self) -> io::Result<Addr> {
                self.0.local_addr().map(|$addr| $to_addr)
            }

            fn peer_addr(&self) -> io::Result<Addr> {
                self.0.peer_addr().map(|$addr| $to_addr)
            }

            $($tcp)*
        }

        impl RawListener for Listener<$listener> {
            fn poll_accept(
                &mut self,
                cx: &mut Context<'_>,
            ) -> Poll<io::Result<(Box<dyn RawStream>, Addr)>> {
                // The stream belongs to the runtime that is current when it is accepted.
                let _inside = self.handle.enter();
                let (stream, $addr) = ready!(self.listener.poll_accept(cx))?;
                Poll::Ready(Ok((Stream::boxed(stream), $to_addr)))
            }

            fn accept_ready(&mut self) -> io::Result<Option<(Box<dyn RawStream>, Addr)>> {
                // tokio asks the system only after its driver has told of the connection.
                let listener = <$std>::from(self.listener.as_fd().try_clone_to_owned()?);
                let (stream, peer) = match listener.accept() {
                    Ok(accepted) => accepted,
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                    Err(error) => return Err(error),
                };
                stream.set_nonblocking(true)?;
                let _inside = self.handle.enter();
                Ok(Some((Stream::boxed($stream::from_std(stream)?), peer.into())))
            }

            fn local_addr(&self) -> io::Result<Addr> {
                self.listener.local_addr().map(|$addr| $to_addr)
            }

            fn into_std(self: Box<Self>) -> io::Result<OwnedFd> {
                let _inside = self.handle.enter();
                Ok(self.listener.into_std()?.into())
            }
        }
    )*};
}

sockets! {
    TcpStream TcpListener std::net::TcpListener, |addr| addr.into(), {
        fn set_nodelay(&self, on: bool) -> io::Result<()> {
            self.0.set_nodelay(on)
        }

        fn reset_on_drop(&self) -> io::Result<()> {
            SockRef::from(&self.0).set_linger(Some(Duration::ZERO))
        }
    }
    UnixStream UnixListener std::os::unix::net::UnixListener, |addr| std::os::unix::net::SocketAddr::from(addr).into(), {}
}
