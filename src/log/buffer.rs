use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::buffering::{Buffering, Overflow};
use super::exit;
use super::queue::{Queue, State, Writer};
use super::sink::Sink;
use super::writer::{self, drop_quietly, in_sink, is_telling};
use crate::statistic;
use crate::statistics::Instance;

/// What the standard error stream is called.
pub(super) const STDERR: &str = "stderr";

/// A place where nothing was written for so long is stuck.
pub(super) const STUCK: Duration = Duration::from_secs(5);

statistic! {
    /// What became of records, for each [`Output`](super::Output); those of the standard streams are
    /// called `stderr` and `stdout`.
    pub struct LogStatistic {
        /// How many threads write: one with a buffer, else none.
        pub threads: Gauge,
        /// Records that came in.
        pub records: Counter,
        /// How often records were written, some or many at a time.
        pub flushes: Counter,
        /// How often that failed.
        pub errors: Counter,
        /// Records that were dropped or could not be written.
        pub lost: Counter,
    }
}

/// Where records wait, and what is written to.
///
/// 1. Records of one thread are written in its order.
/// 2. What was accepted is written, or counted as lost.
/// 3. Who logs waits for the sink only while the buffer is full.
/// 4. No code of the user's runs under the lock of the queue.
pub(super) struct Buffer {
    pub(super) queue: Mutex<Queue>,
    /// Tells the writer that there is something to do.
    pub(super) work: Condvar,
    /// Tells the others that there is room, or that something was written.
    pub(super) progress: Condvar,
    /// How many records the writer is done with.
    pub(super) settled: AtomicU64,
    pub(super) sink: Mutex<Option<Sink>>,
    /// Whether the last attempt to write failed.
    pub(super) failing: AtomicBool,
    pub(super) is_stderr: bool,
    pub(super) figures: Instance<LogStatistic>,
}

impl Buffer {
    pub(super) fn new(sink: Sink, stream: Option<&'static str>) -> Arc<Self> {
        let buffer = Arc::new(Self {
            queue: Mutex::new(Queue::new()),
            work: Condvar::new(),
            progress: Condvar::new(),
            settled: AtomicU64::new(0),
            sink: Mutex::new(Some(sink)),
            failing: AtomicBool::new(false),
            is_stderr: stream == Some(STDERR),
            figures: match stream {
                Some(name) => LogStatistic::new(name),
                None => LogStatistic::unnamed(),
            },
        });
        exit::watch(&buffer);
        buffer
    }

    pub(super) fn is_stderr(&self) -> bool {
        self.is_stderr
    }

    /// Has a thread write from now on.
    pub(super) fn open(self: &Arc<Self>, buffering: Buffering) {
        let mut queue = self.lock();
        queue.buffering = buffering;
        if queue.state != State::Direct {
            return;
        }
        if queue.writer == Writer::None {
            if let Err(error) = writer::start(self) {
                drop(queue);
                tracing::warn!(%error, "no thread to write the log: everybody writes by himself");
                return;
            }
            queue.writer = Writer::Writing;
            self.figures.threads.set(1);
        }
        queue.state = State::Open;
    }

    /// Has everybody write by himself from now on, after what is there.
    pub(super) fn write_directly_from_now_on(&self) {
        self.flush();
        let mut queue = self.lock();
        if queue.state == State::Open {
            queue.state = State::Direct;
            self.work.notify_one();
        }
    }

    /// Nothing more is accepted; what is there is written, and then the sink is closed.
    pub(super) fn close(&self) {
        let mut queue = self.lock();
        if queue.state == State::Closing || queue.state == State::Closed {
            return;
        }
        if queue.writer == Writer::None {
            queue.state = State::Closed;
            drop(queue);
            // Who writes at this moment comes to his end.
            if !in_sink() {
                self.close_sink();
            }
        } else {
            queue.state = State::Closing;
            self.work.notify_one();
        }
    }

    /// Takes a record; an empty one is none.
    pub(super) fn put(&self, record: &[u8]) {
        if record.is_empty() {
            return;
        }
        let mut queue = self.lock();
        loop {
            match queue.state {
                State::Open => {}
                State::Closing if is_telling() => {}
                State::Closing | State::Closed => return,
                // What a sink logs about each record would have no end.
                State::Direct if in_sink() => return self.lose(&mut queue),
                // Behind what the writer still has.
                State::Direct if queue.writer != Writer::None => {}
                // Not behind the lock of the sink: who writes may wait for something that this thread
                // holds, as for the standard error stream.
                State::Direct if queue.busy => match self.wait_while(queue, |queue| queue.busy) {
                    Some(locked) => {
                        queue = locked;
                        continue;
                    }
                    None => return,
                },
                State::Direct => {
                    queue.busy = true;
                    queue.accepted += 1;
                    drop(queue);
                    self.figures.records.add_one();
                    return self.write_now(record);
                }
            }
            if !queue.is_full() {
                break;
            }
            // It cannot wait for itself, and gets some room that others do not have.
            if in_sink() {
                if queue.is_overfull() {
                    return self.lose(&mut queue);
                }
                break;
            }
            if queue.buffering.overflow == Overflow::Drop {
                return self.lose(&mut queue);
            }
            match self.wait_while(queue, Queue::is_full) {
                Some(locked) => queue = locked,
                None => return,
            }
        }
        queue.batch.push(record);
        queue.accepted += 1;
        self.figures.records.add_one();
        let wake = match queue.writer {
            Writer::Idle => true,
            Writer::Gathering => queue.is_due(),
            Writer::None | Writer::Writing => false,
        };
        if wake {
            queue.writer = Writer::Writing;
            drop(queue);
            self.work.notify_one();
        }
    }

    /// Waits until this may have changed; nothing if the record is dropped.
    fn wait_while<'a>(
        &'a self,
        mut queue: MutexGuard<'a, Queue>,
        still: impl Fn(&Queue) -> bool,
    ) -> Option<MutexGuard<'a, Queue>> {
        if queue.stuck {
            self.lose(&mut queue);
            return None;
        }
        let settled = self.settled.load(Ordering::Relaxed);
        let (mut queue, late) = self.wait_for_progress(queue, STUCK);
        if late && still(&queue) && self.settled.load(Ordering::Relaxed) == settled {
            queue.stuck = true;
        }
        Some(queue)
    }

    /// A record is left out.
    pub(super) fn lose_one(&self) {
        self.lose(&mut self.lock());
    }

    /// The record does not come in.
    fn lose(&self, queue: &mut Queue) {
        queue.lost += 1;
        self.figures.lost.add_one();
    }

    /// Waits until everything is written that was accepted before, or nothing moves any more;
    /// whether it is written.
    pub(super) fn flush(&self) -> bool {
        self.wait_until_settled(self.accepted(), &|| STUCK)
    }

    /// How many records have come in, ever.
    pub(super) fn accepted(&self) -> u64 {
        self.lock().accepted
    }

    /// Waits until so many records are written. It gives up when nothing moves for as long as
    /// `patience` says, which is asked again after each step.
    pub(super) fn wait_until_settled(&self, target: u64, patience: &dyn Fn() -> Duration) -> bool {
        let mut queue = self.lock();
        queue.wanted = queue.wanted.max(target);
        self.work.notify_one();
        self.wait_until(queue, patience, |_, settled| settled >= target)
    }

    /// As `wait_until_settled`, until the sink is closed.
    pub(super) fn wait_until_ended(&self, patience: &dyn Fn() -> Duration) -> bool {
        let ended = self.wait_until(self.lock(), patience, |queue, _| {
            queue.writer == Writer::None && !queue.busy
        });
        // Without a writer that is left to us: a file may have an end to write.
        if ended && let Ok(mut sink) = self.sink.try_lock() {
            let sink = sink.take();
            drop_quietly(sink);
        }
        ended
    }

    fn wait_until<'a>(
        &'a self,
        mut queue: MutexGuard<'a, Queue>,
        patience: &dyn Fn() -> Duration,
        is_over: impl Fn(&Queue, u64) -> bool,
    ) -> bool {
        loop {
            let settled = self.settled.load(Ordering::Acquire);
            if is_over(&queue, settled) {
                return true;
            }
            let patience = patience();
            // What this thread writes at this moment would wait for itself.
            if in_sink() || patience.is_zero() {
                return false;
            }
            let (locked, late) = self.wait_for_progress(queue, patience);
            queue = locked;
            if late && self.settled.load(Ordering::Acquire) == settled && !is_over(&queue, settled)
            {
                return false;
            }
        }
    }

    /// Nothing more is accepted, and what is there is to be written; tells up to where that goes.
    pub(super) fn begin_end(&self) -> u64 {
        let mut queue = self.lock();
        match queue.state {
            State::Direct if queue.writer == Writer::None => queue.state = State::Closed,
            State::Open | State::Direct => {
                queue.state = State::Closing;
                self.work.notify_one();
            }
            State::Closing | State::Closed => {}
        }
        queue.accepted
    }

    /// How many records were accepted and not written.
    pub(super) fn left(&self, target: u64) -> u64 {
        target.saturating_sub(self.settled.load(Ordering::Acquire))
    }

    fn wait_for_progress<'a>(
        &'a self,
        mut queue: MutexGuard<'a, Queue>,
        limit: Duration,
    ) -> (MutexGuard<'a, Queue>, bool) {
        queue.waiting += 1;
        let waited = self.progress.wait_timeout(queue, limit);
        let (mut queue, result) = waited.unwrap_or_else(PoisonError::into_inner);
        queue.waiting -= 1;
        (queue, result.timed_out())
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let queue = self.lock();
        f.debug_struct("Buffer")
            .field("waiting", &queue.batch.len())
            .field("accepted", &queue.accepted)
            .finish_non_exhaustive()
    }
}
