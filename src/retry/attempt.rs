use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use pin_project_lite::pin_project;

use crate::runtime::Runtime;
use crate::time::Sleep;

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

    /// It, where so much of its time has passed before it could begin.
    pub(crate) fn after(self, passed: Duration) -> Self {
        let left = self.time_left.map(|left| left.saturating_sub(passed));
        Self::new(self.number, left)
    }

    /// It, where something takes care that it takes no longer than this.
    pub(crate) fn within(self, limit: Duration) -> Self {
        let left = self.time_left.map_or(limit, |left| left.min(limit));
        Self::new(self.number, Some(left))
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
    #[inline]
    pub(super) fn elapsed(&mut self) -> Duration {
        self.began.map_or(Duration::ZERO, |began| self.since(began))
    }

    #[cold]
    fn since(&mut self, began: Instant) -> Duration {
        self.runtime().now().saturating_duration_since(began)
    }
}

pin_project! {
    /// An attempt that may take so long, from the first time that it has to wait, and no longer than until
    /// the deadline of the call.
    pub(super) struct Limited<'a, F> {
        clock: &'a mut Clock,
        limits: Limits,
        over: Over,
        sleep: Option<Sleep>,
        #[pin]
        attempt: F,
    }
}

/// What an attempt is limited by.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    pub(super) attempt_timeout: Option<Duration>,
    pub(super) deadline: Option<Duration>,
}

/// Which of its limits an attempt has met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Over {
    Attempt,
    Deadline,
}

impl Limits {
    /// How long an attempt may take, as things are, and what is over then.
    #[inline]
    pub(super) fn left(self, clock: &mut Clock) -> (Option<Duration>, Over) {
        let limit = self.attempt_timeout;
        let left = self
            .deadline
            .map(|deadline| deadline.saturating_sub(clock.elapsed()));
        if left.is_some_and(|left| limit.is_none_or(|limit| left <= limit)) {
            (left, Over::Deadline)
        } else {
            (limit, Over::Attempt)
        }
    }
}

impl<'a, F> Limited<'a, F> {
    pub(super) fn new(clock: &'a mut Clock, limits: Limits, attempt: F) -> Self {
        Self {
            clock,
            limits,
            over: Over::Attempt,
            sleep: None,
            attempt,
        }
    }
}

impl<F: Future> Future for Limited<'_, F> {
    type Output = Result<F::Output, Over>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Poll::Ready(output) = this.attempt.poll(cx) {
            return Poll::Ready(Ok(output));
        }
        let Limits {
            attempt_timeout,
            deadline,
        } = *this.limits;
        if attempt_timeout.is_none() && deadline.is_none() {
            return Poll::Pending;
        }
        // Only now is a clock needed. What the attempt did until it had to wait counts for the deadline.
        let sleep = this.sleep.get_or_insert_with(|| {
            this.clock.begin();
            let (left, over) = this.limits.left(this.clock);
            *this.over = over;
            this.clock.runtime().sleep(left.unwrap_or(Duration::MAX))
        });
        Pin::new(sleep).poll(cx).map(|()| Err(*this.over))
    }
}
