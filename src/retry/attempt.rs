use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use pin_project_lite::pin_project;

use crate::runtime::Runtime;
use crate::time::{Elapsed, Sleep};

/// What an attempt knows of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    number: u32,
    time_left: Option<Duration>,
}

impl Attempt {
    pub(crate) fn new(number: u32, time_left: Option<Duration>) -> Self {
        Self { number, time_left }
    }

    /// Its number, from 1 on.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.number
    }

    /// How long it may take, as of its beginning: its own time limit, or what is left until the deadline if
    /// that is less. `None` if there is neither.
    ///
    /// A request to another program may carry it along, so that nobody works on what nobody waits for.
    #[must_use]
    pub fn time_left(&self) -> Option<Duration> {
        self.time_left
    }
}

/// The clock of a call: looked for, and read, when there is something to measure.
#[derive(Default)]
pub(super) struct Clock {
    runtime: Option<Runtime>,
    began: Option<Instant>,
}

impl Clock {
    /// # Panics
    ///
    /// If there is no runtime.
    pub(super) fn runtime(&mut self) -> &Runtime {
        self.runtime
            .get_or_insert_with(|| Runtime::current().unwrap_or_else(|error| panic!("{error}")))
    }

    /// The moment it is, unless there is no runtime.
    pub(super) fn try_now(&mut self) -> Option<Instant> {
        if self.runtime.is_none() {
            self.runtime = Runtime::current().ok();
        }
        self.runtime.as_ref().map(Runtime::now)
    }

    /// Counts the time of the call from here on, unless it has begun.
    pub(super) fn begin(&mut self) {
        if self.began.is_none() {
            self.began = Some(self.runtime().now());
        }
    }

    pub(super) fn begin_at(&mut self, now: Instant) {
        self.began.get_or_insert(now);
    }

    /// How long the call has taken by now.
    pub(super) fn elapsed(&mut self) -> Duration {
        let Some(began) = self.began else {
            return Duration::ZERO;
        };
        self.runtime().now().saturating_duration_since(began)
    }
}

pin_project! {
    /// An attempt that may take so long, from the first time that it has to wait.
    pub(super) struct Limited<'a, F> {
        clock: &'a mut Clock,
        limit: Option<Duration>,
        sleep: Option<Sleep>,
        #[pin]
        attempt: F,
    }
}

impl<'a, F> Limited<'a, F> {
    pub(super) fn new(clock: &'a mut Clock, limit: Option<Duration>, attempt: F) -> Self {
        Self {
            clock,
            limit,
            sleep: None,
            attempt,
        }
    }
}

impl<F: Future> Future for Limited<'_, F> {
    type Output = Result<F::Output, Elapsed>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Poll::Ready(output) = this.attempt.poll(cx) {
            return Poll::Ready(Ok(output));
        }
        let Some(limit) = *this.limit else {
            return Poll::Pending;
        };
        // Only now is a clock needed.
        let sleep = this.sleep.get_or_insert_with(|| {
            this.clock.begin();
            this.clock.runtime().sleep(limit)
        });
        Pin::new(sleep).poll(cx).map(|()| Err(Elapsed))
    }
}
