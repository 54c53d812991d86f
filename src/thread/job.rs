use std::fmt;
use std::mem;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::pin::Pin;
use std::ptr::addr_eq;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use super::error::{Cause, JobError};
use super::gate::Gate;
use super::worker;
use crate::error::{Chain, end_of_panic};
use crate::runtime::{Kind, Listed, Listing, Origin, Runtime, Scope, Unhandled};

/// A job that runs on another thread, or will; resolves to its result.
///
/// Dropping it before the job has begun keeps the job from running, and drops its closure at once.
/// Dropping it later lets the job go on, since nothing can end a thread from outside, and its result is
/// dropped. [`detach`](Self::detach) lets the job run in any case.
///
/// # Errors
///
/// Awaiting it gives a [`JobError`] if the job panicked, or could not begin.
///
/// # Cancel safety
///
/// Awaiting `&mut job` may be dropped and begun again; nothing is lost.
#[must_use = "a job that is dropped before it begins does not run; `detach` lets it"]
pub struct Job<T> {
    cell: Arc<dyn Handle<T>>,
}

impl<T: Send + 'static> Job<T> {
    /// Makes a job that nobody runs yet, and what runs it.
    pub(super) fn new<F>(
        gate: &Arc<Gate>,
        runtime: &Runtime,
        origin: Origin,
        job: F,
    ) -> (Self, Arc<dyn Work>)
    where
        F: FnOnce() -> T + Send + 'static,
    {
        let scope = Scope::for_child(runtime);
        let cell = Arc::new(Cell {
            state: Mutex::new(State::Over),
            origin,
            gate: Arc::clone(gate),
            unhandled: scope.slots().unhandled.clone(),
        });
        // The entrypoint names what is left of its own pool when it shuts that down.
        let own = scope.slots().pool.as_ref();
        let kind = match own.is_some_and(|pool| addr_eq(Arc::as_ptr(pool), Arc::as_ptr(gate))) {
            true => Kind::Job,
            false => Kind::Blocking,
        };
        let listing = scope.list(&cell, kind);
        *cell.state() = State::Waiting(Waiting {
            job,
            scope,
            listing,
            result: None,
            place: Place::None,
            detached: false,
        });
        (
            Self {
                cell: Arc::clone(&cell) as _,
            },
            cell,
        )
    }

    /// A job that could not even be made.
    pub(super) fn failed(gate: &Arc<Gate>, origin: Origin, cause: Cause) -> Self {
        let error = JobError::new(&origin, cause);
        let state: State<fn() -> T, T> = State::Done(Err(error));
        let cell = Cell {
            state: Mutex::new(state),
            origin,
            gate: Arc::clone(gate),
            unhandled: None,
        };
        Self {
            cell: Arc::new(cell),
        }
    }
}

impl<T> Job<T> {
    /// Lets the job run although nobody waits for it. A panic in it goes to the log, and so does that it
    /// could not begin.
    pub fn detach(self) {
        self.cell.detach();
    }

    /// Whether the job has ended, or will not begin.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.cell.is_finished()
    }

    /// What the job is called: the name given, or the type of its closure.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.cell.origin().name
    }

    /// Where the job was submitted.
    #[must_use]
    pub fn submitted_at(&self) -> &'static Location<'static> {
        self.cell.origin().location
    }

    /// Ready when the job stands in the queue of its pool or has left it, or could not begin.
    pub(super) fn poll_accepted(&self, cx: &mut Context<'_>) -> Poll<Result<(), JobError>> {
        self.cell
            .poll_accepted(cx)
            .map(|()| self.cell.take_refusal().map_or(Ok(()), Err))
    }
}

impl<T> Future for Job<T> {
    type Output = Result<T, JobError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.cell.poll(cx)
    }
}

impl<T> Drop for Job<T> {
    fn drop(&mut self) {
        self.cell.abandon();
    }
}

impl<T> fmt::Debug for Job<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job")
            .field("name", &self.name())
            .field("submitted_at", &format_args!("{}", self.submitted_at()))
            .field("finished", &self.is_finished())
            .finish()
    }
}

/// What a pool, or a thread, sees of a job.
pub(super) trait Work: Send + Sync {
    fn origin(&self) -> &Origin;

    /// The runtime that it was submitted on, while it waits.
    fn runtime(&self) -> Option<Runtime>;

    /// Whether it waits, and was submitted on this runtime.
    fn waits_on(&self, runtime: &Runtime) -> bool;

    fn is_waiting(&self) -> bool;

    /// Whether it has ended, or will not begin.
    fn is_over(&self) -> bool;

    /// Runs it, if it still waits, and was submitted on this runtime.
    fn run(&self, here: &Runtime) -> Ran;

    /// Ends it before it has begun.
    fn refuse(&self, cause: Cause);

    /// Moves it from where it waits, if it still does. Gives whom to tell, without any lock.
    fn move_to(&self, place: Place) -> Option<Option<Waker>>;
}

/// How a job went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ran {
    Returned,
    Panicked,
    /// Nobody wanted it any more.
    Not,
    /// It belongs to another runtime.
    Elsewhere,
}

/// Where a job waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Nowhere: it is about to run.
    None,
    /// In the queue of its pool.
    Queue,
    /// Behind the queue, which is full.
    Line,
}

/// What its caller sees of a job.
trait Handle<T>: Send + Sync {
    fn origin(&self) -> &Origin;
    fn poll(&self, cx: &mut Context<'_>) -> Poll<Result<T, JobError>>;
    fn poll_accepted(&self, cx: &mut Context<'_>) -> Poll<()>;
    fn is_finished(&self) -> bool;
    /// Takes the error of a job that could not begin.
    fn take_refusal(&self) -> Option<JobError>;
    fn detach(&self);
    fn abandon(&self);
}

/// A job and its result, one after the other in one place.
struct Cell<F, T> {
    /// Nobody is woken and nothing of the user's is dropped under this lock.
    state: Mutex<State<F, T>>,
    origin: Origin,
    gate: Arc<Gate>,
    /// Who is told of a panic that nobody waits for, besides the log.
    unhandled: Option<Arc<Unhandled>>,
}

enum State<F, T> {
    Waiting(Waiting<F>),
    Running {
        waker: Option<Waker>,
        detached: bool,
    },
    Done(Result<T, JobError>),
    /// Taken, or given up.
    Over,
}

struct Waiting<F> {
    job: F,
    scope: Arc<Scope>,
    listing: Option<Listing>,
    /// Who waits for the result, or for the place in the queue.
    result: Option<Waker>,
    place: Place,
    detached: bool,
}

impl<F, T> Cell<F, T> {
    fn state(&self) -> MutexGuard<'_, State<F, T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<F: Send, T: Send> Listed for Cell<F, T> {
    fn origin(&self) -> &Origin {
        &self.origin
    }
}

impl<F> Waiting<F> {
    fn is_of(&self, runtime: &Runtime) -> bool {
        self.scope.runtime().is_some_and(|its| its.same_as(runtime))
    }
}

impl<F, T> Work for Cell<F, T>
where
    F: FnOnce() -> T + Send,
    T: Send,
{
    fn origin(&self) -> &Origin {
        &self.origin
    }

    fn runtime(&self) -> Option<Runtime> {
        match &*self.state() {
            State::Waiting(waiting) => waiting.scope.runtime().cloned(),
            _ => None,
        }
    }

    fn waits_on(&self, runtime: &Runtime) -> bool {
        match &*self.state() {
            State::Waiting(waiting) => waiting.is_of(runtime),
            _ => false,
        }
    }

    fn is_waiting(&self) -> bool {
        matches!(*self.state(), State::Waiting(_))
    }

    fn is_over(&self) -> bool {
        matches!(*self.state(), State::Done(_) | State::Over)
    }

    fn run(&self, here: &Runtime) -> Ran {
        let Waiting {
            job,
            scope,
            listing,
            ..
        } = {
            let mut state = self.state();
            match &*state {
                State::Waiting(waiting) if !waiting.is_of(here) => {
                    return Ran::Elsewhere;
                }
                _ => match state.begin() {
                    Some(waiting) => waiting,
                    None => return Ran::Not,
                },
            }
        };
        let (mut job, mut result, mut scope) = (Some(job), None, Some(scope));
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            Scope::enter(&mut scope, || {
                here.enter(|| {
                    let _here = worker::enter(here, self.gate.cut());
                    result = job.take().map(|job| job());
                });
            });
        }));
        let (result, ran) = match (outcome, result) {
            (Ok(()), Some(value)) => (Ok(value), Ran::Returned),
            (Ok(()), None) => (Err(Cause::Ended), Ran::Returned),
            (Err(payload), _) => (Err(Cause::panicked(payload)), Ran::Panicked),
        };
        // Given up before anybody hears of the result; the values of the scope are foreign code.
        drop_quietly((scope, listing), &self.origin);
        let result = result.map_err(|cause| JobError::new(&self.origin, cause));
        match self.complete(result) {
            None => {}
            Some(Ok(value)) => drop_quietly(value, &self.origin),
            Some(Err(error)) => self.tell(error),
        }
        ran
    }

    fn refuse(&self, cause: Cause) {
        let Some(waiting) = self.state().begin() else {
            return;
        };
        // Also here, what the closure held is gone before anybody hears of the error.
        let Waiting {
            job,
            scope,
            listing,
            detached,
            ..
        } = waiting;
        drop_quietly((job, scope, listing), &self.origin);
        if let Some(Err(error)) = self.complete(Err(JobError::new(&self.origin, cause)))
            && detached
        {
            self.tell(error);
        }
    }

    fn move_to(&self, place: Place) -> Option<Option<Waker>> {
        match &mut *self.state() {
            State::Waiting(waiting) => {
                let was_in_line = mem::replace(&mut waiting.place, place) == Place::Line;
                Some(waiting.result.as_ref().filter(|_| was_in_line).cloned())
            }
            _ => None,
        }
    }
}

impl<F, T> State<F, T> {
    /// Takes a job that waits out of its place: whoever does so has it.
    fn begin(&mut self) -> Option<Waiting<F>> {
        if !matches!(self, Self::Waiting(_)) {
            return None;
        }
        let Self::Waiting(mut waiting) = mem::replace(self, Self::Over) else {
            return None;
        };
        *self = Self::Running {
            waker: waiting.result.take(),
            detached: waiting.detached,
        };
        Some(waiting)
    }
}

impl<F, T> Cell<F, T> {
    /// Keeps the result for whoever waits; gives it back if nobody does.
    fn complete(&self, result: Result<T, JobError>) -> Option<Result<T, JobError>> {
        let mut state = self.state();
        let State::Running { waker, detached } = &mut *state else {
            return Some(result);
        };
        let (waker, detached) = (waker.take(), *detached);
        let unwanted = if detached {
            *state = State::Over;
            Some(result)
        } else {
            *state = State::Done(result);
            None
        };
        drop(state);
        wake(waker);
        unwanted
    }

    /// Nobody waits for this error.
    fn tell(&self, error: JobError) {
        let Origin { name, location } = &self.origin;
        if let Some(panic) = error.panic_text() {
            tracing::error!(job = %name, submitted_at = %location, %panic, "job panicked");
            if let Some(unhandled) = &self.unhandled {
                unhandled.add(error.to_string());
            }
        } else {
            let error = Chain(&error);
            tracing::error!(job = %name, submitted_at = %location, %error, "detached job");
        }
        // With what it panicked with.
        drop_quietly(error, &self.origin);
    }
}

impl<F, T> Handle<T> for Cell<F, T>
where
    F: Send,
    T: Send,
{
    fn origin(&self) -> &Origin {
        &self.origin
    }

    fn poll(&self, cx: &mut Context<'_>) -> Poll<Result<T, JobError>> {
        let mut state = self.state();
        let place = match &mut *state {
            State::Waiting(waiting) => &mut waiting.result,
            State::Running { waker, .. } => waker,
            State::Done(_) => {
                if let State::Done(result) = mem::replace(&mut *state, State::Over) {
                    return Poll::Ready(result);
                }
                return Poll::Pending;
            }
            // Polled after it was ready: as every future, it may then wait for ever.
            State::Over => return Poll::Pending,
        };
        if place
            .as_ref()
            .is_some_and(|waker| waker.will_wake(cx.waker()))
        {
            return Poll::Pending;
        }
        // The old waker is foreign code: it is dropped without the lock.
        let old = place.replace(cx.waker().clone());
        drop(state);
        drop(old);
        Poll::Pending
    }

    fn poll_accepted(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.state();
        let old = match &mut *state {
            State::Waiting(waiting) if waiting.place == Place::Line => {
                waiting.result.replace(cx.waker().clone())
            }
            _ => return Poll::Ready(()),
        };
        drop(state);
        drop(old);
        Poll::Pending
    }

    fn is_finished(&self) -> bool {
        matches!(*self.state(), State::Done(_) | State::Over)
    }

    fn take_refusal(&self) -> Option<JobError> {
        let mut state = self.state();
        match &*state {
            State::Done(Err(error)) if !error.is_panic() => {}
            _ => return None,
        }
        match mem::replace(&mut *state, State::Over) {
            State::Done(result) => result.err(),
            _ => None,
        }
    }

    fn detach(&self) {
        let mut state = self.state();
        let waker = match &mut *state {
            State::Waiting(waiting) => {
                waiting.detached = true;
                waiting.result.take()
            }
            State::Running { detached, waker } => {
                *detached = true;
                waker.take()
            }
            done => {
                let done = mem::replace(done, State::Over);
                drop(state);
                if let State::Done(Err(error)) = done {
                    self.tell(error);
                }
                return;
            }
        };
        drop(state);
        drop(waker);
    }

    fn abandon(&self) {
        let mut state = self.state();
        let place = match &mut *state {
            State::Waiting(Waiting { detached: true, .. })
            | State::Running { detached: true, .. } => return,
            State::Running { detached, waker } => {
                *detached = true;
                let waker = waker.take();
                drop(state);
                drop(waker);
                return;
            }
            State::Waiting(waiting) => Some(waiting.place),
            State::Done(_) | State::Over => None,
        };
        let given_up = mem::replace(&mut *state, State::Over);
        drop(state);
        if let Some(place) = place {
            self.gate.one_has_left(place);
        }
        match given_up {
            State::Done(Err(error)) if error.is_panic() => self.tell(error),
            // The caller's own values, dropped where the caller is: a panic of theirs is the caller's.
            given_up => drop(given_up),
        }
    }
}

/// Wakers are foreign code: a panic of theirs goes to the log, and costs no thread and no job.
pub(super) fn wake(wakers: impl IntoIterator<Item = Waker>) {
    for waker in wakers {
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| waker.wake())) {
            let panic = end_of_panic(payload);
            tracing::error!(%panic, "a waker panicked");
        }
    }
}

/// Drops a value of the user's where no caller is; a panic goes to the log.
fn drop_quietly<V>(value: V, origin: &Origin) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(move || drop(value))) {
        let panic = end_of_panic(payload);
        let Origin { name, location } = origin;
        tracing::error!(job = %name, submitted_at = %location, %panic, "dropping what is left of a job panicked");
    }
}
