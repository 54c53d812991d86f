//! A file, and what can be done with it.

use std::fmt;
use std::fs;
use std::future::poll_fn;
use std::io::{self, IsTerminal};
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;

use super::compression::Compression;
use super::core::Core;
use super::encoding::TextErrors;
use super::kind::{Binary, Kind, Text};
use super::lines::Lines;
use super::mode::Mode;
use super::newline::{Newline, Newlines};
use super::opening::Opening;
use super::options::OpenOptions;
use super::place::Place;
use super::streams::Buffer;

/// An open file whose operations wait without blocking: the system's calls run in jobs of a
/// [pool](crate::thread::ThreadPool).
///
/// It has a kind: a [`TextFile`] is written by `str` and read as `String`, a [`BinaryFile`] by `[u8]` and
/// `Vec<u8>`.
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use aiomisc::io;
///
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("file");
/// # aiomisc::adapters::Smol::new().block_on(async {
/// let mut file: io::TextFile = io::async_open(&path, "w+").await?;
/// for word in ["Hello", " ", "world"] {
///     file.write(word).await?;
/// }
/// file.seek(0).await?;
/// assert_eq!(file.read().await?, "Hello world");
/// file.close().await?;
/// # std::io::Result::Ok(()) }).unwrap();
/// # }
/// ```
///
/// As in Python, a file is a stream of its lines with their ends; [`lines`](Self::lines) gives them
/// without.
///
/// # What holds
///
/// - **Order.** The operations of a handle happen one after another, in the order in which they are
///   called, dropped ones included: what a dropped one has begun ends before the next begins.
/// - **Nothing is lost.** What a dropped read has read waits in the handle for the next one. A write takes
///   all of its data or, if it was dropped or failed, none. The error of a dropped operation is given by
///   the next one, which then has not begun.
/// - **Writes are collected**, and written in the background when the buffer is full. An error of that is
///   given by a later operation; what could not be written stays in the handle, and is tried again.
///   [`flush`](Self::flush) waits for the system to have everything, [`sync`](Self::sync) for the disk.
/// - **One position.** A write goes to where the last read or write has ended, not to where the file was
///   read ahead; one that appends goes to the end.
/// - **Bounded.** A handle holds up to three [buffers](OpenOptions::buffer), and what one operation asks for.
/// - **Dropping** a handle leaves what is to be written to a job of the pool, which the entrypoint waits for
///   when it stops; its errors go to the log with the path of the file. Where nobody can run the job (the
///   pool is shut down, or there is no runtime), it is written in `drop` itself, which blocks.
///   [`close`](Self::close) alone promises the data.
///
/// # Compressed files
///
/// Reading goes through all members of a file. In one that is read alone, from one end to the other, the next
/// buffer is decompressed in the background while the program works on this one, as long as the pool has a
/// thread to spare; what is wrong there is told to who comes there.
///
/// Places are those of the content: to go back means to read from the beginning. Writing is possible at the end
/// alone, as a new member after something was read, and the file is complete when it is closed, or dropped. In a
/// file that is appended to, places count from where it was opened until it is read.
///
/// # Cost
///
/// An operation that is served by the buffers costs a copy of its data. Every other one is a job: an
/// allocation and a hand-over between threads, some 20 µs. For heavy work on a file put all of it in one
/// [job](crate::thread::run).
pub struct File<K: Kind> {
    pub(super) core: Core,
    state: K::State,
    compression: Compression,
    /// An error has ended the stream of lines.
    halted: bool,
}

/// A file of text.
pub type TextFile = File<Text>;

/// A file of bytes, which is also a stream of bytes of `futures-io`.
pub type BinaryFile = File<Binary>;

impl<K: Kind> File<K> {
    pub(super) fn new(core: Core, state: K::State, compression: Compression) -> Self {
        Self {
            core,
            state,
            compression,
            halted: false,
        }
    }

    /// Opens a file to read it.
    pub fn open(path: impl AsRef<Path>) -> Opening<K> {
        let mode = if K::BINARY { "rb" } else { "r" };
        OpenOptions::new().mode(mode).open(path)
    }

    /// Opens a file to write it, makes it or empties it.
    pub fn create(path: impl AsRef<Path>) -> Opening<K> {
        let mode = if K::BINARY { "wb" } else { "w" };
        OpenOptions::new().mode(mode).open(path)
    }

    // ---- reading ----

    /// Reads all that is left: text or bytes.
    ///
    /// A file that has no end, such as `/dev/zero`, is read until the memory is full, unless this is
    /// dropped: for those there is [`read_up_to`](Self::read_up_to).
    ///
    /// # Errors
    ///
    /// What the system says; [`Unsupported`](io::ErrorKind::Unsupported) if the file is not open for
    /// reading; of text, [`InvalidData`](io::ErrorKind::InvalidData) with a
    /// [`DecodeError`](super::DecodeError) in it. After an error nothing was read: the position is where it
    /// was.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost: what was read is there for the next operation.
    pub async fn read(&mut self) -> io::Result<K::Owned> {
        poll_fn(|cx| self.poll_read_kind(cx, None)).await
    }

    /// Reads so many characters of text, or bytes; fewer only at the end of the file.
    ///
    /// # Errors
    ///
    /// As for [`read`](Self::read).
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost: what was read is there for the next operation.
    pub async fn read_up_to(&mut self, count: usize) -> io::Result<K::Owned> {
        poll_fn(|cx| self.poll_read_kind(cx, Some(count))).await
    }

    /// Reads a line with its end, which the last one of a file may lack; `None` at the end of the file.
    ///
    /// # Errors
    ///
    /// As for [`read`](Self::read).
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost: what was read is there for the next operation.
    pub async fn readline(&mut self) -> io::Result<Option<K::Owned>> {
        poll_fn(|cx| self.poll_readline(cx)).await
    }

    /// Reads all lines that are left, with their ends.
    ///
    /// # Errors
    ///
    /// As for [`read`](Self::read); the lines before the one that failed are lost with this call, so read
    /// one by one where that matters.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost: if it is dropped, the position is where it was.
    pub async fn readlines(&mut self) -> io::Result<Vec<K::Owned>> {
        // All of it is there before the first line is taken.
        poll_fn(|cx| self.core.poll_look(cx, |_, at_end| at_end.then_some(()))).await?;
        let mut lines = Vec::new();
        loop {
            let line = poll_fn(|cx| K::poll_line(&mut self.core, &mut self.state, cx)).await;
            match line.inspect_err(|_| self.core.settle())? {
                Some(line) => lines.push(line),
                None => {
                    self.core.settle();
                    return Ok(lines);
                }
            }
        }
    }

    /// The lines that are left, without their ends, as a stream. After an error it ends.
    ///
    /// (Of a binary file, where `futures::AsyncBufReadExt` is imported, `file.lines()` is that one's, which
    /// takes the file and gives text: write `File::lines(&mut file)` there.)
    pub fn lines(&mut self) -> Lines<'_, K> {
        Lines::new(self)
    }

    fn poll_read_kind(
        &mut self,
        cx: &mut Context<'_>,
        count: Option<usize>,
    ) -> Poll<io::Result<K::Owned>> {
        let read = ready!(K::poll_read(&mut self.core, &mut self.state, cx, count));
        self.core.settle();
        Poll::Ready(read)
    }

    pub(super) fn poll_readline(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<Option<K::Owned>>> {
        let line = ready!(K::poll_line(&mut self.core, &mut self.state, cx));
        self.core.settle();
        Poll::Ready(line)
    }

    // ---- writing ----

    /// Writes all of a text, or of some bytes.
    ///
    /// It waits only while the buffers are full, or with
    /// [`line_buffering`](OpenOptions::line_buffering) for the line to be in the file.
    ///
    /// # Errors
    ///
    /// Those of earlier writes, in the background, are given here; nothing of the new data was taken then.
    /// [`Unsupported`](io::ErrorKind::Unsupported) if the file is not open for writing,
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) with an [`EncodeError`](super::EncodeError) in it if the
    /// encoding does not have a character. With line buffering, what the system says of this very write,
    /// which is then in the buffer.
    ///
    /// # Cancel safety
    ///
    /// If it is dropped before it is ready, nothing was taken; with line buffering either nothing or all.
    pub async fn write(&mut self, data: impl AsRef<K::Slice>) -> io::Result<()> {
        poll_fn(|cx| K::poll_takes(&mut self.core, &mut self.state, cx)).await?;
        self.core.settle();
        if K::put(&mut self.core, &mut self.state, data.as_ref())? {
            self.flush().await?;
        }
        Ok(())
    }

    /// Writes several texts, or bytes, one after another, without anything between them.
    ///
    /// # Errors
    ///
    /// As for [`write`](Self::write); those before the one that failed were written.
    ///
    /// # Cancel safety
    ///
    /// If it is dropped, some of the items may have been taken, each as a whole.
    pub async fn writelines<I>(&mut self, lines: I) -> io::Result<()>
    where
        I: IntoIterator,
        I::Item: AsRef<K::Slice>,
    {
        for line in lines {
            self.write(line).await?;
        }
        Ok(())
    }

    /// Waits until the system has all that was written. (The compressors of gzip and zstd pass on what they
    /// have, at some cost in size; those of the other formats keep some of it until the file is closed.)
    ///
    /// # Errors
    ///
    /// What the system says; what could not be written stays, and the next operation tries again.
    ///
    /// # Cancel safety
    ///
    /// If it is dropped, the data is still on its way.
    pub async fn flush(&mut self) -> io::Result<()> {
        let flushed = poll_fn(|cx| self.core.poll_flush(cx)).await;
        self.core.settle();
        flushed
    }

    /// [Flushes](Self::flush), and waits until data and metadata are on the disk (`fsync`).
    ///
    /// # Errors
    ///
    /// What the system says.
    ///
    /// # Cancel safety
    ///
    /// If it is dropped, it may happen all the same; its error is given by the next operation.
    pub async fn sync(&mut self) -> io::Result<()> {
        self.core
            .perform(|engine| engine.sync(true))
            .await
            .map(drop)
    }

    /// As [`sync`](Self::sync), without the metadata that is not needed to read the file
    /// (`fdatasync`).
    ///
    /// # Errors
    ///
    /// What the system says.
    ///
    /// # Cancel safety
    ///
    /// As for [`sync`](Self::sync).
    pub async fn sync_data(&mut self) -> io::Result<()> {
        self.core
            .perform(|engine| engine.sync(false))
            .await
            .map(drop)
    }

    /// Writes what is left and closes the file. One that is closed already stays so.
    ///
    /// # Errors
    ///
    /// What the system says; the file is still open then, with what could not be written, so that this can
    /// be called again.
    ///
    /// # Cancel safety
    ///
    /// If it is dropped, the file may be closed or not; it can be called again.
    pub async fn close(&mut self) -> io::Result<()> {
        let closed = poll_fn(|cx| self.core.poll_close(cx)).await;
        self.core.settle();
        closed
    }

    // ---- places ----

    /// Goes to another place, and gives it: a number counts from the beginning, and a
    /// [`SeekFrom`](io::SeekFrom) says more. What is written at a place behind the end fills the gap with zeros.
    ///
    /// Places are bytes, of text as well: there one can go to the beginning, to the end, and to where
    /// [`tell`](Self::tell) was, whatever the encoding is.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](io::ErrorKind::Unsupported) if the file is not [seekable](Self::seekable), or the
    /// place is none for a text or a compressed file; [`InvalidInput`](io::ErrorKind::InvalidInput) for
    /// a place before the beginning.
    ///
    /// # Cancel safety
    ///
    /// If it is dropped, the position may be the old one or the new one.
    pub async fn seek(&mut self, to: impl Place) -> io::Result<u64> {
        let to = to.seek_from();
        K::check_place(to)?;
        let mut fresh = true;
        let place = poll_fn(|cx| self.core.poll_seek(cx, to, &mut fresh)).await;
        self.core.settle();
        self.halted = false;
        place
    }

    /// The place of the next read or write, in bytes from the beginning.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](io::ErrorKind::Unsupported) if the file is not [seekable](Self::seekable); those of
    /// earlier operations.
    ///
    /// # Cancel safety
    ///
    /// It changes nothing.
    pub async fn tell(&mut self) -> io::Result<u64> {
        let place = poll_fn(|cx| self.core.poll_tell(cx)).await;
        self.core.settle();
        place
    }

    /// Cuts the file to this size, or fills it up with zeros; without a size, to the current
    /// position, which stays. Gives the size.
    ///
    /// # Errors
    ///
    /// What the system says; [`Unsupported`](io::ErrorKind::Unsupported) for compressed files and for those
    /// not open for writing.
    ///
    /// # Cancel safety
    ///
    /// If it is dropped, it may happen or not.
    pub async fn truncate(&mut self, size: impl Into<Option<u64>>) -> io::Result<u64> {
        let size = size.into();
        self.core.check_writable()?;
        self.core.perform(move |engine| engine.truncate(size)).await
    }

    // ---- what it is ----

    /// What it was opened for.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.core.mode
    }

    /// Its path, as it was given; `<fd 5>` for one that was open.
    #[must_use]
    pub fn name(&self) -> &Path {
        &self.core.path
    }

    /// How it is compressed.
    #[must_use]
    pub fn compression(&self) -> Compression {
        self.compression
    }

    /// Whether it was closed.
    #[must_use]
    pub fn closed(&self) -> bool {
        self.core.is_closed()
    }

    /// Whether it can be read.
    #[must_use]
    pub fn readable(&self) -> bool {
        self.core.mode.readable()
    }

    /// Whether it can be written.
    #[must_use]
    pub fn writable(&self) -> bool {
        self.core.mode.writable()
    }

    /// Whether it has places: pipes and terminals have none.
    #[must_use]
    pub fn seekable(&self) -> bool {
        self.core.seekable
    }

    /// Whether it is a terminal.
    #[must_use]
    pub fn isatty(&self) -> bool {
        self.core.file().is_ok_and(IsTerminal::is_terminal)
    }

    /// The system's handle to the file, for calls that this type does not have. Its position is the
    /// business of this type alone.
    ///
    /// # Errors
    ///
    /// If the file is closed.
    pub fn as_std(&self) -> io::Result<&fs::File> {
        self.core.file()
    }

    /// The file's descriptor; the cautions of [`as_std`](Self::as_std) hold.
    ///
    /// # Errors
    ///
    /// If the file is closed.
    #[cfg(unix)]
    pub fn fileno(&self) -> io::Result<std::os::fd::BorrowedFd<'_>> {
        self.core.file().map(std::os::fd::AsFd::as_fd)
    }
}

impl File<Text> {
    /// The bytes of the file: reads and writes between those of text, at the same position.
    pub fn buffer(&mut self) -> Buffer<'_> {
        Buffer::new(&mut self.core)
    }

    /// The name of the encoding.
    #[must_use]
    pub fn encoding(&self) -> &str {
        &self.state.encoding.name
    }

    /// What becomes of bytes that are no text.
    #[must_use]
    pub fn errors(&self) -> TextErrors {
        self.state.errors
    }

    /// Which ends of lines there are.
    #[must_use]
    pub fn newline(&self) -> Newline {
        self.state.newline
    }

    /// The ends of lines that were read so far.
    #[must_use]
    pub fn newlines(&self) -> Newlines {
        self.state.newlines()
    }

    /// Whether each line goes to the file when it is written.
    #[must_use]
    pub fn line_buffering(&self) -> bool {
        self.state.line_buffering
    }
}

/// The lines that are left, with their ends. After an error it ends, until a
/// [`seek`](File::seek).
impl<K: Kind> Stream for File<K> {
    type Item = io::Result<K::Owned>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if this.halted {
            return Poll::Ready(None);
        }
        let line = ready!(this.poll_readline(cx));
        this.halted = line.is_err();
        Poll::Ready(line.transpose())
    }
}

impl<K: Kind> fmt::Debug for File<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("File")
            .field("name", &self.name())
            .field("mode", &self.core.mode)
            .field("closed", &self.closed())
            .finish_non_exhaustive()
    }
}
