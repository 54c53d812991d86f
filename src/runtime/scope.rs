//! What travels with a task.

use std::any::Any;
use std::cell::Cell;
use std::fmt;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use tracing::Span;

use super::task_list::{Kind, Listed, Listing, TaskList};
use super::unhandled::Unhandled;
use super::{Runtime, current};

/// The runtime, the tracing span, and what upper layers put in. Set for the length of each poll;
/// shared by parent and child until one of them changes.
#[derive(Clone)]
pub(crate) struct Scope {
    /// None for what is in no task: the runtime is then looked up as if there were no scope.
    runtime: Option<Runtime>,
    span: Span,
    slots: Slots,
    /// That of a closure on a thread that polls nothing: it may block.
    plain: bool,
}

/// Places for upper layers, which know the types that they put in.
#[derive(Clone, Default)]
pub(crate) struct Slots {
    /// The entrypoint that the task belongs to.
    pub(crate) entrypoint: Option<Arc<dyn Any + Send + Sync>>,
    /// The service, or the making of a dependency, that the task belongs to.
    pub(crate) service: Option<Arc<dyn Any + Send + Sync>>,
    /// Where the task and those that it spawns are listed while they live.
    pub(crate) tasks: Option<Arc<TaskList>>,
    /// Who is told of failures that nobody waits for, besides the log.
    pub(crate) unhandled: Option<Arc<Unhandled>>,
    /// The pool that runs jobs of the task, where none is named.
    pub(crate) pool: Option<Arc<dyn Any + Send + Sync>>,
    /// The values of context variables.
    pub(crate) variables: Option<Arc<dyn Any + Send + Sync>>,
}

thread_local! {
    static CURRENT: Cell<Option<Arc<Scope>>> = const { Cell::new(None) };
}

impl Scope {
    /// The scope of a task that is spawned on this runtime here and now. Without an allocation
    /// where it is the same as the spawner's.
    pub(crate) fn for_child(runtime: &Runtime) -> Arc<Self> {
        let span = current_span();
        let parent = Self::with_current(|parent| match &parent.runtime {
            Some(its) if its.same_as(runtime) && parent.span.id() == span.id() && !parent.plain => {
                Ok(Arc::clone(parent))
            }
            _ => Err(parent.slots.clone()),
        });
        let slots = match parent {
            Some(Ok(same)) => return same,
            Some(Err(slots)) => slots,
            None => Slots::default(),
        };
        Arc::new(Self {
            runtime: Some(runtime.unowned()),
            span,
            slots,
            plain: false,
        })
    }

    pub(crate) fn with_slots(runtime: &Runtime, slots: Slots) -> Arc<Self> {
        Arc::new(Self {
            runtime: Some(runtime.unowned()),
            span: current_span(),
            slots,
            plain: false,
        })
    }

    /// The scope of what runs here and now, to be carried elsewhere: with the runtime and the span around.
    pub(crate) fn captured() -> Arc<Self> {
        match current::around() {
            Some(runtime) => Self::for_child(&runtime),
            None => Arc::new(Self {
                runtime: None,
                span: current_span(),
                slots: Self::with_current(|scope| scope.slots.clone()).unwrap_or_default(),
                plain: false,
            }),
        }
    }

    /// The scope of what runs here and now, with other slots. Its span is that of whoever polls, and so is
    /// its runtime where there is no scope yet. `f` must not call foreign code.
    pub(crate) fn derived(f: impl FnOnce(&mut Slots)) -> Arc<Self> {
        let of_this = |scope: &Arc<Self>| (scope.runtime.clone(), scope.slots.clone());
        let (runtime, mut slots) = Self::with_current(of_this).unwrap_or_default();
        f(&mut slots);
        Arc::new(Self {
            runtime,
            span: Span::none(),
            slots,
            plain: false,
        })
    }

    /// The same for a closure, which does not make code asynchronous that is not.
    pub(crate) fn for_closure(mut self: Arc<Self>) -> Arc<Self> {
        if !Self::is_asynchronous() {
            Arc::make_mut(&mut self).plain = true;
        }
        self
    }

    /// Whether something is polled here: to block would keep others from going on.
    pub(crate) fn is_asynchronous() -> bool {
        Self::with_current(|scope| !scope.plain).unwrap_or(false)
    }

    /// The scope of the task that is polled right now.
    pub(crate) fn current() -> Option<Arc<Self>> {
        Self::with_current(Arc::clone)
    }

    pub(crate) fn runtime(&self) -> Option<&Runtime> {
        self.runtime.as_ref()
    }

    pub(crate) fn slots(&self) -> &Slots {
        &self.slots
    }

    /// Lists a task of this scope, if the scope has a list.
    pub(crate) fn list<T: Listed + 'static>(&self, task: &Arc<T>, kind: Kind) -> Option<Listing> {
        let tasks = self.slots.tasks.as_ref()?;
        Some(tasks.enter(Arc::clone(task) as _, kind))
    }

    /// Looks at the current scope, if there is one. `f` must not call foreign code: while it runs,
    /// there is none.
    #[inline]
    pub(crate) fn with_current<R>(f: impl FnOnce(&Arc<Self>) -> R) -> Option<R> {
        // A thread whose locals are gone already is in no scope.
        CURRENT
            .try_with(|current| {
                let scope = current.take();
                let result = scope.as_ref().map(f);
                current.set(scope);
                result
            })
            .ok()
            .flatten()
    }

    /// Changes what the task that is polled has in its slots, for the rest of its life; children that
    /// it has keep what they have. Gives the scope before, or nothing where there is no scope.
    pub(crate) fn change(f: impl FnOnce(&mut Slots)) -> Option<Arc<Self>> {
        let before = Self::current()?;
        let mut changed = Self::clone(&before);
        f(&mut changed.slots);
        let changed = Some(Arc::new(changed));
        CURRENT
            .try_with(|current| drop(current.replace(changed)))
            .ok()?;
        Some(before)
    }

    /// Runs `f` within the scope in `home`, which is lent to the thread meanwhile.
    pub(crate) fn enter<R>(home: &mut Option<Arc<Self>>, f: impl FnOnce() -> R) -> R {
        let spanned = home.as_ref().filter(|scope| !scope.span.is_none()).cloned();
        let _scope = Entered::new(home);
        let _span = spanned.as_ref().map(|scope| scope.span.enter());
        f()
    }
}

fn current_span() -> Span {
    if tracing::dispatcher::has_been_set() {
        Span::current()
    } else {
        Span::none()
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope")
            .field("runtime", &self.runtime)
            .finish_non_exhaustive()
    }
}

/// Puts a scope in place and takes it back, also when the code inside panics.
struct Entered<'a> {
    home: &'a mut Option<Arc<Scope>>,
    before: Option<Arc<Scope>>,
}

impl<'a> Entered<'a> {
    fn new(home: &'a mut Option<Arc<Scope>>) -> Self {
        // A thread whose locals are gone polls without a scope.
        let before = CURRENT
            .try_with(|current| current.replace(home.take()))
            .unwrap_or(None);
        Self { home, before }
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        let before = mem::take(&mut self.before);
        *self.home = CURRENT
            .try_with(|current| current.replace(before))
            .unwrap_or(None);
    }
}

pin_project! {
    /// Runs a future within a runtime, on whatever executor polls it; made by
    /// [`Runtime::scope`]. The future is dropped within it, too.
    #[must_use = "futures do nothing unless polled"]
    pub struct Scoped<F> {
        scope: Option<Arc<Scope>>,
        #[pin]
        future: Option<F>,
    }

    impl<F> PinnedDrop for Scoped<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if this.scope.is_some() {
                Scope::enter(this.scope, || this.future.set(None));
            }
        }
    }
}

impl<F> Scoped<F> {
    pub(crate) fn new(scope: Arc<Scope>, future: F) -> Self {
        Self {
            scope: Some(scope),
            future: Some(future),
        }
    }

    /// One whose scope is made by [`enter`](Self::enter), before the first poll.
    pub(crate) fn without_scope(future: F) -> Self {
        Self {
            scope: None,
            future: Some(future),
        }
    }

    pub(crate) fn enter(self: Pin<&mut Self>, scope: Arc<Scope>) {
        *self.project().scope = Some(scope);
    }
}

impl<F: Future> Future for Scoped<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        // It is there until the drop.
        let Some(future) = this.future.as_pin_mut() else {
            return Poll::Pending;
        };
        Scope::enter(this.scope, || future.poll(cx))
    }
}

impl<F> fmt::Debug for Scoped<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scoped").finish_non_exhaustive()
    }
}
