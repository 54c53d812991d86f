use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures_core::future::BoxFuture;

use super::accept::{self, AcceptOptions, Drain};
use super::{Service, ServiceContext, ServiceOptions};
use crate::error::BoxError;
use crate::net::{Addr, BindSocket, Stream};

/// A server of TCP, or of a Unix socket, depending on its address. Every connection is handled in
/// a task of its own.
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use aiomisc::{TcpServer, services};
/// use futures::{AsyncReadExt, AsyncWriteExt};
///
/// let echo = TcpServer::new("127.0.0.1:0", |mut stream, _peer| async move {
///     let mut buf = [0; 1024];
///     loop {
///         match stream.read(&mut buf).await? {
///             0 => return Ok(()),
///             count => stream.write_all(&buf[..count]).await?,
///         }
///     }
/// });
/// # aiomisc::run(async {}, services![echo]).unwrap();
/// # }
/// ```
///
/// # How it stops
///
/// It takes the connections that wait by then, as far as [`max_connections`](Self::max_connections)
/// lets it, and stops listening. What has arrived on open connections is still read; once a connection is
/// between two requests, its handler reads the end of the stream, as if the client had closed, and
/// ends by itself ([`Drain`] says when exactly). Handlers that take longer than
/// [`drain_limit`](Self::drain_limit) are dropped.
///
/// # Errors of handlers
///
/// An error or panic of a handler ends its connection and goes to the log. Errors of accepting do
/// not end the server: when no descriptor is left, it waits and tries again.
pub struct TcpServer<H> {
    bind: BindSocket,
    handler: Arc<H>,
    name: Option<Cow<'static, str>>,
    accept: AcceptOptions,
    options: ServiceOptions,
    on_listening: Option<Box<OnListening>>,
    local: Mutex<Option<Addr>>,
}

pub(super) type OnListening = dyn Fn(&Addr) + Send + Sync;

/// Handles the connections of a [`TcpServer`]. Closures `|stream, peer| async { … }` do, too.
#[async_trait]
pub trait ConnectionHandler: Send + Sync + 'static {
    /// Handles one connection; dropping the stream closes it.
    async fn handle_client(&self, stream: Stream, peer: Addr) -> Result<(), BoxError>;
}

impl<F, Fut> ConnectionHandler for F
where
    F: Fn(Stream, Addr) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<(), BoxError>> + Send + 'static,
{
    // Written out, so that the closure's future is polled directly.
    fn handle_client<'me: 'job, 'job>(
        &'me self,
        stream: Stream,
        peer: Addr,
    ) -> BoxFuture<'job, Result<(), BoxError>> {
        Box::pin(self(stream, peer))
    }
}

impl<F, Fut> TcpServer<F>
where
    F: Fn(Stream, Addr) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<(), BoxError>> + Send + 'static,
{
    /// Makes a server that listens on this address, or on a
    /// [`bind_socket`](crate::net::bind_socket) with options, and handles connections by a closure.
    #[must_use]
    pub fn new(listen_on: impl Into<BindSocket>, handler: F) -> Self {
        Self::with_handler(listen_on, handler)
    }
}

impl<H: ConnectionHandler> TcpServer<H> {
    /// Makes a server that listens on this address, or on a
    /// [`bind_socket`](crate::net::bind_socket) with options.
    #[must_use]
    pub fn with_handler(listen_on: impl Into<BindSocket>, handler: H) -> Self {
        Self {
            bind: listen_on.into(),
            handler: Arc::new(handler),
            name: None,
            accept: AcceptOptions::default(),
            options: ServiceOptions::default(),
            on_listening: None,
            local: Mutex::new(None),
        }
    }

    /// Gives the service a name.
    #[must_use]
    pub fn name(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Sets how many connections may be open at once. Default: 10 000.
    #[must_use]
    pub fn max_connections(mut self, count: usize) -> Self {
        self.accept.max_connections = count;
        self
    }

    /// Sets how long nothing may move on a connection. Default: no limit.
    #[must_use]
    pub fn idle_limit(mut self, limit: Duration) -> Self {
        self.accept.idle_limit = Some(limit);
        self
    }

    /// Sets when handlers read the end of the stream once the server is stopped.
    #[must_use]
    pub fn drain(mut self, drain: Drain) -> Self {
        self.accept.drain = drain;
        self
    }

    /// Sets how long handlers may take to finish once the server is stopped. Default: 15 s.
    #[must_use]
    pub fn drain_limit(mut self, limit: Duration) -> Self {
        self.accept.drain_limit = limit;
        self
    }

    /// Sets the limits of the service.
    #[must_use]
    pub fn options(mut self, options: ServiceOptions) -> Self {
        self.options = options;
        self
    }

    /// Calls this with the real address as soon as the server listens.
    #[must_use]
    pub fn on_listening(mut self, f: impl Fn(&Addr) + Send + Sync + 'static) -> Self {
        self.on_listening = Some(Box::new(f));
        self
    }

    /// Where it listens, once it has started.
    #[must_use]
    pub fn address(&self) -> Option<Addr> {
        self.local
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The port, once it has started; none for a Unix socket.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        self.address()?.port()
    }
}

#[async_trait]
impl<H: ConnectionHandler> Service for TcpServer<H> {
    fn name(&self) -> Cow<'_, str> {
        Cow::Borrowed(self.name.as_deref().unwrap_or_else(|| self.type_name()))
    }

    async fn start(&self, ctx: ServiceContext) -> Result<(), BoxError> {
        let listener = self
            .bind
            .clone()
            .runtime(ctx.runtime().clone())
            .listen()
            .await?;
        let local = listener.local_addr()?;
        *self.local.lock().unwrap_or_else(PoisonError::into_inner) = Some(local.clone());
        if let Some(on_listening) = &self.on_listening {
            on_listening(&local);
        }
        ctx.ready();
        accept::serve(&ctx, listener, &self.accept, |stream, peer| {
            let handler = Arc::clone(&self.handler);
            async move { handler.handle_client(stream, peer).await }
        })
        .await;
        Ok(())
    }

    fn options(&self) -> ServiceOptions {
        self.options.clone()
    }

    fn check(&self) -> Result<(), BoxError> {
        self.bind.check("tcp")?;
        self.accept.check()
    }
}

impl<H> fmt::Debug for TcpServer<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TcpServer")
            .field("bind", &self.bind)
            .field("accept", &self.accept)
            .finish_non_exhaustive()
    }
}
