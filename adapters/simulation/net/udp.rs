//! What happens to datagrams between hosts.

use std::net::SocketAddr;
use std::time::Duration;

use nix::errno::Errno;

use super::HELD_UP;
use super::host::Protocol;
use super::transit::Token;
use crate::adapters::simulation::step::Due;
use crate::adapters::simulation::trace::What;
use crate::adapters::simulation::world::World;
use crate::net::Addr;

/// The longest datagram of UDP over IPv4.
const LONGEST: usize = 65_507;

/// A datagram under way.
pub(in super::super) struct Flying {
    pub(super) from_host: usize,
    pub(super) to_host: usize,
    from: Addr,
    to: Addr,
    data: Vec<u8>,
}

impl World {
    pub(super) fn send_udp(
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

    pub(super) fn lose(&mut self, flying: Flying, why: &'static str) {
        self.record(|| What::Drop {
            way: (flying.from, flying.to),
            bytes: flying.data.len(),
            why,
        });
    }
}
