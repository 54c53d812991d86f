//! The thread that writes what waits in a buffer.

use std::io;
use std::sync::Arc;
use std::thread;

use super::buffer::{Buffer, become_writer};

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

/// Starts the thread; it ends when the buffer is closed, or nobody writes through it any more.
pub(super) fn start(buffer: &Arc<Buffer>) -> io::Result<()> {
    let buffer = Arc::clone(buffer);
    let write = move || {
        become_writer();
        let mut batch = Batch::default();
        while buffer.take(&mut batch) {
            buffer.write(&batch);
        }
    };
    let thread = thread::Builder::new().name("aiomisc-log".to_owned());
    thread.spawn(write).map(drop)
}
