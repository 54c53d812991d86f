//! Several services in one entrypoint: a periodic one, an echo server and a printer of datagrams, until Ctrl-C.
//!
//! ```sh
//! cargo run --example multiple_services -- --tcp 127.0.0.1:8901 --udp 127.0.0.1:3000
//! ```
//!
//! Then, in other terminals:
//!
//! ```sh
//! nc 127.0.0.1 8901
//! echo hello | nc -u -w1 127.0.0.1 3000
//! ```
//!
//! `--runtime` takes `smol` or `tokio`.
#![allow(clippy::print_stdout, reason = "this is what the example shows")]

use std::time::Duration;

use aiomisc::service::PeriodicService;
use aiomisc::{BoxError, TcpServer, UdpServer, services};
use futures::AsyncReadExt;

#[path = "common/cli.rs"]
mod cli;

fn main() -> Result<(), BoxError> {
    let args = cli::Args::parse(&["--tcp", "--udp", "--runtime"])?;

    let logging = PeriodicService::new(Duration::from_secs(1), || async {
        println!("hello from service #1");
    })
    .name("#1");

    let echo = TcpServer::new(args.get("--tcp", "127.0.0.1:0"), |stream, _peer| async {
        let (reader, mut writer) = stream.split();
        futures::io::copy(reader, &mut writer).await?;
        Ok(())
    })
    .on_listening(|addr| println!("listening {}", cli::url("tcp", addr)));

    let printer = UdpServer::new(args.get("--udp", "127.0.0.1:0"), |packet| async move {
        let text = String::from_utf8_lossy(packet.data());
        println!("{} -> {}", packet.peer(), text.trim_end());
        Ok(())
    })
    .on_listening(|addr| println!("listening {}", cli::url("udp", addr)));

    let entrypoint = args.entrypoint()?;
    let reason = entrypoint
        .services(services![logging, echo, printer])
        .run_forever()?;
    println!("stopped: {reason}");
    Ok(())
}
