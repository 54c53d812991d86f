use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use super::Shared;
use super::error::NotSet;
use super::key::Key;
use super::slot::{Look, Slot};
use super::waiting::Origin;
use crate::runtime::Runtime;
use crate::time;

/// Waits for a value; from [`Context::get`](super::Context::get).
#[must_use = "futures do nothing unless polled"]
pub struct Get<'a, T: Send + Sync + 'static> {
    context: &'a Shared,
    key: Key<T>,
    location: &'static Location<'static>,
    /// From the moment that it waits.
    wait: Option<Wait<'a, T>>,
}

/// A place among those who wait; dropping it gives it up.
struct Wait<'a, T> {
    slot: &'a Slot<T>,
    ticket: u64,
}

impl<T> Drop for Wait<'_, T> {
    fn drop(&mut self) {
        self.slot.leave(self.ticket);
    }
}

impl<'a, T: Clone + Send + Sync + 'static> Get<'a, T> {
    #[inline]
    pub(super) fn new(
        context: &'a Shared,
        key: Key<T>,
        location: &'static Location<'static>,
    ) -> Self {
        Self {
            context,
            key,
            location,
            wait: None,
        }
    }

    /// Waits no longer than this, counted from the first poll.
    ///
    /// # Errors
    ///
    /// [`NotSet`], which names the key and the limit; or says that the context is closed.
    ///
    /// # Panics
    ///
    /// With the text of [`NoRuntime`](crate::runtime::NoRuntime), when it has to wait and no runtime
    /// is at hand.
    ///
    /// # Cancel safety
    ///
    /// Dropping the wait loses nothing and disturbs nobody.
    pub async fn within(self, limit: Duration) -> Result<T, NotSet> {
        let label = self.key.label();
        let limited = match &self.context.runtime {
            Some(runtime) => runtime.timeout(limit, self),
            None => time::timeout(limit, self),
        };
        match limited.await {
            Ok(result) => result,
            Err(time::Elapsed { .. }) => Err(NotSet::within(label, limit)),
        }
    }

    #[cold]
    fn wait(&mut self, cx: &mut TaskContext<'_>) -> Poll<Result<T, NotSet>> {
        let waker = cx.waker().clone();
        let look = match &self.wait {
            Some(wait) => wait.slot.check(wait.ticket, waker),
            None => {
                let slot = self.context.table.find_or_add(&self.key);
                let ticket = self.context.ticket.fetch_add(1, Ordering::Relaxed);
                let look = slot.enlist(ticket, waker, self.origin());
                if matches!(look, Look::Nothing) {
                    self.wait = Some(Wait { slot, ticket });
                }
                look
            }
        };
        let result = match look {
            Look::Nothing => {
                self.tell();
                return Poll::Pending;
            }
            Look::Value(value) => Ok(Arc::unwrap_or_clone(value)),
            Look::Closed => Err(NotSet::closed(self.key.label())),
        };
        self.wait = None;
        Poll::Ready(result)
    }

    /// For the runtime's reports.
    fn tell(&self) {
        if let Some(runtime) = self.runtime() {
            let (key, location) = (&self.key, self.location);
            let what = format_args!("waiting for the key {key} at {location}");
            runtime.backend().waits_for(&what);
        }
    }

    fn origin(&self) -> Origin {
        Origin {
            service: (self.context.asker)(),
            location: self.location,
            since: self.runtime().map(|runtime| runtime.now()),
        }
    }

    fn runtime(&self) -> Option<Runtime> {
        let of_context = self.context.runtime.as_ref();
        of_context.cloned().or_else(|| Runtime::current().ok())
    }
}

impl<T: Clone + Send + Sync + 'static> Future for Get<'_, T> {
    type Output = Result<T, NotSet>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        if self.wait.is_none()
            && let Some(slot) = self.context.table.find(&self.key)
            && let Some(value) = slot.read()
        {
            return Poll::Ready(Ok(value));
        }
        self.wait(cx)
    }
}

impl<T: Send + Sync + 'static> fmt::Debug for Get<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Get")
            .field("key", &self.key)
            .field("location", &format_args!("{}", self.location))
            .finish_non_exhaustive()
    }
}
