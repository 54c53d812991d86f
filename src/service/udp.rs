use std::borrow::Cow;
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use pin_project_lite::pin_project;

use super::accept::Pause;
use super::crew::{Crew, Member};
use super::packet::{Mailbox, Packet};
use super::tcp::OnListening;
use super::{Service, ServiceContext, ServiceOptions};
use crate::error::{BoxError, Chain, end_of_panic};
use crate::future::{Either, race, yield_now};
use crate::net::{
    Addr, BindSocket, DatagramSender, DatagramSocket, MAX_BATCH, RecvBatch, SendBatch,
};

/// A server of UDP, or of a Unix datagram socket, depending on its address.
///
/// Datagrams are received and sent in batches. A handler that never has to wait runs where they are
/// received, without a task and without an allocation; one that waits goes on in a task of its own.
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use aiomisc::{UdpServer, services};
///
/// let echo = UdpServer::new("127.0.0.1:0", |packet| async move {
///     Ok(packet.reply(packet.data()).await?)
/// });
/// # aiomisc::run(async {}, services![echo]).unwrap();
/// # }
/// ```
///
/// # How it stops
///
/// It stops receiving, lets the handlers that wait finish until the limit, sends what they sent,
/// and closes the socket.
pub struct UdpServer<H> {
    bind: BindSocket,
    handler: Arc<H>,
    name: Option<Cow<'static, str>>,
    limits: Limits,
    options: ServiceOptions,
    on_listening: Option<Box<OnListening>>,
    local: Mutex<Option<Addr>>,
    mailbox: Arc<Mailbox>,
}

/// More than any system gives in one datagram.
const MAX_SIZE: usize = 16 * 1024 * 1024;

#[derive(Clone, Debug)]
struct Limits {
    max_size: usize,
    max_waiting: usize,
    drain: Duration,
}

/// Handles the datagrams of a [`UdpServer`]. Closures `|packet| async { … }` do, too.
pub trait DatagramHandler: Send + Sync + 'static {
    /// Handles one datagram.
    fn handle_datagram(&self, packet: Packet) -> impl Future<Output = Result<(), BoxError>> + Send;
}

impl<F, Fut> DatagramHandler for F
where
    F: Fn(Packet) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<(), BoxError>> + Send,
{
    async fn handle_datagram(&self, packet: Packet) -> Result<(), BoxError> {
        self(packet).await
    }
}

impl<F, Fut> UdpServer<F>
where
    F: Fn(Packet) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<(), BoxError>> + Send,
{
    /// Makes a server that receives on this address, or on a
    /// [`bind_socket`](crate::net::bind_socket) with options, and handles datagrams by a closure.
    #[must_use]
    pub fn new(bind_to: impl Into<BindSocket>, handler: F) -> Self {
        Self::with_handler(bind_to, handler)
    }
}

impl<H: DatagramHandler> UdpServer<H> {
    /// Makes a server that receives on this address, or on a
    /// [`bind_socket`](crate::net::bind_socket) with options.
    #[must_use]
    pub fn with_handler(bind_to: impl Into<BindSocket>, handler: H) -> Self {
        let limits = Limits {
            max_size: 65_535,
            max_waiting: 1024,
            drain: Duration::from_secs(15),
        };
        Self {
            bind: bind_to.into(),
            handler: Arc::new(handler),
            name: None,
            limits,
            options: ServiceOptions::default(),
            on_listening: None,
            local: Mutex::new(None),
            mailbox: Mailbox::new(),
        }
    }

    /// Gives the service a name.
    #[must_use]
    pub fn name(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Sets the size of the largest datagram in bytes; longer ones are cut, and say so. Default:
    /// 65 535, that is any of UDP. At most 16 MiB; room is made for 32 of them.
    #[must_use]
    pub fn max_size(mut self, bytes: usize) -> Self {
        self.limits.max_size = bytes;
        self
    }

    /// Sets how many handlers may wait at once; meanwhile datagrams stay in the system's buffer,
    /// which drops what it cannot hold. Default: 1024.
    #[must_use]
    pub fn max_waiting(mut self, count: usize) -> Self {
        self.limits.max_waiting = count;
        self
    }

    /// Sets how long handlers may take to finish once the server is stopped. Default: 15 s.
    #[must_use]
    pub fn drain_limit(mut self, limit: Duration) -> Self {
        self.limits.drain = limit;
        self
    }

    /// Sets the limits of the service.
    #[must_use]
    pub fn options(mut self, options: ServiceOptions) -> Self {
        self.options = options;
        self
    }

    /// Calls this with the real address as soon as the server receives.
    #[must_use]
    pub fn on_listening(mut self, f: impl Fn(&Addr) + Send + Sync + 'static) -> Self {
        self.on_listening = Some(Box::new(f));
        self
    }

    /// Where it receives, once it has started.
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

    /// Sends a datagram from the server's socket; see [`Packet::send_to`].
    ///
    /// # Errors
    ///
    /// [`NotConnected`](io::ErrorKind::NotConnected) when the server does not run.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future before it is ready sends nothing.
    pub async fn send_to(&self, data: &[u8], to: &Addr) -> io::Result<()> {
        self.mailbox.send_to(data, to).await
    }
}

#[async_trait]
impl<H: DatagramHandler> Service for UdpServer<H> {
    fn name(&self) -> Cow<'_, str> {
        Cow::Borrowed(self.name.as_deref().unwrap_or_else(|| self.type_name()))
    }

    async fn start(&self, ctx: ServiceContext) -> Result<(), BoxError> {
        let socket = self
            .bind
            .clone()
            .runtime(ctx.runtime().clone())
            .datagram()
            .await?;
        let local = socket.local_addr()?;
        *self.local.lock().unwrap_or_else(PoisonError::into_inner) = Some(local.clone());
        if let Some(on_listening) = &self.on_listening {
            on_listening(&local);
        }
        let outgoing = Outgoing {
            sender: socket.sender()?,
            batch: SendBatch::new(),
            mailbox: Arc::clone(&self.mailbox),
        };
        let _open = Open::new(&self.mailbox);
        ctx.ready();
        let (handler, mailbox) = (&self.handler, &self.mailbox);
        serve(&ctx, socket, outgoing, &self.limits, |data, received| {
            let packet = Packet::new(data, received, mailbox);
            let handler = Arc::clone(handler);
            async move { handler.handle_datagram(packet).await }
        })
        .await;
        Ok(())
    }

    fn options(&self) -> ServiceOptions {
        self.options.clone()
    }

    fn check(&self) -> Result<(), BoxError> {
        self.bind.check("udp")?;
        if self.limits.max_size == 0 {
            return Err("max_size must be at least 1, got 0".into());
        }
        if self.limits.max_size > MAX_SIZE {
            let size = self.limits.max_size;
            return Err(format!("max_size must be at most {MAX_SIZE}, got {size}").into());
        }
        if self.limits.max_waiting == 0 {
            return Err("max_waiting must be at least 1, got 0".into());
        }
        Ok(())
    }
}

impl<H> fmt::Debug for UdpServer<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UdpServer")
            .field("bind", &self.bind)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// Keeps a mailbox open while the server runs, however it ends.
struct Open<'a>(&'a Mailbox);

impl<'a> Open<'a> {
    fn new(mailbox: &'a Mailbox) -> Self {
        mailbox.open();
        Self(mailbox)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}

async fn serve<F, Fut>(
    ctx: &ServiceContext,
    mut socket: DatagramSocket,
    mut outgoing: Outgoing,
    limits: &Limits,
    handle: F,
) where
    F: Fn(&[u8], crate::net::Received) -> Fut,
    Fut: Future<Output = Result<(), BoxError>> + Send + 'static,
{
    let crew = Crew::new(ctx.clone());
    let mut batch = RecvBatch::new(MAX_BATCH, limits.max_size);
    let mut pause = Pause::new(ctx);
    let receive_all = async {
        let mut place: Option<Pin<Box<Place<Fut>>>> = None;
        let mut rounds = 0_u32;
        loop {
            while crew.len() >= limits.max_waiting {
                let one_leaves = crew.one_leaves();
                if crew.len() >= limits.max_waiting {
                    race(one_leaves, outgoing.send_forever(ctx)).await;
                }
            }
            // Each of them may have to wait.
            batch.limit(limits.max_waiting.saturating_sub(crew.len()));
            match outgoing
                .send_until(ctx, |cx| socket.poll_recv_batch(cx, &mut batch))
                .await
            {
                Ok(()) => pause.over(),
                // An answer of ours did not arrive: its loss, not the server's.
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => continue,
                Err(error) => {
                    pause.wait(&error).await;
                    continue;
                }
            }
            for (data, received) in batch.iter() {
                let peer = received.from.clone();
                let mut slot = place
                    .take()
                    .unwrap_or_else(|| Box::pin(Place { job: None }));
                slot.as_mut().fill(handle(data, received.clone()));
                match poll_once(slot.as_mut()).await {
                    Ok(Poll::Ready(Ok(()))) => place = Some(slot),
                    Ok(Poll::Ready(Err(error))) => {
                        place = Some(slot);
                        let (service, error) = (ctx.name(), Chain(&*error).to_string());
                        tracing::warn!(%service, %peer, %error, "handler failed");
                    }
                    Ok(Poll::Pending) => crew.spawn(Arc::new(Waiting), peer, slot),
                    Err(panic) => {
                        let (service, panic) = (ctx.name(), end_of_panic(panic));
                        tracing::error!(%service, %peer, %panic, "handler panicked");
                    }
                }
            }
            // On an executor without a budget of its own, one that always finds something must
            // still let others run.
            rounds += 1;
            if rounds.is_multiple_of(8) {
                outgoing.send_some(ctx).await;
                yield_now().await;
            }
        }
    };
    let Either::First(()) = race(ctx.stopping(), receive_all).await;
    let drained = race(crew.drain(limits.drain), outgoing.send_forever(ctx)).await;
    if let Either::First(cut @ 1..) = drained {
        tracing::warn!(
            service = %ctx.name(),
            handlers = cut,
            "cut after the drain limit"
        );
    }
    outgoing.mailbox.close();
    // What the system does not take within a moment is lost, as datagrams are.
    let _ = ctx
        .runtime()
        .timeout(Duration::from_secs(1), outgoing.flush(ctx))
        .await;
}

/// The sending side of the loop.
struct Outgoing {
    sender: DatagramSender,
    batch: SendBatch,
    mailbox: Arc<Mailbox>,
}

impl Outgoing {
    /// How often the queue is emptied before something else has its turn.
    const ROUNDS: u32 = 2;

    /// Sends what there is; ready when nothing is left.
    fn poll_flush(&mut self, cx: &mut Context<'_>, service: &str) -> Poll<()> {
        for _ in 0..Self::ROUNDS {
            if self.batch.is_empty() {
                self.mailbox.take(&mut self.batch);
                if self.batch.is_empty() {
                    return Poll::Ready(());
                }
            }
            match self.sender.poll_send_batch(cx, &mut self.batch) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(error)) => tracing::debug!(%service, %error, "cannot send"),
                Poll::Pending => return Poll::Pending,
            }
        }
        // Who fills it as fast as it is emptied does so on another thread, for ever: nothing would
        // be received meanwhile, nor the stop heard of.
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    async fn flush(&mut self, ctx: &ServiceContext) {
        poll_fn(|cx| self.poll_flush(cx, ctx.name())).await;
    }

    /// Sends what can be sent at once.
    async fn send_some(&mut self, ctx: &ServiceContext) {
        poll_fn(|cx| {
            // The rest goes out with what comes next.
            let _ = self.poll_flush(cx, ctx.name());
            Poll::Ready(())
        })
        .await;
    }

    /// Sends whatever there is, until something else is ready.
    async fn send_until<T>(
        &mut self,
        ctx: &ServiceContext,
        mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> T {
        poll_fn(|cx| {
            loop {
                let sent = self.poll_flush(cx, ctx.name());
                if let Poll::Ready(value) = poll(cx) {
                    return Poll::Ready(value);
                }
                if sent.is_pending() || self.mailbox.sleep(cx) {
                    return Poll::Pending;
                }
            }
        })
        .await
    }

    async fn send_forever(&mut self, ctx: &ServiceContext) -> std::convert::Infallible {
        self.send_until(ctx, |_| Poll::Pending).await
    }
}

/// A handler that has to wait. There is nothing to tell it: its datagram is all it will get.
struct Waiting;

impl Member for Waiting {
    fn finish(&self) {}
}

pin_project! {
    /// A place for a handler's future, used again for the next one.
    struct Place<F> {
        #[pin]
        job: Option<F>,
    }
}

impl<F> Place<F> {
    fn fill(self: Pin<&mut Self>, job: F) {
        self.project().job.set(Some(job));
    }
}

impl<F: Future> Future for Place<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut job = self.project().job;
        let Some(future) = job.as_mut().as_pin_mut() else {
            return Poll::Pending;
        };
        let output = std::task::ready!(future.poll(cx));
        job.set(None);
        Poll::Ready(output)
    }
}

/// Polls a future once; its panic is a value.
async fn poll_once<F: Future>(
    mut future: Pin<&mut F>,
) -> Result<Poll<F::Output>, crate::future::Panic> {
    poll_fn(|cx| Poll::Ready(catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))))).await
}
