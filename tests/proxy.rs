//! `TcpProxy` (row F3 of the parity table): what it promises, and what a client and a server see of the
//! trouble that it makes. On every runtime; times are those of a clock that the test moves, or of the
//! simulation, and exact.
#![cfg(all(
    feature = "testing",
    feature = "macros",
    any(feature = "smol", feature = "tokio", feature = "simulation")
))]
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails at that place"
)]

#[path = "proxy/carry.rs"]
mod carry;
#[cfg(all(unix, feature = "simulation"))]
#[path = "proxy/client.rs"]
mod client;
#[path = "proxy/cuts.rs"]
mod cuts;
#[path = "proxy/delays.rs"]
mod delays;
#[path = "proxy/processors.rs"]
mod processors;
#[cfg(all(unix, feature = "simulation"))]
#[path = "proxy/rates.rs"]
mod rates;
mod shared;

use std::net::SocketAddr;
use std::time::Duration;

use aiomisc::net::{Listener, Stream, bind_socket, connect};
use aiomisc::testing::{TcpProxy, localhost};
use futures::{AsyncReadExt, AsyncWriteExt};

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// A server, and a proxy in front of it.
struct Lab {
    server: Listener,
    proxy: TcpProxy,
}

impl Lab {
    async fn new() -> Self {
        let server = listen().await;
        let proxy = TcpProxy::start(addr_of(&server)).await.unwrap();
        Self { server, proxy }
    }

    /// Both ends of a connection, the client's first.
    async fn pair(&mut self) -> (Stream, Stream) {
        let client = connect(self.proxy.addr()).await.unwrap();
        let (server, _) = self.server.accept().await.unwrap();
        (client, server)
    }
}

async fn listen() -> Listener {
    bind_socket((localhost(), 0)).listen().await.unwrap()
}

fn addr_of(listener: &Listener) -> SocketAddr {
    listener.local_addr().unwrap().inet().unwrap()
}

async fn read_exact(stream: &mut Stream, count: usize) -> Vec<u8> {
    let mut data = vec![0; count];
    stream.read_exact(&mut data).await.unwrap();
    data
}

async fn read_to_end(stream: &mut Stream) -> Vec<u8> {
    let mut data = Vec::new();
    stream.read_to_end(&mut data).await.unwrap();
    data
}

/// Says a word at one end, and hears it at the other.
async fn say(from: &mut Stream, to: &mut Stream, word: &[u8]) {
    from.write_all(word).await.unwrap();
    assert_eq!(read_exact(to, word.len()).await, word);
}
