//! The hand-over between those who call and the task that works for them: the part without tasks and time.
//!
//! 1. A call has one seat, with its value until the batch begins, and with its result from then on.
//! 2. Who leaves before the beginning takes the value along; the seat is the next one's.
//! 3. Results are given once: what comes for a seat that has one, or whose owner has left, is given back.
//! 4. No waker is called, and nothing of the user's is dropped, under the lock around this.

use std::mem;
use std::task::{Poll, Waker};

/// `V` are the values, `R` what each call gets.
#[derive(Debug)]
pub(super) struct Batch<V, R> {
    seats: Vec<Seat<V, R>>,
    /// Seats whose owners have left before the beginning.
    left: Vec<usize>,
    begun: bool,
}

#[derive(Debug)]
enum Seat<V, R> {
    /// The batch has not begun.
    Waits(V, Waker),
    /// The value is being worked on.
    Works(Waker),
    Has(R),
    Left,
}

impl<V, R> Batch<V, R> {
    pub(super) fn new() -> Self {
        Self {
            seats: Vec::new(),
            left: Vec::new(),
            begun: false,
        }
    }

    /// How many wait for the beginning.
    pub(super) fn waiting(&self) -> usize {
        self.seats.len() - self.left.len()
    }

    /// Takes a seat, before the beginning.
    pub(super) fn join(&mut self, value: V, waker: Waker) -> usize {
        let seat = Seat::Waits(value, waker);
        match self.left.pop() {
            Some(at) => {
                self.seats[at] = seat;
                at
            }
            None => {
                self.seats.push(seat);
                self.seats.len() - 1
            }
        }
    }

    /// Begins: gives the values with their seats.
    pub(super) fn begin(&mut self) -> Vec<(usize, V)> {
        self.begun = true;
        let mut values = Vec::with_capacity(self.waiting());
        for (at, seat) in self.seats.iter_mut().enumerate() {
            *seat = match mem::replace(seat, Seat::Left) {
                Seat::Waits(value, waker) => {
                    values.push((at, value));
                    Seat::Works(waker)
                }
                other => other,
            };
        }
        values
    }

    /// Gives a seat its result; gives it back if nobody waits for it there. Who has it is to be woken.
    pub(super) fn give(&mut self, at: usize, result: R) -> Result<Waker, R> {
        let seat = &mut self.seats[at];
        match mem::replace(seat, Seat::Left) {
            Seat::Works(waker) => {
                *seat = Seat::Has(result);
                Ok(waker)
            }
            other => {
                *seat = other;
                Err(result)
            }
        }
    }

    /// Whether a result would be wanted there.
    pub(super) fn is_wanted(&self, at: usize) -> bool {
        matches!(self.seats[at], Seat::Works(_))
    }

    /// Gives all that have none their result; those who wait are to be woken. The values that were not worked on
    /// are for the caller to drop.
    pub(super) fn give_all(&mut self, mut result: impl FnMut() -> R) -> (Vec<Waker>, Vec<V>) {
        let (mut wakers, mut values) = (Vec::new(), Vec::new());
        for seat in &mut self.seats {
            let waker = match mem::replace(seat, Seat::Left) {
                Seat::Works(waker) => waker,
                Seat::Waits(value, waker) => {
                    values.push(value);
                    waker
                }
                other => {
                    *seat = other;
                    continue;
                }
            };
            wakers.push(waker);
            *seat = Seat::Has(result());
        }
        (wakers, values)
    }

    /// Looks for one's result, which ends the seat; and gives the waker that was there before.
    pub(super) fn look(&mut self, at: usize, waker: &Waker) -> (Poll<R>, Option<Waker>) {
        let seat = &mut self.seats[at];
        match mem::replace(seat, Seat::Left) {
            Seat::Has(result) => (Poll::Ready(result), None),
            Seat::Waits(value, old) => {
                let (new, old) = exchange(old, waker);
                *seat = Seat::Waits(value, new);
                (Poll::Pending, old)
            }
            Seat::Works(old) => {
                let (new, old) = exchange(old, waker);
                *seat = Seat::Works(new);
                (Poll::Pending, old)
            }
            Seat::Left => unreachable!("who has left does not look"),
        }
    }

    /// Leaves; what was there is for the caller to drop.
    pub(super) fn leave(&mut self, at: usize) -> impl Sized + use<V, R> {
        if !self.begun {
            self.left.push(at);
        }
        mem::replace(&mut self.seats[at], Seat::Left)
    }
}

fn exchange(old: Waker, new: &Waker) -> (Waker, Option<Waker>) {
    if old.will_wake(new) {
        (old, None)
    } else {
        (new.clone(), Some(old))
    }
}
