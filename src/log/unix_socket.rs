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
    /// Whether the last record was lost because nobody read.
    stuck: bool,
}

/// How long a record waits for a daemon that reads too slowly; then it is lost.
const WAIT: Duration = Duration::from_secs(1);
/// The same for those after it: who hangs for good holds nobody up.
const WAIT_WHILE_STUCK: Duration = Duration::from_millis(1);

impl UnixSocket {
    pub(super) fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            socket: None,
            stuck: false,
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
                result => return self.sent(result),
            }
        }
        let socket = UnixDatagram::unbound()?;
        socket.connect(&self.path)?;
        socket.set_write_timeout(Some(WAIT))?;
        self.stuck = false;
        let result = send(self.socket.insert(socket));
        self.sent(result)
    }

    /// Decides how long the next one may wait. Nobody has to try again what has waited long enough.
    fn sent(&mut self, result: io::Result<()>) -> io::Result<()> {
        let result = result.map_err(|error| match error.kind() {
            ErrorKind::WouldBlock => {
                io::Error::new(ErrorKind::TimedOut, "nobody reads what is sent there")
            }
            _ => error,
        });
        let stuck = result
            .as_ref()
            .is_err_and(|error| error.kind() == ErrorKind::TimedOut);
        if let Some(socket) = &self.socket
            && stuck != self.stuck
        {
            self.stuck = stuck;
            let wait = if stuck { WAIT_WHILE_STUCK } else { WAIT };
            socket.set_write_timeout(Some(wait))?;
        }
        result
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
