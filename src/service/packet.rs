use std::fmt;
use std::io;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};

use event_listener::Event;

use crate::net::{Addr, Received, SendBatch};

/// A datagram that a [`UdpServer`](super::UdpServer) has received. Its buffer goes back to the
/// server when it is dropped.
pub struct Packet {
    data: Vec<u8>,
    received: Received,
    mailbox: Arc<Mailbox>,
}

impl Packet {
    pub(super) fn new(data: &[u8], received: Received, mailbox: &Arc<Mailbox>) -> Self {
        let mut buffer = mailbox.inner().buffers.pop().unwrap_or_default();
        buffer.extend_from_slice(data);
        Self {
            data: buffer,
            received,
            mailbox: Arc::clone(mailbox),
        }
    }

    /// The bytes.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// Who sent it.
    #[must_use]
    pub fn peer(&self) -> &Addr {
        &self.received.from
    }

    /// Whether it was longer than the server takes, and its end is lost.
    #[must_use]
    pub fn is_truncated(&self) -> bool {
        self.received.truncated
    }

    /// Sends a datagram to whoever sent this one; see [`send_to`](Self::send_to).
    ///
    /// # Errors
    ///
    /// [`NotConnected`](io::ErrorKind::NotConnected) when the server has stopped.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future before it is ready sends nothing.
    pub async fn reply(&self, data: &[u8]) -> io::Result<()> {
        self.mailbox.send_to(data, self.peer()).await
    }

    /// Hands a datagram to the server, which sends it together with others.
    ///
    /// It waits while many are queued. What the system then says of it goes to the log: as with all
    /// datagrams, only an answer tells that it arrived.
    ///
    /// # Errors
    ///
    /// [`NotConnected`](io::ErrorKind::NotConnected) when the server has stopped.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future before it is ready sends nothing.
    pub async fn send_to(&self, data: &[u8], to: &Addr) -> io::Result<()> {
        self.mailbox.send_to(data, to).await
    }
}

impl Drop for Packet {
    fn drop(&mut self) {
        let mut data = mem::take(&mut self.data);
        data.clear();
        let mut inner = self.mailbox.inner();
        if inner.buffers.len() < Mailbox::BUFFERS && data.capacity() <= Mailbox::BUFFER_SIZE {
            inner.buffers.push(data);
        }
    }
}

impl fmt::Debug for Packet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Packet")
            .field("peer", &format_args!("{}", self.peer()))
            .field("len", &self.data.len())
            .finish_non_exhaustive()
    }
}

/// What goes out, from handlers to the loop that has the socket; and the buffers used again.
pub(super) struct Mailbox {
    inner: Mutex<Inner>,
    /// Notified when there is room again, or the server has stopped.
    room: Event,
}

#[derive(Default)]
struct Inner {
    open: bool,
    queue: SendBatch,
    /// The loop, while it sleeps.
    sleeper: Option<Waker>,
    buffers: Vec<Vec<u8>>,
}

impl Mailbox {
    /// How many datagrams may wait to be sent.
    const QUEUE: usize = 1024;
    /// How many buffers are kept, and up to which size.
    const BUFFERS: usize = 64;
    const BUFFER_SIZE: usize = 4096;

    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            inner: Mutex::default(),
            room: Event::new(),
        })
    }

    pub(super) async fn send_to(&self, data: &[u8], to: &Addr) -> io::Result<()> {
        loop {
            let room = {
                let mut inner = self.inner();
                if !inner.open {
                    let text = "the server is not running";
                    return Err(io::Error::new(io::ErrorKind::NotConnected, text));
                }
                if inner.queue.len() < Self::QUEUE {
                    inner.queue.push(data, to.clone());
                    let sleeper = inner.sleeper.take();
                    drop(inner);
                    if let Some(sleeper) = sleeper {
                        sleeper.wake();
                    }
                    return Ok(());
                }
                self.room.listen()
            };
            room.await;
        }
    }

    pub(super) fn open(&self) {
        self.inner().open = true;
    }

    /// Refuses what is sent from now on. What was taken before is still in the queue.
    pub(super) fn close(&self) {
        self.inner().open = false;
        self.room.notify(usize::MAX);
    }

    /// Takes what is to be sent in exchange for an empty batch.
    pub(super) fn take(&self, empty: &mut SendBatch) {
        let mut inner = self.inner();
        if inner.queue.is_empty() {
            return;
        }
        mem::swap(&mut inner.queue, empty);
        drop(inner);
        self.room.notify(usize::MAX);
    }

    /// Wakes this task when something is to be sent; false if something is there already.
    pub(super) fn sleep(&self, cx: &Context<'_>) -> bool {
        let mut inner = self.inner();
        if !inner.queue.is_empty() {
            return false;
        }
        let old = inner.sleeper.replace(cx.waker().clone());
        drop(inner);
        drop(old);
        true
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
