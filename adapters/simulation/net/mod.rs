//! The network of a simulation: hosts, sockets in memory, and what can go wrong between them.

mod attempt;
mod conditions;
mod conn;
mod connect;
mod datagram;
mod flight;
mod host;
mod listener;
mod network;
mod socket;
mod stream;
mod tables;
mod transit;
mod udp;

pub use self::conditions::Conditions;
pub use self::network::Network;
pub(super) use self::tables::Tables;
pub(super) use self::transit::Token;

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_core::future::BoxFuture;
use nix::errno::Errno;

use self::connect::{Connect, Target};
use self::listener::Listener;
use self::socket::Socket;
use super::backend::Host;
use super::world::World;
use crate::runtime::{BindOptions, Net, RawDatagram, RawListener, RawStream};

/// How much a stream takes before its reader has to read: 64 KiB in each direction.
pub const WINDOW: usize = 64 * 1024;

/// When a connect to one that does not answer is given up: 127 s, as on Linux by default. Until then
/// it is tried again after 1, 3, 7, 15, 31 and 63 s.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(127);

/// How long a datagram is held up at most that [`Conditions::reorder`] has chosen: 10 ms.
pub const HELD_UP: Duration = Duration::from_millis(10);

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
        // What is no address of a socket is the same error on every runtime.
        socket2::SockAddr::unix(path)?;
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
        // What is no address of a socket is the same error on every runtime.
        socket2::SockAddr::unix(path)?;
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
