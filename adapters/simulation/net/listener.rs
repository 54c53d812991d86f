use std::collections::VecDeque;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use nix::errno::Errno;

use super::ended;
use super::host::{Protocol, UnixSocket};
use super::stream::Stream;
use crate::adapters::simulation::shared::Shared;
use crate::adapters::simulation::step::park;
use crate::adapters::simulation::trace::What;
use crate::adapters::simulation::wait::Wait;
use crate::adapters::simulation::world::World;
use crate::net::Addr;
use crate::runtime::{BindOptions, RawListener, RawStream};

/// A socket that listens.
pub(super) struct Listening {
    host: usize,
    local: Addr,
    backlog: usize,
    /// Connections that nobody has accepted yet.
    queue: VecDeque<u64>,
    acceptor: Option<Waker>,
    /// Attempts over a Unix socket that wait for a place in the queue.
    pub(super) waiting: VecDeque<u64>,
}

impl Listening {
    pub(super) fn is_full(&self) -> bool {
        self.queue.len() >= self.backlog
    }
}

impl World {
    pub(super) fn listen_tcp(
        &mut self,
        host: usize,
        addr: SocketAddr,
        options: &BindOptions,
    ) -> Result<(u64, Addr), Errno> {
        let id = self.net.next_id();
        let addr = self.net.bind(host, Protocol::Tcp, addr, options, id)?;
        Ok((id, self.listen(id, host, addr.into(), options)))
    }

    pub(super) fn listen_unix(
        &mut self,
        host: usize,
        path: &Path,
        options: &BindOptions,
    ) -> Result<(u64, Addr), Errno> {
        let id = self.net.next_id();
        let files = &mut self.net.hosts[host].unix;
        if files.contains_key(path) {
            return Err(Errno::EADDRINUSE);
        }
        files.insert(path.to_owned(), UnixSocket::Listener(id));
        let local = Addr::Unix(Some(path.to_owned()));
        Ok((id, self.listen(id, host, local, options)))
    }

    fn listen(&mut self, id: u64, host: usize, local: Addr, options: &BindOptions) -> Addr {
        let listening = Listening {
            host,
            local: local.clone(),
            backlog: usize::try_from(options.backlog)
                .unwrap_or(usize::MAX)
                .max(1),
            queue: VecDeque::new(),
            acceptor: None,
            waiting: VecDeque::new(),
        };
        self.net.listeners.insert(id, listening);
        self.record(|| What::Listen(local.clone()));
        local
    }

    /// Puts a connection where it can be accepted.
    pub(super) fn queue(&mut self, listener: u64, conn: u64) {
        if let Some(listening) = self.net.listeners.get_mut(&listener) {
            listening.queue.push_back(conn);
            self.wakes.extend(listening.acceptor.take());
        }
    }

    /// Gives a connection with both of its addresses, the local one first.
    fn accept(&mut self, id: u64, waker: &Waker) -> Poll<io::Result<(u64, Addr, Addr)>> {
        let Some(listening) = self.net.listeners.get_mut(&id) else {
            return Poll::Ready(Err(ended()));
        };
        let Some(number) = listening.queue.pop_front() else {
            park(&mut listening.acceptor, waker, &mut self.trash);
            return Poll::Pending;
        };
        let (waiting, bound) = (listening.waiting.pop_front(), listening.local.clone());
        if let Some(waiting) = waiting {
            self.wish_arrives(waiting);
        }
        let Some(conn) = self.net.conns.get(&number) else {
            return Poll::Ready(Err(Errno::ECONNABORTED.into()));
        };
        let [peer, local] = [0, 1].map(|end| seen_by(&bound, &conn.ends[end].local));
        self.record(|| What::Accept {
            local: local.clone(),
            peer: peer.clone(),
        });
        Poll::Ready(Ok((number, local, peer)))
    }

    fn stop_listening(&mut self, id: u64) {
        let Some(listening) = self.net.listeners.remove(&id) else {
            return;
        };
        self.trash.extend(listening.acceptor);
        match &listening.local {
            Addr::Inet(addr) => self
                .net
                .unbind(listening.host, Protocol::Tcp, addr.port(), id),
            Addr::Unix(path) => {
                let path = path.as_deref().unwrap_or_else(|| "".as_ref());
                self.net.hosts[listening.host].unix.remove(path);
            }
        }
        for conn in listening.queue {
            self.drop_end(conn, 1, true);
        }
        for attempt in listening.waiting {
            self.conclude(attempt, Err(Errno::ECONNREFUSED));
        }
    }
}

/// An address as a socket sees it: one that takes both families sees all of them as IPv6.
pub(super) fn seen_by(socket: &Addr, addr: &Addr) -> Addr {
    match (socket, addr) {
        (Addr::Inet(SocketAddr::V6(_)), Addr::Inet(SocketAddr::V4(v4))) => {
            let ip: &Ipv4Addr = v4.ip();
            SocketAddr::new(ip.to_ipv6_mapped().into(), v4.port()).into()
        }
        _ => addr.clone(),
    }
}

/// What users hold of it.
pub(super) struct Listener {
    pub(super) shared: Arc<Shared>,
    pub(super) id: u64,
    pub(super) local: Addr,
}

impl RawListener for Listener {
    fn poll_accept(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<(Box<dyn RawStream>, Addr)>> {
        let accepted = self.shared.with(|world| {
            let poll = world.accept(self.id, cx.waker());
            if poll.is_pending() {
                world.waits_for(|| Wait::Accept(self.local.clone()));
            }
            poll
        });
        accepted.map_ok(|(conn, local, peer)| {
            let shared = Arc::clone(&self.shared);
            let stream = Stream::new(shared, conn, 1, peer.clone(), local);
            (Box::new(stream) as Box<dyn RawStream>, peer)
        })
    }

    fn local_addr(&self) -> io::Result<Addr> {
        Ok(self.local.clone())
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.shared.with(|world| world.stop_listening(self.id));
    }
}
