use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::{Duration, Instant};

use futures_io::{AsyncRead, AsyncWrite};

use super::accept::Drain;
use super::crew::Member;
use crate::net::{Addr, Stream};
use crate::runtime::{RawStream, Runtime, Sleep};

/// A connection as its server sees it.
#[derive(Default)]
pub(super) struct Connection {
    finishing: AtomicBool,
    /// Whoever waits to read.
    reader: Mutex<Option<Waker>>,
}

impl Connection {
    fn is_finishing(&self) -> bool {
        self.finishing.load(Ordering::SeqCst)
    }

    /// Remembers who waits to read, until the end.
    fn reads(&self, waker: Waker) {
        let mut reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        let old = reader.replace(waker);
        drop(reader);
        drop(old);
    }
}

impl Member for Connection {
    fn finish(&self) {
        self.finishing.store(true, Ordering::SeqCst);
        let reader = self
            .reader
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(reader) = reader {
            reader.wake();
        }
    }
}

/// A stream that ends for its handler when the server drains, and fails when nothing moves for too
/// long.
pub(super) struct Watched {
    raw: Box<dyn RawStream>,
    connection: Arc<Connection>,
    drain: Drain,
    /// Whom the connection knows as its reader.
    reader: Option<Waker>,
    /// Whether bytes were read since the last write: a request that is not answered yet.
    in_request: bool,
    runtime: Runtime,
    grace: Grace,
    idle: Option<Idle>,
}

/// A moment after the server was told to finish, in which reads only wait: what has arrived may be
/// in the system without the runtime having heard of it.
enum Grace {
    Before,
    Running(Pin<Box<dyn Sleep>>),
    /// A turn of the reactor that was held up may end a sleep that was set after it had looked at
    /// the system. What is set now ends in a later turn, which has looked since.
    LastTurn(Pin<Box<dyn Sleep>>),
    Over,
}

impl Grace {
    const LENGTH: Duration = Duration::from_millis(10);
    const LAST_TURN: Duration = Duration::from_millis(1);

    /// Whether it is over, which is told once more after it has become so: the timer may have come
    /// before what the same turn has found, and the stream is to be looked at again.
    fn is_over(&mut self, runtime: &Runtime, cx: &mut Context<'_>) -> bool {
        loop {
            *self = match self {
                Self::Before => Self::Running(runtime.backend().sleep(Self::LENGTH)),
                Self::Running(sleep) => {
                    if sleep.as_mut().poll(cx).is_pending() {
                        return false;
                    }
                    Self::LastTurn(runtime.backend().sleep(Self::LAST_TURN))
                }
                Self::LastTurn(sleep) => {
                    if sleep.as_mut().poll(cx).is_ready() {
                        *self = Self::Over;
                        cx.waker().wake_by_ref();
                    }
                    return false;
                }
                Self::Over => return true,
            };
        }
    }
}

impl Watched {
    pub(super) fn wrap(
        stream: Stream,
        connection: Arc<Connection>,
        drain: Drain,
        idle_limit: Option<Duration>,
        runtime: &Runtime,
    ) -> Stream {
        Stream::from_raw(Box::new(Self {
            raw: stream.into_raw(),
            connection,
            drain,
            reader: None,
            in_request: false,
            runtime: runtime.clone(),
            grace: Grace::Before,
            idle: idle_limit.map(|limit| Idle::new(limit, runtime.clone())),
        }))
    }

    /// Whether a read that would wait is the end of the stream.
    fn is_over(&mut self, cx: &mut Context<'_>) -> bool {
        let may_end = match self.drain {
            Drain::BetweenRequests => !self.in_request,
            Drain::WhenQuiet => true,
            Drain::ByHandler => false,
        };
        if !may_end || !self.connection.is_finishing() {
            return false;
        }
        self.grace.is_over(&self.runtime, cx)
    }

    fn wrote(
        &mut self,
        cx: &mut Context<'_>,
        polled: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        match polled {
            Poll::Ready(Ok(count)) => {
                self.in_request &= count == 0;
                self.moved(|idle| &mut idle.write);
                Poll::Ready(Ok(count))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => self.poll_idle(cx, |idle| &mut idle.write).map(Err),
        }
    }

    fn moved(&mut self, wait: fn(&mut Idle) -> &mut Wait) {
        if let Some(idle) = &mut self.idle {
            idle.moved = Some(idle.runtime.now());
            wait(idle).since = None;
        }
    }

    #[inline]
    fn poll_idle(
        &mut self,
        cx: &mut Context<'_>,
        wait: fn(&mut Idle) -> &mut Wait,
    ) -> Poll<io::Error> {
        match &mut self.idle {
            Some(idle) => idle.poll(cx, wait),
            None => Poll::Pending,
        }
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        if let Poll::Ready(outcome) = Pin::new(&mut *self.raw).poll_read(cx, buf) {
            if let Ok(count) = outcome {
                self.in_request |= count > 0;
                self.moved(|idle| &mut idle.read);
            }
            return Poll::Ready(outcome);
        }
        // Whoever sets the flag wakes the reader after that: it is looked at after the reader is
        // known.
        let reader = self.reader.as_ref();
        if !reader.is_some_and(|known| known.will_wake(cx.waker())) {
            self.connection.reads(cx.waker().clone());
            self.reader = Some(cx.waker().clone());
        }
        if self.is_over(cx) {
            return Poll::Ready(Ok(0));
        }
        self.poll_idle(cx, |idle| &mut idle.read).map(Err)
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut *self.raw).poll_write(cx, buf);
        self.wrote(cx, polled)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut *self.raw).poll_write_vectored(cx, bufs);
        self.wrote(cx, polled)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.raw).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.raw).poll_close(cx)
    }
}

impl RawStream for Watched {
    fn local_addr(&self) -> io::Result<Addr> {
        self.raw.local_addr()
    }

    fn peer_addr(&self) -> io::Result<Addr> {
        self.raw.peer_addr()
    }

    fn set_nodelay(&self, on: bool) -> io::Result<()> {
        self.raw.set_nodelay(on)
    }

    fn reset_on_drop(&self) -> io::Result<()> {
        self.raw.reset_on_drop()
    }
}

/// Notices that nothing moves. A timer runs on while bytes move, and is set anew only when it
/// fires: once in a limit's time, not once for each operation.
struct Idle {
    limit: Duration,
    runtime: Runtime,
    /// When bytes moved last, in either direction.
    moved: Option<Instant>,
    /// One for each direction, since they may be polled by different tasks.
    read: Wait,
    write: Wait,
}

#[derive(Default)]
struct Wait {
    since: Option<Instant>,
    timer: Option<Pin<Box<dyn Sleep>>>,
}

impl Idle {
    fn new(limit: Duration, runtime: Runtime) -> Self {
        Self {
            limit,
            runtime,
            moved: None,
            read: Wait::default(),
            write: Wait::default(),
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>, wait: fn(&mut Self) -> &mut Wait) -> Poll<io::Error> {
        let (limit, moved, runtime) = (self.limit, self.moved, self.runtime.clone());
        let wait = wait(self);
        let since = *wait.since.get_or_insert_with(|| runtime.now());
        let timer = wait
            .timer
            .get_or_insert_with(|| runtime.backend().sleep(limit));
        loop {
            ready!(timer.as_mut().poll(cx));
            let quiet = runtime
                .now()
                .saturating_duration_since(moved.unwrap_or(since).max(since));
            if quiet >= limit {
                wait.since = None;
                wait.timer = None;
                let text = format!("nothing moved on the connection for {limit:?}");
                return Poll::Ready(io::Error::new(io::ErrorKind::TimedOut, text));
            }
            timer.as_mut().reset(limit.saturating_sub(quiet));
        }
    }
}
