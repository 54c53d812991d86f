//! How a file is opened.

use std::fs;
use std::io;
use std::path::Path;

use super::compression::Compression;
use super::encoding::{Encoding, TextErrors};
use super::error::invalid;
use super::kind::Kind;
use super::newline::Newline;
use super::opening::{Opening, Source};
use super::text::TextState;
use crate::thread::ThreadPool;

/// How a file is opened: the arguments of Python's `open`, and some more.
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use aiomisc::io::{self, Newline, OpenOptions, TextErrors};
///
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("table.csv");
/// # aiomisc::adapters::Smol::new().block_on(async {
/// let options = OpenOptions::new().encoding("latin-1").newline(Newline::CrLf);
///
/// let mut file: io::TextFile = options.clone().mode("w").open(&path).await?;
/// file.write("naïve;1\n").await?;
/// file.close().await?;
/// assert_eq!(std::fs::read(&path)?, b"na\xEFve;1\r\n");
///
/// let lossy = options.encoding("ascii").errors(TextErrors::Replace);
/// let mut file: io::TextFile = lossy.open(&path).await?;
/// assert_eq!(file.readline().await?.as_deref(), Some("na\u{FFFD}ve;1\r\n"));
/// # std::io::Result::Ok(()) }).unwrap();
/// # }
/// ```
///
/// | option | default | |
/// |---|---|---|
/// | [`mode`](Self::mode) | `"r"` | what it is opened for, see [`Mode`](super::Mode) |
/// | [`compression`](Self::compression), [`level`](Self::level) | none | on the fly, see [`Compression`] |
/// | [`encoding`](Self::encoding) | `"utf-8"` | of text |
/// | [`errors`](Self::errors) | [`Strict`](TextErrors::Strict) | what becomes of bytes that are no text |
/// | [`newline`](Self::newline) | [`Universal`](Newline::Universal) | which ends of lines there are |
/// | [`line_buffering`](Self::line_buffering) | no | each line goes to the file when it is written |
/// | [`buffer`](Self::buffer) | 64 KiB; compressed 512 KiB | how much is read ahead, and collected before it is written |
/// | [`pool`](Self::pool) | the [current one](ThreadPool::current) | whose threads do the work |
/// | [`permissions`](Self::permissions) | 0o666 | of a file that is made, before the `umask` (Unix) |
///
/// What is about text is an error for a file of bytes.
#[derive(Clone, Debug)]
#[must_use = "nothing is opened until `open` is awaited"]
pub struct OpenOptions {
    pub(super) mode: String,
    pub(super) compression: Compression,
    pub(super) level: Option<i32>,
    encoding: Option<String>,
    errors: Option<TextErrors>,
    newline: Option<Newline>,
    line_buffering: bool,
    buffer: Option<usize>,
    pub(super) pool: Option<ThreadPool>,
    pub(super) permissions: Option<u32>,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl OpenOptions {
    /// Begins with the defaults.
    pub fn new() -> Self {
        Self {
            mode: "r".to_owned(),
            compression: Compression::None,
            level: None,
            encoding: None,
            errors: None,
            newline: None,
            line_buffering: false,
            buffer: None,
            pool: None,
            permissions: None,
        }
    }

    /// What the file is opened for, as text: `"r"`, `"w+"`, `"ab"`; see [`Mode`](super::Mode).
    pub fn mode(mut self, mode: impl Into<String>) -> Self {
        self.mode = mode.into();
        self
    }

    /// Compresses what is written, and decompresses what is read.
    pub fn compression(mut self, compression: Compression) -> Self {
        self.compression = compression;
        self
    }

    /// How hard the compressor tries; the format says what the numbers mean. Default: the format's.
    pub fn level(mut self, level: i32) -> Self {
        self.level = Some(level);
        self
    }

    /// The encoding of the text, by its name; `-`, `_` and capitals make no difference.
    ///
    /// `utf-8`, `utf-8-sig`, `ascii`, `latin-1`; `utf-16` and `utf-32`, with a mark of the order of bytes at
    /// the beginning, and with `-le` or `-be` without one. With the feature `encodings` also those of the
    /// [web](https://encoding.spec.whatwg.org/#names-and-labels), but for the ones with states
    /// (`iso-2022-jp`): `windows-1251`, `koi8-r`, `shift_jis`, `gb18030` and so on.
    pub fn encoding(mut self, name: impl Into<String>) -> Self {
        self.encoding = Some(name.into());
        self
    }

    /// What becomes of bytes that are no text, and of characters that the encoding does not have.
    pub fn errors(mut self, errors: TextErrors) -> Self {
        self.errors = Some(errors);
        self
    }

    /// Which ends of lines there are, and what becomes of them.
    pub fn newline(mut self, newline: Newline) -> Self {
        self.newline = Some(newline);
        self
    }

    /// Whether a write with an end of a line in it goes on to the file. Each is then a job of its own.
    pub fn line_buffering(mut self, on: bool) -> Self {
        self.line_buffering = on;
        self
    }

    /// How many bytes are read ahead, and how many are collected before they are written; at least 1.
    /// A handle has up to three buffers of this size. They grow as they are used: what reads or writes
    /// little takes little memory. At most 8 MiB are read ahead at once.
    pub fn buffer(mut self, bytes: usize) -> Self {
        self.buffer = Some(bytes.max(1));
        self
    }

    /// The pool whose threads do what blocks.
    pub fn pool(mut self, pool: ThreadPool) -> Self {
        self.pool = Some(pool);
        self
    }

    /// The permissions of a file that is made, which the `umask` of the process may narrow. Elsewhere
    /// than on Unix they mean nothing.
    pub fn permissions(mut self, mode: u32) -> Self {
        self.permissions = Some(mode);
        self
    }

    /// Opens a file, when the [`Opening`] is awaited.
    pub fn open<K: Kind>(self, path: impl AsRef<Path>) -> Opening<K> {
        let path = path.as_ref();
        Opening::new(self, path.into(), Source::Path)
    }

    /// Takes a file that is open over, from where it is. The [`mode`](Self::mode) says what it was opened
    /// for: nothing is emptied, and nothing appended unless it was opened so.
    pub fn open_fp<K: Kind>(self, file: fs::File) -> Opening<K> {
        #[cfg(unix)]
        let name = format!("<fd {}>", std::os::fd::AsRawFd::as_raw_fd(&file));
        #[cfg(not(unix))]
        let name = "<file>".to_owned();
        Opening::new(self, Path::new(&name).into(), Source::File(file))
    }

    pub(super) fn buffer_size(&self) -> usize {
        self.buffer.unwrap_or(match self.compression {
            Compression::None => 64 << 10,
            // A hand-over to a thread takes as long as some KiB of it.
            _ => 512 << 10,
        })
    }

    pub(super) fn check_binary(&self) -> io::Result<()> {
        let text_only = [
            ("encoding", self.encoding.is_some()),
            ("errors", self.errors.is_some()),
            ("newline", self.newline.is_some()),
            ("line_buffering", self.line_buffering),
        ];
        match text_only.iter().find(|(_, given)| *given) {
            Some((name, _)) => Err(invalid(format!(
                "the option `{name}` is for text, and this is a file of bytes"
            ))),
            None => Ok(()),
        }
    }

    pub(super) fn text_state(&self) -> io::Result<TextState> {
        let encoding = Encoding::find(self.encoding.as_deref().unwrap_or("utf-8"))?;
        Ok(TextState::new(
            encoding,
            self.errors.unwrap_or_default(),
            self.newline.unwrap_or_default(),
            self.line_buffering,
        ))
    }
}
