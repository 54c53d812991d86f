use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::task::{Poll, Waker};

use nix::errno::Errno;

use super::ended;
use super::host::{Protocol, UnixSocket};
use super::listener::seen_by;
use crate::adapters::simulation::step::park;
use crate::adapters::simulation::trace::What;
use crate::adapters::simulation::world::World;
use crate::net::{Addr, Received};
use crate::runtime::BindOptions;

/// What a socket keeps for its reader, as on Linux by default; each datagram counts some bytes more.
const BUFFER: usize = 212_992;
const OVERHEAD: usize = 64;

/// A bound datagram socket.
pub(super) struct Datagrams {
    host: usize,
    local: Addr,
    queue: VecDeque<(Addr, Vec<u8>)>,
    bytes: usize,
    /// Whether the receiving side is still there, and how many sides there are.
    pub(super) receives: bool,
    sides: usize,
    reader: Option<Waker>,
    /// Senders to this Unix socket that wait for room.
    room: BTreeMap<u64, Waker>,
}

impl World {
    pub(super) fn bind_udp(
        &mut self,
        host: usize,
        addr: SocketAddr,
        options: &BindOptions,
    ) -> Result<(u64, Addr), Errno> {
        let id = self.net.next_id();
        let addr = self.net.bind(host, Protocol::Udp, addr, options, id)?;
        Ok((id, self.bound(id, host, addr.into())))
    }

    pub(super) fn bind_unix(&mut self, host: usize, path: &Path) -> Result<(u64, Addr), Errno> {
        let id = self.net.next_id();
        let files = &mut self.net.hosts[host].unix;
        if files.contains_key(path) {
            return Err(Errno::EADDRINUSE);
        }
        files.insert(path.to_owned(), UnixSocket::Datagrams(id));
        Ok((id, self.bound(id, host, Addr::Unix(Some(path.to_owned())))))
    }

    fn bound(&mut self, id: u64, host: usize, local: Addr) -> Addr {
        let socket = Datagrams {
            host,
            local: local.clone(),
            queue: VecDeque::new(),
            bytes: 0,
            receives: true,
            sides: 1,
            reader: None,
            room: BTreeMap::new(),
        };
        self.net.datagrams.insert(id, socket);
        self.record(|| What::Bind(local.clone()));
        local
    }

    pub(super) fn send(
        &mut self,
        id: u64,
        sender: u64,
        data: &[u8],
        to: &Addr,
        waker: &Waker,
    ) -> Poll<io::Result<()>> {
        let Some(socket) = self.net.datagrams.get(&id) else {
            return Poll::Ready(Err(ended()));
        };
        let (host, local) = (socket.host, socket.local.clone());
        match (&local, to) {
            (Addr::Inet(from), Addr::Inet(to)) => {
                Poll::Ready(self.send_udp(host, *from, *to, data).map_err(Into::into))
            }
            (Addr::Unix(_), Addr::Unix(Some(path))) => {
                let peer = match self.net.hosts[host].unix.get(path) {
                    Some(UnixSocket::Datagrams(peer)) => *peer,
                    Some(UnixSocket::Listener(_)) => {
                        return Poll::Ready(Err(Errno::EPROTOTYPE.into()));
                    }
                    None => return Poll::Ready(Err(Errno::ENOENT.into())),
                };
                self.send_unix(peer, sender, &local, data, waker)
            }
            (Addr::Unix(_), Addr::Unix(None)) => Poll::Ready(Err(Errno::EINVAL.into())),
            _ => Poll::Ready(Err(Errno::EAFNOSUPPORT.into())),
        }
    }

    fn send_unix(
        &mut self,
        peer: u64,
        sender: u64,
        from: &Addr,
        data: &[u8],
        waker: &Waker,
    ) -> Poll<io::Result<()>> {
        let socket = match self.net.datagrams.get_mut(&peer) {
            Some(socket) if socket.receives => socket,
            _ => return Poll::Ready(Err(Errno::ECONNREFUSED.into())),
        };
        if data.len() > BUFFER {
            return Poll::Ready(Err(Errno::EMSGSIZE.into()));
        }
        if !socket.has_room(data) {
            let old = socket.room.insert(sender, waker.clone());
            self.trash.extend(old);
            return Poll::Pending;
        }
        let to = socket.local.clone();
        self.record(|| What::Deliver {
            way: (from.clone(), to),
            bytes: data.len(),
        });
        self.deliver(peer, from, data.to_vec());
        Poll::Ready(Ok(()))
    }

    pub(super) fn deliver(&mut self, id: u64, from: &Addr, data: Vec<u8>) {
        if let Some(socket) = self.net.datagrams.get_mut(&id) {
            socket.bytes += data.len() + OVERHEAD;
            let from = seen_by(&socket.local, from);
            socket.queue.push_back((from, data));
            self.wakes.extend(socket.reader.take());
        }
    }

    pub(super) fn receive(
        &mut self,
        id: u64,
        buf: &mut [u8],
        waker: &Waker,
    ) -> Poll<io::Result<Received>> {
        let Some(socket) = self.net.datagrams.get_mut(&id) else {
            return Poll::Ready(Err(ended()));
        };
        let Some((from, data)) = socket.queue.pop_front() else {
            park(&mut socket.reader, waker, &mut self.trash);
            return Poll::Pending;
        };
        socket.bytes -= data.len() + OVERHEAD;
        self.wakes
            .extend(std::mem::take(&mut socket.room).into_values());
        let len = data.len().min(buf.len());
        buf[..len].copy_from_slice(&data[..len]);
        Poll::Ready(Ok(Received::new(len, from, data.len() > len)))
    }

    pub(super) fn add_side(&mut self, id: u64) -> io::Result<u64> {
        let number = self.net.next_id();
        let socket = self.net.datagrams.get_mut(&id).ok_or_else(ended)?;
        socket.sides += 1;
        Ok(number)
    }

    pub(super) fn drop_side(&mut self, id: u64, receiver: bool) {
        let Some(socket) = self.net.datagrams.get_mut(&id) else {
            return;
        };
        socket.sides -= 1;
        if receiver {
            socket.receives = false;
            socket.queue = VecDeque::new();
            self.trash.extend(socket.reader.take());
            // Who waits for room is told that nobody is there.
            self.wakes
                .extend(std::mem::take(&mut socket.room).into_values());
        }
        if socket.sides > 0 {
            return;
        }
        if let Some(socket) = self.net.datagrams.remove(&id) {
            match &socket.local {
                Addr::Inet(addr) => self.net.unbind(socket.host, Protocol::Udp, addr.port(), id),
                Addr::Unix(path) => {
                    let path = path.as_deref().unwrap_or_else(|| "".as_ref());
                    self.net.hosts[socket.host].unix.remove(path);
                }
            }
        }
    }
}

impl Datagrams {
    pub(super) fn has_room(&self, data: &[u8]) -> bool {
        self.queue.is_empty() || self.bytes + data.len() + OVERHEAD <= BUFFER
    }
}
