//! Files as streams of bytes of `futures-io`.

use std::fmt;
use std::io::{self, IoSlice, SeekFrom};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_io::{AsyncBufRead, AsyncRead, AsyncSeek, AsyncWrite};

use super::core::Core;
use super::file::BinaryFile;

/// The bytes of a text file, as a stream of `futures-io`; made by [`TextFile::buffer`](super::File::buffer).
///
/// Reading and writing go on where those of text have ended, and the other way round.
pub struct Buffer<'a> {
    core: &'a mut Core,
}

impl<'a> Buffer<'a> {
    pub(super) fn new(core: &'a mut Core) -> Self {
        Self { core }
    }

    /// What was read ahead, and is there without waiting: of no use but to look at.
    #[must_use]
    pub fn peek(&self) -> &[u8] {
        self.core.ahead()
    }
}

impl fmt::Debug for Buffer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buffer").finish_non_exhaustive()
    }
}

impl Core {
    fn poll_fill_buf(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let filled = ready!(self.poll_look(cx, |ahead, at_end| {
            (at_end || !ahead.is_empty()).then_some(())
        }));
        self.settle();
        Poll::Ready(filled)
    }

    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        if buf.is_empty() {
            // What gives nothing waits for nothing.
            return Poll::Ready(self.check_readable().map(|()| 0));
        }
        ready!(self.poll_fill_buf(cx))?;
        let ahead = self.ahead();
        let count = ahead.len().min(buf.len());
        buf[..count].copy_from_slice(&ahead[..count]);
        self.consume(count);
        Poll::Ready(Ok(count))
    }

    fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_takes(cx))?;
        self.settle();
        let mut taken = 0;
        for buf in bufs {
            let count = buf.len().min(self.room());
            self.front().extend_from_slice(&buf[..count]);
            taken += count;
        }
        self.took();
        Poll::Ready(Ok(taken))
    }

    fn poll_flush_settled(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = ready!(self.poll_flush(cx));
        self.settle();
        Poll::Ready(flushed)
    }

    fn poll_seek_settled(&mut self, cx: &mut Context<'_>, to: SeekFrom) -> Poll<io::Result<u64>> {
        let place = ready!(self.poll_seek(cx, to, &mut false));
        self.settle();
        Poll::Ready(place)
    }
}

/// The traits of `futures-io`, by the core of `$type`.
macro_rules! streams {
    ($type:ty, $($doc:literal)*) => {
        impl AsyncRead for $type {
            fn poll_read(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buf: &mut [u8],
            ) -> Poll<io::Result<usize>> {
                Core::poll_read(&mut self.get_mut().core, cx, buf)
            }
        }

        impl AsyncBufRead for $type {
            fn poll_fill_buf(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
            ) -> Poll<io::Result<&[u8]>> {
                let core = &mut self.get_mut().core;
                ready!(Core::poll_fill_buf(core, cx))?;
                Poll::Ready(Ok(core.ahead()))
            }

            fn consume(self: Pin<&mut Self>, count: usize) {
                Core::consume(&mut self.get_mut().core, count);
            }
        }

        $(#[doc = $doc])*
        impl AsyncWrite for $type {
            fn poll_write(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buf: &[u8],
            ) -> Poll<io::Result<usize>> {
                Core::poll_write(&mut self.get_mut().core, cx, &[IoSlice::new(buf)])
            }

            fn poll_write_vectored(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                bufs: &[IoSlice<'_>],
            ) -> Poll<io::Result<usize>> {
                Core::poll_write(&mut self.get_mut().core, cx, bufs)
            }

            fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                Core::poll_flush_settled(&mut self.get_mut().core, cx)
            }

            fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                Core::poll_close(&mut self.get_mut().core, cx)
            }
        }

        /// A seek that was dropped and is asked for again is the same one: where that matters, as it
        /// may with [`SeekFrom::Current`], use the method of the file.
        impl AsyncSeek for $type {
            fn poll_seek(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                to: SeekFrom,
            ) -> Poll<io::Result<u64>> {
                Core::poll_seek_settled(&mut self.get_mut().core, cx, to)
            }
        }
    };
}

streams!(BinaryFile,);
streams!(Buffer<'_>, "Closing it closes the file.");
