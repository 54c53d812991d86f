use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::values::{self, Entry};
use crate::runtime::{Scope, Scoped};

pin_project! {
    /// Runs a future with a value of a variable; made by [`ContextVar::scope`](super::ContextVar::scope).
    #[must_use = "futures do nothing unless polled"]
    pub struct WithValue<F> {
        // Until the first poll: scopes that are written as one expression are made from the inside, and
        // polled from the outside.
        entry: Option<Entry>,
        #[pin]
        future: Scoped<F>,
    }
}

impl<F> WithValue<F> {
    pub(super) fn new(entry: Entry, future: F) -> Self {
        Self {
            entry: Some(entry),
            future: Scoped::without_scope(future),
        }
    }
}

impl<F: Future> Future for WithValue<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        if let Some(entry) = this.entry.take() {
            let scope = Scope::derived(|slots| values::put(slots, entry));
            this.future.as_mut().enter(scope);
        }
        this.future.poll(cx)
    }
}

impl<F> fmt::Debug for WithValue<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WithValue").finish_non_exhaustive()
    }
}
