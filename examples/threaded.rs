//! Work that blocks: on the pool of the entrypoint, on one of its own, and on threads of its own.
//!
//! ```sh
//! cargo run --example threaded
//! ```
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "this is what the example shows; and its threads do sleep"
)]

use std::fs::File;
use std::hash::{DefaultHasher, Hasher};
use std::io::{self, Read};
use std::sync::{Arc, Barrier, LazyLock, mpsc};
use std::time::Duration;

use aiomisc::thread::{self, Separate, SyncWaitError, ThreadPool};
use aiomisc::{BoxError, spawn, threaded, threaded_separate, time};
use futures::future::{join, try_join, try_join_all};

const SHORT: Duration = Duration::from_millis(20);

/// A file that never ends, and at times is slow.
#[threaded]
fn blocking_io() -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; 100];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// Who knows how long this takes: a thread of its own does not keep others waiting.
#[threaded_separate]
fn another_useless_coin_miner() -> io::Result<String> {
    let mut file = File::open("/dev/urandom")?;
    let mut hasher = DefaultHasher::new();
    loop {
        let mut bytes = [0; 1024];
        file.read_exact(&mut bytes)?;
        hasher.write(&bytes);
        let hash = format!("{:016x}", hasher.finish());
        if hash.starts_with("00") {
            return Ok(hash);
        }
    }
}

/// Ends when the other one comes, too.
#[threaded]
fn blocking_function(meeting: Arc<Barrier>) {
    std::thread::sleep(SHORT);
    meeting.wait();
}

/// Goes on until it is told to stop.
#[threaded_separate(name = "long", detach = false)]
fn long_blocking_function(stop: mpsc::Receiver<()>) {
    while let Err(mpsc::RecvTimeoutError::Timeout) = stop.recv_timeout(SHORT) {
        println!("running");
    }
    println!("exiting");
}

/// Stands for a client of a database.
async fn ask(question: &str) -> usize {
    time::sleep(SHORT).await;
    question.len()
}

/// From a thread into the asynchronous world and back.
#[threaded]
fn report(question: String) -> Result<usize, SyncWaitError> {
    thread::sync_wait(ask(&question))
}

static DISK: LazyLock<ThreadPool> = LazyLock::new(|| {
    let pool = ThreadPool::builder().name("disk").size(2).build();
    pool.expect("the size is valid")
});

#[threaded(pool = DISK)]
fn on_the_disk(number: usize) -> usize {
    number * number
}

#[threaded]
fn fails() {
    panic!("out of paper");
}

#[aiomisc::main(log_level = "warning", pool_size = 4)]
async fn main() -> Result<(), BoxError> {
    let bytes = blocking_io().await??;
    println!("read {} bytes", bytes.len());
    println!("the hash is {}", another_useless_coin_miner().await??);

    let meeting = Arc::new(Barrier::new(2));
    try_join(
        blocking_function(Arc::clone(&meeting)),
        blocking_function(meeting),
    )
    .await?;
    println!("both have slept at the same time");

    let (stop, stopped) = mpsc::channel();
    spawn(async move {
        time::sleep(10 * SHORT).await;
        // It may have ended by itself.
        let _ = stop.send(());
    })
    .detach();
    let both = join(
        blocking_function(Arc::new(Barrier::new(1))),
        long_blocking_function(stopped),
    );
    let (short, long) = both.await;
    short?;
    long?;

    println!(
        "asked from a thread: {}",
        report("how long?".to_owned()).await??
    );

    let squares = try_join_all((1..=3).map(on_the_disk)).await?;
    println!("on the pool `{}`: {squares:?}", DISK.name());
    // The same, without an attribute.
    let pooled = thread::run(|| "pool");
    let named = Separate::new().name("direct");
    let separate = named.run(|| std::thread::current().name().map(str::to_owned));
    println!("directly: {}, {:?}", pooled.await?, separate.await?);

    if let Err(error) = fails().await {
        println!("a panic: {}", error.panic_text().unwrap_or("none"));
    }
    DISK.shutdown(true).await?;
    if let Err(error) = on_the_disk(7).await {
        println!("closed: {}", error.is_closed());
    }
    Ok(())
}
