use std::io;
use std::path::PathBuf;

use super::sink::Datagrams;

/// Where the journal of systemd takes its entries.
///
/// ```
/// use aiomisc::log::{Handler, JournalSocket, Output, format::Journald};
///
/// let handler = Handler::new(Journald::new(), Output::datagrams(JournalSocket::new()));
/// # drop(handler);
/// ```
///
/// Nothing is opened before the first record. A journal that was restarted is found again with the next record. One that
/// does not read is waited for, for at most a second; then the record is lost, and those after it do not wait until one
/// gets through. An entry that is larger than a datagram may be is handed over as a sealed file in memory, as the protocol has it; elsewhere
/// than on Linux there is no journal.
#[derive(Debug)]
pub struct JournalSocket {
    #[cfg(unix)]
    socket: super::unix_socket::UnixSocket,
}

impl JournalSocket {
    /// The journal of this host, `/run/systemd/journal/socket`.
    #[must_use]
    pub fn new() -> Self {
        Self::at("/run/systemd/journal/socket")
    }

    /// The socket that has this path. It need not be there yet.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        Self {
            #[cfg(unix)]
            socket: super::unix_socket::UnixSocket::new(path),
        }
    }
}

impl Default for JournalSocket {
    fn default() -> Self {
        Self::new()
    }
}

impl Datagrams for JournalSocket {
    #[cfg(target_os = "linux")]
    fn send(&mut self, record: &[u8]) -> io::Result<()> {
        self.socket.send(|socket| match socket.send(record) {
            Err(error) if memory::is_too_large(&error) => memory::send(socket, record),
            result => result.map(drop),
        })
    }

    #[cfg(not(target_os = "linux"))]
    fn send(&mut self, _: &[u8]) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// Entries that are larger than a datagram.
#[cfg(target_os = "linux")]
mod memory {
    use std::fs::File;
    use std::io::{self, IoSlice, Write};
    use std::os::fd::AsRawFd;
    use std::os::unix::net::UnixDatagram;

    use nix::errno::Errno;
    use nix::fcntl::{FcntlArg, SealFlag, fcntl};
    use nix::sys::memfd::{MFdFlags, memfd_create};
    use nix::sys::socket::{ControlMessage, MsgFlags, UnixAddr, sendmsg};

    pub(super) fn is_too_large(error: &io::Error) -> bool {
        let error = error.raw_os_error().map(Errno::from_raw);
        matches!(error, Some(Errno::EMSGSIZE | Errno::ENOBUFS))
    }

    /// Sends a descriptor in place of the entry. The seals are the promise, without which the journal
    /// would not read it, that the entry stays as it is.
    pub(super) fn send(socket: &UnixDatagram, record: &[u8]) -> io::Result<()> {
        let flags = MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING;
        let mut file = File::from(memfd_create("journal-entry", flags)?);
        file.write_all(record)?;
        let seals = SealFlag::F_SEAL_SHRINK
            | SealFlag::F_SEAL_GROW
            | SealFlag::F_SEAL_WRITE
            | SealFlag::F_SEAL_SEAL;
        fcntl(&file, FcntlArg::F_ADD_SEALS(seals))?;
        let rights = [file.as_raw_fd()];
        sendmsg::<UnixAddr>(
            socket.as_raw_fd(),
            &[IoSlice::new(&[])],
            &[ControlMessage::ScmRights(&rights)],
            MsgFlags::empty(),
            None,
        )?;
        Ok(())
    }
}
