//! The socket of a daemon of the system.

use std::io::{self, ErrorKind};
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::time::Duration;

/// A datagram socket that finds its daemon again after the daemon was restarted.
#[derive(Debug)]
pub(super) struct UnixSocket {
    path: PathBuf,
    /// While it is connected.
    socket: Option<UnixDatagram>,
}

/// How long a record waits for a daemon that reads too slowly; then it is lost.
const WAIT: Duration = Duration::from_secs(1);

impl UnixSocket {
    pub(super) fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            socket: None,
        }
    }

    /// Sends by the connected socket; once more by a new one when the daemon that it was connected to
    /// has gone.
    pub(super) fn send(
        &mut self,
        send: impl Fn(&UnixDatagram) -> io::Result<()>,
    ) -> io::Result<()> {
        if let Some(socket) = &self.socket {
            match send(socket) {
                Err(error) if has_gone(&error) => self.socket = None,
                result => return result,
            }
        }
        let socket = UnixDatagram::unbound()?;
        socket.connect(&self.path)?;
        socket.set_write_timeout(Some(WAIT))?;
        send(self.socket.insert(socket))
    }
}

/// Whether nobody holds the other end any more.
fn has_gone(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionRefused
            | ErrorKind::ConnectionReset
            | ErrorKind::NotConnected
            | ErrorKind::BrokenPipe
            | ErrorKind::NotFound
    )
}
