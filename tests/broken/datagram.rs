//! Broken datagram sockets.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker, ready};

use aiomisc::net::Addr;
use aiomisc::net::{Received, RecvBatch, SendBatch};
use aiomisc::runtime::{RawDatagram, RawSender};
use aiomisc::testing::conformance::Subject;

use crate::net::Faulty;
use crate::{good, rejected};

#[derive(Clone, Copy, PartialEq)]
enum Fault {
    CutsSilently,
    TakesEmptyOnesForTheEnd,
    EndsAfterAnError,
    OneWakerForAllSenders,
    WaitsForAFullBatch,
    TurnsBatchesRound,
    KeepsTheFirstWaker,
    DropsTheRestOfABatch,
    SendersDieWithTheSocket,
    GivesItBackWhileSendersLive,
}

struct Bad {
    good: Option<Box<dyn RawDatagram>>,
    fault: Fault,
    failed: bool,
    first: Option<Waker>,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// Who waits to send; one place for all of them.
    waker: Mutex<Option<Waker>>,
    closed: Mutex<bool>,
}

impl Wake for Shared {
    fn wake(self: Arc<Self>) {
        let waker = self.waker.lock().unwrap().take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Bad {
    fn boxed(good: Box<dyn RawDatagram>, fault: Fault) -> Box<dyn RawDatagram> {
        Box::new(Self {
            good: Some(good),
            fault,
            failed: false,
            first: None,
            shared: Arc::default(),
        })
    }
}

impl RawDatagram for Bad {
    fn poll_recv(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<Received>> {
        if self.failed && self.fault == Fault::EndsAfterAnError {
            return Poll::Ready(Err(io::ErrorKind::NotConnected.into()));
        }
        let first = self.first.get_or_insert_with(|| cx.waker().clone()).clone();
        let waker = match self.fault {
            Fault::KeepsTheFirstWaker => first,
            _ => cx.waker().clone(),
        };
        let good = self.good.as_mut().unwrap();
        let outcome = ready!(good.poll_recv(&mut Context::from_waker(&waker), buf));
        self.failed |= outcome.is_err();
        Poll::Ready(outcome.and_then(|received| match self.fault {
            Fault::CutsSilently => Ok(Received::new(received.len, received.from, false)),
            Fault::TakesEmptyOnesForTheEnd if received.len == 0 => {
                Err(io::ErrorKind::UnexpectedEof.into())
            }
            _ => Ok(received),
        }))
    }

    fn poll_recv_batch(
        &mut self,
        cx: &mut Context<'_>,
        batch: &mut RecvBatch,
    ) -> Poll<io::Result<()>> {
        match self.fault {
            Fault::WaitsForAFullBatch => {
                while let Some(buf) = batch.free_buffer() {
                    let received = ready!(self.poll_recv(cx, buf))?;
                    batch.push(received);
                }
                Poll::Ready(Ok(()))
            }
            Fault::TurnsBatchesRound => {
                let mut straight = RecvBatch::new(aiomisc::net::MAX_BATCH, 2048);
                let good = self.good.as_mut().unwrap();
                ready!(good.poll_recv_batch(cx, &mut straight))?;
                let mut all: Vec<_> = straight.iter().collect();
                all.reverse();
                for (data, received) in all {
                    if let Some(buf) = batch.free_buffer() {
                        let len = data.len().min(buf.len());
                        buf[..len].copy_from_slice(&data[..len]);
                        batch.push(received.clone());
                    }
                }
                Poll::Ready(Ok(()))
            }
            _ => self.good.as_mut().unwrap().poll_recv_batch(cx, batch),
        }
    }

    fn sender(&self) -> io::Result<Box<dyn RawSender>> {
        Ok(Box::new(BadSender {
            good: self.good.as_ref().unwrap().sender()?,
            fault: self.fault,
            shared: Arc::clone(&self.shared),
        }))
    }

    fn local_addr(&self) -> io::Result<Addr> {
        self.good.as_ref().unwrap().local_addr()
    }

    fn into_std(mut self: Box<Self>) -> io::Result<OwnedFd> {
        let good = self.good.take().unwrap();
        if self.fault == Fault::GivesItBackWhileSendersLive {
            return Ok(std::net::UdpSocket::bind("127.0.0.1:0")?.into());
        }
        good.into_std()
    }
}

impl Drop for Bad {
    fn drop(&mut self) {
        *self.shared.closed.lock().unwrap() = true;
    }
}

struct BadSender {
    good: Box<dyn RawSender>,
    fault: Fault,
    shared: Arc<Shared>,
}

impl RawSender for BadSender {
    fn poll_send(&mut self, cx: &mut Context<'_>, data: &[u8], to: &Addr) -> Poll<io::Result<()>> {
        if self.fault == Fault::SendersDieWithTheSocket && *self.shared.closed.lock().unwrap() {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        if self.fault == Fault::OneWakerForAllSenders {
            *self.shared.waker.lock().unwrap() = Some(cx.waker().clone());
            let waker = Waker::from(Arc::clone(&self.shared));
            return self
                .good
                .poll_send(&mut Context::from_waker(&waker), data, to);
        }
        self.good.poll_send(cx, data, to)
    }

    fn poll_send_batch(
        &mut self,
        cx: &mut Context<'_>,
        batch: &mut SendBatch,
    ) -> Poll<io::Result<()>> {
        let outcome = ready!(self.good.poll_send_batch(cx, batch));
        if outcome.is_err() && self.fault == Fault::DropsTheRestOfABatch {
            batch.advance(batch.len());
        }
        Poll::Ready(outcome)
    }
}

fn with_datagram(datagram: fn(Box<dyn RawDatagram>) -> Box<dyn RawDatagram>) -> Subject {
    let faulty = Faulty {
        datagram,
        ..Faulty::new(good())
    };
    faulty.subject()
}

#[test]
fn cuts_silently() {
    let subject = with_datagram(|good| Bad::boxed(good, Fault::CutsSilently));
    rejected(subject, "D1", "it was cut, and nothing said so");
}

#[test]
fn takes_empty_datagrams_for_the_end() {
    let subject = with_datagram(|good| Bad::boxed(good, Fault::TakesEmptyOnesForTheEnd));
    rejected(subject, "D1", "an empty datagram: unexpected error");
}

#[test]
fn ends_after_an_error() {
    let subject = with_datagram(|good| Bad::boxed(good, Fault::EndsAfterAnError));
    rejected(subject, "D2", "the peer is not there: unexpected error");
}

#[test]
fn loses_wakes_of_all_senders_but_one() {
    let subject = with_datagram(|good| Bad::boxed(good, Fault::OneWakerForAllSenders));
    rejected(
        subject,
        "D3",
        "many senders wait for room in one socket: it hung",
    );
}

#[test]
fn waits_for_a_full_batch() {
    let subject = with_datagram(|good| Bad::boxed(good, Fault::WaitsForAFullBatch));
    rejected(
        subject,
        "D4",
        "one is there: it is given, without waiting for more: it hung",
    );
}

#[test]
fn turns_batches_round() {
    let subject = with_datagram(|good| Bad::boxed(good, Fault::TurnsBatchesRound));
    rejected(subject, "D4", "is another one");
}

#[test]
fn keeps_the_first_waker_of_a_receive() {
    let subject = with_datagram(|good| Bad::boxed(good, Fault::KeepsTheFirstWaker));
    rejected(
        subject,
        "D5",
        "polled in one task, then in another: it hung",
    );
}

#[test]
fn drops_the_rest_of_a_batch() {
    let subject = with_datagram(|good| Bad::boxed(good, Fault::DropsTheRestOfABatch));
    rejected(subject, "D6", "one in the middle cannot be sent");
}

#[test]
fn has_senders_that_die_with_the_socket() {
    let subject = with_datagram(|good| Bad::boxed(good, Fault::SendersDieWithTheSocket));
    rejected(
        subject,
        "D7",
        "the socket is dropped, a sender lives: unexpected error",
    );
}

#[test]
fn gives_the_socket_back_while_senders_live() {
    let subject = with_datagram(|good| Bad::boxed(good, Fault::GivesItBackWhileSendersLive));
    rejected(subject, "D7", "with a sender alive the answer is None");
}
