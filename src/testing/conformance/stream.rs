//! C1, C4, C6, C7: connected streams in both directions.

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use futures_io::{AsyncRead, AsyncWrite};

use super::Capability::Tcp;
use super::io::{pair, ping, read, read_exact, read_to_end, write_all};
use super::lab::{Check, Lab, Result, Tally, check, ensure, on_thread, yield_now};
use crate::net::Stream;

pub(super) const CHECKS: &[Check] = &[
    check("C1", "words there and back", &[Tcp], |lab| {
        lab.run(async {
            let (mut near, mut far) = pair(&**lab.backend()).await?;
            ping(&mut near, &mut far).await?;
            ping(&mut far, &mut near).await
        })
    }),
    check("C1", "an empty buffer, then bytes", &[Tcp], |lab| {
        lab.run(async {
            let (mut near, mut far) = pair(&**lab.backend()).await?;
            write_all(&mut far, b"data").await?;
            read_exact(&mut near, 1).await?;
            let none = read(&mut near, &mut []).await?;
            ensure!(none == 0, "{none} bytes in an empty buffer");
            let rest = read_exact(&mut near, 3).await?;
            ensure!(rest == b"ata", "other bytes after an empty read");
            Ok(())
        })
    }),
    check(
        "C1",
        "a read that waits is dropped, and has taken nothing",
        &[Tcp],
        |lab| {
            lab.run(async {
                let (mut near, mut far) = pair(&**lab.backend()).await?;
                let mut buf = [0; 16];
                let waits = poll_read_once(&mut near, &mut buf, Waker::noop())?;
                ensure!(waits, "something was read before it was written");
                write_all(&mut far, b"data").await?;
                let data = read_exact(&mut near, 4).await?;
                ensure!(data == b"data", "other bytes arrived");
                Ok(())
            })
        },
    ),
    check(
        "C4",
        "a large transfer in both directions at once",
        &[Tcp],
        both_ways,
    ),
    check(
        "C4",
        "the reader waits, and the writer of the same stream",
        &[Tcp],
        two_tasks,
    ),
    check(
        "C4",
        "polled with one waker, then with another",
        &[Tcp],
        |lab| {
            lab.run(async {
                let (mut near, mut far) = pair(&**lab.backend()).await?;
                let (first, last, mut buf) = (Tally::new(), Tally::new(), [0; 16]);
                let waits = poll_read_once(&mut near, &mut buf, &first.waker())?
                    && poll_read_once(&mut near, &mut buf, &last.waker())?;
                ensure!(waits, "something was read before it was written");
                write_all(&mut far, b"data").await?;
                last.reach(1).await;
                read_exact(&mut near, 4).await?;
                Ok(())
            })
        },
    ),
    check("C4", "polled in one task, then in another", &[Tcp], |lab| {
        lab.run(async {
            let (mut near, mut far) = pair(&**lab.backend()).await?;
            poll_fn(|cx| {
                let mut buf = [0; 16];
                Poll::Ready(Pin::new(&mut near).poll_read(cx, &mut buf).is_pending())
            })
            .await;
            let reading = lab
                .runtime
                .spawn(async move { read_exact(&mut near, 4).await });
            yield_now().await;
            write_all(&mut far, b"data").await?;
            reading.await?.map(drop)
        })
    }),
    check("C6", "three buffers at once", &[Tcp], |lab| {
        lab.run(async {
            let (mut near, mut far) = pair(&**lab.backend()).await?;
            let bufs = [&b"one"[..], b"", b"two", b"three"].map(IoSlice::new);
            let put = poll_fn(|cx| Pin::new(&mut near).poll_write_vectored(cx, &bufs)).await?;
            ensure!(put == 11, "{put} bytes out of 11 were taken");
            let data = read_exact(&mut far, 11).await?;
            ensure!(data == b"onetwothree", "they arrived in another order");
            Ok(())
        })
    }),
    check("C7", "each end names the other", &[Tcp], |lab| {
        lab.run(async {
            let (mut listener, addr) = super::io::listen(&**lab.backend())?;
            let near = super::io::connect(&**lab.backend(), addr).await?;
            let (far, peer) = listener.accept().await?;
            ensure!(
                near.peer_addr()? == addr.into(),
                "the peer is not the listener"
            );
            ensure!(
                far.local_addr()? == addr.into(),
                "the local end is not the listener"
            );
            ensure!(
                far.peer_addr()? == near.local_addr()?,
                "the ends do not fit"
            );
            ensure!(far.peer_addr()? == peer, "`poll_accept` named another peer");
            near.set_nodelay(false)?;
            near.set_nodelay(true)?;
            far.set_nodelay(true)?;
            Ok(())
        })
    }),
];

/// Whether the read has to wait.
pub(super) fn poll_read_once(
    stream: &mut Stream,
    buf: &mut [u8],
    waker: &Waker,
) -> io::Result<bool> {
    let poll = Pin::new(stream).poll_read(&mut Context::from_waker(waker), buf);
    match poll {
        Poll::Pending => Ok(true),
        Poll::Ready(outcome) => outcome.map(|_| false),
    }
}

/// More than the buffers of the system hold, in pieces of random lengths.
fn both_ways(lab: &Lab) -> Result {
    const SIZE: usize = 4 << 20;

    let mut chance = lab.chance();
    let data: Arc<Vec<u8>> = Arc::new((0..SIZE).map(|at| (at % 251) as u8).collect());
    let (near, far) = lab.run(pair(&**lab.backend()))?;
    lab.run(async {
        let mut tasks = Vec::new();
        for stream in [near, far] {
            let stream = Shared::new(stream);
            let (mut reader, mut writer) = (stream.clone(), stream);
            let (expected, data) = (Arc::clone(&data), Arc::clone(&data));
            let sizes: Vec<usize> = (0..64).map(|_| 1 + chance.below(200_000)).collect();
            tasks.push(lab.runtime.spawn(async move {
                let mut rest = &data[..];
                for size in sizes.into_iter().cycle() {
                    let piece = &rest[..size.min(rest.len())];
                    let put = poll_fn(|cx| Pin::new(&mut writer).poll_write(cx, piece)).await?;
                    rest = &rest[put..];
                    if rest.is_empty() {
                        break;
                    }
                }
                poll_fn(|cx| Pin::new(&mut writer).poll_close(cx)).await?;
                Ok(())
            }));
            tasks.push(lab.runtime.spawn(async move {
                let (mut got, mut buf) = (Vec::with_capacity(SIZE), vec![0; 70_000]);
                loop {
                    match poll_fn(|cx| Pin::new(&mut reader).poll_read(cx, &mut buf)).await? {
                        0 => break,
                        count => got.extend_from_slice(&buf[..count]),
                    }
                }
                ensure!(
                    got == *expected,
                    "{} bytes of {SIZE} arrived, or others",
                    got.len()
                );
                Ok(())
            }));
        }
        for task in tasks {
            task.await??;
        }
        Ok(())
    })
}

/// One task fills the stream until it has to wait, another one waits for bytes that come last.
fn two_tasks(lab: &Lab) -> Result {
    lab.run(async {
        let (near, mut far) = pair(&**lab.backend()).await?;
        let near = Shared::new(near);
        let (mut reader, mut writer) = (near.clone(), near);
        let full = Tally::new();
        let waits = full.clone();
        let reading = lab.runtime.spawn(async move {
            let mut buf = [0; 4];
            poll_fn(|cx| Pin::new(&mut reader).poll_read(cx, &mut buf)).await
        });
        let writing = lab.runtime.spawn(async move {
            let (mut written, block, mut filled) = (0, vec![7; 64 * 1024], false);
            // As long as the peer does not read, and some more.
            while written < 1 << 20 || !filled {
                let write = poll_fn(|cx| {
                    let poll = Pin::new(&mut writer).poll_write(cx, &block);
                    if poll.is_pending() && !std::mem::replace(&mut filled, true) {
                        waits.add();
                    }
                    poll
                });
                written += write.await?;
            }
            poll_fn(|cx| Pin::new(&mut writer).poll_close(cx)).await?;
            Ok::<_, io::Error>(written)
        });
        full.reach(1).await;
        // Both wait. First the reader gets what it waits for, then the writer.
        write_all(&mut far, b"data").await?;
        let got = reading.await??;
        ensure!(got > 0, "the reader found the end of the stream");
        let received = on_thread(move || parked_read(far)).await??;
        let written = writing.await??;
        ensure!(received == written, "{received} bytes of {written} arrived");
        Ok(())
    })
}

fn parked_read(mut stream: Stream) -> Result<usize> {
    super::lab::parked(async move { Ok(read_to_end(&mut stream).await?.len()) })
}

/// A stream for two tasks; the lock is held for the length of a poll.
#[derive(Clone)]
struct Shared(Arc<Mutex<Stream>>);

impl Shared {
    fn new(stream: Stream) -> Self {
        Self(Arc::new(Mutex::new(stream)))
    }

    fn with<T>(&self, f: impl FnOnce(Pin<&mut Stream>) -> T) -> T {
        f(Pin::new(
            &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner),
        ))
    }
}

impl AsyncRead for Shared {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.with(|stream| stream.poll_read(cx, buf))
    }
}

impl AsyncWrite for Shared {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.with(|stream| stream.poll_write(cx, buf))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.with(|stream| stream.poll_flush(cx))
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.with(|stream| stream.poll_close(cx))
    }
}
