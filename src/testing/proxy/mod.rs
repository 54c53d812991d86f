//! A proxy of TCP that disturbs what goes through it.

mod builder;
mod client;
mod connection;
mod door;
mod error;
mod link;
mod pump;
mod shared;

pub use self::builder::TcpProxyBuilder;
pub use self::error::ProxyError;
pub use self::link::Slowdown;
pub use self::shared::ProxyStatistics;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use self::link::{Processor, Way};
use self::shared::Shared;
use crate::net::Address;
use crate::runtime::Task;

/// Stands between a client and its server, and makes the trouble that networks make: delays, narrow
/// links, garbage, cuts, refusals. For tests of how a client, or a server, gets over them.
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use aiomisc::net::{bind_socket, connect};
/// use aiomisc::testing::TcpProxy;
/// use futures::{AsyncReadExt, AsyncWriteExt};
/// use std::time::Duration;
///
/// # aiomisc::adapters::Smol::new().block_on(async {
/// let mut server = bind_socket("127.0.0.1:0").listen().await?;
/// let proxy = TcpProxy::start(server.local_addr()?.inet().unwrap()).await?;
///
/// let mut client = connect(proxy.addr()).await?;      // in place of the server's address
/// let (mut there, _) = server.accept().await?;
/// proxy.set_read_delay(Duration::from_millis(5));     // from now on, for open connections as well
/// client.write_all(b"hello").await?;
/// let mut word = [0; 5];
/// there.read_exact(&mut word).await?;                 // 5 ms later
///
/// proxy.disconnect_all().await;
/// assert_eq!(client.read(&mut word).await?, 0);
/// proxy.close().await;
/// # Ok::<(), aiomisc::BoxError>(()) }).unwrap();
/// # }
/// ```
///
/// # Two ways
///
/// Each setting is there for both ways, which are called after what the proxy does with its clients:
///
/// | way | from | to |
/// |---|---|---|
/// | *read* | the client, whose requests the proxy reads | the server |
/// | *write* | the server | the client, to whom the proxy writes the answers |
///
/// Every change holds at once, for connections that are open and for what is under way in them.
///
/// # What holds without any setting
///
/// - Bytes go through unchanged, in order, in pieces of up to 64 KiB. Pieces are what one read gave:
///   they are not what somebody wrote, as TCP has no messages.
/// - One way ends when its sender ends it; the other way goes on.
/// - The reset of one end is passed on as a reset, after what arrived before it.
/// - Whoever writes faster than the other end reads has to wait: the proxy reads no more while it keeps
///   64 KiB for that way, or 1 MiB where there is a delay.
/// - A client for whom the target cannot be reached is closed, and [`last_error`](Self::last_error)
///   tells why.
/// - Up to 1024 connections are open at once; more wait to be accepted.
///
/// # Where it runs
///
/// On any runtime, with time and network of that one: in a simulation the delays are exact. Dropping
/// the proxy closes all of it in the background, [`close`](Self::close) waits for that.
#[must_use = "dropping it closes the proxy"]
pub struct TcpProxy {
    shared: Arc<Shared>,
    /// The task that accepts.
    accepting: Option<Task<()>>,
}

impl TcpProxy {
    /// Listens on a port of [`localhost`](super::localhost) that is free, and connects each client
    /// to this address.
    ///
    /// # Errors
    ///
    /// When no port can be listened on;
    /// [`NotConnected`](io::ErrorKind::NotConnected) when no runtime is at hand. That the target can
    /// be reached is seen only when a client comes.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves no socket.
    pub async fn start(target: impl Into<Address>) -> io::Result<Self> {
        Self::builder(target).start().await
    }

    /// Begins a proxy with settings from the beginning.
    pub fn builder(target: impl Into<Address>) -> TcpProxyBuilder {
        TcpProxyBuilder::new(target.into())
    }

    /// Where it listens: what a client connects to.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.shared.door.addr()
    }

    /// Where clients are connected to.
    #[must_use]
    pub fn target(&self) -> &Address {
        &self.shared.target
    }

    /// Sets how long everything takes from the client to the server. Default: no time.
    ///
    /// It is the length of the way, not a pause between two pieces: each arrives that much later than
    /// it was sent, however many are under way. A shorter one lets arrive what is overdue by then, in
    /// order; `Duration::MAX` holds everything back.
    pub fn set_read_delay(&self, delay: Duration) {
        self.shared.change(Way::Read, |link| link.delay = delay);
    }

    /// Sets how long everything takes from the server to the client; as
    /// [`set_read_delay`](Self::set_read_delay).
    pub fn set_write_delay(&self, delay: Duration) {
        self.shared.change(Way::Write, |link| link.delay = delay);
    }

    /// Sets both delays until the guard is dropped, which brings back those of before.
    ///
    /// ```
    /// # async fn example(proxy: aiomisc::testing::TcpProxy) {
    /// use std::time::Duration;
    ///
    /// let slow = proxy.slowdown(Duration::from_millis(100), Duration::from_millis(200));
    /// // … a request and its answer take 300 ms …
    /// drop(slow);
    /// # }
    /// ```
    pub fn slowdown(&self, read: Duration, write: Duration) -> Slowdown<'_> {
        Slowdown::new(&self.shared, read, write)
    }

    /// Sets how many bytes a second go from the client to the server, for each connection; 0 stops
    /// everything, the end of the stream too, and `None` is the default: any number.
    ///
    /// Bytes arrive when their time is over, in pieces of a hundredth of a second.
    pub fn set_read_rate(&self, bytes_per_second: impl Into<Option<u64>>) {
        let rate = bytes_per_second.into();
        self.shared.change(Way::Read, |link| link.rate = rate);
    }

    /// Sets how many bytes a second go from the server to the client; as
    /// [`set_read_rate`](Self::set_read_rate).
    pub fn set_write_rate(&self, bytes_per_second: impl Into<Option<u64>>) {
        let rate = bytes_per_second.into();
        self.shared.change(Way::Write, |link| link.rate = rate);
    }

    /// Changes what goes from the client to the server: the closure gets each piece as it arrives at
    /// the proxy, before any delay, and gives what is sent in its place. Nothing drops the piece.
    ///
    /// All connections share the closure, and it is called for one piece at a time. A panic in it
    /// resets the connection and is the [`last_error`](Self::last_error); the proxy goes on.
    pub fn set_read_processor(&self, change: impl FnMut(Vec<u8>) -> Vec<u8> + Send + 'static) {
        self.set_processor(Way::Read, Some(Processor::new(change)));
    }

    /// Changes what goes from the server to the client; as
    /// [`set_read_processor`](Self::set_read_processor).
    pub fn set_write_processor(&self, change: impl FnMut(Vec<u8>) -> Vec<u8> + Send + 'static) {
        self.set_processor(Way::Write, Some(Processor::new(change)));
    }

    /// Lets bytes go through as they are again, both ways.
    pub fn clear_processors(&self) {
        for way in Way::BOTH {
            self.set_processor(way, None);
        }
    }

    /// Closes all connections, towards both ends, as a program does that is ended: both read the end
    /// of the stream, and what was under way is lost. Gives the number of connections with both ends.
    ///
    /// An end whose bytes the proxy had not read by then, as under a low rate, is told by a reset: so does
    /// the system wherever a program closes a connection with something unread.
    ///
    /// That includes clients that are connected, and were not accepted yet. Who connects again is
    /// welcome.
    ///
    /// # Cancel safety
    ///
    /// Everything is cut at the first poll; the rest only waits for it.
    pub async fn disconnect_all(&self) -> usize {
        self.shared.cut(false).await
    }

    /// As [`disconnect_all`](Self::disconnect_all), with a reset: both ends get
    /// [`ConnectionReset`](io::ErrorKind::ConnectionReset), as when a machine in between lost power.
    ///
    /// # Cancel safety
    ///
    /// As [`disconnect_all`](Self::disconnect_all).
    pub async fn reset_all(&self) -> usize {
        self.shared.cut(true).await
    }

    /// Whether who wants to connect is refused, as by a server that does not run. Connections that are
    /// open go on; those that were not accepted yet are reset.
    ///
    /// The port stays the proxy's meanwhile: `refuse_connections(false)` listens on it again.
    ///
    /// # Errors
    ///
    /// What listening again answers; then it goes on refusing.
    pub fn refuse_connections(&self, refuse: bool) -> io::Result<()> {
        self.shared.refuse(refuse)
    }

    /// How many clients are connected through to the target now.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.connections()
    }

    /// Waits until at least so many clients are connected through to the target at the same time.
    ///
    /// # Cancel safety
    ///
    /// Dropping the wait loses nothing.
    pub async fn wait_connected(&self, clients: usize) {
        self.shared.until(|count| count >= clients).await;
    }

    /// Waits until no client is connected.
    ///
    /// # Cancel safety
    ///
    /// Dropping the wait loses nothing.
    pub async fn wait_disconnected(&self) {
        self.shared.until(|count| count == 0).await;
    }

    /// What went through so far.
    #[must_use]
    pub fn statistics(&self) -> ProxyStatistics {
        self.shared.statistics()
    }

    /// The last trouble that the proxy itself had, and did not make on request. It is in the log as
    /// well.
    #[must_use]
    pub fn last_error(&self) -> Option<ProxyError> {
        self.shared.last_error()
    }

    /// Stops listening, closes all connections as [`disconnect_all`](Self::disconnect_all) does, and
    /// waits until every socket is closed.
    ///
    /// # Cancel safety
    ///
    /// Dropping the wait closes everything in the background.
    pub async fn close(mut self) {
        let clients = self.shared.end();
        if let Some(accepting) = self.accepting.take() {
            // Aborted: there is no result.
            let _ = accepting.cancel().await;
        }
        for client in clients {
            let _ = client.await;
        }
    }

    fn set_processor(&self, way: Way, processor: Option<Processor>) {
        // The one before is the user's, and dropped without our lock.
        let before = self.shared.change(way, |link| {
            std::mem::replace(&mut link.processor, processor)
        });
        drop(before);
    }
}

impl Drop for TcpProxy {
    fn drop(&mut self) {
        drop(self.shared.end());
        if let Some(accepting) = &self.accepting {
            accepting.abort();
        }
    }
}

impl fmt::Debug for TcpProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TcpProxy")
            .field("addr", &self.addr())
            .field("target", self.target())
            .field("connections", &self.connections())
            .finish_non_exhaustive()
    }
}
