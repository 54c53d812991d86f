//! D4 and D6: many datagrams at once.

use std::net::UdpSocket;
use std::pin::pin;
use std::task::Waker;

use super::Capability::{Datagrams, StdSockets};
use super::io::{bind, inet, receive};
use super::lab::{Check, Result, any_port, check, ensure, poll};
use crate::net::{Addr, DatagramSocket, MAX_BATCH, RecvBatch, SendBatch};

pub(super) const CHECKS: &[Check] = &[
    check(
        "D4",
        "received together, of mixed sizes and in order",
        &[Datagrams],
        |lab| {
            lab.run(async {
                let (mut one, to) = bind(&**lab.backend())?;
                let (mut other, from) = bind(&**lab.backend())?;
                let sizes = [1, 0, 1200, 3, 64, 0, 7];
                for (number, size) in sizes.into_iter().enumerate() {
                    other.send_to(&pattern(number, size), &to).await?;
                }
                let got = collect(&mut one, &mut RecvBatch::new(16, 2048), sizes.len()).await?;
                for (number, size) in sizes.into_iter().enumerate() {
                    let (data, sender, cut) = &got[number];
                    ensure!(
                        *data == pattern(number, size),
                        "datagram {number} is another one"
                    );
                    ensure!(
                        *sender == from && !cut,
                        "datagram {number}: {sender}, cut: {cut}"
                    );
                }
                Ok(())
            })
        },
    ),
    check(
        "D4",
        "no more than fit, in the order of arrival",
        &[Datagrams],
        |lab| {
            lab.run(async {
                let (mut one, to) = bind(&**lab.backend())?;
                let (mut other, _) = bind(&**lab.backend())?;
                for number in 0..10 {
                    other.send_to(&[number], &to).await?;
                }
                let mut batch = RecvBatch::new(3, 16);
                let got = collect(&mut one, &mut batch, 10).await?;
                for (number, (data, ..)) in got.iter().enumerate() {
                    ensure!(
                        data[..] == pattern(number, 1),
                        "datagram {number} is {data:?}"
                    );
                }
                Ok(())
            })
        },
    ),
    check(
        "D4",
        "one is there: it is given, without waiting for more",
        &[Datagrams],
        |lab| {
            lab.run(async {
                let (mut one, to) = bind(&**lab.backend())?;
                let (mut other, _) = bind(&**lab.backend())?;
                let mut batch = RecvBatch::new(MAX_BATCH, 16);
                for round in 0..5 {
                    other.send_to(&[round], &to).await?;
                    one.recv_batch(&mut batch).await?;
                    ensure!(
                        batch.len() == 1,
                        "{} datagrams in round {round}",
                        batch.len()
                    );
                }
                Ok(())
            })
        },
    ),
    check("D4", "one is longer than its room", &[Datagrams], |lab| {
        lab.run(async {
            let (mut one, to) = bind(&**lab.backend())?;
            let (mut other, _) = bind(&**lab.backend())?;
            for data in [&b"12345678"[..], b"123456789", b"1"] {
                other.send_to(data, &to).await?;
            }
            let got = collect(&mut one, &mut RecvBatch::new(4, 8), 3).await?;
            let seen: Vec<_> = got
                .iter()
                .map(|(data, _, cut)| (data.len(), *cut))
                .collect();
            let right = seen == [(8, false), (8, true), (1, false)];
            ensure!(right, "lengths, and whether they were cut: {seen:?}");
            Ok(())
        })
    }),
    check(
        "D4",
        "a receive that waits is dropped",
        &[Datagrams],
        |lab| {
            lab.run(async {
                let (mut one, to) = bind(&**lab.backend())?;
                let (mut other, _) = bind(&**lab.backend())?;
                let mut batch = RecvBatch::new(4, 8);
                {
                    let mut waiting = pin!(one.recv_batch(&mut batch));
                    let waits = poll(waiting.as_mut(), Waker::noop()).is_pending();
                    ensure!(waits, "a datagram was received that nobody sent");
                    other.send_to(b"a", &to).await?;
                    other.send_to(b"b", &to).await?;
                }
                let got = collect(&mut one, &mut batch, 2).await?;
                ensure!(got[0].0 == b"a" && got[1].0 == b"b", "something was lost");
                Ok(())
            })
        },
    ),
    check(
        "D6",
        "sent together, more than one call takes",
        &[Datagrams],
        |lab| {
            lab.run(async {
                let (mut one, to) = bind(&**lab.backend())?;
                let (other, _) = bind(&**lab.backend())?;
                let count = 2 * MAX_BATCH + 3;
                let mut batch = SendBatch::new();
                for number in 0..count {
                    batch.push(&pattern(number, number % 9), to.clone());
                }
                other.sender()?.send_batch(&mut batch).await?;
                ensure!(batch.is_empty(), "{} were left in the batch", batch.len());
                let got = collect(&mut one, &mut RecvBatch::new(MAX_BATCH, 64), count).await?;
                for (number, (data, ..)) in got.iter().enumerate() {
                    let right = *data == pattern(number, number % 9);
                    ensure!(right, "datagram {number} is another one");
                }
                Ok(())
            })
        },
    ),
    check(
        "D6",
        "one in the middle cannot be sent",
        &[Datagrams],
        |lab| {
            lab.run(async {
                let (mut one, to) = bind(&**lab.backend())?;
                let (other, _) = bind(&**lab.backend())?;
                let mut sender = other.sender()?;
                let too_long = vec![0; 70_000];
                let mut batch = SendBatch::new();
                for data in [&b"a"[..], b"b", &too_long, b"c", &too_long, &too_long, b"d"] {
                    batch.push(data, to.clone());
                }
                let mut errors = 0;
                while !batch.is_empty() {
                    let before = batch.len();
                    if sender.send_batch(&mut batch).await.is_err() {
                        errors += 1;
                        ensure!(batch.len() < before, "the one that failed is still there");
                    }
                }
                ensure!(errors == 3, "{errors} errors for three bad datagrams");
                for expected in [b"a", b"b", b"c", b"d"] {
                    let (data, _) = receive(&mut one).await?;
                    ensure!(data == expected, "{expected:?} was left out, {data:?} came");
                }
                Ok(())
            })
        },
    ),
    check(
        "D6",
        "one that cannot be sent by itself",
        &[Datagrams],
        |lab| {
            lab.run(async {
                let (mut one, to) = bind(&**lab.backend())?;
                let (other, _) = bind(&**lab.backend())?;
                let mut sender = other.sender()?;
                let failed = sender.send_to(&[0; 70_000], &to).await.is_err();
                ensure!(failed, "a datagram of 70000 bytes was sent");
                sender.send_to(b"x", &to).await?;
                let (data, _) = receive(&mut one).await?;
                ensure!(data == b"x", "{} bytes arrived", data.len());
                Ok(())
            })
        },
    ),
    check(
        "D6",
        "to several receivers, one of which is not there",
        &[Datagrams, StdSockets],
        |lab| {
            lab.run(async {
                let (mut one, to) = bind(&**lab.backend())?;
                let (other, _) = bind(&**lab.backend())?;
                let gone = UdpSocket::bind(any_port())?;
                let nobody: Addr = gone.local_addr()?.into();
                drop(gone);
                ensure!(inet(&nobody)?.port() != 0, "no port was chosen");
                let mut batch = SendBatch::new();
                for number in 0..6 {
                    let to = if number % 2 == 0 { &to } else { &nobody };
                    batch.push(&[number], to.clone());
                }
                let mut sender = other.sender()?;
                while !batch.is_empty() {
                    // An answer of the system that one is not there is an error at most.
                    let _ = sender.send_batch(&mut batch).await;
                }
                for expected in [0, 2, 4] {
                    let (data, _) = receive(&mut one).await?;
                    ensure!(data == [expected], "{data:?} arrived instead of {expected}");
                }
                Ok(())
            })
        },
    ),
];

fn pattern(number: usize, size: usize) -> Vec<u8> {
    vec![u8::try_from(number % 256).unwrap_or(0); size]
}

/// Datagrams with their senders, and whether they were cut.
type Collected = Vec<(Vec<u8>, Addr, bool)>;

/// Receives until so many have come. Each batch has at least one and no more than fit.
async fn collect(
    socket: &mut DatagramSocket,
    batch: &mut RecvBatch,
    count: usize,
) -> Result<Collected> {
    let mut got = Collected::new();
    let mut rounds = 0;
    while got.len() < count {
        socket.recv_batch(batch).await?;
        rounds += 1;
        ensure!(!batch.is_empty(), "batch {rounds} was empty");
        for (data, received) in batch.iter() {
            let info = (received.from.clone(), received.truncated);
            got.push((data.to_vec(), info.0, info.1));
        }
    }
    ensure!(
        got.len() == count,
        "{} datagrams came, {count} were sent",
        got.len()
    );
    Ok(got)
}
