use std::io;
use std::net::SocketAddr;
use std::os::unix::net as std_unix;
use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::future::BoxFuture;
use pin_project_lite::pin_project;
use tokio::net::{TcpListener, TcpStream, UdpSocket, UnixDatagram, UnixListener, UnixStream};
use tokio::runtime::Handle;

use super::Shared;
use super::datagram::Datagram;
use super::stream::{Listener, Stream};
use crate::runtime::{Net, RawDatagram, RawListener, RawStream};

impl Net for Shared {
    fn connect_tcp(&self, addr: SocketAddr) -> BoxFuture<'static, io::Result<Box<dyn RawStream>>> {
        self.inside(async move { Ok(Stream::boxed(TcpStream::connect(addr).await?)) })
    }

    fn adopt_tcp_stream(&self, stream: std::net::TcpStream) -> io::Result<Box<dyn RawStream>> {
        let _inside = self.handle.enter();
        Ok(Stream::boxed(TcpStream::from_std(stream)?))
    }

    fn adopt_tcp_listener(
        &self,
        listener: std::net::TcpListener,
    ) -> io::Result<Box<dyn RawListener>> {
        let _inside = self.handle.enter();
        let listener = TcpListener::from_std(listener)?;
        Ok(Box::new(Listener::new(listener, &self.handle)))
    }

    fn adopt_udp(&self, socket: std::net::UdpSocket) -> io::Result<Box<dyn RawDatagram>> {
        let _inside = self.handle.enter();
        let local = socket.local_addr()?.into();
        Ok(Box::new(Datagram::new(UdpSocket::from_std(socket)?, local)))
    }

    fn connect_unix(&self, path: PathBuf) -> BoxFuture<'static, io::Result<Box<dyn RawStream>>> {
        self.inside(async move { Ok(Stream::boxed(UnixStream::connect(path).await?)) })
    }

    fn adopt_unix_stream(&self, stream: std_unix::UnixStream) -> io::Result<Box<dyn RawStream>> {
        let _inside = self.handle.enter();
        Ok(Stream::boxed(UnixStream::from_std(stream)?))
    }

    fn adopt_unix_listener(
        &self,
        listener: std_unix::UnixListener,
    ) -> io::Result<Box<dyn RawListener>> {
        let _inside = self.handle.enter();
        let listener = UnixListener::from_std(listener)?;
        Ok(Box::new(Listener::new(listener, &self.handle)))
    }

    fn adopt_unix_datagram(
        &self,
        socket: std_unix::UnixDatagram,
    ) -> io::Result<Box<dyn RawDatagram>> {
        let _inside = self.handle.enter();
        let local = socket.local_addr()?.into();
        Ok(Box::new(Datagram::new(
            UnixDatagram::from_std(socket)?,
            local,
        )))
    }
}

impl Shared {
    /// Enters the runtime at every poll: a guard held while a future is built does nothing when it
    /// is polled.
    fn inside<F>(&self, future: F) -> BoxFuture<'static, F::Output>
    where
        F: Future + Send + 'static,
    {
        Box::pin(Inside {
            handle: self.handle.clone(),
            future,
        })
    }
}

pin_project! {
    struct Inside<F> {
        handle: Handle,
        #[pin]
        future: F,
    }
}

impl<F: Future> Future for Inside<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _inside = this.handle.enter();
        this.future.poll(cx)
    }
}
