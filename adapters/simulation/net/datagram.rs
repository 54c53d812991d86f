use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::task::{Poll, Waker};
use std::time::Duration;

use nix::errno::Errno;

use super::host::{Protocol, UnixSocket};
use super::listener::seen_by;
use super::transit::Token;
use super::{HELD_UP, ended};
use crate::adapters::simulation::trace::What;
use crate::adapters::simulation::world::{Due, World, park};
use crate::net::{Addr, Received};
use crate::runtime::BindOptions;

/// What a socket keeps for its reader, as on Linux by default; each datagram counts some bytes more.
const BUFFER: usize = 212_992;
const OVERHEAD: usize = 64;

/// The longest datagram of UDP over IPv4.
const LONGEST: usize = 65_507;

/// A bound datagram socket.
pub(super) struct Datagrams {
    host: usize,
    local: Addr,
    queue: VecDeque<(Addr, Vec<u8>)>,
    bytes: usize,
    /// Whether the receiving side is still there, and how many sides there are.
    receives: bool,
    sides: usize,
    reader: Option<Waker>,
    /// Senders to this Unix socket that wait for room.
    room: BTreeMap<u64, Waker>,
}

/// A datagram under way.
pub(in super::super) struct Flying {
    pub(super) from_host: usize,
    pub(super) to_host: usize,
    from: Addr,
    to: Addr,
    data: Vec<u8>,
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

    fn send_udp(
        &mut self,
        host: usize,
        from: SocketAddr,
        to: SocketAddr,
        data: &[u8],
    ) -> Result<(), Errno> {
        let target = SocketAddr::new(to.ip().to_canonical(), to.port());
        match (from.is_ipv4(), target.is_ipv4()) {
            (true, false) => return Err(Errno::EAFNOSUPPORT),
            (false, true) if !from.ip().is_unspecified() => return Err(Errno::ENETUNREACH),
            _ => {}
        }
        if data.len() > LONGEST {
            return Err(Errno::EMSGSIZE);
        }
        if target.port() == 0 {
            return Err(Errno::EINVAL);
        }
        let source = if from.ip().is_unspecified() {
            self.net.source(host, target.ip())?
        } else {
            from.ip()
        };
        let to_host = self.net.reach(host, target.ip());
        if source.is_loopback() && to_host != Some(host) {
            return Err(Errno::EINVAL);
        }
        let (from, to) = (SocketAddr::new(source, from.port()), target);
        self.record(|| What::Send {
            way: (from.into(), to.into()),
            bytes: data.len(),
        });
        let copies = 1 + usize::from(self.is_doubled(host, to_host));
        for _ in 0..copies {
            let flying = Flying {
                from_host: host,
                to_host: to_host.unwrap_or(host),
                from: from.into(),
                to: to.into(),
                data: data.to_vec(),
            };
            match to_host {
                Some(_) => self.fly(flying),
                None => self.lose(flying, "no such host"),
            }
        }
        Ok(())
    }

    fn is_doubled(&mut self, from: usize, to: Option<usize>) -> bool {
        let Some(to) = to else { return false };
        let probability = self.net.conditions_between(from, to).duplicate;
        self.net_chance.hits(probability)
    }

    fn fly(&mut self, flying: Flying) {
        let (from, to) = (flying.from_host, flying.to_host);
        let conditions = self.net.conditions_between(from, to);
        let (loss, reorder) = (conditions.loss, conditions.reorder);
        if self.net_chance.hits(loss) {
            return self.lose(flying, "by chance");
        }
        if self.queue_length(from, to) > Duration::from_secs(1) {
            return self.lose(flying, "no bandwidth left");
        }
        let Some(mut at) = self.arrival(from, to, flying.data.len()) else {
            return self.lose(flying, "a partition");
        };
        let last = self.net.last_datagram.entry((from, to)).or_default();
        if self.net_chance.hits(reorder) {
            let most = u64::try_from(HELD_UP.as_nanos()).unwrap_or(u64::MAX);
            at = at.saturating_add(self.net_chance.between((1, most)));
        } else {
            at = at.max(*last);
            let behind = *last >= self.now;
            *last = at;
            if at <= self.now && !behind {
                return self.datagram_arrives(flying);
            }
        }
        self.plan(at, Due::Arrival(Token::Datagram(Box::new(flying))));
    }

    pub(super) fn datagram_arrives(&mut self, flying: Flying) {
        let Addr::Inet(to) = flying.to else { return };
        let takers = self.net.takers(flying.to_host, Protocol::Udp, to);
        let taker = self.net_chance.below(takers.len());
        let Some(id) = takers.get(taker).copied() else {
            return self.lose(flying, "nobody is there");
        };
        let has_room = match self.net.datagrams.get(&id) {
            Some(socket) if socket.receives => socket.has_room(&flying.data),
            _ => return self.lose(flying, "nobody is there"),
        };
        if !has_room {
            return self.lose(flying, "the receiver's buffer is full");
        }
        self.record(|| What::Deliver {
            way: (flying.from.clone(), flying.to.clone()),
            bytes: flying.data.len(),
        });
        self.deliver(id, &flying.from, flying.data);
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

    fn deliver(&mut self, id: u64, from: &Addr, data: Vec<u8>) {
        if let Some(socket) = self.net.datagrams.get_mut(&id) {
            socket.bytes += data.len() + OVERHEAD;
            let from = seen_by(&socket.local, from);
            socket.queue.push_back((from, data));
            self.wakes.extend(socket.reader.take());
        }
    }

    pub(super) fn lose(&mut self, flying: Flying, why: &'static str) {
        self.record(|| What::Drop {
            way: (flying.from, flying.to),
            bytes: flying.data.len(),
            why,
        });
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
    fn has_room(&self, data: &[u8]) -> bool {
        self.queue.is_empty() || self.bytes + data.len() + OVERHEAD <= BUFFER
    }
}
