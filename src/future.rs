//! Small futures that the core needs.

use std::any::Any;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

/// The payload of a panic.
pub(crate) type Panic = Box<dyn Any + Send>;

/// Which of two futures was ready first.
pub(crate) enum Either<A, B> {
    First(A),
    Second(B),
}

/// Waits for the first of two; the first is looked at first, and the other is dropped.
pub(crate) async fn race<A: Future, B: Future>(a: A, b: B) -> Either<A::Output, B::Output> {
    let (mut a, mut b) = (pin!(a), pin!(b));
    poll_fn(|cx| {
        if let Poll::Ready(a) = a.as_mut().poll(cx) {
            return Poll::Ready(Either::First(a));
        }
        b.as_mut().poll(cx).map(Either::Second)
    })
    .await
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
        Poll::Ready(dropped.and(result))
    }
}

/// Runs foreign code until something else is ready, which drops it. Its panic is an error, also one
/// that comes when it is dropped.
pub(crate) async fn run_until<F: Future, U: Future>(
    future: F,
    until: U,
) -> Result<Either<F::Output, U::Output>, Panic> {
    let (mut future, mut until) = (pin!(Some(future)), pin!(until));
    let first = poll_fn(|cx| {
        let polled = catch_unwind(AssertUnwindSafe(|| match future.as_mut().as_pin_mut() {
            Some(future) => future.poll(cx),
            None => Poll::Pending,
        }));
        match polled {
            Ok(Poll::Ready(output)) => Poll::Ready(Ok(Either::First(output))),
            Ok(Poll::Pending) => until.as_mut().poll(cx).map(|end| Ok(Either::Second(end))),
            Err(panic) => Poll::Ready(Err(panic)),
        }
    })
    .await;
    let dropped = catch_unwind(AssertUnwindSafe(|| future.set(None)));
    first.and_then(|first| dropped.map(|()| first))
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
