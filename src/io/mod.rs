//! Files that are read and written without blocking, as Python's `aiomisc.io` has them.
//!
//! ```
//! # #[cfg(feature = "smol")] {
//! use aiomisc::io;
//! use futures::StreamExt;
//!
//! # let folder = tempfile::tempdir().unwrap();
//! # let path = folder.path().join("file");
//! # aiomisc::adapters::Smol::new().block_on(async {
//! let mut file: io::TextFile = io::async_open(&path, "w").await?;
//! file.writelines(["one\n", "two\n"]).await?;
//! file.close().await?;
//!
//! let mut file: io::TextFile = io::async_open(&path, "r").await?;
//! let mut lines = file.lines();
//! while let Some(line) = lines.next().await {
//!     println!("{}", line?);
//! }
//!
//! io::write_atomic(&path, "all or nothing\n").await?;
//! # assert_eq!(std::fs::read_to_string(&path)?, "all or nothing\n");
//! # std::io::Result::Ok(()) }).unwrap();
//! # }
//! ```
//!
//! | | |
//! |---|---|
//! | [`async_open`] | opens a file by its path and a [mode](Mode) |
//! | [`OpenOptions`] | the same, with compression, encoding, ends of lines, buffer, pool |
//! | [`open_fp`] | takes over a file that is open |
//! | [`File`] | what can be done with it, and what holds |
//! | [`write_atomic`] | replaces a file as a whole, or not at all |
//!
//! For large amounts of work on files it is cheaper to do all of it in one [job](crate::thread::run) with the
//! standard library than to wait for each operation.

mod ahead;
mod atomic;
mod channel;
mod charset;
mod closing;
mod compression;
mod core;
mod encoding;
mod engine;
mod error;
mod file;
#[cfg(feature = "encodings")]
mod foreign;
mod hands;
mod kind;
mod lines;
mod mode;
mod newline;
mod opening;
mod options;
mod place;
mod seat;
mod streams;
mod text;

pub use self::atomic::{WriteAtomic, write_atomic};
pub use self::compression::Compression;
pub use self::encoding::{DecodeError, EncodeError, TextErrors};
pub use self::error::FileError;
pub use self::file::{BinaryFile, File, TextFile};
pub use self::kind::{Binary, Kind, Text};
pub use self::lines::Lines;
pub use self::mode::{Mode, ModeError};
pub use self::newline::{Newline, Newlines};
pub use self::opening::Opening;
pub use self::options::OpenOptions;
pub use self::place::Place;
pub use self::streams::Buffer;

use std::fs;
use std::path::Path;

/// Opens a file when it is awaited; [`OpenOptions`] has more to say.
///
/// The type of the file, [`TextFile`] or [`BinaryFile`], is told by where it goes, and must agree with the
/// `b` of the [mode](Mode).
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use aiomisc::io;
///
/// # aiomisc::adapters::Smol::new().block_on(async {
/// let mut file: io::BinaryFile = io::async_open("/dev/zero", "rb").await?;
/// assert_eq!(file.read_up_to(4).await?, [0; 4]);
///
/// let error = io::async_open::<io::Text>("/dev/zero", "rw").await.unwrap_err();
/// assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
/// # std::io::Result::Ok(()) }).unwrap();
/// # }
/// ```
///
/// # Errors
///
/// [`FileError`], with the path; see [`Opening`].
pub fn async_open<K: Kind>(path: impl AsRef<Path>, mode: impl Into<String>) -> Opening<K> {
    OpenOptions::new().mode(mode).open(path)
}

/// Takes a file that is open over, from where it is; the mode says what it was opened for.
///
/// # Errors
///
/// [`FileError`] if the mode is none, or not that of the kind of file.
pub fn open_fp<K: Kind>(file: fs::File, mode: impl Into<String>) -> Opening<K> {
    OpenOptions::new().mode(mode).open_fp(file)
}
