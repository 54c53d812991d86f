//! Files: text written and read again, hashes of two random files by jobs, and compression on the fly.
//!
//! ```sh
//! cargo run --example files --features gzip
//! ```
#![allow(clippy::print_stdout, reason = "this is what the example shows")]

use std::fs::File;
use std::hash::{DefaultHasher, Hasher};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use aiomisc::io::{self, Compression, OpenOptions, TextFile};
use aiomisc::{BoxError, thread};

#[path = "common/cli.rs"]
mod cli;

async fn write_and_read(path: &Path) -> Result<(), BoxError> {
    // Whether it is of text or of bytes is told by the type, which agrees with the mode.
    let mut file: TextFile = io::async_open(path, "w+").await?;
    file.write("Hello").await?;
    file.write(" ").await?;
    file.write("world").await?;

    file.seek(0).await?;
    println!("{}", file.read().await?);
    file.close().await?;
    Ok(())
}

/// All the work on a file in one job: cheaper than to wait for each read.
async fn hash_file(path: PathBuf) -> Result<u64, BoxError> {
    let job = thread::run(move || {
        let mut hasher = DefaultHasher::new();
        let mut file = File::open(path)?;
        let mut chunk = vec![0; 65_536];
        loop {
            match file.read(&mut chunk)? {
                0 => return std::io::Result::Ok(hasher.finish()),
                count => hasher.write(&chunk[..count]),
            }
        }
    });
    Ok(job.await??)
}

async fn fill_random_file(path: PathBuf, size: u64) -> Result<u64, BoxError> {
    let job = thread::run(move || {
        let mut file = File::create(path)?;
        let mut random = File::open("/dev/urandom")?.take(size);
        let written = std::io::copy(&mut random, &mut file)?;
        file.flush()?;
        std::io::Result::Ok(written)
    });
    Ok(job.await??)
}

async fn hash_two_files(folder: &Path) -> Result<(), BoxError> {
    let (one, two) = (folder.join("one"), folder.join("two"));
    fill_random_file(one.clone(), 1024 * 1024).await?;
    let first = hash_file(one).await?;
    fill_random_file(two.clone(), 1024 * 1024).await?;
    let second = hash_file(two).await?;
    println!("the hashes differ: {}", first != second);
    Ok(())
}

async fn compress(path: &Path) -> Result<(), BoxError> {
    let options = OpenOptions::new().mode("w+").compression(Compression::Gzip);
    let mut file: TextFile = match options.open(path).await {
        Err(error) if error.kind() == ErrorKind::Unsupported => {
            println!("gzip is not compiled in");
            return Ok(());
        }
        opened => opened?,
    };
    for _ in 0..10_000 {
        file.write("Hello World\n").await?;
    }
    file.close().await?;
    let size = std::fs::metadata(path)?.len();
    println!("10000 lines in less than 10000 bytes: {}", size < 10_000);
    Ok(())
}

async fn all(folder: PathBuf) -> Result<(), BoxError> {
    write_and_read(&folder.join("test.txt")).await?;
    hash_two_files(&folder).await?;
    compress(&folder.join("test.txt.gz")).await
}

fn main() -> Result<(), BoxError> {
    let args = cli::Args::parse(&["--runtime"])?;
    // Removed with what is in it when it goes.
    let folder = tempfile::tempdir()?;
    match args.entrypoint()?.run(all(folder.path().to_owned()))? {
        aiomisc::Outcome::Finished(result) => result,
        _ => Ok(()),
    }
}
