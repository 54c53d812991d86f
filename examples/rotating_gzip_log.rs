//! A log in files that are compressed and rotated: a writer of your own behind the library's buffer, so
//! that no task ever waits for the compression or the disk.
//!
//! ```sh
//! cargo run --example rotating_gzip_log -- --directory /tmp/log --records 100000
//! zcat /tmp/log/app.log.gz | tail -n 1
//! ```
//!
//! `app.log.gz` is the file that is written; when it has more than `--max-bytes`, it becomes
//! `app.log.1.gz`, that one `app.log.2.gz`, and so on; `--keep` of the old ones are kept.
#![allow(clippy::print_stdout, reason = "it says where to look")]

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;

use aiomisc::BoxError;
use aiomisc::log::{Handler, LogFormat, LogLevel, Output, basic_config, format};
use flate2::Compression;
use flate2::write::GzEncoder;

#[path = "common/cli.rs"]
mod cli;

fn main() -> Result<(), BoxError> {
    let args = cli::Args::parse(&[
        "--directory",
        "--records",
        "--max-bytes",
        "--keep",
        "--runtime",
    ])?;
    let directory = match &*args.get("--directory", "") {
        // One that is new each time, and stays.
        "" => tempfile::Builder::new()
            .prefix("rotating-")
            .tempdir()?
            .keep(),
        given => PathBuf::from(given),
    };
    let records: u64 = args.get("--records", "20000").parse()?;
    fs::create_dir_all(&directory)?;
    println!("logging to {}", directory.join("app.log.gz").display());
    let file = RotatingGzip::open(
        directory.join("app.log"),
        args.get("--max-bytes", "20000").parse()?,
        args.get("--keep", "100").parse()?,
    )?;

    // Both places get a buffer and a thread of their own.
    let everything = Handler::new(format::Stream::new(), file);
    let grave = Handler::new(format::Stream::new(), Output::stderr()).level(LogLevel::Warning);
    basic_config()
        .format(LogFormat::Disabled)
        .handler(everything)
        .handler(grave)
        .init()?;

    args.entrypoint()?.run(async {
        for number in 0..records {
            tracing::info!(number, "hello world");
        }
        tracing::warn!(records, "that was all");
    })?;

    // The file gets its end when the process ends, by this or by any other way.
    Ok(())
}

/// A compressed file that becomes an old one when it is full.
struct RotatingGzip {
    path: PathBuf,
    max_bytes: u64,
    keep: usize,
    /// None between two files, and where the next one could not be opened.
    encoder: Option<GzEncoder<File>>,
}

impl RotatingGzip {
    fn open(path: PathBuf, max_bytes: u64, keep: usize) -> io::Result<Self> {
        let mut new = Self {
            path,
            max_bytes,
            keep,
            encoder: None,
        };
        new.current()?;
        Ok(new)
    }

    /// The file that is written. What another run has left is continued: the members of such a file
    /// are read one behind the other.
    fn current(&mut self) -> io::Result<&mut GzEncoder<File>> {
        if self.encoder.is_none() {
            let path = self.numbered(0);
            let file = OpenOptions::new().create(true).append(true).open(path)?;
            self.encoder = Some(GzEncoder::new(file, Compression::fast()));
        }
        let open = self.encoder.as_mut();
        open.ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// `app.log.gz` for 0, `app.log.1.gz` for 1.
    fn numbered(&self, number: usize) -> PathBuf {
        let mut name = self.path.as_os_str().to_owned();
        match number {
            0 => name.push(".gz"),
            number => name.push(format!(".{number}.gz")),
        }
        name.into()
    }

    fn is_full(&mut self) -> io::Result<bool> {
        let max_bytes = self.max_bytes;
        Ok(self.current()?.get_ref().metadata()?.len() > max_bytes)
    }

    fn rotate(&mut self) -> io::Result<()> {
        if let Some(encoder) = self.encoder.take() {
            encoder.finish()?;
        }
        for number in (0..self.keep).rev() {
            match fs::rename(self.numbered(number), self.numbered(number + 1)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }
}

/// It is given whole records, many at a time, and flushed after them.
impl Write for RotatingGzip {
    fn write(&mut self, records: &[u8]) -> io::Result<usize> {
        if self.is_full()? {
            self.rotate()?;
        }
        // All of them: the rest would begin the next file in the middle of a record.
        self.current()?.write_all(records)?;
        Ok(records.len())
    }

    /// What has been written can be read from now on, also if the process is killed.
    fn flush(&mut self) -> io::Result<()> {
        self.current()?.flush()
    }
}
