use std::any::Any;
use std::fmt;
use std::fs::OpenOptions;
use std::io::{self, Stderr, Stdout, Write};
use std::path::Path;
use std::sync::Arc;

use tracing_subscriber::fmt::MakeWriter;

use super::buffer::{Buffer, STDERR};
use super::buffering::Buffering;
use super::sink::{Datagrams, Sink};

/// Where a log is written: a stream of bytes, or datagrams.
///
/// Whatever can be written is one, such as a `File` or what [`std::io::stderr`] gives. It gets whole
/// records, one or many at a time, and is flushed after them. Clones are the same place; it is
/// closed with the last of them, after what was accepted has been written.
///
/// # Faults
///
/// What cannot be written, because the disk is full or nobody reads, is lost and counted. That it
/// began is said once on the standard error stream, and how much was lost in the log itself, as soon
/// as that can be written again. Of a record that was written in part, the rest comes first then.
/// The program goes on.
#[derive(Clone)]
pub struct Output {
    handle: Arc<Handle>,
}

impl Output {
    /// The standard error stream.
    #[must_use]
    pub fn stderr() -> Self {
        io::stderr().into()
    }

    /// The standard output stream.
    #[must_use]
    pub fn stdout() -> Self {
        io::stdout().into()
    }

    /// A file, which is made if it is not there, and appended to.
    ///
    /// # Errors
    ///
    /// When it cannot be opened.
    pub fn file(path: impl AsRef<Path>) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        Ok(file.into())
    }

    /// What takes one record at a time.
    pub fn datagrams(datagrams: impl Datagrams) -> Self {
        Self::new(Sink::datagrams(datagrams), None)
    }

    fn new(sink: Sink, stream: Option<&'static str>) -> Self {
        let buffer = Buffer::new(sink, stream);
        Self {
            handle: Arc::new(Handle(buffer)),
        }
    }

    /// Has a thread write what is logged from now on, so that nobody waits for it who logs.
    ///
    /// The buffer belongs to the place, and so to all clones. Without a thread it stays as it is.
    #[must_use]
    pub fn buffered(self, buffering: Buffering) -> Self {
        self.buffer(buffering);
        self
    }

    pub(super) fn buffer(&self, buffering: Buffering) {
        self.handle.0.open(buffering);
    }

    /// Has everybody write what he logs by himself.
    pub(super) fn unbuffered(&self) {
        self.handle.0.write_directly_from_now_on();
    }

    /// Waits until everything is written that was logged here before, or nothing was written for five
    /// seconds; whether it is written. It blocks the thread meanwhile.
    #[must_use = "what could not be written is still there"]
    pub fn flush(&self) -> bool {
        self.handle.0.flush()
    }

    pub(super) fn put(&self, record: &[u8]) {
        self.handle.0.put(record);
    }

    /// A record is left out.
    pub(super) fn lose(&self) {
        self.handle.0.lose_one();
    }

    pub(super) fn is_stderr(&self) -> bool {
        self.handle.0.is_stderr()
    }
}

impl<W: Write + Send + 'static> From<W> for Output {
    fn from(writer: W) -> Self {
        let any: &dyn Any = &writer;
        let stream = match () {
            () if any.is::<Stderr>() => Some(STDERR),
            () if any.is::<Stdout>() => Some("stdout"),
            () => None,
        };
        Self::new(Sink::stream(writer), stream)
    }
}

/// What keeps the place open.
struct Handle(Arc<Buffer>);

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Any layer that formats by itself can write here, such as those of
/// [`tracing_subscriber::fmt`](mod@tracing_subscriber::fmt). What is written at once is one record.
impl<'a> MakeWriter<'a> for Output {
    type Writer = OutputWriter<'a>;

    fn make_writer(&'a self) -> OutputWriter<'a> {
        OutputWriter(self)
    }
}

/// Takes a record; from [`Output`] as a [`MakeWriter`].
#[derive(Debug)]
pub struct OutputWriter<'a>(&'a Output);

impl Write for OutputWriter<'_> {
    fn write(&mut self, record: &[u8]) -> io::Result<usize> {
        self.0.put(record);
        Ok(record.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Output").field(&self.handle.0).finish()
    }
}
