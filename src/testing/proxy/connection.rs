//! A client that is connected through to the target.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use event_listener::EventListener;

use super::error::ProxyError;
use super::link::{CHUNK, Way};
use super::pump::{Fault, Pump};
use super::shared::Shared;
use crate::net::Stream;

/// After so many pieces at once other tasks have their turn.
const TURN: usize = 16;

/// The two ends, which are closed when this is dropped, or reset if that is asked for.
pub(super) struct Ends {
    pub(super) client: Stream,
    pub(super) server: Option<Stream>,
    pub(super) reset: Arc<AtomicBool>,
}

impl Ends {
    pub(super) fn reset(&self) {
        self.reset.store(true, Ordering::Relaxed);
    }
}

impl Drop for Ends {
    fn drop(&mut self) {
        if self.reset.load(Ordering::Relaxed) {
            for end in [Some(&self.client), self.server.as_ref()] {
                // Where it cannot be reset, it is closed.
                let _ = end.map(Stream::reset_on_drop);
            }
        }
    }
}

/// Carries bytes both ways until both have ended.
pub(super) struct Connection<'a> {
    shared: &'a Shared,
    ends: &'a mut Ends,
    read: Pump,
    write: Pump,
    changed: EventListener,
    buf: Vec<u8>,
}

impl<'a> Connection<'a> {
    pub(super) fn new(shared: &'a Shared, ends: &'a mut Ends) -> Self {
        Self {
            changed: shared.changed.listen(),
            shared,
            ends,
            read: Pump::new(),
            write: Pump::new(),
            buf: vec![0; CHUNK],
        }
    }

    /// Moves a piece each way; whether anything moved.
    fn turn(&mut self, cx: &mut Context<'_>) -> bool {
        let mut moved = false;
        for way in Way::BOTH {
            match self.turn_of(way, cx) {
                Ok(some) => moved |= some,
                Err(fault) => {
                    self.take(way, fault);
                    moved = true;
                }
            }
        }
        moved
    }

    fn turn_of(&mut self, way: Way, cx: &mut Context<'_>) -> Result<bool, Fault> {
        let Self { shared, ends, .. } = self;
        let Ends { client, server, .. } = &mut **ends;
        let Some(server) = server else {
            return Ok(false);
        };
        let (pump, from, to) = match way {
            Way::Read => (&mut self.read, client, server),
            Way::Write => (&mut self.write, server, client),
        };
        let (link, runtime) = (|| shared.link(way), &shared.runtime);
        let was_over = pump.is_over();
        let read = pump.read(cx, from, link, runtime, &mut self.buf)?;
        let sent = pump.write(cx, to, &link(), runtime)?;
        shared.counts.add(way, sent);
        Ok(read || sent > 0 || pump.is_over() != was_over)
    }

    /// An end is gone: nothing is for it any more, and what it sent before is passed on.
    fn take(&mut self, way: Way, fault: Fault) {
        let (along, against) = match way {
            Way::Read => (&mut self.read, &mut self.write),
            Way::Write => (&mut self.write, &mut self.read),
        };
        match fault {
            Fault::Sender(error) => {
                tracing::debug!(?way, %error, "a sender is gone");
                against.give_up();
            }
            Fault::Receiver(error) => {
                tracing::debug!(?way, %error, "a receiver is gone");
                along.give_up();
                against.sender_is_lost();
            }
            Fault::Processor(panic) => {
                self.shared.note(ProxyError::Processor(panic));
                along.give_up();
                against.give_up();
            }
        }
        self.ends.reset();
    }
}

impl Future for Connection<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let me = self.get_mut();
        while Pin::new(&mut me.changed).poll(cx).is_ready() {
            me.changed = me.shared.changed.listen();
        }
        for _ in 0..TURN {
            let moved = me.turn(cx);
            if me.read.is_over() && me.write.is_over() {
                return Poll::Ready(());
            }
            if !moved {
                return Poll::Pending;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}
