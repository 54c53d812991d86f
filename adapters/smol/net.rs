use std::io::{self, IoSlice};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use async_io::Async;
use futures_core::future::BoxFuture;
use futures_io::{AsyncRead, AsyncWrite};
use socket2::SockRef;

use super::Shared;
use super::datagram::Datagram;
use super::wait::wait_for;
use crate::runtime::net::Addr;
use crate::runtime::{Net, RawDatagram, RawListener, RawStream};

impl Net for Shared {
    fn connect_tcp(&self, addr: SocketAddr) -> BoxFuture<'static, io::Result<Box<dyn RawStream>>> {
        Box::pin(async move { Ok(Stream::boxed(Async::<TcpStream>::connect(addr).await?)) })
    }

    fn adopt_tcp_stream(&self, stream: TcpStream) -> io::Result<Box<dyn RawStream>> {
        Ok(Stream::boxed(Async::new_nonblocking(stream)?))
    }

    fn adopt_tcp_listener(&self, listener: TcpListener) -> io::Result<Box<dyn RawListener>> {
        Ok(Box::new(Async::new_nonblocking(listener)?))
    }

    fn adopt_udp(&self, socket: UdpSocket) -> io::Result<Box<dyn RawDatagram>> {
        let local = socket.local_addr()?.into();
        Ok(Box::new(Datagram::new(socket, local)?))
    }

    fn connect_unix(&self, path: PathBuf) -> BoxFuture<'static, io::Result<Box<dyn RawStream>>> {
        Box::pin(async move { Ok(Stream::boxed(Async::<UnixStream>::connect(path).await?)) })
    }

    fn adopt_unix_stream(&self, stream: UnixStream) -> io::Result<Box<dyn RawStream>> {
        Ok(Stream::boxed(Async::new_nonblocking(stream)?))
    }

    fn adopt_unix_listener(&self, listener: UnixListener) -> io::Result<Box<dyn RawListener>> {
        Ok(Box::new(Async::new_nonblocking(listener)?))
    }

    fn adopt_unix_datagram(&self, socket: UnixDatagram) -> io::Result<Box<dyn RawDatagram>> {
        let local = socket.local_addr()?.into();
        Ok(Box::new(Datagram::new(socket, local)?))
    }
}

struct Stream<T>(Async<T>);

impl<T> Stream<T>
where
    Self: RawStream + 'static,
{
    fn boxed(io: Async<T>) -> Box<dyn RawStream> {
        Box::new(Self(io))
    }
}

/// What differs between TCP and Unix sockets, which the standard library gives no trait for.
macro_rules! sockets {
    ($($stream:ident $listener:ident { $($tcp:item)* })*) => {$(
        impl AsyncRead for Stream<$stream> {
            fn poll_read(
                mut self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buf: &mut [u8],
            ) -> Poll<io::Result<usize>> {
                Pin::new(&mut self.0).poll_read(cx, buf)
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

            fn poll_flush(
                mut self: Pin<&mut Self>,
                cx: &mut Context<'_>,
            ) -> Poll<io::Result<()>> {
                Pin::new(&mut self.0).poll_flush(cx)
            }

            // The socket of async-io only flushes: without this the peer would wait for ever.
            fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
                Poll::Ready(match self.0.get_ref().shutdown(Shutdown::Write) {
                    Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
                    other => other,
                })
            }
        }

        impl RawStream for Stream<$stream> {
            fn local_addr(&self) -> io::Result<Addr> {
                self.0.get_ref().local_addr().map(Into::into)
            }

            fn peer_addr(&self) -> io::Result<Addr> {
                self.0.get_ref().peer_addr().map(Into::into)
            }

            $($tcp)*
        }

        impl RawListener for Async<$listener> {
            fn poll_accept(
                &mut self,
                cx: &mut Context<'_>,
            ) -> Poll<io::Result<(Box<dyn RawStream>, Addr)>> {
                let (stream, peer) = ready!(wait_for!(self.poll_readable(cx), self.get_ref().accept()))?;
                stream.set_nonblocking(true)?;
                let stream = Stream::boxed(Async::new_nonblocking(stream)?);
                Poll::Ready(Ok((stream, peer.into())))
            }

            fn local_addr(&self) -> io::Result<Addr> {
                self.get_ref().local_addr().map(Into::into)
            }

            fn into_std(self: Box<Self>) -> io::Result<OwnedFd> {
                Ok(self.into_inner()?.into())
            }
        }
    )*};
}

sockets! {
    TcpStream TcpListener {
        fn set_nodelay(&self, on: bool) -> io::Result<()> {
            self.0.get_ref().set_nodelay(on)
        }

        fn reset_on_drop(&self) -> io::Result<()> {
            SockRef::from(self.0.get_ref()).set_linger(Some(Duration::ZERO))
        }
    }
    UnixStream UnixListener {}
}
