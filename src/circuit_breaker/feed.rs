use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use event_listener::{Event, EventListener};
use futures_core::Stream;

use super::state::Change;

/// How many changes are kept for those who have not looked yet.
const KEPT: usize = 64;

/// Tells of changes.
#[derive(Debug, Default)]
pub(super) struct Feed {
    log: Mutex<Log>,
    /// Something has changed: the state, or a place is free.
    pub(super) event: Event,
}

#[derive(Debug, Default)]
struct Log {
    kept: VecDeque<Change>,
    /// How many there were before these.
    gone: u64,
    ended: bool,
}

impl Feed {
    /// Adds a change. The event is to be notified where no lock is held.
    pub(super) fn add(&self, change: Change) {
        let mut log = self.log();
        if log.kept.len() == KEPT {
            log.kept.pop_front();
            log.gone += 1;
        }
        log.kept.push_back(change);
    }

    /// There will be no more.
    pub(super) fn end(&self) {
        self.log().ended = true;
        self.event.notify(usize::MAX);
    }

    pub(super) fn changes(self: &Arc<Self>) -> Changes {
        let log = self.log();
        let next = log.gone + log.kept.len() as u64;
        drop(log);
        Changes {
            feed: Arc::clone(self),
            next,
            missed: 0,
            listener: None,
        }
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The changes of the state, as a stream; from [`CircuitBreaker::changes`](super::CircuitBreaker::changes).
///
/// It ends with the last handle of the breaker.
#[must_use = "streams do nothing unless polled"]
pub struct Changes {
    feed: Arc<Feed>,
    /// The number of the first that it has not given.
    next: u64,
    missed: u64,
    listener: Option<EventListener>,
}

impl Changes {
    /// How many were left out because they were not asked for in time.
    #[must_use]
    pub fn missed(&self) -> u64 {
        self.missed
    }

    /// The next if there is one; or else that there is none.
    fn look(&mut self) -> Option<Option<Change>> {
        let log = self.feed.log();
        let missed = log.gone.saturating_sub(self.next);
        self.missed += missed;
        self.next += missed;
        let at = usize::try_from(self.next - log.gone).unwrap_or(usize::MAX);
        match log.kept.get(at) {
            Some(change) => {
                self.next += 1;
                Some(Some(*change))
            }
            None => log.ended.then_some(None),
        }
    }
}

impl Stream for Changes {
    type Item = Change;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Change>> {
        loop {
            if let Some(change) = self.look() {
                return Poll::Ready(change);
            }
            let this = &mut *self;
            match &mut this.listener {
                // What comes from here on is heard; what came before is looked at once more.
                None => this.listener = Some(this.feed.event.listen()),
                Some(listener) => {
                    if Pin::new(listener).poll(cx).is_pending() {
                        return Poll::Pending;
                    }
                    this.listener = None;
                }
            }
        }
    }
}

impl fmt::Debug for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Changes")
            .field("missed", &self.missed)
            .finish_non_exhaustive()
    }
}
