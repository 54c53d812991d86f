//! One way of one connection: what was read waits here until it is due, and is then written.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use futures_io::{AsyncRead, AsyncWrite};

use super::link::{Link, Pace};
use crate::net::Stream;
use crate::runtime::{Runtime, Sleep};

/// Bytes from one end on their way to the other.
pub(super) struct Pump {
    queue: VecDeque<Chunk>,
    queued: usize,
    /// How the sender has ended, and when; it is passed on behind what came before.
    end: Option<(End, Instant)>,
    /// Whether the sender is known to be gone: what it sent before can still be read.
    lost: bool,
    pace: Pace,
    /// Whether the receiver could not take what was due.
    blocked: bool,
    wait: Wait,
    over: bool,
}

struct Chunk {
    data: Vec<u8>,
    sent: usize,
    arrived: Instant,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Finished,
    Broken,
}

/// Why a connection cannot go on as it was.
pub(super) enum Fault {
    /// Of the end that is read from.
    Sender(io::Error),
    /// Of the end that is written to.
    Receiver(io::Error),
    /// The text of its panic.
    Processor(String),
}

impl Pump {
    pub(super) fn new() -> Self {
        Self {
            queue: VecDeque::new(),
            queued: 0,
            end: None,
            lost: false,
            pace: Pace::default(),
            blocked: false,
            wait: Wait::default(),
            over: false,
        }
    }

    /// Whether everything was passed on, or nothing can be any more.
    pub(super) fn is_over(&self) -> bool {
        self.over
    }

    /// Nobody will take what is here.
    pub(super) fn give_up(&mut self) {
        self.over = true;
        self.queue = VecDeque::new();
        self.queued = 0;
    }

    /// The sender is gone: what it sent before is passed on, and its end is none that it meant.
    pub(super) fn sender_is_lost(&mut self) {
        self.lost = true;
    }

    /// Reads a piece, if there is one and room for it; whether that is so.
    ///
    /// The settings are those after the read: what is sent once they were changed is under them.
    pub(super) fn read(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut Stream,
        link: impl Fn() -> Link,
        runtime: &Runtime,
        buf: &mut [u8],
    ) -> Result<bool, Fault> {
        if self.over || self.end.is_some() || self.queued >= link().room() {
            return Ok(false);
        }
        let count = match Pin::new(from).poll_read(cx, buf) {
            Poll::Pending => return Ok(false),
            Poll::Ready(Ok(count)) => count,
            Poll::Ready(Err(error)) => {
                self.end = Some((End::Broken, runtime.now()));
                return Err(Fault::Sender(error));
            }
        };
        let arrived = runtime.now();
        if count == 0 {
            let end = if self.lost {
                End::Broken
            } else {
                End::Finished
            };
            self.end = Some((end, arrived));
            return Ok(true);
        }
        let mut data = buf[..count].to_vec();
        if let Some(processor) = link().processor {
            data = processor.call(data).map_err(Fault::Processor)?;
        }
        if !data.is_empty() {
            self.queued += data.len();
            self.queue.push_back(Chunk {
                data,
                sent: 0,
                arrived,
            });
        }
        Ok(true)
    }

    /// Writes of what is due as much as the receiver takes at once; how much that was. The end counts
    /// as nothing, and is told by [`is_over`](Self::is_over).
    pub(super) fn write(
        &mut self,
        cx: &mut Context<'_>,
        to: &mut Stream,
        link: &Link,
        runtime: &Runtime,
    ) -> Result<usize, Fault> {
        if self.over {
            return Ok(0);
        }
        let Some(chunk) = self.queue.front_mut() else {
            return self.pass_the_end_on(cx, to, link, runtime).map(|()| 0);
        };
        let left = &chunk.data[chunk.sent..];
        let due = link.due(chunk.arrived).and_then(|ready| match link.rate {
            None => Some((left.len(), ready)),
            Some(rate) => self.pace.next(link, rate, ready, left.len()),
        });
        let (count, due) = due.unzip();
        let Some(count) = count.filter(|_| self.wait.is_over(cx, due, runtime)) else {
            return Ok(0);
        };
        let sent = match Pin::new(to).poll_write(cx, &left[..count]) {
            Poll::Pending => {
                self.blocked = true;
                return Ok(0);
            }
            Poll::Ready(Ok(0)) => {
                return Err(Fault::Receiver(io::ErrorKind::WriteZero.into()));
            }
            Poll::Ready(Ok(sent)) => sent,
            Poll::Ready(Err(error)) => return Err(Fault::Receiver(error)),
        };
        self.pace.add(sent);
        if std::mem::take(&mut self.blocked) {
            // What it could not take in time it does not get all at once.
            self.pace.begin(runtime.now());
        }
        chunk.sent += sent;
        self.queued -= sent;
        if chunk.sent == chunk.data.len() {
            self.queue.pop_front();
        }
        Ok(sent)
    }

    fn pass_the_end_on(
        &mut self,
        cx: &mut Context<'_>,
        to: &mut Stream,
        link: &Link,
        runtime: &Runtime,
    ) -> Result<(), Fault> {
        let Some((end, arrived)) = self.end else {
            return Ok(());
        };
        if !self.wait.is_over(cx, link.due(arrived), runtime) {
            return Ok(());
        }
        if end == End::Finished {
            match Pin::new(to).poll_close(cx) {
                Poll::Pending => return Ok(()),
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(error)) => return Err(Fault::Receiver(error)),
            }
        }
        self.over = true;
        Ok(())
    }
}

/// Waits for a moment that may change.
#[derive(Default)]
struct Wait {
    sleep: Option<Pin<Box<dyn Sleep>>>,
    /// What `sleep` waits for.
    until: Option<Instant>,
}

impl Wait {
    /// Whether it is that late; otherwise the task is woken then, or never.
    fn is_over(&mut self, cx: &mut Context<'_>, due: Option<Instant>, runtime: &Runtime) -> bool {
        loop {
            let left = due.map(|due| due.saturating_duration_since(runtime.now()));
            let Some(left) = left.filter(|left| !left.is_zero()) else {
                // A timer of before would wake somebody for nothing.
                *self = Self::default();
                return due.is_some();
            };
            let sleep = match &mut self.sleep {
                Some(sleep) => {
                    if self.until != due {
                        sleep.as_mut().reset(left);
                    }
                    sleep
                }
                none => none.insert(runtime.backend().sleep(left)),
            };
            self.until = due;
            if sleep.as_mut().poll(cx).is_pending() {
                return false;
            }
            self.until = None;
        }
    }
}
