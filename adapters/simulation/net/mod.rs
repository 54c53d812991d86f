//! The network of a simulation: hosts, sockets in memory, and what can go wrong between them.

mod conditions;
mod connect;
mod datagram;
mod listener;
mod stream;
mod tables;
mod transit;

pub use self::conditions::Conditions;
pub(super) use self::tables::Tables;
pub(super) use self::transit::Token;

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_core::future::BoxFuture;
use nix::errno::Errno;

use self::connect::{Connect, Target};
use self::datagram::Socket;
use self::listener::Listener;
use self::tables::pair;
use super::Host;
use super::shared::Shared;
use super::trace::What;
use super::world::{Due, World};
use crate::runtime::{BindOptions, Net, RawDatagram, RawListener, RawStream};

/// How much a stream takes before its reader has to read: 64 KiB in each direction.
pub const WINDOW: usize = 64 * 1024;

/// When a connect to one that does not answer is given up: 127 s, as on Linux by default. Until then
/// it is tried again after 1, 3, 7, 15, 31 and 63 s.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(127);

/// How long a datagram is held up at most that [`Conditions::reorder`] has chosen: 10 ms.
pub const HELD_UP: Duration = Duration::from_millis(10);

/// The network of a simulation, to make it bad; from
/// [`Simulation::network`](super::Simulation::network).
///
/// Everything may be changed at any time, from inside and outside of tasks, and by a schedule
/// ([`at`](Self::at), [`after`](Self::after)). Hosts are named by their address; the default host by
/// `127.0.0.1` or `::1`. Nothing here concerns Unix sockets.
#[derive(Clone)]
pub struct Network {
    shared: Arc<Shared>,
}

impl Network {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Sets the conditions between all hosts, and within each, except where
    /// [`set_between`](Self::set_between) has said otherwise. What is under way stays so.
    #[allow(clippy::needless_pass_by_value, reason = "it is given away")]
    pub fn set(&self, conditions: Conditions) {
        self.change("new conditions", None, |world, _| {
            world.net.conditions = conditions;
        });
    }

    /// Sets the conditions between two hosts, in both directions. The same host twice means what it
    /// sends to itself.
    pub fn set_between(&self, a: IpAddr, b: IpAddr, conditions: Conditions) {
        self.change("new conditions", Some((a, b)), |world, ends| {
            world.net.between.insert(ends, conditions);
        });
    }

    /// Separates two hosts until [`heal`](Self::heal): streams wait, datagrams are lost, and who
    /// connects hears nothing.
    pub fn partition(&self, a: IpAddr, b: IpAddr) {
        self.change("partition", Some((a, b)), |world, ends| {
            world.net.partitions.insert(ends);
        });
    }

    /// Ends the partition between two hosts. Streams go on at once with what was written meanwhile;
    /// who connects goes on at its next try (see [`CONNECT_TIMEOUT`]).
    pub fn heal(&self, a: IpAddr, b: IpAddr) {
        self.change("healed", Some((a, b)), |world, ends| {
            world.net.partitions.remove(&ends);
            world.release();
        });
    }

    /// Separates a host from all others until [`rejoin`](Self::rejoin).
    pub fn isolate(&self, host: IpAddr) {
        self.change("isolated", Some((host, host)), |world, (host, _)| {
            world.net.isolated.insert(host);
        });
    }

    /// Ends the isolation of a host.
    pub fn rejoin(&self, host: IpAddr) {
        self.change("rejoined", Some((host, host)), |world, (host, _)| {
            world.net.isolated.remove(&host);
            world.release();
        });
    }

    /// Ends all partitions and isolations.
    pub fn heal_all(&self) {
        self.change("healed", None, |world, _| {
            world.net.partitions.clear();
            world.net.isolated.clear();
            world.release();
        });
    }

    /// Resets every TCP connection that there is between two hosts, at both ends: what has arrived
    /// can still be read, then comes [`ConnectionReset`](io::ErrorKind::ConnectionReset). What is
    /// under way is lost. New connections can be made at once.
    pub fn cut(&self, a: IpAddr, b: IpAddr) {
        self.change("cut", Some((a, b)), |world, ends| {
            for conn in world.net.connections(ends) {
                world.cut(conn);
            }
            world.cut_attempts(|a, b| pair(a, b) == ends);
        });
    }

    /// Resets every TCP connection that there is; see [`cut`](Self::cut).
    pub fn cut_all(&self) {
        self.change("cut", None, |world, _| {
            for conn in world.net.all_connections() {
                world.cut(conn);
            }
            world.cut_attempts(|_, _| true);
        });
    }

    /// Makes every TCP connection that there is between two hosts half-open, as when the peer lost
    /// its power: nothing arrives any more, at either end, and nobody is told. Writes are taken until
    /// the [`WINDOW`] is full. New connections are not concerned.
    pub fn vanish(&self, a: IpAddr, b: IpAddr) {
        self.change("connections vanish", Some((a, b)), |world, ends| {
            for conn in world.net.connections(ends) {
                if let Some(conn) = world.net.conns.get_mut(&conn) {
                    conn.vanished = true;
                }
            }
        });
    }

    /// Gives a host a name, which [`connect`](crate::net::connect) and
    /// [`bind_socket`](crate::net::bind_socket) find; may be called again for more addresses of the
    /// name. `localhost` is there; the system is never asked for names.
    pub fn name(&self, name: impl Into<String>, ip: IpAddr) {
        let name = name.into();
        self.shared.with(|world| {
            let ips = world.net.names.entry(name).or_default();
            if !ips.contains(&ip) {
                ips.push(ip);
            }
        });
    }

    /// Changes the network at a moment, counted from the start of the simulation; at once if that is
    /// over.
    pub fn at(&self, since_start: Duration, change: impl FnOnce(&Self) + Send + 'static) {
        let at = u64::try_from(since_start.as_nanos()).unwrap_or(u64::MAX);
        self.shared.with(|world| {
            let change: super::world::Script = Box::new(change);
            if !world.ended {
                world.plan(at, Due::Script(change));
            }
        });
    }

    /// Changes the network so much later than now.
    pub fn after(&self, pause: Duration, change: impl FnOnce(&Self) + Send + 'static) {
        let now = Duration::from_nanos(self.shared.lock().now);
        self.at(now.saturating_add(pause), change);
    }

    fn change(
        &self,
        what: &'static str,
        between: Option<(IpAddr, IpAddr)>,
        f: impl FnOnce(&mut World, (usize, usize)),
    ) {
        self.shared.with(|world| {
            world.record(|| What::Network { what, between });
            let ends = between.map_or((0, 0), |(a, b)| pair(world.net.host(a), world.net.host(b)));
            f(world, ends);
        });
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Network").finish_non_exhaustive()
    }
}

impl Tables {
    pub(super) fn conditions_between(&self, a: usize, b: usize) -> &Conditions {
        self.between.get(&pair(a, b)).unwrap_or(&self.conditions)
    }

    fn connections(&self, ends: (usize, usize)) -> Vec<u64> {
        let between = |conn: &stream::Conn| pair(conn.ends[0].host, conn.ends[1].host) == ends;
        self.those(between)
    }

    fn all_connections(&self) -> Vec<u64> {
        self.those(|_| true)
    }

    fn those(&self, wanted: impl Fn(&stream::Conn) -> bool) -> Vec<u64> {
        let conns = self.conns.iter();
        conns
            .filter(|(_, conn)| !conn.is_unix() && wanted(conn))
            .map(|(id, _)| *id)
            .collect()
    }
}

/// What sockets answer once their simulation has ended.
fn ended() -> io::Error {
    io::Error::new(io::ErrorKind::NotConnected, "the simulation has ended")
}

impl Net for Host {
    fn connect_tcp(&self, addr: SocketAddr) -> BoxFuture<'static, io::Result<Box<dyn RawStream>>> {
        self.connect(Target::Tcp(addr))
    }

    fn connect_unix(&self, path: PathBuf) -> BoxFuture<'static, io::Result<Box<dyn RawStream>>> {
        self.connect(Target::Unix(path))
    }

    fn listen_tcp(
        &self,
        addr: SocketAddr,
        options: &BindOptions,
    ) -> io::Result<Box<dyn RawListener>> {
        self.listener(options, |world| {
            world.listen_tcp(self.number, addr, options)
        })
    }

    fn listen_unix(&self, path: &Path, options: &BindOptions) -> io::Result<Box<dyn RawListener>> {
        self.listener(options, |world| {
            world.listen_unix(self.number, path, options)
        })
    }

    fn bind_udp(
        &self,
        addr: SocketAddr,
        options: &BindOptions,
    ) -> io::Result<Box<dyn RawDatagram>> {
        self.datagrams(options, |world| world.bind_udp(self.number, addr, options))
    }

    fn bind_unix_datagram(
        &self,
        path: &Path,
        options: &BindOptions,
    ) -> io::Result<Box<dyn RawDatagram>> {
        self.datagrams(options, |world| world.bind_unix(self.number, path))
    }

    fn resolve(
        &self,
        host: &str,
        port: u16,
    ) -> Option<BoxFuture<'static, io::Result<Vec<SocketAddr>>>> {
        let found = self.shared.lock().net.names.get(host).cloned();
        let found = found.ok_or_else(|| {
            let text = format!("`{host}` is no name of this simulation (`Network::name`)");
            io::Error::new(io::ErrorKind::NotFound, text)
        });
        let found = found.map(|ips| ips.into_iter().map(|ip| (ip, port).into()).collect());
        Some(Box::pin(std::future::ready(found)))
    }
}

impl Host {
    fn connect(&self, to: Target) -> BoxFuture<'static, io::Result<Box<dyn RawStream>>> {
        Box::pin(Connect {
            shared: Arc::clone(&self.shared),
            host: self.number,
            to,
            attempt: None,
        })
    }

    fn listener(
        &self,
        options: &BindOptions,
        listen: impl FnOnce(&mut World) -> Result<(u64, crate::net::Addr), Errno>,
    ) -> io::Result<Box<dyn RawListener>> {
        let (id, local) = self.make(options, listen)?;
        Ok(Box::new(Listener {
            shared: Arc::clone(&self.shared),
            id,
            local,
        }))
    }

    fn datagrams(
        &self,
        options: &BindOptions,
        bind: impl FnOnce(&mut World) -> Result<(u64, crate::net::Addr), Errno>,
    ) -> io::Result<Box<dyn RawDatagram>> {
        let (id, local) = self.make(options, bind)?;
        Ok(Box::new(Socket {
            shared: Arc::clone(&self.shared),
            id,
            local,
        }))
    }

    fn make<T>(
        &self,
        options: &BindOptions,
        make: impl FnOnce(&mut World) -> Result<T, Errno>,
    ) -> io::Result<T> {
        if options.configure.is_some() {
            let text = "a simulated socket has no descriptor to configure";
            return Err(io::Error::new(io::ErrorKind::Unsupported, text));
        }
        self.shared.with(|world| {
            if world.ended {
                return Err(ended());
            }
            make(world).map_err(Into::into)
        })
    }
}
