use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use futures_io::{AsyncRead, AsyncWrite};

use crate::adapters::simulation::shared::Shared;
use crate::adapters::simulation::wait::Wait;
use crate::net::Addr;
use crate::runtime::RawStream;

/// What users hold of an end.
pub(super) struct Stream {
    shared: Arc<Shared>,
    conn: u64,
    end: usize,
    local: Addr,
    peer: Addr,
    /// Whether the drop resets the connection.
    abort: AtomicBool,
}

impl Stream {
    /// Takes an end of a connection that is there.
    pub(super) fn new(shared: Arc<Shared>, conn: u64, end: usize, peer: Addr, local: Addr) -> Self {
        Self {
            shared,
            conn,
            end,
            local,
            peer,
            abort: AtomicBool::new(false),
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        if buf.is_empty() {
            return Poll::Ready(Ok(0));
        }
        self.shared.with(|world| {
            let poll = world.read(self.conn, self.end, buf, cx.waker());
            if poll.is_pending() {
                world.waits_for(|| Wait::Read {
                    local: self.local.clone(),
                    peer: self.peer.clone(),
                });
            }
            poll
        })
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if bufs.iter().all(|buf| buf.is_empty()) {
            return Poll::Ready(Ok(0));
        }
        self.shared.with(|world| {
            let poll = world.write(self.conn, self.end, bufs, cx.waker());
            if poll.is_pending() {
                world.waits_for(|| Wait::Write {
                    local: self.local.clone(),
                    peer: self.peer.clone(),
                });
            }
            poll
        })
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.shared.with(|world| world.close(self.conn, self.end)))
    }
}

impl RawStream for Stream {
    fn local_addr(&self) -> io::Result<Addr> {
        Ok(self.local.clone())
    }

    fn peer_addr(&self) -> io::Result<Addr> {
        Ok(self.peer.clone())
    }

    fn reset_on_drop(&self) -> io::Result<()> {
        if let Addr::Unix(_) = self.local {
            let text = "a Unix socket has no resets";
            return Err(io::Error::new(io::ErrorKind::Unsupported, text));
        }
        self.abort.store(true, Ordering::Relaxed);
        Ok(())
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let abort = *self.abort.get_mut();
        self.shared
            .with(|world| world.drop_end(self.conn, self.end, abort));
    }
}
