//! A counter on a server, clients that add to it, and a network that fails: a thousand runs of it in
//! seconds, each with a seed of its own.
//!
//! The clients have a bug. When a connection breaks before the answer has come, they send the request
//! again, though the server may have counted it. The simulation finds a seed that shows it; `--fixed`
//! gives each request a number, by which the server knows it again.
//!
//! ```sh
//! cargo run --example simulate --features simulation                 # finds the bug
//! cargo run --example simulate --features simulation -- --seed 3     # shows one run
//! cargo run --example simulate --features simulation -- --fixed      # finds nothing
//! ```
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a program talks to its user, who wants to know how long it took"
)]

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use aiomisc::adapters::Simulation;
use aiomisc::adapters::simulation::Conditions;
use aiomisc::net::{self, Stream};
use aiomisc::{BoxError, Entrypoint, TcpServer, time};
use futures::{AsyncReadExt, AsyncWriteExt};

const SERVER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));
const CLIENTS: u8 = 3;
const ADDITIONS: u8 = 5;

/// What the server keeps.
#[derive(Default)]
struct Counter {
    value: u32,
    /// The requests that were counted: client and number.
    seen: BTreeSet<[u8; 2]>,
}

fn client_ip(client: u8) -> IpAddr {
    [10, 0, 1, client + 1].into()
}

/// Answers requests, two bytes each, with the value of the counter.
async fn serve(mut stream: Stream, counter: &Mutex<Counter>, fixed: bool) -> Result<(), BoxError> {
    let mut request = [0; 2];
    loop {
        stream.read_exact(&mut request).await?;
        let value = {
            let mut counter = counter.lock().unwrap_or_else(PoisonError::into_inner);
            // Here is the bug: without a look at the number, what comes again is counted again.
            if counter.seen.insert(request) || !fixed {
                counter.value += 1;
            }
            counter.value
        };
        stream.write_all(&value.to_be_bytes()).await?;
    }
}

/// Adds one to the counter as often as it should, whatever happens to the connection.
async fn add(simulation: &Simulation, client: u8) {
    let mut stream = None;
    for number in 0..ADDITIONS {
        loop {
            let exchange = exchange(&mut stream, [client, number]);
            match time::timeout(Duration::from_secs(2), exchange).await {
                Ok(Ok(value)) => {
                    let text = format!("client {client}: request {number} is counted, {value} now");
                    simulation.note(text);
                    break;
                }
                Ok(Err(error)) => {
                    let text = format!("client {client}: request {number} failed ({error}), again");
                    simulation.note(text);
                }
                Err(_) => simulation.note(format!("client {client}: no answer, again")),
            }
            stream = None;
            time::sleep(Duration::from_millis(100)).await;
        }
        time::sleep(Duration::from_millis(50)).await;
    }
}

async fn exchange(stream: &mut Option<Stream>, request: [u8; 2]) -> Result<u32, BoxError> {
    let stream = match stream {
        Some(stream) => stream,
        none => none.insert(net::connect((SERVER, 80)).await?),
    };
    stream.write_all(&request).await?;
    let mut answer = [0; 4];
    stream.read_exact(&mut answer).await?;
    Ok(u32::from_be_bytes(answer))
}

/// Runs all of it once; gives the counter at the end.
fn run(simulation: &Simulation, fixed: bool) -> Result<u32, BoxError> {
    let network = simulation.network();
    let latency = Duration::from_millis(1)..=Duration::from_millis(5);
    network.set(Conditions::new().latency_between(latency));
    // Once in a run a client loses its connections, and once it is away for a while.
    let chance = simulation.runtime().backend().seed();
    let client = client_ip((chance % u64::from(CLIENTS)) as u8);
    let moment = |bits: u32| Duration::from_micros((chance >> bits) % 300_000);
    network.at(moment(8), move |network| network.cut(client, SERVER));
    network.at(moment(32), move |network| {
        network.isolate(client);
        network.after(Duration::from_millis(700), move |network| {
            network.rejoin(client)
        });
    });

    let counter = Arc::new(Mutex::new(Counter::default()));
    let counts = Arc::clone(&counter);
    let server = TcpServer::new("0.0.0.0:80", move |stream, _| {
        let counter = Arc::clone(&counts);
        async move { serve(stream, &counter, fixed).await }
    });
    Entrypoint::builder()
        .runtime(simulation.host(SERVER))
        .environment(|_| None)
        .log_config(false)
        .catch_signals([])
        .service(server)
        .run(async {
            let clients: Vec<_> = (0..CLIENTS)
                .map(|client| {
                    let host = simulation.host(client_ip(client));
                    let simulation = simulation.clone();
                    let task = host.task(format!("client {client}"));
                    task.spawn(async move { add(&simulation, client).await })
                })
                .collect();
            for client in clients {
                client.await?;
            }
            Ok::<_, BoxError>(())
        })?;
    let counter = counter.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(counter.value)
}

/// What the counter should say, and does not.
fn verdict(value: u32) -> Result<(), String> {
    let expected = u32::from(CLIENTS) * u32::from(ADDITIONS);
    if value == expected {
        return Ok(());
    }
    Err(format!(
        "{expected} were added, and the counter says {value}"
    ))
}

/// Runs one seed, and prints what happened.
fn show(seed: u64, fixed: bool) -> Result<ExitCode, BoxError> {
    let simulation = Simulation::builder().seed(seed).trace(100_000).build();
    let value = run(&simulation, fixed)?;
    println!("seed {seed}, without the turns of the scheduler:\n");
    for event in simulation.trace().iter() {
        if !["poll", "timer", "end"].contains(&event.kind()) {
            println!("{event}");
        }
    }
    println!();
    Ok(match verdict(value) {
        Ok(()) => {
            println!("seed {seed}: as it should be, {value}");
            ExitCode::SUCCESS
        }
        Err(text) => {
            println!("seed {seed}: {text}");
            ExitCode::FAILURE
        }
    })
}

/// Runs many seeds, and names the first that goes wrong.
fn search(seeds: u64, fixed: bool) -> Result<ExitCode, BoxError> {
    let (began, mut simulated, mut wrong) = (Instant::now(), Duration::ZERO, Vec::new());
    for seed in 0..seeds {
        let simulation = Simulation::new(seed);
        let value = run(&simulation, fixed)?;
        simulated += simulation.elapsed();
        if let Err(text) = verdict(value) {
            if wrong.is_empty() {
                println!("seed {seed}: {text}");
            }
            wrong.push(seed);
        }
    }
    let (real, simulated) = (began.elapsed().as_secs_f32(), simulated.as_secs());
    println!("{seeds} seeds, {simulated} simulated seconds, in {real:.1} s");
    let Some(first) = wrong.first() else {
        println!("nothing found");
        return Ok(ExitCode::SUCCESS);
    };
    println!(
        "wrong: {} of them; `--seed {first}` shows the first",
        wrong.len()
    );
    Ok(ExitCode::FAILURE)
}

fn main() -> Result<ExitCode, BoxError> {
    let (mut seed, mut seeds, mut fixed) = (None, 1_000, false);
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut number = || args.next().ok_or_else(|| format!("{arg} needs a number"));
        match &*arg {
            "--seed" => seed = Some(number()?.parse()?),
            "--seeds" => seeds = number()?.parse()?,
            "--fixed" => fixed = true,
            _ => return Err("usage: simulate [--seed N | --seeds N] [--fixed]".into()),
        }
    }
    match seed {
        Some(seed) => show(seed, fixed),
        None => search(seeds, fixed),
    }
}
