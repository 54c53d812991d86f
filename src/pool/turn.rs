use std::pin::Pin;
use std::task::{Context, Poll};

use super::line::Ticket;
use super::places::{Asked, Grant, Places, Refused, Rests};

/// What has the places and keeps them under a lock.
pub(super) trait Host {
    type Item: Rests;

    /// Calls `f` under the lock; it wakes nobody and drops nothing of the user's.
    fn change<R>(&self, f: impl FnOnce(&mut Places<Self::Item>) -> R) -> R;

    /// Hands on what somebody was granted who does not want it any more.
    fn give_up(&self, grant: Grant<Self::Item>);
}

/// Waits for one's turn. Dropped at any moment, it leaves the line, and what it was granted goes to the next.
#[must_use = "futures do nothing unless polled"]
pub(super) struct Turn<'a, H: Host> {
    host: &'a H,
    ticket: Option<Ticket>,
}

impl<'a, H: Host> Turn<'a, H> {
    pub(super) fn new(host: &'a H) -> Self {
        Self { host, ticket: None }
    }
}

impl<H: Host> Future for Turn<'_, H> {
    type Output = Result<Grant<H::Item>, Refused>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(ticket) = &self.ticket {
            let (looked, waker) = self.host.change(|places| places.look(ticket, cx.waker()));
            drop(waker);
            if looked.is_ready() {
                self.ticket = None;
            }
            return looked;
        }
        match self.host.change(|places| places.ask(cx.waker())) {
            Asked::Granted(grant) => Poll::Ready(Ok(grant)),
            Asked::Refused(why) => Poll::Ready(Err(why)),
            Asked::InLine(ticket) => {
                self.ticket = Some(ticket);
                Poll::Pending
            }
        }
    }
}

impl<H: Host> Drop for Turn<'_, H> {
    fn drop(&mut self) {
        let Some(ticket) = self.ticket.take() else {
            return;
        };
        let (granted, waker) = self.host.change(|places| places.leave(&ticket));
        drop(waker);
        if let Some(grant) = granted {
            self.host.give_up(grant);
        }
    }
}
