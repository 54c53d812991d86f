//! Job 8: echo servers of TCP and UDP, 64 bytes on 32 connections. Each server is a process of its own.

use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};

use aiomisc::adapters::{Smol, Tokio};
use aiomisc::log::LogLevel;
use aiomisc::{Entrypoint, Runtime, TcpServer, UdpServer};
use async_io::Async;
use futures_lite::{AsyncReadExt, AsyncWriteExt};
use peers::contest::wanted;
use peers::server::{Server, asked, listening};
use peers::{Bar, Contest, Metric, bare, floor, in_task, tokio_ct, tokio_mt};

const CONNECTIONS: usize = 32;
const SIZE: usize = 64;

/// Where the load runs, and where a server with one thread does.
const LOAD_CPU: usize = 0;
const SERVER_CPU: usize = 1;

fn main() {
    if let Some(kind) = asked() {
        return serve(&kind);
    }
    // `load tcp|udp ADDR`: the load alone, for a look at a server with a profiler.
    let args: Vec<String> = std::env::args().collect();
    if let [_, command, protocol, addr] = &args[..]
        && command == "load"
    {
        let addr = addr.parse().expect("an address");
        let rate = match protocol.as_str() {
            "tcp" => floor::tcp_load(addr, CONNECTIONS, SIZE, 3.0, false),
            _ => floor::udp_load(addr, CONNECTIONS, SIZE, 3.0),
        };
        return println!("{:.0}", rate.expect("a server that serves"));
    }
    peers::process::stay_on(LOAD_CPU);

    let executors = ["smol", "tokio-current", "tokio-1-thread", "tokio-2-threads"];
    let secs = 0.3;
    let (tcp_bar, udp_bar) = (Bar::AtMost(1.03), Bar::AtMost(1.0));
    for on in executors {
        servers(
            &format!("j08-tcp/{on}"),
            "tcp",
            on,
            tcp_bar,
            "floor:epoll",
            secs,
            move |addr| floor::tcp_load(addr, CONNECTIONS, SIZE, secs, false),
        );
    }
    for on in executors {
        servers(
            &format!("j08-udp/{on}"),
            "udp",
            on,
            udp_bar,
            "floor:recvmmsg",
            secs,
            move |addr| floor::udp_load(addr, CONNECTIONS, SIZE, secs),
        );
    }
    for on in executors {
        let window = [vec![b'x'; SIZE]];
        servers(
            &format!("j08-udp-window/{on}"),
            "udp",
            on,
            udp_bar,
            "floor:recvmmsg",
            secs,
            move |addr| floor::udp_window(addr, &window, 64, secs),
        );
    }
    for on in executors {
        servers(
            &format!("j08-tcp-1-connection/{on}"),
            "tcp",
            on,
            tcp_bar,
            "floor:epoll",
            secs,
            move |addr| floor::tcp_load(addr, 1, SIZE, secs, false),
        );
    }
}

/// Ours, the same written directly on the executor, and a floor, under the same load.
fn servers(
    job: &str,
    protocol: &str,
    on: &str,
    bar: Bar,
    floor: &str,
    secs: f64,
    load: impl Fn(SocketAddr) -> io::Result<f64>,
) {
    if !wanted(job) {
        return;
    }
    let cpu = (on != "tokio-2-threads").then_some(SERVER_CPU);
    let start = |kind: &str| Server::start(&format!("{protocol}:{kind}"), cpu);
    let ours = start(&format!("ours:{on}"));
    let raw = start(&format!("raw:{on}"));
    let least = start(floor);
    let metrics = [
        Metric {
            suffix: "-server-cpu",
            unit: "us/req",
        },
        Metric {
            suffix: "-rate",
            unit: "req/s",
        },
    ];
    Contest::with_metrics(job, metrics, || ours.measure(secs, &load))
        .entry("raw", [Some(bar), None], || raw.measure(secs, &load))
        .entry(floor, [None, None], || least.measure(secs, &load))
        .run();
}

fn serve(kind: &str) {
    match kind.split(':').collect::<Vec<_>>()[..] {
        ["tcp", "floor", _] => floor::epoll_server(any(), None, 0).expect("a server"),
        ["udp", "floor", _] => floor::udp_server(any(), true, |_, n| n).expect("a server"),
        [protocol, "ours", on] => ours(protocol, on),
        [protocol, "raw", "smol"] => {
            let udp = protocol == "udp";
            bare(|ex| async move {
                if udp {
                    smol_udp().await
                } else {
                    smol_tcp(ex).await
                }
            });
        }
        [protocol, "raw", on] => {
            let udp = protocol == "udp";
            let job = async move {
                if udp {
                    tokio_udp().await
                } else {
                    tokio_tcp().await
                }
            };
            match on {
                "tokio-current" => in_task(&tokio_ct(), job),
                "tokio-1-thread" => in_task(&tokio_mt(1), job),
                _ => in_task(&tokio_mt(2), job),
            }
        }
        _ => panic!("no server is called {kind}"),
    }
}

fn any() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

fn ours(protocol: &str, on: &str) {
    let runtime: Runtime = match on {
        "smol" => Smol::new().into(),
        "tokio-current" => Tokio::current_thread().expect("a runtime").into(),
        "tokio-1-thread" => Tokio::multi_thread(1).expect("a runtime").into(),
        _ => Tokio::multi_thread(2).expect("a runtime").into(),
    };
    let entrypoint = Entrypoint::builder()
        .runtime(runtime)
        .log_level(LogLevel::Error);
    let entrypoint = if protocol == "udp" {
        entrypoint.service(
            UdpServer::new(any(), |packet| async move {
                Ok(packet.reply(packet.data()).await?)
            })
            .on_listening(|addr| listening(addr.inet().expect("an address"))),
        )
    } else {
        entrypoint.service(
            TcpServer::new(any(), |mut stream, _peer| async move {
                let mut buf = vec![0; 4096];
                while let Ok(count @ 1..) = stream.read(&mut buf).await {
                    stream.write_all(&buf[..count]).await?;
                }
                Ok(())
            })
            .on_listening(|addr| listening(addr.inet().expect("an address"))),
        )
    };
    entrypoint
        .run_forever()
        .expect("a server that stops in order");
}

async fn smol_tcp(ex: std::sync::Arc<async_executor::Executor<'static>>) {
    let listener = Async::<TcpListener>::bind(any()).expect("a listener");
    listening(listener.get_ref().local_addr().expect("an address"));
    loop {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        stream.get_ref().set_nodelay(true).expect("a connection");
        ex.spawn(async move {
            let mut buf = vec![0; 4096];
            while let Ok(count @ 1..) = stream.read(&mut buf).await {
                if stream.write_all(&buf[..count]).await.is_err() {
                    return;
                }
            }
        })
        .detach();
    }
}

async fn smol_udp() {
    let socket = Async::<UdpSocket>::bind(any()).expect("a socket");
    listening(socket.get_ref().local_addr().expect("an address"));
    let mut buf = vec![0; 65_535];
    loop {
        if let Ok((count, peer)) = socket.recv_from(&mut buf).await {
            // What cannot be sent is lost, as datagrams are.
            let _ = socket.send_to(&buf[..count], peer).await;
        }
    }
}

async fn tokio_tcp() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind(any())
        .await
        .expect("a listener");
    listening(listener.local_addr().expect("an address"));
    loop {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        stream.set_nodelay(true).expect("a connection");
        tokio::spawn(async move {
            let mut buf = vec![0; 4096];
            while let Ok(count @ 1..) = stream.read(&mut buf).await {
                if stream.write_all(&buf[..count]).await.is_err() {
                    return;
                }
            }
        });
    }
}

async fn tokio_udp() {
    let socket = tokio::net::UdpSocket::bind(any()).await.expect("a socket");
    listening(socket.local_addr().expect("an address"));
    let mut buf = vec![0; 65_535];
    loop {
        if let Ok((count, peer)) = socket.recv_from(&mut buf).await {
            let _ = socket.send_to(&buf[..count], peer).await;
        }
    }
}
