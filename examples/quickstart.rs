//! TCP echo, UDP echo and a counter, in one entrypoint, until Ctrl-C.
//!
//! ```sh
//! cargo run --example quickstart -- --tcp 127.0.0.1:8080 --udp 127.0.0.1:8081
//! ```
#![allow(clippy::print_stdout, reason = "this is what the example shows")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aiomisc::{BoxError, Service, ServiceContext, StopReason, TcpServer, UdpServer, async_trait};
use futures::{AsyncReadExt, AsyncWriteExt};

#[path = "common/cli.rs"]
mod cli;

/// Counts what the servers do, and says so from time to time.
#[derive(Default)]
struct Counter {
    requests: Arc<AtomicU64>,
}

#[async_trait]
impl Service for Counter {
    async fn start(&self, ctx: ServiceContext) -> Result<(), BoxError> {
        ctx.ready();
        let requests = || self.requests.load(Ordering::Relaxed);
        ctx.until_stopping(async {
            let mut ticks = aiomisc::time::interval(Duration::from_secs(5));
            loop {
                ticks.tick().await;
                tracing::info!(requests = requests(), "so far");
            }
        })
        .await;
        tracing::info!(requests = requests(), "stopping");
        Ok(())
    }

    async fn stop(&self, reason: &StopReason) -> Result<(), BoxError> {
        tracing::info!(%reason, "good bye");
        Ok(())
    }
}

fn main() -> Result<(), BoxError> {
    let args = cli::Args::parse(&["--runtime", "--tcp", "--udp"])?;
    let counter = Counter::default();

    let total = Arc::clone(&counter.requests);
    let requests = Arc::clone(&counter.requests);
    let tcp_echo = TcpServer::new(
        args.get("--tcp", "127.0.0.1:0"),
        move |mut stream, _peer| {
            let requests = Arc::clone(&requests);
            async move {
                let mut buf = [0; 4096];
                loop {
                    match stream.read(&mut buf).await? {
                        0 => return Ok(()),
                        count => stream.write_all(&buf[..count]).await?,
                    }
                    requests.fetch_add(1, Ordering::Relaxed);
                }
            }
        },
    )
    .on_listening(|addr| println!("listening {}", cli::url("tcp", addr)));

    let requests = Arc::clone(&counter.requests);
    let udp_echo = UdpServer::new(args.get("--udp", "127.0.0.1:0"), move |packet| {
        let requests = Arc::clone(&requests);
        async move {
            packet.reply(packet.data()).await?;
            requests.fetch_add(1, Ordering::Relaxed);
            Ok(())
        }
    })
    .on_listening(|addr| println!("listening {}", cli::url("udp", addr)));

    args.entrypoint()?
        .service(tcp_echo)
        .service(udp_echo)
        .service(counter)
        .run_forever()?;
    println!("answered {}", total.load(Ordering::Relaxed));
    Ok(())
}
