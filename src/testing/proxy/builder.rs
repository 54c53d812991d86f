use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::TcpProxy;
use super::door::Door;
use super::link::{Link, Links, Processor, Way};
use super::shared::{Shared, accept};
use crate::net::Address;
use crate::runtime::Runtime;
use crate::testing::localhost;

/// A proxy about to be started; from [`TcpProxy::builder`].
#[derive(Debug)]
#[must_use = "nothing listens until `start`"]
pub struct TcpProxyBuilder {
    target: Address,
    listen_on: Option<SocketAddr>,
    runtime: Option<Runtime>,
    links: Links,
}

impl TcpProxyBuilder {
    pub(super) fn new(target: Address) -> Self {
        Self {
            target,
            listen_on: None,
            runtime: None,
            links: Links::default(),
        }
    }

    /// Sets where to listen. Default: [`localhost`](crate::testing::localhost), any port.
    pub fn listen_on(mut self, addr: SocketAddr) -> Self {
        self.listen_on = Some(addr);
        self
    }

    /// Sets the runtime whose network and time it uses. Default: the current one.
    pub fn runtime(mut self, runtime: impl Into<Runtime>) -> Self {
        self.runtime = Some(runtime.into());
        self
    }

    /// Sets both delays; see [`TcpProxy::set_read_delay`]. Default: none.
    pub fn delay(self, read: Duration, write: Duration) -> Self {
        self.with(Way::Read, |link| link.delay = read)
            .with(Way::Write, |link| link.delay = write)
    }

    /// Sets both rates, in bytes a second; see [`TcpProxy::set_read_rate`]. Default: any.
    pub fn rate(self, read: impl Into<Option<u64>>, write: impl Into<Option<u64>>) -> Self {
        self.with(Way::Read, |link| link.rate = read.into())
            .with(Way::Write, |link| link.rate = write.into())
    }

    /// See [`TcpProxy::set_read_processor`]. Default: bytes go through as they are.
    pub fn read_processor(self, change: impl FnMut(Vec<u8>) -> Vec<u8> + Send + 'static) -> Self {
        let processor = Processor::new(change);
        self.with(Way::Read, |link| link.processor = Some(processor))
    }

    /// See [`TcpProxy::set_write_processor`]. Default: bytes go through as they are.
    pub fn write_processor(self, change: impl FnMut(Vec<u8>) -> Vec<u8> + Send + 'static) -> Self {
        let processor = Processor::new(change);
        self.with(Way::Write, |link| link.processor = Some(processor))
    }

    /// Listens.
    ///
    /// # Errors
    ///
    /// As [`TcpProxy::start`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves no socket.
    pub async fn start(self) -> io::Result<TcpProxy> {
        let runtime = match self.runtime {
            Some(runtime) => runtime,
            None => Runtime::current()
                .map_err(|error| io::Error::new(io::ErrorKind::NotConnected, error))?,
        };
        // Its own tasks must not keep the runtime alive.
        let runtime = runtime.unowned();
        let addr = self
            .listen_on
            .unwrap_or_else(|| SocketAddr::from((localhost(), 0)));
        let door = Door::open(runtime.clone(), addr).await?;
        let shared = Arc::new(Shared::new(runtime.clone(), self.target, door, self.links));
        let accepting = runtime.task("tcp proxy").spawn(accept(Arc::clone(&shared)));
        Ok(TcpProxy {
            shared,
            accepting: Some(accepting),
        })
    }

    fn with(mut self, way: Way, set: impl FnOnce(&mut Link)) -> Self {
        set(self.links.way(way));
        self
    }
}
