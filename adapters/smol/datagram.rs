use std::io;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use async_io::Async;

use super::wait::wait_for;
use crate::runtime::datagram::{recv, recv_batch, send, send_batch};
use crate::runtime::net::{Addr, Received, RecvBatch, SendBatch};
use crate::runtime::{RawDatagram, RawSender};

pub(super) struct Datagram<T> {
    io: Arc<Async<T>>,
    local: Addr,
}

impl<T: std::os::fd::AsFd> Datagram<T> {
    pub(super) fn new(socket: T, local: Addr) -> io::Result<Self> {
        let io = Arc::new(Async::new_nonblocking(socket)?);
        Ok(Self { io, local })
    }
}

impl<T> RawDatagram for Datagram<T>
where
    T: std::os::fd::AsFd + Into<OwnedFd> + Send + Sync + 'static,
{
    fn poll_recv(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<Received>> {
        let Self { io, local } = self;
        wait_for!(io.poll_readable(cx), recv(io.get_ref(), local, buf))
    }

    fn poll_recv_batch(
        &mut self,
        cx: &mut Context<'_>,
        batch: &mut RecvBatch,
    ) -> Poll<io::Result<()>> {
        wait_for!(
            self.io.poll_readable(cx),
            recv_batch(self.io.get_ref(), &self.local, batch)
        )
    }

    fn sender(&self) -> io::Result<Box<dyn RawSender>> {
        Ok(Box::new(Sender {
            io: Arc::clone(&self.io),
            writable: None,
        }))
    }

    fn local_addr(&self) -> io::Result<Addr> {
        Ok(self.local.clone())
    }

    fn into_std(self: Box<Self>) -> io::Result<OwnedFd> {
        let io = Arc::into_inner(self.io).ok_or(io::ErrorKind::ResourceBusy)?;
        Ok(io.into_inner()?.into())
    }
}

/// One of several senders. `Async::poll_writable` keeps one waker for all of them, so each waits
/// through a future of its own, made when the socket's buffer is full.
struct Sender<T> {
    io: Arc<Async<T>>,
    writable: Option<async_io::WritableOwned<T>>,
}

impl<T: std::os::fd::AsFd> Sender<T> {
    fn poll_writable(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let io = &self.io;
        let writable = self
            .writable
            .get_or_insert_with(|| Arc::clone(io).writable_owned());
        let result = ready!(Pin::new(writable).poll(cx));
        self.writable = None;
        Poll::Ready(result)
    }
}

impl<T: std::os::fd::AsFd + Send + Sync + 'static> RawSender for Sender<T> {
    fn poll_send(&mut self, cx: &mut Context<'_>, data: &[u8], to: &Addr) -> Poll<io::Result<()>> {
        wait_for!(self.poll_writable(cx), send(self.io.get_ref(), data, to))
    }

    fn poll_send_batch(
        &mut self,
        cx: &mut Context<'_>,
        batch: &mut SendBatch,
    ) -> Poll<io::Result<()>> {
        wait_for!(self.poll_writable(cx), send_batch(self.io.get_ref(), batch))
    }
}
