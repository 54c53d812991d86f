//! What lies between a producer and its consumer.
//!
//! The items that are ahead lie in one list under a lock. The producer adds to it one by one; the consumer
//! swaps the whole list against its emptied batch, so that it takes the lock once for many items. Two
//! channels carry nothing but wake-ups, and the ends of the two sides.
//!
//! 1. An item is in one place only: in the list, or in the batch. Whatever is in the batch is older.
//! 2. `ahead` counts the items in both, and those that the consumer has handed out and not yet reported.
//!    Only the producer adds to it, and never beyond `max_size`; so what is not reported yet only makes
//!    the producer wait sooner.
//! 3. The consumer waits only with an empty batch, after it has seen an empty list and set
//!    `consumer_waits`, both under one lock. Whoever adds an item takes the mark away under the lock, and
//!    then sends one wake-up: the channel never holds more than one, and none is left over.
//! 4. The consumer reports each quarter of `max_size`, and with an empty batch. The producer waits only
//!    after it has seen `ahead == max_size` and set `producer_waits`, both under one lock. Whoever reports
//!    that half of the places are free takes the mark away, and then sends one wake-up. There is always
//!    somebody who will: a producer that waits has items before the consumer, or in its batch.
//! 5. The producer ends by dropping its side, after its last item: the consumer finds the end of the channel
//!    after every wake-up, and looks into the list once more.
//! 6. The consumer ends by `closed`, under the lock: no item is added after that. Then it closes the
//!    channel on which the producer may wait.
//! 7. No waker is called, and no item dropped, under the lock.
//! 8. A consumer with an empty batch that does not wait yet asks to be polled again at once. With many
//!    places, and after looks that found little, some of these turns pass without a look: at most 15, and
//!    none once it waits.

use std::collections::VecDeque;
use std::mem;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::thread;

use async_channel::{Receiver, Sender};
use futures_core::Stream;

use super::statistic::IteratorStatistic;
use crate::flag::Flag;
use crate::runtime::Runtime;
use crate::statistics::Instance;
use crate::thread::{Cut, cut, wait};

/// So often the producer looks for room before it sleeps, at most, letting other threads go first: about as
/// long as waking a thread takes, so that a consumer that it has just woken finds it awake. While both are
/// awake, neither has to wake the other.
const PRODUCER_LOOKS: usize = 200;

/// So often the consumer looks for an item before it waits, at most, letting other tasks go first.
const CONSUMER_LOOKS: usize = 64;

/// Up to this `max_size` both look so often; with a larger one less often, as one wake-up is for more items.
const FEW: usize = 8;

/// Makes both sides. `max_size` 0 means that there is no limit.
pub(super) fn new<T>(
    max_size: usize,
    statistic: Instance<IteratorStatistic>,
) -> (Producer<T>, Consumer<T>) {
    statistic
        .queue_size
        .set(i64::try_from(max_size).unwrap_or(i64::MAX));
    let max_size = if max_size == 0 { usize::MAX } else { max_size };
    let bridge = Arc::new(Bridge {
        state: Mutex::new(State {
            items: VecDeque::new(),
            ahead: 0,
            begun: false,
            consumer_waits: false,
            producer_waits: false,
            closed: false,
        }),
        max_size,
    });
    // In a simulation nothing comes while one side has its turn.
    let in_turns = Runtime::current().is_ok_and(|runtime| runtime.backend().keep().is_some());
    let looks = |most: usize| {
        let some = (most * FEW / max_size.max(FEW)).max(most / 10);
        Looks::new(if in_turns { 0 } else { some })
    };
    let (wake_consumer, consumer_woken) = async_channel::bounded(1);
    let (wake_producer, producer_woken) = async_channel::bounded(1);
    let producer = Producer {
        bridge: Arc::clone(&bridge),
        room: max_size,
        looks: looks(PRODUCER_LOOKS),
        cut: None,
        woken: producer_woken,
        wake: wake_consumer,
    };
    let consumer = Consumer {
        batch: VecDeque::new(),
        taken: 0,
        step: max_size.div_ceil(4),
        bridge,
        waits: false,
        looking: false,
        looks: looks(CONSUMER_LOOKS),
        spared: Spared::new(if in_turns { 0 } else { max_size }),
        woken: Box::pin(consumer_woken),
        wake: wake_producer,
        statistic,
    };
    (producer, consumer)
}

struct Bridge<T> {
    state: Mutex<State<T>>,
    max_size: usize,
}

struct State<T> {
    items: VecDeque<T>,
    ahead: usize,
    begun: bool,
    consumer_waits: bool,
    producer_waits: bool,
    closed: bool,
}

/// Why no item can be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    Closed,
    Cut,
}

impl<T> Bridge<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The side of the thread.
pub(super) struct Producer<T> {
    bridge: Arc<Bridge<T>>,
    /// So many items can be added at least.
    room: usize,
    looks: Looks,
    /// Known once it has begun: it may never have to wait, and so never hear of it in another way.
    cut: Option<Arc<Flag>>,
    woken: Receiver<()>,
    wake: Sender<()>,
}

impl<T> Producer<T> {
    /// Marks that the producer begins; `false` if nobody wants it any more.
    pub(super) fn begin(&mut self) -> bool {
        self.cut = cut();
        let mut state = self.bridge.lock();
        state.begun = !state.closed;
        state.begun
    }

    /// Waits until an item can be added.
    #[inline]
    pub(super) fn reserve(&mut self) -> Result<(), Refused> {
        if self.is_cut() {
            return Err(Refused::Cut);
        }
        if self.room == 0 {
            self.wait_for_room()?;
        }
        Ok(())
    }

    /// Adds an item, after waiting until it can be added.
    #[inline]
    pub(super) fn send(&mut self, item: T) -> Result<(), Refused> {
        self.reserve()?;
        self.put(item)
    }

    /// Adds an item for which there is room: one that was made is not lost, whatever has come since.
    #[inline]
    pub(super) fn put(&mut self, item: T) -> Result<(), Refused> {
        let mut state = self.bridge.lock();
        if state.closed {
            drop(state);
            return Err(Refused::Closed);
        }
        state.items.push_back(item);
        state.ahead += 1;
        self.room = self.bridge.max_size - state.ahead;
        let consumer_waits = mem::take(&mut state.consumer_waits);
        drop(state);
        if consumer_waits {
            // It has room, and the consumer may have gone.
            let _ = self.wake.try_send(());
        }
        Ok(())
    }

    /// Looks for room, and sleeps if there is none after a while.
    #[cold]
    fn wait_for_room(&mut self) -> Result<(), Refused> {
        self.looks.begin();
        while !self.find_room(self.looks.are_over())? {
            if !self.looks.go_on() {
                return self.sleep_until_room();
            }
            thread::yield_now();
        }
        self.looks.found();
        Ok(())
    }

    fn sleep_until_room(&mut self) -> Result<(), Refused> {
        loop {
            match wait(self.woken.recv()) {
                Ok(Ok(())) if self.find_room(true)? => return Ok(()),
                Ok(Ok(())) => {}
                Ok(Err(_closed)) => return Err(Refused::Closed),
                Err(Cut) => return Err(Refused::Cut),
            }
        }
    }

    /// Whether there is room; marks that the producer waits if there is none.
    fn find_room(&mut self, or_wait: bool) -> Result<bool, Refused> {
        let mut state = self.bridge.lock();
        if state.closed {
            return Err(Refused::Closed);
        }
        self.room = self.bridge.max_size - state.ahead;
        state.producer_waits = self.room == 0 && or_wait;
        Ok(self.room > 0)
    }

    /// Whether the consumer has gone, or the producer is to give up.
    pub(super) fn is_closed(&self) -> bool {
        self.is_cut() || self.bridge.lock().closed
    }

    #[inline]
    fn is_cut(&self) -> bool {
        self.cut.as_ref().is_some_and(|cut| cut.is_set())
    }
}

/// The side of the stream.
pub(super) struct Consumer<T> {
    /// Taken over from the list, and not yet handed out.
    batch: VecDeque<T>,
    /// Handed out, and not yet reported.
    taken: usize,
    /// So many are handed out between two reports.
    step: usize,
    bridge: Arc<Bridge<T>>,
    /// Whether `consumer_waits` was set, and no wake-up has come since.
    waits: bool,
    /// Whether the last poll has looked in vain, and asked for another one.
    looking: bool,
    looks: Looks,
    spared: Spared,
    woken: Pin<Box<Receiver<()>>>,
    wake: Sender<()>,
    statistic: Instance<IteratorStatistic>,
}

impl<T> Consumer<T> {
    /// The next item; `None` when the producer has ended and all items were handed out.
    #[inline]
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        if self.batch.is_empty() && !ready!(self.poll_batch(cx)) {
            return Poll::Ready(None);
        }
        let item = self.batch.pop_front();
        self.taken += 1;
        if self.taken >= self.step {
            self.report();
        }
        Poll::Ready(item)
    }

    /// Fills the batch; `false` at the end.
    #[cold]
    fn poll_batch(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        if !self.waits {
            if !mem::replace(&mut self.looking, true) {
                self.looks.begin();
            }
            if self.spared.is_next() {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            if self.take_batch(self.looks.are_over()) {
                self.looking = false;
                self.looks.found();
                self.spared.found(self.batch.len());
                return Poll::Ready(true);
            }
            if self.looks.go_on() {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            self.looking = false;
            self.spared.forget();
        }
        loop {
            match ready!(self.woken.as_mut().poll_next(cx)) {
                Some(()) if self.take_batch(true) => return Poll::Ready(true),
                Some(()) => {}
                None => return Poll::Ready(self.take_batch(true)),
            }
        }
    }

    /// Takes over what is in the list, or marks that the consumer waits.
    fn take_batch(&mut self, or_wait: bool) -> bool {
        let bridge = Arc::clone(&self.bridge);
        let mut state = bridge.lock();
        mem::swap(&mut self.batch, &mut state.items);
        let is_empty = self.batch.is_empty();
        self.waits = is_empty && or_wait;
        state.consumer_waits = self.waits;
        self.statistic.enqueued.add(self.batch.len() as u64);
        self.settle(state);
        !is_empty
    }

    fn report(&mut self) {
        let bridge = Arc::clone(&self.bridge);
        self.settle(bridge.lock());
    }

    /// Counts what was handed out, and wakes the producer if that makes enough room.
    fn settle(&mut self, mut state: MutexGuard<'_, State<T>>) {
        let taken = mem::take(&mut self.taken);
        state.ahead -= taken;
        let ahead = state.ahead;
        let wake = state.producer_waits && ahead <= self.bridge.max_size / 2;
        if wake {
            state.producer_waits = false;
        }
        drop(state);
        if wake {
            let _ = self.wake.try_send(());
        }
        self.statistic.yielded.add(taken as u64);
        self.statistic
            .queue_length
            .set(i64::try_from(ahead).unwrap_or(i64::MAX));
    }

    /// Ends the producer with its next item. Gives the items that were ahead, and whether the producer has
    /// begun.
    pub(super) fn close(&mut self) -> (VecDeque<T>, bool) {
        let bridge = Arc::clone(&self.bridge);
        let mut state = bridge.lock();
        state.closed = true;
        let mut items = mem::take(&mut state.items);
        let begun = state.begun;
        self.statistic.enqueued.add(items.len() as u64);
        state.ahead -= self.batch.len() + items.len();
        self.settle(state);
        self.wake.close();
        let mut left = mem::take(&mut self.batch);
        left.append(&mut items);
        (left, begun)
    }

    /// How many items are ahead, about.
    pub(super) fn ahead(&self) -> usize {
        self.bridge.lock().ahead - self.taken
    }
}

/// How many turns a consumer that is the faster one leaves to others between two looks: each of them takes
/// the lock's memory away from the producer, which costs more than adding some items.
struct Spared {
    /// So many items at once are enough.
    enough: usize,
    turns: u32,
    left: u32,
}

impl Spared {
    /// None where few items fit: then the producer waits for the next look.
    fn new(max_size: usize) -> Self {
        Self {
            enough: if max_size < 128 { 0 } else { 64 },
            turns: 0,
            left: 0,
        }
    }

    /// Whether the next turn is one of them.
    fn is_next(&mut self) -> bool {
        let is_next = self.left > 0;
        self.left -= u32::from(is_next);
        is_next
    }

    /// More of them after a look that has found little, and fewer after one that has found enough.
    fn found(&mut self, items: usize) {
        self.turns = match items < self.enough {
            true => (2 * self.turns + 1).min(15),
            false => self.turns / 2,
        };
        self.left = self.turns;
    }

    /// It had to wait: the producer is the slower one by far.
    fn forget(&mut self) {
        self.turns = 0;
        self.left = 0;
    }
}

/// How often one side looks before it sleeps: less and less, for as long as that is of no use.
struct Looks {
    most: usize,
    allowed: usize,
    left: usize,
}

impl Looks {
    fn new(most: usize) -> Self {
        Self {
            most,
            allowed: most,
            left: 0,
        }
    }

    fn begin(&mut self) {
        self.left = self.allowed;
    }

    /// Whether the next look is the last one.
    fn are_over(&self) -> bool {
        self.left == 0
    }

    /// After a look in vain: whether there is another one.
    fn go_on(&mut self) -> bool {
        if self.left == 0 {
            self.allowed /= 2;
            return false;
        }
        self.left -= 1;
        true
    }

    /// It was of use; and so it was if the first look has found something.
    fn found(&mut self) {
        self.allowed = self.most;
    }
}
