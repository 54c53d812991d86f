//! Descriptors: a server that runs out of them, and a run that leaves none behind. In a file of its
//! own, since they are counted for the whole process; each test is a process, whoever runs it.
#![cfg(all(
    feature = "testing",
    feature = "macros",
    any(feature = "smol", feature = "tokio")
))]

use std::sync::Arc;

use aiomisc::net::{self, Stream};
use aiomisc::{Entrypoint, TcpServer};
use futures::{AsyncReadExt, AsyncWriteExt};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Runs the test that calls this in a process of its own, where nobody else opens or closes anything;
/// whether this is that process.
#[track_caller]
#[allow(
    clippy::disallowed_methods,
    reason = "it says which of the two processes this is"
)]
fn alone() -> bool {
    if std::env::var_os("ALONE").is_some() {
        return true;
    }
    let test = std::thread::current();
    let test = test.name().expect("tests have names");
    let this = std::env::current_exe().expect("we are running");
    let output = std::process::Command::new(this)
        .args(["--exact", test, "--nocapture"])
        .env("ALONE", "1")
        .output()
        .expect("it can be run again");
    let said = String::from_utf8_lossy(&output.stdout);
    let failed = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}{failed}"
    );
    false
}

#[aiomisc::test(runtimes(real), timeout = "60s")]
async fn a_server_waits_when_no_descriptor_is_left_and_then_goes_on() {
    if !alone() {
        return;
    }
    let server = Arc::new(TcpServer::new(
        "127.0.0.1:0",
        |mut stream: Stream, _| async move {
            stream.write_all(b"!").await?;
            let mut rest = Vec::new();
            stream.read_to_end(&mut rest).await?;
            Ok(())
        },
    ));
    let ep = Entrypoint::builder()
        .service(Arc::clone(&server))
        .start()
        .await
        .expect("it starts");
    let addr = server
        .address()
        .and_then(|addr| addr.inet())
        .expect("it listens");

    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).expect("it can be asked");
    let open = open_descriptors() as u64;
    // Room for ten clients and for five of their other ends.
    setrlimit(Resource::RLIMIT_NOFILE, open + 15, hard).expect("less is allowed");
    let mut clients = Vec::new();
    while let Ok(client) = std::net::TcpStream::connect(addr) {
        clients.push(client);
    }
    let refused = std::fs::File::open("/dev/null").expect_err("no descriptor is left");
    assert_eq!(
        refused.raw_os_error(),
        Some(nix::errno::Errno::EMFILE as i32)
    );
    setrlimit(Resource::RLIMIT_NOFILE, soft, hard).expect("the former limit is allowed");

    // All that were connected meanwhile are served, and so is who comes now.
    for client in clients {
        let mut client = std_stream(client);
        client.read_exact(&mut [0]).await.expect("it is served");
    }
    let mut late = net::connect(addr).await.expect("it listens");
    late.read_exact(&mut [0]).await.expect("it is served");
    ep.graceful_shutdown("done").await.expect("nothing fails");
}

fn std_stream(stream: std::net::TcpStream) -> Stream {
    stream.set_nonblocking(true).expect("it can be switched");
    let runtime = aiomisc::Runtime::current().expect("the test runs on one");
    let raw = runtime
        .backend()
        .adopt_tcp_stream(stream)
        .expect("it is adopted");
    Stream::from_raw(raw)
}

#[test]
fn a_run_leaves_no_task_and_no_descriptor() {
    if !alone() {
        return;
    }
    let runtimes: [fn() -> aiomisc::Runtime; _] = [
        #[cfg(feature = "smol")]
        || aiomisc::adapters::Smol::new().into(),
        #[cfg(feature = "smol")]
        || {
            aiomisc::adapters::Smol::with_threads(3)
                .expect("smol")
                .into()
        },
        #[cfg(feature = "tokio")]
        || {
            aiomisc::adapters::Tokio::multi_thread(2)
                .expect("tokio")
                .into()
        },
        #[cfg(feature = "tokio")]
        || {
            aiomisc::adapters::Tokio::current_thread()
                .expect("tokio")
                .into()
        },
    ];
    for runtime in runtimes {
        // The reactor of smol lives as long as the process: it is there before we count.
        drop(runtime().block_on(net::bind_socket("127.0.0.1:0").listen()));
        let before = open_descriptors();
        let runtime = runtime();
        let with_runtime = open_descriptors();
        let (alive, dropped) = std::sync::mpsc::channel::<()>();
        Entrypoint::builder()
            .runtime(runtime)
            .service(TcpServer::new("127.0.0.1:0", |_, _| async { Ok(()) }))
            .service(aiomisc::UdpServer::new("127.0.0.1:0", |_| async { Ok(()) }))
            .run(async move {
                aiomisc::spawn(async move {
                    let _alive = alive;
                    std::future::pending::<()>().await;
                })
                .detach();
            })
            .expect("nothing fails");
        assert!(open_descriptors() <= with_runtime, "sockets are closed");
        // The runtime has ended with the run, and drops the task that was left, on its own thread.
        let end = dropped.recv_timeout(std::time::Duration::from_secs(20));
        assert_eq!(end, Err(std::sync::mpsc::RecvTimeoutError::Disconnected));
        assert!(before <= with_runtime);
    }
}

/// Row F3: with its connections, its listener, and the socket that holds its port.
#[aiomisc::test(runtimes(real))]
async fn a_proxy_that_is_closed_leaves_no_descriptor() {
    if !alone() {
        return;
    }
    let mut server = net::bind_socket("127.0.0.1:0")
        .listen()
        .await
        .expect("a port");
    let target = server.local_addr().expect("it is bound").inet();
    let target = target.expect("an address of IP");
    let before = open_descriptors();
    for refusing in [false, true] {
        let proxy = aiomisc::testing::TcpProxy::start(target).await;
        let proxy = proxy.expect("it starts");
        let client = net::connect(proxy.addr()).await.expect("it listens");
        let (there, _) = server.accept().await.expect("the proxy connects");
        proxy.refuse_connections(refusing).expect("it may refuse");
        assert!(open_descriptors() > before + 2);
        proxy.close().await;
        drop((client, there));
        assert_eq!(open_descriptors(), before);
    }
}

fn open_descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}
