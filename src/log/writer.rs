//! The side of a buffer that writes: a thread, or who logs.

use std::cell::Cell;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::thread;

use super::buffer::Buffer;
use super::queue::{Batch, Queue, State, Writer};
use super::sink::Sink;
use crate::error::end_of_panic;

/// Starts the thread; it ends when the buffer is closed, or nobody writes through it any more.
pub(super) fn start(buffer: &Arc<Buffer>) -> io::Result<()> {
    let buffer = Arc::clone(buffer);
    let write = move || {
        // All its life.
        IN_SINK.set(true);
        let mut batch = Batch::default();
        while buffer.take(&mut batch) {
            buffer.write(&batch);
        }
    };
    let thread = thread::Builder::new().name("aiomisc-log".to_owned());
    thread.spawn(write).map(drop)
}

thread_local! {
    /// Whether this thread is writing to a sink: what is logged meanwhile cannot wait for that.
    static IN_SINK: Cell<bool> = const { Cell::new(false) };
    /// Whether this thread tells how many records were lost, which is the last thing that a log takes.
    static TELLING: Cell<bool> = const { Cell::new(false) };
}

pub(super) fn in_sink() -> bool {
    IN_SINK.get()
}

pub(super) fn is_telling() -> bool {
    TELLING.get()
}

impl Buffer {
    /// Waits for records that are due, and takes them; nothing when there will be no more.
    fn take(&self, batch: &mut Batch) -> bool {
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
    fn write(&self, batch: &Batch) {
        let result = self.write_records(batch.bytes(), batch.ends());
        self.account(result, false);
    }

    /// Writes a record on the thread that logs it, whose turn it is.
    pub(super) fn write_now(&self, record: &[u8]) {
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
        let failed = result.is_err();
        self.figures.flushes.add_one();
        self.figures.lost.add(lost);
        if failed {
            self.figures.errors.add_one();
        }
        // Whoever waits for it looks at the figures next.
        self.settled.fetch_add(lost, Ordering::AcqRel);
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

    pub(super) fn close_sink(&self) {
        let sink = self
            .sink
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        drop_quietly(sink);
    }
}

/// Closing a file can fail as much as writing it; a panic of it has nobody to go to.
pub(super) fn drop_quietly(sink: Option<Sink>) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(sink))) {
        end_of_panic(panic);
        let _ = writeln!(io::stderr(), "aiomisc: closing a log panicked");
    }
}
