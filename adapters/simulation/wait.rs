use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::net::Addr;

/// What a task waits for, as far as the simulation knows.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Wait {
    Sleep(Option<u64>),
    Read {
        local: Addr,
        peer: Addr,
    },
    Write {
        local: Addr,
        peer: Addr,
    },
    Accept(Addr),
    Connect(SocketAddr),
    ConnectUnix(PathBuf),
    Receive(Addr),
    Send {
        to: Addr,
    },
    /// What a part of the library has told.
    Other(String),
}

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sleep(Some(until)) => write!(f, "sleeping until {}", At(*until)),
            Self::Sleep(None) => f.write_str("sleeping for ever"),
            Self::Read { local, peer } => {
                write!(f, "reading from {} {peer} -> {local}", stream(peer, local))
            }
            Self::Write { local, peer } => {
                write!(f, "writing to {} {local} -> {peer}", stream(local, peer))
            }
            Self::Accept(addr) => write!(f, "accepting on {} {addr}", stream(addr, addr)),
            Self::Connect(addr) => write!(f, "connecting to tcp {addr}"),
            Self::ConnectUnix(path) => write!(f, "connecting to unix {}", path.display()),
            Self::Receive(addr) => write!(f, "receiving on {} {addr}", datagram(addr)),
            Self::Other(what) => f.write_str(what),
            Self::Send { to } => write!(f, "sending to {} {to}", datagram(to)),
        }
    }
}

fn stream(one: &Addr, other: &Addr) -> &'static str {
    match (one, other) {
        (Addr::Inet(_), _) | (_, Addr::Inet(_)) => "tcp",
        _ => "unix",
    }
}

fn datagram(addr: &Addr) -> &'static str {
    if addr.inet().is_some() { "udp" } else { "unix" }
}

/// A moment, as the time since the start.
pub(super) struct At(pub(super) u64);

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "+{:?}", Duration::from_nanos(self.0))
    }
}
