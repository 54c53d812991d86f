use std::fmt;
use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll, Waker};

use super::{Addr, RawStream, Stream};

/// A listening socket, as an adapter gives it.
///
/// # Contract
///
/// - **L1** The stream that `poll_accept` gives belongs to this runtime, whichever thread or
///   executor polls the listener.
/// - **L2** After an error the listener can be polled again, and finds the next connection.
/// - **L3** Dropping a listener closes it: later connects are refused.
/// - **L4** A poll that is pending holds no connection: dropping its future loses none. The waker of
///   the last poll is woken when one comes.
/// - **L5** `into_std` gives the socket back as it was, listening and in non-blocking mode.
/// - **L6** `accept_ready` finds every connection that the system has made by then.
pub trait RawListener: Send + Sync {
    /// Takes the next connection, with the peer's address.
    fn poll_accept(&mut self, cx: &mut Context<'_>)
    -> Poll<io::Result<(Box<dyn RawStream>, Addr)>>;

    /// Takes a connection that is there already; `None` if there is none, and nobody is woken later.
    /// Default: a poll. A runtime whose polls wait until it has heard of the connection asks the
    /// system here.
    fn accept_ready(&mut self) -> io::Result<Option<(Box<dyn RawStream>, Addr)>> {
        let polled = self.poll_accept(&mut Context::from_waker(Waker::noop()));
        match polled {
            Poll::Ready(accepted) => accepted.map(Some),
            Poll::Pending => Ok(None),
        }
    }

    /// Where it listens, with the port that the system chose.
    fn local_addr(&self) -> io::Result<Addr>;

    /// Takes the socket away from the runtime, in non-blocking mode.
    #[cfg(unix)]
    fn into_std(self: Box<Self>) -> io::Result<std::os::fd::OwnedFd> {
        Err(super::unsupported("give a listener back"))
    }
}

/// A listening TCP or Unix socket on any runtime; made by [`bind_socket`](crate::net::bind_socket).
///
/// Dropping it stops listening and removes the socket file that it made.
pub struct Listener {
    // Declared first, so that nobody can connect once the file is being removed.
    raw: Box<dyn RawListener>,
    file: Option<SocketFile>,
}

impl Listener {
    /// Wraps what an adapter made.
    #[must_use]
    pub fn from_raw(raw: Box<dyn RawListener>) -> Self {
        Self { raw, file: None }
    }

    #[cfg(unix)]
    pub(crate) fn owning_file(raw: Box<dyn RawListener>, path: std::path::PathBuf) -> Self {
        Self {
            raw,
            file: SocketFile::new(path),
        }
    }

    /// Waits for the next connection.
    ///
    /// # Errors
    ///
    /// What the system answers: a connection that was reset before it was taken, or no descriptor
    /// left. The listener stays usable; wait a moment in the second case.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses no connection.
    pub async fn accept(&mut self) -> io::Result<(Stream, Addr)> {
        poll_fn(|cx| self.poll_accept(cx)).await
    }

    /// The poll form of [`accept`](Self::accept).
    pub fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(Stream, Addr)>> {
        self.raw
            .poll_accept(cx)
            .map_ok(|(raw, peer)| (Stream::from_raw(raw), peer))
    }

    /// Takes a connection that is there already, whether the runtime has heard of it or not.
    pub(crate) fn accept_ready(&mut self) -> io::Result<Option<(Stream, Addr)>> {
        let accepted = self.raw.accept_ready()?;
        Ok(accepted.map(|(raw, peer)| (Stream::from_raw(raw), peer)))
    }

    /// Where it listens, with the port that the system chose.
    ///
    /// # Errors
    ///
    /// What the system answers.
    pub fn local_addr(&self) -> io::Result<Addr> {
        self.raw.local_addr()
    }

    /// Takes the socket away from the runtime, in non-blocking mode; `TcpListener::from` or
    /// `UnixListener::from` makes a listener of it. A socket file is left in place.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](io::ErrorKind::Unsupported) where there is no socket of the system.
    #[cfg(unix)]
    pub fn into_std(mut self) -> io::Result<std::os::fd::OwnedFd> {
        if let Some(file) = self.file.take() {
            file.keep();
        }
        self.raw.into_std()
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Listener");
        if let Ok(addr) = self.local_addr() {
            out.field("local", &format_args!("{addr}"));
        }
        out.finish_non_exhaustive()
    }
}

/// Removes the file of a Unix socket when dropped, unless another file stands there by then.
#[derive(Debug)]
pub(super) struct SocketFile {
    #[cfg(unix)]
    at: Option<(std::path::PathBuf, u64, u64)>,
}

impl SocketFile {
    #[cfg(unix)]
    pub(super) fn new(path: std::path::PathBuf) -> Option<Self> {
        use std::os::unix::fs::MetadataExt;
        let meta = std::fs::symlink_metadata(&path).ok()?;
        // The file must be found again when the program has changed its directory since.
        let path = std::path::absolute(&path).unwrap_or(path);
        Some(Self {
            at: Some((path, meta.dev(), meta.ino())),
        })
    }

    #[cfg(unix)]
    pub(super) fn keep(mut self) {
        self.at = None;
    }
}

#[cfg(unix)]
impl Drop for SocketFile {
    fn drop(&mut self) {
        use std::os::unix::fs::MetadataExt;
        let Some((path, dev, ino)) = self.at.take() else {
            return;
        };
        if std::fs::symlink_metadata(&path).is_ok_and(|m| (m.dev(), m.ino()) == (dev, ino)) {
            // Somebody may remove it at this very moment, which is as good.
            let _ = std::fs::remove_file(&path);
        }
    }
}
