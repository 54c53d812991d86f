//! Small futures that the core needs.

use std::any::Any;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::error::ended;

/// The payload of a panic.
pub(crate) type Panic = Box<dyn Any + Send>;

/// Which of two futures was ready first.
pub(crate) enum Either<A, B> {
    First(A),
    Second(B),
}

pin_project! {
    /// What [`race`] gives. By hand: an `async fn` would hold each of its arguments twice.
    pub(crate) struct Race<A, B> {
        #[pin]
        a: A,
        #[pin]
        b: B,
    }
}

/// Waits for the first of two; the first is looked at first, and the other is dropped.
pub(crate) fn race<A: Future, B: Future>(a: A, b: B) -> Race<A, B> {
    Race { a, b }
}

impl<A: Future, B: Future> Future for Race<A, B> {
    type Output = Either<A::Output, B::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Poll::Ready(a) = this.a.poll(cx) {
            return Poll::Ready(Either::First(a));
        }
        this.b.poll(cx).map(Either::Second)
    }
}

pin_project! {
    /// What [`catch_panic`] gives.
    pub(crate) struct CatchPanic<F> {
        #[pin]
        future: Option<F>,
    }
}

/// Runs foreign code to its end, or to its panic; either way it is dropped before this is ready.
pub(crate) fn catch_panic<F: Future>(future: F) -> CatchPanic<F> {
    CatchPanic {
        future: Some(future),
    }
}

impl<F: Future> Future for CatchPanic<F> {
    type Output = Result<F::Output, Panic>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let polled = catch_unwind(AssertUnwindSafe(|| {
            match this.future.as_mut().as_pin_mut() {
                Some(future) => future.poll(cx),
                None => Poll::Pending,
            }
        }));
        let result = match polled {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(output)) => Ok(output),
            Err(panic) => Err(panic),
        };
        let dropped = catch_unwind(AssertUnwindSafe(|| this.future.set(None)));
        Poll::Ready(ended(result, dropped))
    }
}

pin_project! {
    /// What [`run_until`] gives.
    pub(crate) struct RunUntil<F, U> {
        #[pin]
        future: Option<F>,
        #[pin]
        until: U,
    }
}

/// Runs foreign code until something else is ready, which drops it. Its panic is an error, also one
/// that comes when it is dropped.
pub(crate) fn run_until<F: Future, U: Future>(future: F, until: U) -> RunUntil<F, U> {
    RunUntil {
        future: Some(future),
        until,
    }
}

impl<F: Future, U: Future> Future for RunUntil<F, U> {
    type Output = Result<Either<F::Output, U::Output>, Panic>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let polled = catch_unwind(AssertUnwindSafe(|| {
            match this.future.as_mut().as_pin_mut() {
                Some(future) => future.poll(cx),
                None => Poll::Pending,
            }
        }));
        let first = match polled {
            Ok(Poll::Ready(output)) => Ok(Either::First(output)),
            Ok(Poll::Pending) => match this.until.poll(cx) {
                Poll::Ready(end) => Ok(Either::Second(end)),
                Poll::Pending => return Poll::Pending,
            },
            Err(panic) => Err(panic),
        };
        let dropped = catch_unwind(AssertUnwindSafe(|| this.future.set(None)));
        Poll::Ready(ended(first, dropped))
    }
}

/// Lets the tasks that wait for this thread run.
pub(crate) async fn yield_now() {
    let mut yielded = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
