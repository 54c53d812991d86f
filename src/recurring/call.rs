//! The call that goes on.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use super::core::{Core, Run, Started};
use crate::error::BoxError;
use crate::future::Panic;
use crate::runtime::{Name, Placement, Runtime};

/// The place of the call that goes on, if one does. It is made once, so that a call allocates nothing.
///
/// When it is dropped, the call is, too; where it is shielded, it goes on in a task of its own.
pub(super) struct Place<Fut>
where
    Fut: Future<Output = Result<Result<(), BoxError>, Panic>> + Send + 'static,
{
    core: Arc<Core>,
    run: Arc<Run>,
    runtime: Runtime,
    shield: bool,
    /// It has been moved away from a place that is dropped.
    call: Option<Pin<Box<Option<Fut>>>>,
    began: Option<Instant>,
}

impl<Fut> Place<Fut>
where
    Fut: Future<Output = Result<Result<(), BoxError>, Panic>> + Send + 'static,
{
    pub(super) fn new(started: &Started) -> Self {
        Self {
            core: Arc::clone(&started.core),
            run: Arc::clone(&started.run),
            runtime: started.runtime.clone(),
            shield: started.core.shield,
            call: Some(Box::pin(None)),
            began: None,
        }
    }

    /// Makes a call, to its end.
    pub(super) async fn call(&mut self, call: Fut) {
        if let Some(place) = &mut self.call {
            place.as_mut().set(Some(call));
        }
        self.core.call_began();
        self.began = Some(self.runtime.now());
        poll_fn(|cx| self.poll(cx)).await;
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let place = self.call.as_mut().map(Pin::as_mut);
        let Some(call) = place.and_then(Option::as_pin_mut) else {
            return Poll::Ready(());
        };
        let Poll::Ready(result) = self.run.inside(|| call.poll(cx)) else {
            return Poll::Pending;
        };
        if let Some(place) = &mut self.call {
            place.as_mut().set(None);
        }
        if let Some(began) = self.began.take() {
            self.core.call_ended(began, self.runtime.now(), result);
        }
        Poll::Ready(())
    }
}

impl<Fut> Drop for Place<Fut>
where
    Fut: Future<Output = Result<Result<(), BoxError>, Panic>> + Send + 'static,
{
    fn drop(&mut self) {
        let Some(began) = self.began.take() else {
            return;
        };
        if !self.shield {
            // Its own code may want the time as well, and may panic.
            let call = AssertUnwindSafe(self.call.take());
            let dropped = catch_unwind(move || drop(call));
            self.core.call_cut(began, self.runtime.now(), dropped.err());
            return;
        }
        self.core.call_left();
        let mut left = Self {
            core: Arc::clone(&self.core),
            run: Arc::clone(&self.run),
            runtime: self.runtime.clone(),
            // If that task is dropped in turn, there is nobody left.
            shield: false,
            call: self.call.take(),
            began: Some(began),
        };
        let name = Name::Shared(Arc::clone(&self.core.name));
        let finish = async move { poll_fn(|cx| left.poll(cx)).await };
        self.runtime
            .spawn_as(name, Placement::Here, finish)
            .detach();
    }
}
