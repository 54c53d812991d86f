use std::io;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::Interest;
use tokio::net::{UdpSocket, UnixDatagram};
use tokio::task::coop;

use crate::runtime::datagram::{recv, recv_batch, send, send_batch};
use crate::runtime::net::{Addr, Received, RecvBatch, SendBatch};
use crate::runtime::{RawDatagram, RawSender};

pub(super) struct Datagram<T> {
    io: Arc<T>,
    local: Addr,
}

impl<T> Datagram<T> {
    pub(super) fn new(io: T, local: Addr) -> Self {
        Self {
            io: Arc::new(io),
            local,
        }
    }
}

/// One of several senders. The socket keeps one waker for those who poll it to send, so each waits
/// through a future of its own, made when the socket's buffer is full.
struct Sender<T> {
    io: Arc<T>,
    writable: Option<Writable>,
}

type Writable = Pin<Box<dyn Future<Output = io::Result<()>> + Send + Sync>>;

/// Repeats a call of the system until it does not ask to wait; `$ready` waits.
macro_rules! wait_for {
    ($ready:expr, $io:expr, $interest:ident, $call:expr) => {
        loop {
            match $io.try_io(Interest::$interest, || $call) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => ready!($ready)?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                outcome => break Poll::Ready(outcome),
            }
        }
    };
}

/// What differs between UDP and Unix sockets, which tokio gives no trait for.
macro_rules! sockets {
    ($($datagram:ident)*) => {$(
        impl RawDatagram for Datagram<$datagram> {
            fn poll_recv(
                &mut self,
                cx: &mut Context<'_>,
                buf: &mut [u8],
            ) -> Poll<io::Result<Received>> {
                // A task that always finds something must still let others run.
                let turn = ready!(coop::poll_proceed(cx));
                let (io, local) = (&*self.io, &self.local);
                let outcome = wait_for!(io.poll_recv_ready(cx), io, READABLE, recv(io, local, buf));
                turn.made_progress();
                outcome
            }

            fn poll_recv_batch(
                &mut self,
                cx: &mut Context<'_>,
                batch: &mut RecvBatch,
            ) -> Poll<io::Result<()>> {
                let turn = ready!(coop::poll_proceed(cx));
                let (io, local) = (&*self.io, &self.local);
                let outcome =
                    wait_for!(io.poll_recv_ready(cx), io, READABLE, recv_batch(io, local, batch));
                turn.made_progress();
                outcome
            }

            fn sender(&self) -> io::Result<Box<dyn RawSender>> {
                Ok(Box::new(Sender { io: Arc::clone(&self.io), writable: None }))
            }

            fn local_addr(&self) -> io::Result<Addr> {
                Ok(self.local.clone())
            }

            fn into_std(self: Box<Self>) -> io::Result<OwnedFd> {
                let io = Arc::into_inner(self.io).ok_or(io::ErrorKind::ResourceBusy)?;
                Ok(io.into_std()?.into())
            }
        }

        impl Sender<$datagram> {
            fn poll_writable(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                let io = &self.io;
                let writable = self.writable.get_or_insert_with(|| {
                    let io = Arc::clone(io);
                    Box::pin(async move { io.writable().await })
                });
                let result = ready!(writable.as_mut().poll(cx));
                self.writable = None;
                Poll::Ready(result)
            }
        }

        impl RawSender for Sender<$datagram> {
            fn poll_send(
                &mut self,
                cx: &mut Context<'_>,
                data: &[u8],
                to: &Addr,
            ) -> Poll<io::Result<()>> {
                let turn = ready!(coop::poll_proceed(cx));
                let io = Arc::clone(&self.io);
                let outcome = wait_for!(self.poll_writable(cx), io, WRITABLE, send(&*io, data, to));
                turn.made_progress();
                outcome
            }

            fn poll_send_batch(
                &mut self,
                cx: &mut Context<'_>,
                batch: &mut SendBatch,
            ) -> Poll<io::Result<()>> {
                let turn = ready!(coop::poll_proceed(cx));
                let io = Arc::clone(&self.io);
                let outcome =
                    wait_for!(self.poll_writable(cx), io, WRITABLE, send_batch(&*io, batch));
                turn.made_progress();
                outcome
            }
        }
    )*};
}

sockets! { UdpSocket UnixDatagram }
