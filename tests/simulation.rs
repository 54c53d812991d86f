//! The simulation: what it promises beyond the contract that `tests/conformance.rs` checks.
#![cfg(all(unix, feature = "simulation", feature = "testing", feature = "macros"))]
#![allow(
    clippy::unwrap_used,
    clippy::unchecked_time_subtraction,
    reason = "a test that cannot go on fails at that place"
)]

#[path = "simulation/blocking.rs"]
mod blocking;
#[path = "simulation/faults.rs"]
mod faults;
#[path = "simulation/hosts.rs"]
mod hosts;
#[path = "simulation/hour.rs"]
mod hour;
#[path = "simulation/network.rs"]
mod network;
#[path = "simulation/reports.rs"]
mod reports;
#[path = "simulation/seeds.rs"]
mod seeds;
#[path = "simulation/streams.rs"]
mod streams;
#[path = "simulation/time.rs"]
mod time;

use std::net::{IpAddr, SocketAddr};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use aiomisc::adapters::Simulation;
use aiomisc::net::{Listener, Stream, bind_socket};
use aiomisc::runtime::Runtime;
use futures::{AsyncReadExt, AsyncWriteExt};

const SERVER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));
const CLIENT: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 2));

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// A simulation with two hosts, and a listener on the first.
struct Lab {
    sim: Simulation,
    server: Runtime,
    client: Runtime,
}

impl Lab {
    fn new() -> Self {
        let sim = Simulation::new(7);
        let (server, client) = (sim.host(SERVER), sim.host(CLIENT));
        Self {
            sim,
            server,
            client,
        }
    }

    async fn listen(&self) -> (Listener, SocketAddr) {
        let listener = bind_socket("0.0.0.0:80").runtime(self.server.clone());
        let listener = listener.listen().await.unwrap();
        (listener, SocketAddr::new(SERVER, 80))
    }

    async fn connect(&self, addr: SocketAddr) -> std::io::Result<Stream> {
        let raw = self.client.backend().connect_tcp(addr).await?;
        Ok(Stream::from_raw(raw))
    }

    /// Both ends: the client's and the server's.
    async fn pair(&self) -> (Stream, Stream) {
        let (mut listener, addr) = self.listen().await;
        let near = self.connect(addr).await.unwrap();
        let (far, _) = listener.accept().await.unwrap();
        (near, far)
    }

    /// Runs this on the client, and gives how long it took.
    async fn timed<T>(&self, future: impl Future<Output = T>) -> (T, Duration) {
        let before = self.sim.elapsed();
        let result = future.await;
        (result, self.sim.elapsed() - before)
    }
}

/// What a panic says.
fn panic_of(f: impl FnOnce()) -> String {
    let payload = catch_unwind(AssertUnwindSafe(f)).expect_err("it panics");
    match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(payload) => (*payload.downcast::<&str>().expect("a text")).to_owned(),
    }
}

async fn read_exact(stream: &mut Stream, count: usize) -> std::io::Result<Vec<u8>> {
    let mut data = vec![0; count];
    stream.read_exact(&mut data).await?;
    Ok(data)
}

async fn write(stream: &mut Stream, data: &[u8]) {
    stream.write_all(data).await.unwrap();
}
