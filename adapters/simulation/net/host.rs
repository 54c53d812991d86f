use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::PathBuf;

use nix::errno::Errno;

/// A machine of the simulated network, and its ports.
#[derive(Default)]
pub(super) struct Host {
    pub(super) ips: Vec<IpAddr>,
    pub(super) tcp: BTreeMap<u16, Vec<Bound>>,
    pub(super) udp: BTreeMap<u16, Vec<Bound>>,
    /// Ports of connections that were made from here.
    pub(super) client_ports: BTreeSet<u16>,
    pub(super) unix: BTreeMap<PathBuf, UnixSocket>,
    pub(super) last_port: u16,
}

/// A socket that was bound to a port.
pub(super) struct Bound {
    pub(super) ip: IpAddr,
    pub(super) dual: bool,
    pub(super) shared: bool,
    pub(super) id: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UnixSocket {
    Listener(u64),
    Datagrams(u64),
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    Tcp,
    Udp,
}

/// The ports that are given out (RFC 6335, the dynamic ones).
pub(super) const EPHEMERAL: std::ops::RangeInclusive<u16> = 49_152..=65_535;

impl Host {
    pub(super) fn bound(&mut self, protocol: Protocol) -> &mut BTreeMap<u16, Vec<Bound>> {
        match protocol {
            Protocol::Tcp => &mut self.tcp,
            Protocol::Udp => &mut self.udp,
        }
    }

    /// The next port that nobody uses.
    pub(super) fn free_port(&mut self, protocol: Protocol) -> Result<u16, Errno> {
        for _ in EPHEMERAL {
            self.last_port = match self.last_port {
                u16::MAX => *EPHEMERAL.start(),
                port => port + 1,
            };
            let port = self.last_port;
            let used = self.bound(protocol).contains_key(&port)
                || protocol == Protocol::Tcp && self.client_ports.contains(&port);
            if !used {
                return Ok(port);
            }
        }
        Err(Errno::EADDRNOTAVAIL)
    }
}

impl Bound {
    pub(super) fn takes(&self, ip: IpAddr) -> bool {
        self.ip.is_unspecified() && (self.ip.is_ipv4() == ip.is_ipv4() || self.dual)
    }

    pub(super) fn clashes(&self, other: &Self) -> bool {
        let overlap = self.ip == other.ip || self.takes(other.ip) || other.takes(self.ip);
        overlap && !(self.shared && other.shared)
    }
}
