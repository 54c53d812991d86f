use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::conditions::Conditions;
use super::tables::pair;
use crate::adapters::simulation::shared::Shared;
use crate::adapters::simulation::step::{Due, Script};
use crate::adapters::simulation::trace::What;
use crate::adapters::simulation::world::World;

/// The network of a simulation, to make it bad; from
/// [`Simulation::network`](crate::adapters::Simulation::network).
///
/// Everything may be changed at any time, from inside and outside of tasks, and by a schedule
/// ([`at`](Self::at), [`after`](Self::after)). Hosts are named by their address; the default host by
/// `127.0.0.1` or `::1`. Nothing here concerns Unix sockets.
#[derive(Clone)]
pub struct Network {
    shared: Arc<Shared>,
}

impl Network {
    pub(in super::super) fn new(shared: Arc<Shared>) -> Self {
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

    /// Ends the partition between two hosts. Streams go on at once with what was written meanwhile,
    /// as fast as the [`Conditions`] let it through; who connects goes on at its next try (see [`CONNECT_TIMEOUT`](super::CONNECT_TIMEOUT)).
    pub fn heal(&self, a: IpAddr, b: IpAddr) {
        self.change("healed", Some((a, b)), |world, ends| {
            world.net.partitions.remove(&ends);
            world.release();
        });
    }

    /// Separates a host from all others until [`rejoin`](Self::rejoin).
    pub fn isolate(&self, host: IpAddr) {
        self.change("isolation", Some((host, host)), |world, (host, _)| {
            world.net.isolated.insert(host);
        });
    }

    /// Ends the isolation of a host.
    pub fn rejoin(&self, host: IpAddr) {
        self.change(
            "end of the isolation",
            Some((host, host)),
            |world, (host, _)| {
                world.net.isolated.remove(&host);
                world.release();
            },
        );
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
    /// can still be read, then comes [`ConnectionReset`](std::io::ErrorKind::ConnectionReset). What is
    /// under way is lost. New connections can be made at once.
    pub fn cut(&self, a: IpAddr, b: IpAddr) {
        self.change("cut", Some((a, b)), |world, ends| {
            for conn in world.net.connections(|pair| pair == ends) {
                world.cut(conn);
            }
            world.cut_attempts(|a, b| pair(a, b) == ends);
        });
    }

    /// Resets every TCP connection that there is; see [`cut`](Self::cut).
    pub fn cut_all(&self) {
        self.change("cut", None, |world, _| {
            for conn in world.net.connections(|_| true) {
                world.cut(conn);
            }
            world.cut_attempts(|_, _| true);
        });
    }

    /// Makes every TCP connection that there is between two hosts half-open, as when the peer lost
    /// its power: nothing arrives any more, at either end, and nobody is told. Writes are taken until
    /// the [`WINDOW`](super::WINDOW) is full. New connections are not concerned.
    pub fn vanish(&self, a: IpAddr, b: IpAddr) {
        self.change("connections vanish", Some((a, b)), |world, ends| {
            for conn in world.net.connections(|pair| pair == ends) {
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
        let mut change: Option<Script> = Some(Box::new(change));
        self.shared.with(|world| {
            if !world.ended
                && let Some(change) = change.take()
            {
                world.plan(at, Due::Script(change));
            }
        });
        // One that comes after the end is dropped here, without the lock.
        drop(change);
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
