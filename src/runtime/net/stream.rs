use std::fmt;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_io::{AsyncRead, AsyncWrite};

use super::Addr;

/// A connected byte stream, as an adapter gives it.
///
/// # Contract
///
/// - **C1** `poll_read` gives `Ok(0)` only at the end of the stream or for an empty buffer.
/// - **C2** `poll_close` writes out what is buffered, then ends the writing half: the peer reads
///   the end of the stream, while reading here goes on.
/// - **C3** A reset by the peer is an error of the system's kind, not the end of the stream.
/// - **C4** Reading and writing may wait in different tasks; each direction keeps one waker, that
///   of the last poll.
/// - **C5** Dropping the stream closes it. Bytes that were written are still delivered.
/// - **C6** `poll_write_vectored` hands several buffers to the system at once.
/// - **C7** `local_addr` and `peer_addr` name the two ends; what one end calls its peer, the other
///   one calls local.
/// - **C8** After `reset_on_drop` the drop is a reset: the peer reads what has arrived, and then an
///   error. An adapter that has no resets says [`Unsupported`](io::ErrorKind::Unsupported).
pub trait RawStream: AsyncRead + AsyncWrite + Send + Sync + Unpin {
    /// Our end.
    fn local_addr(&self) -> io::Result<Addr>;

    /// The peer's end.
    fn peer_addr(&self) -> io::Result<Addr>;

    /// Sends small pieces at once (true) or lets the system collect them. Ignored by streams that
    /// never wait.
    fn set_nodelay(&self, on: bool) -> io::Result<()> {
        let _ = on;
        Ok(())
    }

    /// Has the drop reset the connection instead of closing it.
    fn reset_on_drop(&self) -> io::Result<()> {
        Err(super::unsupported("reset a stream"))
    }
}

/// A connected TCP or Unix stream on any runtime.
///
/// Reads and writes through the traits of `futures-io`; `futures::AsyncReadExt` and
/// `futures::AsyncWriteExt` bring the methods. Dropping it closes the connection.
///
/// # Cancel safety
///
/// A read or write that is dropped while it is pending has transferred nothing.
///
/// # Cost
///
/// One allocation at creation, one indirect call for each operation.
pub struct Stream {
    raw: Box<dyn RawStream>,
}

impl Stream {
    /// Wraps what an adapter, or a layer such as TLS, made.
    #[must_use]
    pub fn from_raw(raw: Box<dyn RawStream>) -> Self {
        Self { raw }
    }

    /// Gives back what [`from_raw`](Self::from_raw) took, to put a layer around it.
    #[must_use]
    pub fn into_raw(self) -> Box<dyn RawStream> {
        self.raw
    }

    /// Our end.
    ///
    /// # Errors
    ///
    /// What the system answers, for example once the socket has failed.
    pub fn local_addr(&self) -> io::Result<Addr> {
        self.raw.local_addr()
    }

    /// The peer's end.
    ///
    /// # Errors
    ///
    /// What the system answers; a peer that has gone may have no address any more.
    pub fn peer_addr(&self) -> io::Result<Addr> {
        self.raw.peer_addr()
    }

    /// Switches the collecting of small writes off (true, the default for what this library
    /// connects and accepts) or on.
    ///
    /// # Errors
    ///
    /// What the system answers.
    pub fn set_nodelay(&self, on: bool) -> io::Result<()> {
        self.raw.set_nodelay(on)
    }

    /// Has the drop of this stream reset the connection, as when its machine lost power: what is still
    /// on its way may be lost, and the peer gets an error in place of the end of the stream.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](io::ErrorKind::Unsupported) where there are no resets, as for Unix sockets; what
    /// the system answers.
    pub fn reset_on_drop(&self) -> io::Result<()> {
        self.raw.reset_on_drop()
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.raw).poll_read(cx, buf)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.raw).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.raw).poll_write_vectored(cx, bufs)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.raw).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.raw).poll_close(cx)
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Stream");
        if let Ok(addr) = self.local_addr() {
            out.field("local", &format_args!("{addr}"));
        }
        if let Ok(addr) = self.peer_addr() {
            out.field("peer", &format_args!("{addr}"));
        }
        out.finish_non_exhaustive()
    }
}
