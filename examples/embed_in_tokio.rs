//! Services inside of a program that tokio drives already.
//!
//! ```sh
//! cargo run --no-default-features --features tokio,log --example embed_in_tokio
//! ```
#![allow(clippy::print_stdout, reason = "this is what the example shows")]
#![allow(clippy::disallowed_methods, reason = "this program is tokio's")]

use std::time::Duration;

use aiomisc::entrypoint::OsSignal;
use aiomisc::{BoxError, Entrypoint, TcpServer};
use futures::{AsyncReadExt, AsyncWriteExt};

#[path = "common/cli.rs"]
mod cli;

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let args = cli::Args::parse(&["--tcp", "--seconds"])?;
    let seconds: f64 = args.get("--seconds", "3600").parse()?;

    let shout = TcpServer::new(
        args.get("--tcp", "127.0.0.1:0"),
        |mut stream, _| async move {
            let mut buf = [0; 1024];
            loop {
                match stream.read(&mut buf).await? {
                    0 => return Ok(()),
                    count => {
                        stream
                            .write_all(buf[..count].to_ascii_uppercase().as_slice())
                            .await?
                    }
                }
            }
        },
    )
    .on_listening(|addr| println!("listening {}", cli::url("tcp", addr)));

    // No runtime is named: the services run on the one that this program runs on. Without
    // `catch_signals` they would leave signals to the program as well.
    let services = Entrypoint::builder()
        .service(shout)
        .catch_signals([OsSignal::INT, OsSignal::TERM])
        .start()
        .await?;

    // The program goes on with its own work, here with tokio's own tools.
    tokio::select! {
        () = services.closing() => {}
        () = tokio::time::sleep(Duration::try_from_secs_f64(seconds)?) => {}
    }
    let reason = services
        .graceful_shutdown("the program has done its work")
        .await?;
    println!("stopped: {reason}");
    Ok(())
}
