//! C2, C3, C5, C8: how a stream ends.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use super::Capability::{StdSockets, Tcp};
use super::io::{close, listen, pair, read, read_exact, read_to_end, write_all};
use super::lab::{Check, Failed, Lab, Result, check, ensure, on_thread, yield_now};
use crate::net::Stream;

pub(super) const CHECKS: &[Check] = &[
    check(
        "C2",
        "the connecting end closes, and still reads",
        &[Tcp],
        |lab| {
            lab.run(async {
                let (near, far) = pair(&**lab.backend()).await?;
                half_close(near, far).await
            })
        },
    ),
    check(
        "C2",
        "the accepted end closes, and still reads",
        &[Tcp],
        |lab| {
            lab.run(async {
                let (near, far) = pair(&**lab.backend()).await?;
                half_close(far, near).await
            })
        },
    ),
    check(
        "C2",
        "a peer outside of the runtime sees the end",
        &[Tcp, StdSockets],
        |lab| {
            lab.run(async {
                let (mut listener, addr) = listen(&**lab.backend())?;
                let mut peer = TcpStream::connect(addr)?;
                let (mut stream, _) = listener.accept().await?;
                write_all(&mut stream, b"last words").await?;
                close(&mut stream).await?;
                // The stream is still held: only the close can have ended it.
                let heard = on_thread(move || {
                    let mut heard = Vec::new();
                    peer.read_to_end(&mut heard)?;
                    peer.write_all(b"heard")?;
                    Ok::<_, io::Error>(heard)
                })
                .await??;
                ensure!(heard == b"last words", "the peer read {heard:?}");
                let answer = read_to_end(&mut stream).await?;
                ensure!(answer == b"heard", "reading went on with {answer:?}");
                Ok(())
            })
        },
    ),
    check(
        "C2",
        "closed twice, and after the peer has gone",
        &[Tcp],
        |lab| {
            lab.run(async {
                let (mut near, far) = pair(&**lab.backend()).await?;
                close(&mut near).await?;
                close(&mut near).await?;
                let (mut near_again, gone) = pair(&**lab.backend()).await?;
                drop((far, gone));
                read_to_end(&mut near_again).await?;
                close(&mut near_again).await
            })
        },
    ),
    check("C2", "a write after the close is an error", &[Tcp], |lab| {
        lab.run(async {
            let (mut near, _far) = pair(&**lab.backend()).await?;
            close(&mut near).await?;
            let failed = write_all(&mut near, b"more").await.is_err();
            ensure!(failed, "it was taken");
            Ok(())
        })
    }),
    check(
        "C3",
        "the peer resets the connection while a read waits",
        &[Tcp, StdSockets],
        |lab| {
            lab.run(async {
                let (mut stream, peer) = lab.with_std_peer().await?;
                let reading = lab.runtime.spawn(async move {
                    let outcome = read(&mut stream, &mut [0; 16]).await;
                    (outcome, stream)
                });
                yield_now().await;
                reset(peer)?;
                let (outcome, mut stream) = reading.await?;
                expect_reset(outcome)?;
                let taken = write_all(&mut stream, b"more").await.is_ok();
                ensure!(!taken, "a write after the reset was taken");
                Ok(())
            })
        },
    ),
    check(
        "C3",
        "the peer has reset the connection before the read",
        &[Tcp, StdSockets],
        |lab| {
            lab.run(async {
                let (mut stream, peer) = lab.with_std_peer().await?;
                reset(peer)?;
                expect_reset(read(&mut stream, &mut [0; 16]).await)
            })
        },
    ),
    check("C5", "dropped after a write", &[Tcp], |lab| {
        lab.run(async {
            let data = vec![5; 64 * 1024];
            for _ in 0..10 {
                let (mut near, mut far) = pair(&**lab.backend()).await?;
                let sent = data.clone();
                let writing = lab
                    .runtime
                    .spawn(async move { write_all(&mut near, &sent).await });
                let got = read_to_end(&mut far).await?;
                writing.await??;
                ensure!(
                    got == data,
                    "{} bytes out of {} arrived",
                    got.len(),
                    data.len()
                );
            }
            Ok(())
        })
    }),
    check("C5", "dropped on a plain thread", &[Tcp], |lab| {
        lab.run(async {
            let (near, mut far) = pair(&**lab.backend()).await?;
            on_thread(move || drop(near)).await?;
            let rest = read_to_end(&mut far).await?;
            ensure!(rest.is_empty(), "bytes arrived that nobody sent");
            Ok(())
        })
    }),
    check("C8", "dropped after `reset_on_drop`", &[Tcp], |lab| {
        lab.run(async {
            for connected_end in [true, false] {
                let (one, other) = pair(&**lab.backend()).await?;
                let (near, mut far) = match connected_end {
                    true => (one, other),
                    false => (other, one),
                };
                match near.reset_on_drop() {
                    Err(error) if error.kind() == io::ErrorKind::Unsupported => continue,
                    outcome => outcome?,
                }
                drop(near);
                expect_reset(read(&mut far, &mut [0; 16]).await)?;
            }
            Ok(())
        })
    }),
];

/// The first end says a word and closes; the second one then answers.
async fn half_close(mut one: Stream, mut other: Stream) -> Result {
    write_all(&mut one, b"word").await?;
    close(&mut one).await?;
    let word = read_to_end(&mut other).await?;
    ensure!(word == b"word", "the peer read {word:?}");
    write_all(&mut other, b"answer").await?;
    let answer = read_exact(&mut one, 6).await?;
    ensure!(answer == b"answer", "reading went on with {answer:?}");
    close(&mut other).await?;
    let rest = read_to_end(&mut one).await?;
    ensure!(rest.is_empty(), "bytes arrived that nobody sent");
    Ok(())
}

impl Lab {
    /// An accepted stream whose peer is a socket of the standard library.
    async fn with_std_peer(&self) -> Result<(Stream, TcpStream)> {
        let (mut listener, addr) = listen(&**self.backend())?;
        let peer = TcpStream::connect(addr)?;
        let (stream, _) = listener.accept().await?;
        Ok((stream, peer))
    }
}

/// Closes a socket so that the peer gets a reset rather than the end of the stream.
pub(super) fn reset(stream: TcpStream) -> io::Result<()> {
    socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO))?;
    drop(stream);
    Ok(())
}

fn expect_reset(outcome: io::Result<usize>) -> Result {
    match outcome {
        Err(error) if error.kind() == io::ErrorKind::ConnectionReset => Ok(()),
        Err(error) => Err(Failed::broken(format_args!("the error is {error:?}"))),
        Ok(0) => Err(Failed::broken("it looks like the end of the stream")),
        Ok(count) => Err(Failed::broken(format_args!(
            "{count} bytes that nobody sent"
        ))),
    }
}
