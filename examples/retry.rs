//! Trying again: a real TCP peer that is not there at first, then busy, and then answers.
//!
//! ```sh
//! cargo run --example retry
//! ```
#![allow(clippy::print_stdout, reason = "this is what the example shows")]

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use aiomisc::retry::{Attempt, Backoff, BackoffFor, Jitter, Pause, RetryBudget};
use aiomisc::{BoxError, TcpServer, asyncbackoff, asyncretry, net, services};
use futures::{AsyncReadExt, AsyncWriteExt};

/// An attempt may take 1 s, all of them 10 s; a pause is 20 ms. Reading is tried again, but no name that does
/// not exist.
#[asyncbackoff(
    attempt_timeout = "1s",
    deadline = "10s",
    pause = "20ms",
    giveup = |error| error.kind() == ErrorKind::NotFound,
)]
async fn ask(addr: SocketAddr, question: String) -> io::Result<String> {
    let mut stream = net::connect(addr).await?;
    stream.write_all(question.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    match answer.strip_prefix("busy") {
        Some(_) => Err(ErrorKind::ResourceBusy.into()),
        None => Ok(answer),
    }
}

static DOWNLOADS: AtomicU32 = AtomicU32::new(0);

/// The short form: so many attempts, and nothing else.
#[asyncretry(5)]
async fn download(url: &str) -> Result<usize, &'static str> {
    match DOWNLOADS.fetch_add(1, Ordering::Relaxed) {
        0..3 => Err("the connection was lost"),
        _ => Ok(url.len()),
    }
}

/// What the server says of itself: come back after so long.
#[derive(Debug)]
struct Busy {
    retry_after: Duration,
}

#[aiomisc::main(log_level = "warning")]
async fn main() -> Result<(), BoxError> {
    let addr = free_address()?;
    // It is asked before it listens, and is busy twice after that.
    let asked = Arc::new(AtomicU32::new(0));
    let answer = aiomisc::spawn(ask(addr, "what time is it?".to_owned()));
    aiomisc::time::sleep(Duration::from_millis(30)).await;
    let server = TcpServer::new(addr.to_string(), move |mut stream, _| {
        let number = asked.fetch_add(1, Ordering::Relaxed);
        async move {
            let mut question = [0; 16];
            stream.read_exact(&mut question).await?;
            let answer = if number < 2 { "busy" } else { "cuckoo" };
            stream.write_all(answer.as_bytes()).await?;
            Ok(())
        }
    });
    let running = aiomisc::Entrypoint::current().ok_or("no entrypoint")?;
    running.start_services(services![server]).await?;
    println!("answer: {}", answer.await??);

    println!("download: {:?}", download("http://example.org").await);

    // An object, with everything there is. The budget may belong to many of them.
    let budget = RetryBudget::new(10, 0.1)?;
    let backoff: BackoffFor<Busy> = Backoff::builder()
        .attempt_timeout(Duration::from_secs(1))
        .deadline(Duration::from_secs(5))
        .pause(Pause::exponential(Duration::from_millis(10)).jitter(Jitter::Full))
        .retry_after(|busy: &Busy| Some(busy.retry_after))
        .budget(&budget)
        .name("object")
        .build()?;
    let result = backoff.try_call(async |attempt: Attempt| {
        let left = attempt
            .time_left()
            .map_or(0, |left| left.as_secs_f64().ceil() as u64);
        println!("attempt {} has {left} s", attempt.number());
        if attempt.number() < 3 {
            let retry_after = Duration::from_millis(15);
            return Err(Busy { retry_after });
        }
        Ok("an answer")
    });
    println!("object: {:?}", result.await);
    println!("left in the budget: {:.1}", budget.tokens());
    for figure in aiomisc::statistics().of_kind::<aiomisc::retry::BackoffStatistic>() {
        let named = figure.name.as_deref() == Some("object");
        if named && ["calls", "attempts", "pauses", "done"].contains(&figure.metric) {
            println!("{figure}");
        }
    }
    Ok(())
}

/// One that nobody listens on.
fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0")?.local_addr()
}
