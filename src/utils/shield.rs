use std::fmt;
use std::panic::{Location, resume_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::runtime::{Runtime, Task};

/// Has a future come to its end, also if nobody waits for it any more.
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use aiomisc::time::{sleep, timeout};
/// use aiomisc::utils::shield;
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicBool, Ordering};
/// use std::time::Duration;
///
/// # aiomisc::adapters::Smol::new().block_on(async {
/// let saved = Arc::new(AtomicBool::new(false));
/// let saves = Arc::clone(&saved);
/// let save = shield(async move {
///     sleep(Duration::from_millis(20)).await;
///     saves.store(true, Ordering::SeqCst);
/// });
/// // Whoever waits gives up, and it is saved nevertheless.
/// assert!(timeout(Duration::from_millis(1), save).await.is_err());
/// sleep(Duration::from_millis(100)).await;
/// assert!(saved.load(Ordering::SeqCst));
/// # }); }
/// ```
///
/// It is spawned at the first poll, as a task of the current runtime. The end of that runtime drops it, as all tasks;
/// and so does the end of the entrypoint that it was begun in.
///
/// # Panics
///
/// With the panic of the future; if its runtime has ended; and at the first poll with the text of
/// [`NoRuntime`](crate::runtime::NoRuntime) when no runtime is at hand.
///
/// # Cancel safety
///
/// From the first poll on, dropping this leaves the future to itself. A panic of it then goes to the log.
#[track_caller]
pub fn shield<F>(future: F) -> Shield<F>
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    Shield {
        state: State::New(Box::pin(future)),
        location: Location::caller(),
    }
}

/// A future that comes to its end; from [`shield`].
#[must_use = "futures do nothing unless polled"]
pub struct Shield<F: Future> {
    state: State<F>,
    location: &'static Location<'static>,
}

enum State<F: Future> {
    New(Pin<Box<F>>),
    Begun(Task<F::Output>),
    Over,
}

impl<F: Future> Unpin for Shield<F> {}

impl<F> Future for Shield<F>
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut task = match std::mem::replace(&mut self.state, State::Over) {
            State::New(future) => {
                let runtime = Runtime::current().unwrap_or_else(|error| panic!("{error}"));
                runtime.spawn(future)
            }
            State::Begun(task) => task,
            // Polled after it was ready: as every future, it may then wait for ever.
            State::Over => return Poll::Pending,
        };
        match Pin::new(&mut task).poll(cx) {
            Poll::Pending => {
                self.state = State::Begun(task);
                Poll::Pending
            }
            Poll::Ready(Ok(output)) => Poll::Ready(output),
            Poll::Ready(Err(error)) => match error.into_panic() {
                Ok(panic) => resume_unwind(panic),
                Err(error) => panic!("the future shielded at {}: {error}", self.location),
            },
        }
    }
}

impl<F: Future> fmt::Debug for Shield<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            State::New(_) => "new",
            State::Begun(_) => "begun",
            State::Over => "over",
        };
        f.debug_struct("Shield")
            .field("state", &state)
            .field("shielded_at", &format_args!("{}", self.location))
            .finish()
    }
}
