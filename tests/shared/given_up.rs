//! Futures that are given up.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use ::smol::future::yield_now;

/// Polls a future so many times, and drops it if it is not ready then. It is polled whether it was woken
/// or not.
pub(crate) async fn give_up<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    for _ in 0..polls {
        if let Poll::Ready(output) = futures::poll!(future.as_mut()) {
            return Some(output);
        }
        yield_now().await;
    }
    None
}

/// As [`give_up`], for a future that is polled when it was woken; it has to be, each time but the last.
pub(crate) async fn polled<F: Future>(future: F, times: usize) -> Option<F::Output> {
    let (mut future, mut polls) = (pin!(future), 0);
    poll_fn(|cx| {
        if polls == times {
            return Poll::Ready(None);
        }
        polls += 1;
        future.as_mut().poll(cx).map(Some)
    })
    .await
}
