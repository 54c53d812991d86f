//! The loop that takes connections, for every server of streams.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::ServiceContext;
use super::crew::Crew;
use super::watched::{Connection, Watched};
use crate::error::BoxError;
use crate::future::{Either, race};
use crate::net::{Addr, Listener, Stream};

/// The limits of a server of streams.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct AcceptOptions {
    /// How many connections may be open at once; more wait in the system's backlog. Default: 10 000.
    pub(super) max_connections: usize,
    /// How long nothing may move on a connection while its handler waits for it; then the handler's
    /// read or write fails with [`TimedOut`](io::ErrorKind::TimedOut). Default: none.
    pub(super) idle_limit: Option<Duration>,
    /// When a handler's reads end once the server is stopped. Default: [`Drain::BetweenRequests`].
    pub(super) drain: Drain,
    /// How long handlers may take to finish once the server is stopped; then they are dropped, and
    /// the log says how many. Default: 15 s.
    pub(super) drain_limit: Duration,
}

/// When the reads of a connection end once its server is stopped, as if the peer had closed.
///
/// What had arrived by then is always read first: no read ends in the first 10 ms, which is long
/// enough for the runtime to hear of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Drain {
    /// When a read would wait and nothing was read since the last write: every request that has
    /// begun to arrive is read to its end and answered. For protocols of request and response.
    #[default]
    BetweenRequests,
    /// When a read would wait. For connections that only receive.
    WhenQuiet,
    /// Not at all: the handler looks out for the stop by itself, for example by
    /// [`Entrypoint::current`](crate::Entrypoint::current) and its
    /// [`closing`](crate::Entrypoint::closing).
    ByHandler,
}

impl AcceptOptions {
    /// What is wrong with these options.
    pub(super) fn check(&self) -> Result<(), BoxError> {
        if self.max_connections == 0 {
            return Err("max_connections must be at least 1, got 0".into());
        }
        if self.idle_limit.is_some_and(|limit| limit.is_zero()) {
            return Err("idle_limit must be above zero".into());
        }
        Ok(())
    }
}

impl Default for AcceptOptions {
    fn default() -> Self {
        Self {
            max_connections: 10_000,
            idle_limit: None,
            drain: Drain::default(),
            drain_limit: Duration::from_secs(15),
        }
    }
}

/// Takes connections until the service is asked to stop, and those that wait by then, each handled in
/// a task of its own; then lets the handlers finish.
pub(super) async fn serve<F, Fut>(
    ctx: &ServiceContext,
    mut listener: Listener,
    options: &AcceptOptions,
    handle: F,
) where
    F: Fn(Stream, Addr) -> Fut,
    Fut: Future<Output = Result<(), BoxError>> + Send + 'static,
{
    let crew = Crew::new(ctx.clone());
    let mut pause = Pause::new(ctx);
    let take = |(stream, peer): (Stream, Addr)| {
        let connection = Arc::new(Connection::default());
        let member = Arc::clone(&connection);
        let (drain, idle) = (options.drain, options.idle_limit);
        let stream = Watched::wrap(stream, connection, drain, idle, ctx.runtime());
        crew.spawn(member, peer.clone(), handle(stream, peer));
    };
    let accept_all = async {
        loop {
            while crew.len() >= options.max_connections {
                let one_leaves = crew.one_leaves();
                if crew.len() >= options.max_connections {
                    one_leaves.await;
                }
            }
            match listener.accept().await {
                Ok(accepted) => {
                    pause.over();
                    take(accepted);
                }
                Err(error) if concerns_connection(&error) => {
                    tracing::debug!(service = %ctx.name(), %error, "a connection was lost");
                }
                Err(error) => pause.wait(&error).await,
            }
        }
    };
    let Either::First(()) = race(ctx.stopping(), accept_all).await;
    // Who has connected by now may have written: closing the listener would reset them. No more than
    // there is room for, so that others who go on connecting do not hold up the stop.
    for _ in crew.len()..options.max_connections {
        match listener.accept_ready() {
            Ok(Some(accepted)) => take(accepted),
            Err(error) if concerns_connection(&error) => {}
            Ok(None) | Err(_) => break,
        }
    }
    drop(listener);
    let cut = crew.drain(options.drain_limit).await;
    if cut > 0 {
        tracing::warn!(
            service = %ctx.name(),
            connections = cut,
            "cut after the drain limit"
        );
    }
}

/// Whether an accept failed because of the one connection that it was about.
fn concerns_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
    )
}

/// Waits a growing time after errors that concern the whole server, such as too many open files:
/// they would come again at once.
pub(super) struct Pause<'a> {
    ctx: &'a ServiceContext,
    next: Duration,
}

impl<'a> Pause<'a> {
    const FIRST: Duration = Duration::from_millis(5);
    const LONGEST: Duration = Duration::from_secs(1);

    pub(super) fn new(ctx: &'a ServiceContext) -> Self {
        Self {
            ctx,
            next: Self::FIRST,
        }
    }

    /// Says so at the first of several errors, then waits.
    pub(super) async fn wait(&mut self, error: &io::Error) {
        if self.next == Self::FIRST {
            tracing::warn!(service = %self.ctx.name(), %error, "cannot take what comes in; waiting");
        }
        self.ctx.runtime().sleep(self.next).await;
        self.next = (self.next * 2).min(Self::LONGEST);
    }

    pub(super) fn over(&mut self) {
        if self.next != Self::FIRST {
            tracing::info!(service = %self.ctx.name(), "taking again what comes in");
            self.next = Self::FIRST;
        }
    }
}
