use std::sync::Arc;
use std::task::Waker;

use super::net::{Network, Token};
use super::task::Task;
use crate::runtime::BlockingJob;

/// A moment, and a number that keeps those of one moment in order.
pub(super) type Key = (u64, u64);

/// What happens at a moment.
pub(super) enum Due {
    Wake(Waker),
    Arrival(Token),
    Script(Script),
}

pub(super) type Script = Box<dyn FnOnce(&Network) + Send>;

pub(super) enum Ready {
    Task(Arc<Task>),
    Job(Arc<str>, BlockingJob),
}

/// What the driver does next.
pub(super) enum Step {
    Poll(Arc<Task>),
    /// Polls the future that the driving thread blocks on.
    PollRoot,
    Job(BlockingJob),
    Script(Script),
    /// Something has arrived; its wakes are in the world.
    Again,
    /// Nothing is ready and nothing will be.
    Idle,
    /// Too many polls at one moment.
    Livelock,
}

/// Puts a waker in its place, unless it is there already; the one before goes to the trash.
pub(super) fn park(place: &mut Option<Waker>, waker: &Waker, trash: &mut Vec<Waker>) {
    if !place.as_ref().is_some_and(|old| old.will_wake(waker)) {
        trash.extend(place.replace(waker.clone()));
    }
}
