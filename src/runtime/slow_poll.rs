//! Polls that hold a thread up for too long.

use std::borrow::Cow;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use pin_project_lite::pin_project;

use super::Runtime;
use super::origin::{Name, Origin};
use super::scope::Scope;
use super::task_list::Listing;

/// A poll that is timed.
pub(super) struct SlowPoll {
    limit: Duration,
    begun: Instant,
}

impl SlowPoll {
    /// Looks at the clock if anybody wants to know.
    pub(super) fn begin(listing: Option<&Listing>, scope: Option<&Scope>) -> Option<Self> {
        let limit = listing?.slow_poll()?;
        Some(Self::now(limit, scope?.runtime()?))
    }

    fn now(limit: Duration, runtime: &Runtime) -> Self {
        let begun = runtime.now();
        Self { limit, begun }
    }

    /// Tells of the poll if it took too long.
    pub(super) fn end(self, runtime: &Runtime, origin: &Origin) {
        let took = runtime.now().saturating_duration_since(self.begun);
        if took >= self.limit {
            let Origin { name, location } = origin;
            tracing::warn!(task = %name, spawned_at = %location, ?took, "a poll was slow: other tasks had to wait");
        }
    }
}

pin_project! {
    /// Times the polls of a future that is no task.
    pub(crate) struct Timed<F> {
        limit: Option<Duration>,
        runtime: Runtime,
        origin: Origin,
        #[pin]
        future: F,
    }
}

impl<F> Timed<F> {
    /// Times them if there is a limit.
    pub(crate) fn new(
        limit: Option<Duration>,
        runtime: &Runtime,
        name: &'static str,
        location: &'static Location<'static>,
        future: F,
    ) -> Self {
        let name = Name::Given(Cow::Borrowed(name));
        Self {
            limit,
            runtime: runtime.unowned(),
            origin: Origin { name, location },
            future,
        }
    }
}

impl<F: Future> Future for Timed<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let timed = this.limit.map(|limit| SlowPoll::now(limit, this.runtime));
        let polled = this.future.poll(cx);
        if let Some(timed) = timed {
            timed.end(this.runtime, this.origin);
        }
        polled
    }
}
