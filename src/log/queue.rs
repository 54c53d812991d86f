use super::buffering::Buffering;

/// So many bytes of records wait at most, however few they are.
const BYTES: usize = 8 * 1024 * 1024;

/// What waits, and what becomes of it.
pub(super) struct Queue {
    pub(super) state: State,
    pub(super) buffering: Buffering,
    pub(super) batch: Batch,
    /// How many records have come in, ever.
    pub(super) accepted: u64,
    /// Everything up to here is to be written at once.
    pub(super) wanted: u64,
    /// Dropped or not written, and not told yet.
    pub(super) lost: u64,
    /// Whether nothing was written for long while somebody waited for it.
    pub(super) stuck: bool,
    /// Whether somebody writes a record by himself.
    pub(super) busy: bool,
    pub(super) writer: Writer,
    /// How many wait for progress.
    pub(super) waiting: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
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
pub(super) enum Writer {
    /// There is none.
    None,
    /// It waits for a first record.
    Idle,
    /// It waits for more of them.
    Gathering,
    /// It is at work, or about to be.
    Writing,
}

impl Queue {
    /// An empty one, for a place that everybody writes to by himself.
    pub(super) fn new() -> Self {
        Self {
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
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.batch.len() >= self.buffering.records || self.batch.bytes().len() >= BYTES
    }

    /// Whether there is not even room for what a sink logs.
    pub(super) fn is_overfull(&self) -> bool {
        const MORE: usize = 64;
        self.batch.len() >= self.buffering.records.saturating_add(MORE)
            || self.batch.bytes().len() >= 2 * BYTES
    }

    /// Whether it is time to write.
    pub(super) fn is_due(&self) -> bool {
        let half = self.buffering.records.div_ceil(2);
        self.batch.len() >= half
            || self.batch.bytes().len() >= BYTES / 2
            || self.wanted > self.accepted - self.batch.len() as u64
            || self.state != State::Open
    }
}

/// Records, one behind the other.
#[derive(Default)]
pub(super) struct Batch {
    bytes: Vec<u8>,
    /// Where each of them ends.
    ends: Vec<usize>,
}

impl Batch {
    pub(super) fn push(&mut self, record: &[u8]) {
        self.bytes.extend_from_slice(record);
        self.ends.push(self.bytes.len());
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn ends(&self) -> &[usize] {
        &self.ends
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Makes room, and gives memory back that an exceptional batch has taken.
    pub(super) fn clear(&mut self) {
        const KEPT: usize = 1024 * 1024;
        self.bytes.clear();
        self.bytes.shrink_to(KEPT);
        self.ends.clear();
        self.ends.shrink_to(KEPT / size_of::<usize>());
    }
}
