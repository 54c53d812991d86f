//! Services inside of a program that smol drives already.
//!
//! ```sh
//! cargo run --example embed_in_smol -- --seconds 1
//! ```
#![allow(clippy::print_stdout, reason = "this is what the example shows")]
#![allow(clippy::disallowed_methods, reason = "this program is smol's")]

use std::sync::Arc;
use std::time::Duration;

use aiomisc::adapters::Smol;
use aiomisc::{BoxError, Entrypoint, UdpServer};

#[path = "common/cli.rs"]
mod cli;

fn main() -> Result<(), BoxError> {
    let args = cli::Args::parse(&["--udp", "--seconds"])?;
    let seconds: f64 = args.get("--seconds", "3600").parse()?;

    // The program has an executor of its own; the library's tasks run on it.
    let executor = Arc::new(smol::Executor::new());
    let runtime = Smol::from_executor(Arc::clone(&executor)).runtime();

    smol::block_on(executor.run(async {
        let clock = UdpServer::new(args.get("--udp", "127.0.0.1:0"), |packet| async move {
            packet.reply(b"cuckoo").await?;
            Ok(())
        })
        .on_listening(|addr| println!("listening {}", cli::url("udp", addr)));

        let services = Entrypoint::builder()
            .runtime(runtime)
            .service(clock)
            .start()
            .await?;

        // The program goes on with its own work, here with smol's own timer.
        smol::Timer::after(Duration::try_from_secs_f64(seconds)?).await;

        let reason = services
            .graceful_shutdown("the program has done its work")
            .await?;
        println!("stopped: {reason}");
        Ok(())
    }))
}
