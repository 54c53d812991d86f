use std::cell::Cell;
use std::fmt;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::buffering::{Buffering, Overflow};
use super::exit;
use super::sink::Sink;
use super::writer::{self, Batch};
use crate::statistic;
use crate::statistics::Instance;

/// So many bytes of records wait at most, however few they are.
const BYTES: usize = 8 * 1024 * 1024;

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
    queue: Mutex<Queue>,
    /// Tells the writer that there is something to do.
    work: Condvar,
    /// Tells the others that there is room, or that something was written.
    progress: Condvar,
    /// How many records the writer is done with.
    settled: AtomicU64,
    sink: Mutex<Option<Sink>>,
    /// Whether the last attempt to write failed.
    failing: AtomicBool,
    is_stderr: bool,
    figures: Instance<LogStatistic>,
}

struct Queue {
    state: State,
    buffering: Buffering,
    batch: Batch,
    /// How many records have come in, ever.
    accepted: u64,
    /// Everything up to here is to be written at once.
    wanted: u64,
    /// Dropped or not written, and not told yet.
    lost: u64,
    /// Whether nothing was written for long while somebody waited for it.
    stuck: bool,
    /// Whether somebody writes a record by himself.
    busy: bool,
    writer: Writer,
    /// How many wait for progress.
    waiting: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Everybody writes by himself.
    Direct,
    /// The writer writes.
    Open,
    /// The writer writes what is there, and closes the sink.
    Closing,
    /// The sink is closed.
    Closed,
}

/// What the writer is doing.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Writer {
    None,
    /// It waits for a first record.
    Idle,
    /// It waits for more of them.
    Gathering,
    Writing,
}

thread_local! {
    /// Whether this thread is writing to a sink: what is logged meanwhile cannot wait for that.
    static IN_SINK: Cell<bool> = const { Cell::new(false) };
    /// Whether this thread tells how many records were lost, which is the last thing that a log takes.
    static TELLING: Cell<bool> = const { Cell::new(false) };
}

fn in_sink() -> bool {
    IN_SINK.get()
}

/// This thread writes all its life.
pub(super) fn become_writer() {
    IN_SINK.set(true);
}

impl Buffer {
    pub(super) fn new(sink: Sink, stream: Option<&'static str>) -> Arc<Self> {
        let buffer = Arc::new(Self {
            queue: Mutex::new(Queue {
                state: State::Direct,
                buffering: Buffering::default(),
                batch: Batch::default(),
                accepted: 0,
                wanted: 0,
                lost: 0,
                stuck: false,
                busy: false,
                writer: Writer::None,
                waiting: 0,
            }),
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
                State::Closing if TELLING.get() => {}
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

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The side of who writes.
impl Buffer {
    /// Waits for records that are due, and takes them; nothing when there will be no more.
    pub(super) fn take(&self, batch: &mut Batch) -> bool {
        batch.clear();
        let mut queue = self.lock();
        loop {
            if queue.batch.is_empty() {
                if queue.state != State::Open {
                    return self.leave(queue);
                }
                queue.writer = Writer::Idle;
                queue = self
                    .work
                    .wait(queue)
                    .unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            if !queue.is_due() {
                queue.writer = Writer::Gathering;
                let interval = queue.buffering.interval;
                let not_due = |queue: &mut Queue| !queue.is_due();
                let waited = self.work.wait_timeout_while(queue, interval, not_due);
                queue = waited.unwrap_or_else(PoisonError::into_inner).0;
            }
            break;
        }
        queue.writer = Writer::Writing;
        std::mem::swap(&mut queue.batch, batch);
        if queue.waiting > 0 {
            self.progress.notify_all();
        }
        true
    }

    fn leave<'a>(&'a self, mut queue: MutexGuard<'a, Queue>) -> bool {
        let close = queue.state == State::Closing;
        if close {
            queue.state = State::Closed;
            drop(queue);
            self.close_sink();
            queue = self.lock();
        }
        queue.writer = Writer::None;
        self.figures.threads.set(0);
        self.progress.notify_all();
        false
    }

    /// Writes what was taken.
    pub(super) fn write(&self, batch: &Batch) {
        let result = self.write_records(batch.bytes(), batch.ends());
        self.account(result, false);
    }

    /// Writes a record on the thread that logs it, whose turn it is.
    fn write_now(&self, record: &[u8]) {
        let result = self.write_records(record, &[record.len()]);
        self.account(result, true);
    }

    /// Writes records, and tells how many are lost.
    fn write_records(&self, bytes: &[u8], ends: &[usize]) -> (usize, io::Result<()>) {
        let before = IN_SINK.replace(true);
        let mut sink = self.sink.lock().unwrap_or_else(PoisonError::into_inner);
        let mut settled = 0;
        let result = match &mut *sink {
            Some(sink) => sink.write(bytes, ends, &mut |count| {
                settled += count;
                self.settled.fetch_add(count as u64, Ordering::AcqRel);
            }),
            None => Ok(()),
        };
        drop(sink);
        IN_SINK.set(before);
        (ends.len() - settled, result)
    }

    /// Counts what could not be written, and has it told.
    fn account(&self, (lost, result): (usize, io::Result<()>), by_himself: bool) {
        let lost = lost as u64;
        self.settled.fetch_add(lost, Ordering::AcqRel);
        let failed = result.is_err();
        self.figures.flushes.add_one();
        self.figures.lost.add(lost);
        if failed {
            self.figures.errors.add_one();
        }
        let told = {
            let mut queue = self.lock();
            queue.lost += lost;
            queue.stuck = false;
            if by_himself {
                queue.busy = false;
            }
            if queue.waiting > 0 {
                self.progress.notify_all();
            }
            // A writer that leaves would not be heard; who comes next tells it.
            if failed || queue.state == State::Direct && !by_himself {
                0
            } else {
                std::mem::take(&mut queue.lost)
            }
        };
        match result {
            Err(error) => {
                if !self.failing.swap(true, Ordering::Relaxed) && !self.is_stderr {
                    // Nobody is left to tell when that fails as well.
                    let _ = writeln!(io::stderr(), "aiomisc: the log cannot be written: {error}");
                }
            }
            Ok(()) => self.failing.store(false, Ordering::Relaxed),
        }
        if told > 0 {
            let before = TELLING.replace(true);
            tracing::warn!(target: "aiomisc::log", records = told, "records of the log were lost");
            TELLING.set(before);
        }
    }

    fn close_sink(&self) {
        let sink = self
            .sink
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        drop_quietly(sink);
    }
}

/// Closing a file can fail as much as writing it; a panic of it has nobody to go to.
fn drop_quietly(sink: Option<Sink>) {
    if catch_unwind(AssertUnwindSafe(|| drop(sink))).is_err() {
        let _ = writeln!(io::stderr(), "aiomisc: closing a log panicked");
    }
}

impl Queue {
    fn is_full(&self) -> bool {
        self.batch.len() >= self.buffering.records || self.batch.bytes().len() >= BYTES
    }

    /// Whether there is not even room for what a sink logs.
    fn is_overfull(&self) -> bool {
        const MORE: usize = 64;
        self.batch.len() >= self.buffering.records.saturating_add(MORE)
            || self.batch.bytes().len() >= 2 * BYTES
    }

    /// Whether it is time to write.
    fn is_due(&self) -> bool {
        let half = self.buffering.records.div_ceil(2);
        self.batch.len() >= half
            || self.batch.bytes().len() >= BYTES / 2
            || self.wanted > self.accepted - self.batch.len() as u64
            || self.state != State::Open
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
