//! Compression on the fly: what a file is written through, and read through.

use std::fs;
use std::io::{self, Read, Write};

/// How the bytes of a file are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Compression {
    /// Not at all.
    #[default]
    None,
    /// As `gzip` does (RFC 1952); feature `gzip`.
    Gzip,
    /// As `bzip2` does; feature `bzip2`.
    Bzip2,
    /// As `xz` does; feature `xz`.
    Xz,
    /// The older format of `xz`; feature `xz`.
    Lzma,
    /// As `zstd` does (RFC 8878); feature `zstd`.
    Zstd,
}

/// Gives what the compressed bytes of a file say.
pub(super) trait Decoder: Read + Send {
    /// Goes to the beginning of the file.
    fn rewind(&mut self) -> io::Result<()>;
    fn file(&self) -> &fs::File;
}

/// Compresses what is written; nothing is complete before `finish`.
pub(super) trait Encoder: Write + Send {
    /// Writes the trailer and flushes; the file stays open.
    fn finish(&mut self) -> io::Result<()>;
    fn file(&self) -> &fs::File;
}

/// Reads what the compressed bytes of `file` say, from its current position, all members.
pub(super) fn decoder(compression: Compression, file: fs::File) -> io::Result<Box<dyn Decoder>> {
    drop(file);
    Err(unsupported(compression))
}

/// Compresses to a file, from its current position. `level`: that of the format if none is given.
pub(super) fn encoder(
    compression: Compression,
    file: fs::File,
    level: Option<i32>,
) -> io::Result<Box<dyn Encoder>> {
    let _ = level;
    drop(file);
    Err(unsupported(compression))
}

fn unsupported(compression: Compression) -> io::Error {
    let text = format!("no support for {compression:?} is compiled in");
    io::Error::new(io::ErrorKind::Unsupported, text)
}
