//! Those who wait, in the order of their coming.
//!
//! The nodes are linked by their numbers in one vector: joining and leaving take the same few
//! instructions wherever in the line it is, and memory is asked for only when the line is longer than
//! it ever was.

use std::mem;
use std::task::{Poll, Waker};

/// No node.
const NONE: usize = usize::MAX;

/// `G` is what they wait for.
#[derive(Debug)]
pub(super) struct Line<G> {
    nodes: Vec<Node<G>>,
    /// The first of the nodes that nobody has; linked by `after`.
    free: usize,
    first: usize,
    last: usize,
    /// How many wait, without those who were served and have not looked yet.
    waiting: usize,
}

#[derive(Debug)]
struct Node<G> {
    state: State<G>,
    before: usize,
    after: usize,
}

#[derive(Debug)]
enum State<G> {
    Free,
    Waits(Waker),
    /// Out of the line; it is the owner's, who has not looked yet.
    Served(G),
    /// Out of the line, because there will be nothing any more.
    Refused,
}

/// A place in the line. Its owner comes back with it until it is served, or leaves.
#[derive(Debug)]
pub(super) struct Ticket(usize);

/// There is nothing to wait for any more.
#[derive(Debug)]
pub(super) struct Over;

impl<G> Line<G> {
    pub(super) fn new() -> Self {
        Self {
            nodes: Vec::new(),
            free: NONE,
            first: NONE,
            last: NONE,
            waiting: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.waiting
    }

    /// Joins at the end.
    pub(super) fn join(&mut self, waker: Waker) -> Ticket {
        let node = Node {
            state: State::Waits(waker),
            before: self.last,
            after: NONE,
        };
        let at = self.free;
        let at = if at == NONE {
            self.nodes.push(node);
            self.nodes.len() - 1
        } else {
            self.free = mem::replace(&mut self.nodes[at], node).after;
            at
        };
        match self.last {
            NONE => self.first = at,
            last => self.nodes[last].after = at,
        }
        self.last = at;
        self.waiting += 1;
        Ticket(at)
    }

    /// Gives this to the first, who is to be woken; gives it back if nobody waits.
    pub(super) fn serve(&mut self, what: G) -> Result<Waker, G> {
        let first = self.first;
        if first == NONE {
            return Err(what);
        }
        self.unlink(first);
        match mem::replace(&mut self.nodes[first].state, State::Served(what)) {
            State::Waits(waker) => Ok(waker),
            _ => unreachable!("who is in line waits"),
        }
    }

    /// What the owner of the ticket, which ends with anything but `Pending`, has got by now; and the waker
    /// that was there before, which may be the last that holds a task with objects of the same pool.
    pub(super) fn look(
        &mut self,
        ticket: &Ticket,
        waker: &Waker,
    ) -> (Poll<Result<G, Over>>, Option<Waker>) {
        let state = &mut self.nodes[ticket.0].state;
        if let State::Waits(old) = state {
            let changed = !old.will_wake(waker);
            let old = changed.then(|| mem::replace(old, waker.clone()));
            return (Poll::Pending, old);
        }
        let looked = match self.release(ticket.0) {
            State::Served(what) => Ok(what),
            _ => Err(Over),
        };
        (Poll::Ready(looked), None)
    }

    /// Leaves the line. What the owner was served in the meantime has to go to somebody else.
    pub(super) fn leave(&mut self, ticket: &Ticket) -> (Option<G>, Option<Waker>) {
        if matches!(self.nodes[ticket.0].state, State::Waits(_)) {
            self.unlink(ticket.0);
        }
        match self.release(ticket.0) {
            State::Served(what) => (Some(what), None),
            State::Waits(waker) => (None, Some(waker)),
            State::Free | State::Refused => (None, None),
        }
    }

    /// Sends everybody away; they are to be woken.
    pub(super) fn refuse_all(&mut self) -> Vec<Waker> {
        let mut wakers = Vec::with_capacity(self.waiting);
        while self.first != NONE {
            let first = self.first;
            self.unlink(first);
            let state = mem::replace(&mut self.nodes[first].state, State::Refused);
            if let State::Waits(waker) = state {
                wakers.push(waker);
            }
        }
        wakers
    }

    /// Takes a node out of the line, without giving it up.
    fn unlink(&mut self, at: usize) {
        let Node { before, after, .. } = self.nodes[at];
        match before {
            NONE => self.first = after,
            before => self.nodes[before].after = after,
        }
        match after {
            NONE => self.last = before,
            after => self.nodes[after].before = before,
        }
        self.waiting -= 1;
    }

    /// Gives a node up that is not in the line.
    fn release(&mut self, at: usize) -> State<G> {
        let node = &mut self.nodes[at];
        node.after = mem::replace(&mut self.free, at);
        mem::replace(&mut node.state, State::Free)
    }
}
