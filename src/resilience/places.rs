//! Places that are handed on in order: a fair semaphore with a bounded queue.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// So many places, and a queue in front of them. A place that comes free goes to who has waited longest, so
/// that nobody starves.
#[derive(Debug)]
pub(super) struct Places {
    state: Mutex<State>,
    queue_limit: usize,
}

#[derive(Debug)]
struct State {
    free: usize,
    /// The number of whoever comes next; they are in the queue by their numbers.
    next: u64,
    queue: VecDeque<(u64, Waker)>,
}

/// The queue is full.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct QueueFull;

impl Places {
    pub(super) fn new(places: usize, queue_limit: usize) -> Arc<Self> {
        let state = State {
            free: places,
            next: 0,
            queue: VecDeque::new(),
        };
        Arc::new(Self {
            state: Mutex::new(state),
            queue_limit,
        })
    }

    /// Takes a place if there is one, and nobody waits for it.
    pub(super) fn try_take(self: &Arc<Self>) -> Option<Place> {
        let mut state = self.state();
        // A place is free only while nobody waits.
        state.free = state.free.checked_sub(1)?;
        drop(state);
        Some(Place(Arc::clone(self)))
    }

    /// Whether there is a place free, and so nobody waits for it.
    pub(super) fn is_free(&self) -> bool {
        self.free() > 0
    }

    /// Waits for a place.
    pub(super) fn take(self: &Arc<Self>) -> Turn<'_> {
        Turn {
            places: self,
            number: None,
        }
    }

    pub(super) fn free(&self) -> usize {
        self.state().free
    }

    pub(super) fn waiting(&self) -> usize {
        self.state().queue.len()
    }

    fn give_back(&self) {
        let mut state = self.state();
        match state.queue.pop_front() {
            Some((_, waker)) => {
                // Woken without the lock, which whoever is woken may want.
                drop(state);
                waker.wake();
            }
            None => state.free += 1,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Place(Arc<Places>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.give_back();
    }
}

/// Waits for a place. Dropped, it leaves the queue; a place that it was given meanwhile goes on to the next.
#[must_use = "futures do nothing unless polled"]
pub(super) struct Turn<'a> {
    places: &'a Arc<Places>,
    /// In the queue, or given a place already.
    number: Option<u64>,
}

impl Future for Turn<'_> {
    type Output = Result<Place, QueueFull>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let places = self.places;
        let mut state = places.state();
        let Some(number) = self.number else {
            if state.free > 0 {
                state.free -= 1;
                return Poll::Ready(Ok(Place(Arc::clone(places))));
            }
            if state.queue.len() >= places.queue_limit {
                return Poll::Ready(Err(QueueFull));
            }
            let number = state.next;
            state.next += 1;
            state.queue.push_back((number, cx.waker().clone()));
            self.number = Some(number);
            return Poll::Pending;
        };
        match state
            .queue
            .binary_search_by_key(&number, |(number, _)| *number)
        {
            Ok(at) => {
                let waker = &mut state.queue[at].1;
                if !waker.will_wake(cx.waker()) {
                    let old = std::mem::replace(waker, cx.waker().clone());
                    // The drop of a waker is foreign code.
                    drop(state);
                    drop(old);
                }
                Poll::Pending
            }
            Err(_) => {
                drop(state);
                self.number = None;
                Poll::Ready(Ok(Place(Arc::clone(places))))
            }
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let Some(number) = self.number else { return };
        let mut state = self.places.state();
        let found = state
            .queue
            .binary_search_by_key(&number, |(number, _)| *number);
        match found {
            Ok(at) => {
                let left = state.queue.remove(at);
                drop(state);
                drop(left);
            }
            // It was given a place and has not come for it.
            Err(_) => {
                drop(state);
                self.places.give_back();
            }
        }
    }
}
