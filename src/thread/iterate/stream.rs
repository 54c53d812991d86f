use std::fmt;
use std::future::poll_fn;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use futures_core::stream::{FusedStream, Stream};

use super::bridge::Consumer;
use super::error::IterateError;
use super::produce::Failure;
use crate::error::{end_of_panic, error_text};
use crate::flag::Flag;
use crate::runtime::{Origin, Runtime};
use crate::thread::Job;

/// A stream of what an iterator on a thread gives; from [`iterate`](super::iterate) and
/// [`Iterate`](super::Iterate).
///
/// Dropping it stops the producer at its next item, and does not wait for it; [`close`](Self::close) waits
/// until it has cleaned up. A panic or an error that it ends with after the drop goes to the log.
///
/// # Errors
///
/// An item is `Err` when the producer has panicked, failed or could not begin: the last one, after all that
/// were produced before.
///
/// # Cancel safety
///
/// Items are lost by no dropped wait: what was not handed out comes next. A single poll may find nothing
/// although an item has just come, if [`max_size`](Self::max_size) is 128 or more: it asks to be polled
/// again at once, and finds it within 15 turns.
#[must_use = "dropping it stops the producer"]
pub struct ThreadedIter<T> {
    consumer: Consumer<T>,
    /// Until it has told how the producer has ended.
    job: Option<Job<Result<(), Failure>>>,
    origin: Origin,
    max_size: usize,
    /// Nothing of the producer is left.
    over: Arc<Flag>,
    /// The panic of an item that was dropped by `close`.
    panicked: Option<String>,
}

impl<T> ThreadedIter<T> {
    pub(super) fn new(
        consumer: Consumer<T>,
        job: Job<Result<(), Failure>>,
        origin: Origin,
        max_size: usize,
        over: Arc<Flag>,
    ) -> Self {
        Self {
            consumer,
            job: Some(job),
            origin,
            max_size,
            over,
            panicked: None,
        }
    }

    /// Waits for the next item; `None` at the end.
    ///
    /// # Errors
    ///
    /// Those of the [stream](Self#errors).
    ///
    /// # Cancel safety
    ///
    /// Dropping the wait loses nothing.
    pub async fn next(&mut self) -> Option<Result<T, IterateError>> {
        poll_fn(|cx| self.poll_item(cx)).await
    }

    /// As [`next`](Self::next), with the error outside, for `?`.
    ///
    /// # Errors
    ///
    /// Those of the [stream](Self#errors).
    ///
    /// # Cancel safety
    ///
    /// Dropping the wait loses nothing.
    pub async fn try_next(&mut self) -> Result<Option<T>, IterateError> {
        self.next().await.transpose()
    }

    /// Stops the producer at its next item, waits until it has ended and cleaned up, and drops the items
    /// that were not taken. One that has not begun never runs, and is not waited for.
    ///
    /// A producer that blocks in a call of its own is waited for; nothing can interrupt it.
    ///
    /// # Errors
    ///
    /// That of the producer, also of its clean-up, if the stream has not given it already; or that an item
    /// panicked when it was dropped.
    ///
    /// # Cancel safety
    ///
    /// The producer stops also when the wait is dropped, and another `close` waits for it.
    pub async fn close(&mut self) -> Result<(), IterateError> {
        let begun = self.stop();
        if !begun && self.job.as_ref().is_some_and(|job| !job.is_finished()) {
            let given_up = self.job.take();
            self.guard(|| drop(given_up));
        }
        self.over.wait().await;
        // The last wait: an error that it gives is not lost when this is dropped.
        poll_fn(|cx| self.poll_end(cx)).await?;
        match self.panicked.take() {
            Some(panic) => Err(IterateError::of_drop(&self.origin, panic)),
            None => Ok(()),
        }
    }

    /// Whether the producer has ended and cleaned up. Items that it has produced may still be there.
    #[must_use]
    pub fn closed(&self) -> bool {
        self.over.is_set()
    }

    /// Waits until the producer has ended, by itself or because of [`close`](Self::close), and has cleaned
    /// up. It does not stop the producer, which ends only while somebody takes its items, unless all of
    /// them have room.
    ///
    /// # Cancel safety
    ///
    /// Dropping the wait is harmless.
    pub fn wait_closed(&self) -> impl Future<Output = ()> + Send + use<T> {
        let over = Arc::clone(&self.over);
        async move { over.wait().await }
    }

    /// How many items may be ahead of the consumer; 0 for any number.
    #[must_use]
    pub fn max_size(&self) -> usize {
        self.max_size
    }

    #[inline]
    fn poll_item(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<T, IterateError>>> {
        match self.consumer.poll_next(cx) {
            Poll::Ready(Some(item)) => Poll::Ready(Some(Ok(item))),
            Poll::Ready(None) => self.poll_end(cx).map(|ended| ended.err().map(Err)),
            Poll::Pending => {
                self.tell();
                Poll::Pending
            }
        }
    }

    /// For the runtime's reports.
    #[cold]
    fn tell(&self) {
        if let Ok(runtime) = Runtime::current() {
            let Origin { name, location } = &self.origin;
            let what = format_args!("waiting for an item of `{name}`, made at {location}");
            runtime.backend().waits_for(&what);
        }
    }

    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), IterateError>> {
        let Some(job) = &mut self.job else {
            return Poll::Ready(Ok(()));
        };
        let ended = ready!(Pin::new(job).poll(cx));
        self.job = None;
        Poll::Ready(match ended {
            Ok(Ok(())) => Ok(()),
            Ok(Err(failure)) => Err(IterateError::of_producer(&self.origin, failure)),
            Err(error) => Err(IterateError::of_job(&self.origin, error)),
        })
    }

    /// Tells the producer to end, and drops the items that were ahead. Whether the producer has begun.
    fn stop(&mut self) -> bool {
        let (items, begun) = self.consumer.close();
        if mem::needs_drop::<T>() {
            // One by one: a second panic, during another one, would be the end of the process.
            for item in items {
                self.guard(|| drop(item));
            }
        }
        begun
    }

    /// Drops something of the user's; the first panic is kept.
    fn guard(&mut self, f: impl FnOnce()) {
        if let Err(payload) = catch_unwind(AssertUnwindSafe(f)) {
            let text = end_of_panic(payload);
            self.panicked.get_or_insert(text);
        }
    }

    /// What is left to tell goes to the log, where nobody asks for it.
    fn give_up(&mut self, begun: bool) {
        let Origin { name, location } = self.origin.clone();
        let mut cx = Context::from_waker(Waker::noop());
        match self.poll_end(&mut cx) {
            Poll::Ready(Ok(())) => {}
            Poll::Ready(Err(error)) => {
                let panicked = error.is_panic();
                let text = error_text(&error);
                // What it holds is the user's.
                self.guard(|| drop(error));
                let error = text;
                if panicked {
                    tracing::error!(iterator = %name, made_at = %location, %error, "nobody has asked for this panic");
                } else {
                    tracing::warn!(iterator = %name, made_at = %location, %error, "nobody has asked for this error");
                }
            }
            // What is still to come goes to the log by itself.
            Poll::Pending => match self.job.take() {
                Some(job) if begun => job.detach(),
                given_up => self.guard(|| drop(given_up)),
            },
        }
        if let Some(panic) = &self.panicked {
            tracing::error!(iterator = %name, made_at = %location, %panic, "dropping what was not taken panicked");
        }
    }
}

impl<T> Stream for ThreadedIter<T> {
    type Item = Result<T, IterateError>;

    #[inline]
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_item(cx)
    }
}

impl<T> FusedStream for ThreadedIter<T> {
    fn is_terminated(&self) -> bool {
        self.job.is_none()
    }
}

/// No item is ever pinned.
impl<T> Unpin for ThreadedIter<T> {}

impl<T> Drop for ThreadedIter<T> {
    fn drop(&mut self) {
        let begun = self.stop();
        self.give_up(begun);
    }
}

impl<T> fmt::Debug for ThreadedIter<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThreadedIter")
            .field("name", &&*self.origin.name)
            .field("made_at", &format_args!("{}", self.origin.location))
            .field("max_size", &self.max_size)
            .field("ahead", &self.consumer.ahead())
            .field("closed", &self.closed())
            .finish()
    }
}
