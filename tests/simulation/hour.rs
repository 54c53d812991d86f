//! An hour of a server and its clients.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aiomisc::adapters::simulation::Conditions;
use aiomisc::{Entrypoint, TcpServer, time};

use super::*;

const CLIENTS: u64 = 100;

/// Each client has a request every two to four seconds, on a network with some latency. What
/// `benches/operations.rs` measures.
#[test]
fn an_hour_of_a_hundred_clients() {
    let sim = Simulation::new(1);
    let net = sim.network();
    net.set(Conditions::new().latency_between(ms(1)..=ms(5)));
    let answered = Arc::new(AtomicU64::new(0));
    let counts = Arc::clone(&answered);
    let server = TcpServer::new("0.0.0.0:80", move |mut stream: Stream, _| {
        let counts = Arc::clone(&counts);
        async move {
            let mut request = [0; 16];
            while stream.read_exact(&mut request).await.is_ok() {
                stream.write_all(&request).await?;
                counts.fetch_add(1, Ordering::Relaxed);
            }
            Ok(())
        }
    });
    let entrypoint = Entrypoint::builder()
        .runtime(sim.host(SERVER))
        .environment(|_| None)
        .log_config(false)
        .catch_signals([])
        .service(server);
    let host = sim.host(CLIENT);
    entrypoint
        .run(async move {
            for number in 0..CLIENTS {
                host.spawn(client(number)).detach();
            }
            time::sleep(secs(3_600)).await;
        })
        .unwrap();
    // Every wait is 2 to 4 s by its number, and every exchange 2 to 10 ms.
    let (most, least) = rate();
    let answered = answered.load(Ordering::Relaxed);
    assert!((least..=most).contains(&answered), "{answered}");
    assert!(sim.elapsed() >= secs(3_600) && sim.elapsed() < secs(3_601));
}

fn pause(number: u64) -> Duration {
    ms(2_000 + number * 20)
}

fn rate() -> (u64, u64) {
    let count = |extra: u64| -> u64 {
        (0..CLIENTS)
            .map(|number| 3_600_000 / (pause(number).as_millis() as u64 + extra))
            .sum()
    };
    (count(0) + CLIENTS, count(11) - CLIENTS)
}

async fn client(number: u64) {
    let mut stream = aiomisc::net::connect(SocketAddr::new(SERVER, 80))
        .await
        .unwrap();
    loop {
        write(&mut stream, &[7; 16]).await;
        // The server may stop meanwhile.
        if read_exact(&mut stream, 16).await.is_err() {
            return;
        }
        time::sleep(pause(number)).await;
    }
}
