//! Tasks, and what becomes of them.

use std::any::Any;
use std::fmt;
use std::mem;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use pin_project_lite::pin_project;

use super::Runtime;
use super::backend::{Placement, TaskHandle};
use super::origin::Origin;
use super::scope::Scope;
use super::slow_poll::SlowPoll;
use super::task_list::{Kind, Listed, Listing};
use super::unhandled::Unhandled;
use crate::error::{BoxError, Chain, end_of_panic, ended, panic_text};

/// A future that runs by itself; resolves to its result.
///
/// It means the same on every runtime. Dropping the `Task` detaches it: it goes on, and a panic in
/// it is logged with its name. [`abort`](Self::abort) drops its future.
///
/// # Errors
///
/// Awaiting it gives a [`JoinError`] if it was aborted, panicked, or its runtime ended.
///
/// # Cancel safety
///
/// Awaiting `&mut task` may be dropped and begun again; nothing is lost.
#[must_use = "a task that is not awaited is detached; call `detach` to say so"]
pub struct Task<T> {
    slot: Arc<Slot<T>>,
    handle: Box<dyn TaskHandle>,
    /// Whether its result was taken, so that there is nothing left to let go of.
    joined: bool,
}

impl<T> Task<T> {
    /// Asks for the task's future to be dropped. Awaiting the task then resolves once that has
    /// happened; to its result if it was faster.
    pub fn abort(&self) {
        self.handle.abort();
    }

    /// Aborts the task and waits until its future is dropped.
    ///
    /// # Errors
    ///
    /// As awaiting the task does; a result that came first is given.
    ///
    /// # Cancel safety
    ///
    /// The task is aborted even if the wait is dropped.
    pub async fn cancel(self) -> Result<T, JoinError> {
        self.abort();
        self.await
    }

    /// Whether the future has ended and was dropped.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        !matches!(*self.slot.state(), State::Running { .. })
    }

    /// Lets the task go on by itself. The same as dropping it, said aloud.
    pub fn detach(self) {}

    /// Ties the task to the value returned: dropping it aborts the task.
    pub fn abort_on_drop(self) -> AbortOnDrop<T> {
        AbortOnDrop { task: self }
    }

    /// What the task is called: the name given, or the type of its future.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.slot.origin.name
    }

    /// Where the task was spawned.
    #[must_use]
    pub fn spawned_at(&self) -> &'static Location<'static> {
        self.slot.origin.location
    }
}

impl<T, E> Task<Result<T, E>>
where
    T: Send + 'static,
    E: Into<BoxError> + Send + 'static,
{
    /// Lets the task go on by itself, and sends the error or panic that it may end with to the log.
    ///
    /// # Cost
    ///
    /// Spawns a small task that waits for this one.
    ///
    /// # Panics
    ///
    /// With the text of [`NoRuntime`](super::NoRuntime) when no runtime is at hand.
    #[track_caller]
    pub fn detach_logged(self) {
        super::spawn(async move {
            let (origin, unhandled) = (self.slot.origin.clone(), self.slot.unhandled.clone());
            match self.await {
                Ok(Ok(_)) => {}
                Ok(Err(error)) => {
                    let error: BoxError = error.into();
                    let error = Chain(&*error);
                    let Origin { name, location } = &origin;
                    tracing::error!(task = %name, spawned_at = %location, %error, "task failed");
                    if let Some(unhandled) = unhandled {
                        let text = format!("task `{name}` (spawned at {location}) failed: {error}");
                        unhandled.add(text);
                    }
                }
                Err(error) => discard(Err::<(), _>(error), unhandled.as_deref()),
            }
        })
        .detach();
    }
}

impl<T> Future for Task<T> {
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let result = self.slot.poll_join(cx);
        self.joined |= result.is_ready();
        result
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        if !self.joined {
            self.slot.detach();
        }
    }
}

impl<T> fmt::Debug for Task<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task")
            .field("name", &self.name())
            .field("spawned_at", &format_args!("{}", self.spawned_at()))
            .field("finished", &self.is_finished())
            .finish()
    }
}

/// A [`Task`] that is aborted when this is dropped. Awaiting it is awaiting the task.
#[derive(Debug)]
#[must_use = "dropping it aborts the task"]
pub struct AbortOnDrop<T> {
    task: Task<T>,
}

impl<T> Future for AbortOnDrop<T> {
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.task).poll(cx)
    }
}

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        if !self.task.joined {
            self.task.abort();
        }
    }
}

/// Says why a task has no result.
#[derive(Debug)]
pub struct JoinError {
    origin: Origin,
    cause: Cause,
}

#[derive(Debug)]
enum Cause {
    Cancelled,
    Panicked {
        text: String,
        payload: Mutex<Option<Box<dyn Any + Send>>>,
    },
}

impl JoinError {
    /// Whether the task was aborted, or ended with its runtime.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        matches!(self.cause, Cause::Cancelled)
    }

    /// Whether the task panicked.
    #[must_use]
    pub fn is_panic(&self) -> bool {
        matches!(self.cause, Cause::Panicked { .. })
    }

    /// The message of the panic, if it was one.
    #[must_use]
    pub fn panic_text(&self) -> Option<&str> {
        match &self.cause {
            Cause::Cancelled => None,
            Cause::Panicked { text, .. } => Some(text),
        }
    }

    /// What the panic was called with, for [`std::panic::resume_unwind`]; the error itself if it
    /// was none.
    ///
    /// # Errors
    ///
    /// Gives the error back for a cancelled task.
    pub fn into_panic(self) -> Result<Box<dyn Any + Send>, Self> {
        match self.cause {
            Cause::Cancelled => Err(self),
            Cause::Panicked { text, payload } => {
                let payload = payload.into_inner().unwrap_or_else(PoisonError::into_inner);
                Ok(payload.unwrap_or_else(|| Box::new(text)))
            }
        }
    }

    /// What the task was called.
    #[must_use]
    pub fn task_name(&self) -> &str {
        &self.origin.name
    }

    /// Where the task was spawned.
    #[must_use]
    pub fn spawned_at(&self) -> &'static Location<'static> {
        self.origin.location
    }

    fn panicked(origin: Origin, payload: Box<dyn Any + Send>) -> Self {
        let text = panic_text(&*payload);
        Self {
            origin,
            cause: Cause::Panicked {
                text,
                payload: Mutex::new(Some(payload)),
            },
        }
    }
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Origin { name, location } = &self.origin;
        match &self.cause {
            Cause::Cancelled => write!(f, "task `{name}` (spawned at {location}) was cancelled"),
            Cause::Panicked { text, .. } => {
                write!(f, "task `{name}` (spawned at {location}) panicked: {text}")
            }
        }
    }
}

impl std::error::Error for JoinError {}

/// Wraps a future, hands it to the runtime's backend and gives its task.
pub(super) fn spawn<F>(
    runtime: &Runtime,
    origin: Origin,
    placement: Placement,
    future: F,
) -> Task<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let scope = Scope::for_child(runtime);
    let slot = Arc::new(Slot::new(origin, &scope));
    let run = Run {
        listing: scope.list(&slot, Kind::Future),
        scope: Some(scope),
        slot: Some(Arc::clone(&slot)),
        future: Some(future),
    };
    let handle = runtime
        .backend()
        .spawn(&slot.origin.name, placement, Box::pin(run));
    Task {
        slot,
        handle,
        joined: false,
    }
}

/// Wraps a job that may block, hands it to the runtime's backend and gives its task. Aborting the
/// task keeps a job from starting, and leaves one that runs alone.
pub(super) fn spawn_blocking<T, F>(runtime: &Runtime, origin: Origin, job: F) -> Task<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let scope = Scope::for_child(runtime);
    let slot = Arc::new(Slot::new(origin, &scope));
    let mut run = RunBlocking {
        listing: scope.list(&slot, Kind::Blocking),
        scope: Some(scope),
        slot: Arc::clone(&slot),
        job: Some(job),
    };
    let inside = runtime.unowned();
    let job = Box::new(move || run.run(&inside));
    runtime.backend().run_blocking(&slot.origin.name, job);
    let handle = Box::new(KeepFromStarting(Arc::clone(&slot)));
    Task {
        slot,
        handle,
        joined: false,
    }
}

/// A blocking job; resolves its task also if it is dropped before it ran.
struct RunBlocking<T, F> {
    listing: Option<Listing>,
    scope: Option<Arc<Scope>>,
    slot: Arc<Slot<T>>,
    job: Option<F>,
}

impl<T, F: FnOnce() -> T> RunBlocking<T, F> {
    fn run(&mut self, runtime: &Runtime) {
        if self.slot.is_aborted() {
            return;
        }
        let Some(job) = self.job.take() else { return };
        let (mut job, mut result) = (Some(job), None);
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            Scope::enter(&mut self.scope, || {
                runtime.enter(|| result = job.take().map(|job| job()));
            });
        }));
        self.listing = None;
        self.scope = None;
        self.slot.complete(match (outcome, result) {
            (Ok(()), Some(value)) => Ok(value),
            (Ok(()), None) => Err(self.slot.error(None)),
            (Err(payload), _) => Err(self.slot.error(Some(payload))),
        });
    }
}

impl<T, F> Drop for RunBlocking<T, F> {
    fn drop(&mut self) {
        let job = self.job.take();
        let dropped = catch_unwind(AssertUnwindSafe(move || drop(job)));
        self.listing = None;
        self.scope = None;
        // Ignored if the job has completed it.
        self.slot.complete(Err(self.slot.error(dropped.err())));
    }
}

/// The handle of a blocking job.
struct KeepFromStarting<T>(Arc<Slot<T>>);

impl<T: Send> TaskHandle for KeepFromStarting<T> {
    fn abort(&self) {
        if let State::Running { aborted, .. } = &mut *self.0.state() {
            *aborted = true;
        }
    }
}

pin_project! {
    /// What a backend polls: sets the scope, catches panics, keeps the result.
    struct Run<F: Future> {
        // These two are given up when the future is dropped, before anybody hears of the result.
        listing: Option<Listing>,
        scope: Option<Arc<Scope>>,
        slot: Option<Arc<Slot<F::Output>>>,
        #[pin]
        future: Option<F>,
    }

    impl<F: Future> PinnedDrop for Run<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if let Some(slot) = this.slot.take() {
                let dropped = Scope::enter(this.scope, || {
                    catch_unwind(AssertUnwindSafe(|| this.future.set(None)))
                });
                *this.listing = None;
                *this.scope = None;
                slot.complete(Err(slot.error(dropped.err())));
            }
        }
    }
}

impl<F: Future> Future for Run<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        let timed = SlowPoll::begin(this.listing.as_ref(), this.scope.as_deref());
        let outcome = Scope::enter(this.scope, || {
            let polled = catch_unwind(AssertUnwindSafe(|| {
                match this.future.as_mut().as_pin_mut() {
                    Some(future) => future.poll(cx).map(Some),
                    None => Poll::Ready(None),
                }
            }));
            if matches!(polled, Ok(Poll::Pending)) {
                return None;
            }
            let dropped = catch_unwind(AssertUnwindSafe(|| this.future.set(None)));
            Some(match ended(polled, dropped) {
                Ok(Poll::Ready(Some(value))) => Ok(value),
                Ok(_) => Err(None),
                Err(payload) => Err(Some(payload)),
            })
        });
        let runtime = this.scope.as_ref().and_then(|scope| scope.runtime());
        if let (Some(timed), Some(runtime), Some(slot)) = (timed, runtime, &this.slot) {
            timed.end(runtime, &slot.origin);
        }
        let Some(outcome) = outcome else {
            return Poll::Pending;
        };
        *this.listing = None;
        *this.scope = None;
        if let Some(slot) = this.slot.take() {
            slot.complete(outcome.map_err(|payload| slot.error(payload)));
        }
        Poll::Ready(())
    }
}

/// A one-shot between a task and its handle.
struct Slot<T> {
    state: Mutex<State<T>>,
    origin: Origin,
    /// Who is told of a panic that nobody waits for, besides the log.
    unhandled: Option<Arc<Unhandled>>,
}

enum State<T> {
    Running {
        waker: Option<Waker>,
        detached: bool,
        aborted: bool,
    },
    Done(Result<T, JoinError>),
    Taken,
}

impl<T: Send> Listed for Slot<T> {
    fn origin(&self) -> &Origin {
        &self.origin
    }
}

impl<T> Slot<T> {
    fn new(origin: Origin, scope: &Scope) -> Self {
        let state = State::Running {
            waker: None,
            detached: false,
            aborted: false,
        };
        Self {
            state: Mutex::new(state),
            origin,
            unhandled: scope.slots().unhandled.clone(),
        }
    }

    fn error(&self, panic: Option<Box<dyn Any + Send>>) -> JoinError {
        let origin = self.origin.clone();
        match panic {
            Some(payload) => JoinError::panicked(origin, payload),
            None => JoinError {
                origin,
                cause: Cause::Cancelled,
            },
        }
    }

    fn is_aborted(&self) -> bool {
        matches!(*self.state(), State::Running { aborted: true, .. })
    }

    /// Nobody is woken and nothing of the user's is dropped under this lock.
    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn complete(&self, result: Result<T, JoinError>) {
        let mut state = self.state();
        let (waker, unwanted) = match &mut *state {
            State::Running { detached: true, .. } => (None, Some(result)),
            State::Running { waker, .. } => {
                let waker = waker.take();
                *state = State::Done(result);
                (waker, None)
            }
            State::Done(_) | State::Taken => (None, None),
        };
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
        if let Some(result) = unwanted {
            discard(result, self.unhandled.as_deref());
        }
    }

    fn poll_join(&self, cx: &mut Context<'_>) -> Poll<Result<T, JoinError>> {
        let mut state = self.state();
        let old = match &mut *state {
            State::Running { waker, .. } => {
                if waker
                    .as_ref()
                    .is_some_and(|waker| waker.will_wake(cx.waker()))
                {
                    return Poll::Pending;
                }
                // The old waker is foreign code: it is dropped below, without the lock.
                waker.replace(cx.waker().clone())
            }
            State::Done(_) => match mem::replace(&mut *state, State::Taken) {
                State::Done(result) => return Poll::Ready(result),
                State::Running { .. } | State::Taken => None,
            },
            // Polled after it was ready: as every future, it may then wait for ever.
            State::Taken => None,
        };
        drop(state);
        drop(old);
        Poll::Pending
    }

    fn detach(&self) {
        let mut state = self.state();
        let (waker, result) = match &mut *state {
            State::Running {
                waker, detached, ..
            } => {
                *detached = true;
                (waker.take(), None)
            }
            done => match mem::replace(done, State::Taken) {
                State::Done(result) => (None, Some(result)),
                State::Running { .. } | State::Taken => (None, None),
            },
        };
        drop(state);
        drop(waker);
        if let Some(result) = result {
            discard(result, self.unhandled.as_deref());
        }
    }
}

/// Nobody asks for this result: a panic goes to the log, and so does one of dropping the value.
fn discard<T>(result: Result<T, JoinError>, unhandled: Option<&Unhandled>) {
    let tell = |text: String| {
        if let Some(unhandled) = unhandled {
            unhandled.add(text);
        }
    };
    let error = match result {
        Ok(value) => {
            let Err(payload) = catch_unwind(AssertUnwindSafe(move || drop(value))) else {
                return;
            };
            let panic = end_of_panic(payload);
            tracing::error!(%panic, "dropping a task's result panicked");
            return tell(format!("dropping a task's result panicked: {panic}"));
        }
        Err(error) => error,
    };
    if let Some(text) = error.panic_text() {
        let Origin { name, location } = &error.origin;
        tracing::error!(task = %name, spawned_at = %location, panic = %text, "task panicked");
        tell(error.to_string());
    }
}
