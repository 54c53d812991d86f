//! A circuit breaker before a real TCP peer that fails and recovers: as an object, and by `#[cutout]`.
//!
//! ```sh
//! cargo run --example circuit_breaker
//! ```
#![allow(clippy::print_stdout, reason = "this is what the example shows")]

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aiomisc::circuit_breaker::{BreakerError, CircuitBreaker, Recovery, State};
use aiomisc::{BoxError, TcpServer, cutout, net, services};
use futures::{AsyncReadExt, StreamExt};

/// Asks the peer what it has to say.
async fn ask(addr: SocketAddr) -> io::Result<String> {
    let mut stream = net::connect(addr).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    match answer.as_str() {
        "" => Err(ErrorKind::UnexpectedEof.into()),
        _ => Ok(answer),
    }
}

/// The short form: when half of the calls within 30 s fail, it is broken for 30 s.
#[cutout(0.5, "30s", minimum_calls = 4)]
async fn ask_carefully(addr: SocketAddr) -> io::Result<String> {
    ask(addr).await
}

#[aiomisc::main(log_level = "error")]
async fn main() -> Result<(), BoxError> {
    // A peer that hangs up without a word while it is out of order.
    let addr = free_address()?;
    let in_order = Arc::new(AtomicBool::new(true));
    let works = Arc::clone(&in_order);
    let server = TcpServer::new(addr.to_string(), move |mut stream, _| {
        let works = works.load(Ordering::SeqCst);
        async move {
            if works {
                futures::AsyncWriteExt::write_all(&mut stream, b"hello").await?;
            }
            Ok(())
        }
    });
    let running = aiomisc::Entrypoint::current().ok_or("no entrypoint")?;
    running.start_services(services![server]).await?;

    // When half of the calls within 10 s fail, it is broken for 0.5 s; then two calls in a row have to succeed.
    let breaker = CircuitBreaker::builder(0.5, Duration::from_secs(10))
        .minimum_calls(4)
        .broken_time(Duration::from_millis(500))
        .recovery(Recovery::Probes {
            at_once: 1,
            successes: 2,
            limit: Duration::from_secs(5),
        })
        .failure_if(|error: &io::Error| error.kind() != ErrorKind::NotFound)
        .name("peer")
        .build()?;
    let mut changes = breaker.changes();
    let told = aiomisc::spawn(async move {
        let mut told = Vec::new();
        while let Some(change) = changes.next().await {
            told.push(change.to_string());
        }
        told
    });

    for number in 1..=10 {
        // Out of order from the third call on, until it has been seen in recovery.
        in_order.store(!(3..=7).contains(&number), Ordering::SeqCst);
        let before = breaker.state();
        let said = match breaker.call_async(ask(addr)).await {
            Ok(answer) => answer,
            Err(BreakerError::Failed(error)) => format!("failed: {error}"),
            Err(BreakerError::Broken(broken)) => {
                assert!(broken.retry_after() <= Duration::from_millis(500));
                broken.to_string()
            }
            Err(error) => error.to_string(),
        };
        println!("{number} {before}: {said}");
        if number >= 6 && breaker.state() == State::Broken {
            breaker.wait_ready().await;
        }
    }
    for figure in aiomisc::statistics() {
        let named = figure.name.as_deref() == Some("peer");
        if named && ["success", "failure", "broken"].contains(&figure.metric) {
            println!("{figure}");
        }
    }
    drop(breaker);
    for change in told.await? {
        println!("{change}");
    }

    // By attribute: the refusal is an error of the function's own type.
    for number in 1..=5 {
        in_order.store(number == 5, Ordering::SeqCst);
        match ask_carefully(addr).await {
            Ok(answer) => println!("cutout: {answer}"),
            Err(error) => println!("cutout: {error}"),
        }
    }
    Ok(())
}

/// One that nobody listens on.
fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0")?.local_addr()
}
