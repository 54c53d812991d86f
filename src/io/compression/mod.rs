//! Compressed files as streams of bytes: what blocks, for the jobs that a file's handle sends to threads.
//!
//! A file is read by a [`Decoder`], which gives what the compressed bytes say, and written by an [`Encoder`]. The files
//! are those of each format's usual program, both ways.
//!
//! - A file may have several members, one after another, as `cat a.gz b.gz` and the mode `a` make them: all are read.
//! - What is wrong comes after the good data: `UnexpectedEof` where the file was cut, `InvalidData` where it is not
//!   what its format wants. The error names the format, what is wrong, and how many bytes of data came before. Each
//!   further read tells it again, until the file is read anew from its beginning.
//! - Checksums stand behind the data that they protect: what was read of a member, or of a block, may be damaged if an
//!   error follows.
//! - There are 64 KiB of compressed bytes in front of a decoder, 64 KiB of data in front of a compressor, and as much
//!   behind it. No file makes a decoder take more than some 256 MiB of memory, but for the list of blocks of a stream of
//!   xz, which is 16 bytes for each, as long as the block itself at least.
//!
//! `source` and `reading` are what all decoders share, `writing` is what all encoders share, `damage` is their error.
//! Each format has a file of its own, with a `Format` and a `Compressor`.

#[cfg(feature = "bzip2")]
mod bzip2;
#[cfg(any(feature = "gzip", feature = "bzip2", feature = "xz", feature = "zstd"))]
mod damage;
#[cfg(feature = "gzip")]
mod gzip;
mod plain;
#[cfg(any(feature = "gzip", feature = "bzip2", feature = "xz", feature = "zstd"))]
mod reading;
#[cfg(any(feature = "gzip", feature = "bzip2", feature = "xz", feature = "zstd"))]
mod source;
#[cfg(test)]
mod tests;
#[cfg(any(feature = "gzip", feature = "bzip2", feature = "xz", feature = "zstd"))]
mod writing;
#[cfg(feature = "xz")]
mod xz;
#[cfg(feature = "zstd")]
mod zstd;

use std::fmt;
use std::fs::File;
use std::io::{self, Error, ErrorKind, Read, Write};
use std::ops::RangeInclusive;

use self::plain::Plain;
#[cfg(any(feature = "gzip", feature = "bzip2", feature = "xz", feature = "zstd"))]
use self::{reading::Reading, writing::Writing};

/// How the bytes of a file are compressed: written so, and read as if they were not.
///
/// ```
/// use aiomisc::io::Compression;
///
/// assert_eq!(Compression::default(), Compression::None);
/// assert_eq!(Compression::Gzip.levels(), Some(0..=9));
/// ```
///
/// The format is chosen here, not by the file's name. A file of a format whose feature is not compiled in cannot be
/// opened ([`ErrorKind::Unsupported`]).
///
/// | | files | feature | levels, default | what stands behind the last member | an empty file |
/// |---|---|---|---|---|---|
/// | `Gzip` | `.gz` | `gzip` | 0 – 9, 6 | zeros are skipped, all else is an error, as in Python | has no data |
/// | `Bzip2` | `.bz2` | `bzip2` | 1 – 9, 9 | is left alone, with a warning in the log, as by `bzip2` | is an error |
/// | `Xz` | `.xz` | `xz` | 0 – 9, 6 | zeros, four or more times four, are skipped, all else is an error, as by `xz` | is an error |
/// | `Lzma` | `.lzma` | `xz` | 0 – 9, 6 | is an error, as by `xz` | is an error |
/// | `Zstd` | `.zst` | `zstd` | −131072 – 22, 3 | is an error, as by `zstd` | is an error |
///
/// Files with several members are read to the end of the last. `Xz` and `Lzma` differ in what they write; both read
/// either format, and tell it from the file. A file opened for appending gets a further member, also where nothing is
/// written; so does a new one, so that an empty file is not what is left.
///
/// # Limits
///
/// A file that wants more than 256 MiB (`Xz`, `Lzma`) or 128 MiB (`Zstd`) of memory to be read, for its dictionary, is
/// an error. The usual programs need options to make one. `Xz` reads blocks with one filter, such as those for
/// programs, before the compression; those with two or three are an error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Compression {
    /// The bytes as they are.
    #[default]
    None,
    /// RFC 1952.
    Gzip,
    /// The format of `bzip2`.
    Bzip2,
    /// The format of `xz`.
    Xz,
    /// The format before `.xz`, which has no checksum: for programs that know no other.
    Lzma,
    /// RFC 8878.
    Zstd,
}

impl Compression {
    /// The levels that the format has, `None` where it has none: the least is the fastest, the greatest makes the
    /// smallest files.
    #[must_use]
    pub fn levels(self) -> Option<RangeInclusive<i32>> {
        match self {
            Self::None => None,
            Self::Gzip | Self::Xz | Self::Lzma => Some(0..=9),
            Self::Bzip2 => Some(1..=9),
            Self::Zstd => Some(-131_072..=22),
        }
    }

    /// Whether a file can be opened so, before anything of it is touched.
    pub(super) fn check(self, level: Option<i32>) -> io::Result<()> {
        let is_here = match self {
            Self::None => true,
            Self::Gzip => cfg!(feature = "gzip"),
            Self::Bzip2 => cfg!(feature = "bzip2"),
            Self::Xz | Self::Lzma => cfg!(feature = "xz"),
            Self::Zstd => cfg!(feature = "zstd"),
        };
        if !is_here {
            return Err(self.missing());
        }
        self.level(level).map(drop)
    }

    /// The level to use, if this one was asked for.
    fn level(self, asked: Option<i32>) -> io::Result<i32> {
        let wrong = |text| Err(Error::new(ErrorKind::InvalidInput, text));
        match (self.levels(), asked) {
            (Some(levels), Some(level)) if !levels.contains(&level) => wrong(format!(
                "{self} has no level {level}, its levels are {} to {}",
                levels.start(),
                levels.end()
            )),
            (None, Some(level)) => wrong(format!("level {level} without a compression")),
            (_, Some(level)) => Ok(level),
            (_, None) => Ok(match self {
                Self::None => 0,
                Self::Gzip | Self::Xz | Self::Lzma => 6,
                Self::Bzip2 => 9,
                Self::Zstd => 3,
            }),
        }
    }

    /// What is said of a format that is not compiled in.
    fn missing(self) -> Error {
        let feature = match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Bzip2 => "bzip2",
            Self::Xz | Self::Lzma => "xz",
            Self::Zstd => "zstd",
        };
        let text = format!("{self} needs aiomisc's feature `{feature}`");
        Error::new(ErrorKind::Unsupported, text)
    }
}

/// The name of the format in lower case.
impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Bzip2 => "bzip2",
            Self::Xz => "xz",
            Self::Lzma => "lzma",
            Self::Zstd => "zstd",
        })
    }
}

/// The data of a file.
///
/// A read that fails takes nothing away: what the system or the format says comes before or after data, never in its
/// place.
pub(super) trait Decoder: Read + Send {
    /// Begins anew, where the file stood when the decoder was made.
    ///
    /// # Errors
    ///
    /// What the system says of a file that is no sequence of bytes on a disk; the decoder is as it was.
    fn rewind(&mut self) -> io::Result<()>;
}

/// Where the data of a file goes.
///
/// `write` takes the data, or fails and takes none of it; what it has taken, and could not be written to the disk, is
/// tried again by what is called next. `flush` hands to the system what can be handed over: with gzip and zstd all that
/// was written can be read then, at some cost in size; with bzip2 and xz what is in the block under way is not. Dropped
/// before `finish`, it leaves a file that ends in the middle.
pub(super) trait Encoder: Write + Send {
    /// Ends the member, writes all that is left and hands it to the system. What is written afterwards is a further
    /// member; without any, another call does nothing.
    ///
    /// # Errors
    ///
    /// What the system says. Nothing is lost then: another call goes on where this one ended.
    fn finish(&mut self) -> io::Result<()>;
}

/// Reads what the bytes of the file say, from where it stands.
///
/// # Errors
///
/// If the format is not compiled in. Nothing is read yet.
pub(super) fn decoder(compression: Compression, file: File) -> io::Result<Box<dyn Decoder>> {
    match compression {
        Compression::None => Ok(Box::new(Plain::reader(file))),
        #[cfg(feature = "gzip")]
        Compression::Gzip => Ok(Box::new(Reading::new(file, gzip::Gzip::new()))),
        #[cfg(feature = "bzip2")]
        Compression::Bzip2 => Ok(Box::new(Reading::new(file, bzip2::Bzip2::new()))),
        #[cfg(feature = "xz")]
        Compression::Xz | Compression::Lzma => Ok(Box::new(Reading::new(file, xz::Xz::new()))),
        #[cfg(feature = "zstd")]
        Compression::Zstd => Ok(Box::new(Reading::new(file, zstd::Zstd::new()?))),
        #[allow(unreachable_patterns, reason = "with every feature there is no other")]
        other => Err(other.missing()),
    }
}

/// Writes a member to where the file stands, with this level or the format's default.
///
/// # Errors
///
/// If the format is not compiled in, or has no such level. Nothing is written yet.
pub(super) fn encoder(
    compression: Compression,
    file: File,
    level: Option<i32>,
) -> io::Result<Box<dyn Encoder>> {
    match (compression, compression.level(level)?) {
        (Compression::None, _) => Ok(Box::new(Plain::writer(file))),
        #[cfg(feature = "gzip")]
        (Compression::Gzip, level) => Ok(Box::new(Writing::new(file, gzip::Deflate::new(level)))),
        #[cfg(feature = "bzip2")]
        (Compression::Bzip2, level) => Ok(Box::new(Writing::new(file, bzip2::Blocks::new(level)))),
        #[cfg(feature = "xz")]
        (Compression::Xz, level) => Ok(Box::new(Writing::new(file, xz::ToXz::new(level)))),
        #[cfg(feature = "xz")]
        (Compression::Lzma, level) => Ok(Box::new(Writing::new(file, xz::ToLzma::new(level)))),
        #[cfg(feature = "zstd")]
        (Compression::Zstd, level) => Ok(Box::new(Writing::new(file, zstd::Frames::new(level)?))),
        #[allow(unreachable_patterns, reason = "with every feature there is no other")]
        (other, _) => Err(other.missing()),
    }
}
