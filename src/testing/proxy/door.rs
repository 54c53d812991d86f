//! Where clients come in.

use std::io;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use crate::net::{Addr, BindSocket, Listener, Stream, bind_socket};
use crate::runtime::{BindOptions, Runtime};
use crate::testing::ReservedPort;

/// A listener that can be closed and opened again on the same port.
pub(super) struct Door {
    runtime: Runtime,
    addr: SocketAddr,
    /// Holds the port while nobody listens. A network in memory gives it to nobody else by itself.
    _reserved: Option<ReservedPort>,
    listener: Mutex<Option<Listener>>,
}

impl Door {
    pub(super) async fn open(runtime: Runtime, addr: SocketAddr) -> io::Result<Self> {
        let bind = bind_socket(addr).runtime(runtime.clone());
        let reserved = match is_of_the_system(&bind).await? {
            true => Some(ReservedPort::at(addr)?),
            false => None,
        };
        let addr = reserved.as_ref().map_or(addr, ReservedPort::addr);
        let listener = listen(&runtime, addr)?;
        let local = listener.local_addr()?;
        Ok(Self {
            runtime,
            addr: local.inet().ok_or(io::ErrorKind::AddrNotAvailable)?,
            _reserved: reserved,
            listener: Mutex::new(Some(listener)),
        })
    }

    pub(super) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Who connects from here on is refused.
    pub(super) fn shut(&self) {
        let listener = self.listener().take();
        // Without the lock: it holds a waker.
        drop(listener);
    }

    /// Listens, if nobody does.
    pub(super) fn reopen(&self) -> io::Result<()> {
        let mut listener = self.listener();
        if listener.is_none() {
            *listener = Some(listen(&self.runtime, self.addr)?);
        }
        Ok(())
    }

    /// Takes the next client; while the door is shut nobody is woken.
    pub(super) fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<(Stream, Addr)>> {
        match &mut *self.listener() {
            Some(listener) => listener.poll_accept(cx),
            None => Poll::Pending,
        }
    }

    /// Takes a client that is there already.
    pub(super) fn accept_ready(&self) -> Option<Stream> {
        let accepted = self.listener().as_mut()?.accept_ready();
        Some(accepted.ok()??.0)
    }

    fn listener(&self) -> MutexGuard<'_, Option<Listener>> {
        self.listener.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn listen(runtime: &Runtime, addr: SocketAddr) -> io::Result<Listener> {
    let raw = runtime
        .backend()
        .listen_tcp(addr, &BindOptions::default())?;
    Ok(Listener::from_raw(raw))
}

/// Whether who listens has a socket of the system, whose port another program could take: only such a
/// socket can be configured.
async fn is_of_the_system(bind: &BindSocket) -> io::Result<bool> {
    #[cfg(unix)]
    let bind = bind.clone().configure(|_| Ok(()));
    match bind.listen().await {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::Unsupported => Ok(false),
        Err(error) => Err(error.into()),
    }
}
