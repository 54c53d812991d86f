//! Who has which place: the part of the pool without time, tasks and user code.
//!
//! 1. At most `maximum` places are taken. A place is taken by an object, idle or lent, and by the making
//!    of one.
//! 2. Somebody waits only while every place is taken and nothing is idle. So what comes free goes to the
//!    one who has waited longest, and who comes later cannot overtake.
//! 3. What was granted to somebody who has left goes to the next.
//! 4. Objects that are being destroyed have no place, unless there are `maximum` of them already: then
//!    one keeps its place until it is destroyed. So there are never more than twice `maximum`.
//! 5. Nothing of the user's is called here but the cloning of wakers.

use std::collections::VecDeque;
use std::mem;
use std::task::{Poll, Waker};
use std::time::Instant;

use super::line::{Line, Over, Ticket};

/// `I` is an object with what the pool knows of it.
#[derive(Debug)]
pub(super) struct Places<I> {
    rules: Rules,
    /// Those that were used last are last.
    idle: VecDeque<I>,
    taken: usize,
    /// How many are being destroyed, without those that keep their place meanwhile.
    doomed: usize,
    line: Line<Grant<I>>,
    closed: bool,
    keeper: Keeper,
    /// Whether somebody makes objects to be idle.
    filling: bool,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    pub(super) maximum: usize,
    pub(super) minimum_idle: usize,
    pub(super) most_waiting: usize,
    pub(super) newest_first: bool,
}

/// An object that does not stay idle for ever.
pub(super) trait Rests {
    /// When it has been idle for too long.
    fn idle_until(&self) -> Option<Instant>;

    /// When it is too old.
    fn dies(&self) -> Option<Instant>;
}

/// What one who asks gets. It has a place in any case.
#[derive(Debug)]
pub(super) enum Grant<I> {
    Object(I),
    /// A place without an object: one may be made.
    Place,
}

#[derive(Debug)]
pub(super) enum Asked<I> {
    Granted(Grant<I>),
    InLine(Ticket),
    Refused(Refused),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    Closed,
    /// The line is as long as it may be.
    Full,
}

/// What became of an object that was given back.
#[derive(Debug)]
pub(super) enum Returned<I> {
    /// It is somebody else's, who is to be woken.
    Granted(Waker),
    Idle(Stir),
    /// The pool is closed; it keeps its place.
    Unwanted(I),
}

/// The one who looks after idle objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keeper {
    Absent,
    /// It looks, or is about to.
    Awake,
    SleepsUntil(Instant),
}

/// What has to be done about the keeper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stir {
    Nothing,
    Start,
    Wake,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) taken: usize,
    pub(super) idle: usize,
    pub(super) waiting: usize,
    pub(super) doomed: usize,
}

impl<I: Rests> Places<I> {
    pub(super) fn new(rules: Rules) -> Self {
        Self {
            rules,
            idle: VecDeque::new(),
            taken: 0,
            doomed: 0,
            line: Line::new(),
            closed: false,
            keeper: Keeper::Absent,
            filling: false,
        }
    }

    pub(super) fn counts(&self) -> Counts {
        Counts {
            taken: self.taken,
            idle: self.idle.len(),
            waiting: self.line.len(),
            doomed: self.doomed,
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    /// Whether it is closed and nothing is left.
    pub(super) fn is_over(&self) -> bool {
        self.closed && self.taken == 0 && self.doomed == 0
    }

    /// Takes an idle object, or else a place; or stands in line.
    pub(super) fn ask(&mut self, waker: &Waker) -> Asked<I> {
        if self.closed {
            return Asked::Refused(Refused::Closed);
        }
        if let Some(item) = self.take_idle() {
            return Asked::Granted(Grant::Object(item));
        }
        if self.taken < self.rules.maximum {
            self.taken += 1;
            return Asked::Granted(Grant::Place);
        }
        if self.line.len() >= self.rules.most_waiting {
            return Asked::Refused(Refused::Full);
        }
        Asked::InLine(self.line.join(waker.clone()))
    }

    /// Looks whether it is one's turn; the ticket has ended if it is not `Pending`. The waker is for the
    /// caller to drop, without the lock.
    pub(super) fn look(
        &mut self,
        ticket: &Ticket,
        waker: &Waker,
    ) -> (Poll<Result<Grant<I>, Refused>>, Option<Waker>) {
        let (looked, waker) = self.line.look(ticket, waker);
        (looked.map_err(|Over| Refused::Closed), waker)
    }

    /// Leaves the line. What was granted meanwhile has to be given back. The waker is as in
    /// [`look`](Self::look).
    pub(super) fn leave(&mut self, ticket: &Ticket) -> (Option<Grant<I>>, Option<Waker>) {
        self.line.leave(ticket)
    }

    pub(super) fn give_back(&mut self, item: I) -> Returned<I> {
        if self.closed {
            return Returned::Unwanted(item);
        }
        match self.line.serve(Grant::Object(item)) {
            Ok(waker) => Returned::Granted(waker),
            Err(Grant::Object(item)) => {
                self.idle.push_back(item);
                Returned::Idle(self.stir())
            }
            Err(Grant::Place) => unreachable!("it was an object"),
        }
    }

    /// Gives a place back that has no object. Who gets it is to be woken.
    #[must_use]
    pub(super) fn free(&mut self) -> Option<Waker> {
        match self.line.serve(Grant::Place) {
            Ok(waker) => Some(waker),
            Err(_) => {
                self.taken -= 1;
                None
            }
        }
    }

    /// Writes down that the object at a place is about to be destroyed. Whether its place is the caller's
    /// now; else it is the object's until [`bury`](Self::bury).
    #[must_use]
    pub(super) fn doom(&mut self) -> bool {
        let free = self.doomed < self.rules.maximum;
        self.doomed += usize::from(free);
        free
    }

    /// Writes down that it is destroyed.
    #[must_use]
    pub(super) fn bury(&mut self, had_place: bool) -> Option<Waker> {
        if had_place {
            return self.free();
        }
        self.doomed -= 1;
        None
    }

    /// Takes an idle object in exchange for a place, if there is one: what is there goes first.
    pub(super) fn exchange(&mut self) -> Grant<I> {
        match self.take_idle() {
            Some(item) => {
                // Nobody waits while something is idle.
                self.taken -= 1;
                Grant::Object(item)
            }
            None => Grant::Place,
        }
    }

    /// Whether somebody has to begin to make objects to be idle. The caller is to start them.
    #[must_use]
    pub(super) fn must_fill(&mut self) -> bool {
        let must = !self.filling && self.lacks();
        self.filling |= must;
        must
    }

    /// Takes a place for an object that is to be idle, or writes down that there is no need of one.
    pub(super) fn fill_one(&mut self) -> bool {
        self.filling = self.lacks();
        self.taken += usize::from(self.filling);
        self.filling
    }

    /// Writes down that nobody makes objects to be idle.
    pub(super) fn filler_is_gone(&mut self) {
        self.filling = false;
    }

    /// Takes out what was idle for too long, or is too old, and says when to look again; if nothing is to
    /// be looked after, the keeper has gone.
    pub(super) fn weed(&mut self, now: Instant) -> (Vec<I>, Option<Instant>) {
        let over = |when: Option<Instant>| when.is_some_and(|when| when <= now);
        let mut weeds = Vec::new();
        for item in mem::take(&mut self.idle) {
            if over(item.dies()) {
                weeds.push(item);
            } else {
                self.idle.push_back(item);
            }
        }
        let spare = self.idle.len().saturating_sub(self.rules.minimum_idle);
        let mut gone = 0;
        for item in mem::take(&mut self.idle) {
            if gone < spare && over(item.idle_until()) {
                gone += 1;
                weeds.push(item);
            } else {
                self.idle.push_back(item);
            }
        }
        let next = self.next_look();
        self.keeper = next.map_or(Keeper::Absent, Keeper::SleepsUntil);
        (weeds, next)
    }

    /// Writes down that nobody looks after idle objects.
    pub(super) fn keeper_is_gone(&mut self) {
        self.keeper = Keeper::Absent;
    }

    /// Refuses from now on: gives what is idle, which keeps its places, and who is to be woken.
    pub(super) fn close(&mut self) -> (Vec<I>, Vec<Waker>) {
        self.closed = true;
        let idle = mem::take(&mut self.idle).into();
        (idle, self.line.refuse_all())
    }

    /// All that is idle; for a pool that nobody has any more.
    pub(super) fn abandon(&mut self) -> VecDeque<I> {
        mem::take(&mut self.idle)
    }

    fn take_idle(&mut self) -> Option<I> {
        if self.rules.newest_first {
            self.idle.pop_back()
        } else {
            self.idle.pop_front()
        }
    }

    fn lacks(&self) -> bool {
        !self.closed && self.idle.len() < self.rules.minimum_idle && self.taken < self.rules.maximum
    }

    /// After an object was put last.
    fn stir(&mut self) -> Stir {
        if self.keeper == Keeper::Awake {
            return Stir::Nothing;
        }
        let Some(item) = self.idle.back() else {
            return Stir::Nothing;
        };
        let mut next = item.dies();
        if self.idle.len() > self.rules.minimum_idle {
            // The first has been idle for longest, and may have been kept because there were too few.
            let first = self.idle.front().and_then(Rests::idle_until);
            next = earlier(next, earlier(item.idle_until(), first));
        }
        let (stir, next) = match (self.keeper, next) {
            (Keeper::Absent, Some(_)) => (Stir::Start, Keeper::Awake),
            (Keeper::SleepsUntil(then), Some(next)) if next < then => (Stir::Wake, Keeper::Awake),
            (keeper, _) => (Stir::Nothing, keeper),
        };
        self.keeper = next;
        stir
    }

    fn next_look(&self) -> Option<Instant> {
        let spare = self.idle.len() > self.rules.minimum_idle;
        let times = self.idle.iter().map(|item| {
            let idle = item.idle_until().filter(|_| spare);
            earlier(item.dies(), idle)
        });
        times.fold(None, earlier)
    }
}

fn earlier(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
