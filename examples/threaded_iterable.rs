//! Iterators that block, as streams: a file whose lines go over TCP with the hashes that chain them, and the
//! system's source of random numbers.
//!
//! ```sh
//! cargo run --example threaded_iterable
//! nc -k -l -p 2233 & cargo run --example threaded_iterable -- --to 127.0.0.1:2233 --file README.md
//! ```
//!
//! Without `--to` it listens by itself and prints what it gets. It ends by itself; `--runtime` takes `smol`
//! or `tokio`.
#![allow(clippy::print_stdout, reason = "this is what the example shows")]

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use aiomisc::net::{Address, Listener, Stream, bind_socket, connect};
use aiomisc::thread::{self, Iterate, ThreadPool, ThreadedIter};
use aiomisc::{BoxError, Task};
use futures::{AsyncBufReadExt, AsyncWriteExt, StreamExt};
use md5::{Digest, Md5};

#[path = "common/cli.rs"]
mod cli;

/// "My first blockchain": each line with the hash of all lines up to it.
fn chained_lines(path: &Path) -> ThreadedIter<(String, String)> {
    let path = path.to_owned();
    Iterate::new().name("chained lines").push(move |yielder| {
        let mut hash = Md5::new();
        for line in whole_lines(&path)? {
            let line = line?;
            hash.update(&line);
            yielder.send((hex(hash.clone()), line))?;
        }
        Ok(())
    })
}

/// The lines of a file, on a thread of its own, with any number of them ahead.
fn lines(path: &Path) -> ThreadedIter<String> {
    let path = path.to_owned();
    let iterate = Iterate::new().name("lines").separate(true).max_size(0);
    iterate.push(move |yielder| {
        for line in whole_lines(&path)? {
            yielder.send(line?)?;
        }
        Ok(())
    })
}

/// The lines of a file, with their ends.
fn whole_lines(path: &Path) -> io::Result<impl Iterator<Item = io::Result<String>> + use<>> {
    let mut file = BufReader::new(File::open(path)?);
    Ok(std::iter::from_fn(move || {
        let mut line = String::new();
        match file.read_line(&mut line) {
            Ok(0) => None,
            Ok(_) => Some(Ok(line)),
            Err(error) => Some(Err(error)),
        }
    }))
}

/// Random bytes without end, two pieces ahead.
fn noise<const SIZE: usize>(iterate: Iterate) -> ThreadedIter<[u8; SIZE]> {
    iterate.name("noise").max_size(2).push(|yielder| {
        let mut source = File::open("/dev/urandom")?;
        loop {
            let mut piece = [0; SIZE];
            source.read_exact(&mut piece)?;
            yielder.send(piece)?;
        }
    })
}

fn hex(hash: Md5) -> String {
    let digest = hash.finalize();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Sends the chain: neither the reading nor the hashing holds up anything else.
async fn send_chain(to: &Address, path: &Path) -> Result<(), BoxError> {
    let mut writer = connect(to.clone()).await?;
    let mut chain = chained_lines(path);
    while let Some((digest, line)) = chain.try_next().await? {
        writer.write_all(digest.as_bytes()).await?;
        writer.write_all(b"\t").await?;
        writer.write_all(line.as_bytes()).await?;
    }
    Ok(writer.close().await?)
}

/// Sends the file, and then some noise that has no end by itself.
async fn send_noise(to: &Address, path: &Path) -> Result<(), BoxError> {
    let mut writer = connect(to.clone()).await?;
    let mut lines = lines(path);
    while let Some(line) = lines.try_next().await? {
        writer.write_all(line.as_bytes()).await?;
    }

    let mut pieces = noise::<8>(Iterate::new());
    for _ in 0..10 {
        let Some(piece) = pieces.try_next().await? else {
            break;
        };
        writer.write_all(&piece).await?;
    }
    // Stops the thread, and waits until the file is closed. Dropping the stream stops it as well.
    pieces.close().await?;
    println!("the noise has stopped: {}", pieces.closed());
    Ok(writer.close().await?)
}

/// On a pool of one's own.
async fn hash_of_noise() -> Result<String, BoxError> {
    let pool = ThreadPool::builder().name("noise").size(1).build()?;
    let mut pieces = noise::<1024>(Iterate::new().pool(pool.clone())).take(100);
    let mut hash = Md5::new();
    while let Some(piece) = pieces.next().await {
        hash.update(piece?);
    }
    drop(pieces);
    pool.shutdown(true).await?;
    Ok(hex(hash))
}

/// Prints the lines of the first connection, and how much came over the second one.
async fn receive(mut listener: Listener) -> Result<(), BoxError> {
    let (chain, _) = listener.accept().await?;
    let mut lines = futures::io::BufReader::new(chain).lines();
    while let Some(line) = lines.next().await {
        println!("received: {}", line?);
    }
    let (rest, _): (Stream, _) = listener.accept().await?;
    let mut sink = futures::io::Cursor::new(Vec::new());
    let bytes = futures::io::copy(rest, &mut sink).await?;
    println!("received: {bytes} bytes");
    Ok(())
}

/// The one that listens, if there is to be one, and where to send to.
async fn receiver(to: &str) -> Result<(Option<Task<Result<(), BoxError>>>, Address), BoxError> {
    if !to.is_empty() {
        return Ok((None, to.into()));
    }
    let listener = bind_socket("127.0.0.1:0").listen().await?;
    let addr = listener.local_addr()?;
    println!("listening {}", cli::url("tcp", &addr));
    let to = addr.to_string();
    Ok((Some(aiomisc::spawn(receive(listener))), to.into()))
}

fn main() -> Result<(), BoxError> {
    let args = cli::Args::parse(&["--to", "--file", "--runtime"])?;
    let (to, path) = (args.get("--to", ""), args.get("--file", file!()));
    let outcome = args.entrypoint()?.run(async move {
        let (receiver, to) = receiver(&to).await?;
        send_chain(&to, Path::new(&path)).await?;
        send_noise(&to, Path::new(&path)).await?;
        if let Some(receiver) = receiver {
            receiver.await??;
        }
        println!("hash of noise: {}", hash_of_noise().await?);

        // What takes no options is shorter still.
        let squares = thread::iterate(|| (1..=5).map(|n| n * n));
        println!(
            "squares: {:?}",
            squares.map(Result::unwrap).collect::<Vec<i32>>().await
        );
        Ok::<_, BoxError>(())
    })?;
    outcome.transpose()?;
    Ok(())
}
