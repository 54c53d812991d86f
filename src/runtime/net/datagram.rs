use std::fmt;
use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll};

use super::listener::SocketFile;
use super::{Addr, Received, RecvBatch, SendBatch};

/// A bound datagram socket, as an adapter gives it: the receiving side.
///
/// # Contract
///
/// - **D1** Each receive takes one whole datagram. What does not fit into the buffer is lost, and
///   [`Received::truncated`] says so (where the system tells). A datagram may be empty.
/// - **D2** An error that an earlier send caused (the peer is not there) is reported and leaves the
///   socket usable.
/// - **D3** Every [`sender`](Self::sender) waits for itself: any number of them, in different tasks,
///   make progress, beside the receiver.
/// - **D4** A batch never waits for more than one datagram: it takes what is there, in order.
/// - **D5** A pending receive holds no datagram: dropping its future loses none.
/// - **D6** When a send fails, the error concerns one datagram, which is left out; the rest of a
///   batch can still be sent.
/// - **D7** Senders keep the socket open. `into_std` gives it back in non-blocking mode, and is
///   [`ResourceBusy`](io::ErrorKind::ResourceBusy) while a sender lives.
pub trait RawDatagram: Send + Sync {
    /// Takes the next datagram.
    fn poll_recv(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<Received>>;

    /// Fills the batch, which is empty before, with at least one datagram. Default: one by one.
    fn poll_recv_batch(
        &mut self,
        cx: &mut Context<'_>,
        batch: &mut RecvBatch,
    ) -> Poll<io::Result<()>> {
        while let Some(buf) = batch.free_buffer() {
            match self.poll_recv(cx, buf) {
                Poll::Ready(Ok(received)) => batch.push(received),
                Poll::Ready(Err(error)) if batch.is_empty() => return Poll::Ready(Err(error)),
                Poll::Pending if batch.is_empty() => return Poll::Pending,
                Poll::Ready(Err(_)) | Poll::Pending => break,
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Makes a sending side of its own, which keeps the socket open.
    fn sender(&self) -> io::Result<Box<dyn RawSender>>;

    /// Where it is bound, with the port that the system chose.
    fn local_addr(&self) -> io::Result<Addr>;

    /// Takes the socket away from the runtime, in non-blocking mode; fails while senders live.
    #[cfg(unix)]
    fn into_std(self: Box<Self>) -> io::Result<std::os::fd::OwnedFd> {
        Err(super::unsupported("give a datagram socket back"))
    }
}

/// One of the sending sides of a datagram socket; see [`RawDatagram`], D3 and D6.
pub trait RawSender: Send + Sync {
    /// Sends one datagram.
    fn poll_send(&mut self, cx: &mut Context<'_>, data: &[u8], to: &Addr) -> Poll<io::Result<()>>;

    /// Sends at least one datagram of a batch that is not empty, and takes what it sent out of it.
    /// Default: one by one.
    fn poll_send_batch(
        &mut self,
        cx: &mut Context<'_>,
        batch: &mut SendBatch,
    ) -> Poll<io::Result<()>> {
        let mut sent = false;
        while let Some((data, to)) = batch.first() {
            match self.poll_send(cx, data, to) {
                Poll::Ready(Ok(())) => {
                    batch.advance(1);
                    sent = true;
                }
                Poll::Ready(Err(error)) => {
                    batch.advance(1);
                    return Poll::Ready(Err(error));
                }
                Poll::Pending if sent => break,
                Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Ready(Ok(()))
    }
}

/// A bound UDP or Unix datagram socket on any runtime; made by
/// [`bind_socket`](crate::net::bind_socket).
///
/// One task receives; any number of tasks send, each through its own [`sender`](Self::sender).
/// Dropping it and its senders closes the socket and removes the socket file that it made.
pub struct DatagramSocket {
    raw: Box<dyn RawDatagram>,
    own_sender: Option<DatagramSender>,
    file: Option<SocketFile>,
}

impl DatagramSocket {
    /// Wraps what an adapter made.
    #[must_use]
    pub fn from_raw(raw: Box<dyn RawDatagram>) -> Self {
        Self {
            raw,
            own_sender: None,
            file: None,
        }
    }

    #[cfg(unix)]
    pub(crate) fn owning_file(raw: Box<dyn RawDatagram>, path: std::path::PathBuf) -> Self {
        Self {
            raw,
            own_sender: None,
            file: SocketFile::new(path),
        }
    }

    /// Waits for the next datagram.
    ///
    /// # Errors
    ///
    /// What the system answers; an earlier send to a peer that is not there may be reported here.
    /// The socket stays usable.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses no datagram.
    pub async fn recv_from(&mut self, buf: &mut [u8]) -> io::Result<Received> {
        poll_fn(|cx| self.raw.poll_recv(cx, buf)).await
    }

    /// Waits for at least one datagram and takes as many as are there and fit; what the batch held
    /// is forgotten.
    ///
    /// # Errors
    ///
    /// As [`recv_from`](Self::recv_from).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses no datagram.
    ///
    /// # Cost
    ///
    /// One system call on Linux, one for each datagram elsewhere.
    pub async fn recv_batch(&mut self, batch: &mut RecvBatch) -> io::Result<()> {
        poll_fn(|cx| self.poll_recv_batch(cx, batch)).await
    }

    /// The poll form of [`recv_batch`](Self::recv_batch).
    pub fn poll_recv_batch(
        &mut self,
        cx: &mut Context<'_>,
        batch: &mut RecvBatch,
    ) -> Poll<io::Result<()>> {
        batch.clear();
        self.raw.poll_recv_batch(cx, batch)
    }

    /// Sends one datagram from the task that receives.
    ///
    /// # Errors
    ///
    /// What the system answers, or [`Unsupported`](io::ErrorKind::Unsupported) for an address of
    /// the other family.
    ///
    /// # Cancel safety
    ///
    /// A send that is dropped while it is pending has sent nothing.
    pub async fn send_to(&mut self, data: &[u8], to: &Addr) -> io::Result<()> {
        let sender = match &mut self.own_sender {
            Some(sender) => sender,
            empty => empty.insert(DatagramSender {
                raw: self.raw.sender()?,
            }),
        };
        sender.send_to(data, to).await
    }

    /// Makes a sending side for another task. It keeps the socket open.
    ///
    /// # Errors
    ///
    /// What the adapter answers; the adapters here always succeed.
    pub fn sender(&self) -> io::Result<DatagramSender> {
        Ok(DatagramSender {
            raw: self.raw.sender()?,
        })
    }

    /// Where it is bound, with the port that the system chose.
    ///
    /// # Errors
    ///
    /// What the system answers.
    pub fn local_addr(&self) -> io::Result<Addr> {
        self.raw.local_addr()
    }

    /// Takes the socket away from the runtime, in non-blocking mode; `UdpSocket::from` or
    /// `UnixDatagram::from` makes a socket of it. A socket file is left in place.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](io::ErrorKind::Unsupported) where there is no socket of the system, and
    /// [`ResourceBusy`](io::ErrorKind::ResourceBusy) while a [`DatagramSender`] of it lives.
    #[cfg(unix)]
    pub fn into_std(mut self) -> io::Result<std::os::fd::OwnedFd> {
        self.own_sender = None;
        if let Some(file) = self.file.take() {
            file.keep();
        }
        self.raw.into_std()
    }
}

impl fmt::Debug for DatagramSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("DatagramSocket");
        if let Ok(addr) = self.local_addr() {
            out.field("local", &format_args!("{addr}"));
        }
        out.finish_non_exhaustive()
    }
}

/// A sending side of a [`DatagramSocket`], for one task.
pub struct DatagramSender {
    raw: Box<dyn RawSender>,
}

impl DatagramSender {
    /// Sends one datagram.
    ///
    /// # Errors
    ///
    /// What the system answers, or [`Unsupported`](io::ErrorKind::Unsupported) for an address of
    /// the other family.
    ///
    /// # Cancel safety
    ///
    /// A send that is dropped while it is pending has sent nothing.
    pub async fn send_to(&mut self, data: &[u8], to: &Addr) -> io::Result<()> {
        poll_fn(|cx| self.raw.poll_send(cx, data, to)).await
    }

    /// Sends all of a batch, in order.
    ///
    /// # Errors
    ///
    /// The first failure; the datagram that failed is left out, those after it are still in the
    /// batch, so that calling again goes on behind it.
    ///
    /// # Cancel safety
    ///
    /// What was sent is no longer in the batch, the rest is.
    ///
    /// # Cost
    ///
    /// One system call for up to [`MAX_BATCH`](super::MAX_BATCH) datagrams on Linux.
    pub async fn send_batch(&mut self, batch: &mut SendBatch) -> io::Result<()> {
        poll_fn(|cx| self.poll_send_batch(cx, batch)).await
    }

    /// The poll form of [`send_batch`](Self::send_batch): ready when the batch is empty.
    pub fn poll_send_batch(
        &mut self,
        cx: &mut Context<'_>,
        batch: &mut SendBatch,
    ) -> Poll<io::Result<()>> {
        while !batch.is_empty() {
            std::task::ready!(self.raw.poll_send_batch(cx, batch))?;
        }
        Poll::Ready(Ok(()))
    }
}

impl fmt::Debug for DatagramSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DatagramSender").finish_non_exhaustive()
    }
}
