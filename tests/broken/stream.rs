//! Broken streams.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use aiomisc::net::Addr;
use aiomisc::runtime::RawStream;
use aiomisc::testing::conformance::Subject;
use futures::io::{AsyncRead, AsyncWrite};

use crate::net::Faulty;
use crate::{good, rejected};

#[derive(Clone, Copy, PartialEq)]
enum Fault {
    ReadsNothingWhereItShouldWait,
    OnlyFlushesOnClose,
    ClosesBothHalves,
    TakesAResetForTheEnd,
    OneWakerForBoth,
    KeepsTheFirstWaker,
    StaysOpen,
    OneBufferAtATime,
    MixesTheEndsUp,
    ClosesWhereItShouldReset,
}

struct Bad {
    good: Option<Box<dyn RawStream>>,
    fault: Fault,
    closed: bool,
    first: Option<Waker>,
    last: Arc<Last>,
}

/// Wakes whoever polled last, whatever for.
#[derive(Default)]
struct Last(Mutex<Option<Waker>>);

impl Wake for Last {
    fn wake(self: Arc<Self>) {
        let waker = self.0.lock().unwrap().take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Bad {
    fn boxed(good: Box<dyn RawStream>, fault: Fault) -> Box<dyn RawStream> {
        Box::new(Self {
            good: Some(good),
            fault,
            closed: false,
            first: None,
            last: Arc::default(),
        })
    }

    fn good(&self) -> &dyn RawStream {
        &**self.good.as_ref().unwrap()
    }

    fn with<T>(
        &mut self,
        cx: &mut Context<'_>,
        f: impl FnOnce(Pin<&mut Box<dyn RawStream>>, &mut Context<'_>) -> T,
    ) -> T {
        let waker = match self.fault {
            Fault::OneWakerForBoth => {
                *self.last.0.lock().unwrap() = Some(cx.waker().clone());
                Waker::from(Arc::clone(&self.last))
            }
            Fault::KeepsTheFirstWaker => {
                self.first.get_or_insert_with(|| cx.waker().clone()).clone()
            }
            _ => cx.waker().clone(),
        };
        let good = Pin::new(self.good.as_mut().unwrap());
        f(good, &mut Context::from_waker(&waker))
    }
}

impl AsyncRead for Bad {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        if self.closed && self.fault == Fault::ClosesBothHalves {
            return Poll::Ready(Ok(0));
        }
        match (
            self.fault,
            self.with(cx, |good, cx| good.poll_read(cx, buf)),
        ) {
            (Fault::ReadsNothingWhereItShouldWait, Poll::Pending) => Poll::Ready(Ok(0)),
            (Fault::TakesAResetForTheEnd, Poll::Ready(Err(_))) => Poll::Ready(Ok(0)),
            (_, poll) => poll,
        }
    }
}

impl AsyncWrite for Bad {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.with(cx, |good, cx| good.poll_write(cx, buf))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.fault == Fault::OneBufferAtATime {
            let buf = bufs.iter().find(|buf| !buf.is_empty());
            return self.poll_write(cx, buf.map_or(&[], |buf| buf));
        }
        self.with(cx, |good, cx| good.poll_write_vectored(cx, bufs))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.with(cx, |good, cx| good.poll_flush(cx))
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.fault == Fault::OnlyFlushesOnClose {
            return self.poll_flush(cx);
        }
        self.closed = true;
        self.with(cx, |good, cx| good.poll_close(cx))
    }
}

impl RawStream for Bad {
    fn local_addr(&self) -> io::Result<Addr> {
        match self.fault {
            Fault::MixesTheEndsUp => self.good().peer_addr(),
            _ => self.good().local_addr(),
        }
    }

    fn peer_addr(&self) -> io::Result<Addr> {
        match self.fault {
            Fault::MixesTheEndsUp => self.good().local_addr(),
            _ => self.good().peer_addr(),
        }
    }

    fn reset_on_drop(&self) -> io::Result<()> {
        match self.fault {
            Fault::ClosesWhereItShouldReset => Ok(()),
            // It would fail this line as well.
            Fault::TakesAResetForTheEnd => Err(io::ErrorKind::Unsupported.into()),
            _ => self.good().reset_on_drop(),
        }
    }
}

impl Drop for Bad {
    fn drop(&mut self) {
        static KEPT: Mutex<Vec<Box<dyn RawStream>>> = Mutex::new(Vec::new());
        if self.fault == Fault::StaysOpen
            && let Some(good) = self.good.take()
        {
            KEPT.lock().unwrap().push(good);
        }
    }
}

fn with_stream(stream: fn(Box<dyn RawStream>) -> Box<dyn RawStream>) -> Subject {
    let faulty = Faulty {
        stream,
        ..Faulty::new(good())
    };
    faulty.subject()
}

#[test]
fn reads_nothing_where_it_should_wait() {
    let subject = with_stream(|good| Bad::boxed(good, Fault::ReadsNothingWhereItShouldWait));
    rejected(subject, "C1", "something was read before it was written");
}

#[test]
fn trap_5_only_flushes_on_close() {
    let subject = with_stream(|good| Bad::boxed(good, Fault::OnlyFlushesOnClose));
    rejected(
        subject,
        "C2",
        "a peer outside of the runtime sees the end: it hung",
    );
}

#[test]
fn closes_both_halves() {
    let subject = with_stream(|good| Bad::boxed(good, Fault::ClosesBothHalves));
    rejected(subject, "C2", "the stream ended after 0 bytes out of 6");
}

#[test]
fn takes_a_reset_for_the_end() {
    let subject = with_stream(|good| Bad::boxed(good, Fault::TakesAResetForTheEnd));
    rejected(subject, "C3", "it looks like the end of the stream");
}

#[test]
fn has_one_waker_for_both_directions() {
    let subject = with_stream(|good| Bad::boxed(good, Fault::OneWakerForBoth));
    rejected(
        subject,
        "C4",
        "the reader waits, and the writer of the same stream: it hung",
    );
}

#[test]
fn keeps_the_first_waker_of_a_stream() {
    let subject = with_stream(|good| Bad::boxed(good, Fault::KeepsTheFirstWaker));
    rejected(
        subject,
        "C4",
        "polled with one waker, then with another: it hung",
    );
}

#[test]
fn stays_open_after_the_drop() {
    let subject = with_stream(|good| Bad::boxed(good, Fault::StaysOpen));
    rejected(subject, "C5", "dropped after a write: it hung");
}

#[test]
fn writes_one_buffer_at_a_time() {
    let subject = with_stream(|good| Bad::boxed(good, Fault::OneBufferAtATime));
    rejected(subject, "C6", "3 bytes out of 11 were taken");
}

#[test]
fn mixes_the_ends_up() {
    let subject = with_stream(|good| Bad::boxed(good, Fault::MixesTheEndsUp));
    rejected(subject, "C7", "the peer is not the listener");
}

#[test]
fn closes_where_it_should_reset() {
    let subject = with_stream(|good| Bad::boxed(good, Fault::ClosesWhereItShouldReset));
    rejected(subject, "C8", "it looks like the end of the stream");
}
