use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use nix::errno::Errno;

use super::attempt::Attempt;
use super::conditions::Conditions;
use super::conn::Conn;
use super::datagram::Datagrams;
use super::host::{Bound, EPHEMERAL, Host, Protocol};
use super::listener::Listening;
use super::transit::Held;
use crate::runtime::BindOptions;

/// Hosts, sockets and ways of the simulated network.
pub(in super::super) struct Tables {
    pub(super) hosts: Vec<Host>,
    by_ip: BTreeMap<IpAddr, usize>,
    pub(super) names: BTreeMap<String, Vec<IpAddr>>,
    pub(super) conditions: Conditions,
    pub(super) between: BTreeMap<Pair, Conditions>,
    pub(super) partitions: BTreeSet<Pair>,
    pub(super) isolated: BTreeSet<usize>,
    /// What waits for the end of a partition.
    pub(super) held: BTreeMap<Pair, Vec<Held>>,
    /// When each direction of a way has sent what it was given.
    pub(super) free_at: BTreeMap<(usize, usize), u64>,
    /// When the last datagram of each direction arrives.
    pub(super) last_datagram: BTreeMap<(usize, usize), u64>,
    pub(super) conns: BTreeMap<u64, Conn>,
    pub(super) listeners: BTreeMap<u64, Listening>,
    pub(super) attempts: BTreeMap<u64, Attempt>,
    pub(super) datagrams: BTreeMap<u64, Datagrams>,
    next: u64,
}

/// Two hosts, the lower number first.
pub(super) type Pair = (usize, usize);

pub(super) fn pair(a: usize, b: usize) -> Pair {
    (a.min(b), a.max(b))
}

/// What the default host is called by others (RFC 5737 and RFC 3849: for documentation).
const DEFAULT_V4: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const DEFAULT_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);

impl Tables {
    pub(in super::super) fn new() -> Self {
        let mut tables = Self {
            hosts: Vec::new(),
            by_ip: BTreeMap::new(),
            names: BTreeMap::new(),
            conditions: Conditions::new(),
            between: BTreeMap::new(),
            partitions: BTreeSet::new(),
            isolated: BTreeSet::new(),
            held: BTreeMap::new(),
            free_at: BTreeMap::new(),
            last_datagram: BTreeMap::new(),
            conns: BTreeMap::new(),
            listeners: BTreeMap::new(),
            attempts: BTreeMap::new(),
            datagrams: BTreeMap::new(),
            next: 0,
        };
        tables.add_host(vec![DEFAULT_V4.into(), DEFAULT_V6.into()]);
        let localhost = vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
        tables.names.insert("localhost".to_owned(), localhost);
        tables
    }

    pub(super) fn next_id(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// The host of this address, which is made if there is none. The default host has those of the
    /// machine itself.
    pub(in super::super) fn host(&mut self, ip: IpAddr) -> usize {
        let ip = ip.to_canonical();
        if ip.is_loopback() {
            return 0;
        }
        match self.by_ip.get(&ip) {
            Some(host) => *host,
            None => self.add_host(vec![ip]),
        }
    }

    pub(super) fn conditions_between(&self, a: usize, b: usize) -> &Conditions {
        self.between.get(&pair(a, b)).unwrap_or(&self.conditions)
    }

    /// Nothing may be left when every socket is gone.
    #[cfg(test)]
    pub(in super::super) fn assert_empty(&self) {
        let left = [
            self.conns.len(),
            self.attempts.len(),
            self.listeners.len(),
            self.datagrams.len(),
            self.held.len(),
        ];
        assert_eq!(
            left, [0; 5],
            "connections, attempts, listeners, sockets, held"
        );
        for host in &self.hosts {
            let left = [
                host.tcp.len(),
                host.udp.len(),
                host.unix.len(),
                host.client_ports.len(),
            ];
            assert_eq!(
                left, [0; 4],
                "ports of TCP and UDP, files, ports of clients"
            );
        }
    }

    /// The TCP connections between the hosts that are wanted.
    pub(super) fn connections(&self, wanted: impl Fn(Pair) -> bool) -> Vec<u64> {
        let wanted =
            |conn: &Conn| !conn.is_unix() && wanted(pair(conn.ends[0].host, conn.ends[1].host));
        let conns = self.conns.iter().filter(|(_, conn)| wanted(conn));
        conns.map(|(id, _)| *id).collect()
    }

    fn add_host(&mut self, ips: Vec<IpAddr>) -> usize {
        let host = self.hosts.len();
        self.by_ip.extend(ips.iter().map(|ip| (*ip, host)));
        self.hosts.push(Host {
            ips,
            last_port: *EPHEMERAL.end(),
            ..Host::default()
        });
        host
    }

    /// Who is reached from this host under this address.
    pub(super) fn reach(&self, from: usize, ip: IpAddr) -> Option<usize> {
        if ip.is_loopback() || ip.is_unspecified() {
            return Some(from);
        }
        self.by_ip.get(&ip).copied()
    }

    /// The address that a socket of this host has towards that one.
    pub(super) fn source(&self, host: usize, towards: IpAddr) -> Result<IpAddr, Errno> {
        let own = &self.hosts[host].ips;
        if own.contains(&towards) {
            return Ok(towards);
        }
        match towards {
            IpAddr::V4(ip) if ip.is_loopback() || ip.is_unspecified() => {
                Ok(Ipv4Addr::LOCALHOST.into())
            }
            IpAddr::V6(ip) if ip.is_loopback() || ip.is_unspecified() => {
                Ok(Ipv6Addr::LOCALHOST.into())
            }
            other => own
                .iter()
                .find(|ip| ip.is_ipv4() == other.is_ipv4())
                .copied()
                .ok_or(Errno::ENETUNREACH),
        }
    }

    /// Binds a socket; gives its address, with the port.
    pub(super) fn bind(
        &mut self,
        host: usize,
        protocol: Protocol,
        addr: SocketAddr,
        options: &BindOptions,
        id: u64,
    ) -> Result<SocketAddr, Errno> {
        let ip = addr.ip();
        let own = ip.is_unspecified() || ip.is_loopback() || self.hosts[host].ips.contains(&ip);
        if !own {
            return Err(Errno::EADDRNOTAVAIL);
        }
        let port = match addr.port() {
            0 => self.hosts[host].free_port(protocol)?,
            port => port,
        };
        let bound = Bound {
            ip,
            dual: ip.is_ipv6() && options.dual_stack.unwrap_or_else(|| ip.is_unspecified()),
            shared: options.reuse_port,
            id,
        };
        let taken = self.hosts[host].bound(protocol).entry(port).or_default();
        if taken.iter().any(|other| other.clashes(&bound)) {
            return Err(Errno::EADDRINUSE);
        }
        taken.push(bound);
        Ok(SocketAddr::new(ip, port))
    }

    pub(super) fn unbind(&mut self, host: usize, protocol: Protocol, port: u16, id: u64) {
        let ports = self.hosts[host].bound(protocol);
        if let Some(bound) = ports.get_mut(&port) {
            bound.retain(|bound| bound.id != id);
            if bound.is_empty() {
                ports.remove(&port);
            }
        }
    }

    /// The sockets that take what goes to this address: those of the address itself, else those of
    /// all addresses. Several share a port.
    pub(super) fn takers(&mut self, host: usize, protocol: Protocol, to: SocketAddr) -> Vec<u64> {
        let Some(bound) = self.hosts[host].bound(protocol).get(&to.port()) else {
            return Vec::new();
        };
        let exact = bound.iter().filter(|bound| bound.ip == to.ip());
        let exact: Vec<_> = exact.map(|bound| bound.id).collect();
        if !exact.is_empty() {
            return exact;
        }
        let any = bound.iter().filter(|bound| bound.takes(to.ip()));
        any.map(|bound| bound.id).collect()
    }
}
