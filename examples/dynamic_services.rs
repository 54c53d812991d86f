//! Services that are started and stopped while the program runs: echo servers, by commands that come
//! over TCP.
//!
//! ```sh
//! cargo run --example dynamic_services -- --control 127.0.0.1:8000
//! ```
//!
//! Then, in `nc 127.0.0.1 8000`:
//!
//! ```text
//! start one                 an echo server on a free port
//! start two after one       a second one, which needs the first
//! stop one                  refused: it is needed
//! start bad 203.0.113.1:1   fails, and leaves nothing behind
//! list
//! stop two one
//! quit
//! ```
//!
//! Ctrl-C ends it as well. `--runtime` takes `smol` or `tokio`.
#![allow(clippy::print_stdout, reason = "this is what the example shows")]

use std::sync::Arc;

use aiomisc::net::{Addr, Stream};
use aiomisc::service::{ServiceHandle, ServiceOptions};
use aiomisc::{BoxError, Entrypoint, TcpServer, services};
use futures::io::BufReader;
use futures::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};

#[path = "common/cli.rs"]
mod cli;

/// The control service itself, which is not for its own commands.
const CONTROL: &str = "control";

fn main() -> Result<(), BoxError> {
    let args = cli::Args::parse(&["--control", "--runtime"])?;
    let control = TcpServer::new(args.get("--control", "127.0.0.1:0"), |stream, _| {
        converse(stream)
    })
    .name(CONTROL)
    .on_listening(|addr| println!("listening {}", cli::url("tcp", addr)));

    let reason = args.entrypoint()?.service(control).run_forever()?;
    println!("stopped: {reason}");
    Ok(())
}

/// A line of answer for each line of command.
async fn converse(stream: Stream) -> Result<(), BoxError> {
    const LONGEST_COMMAND: u64 = 1000;
    let entrypoint = Entrypoint::current().ok_or("outside of an entrypoint")?;
    let mut stream = BufReader::new(stream);
    loop {
        let mut line = String::new();
        let mut limited = (&mut stream).take(LONGEST_COMMAND);
        if limited.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        if !line.ends_with('\n') {
            return Err("a command is too long, or was cut".into());
        }
        let answer = match obey(&entrypoint, &line).await {
            Ok(answer) => answer,
            Err(error) => format!("error: {error}"),
        };
        let stream = stream.get_mut();
        stream.write_all(format!("{answer}\n").as_bytes()).await?;
    }
}

async fn obey(entrypoint: &Entrypoint, command: &str) -> Result<String, BoxError> {
    let words: Vec<_> = command.split_whitespace().collect();
    match words.as_slice() {
        ["start", name] => start(entrypoint, name, "127.0.0.1:0", &[]).await,
        ["start", name, "after", needs @ ..] => start(entrypoint, name, "127.0.0.1:0", needs).await,
        ["start", name, addr] => start(entrypoint, name, addr, &[]).await,
        ["stop", names @ ..] => {
            let handles = find(entrypoint, names)?;
            entrypoint.stop_services(handles, "a command").await?;
            Ok(format!("stopped {}", names.join(" ")))
        }
        ["list"] => Ok(list(entrypoint)),
        ["quit"] => {
            entrypoint.request_stop("a command");
            Ok("good bye".to_owned())
        }
        _ => Err("expected start NAME [ADDR | after NAME…], stop NAME…, list, or quit".into()),
    }
}

/// When this fails, nothing of the new service is left, and the others have noticed nothing.
async fn start(
    entrypoint: &Entrypoint,
    name: &str,
    addr: &str,
    needs: &[&str],
) -> Result<String, BoxError> {
    let after = |options: ServiceOptions, need: &&str| options.after((*need).to_owned());
    let options = needs.iter().fold(ServiceOptions::new(), after);
    let echo = TcpServer::new(addr, echo)
        .name(name.to_owned())
        .options(options);
    // Shared, so as to be asked for its port once it has one.
    let echo = Arc::new(echo);
    entrypoint
        .start_services(services![Arc::clone(&echo)])
        .await?;
    let addr = echo.address().ok_or("it stopped at once")?;
    Ok(format!("started {name} on {}", cli::url("tcp", &addr)))
}

async fn echo(mut stream: Stream, _: Addr) -> Result<(), BoxError> {
    let mut buf = [0; 4096];
    loop {
        match stream.read(&mut buf).await? {
            0 => return Ok(()),
            count => stream.write_all(&buf[..count]).await?,
        }
    }
}

fn find(entrypoint: &Entrypoint, names: &[&str]) -> Result<Vec<ServiceHandle>, String> {
    let find = |name: &&str| {
        let found = entrypoint.service(name).filter(|_| *name != CONTROL);
        found.ok_or_else(|| format!("there is no echo server `{name}`"))
    };
    names.iter().map(find).collect()
}

fn list(entrypoint: &Entrypoint) -> String {
    let services = entrypoint.services();
    let states = services.iter().map(|service| {
        let (name, state) = (service.name(), service.state());
        format!("{name} {state}")
    });
    states.collect::<Vec<_>>().join(", ")
}
