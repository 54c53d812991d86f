//! The servers of TCP, UDP and Unix sockets (rows B1 and B2), on every runtime.
#![cfg(all(
    feature = "testing",
    feature = "macros",
    any(feature = "smol", feature = "tokio", feature = "simulation")
))]

mod shared;
#[path = "servers/udp.rs"]
mod udp;

use std::future::pending;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aiomisc::net::{self, Addr, Stream};
use aiomisc::service::{ConnectionHandler, DatagramHandler, Drain};
use aiomisc::{
    BoxError, Entrypoint, Packet, RunningEntrypoint, Service, ServiceContext, TcpServer, UdpServer,
};
use futures::{AsyncReadExt, AsyncWriteExt, StreamExt};
use shared::{Events, manual};

async fn echo(mut stream: Stream, _: Addr) -> Result<(), BoxError> {
    let mut buf = [0; 1024];
    loop {
        match stream.read(&mut buf).await? {
            0 => return Ok(()),
            count => stream.write_all(&buf[..count]).await?,
        }
    }
}

/// Reads lines, and answers each.
async fn lines(mut stream: Stream, _: Addr) -> Result<(), BoxError> {
    let mut line = Vec::new();
    let mut byte = [0];
    while stream.read(&mut byte).await? > 0 {
        line.push(byte[0]);
        if byte[0] == b'\n' {
            stream.write_all(&line).await?;
            line.clear();
        }
    }
    Ok(())
}

async fn start(server: impl Service) -> RunningEntrypoint {
    Entrypoint::builder()
        .service(server)
        .start()
        .await
        .expect("the server starts")
}

async fn connect<H: ConnectionHandler>(server: &TcpServer<H>) -> Stream {
    let addr = server
        .address()
        .and_then(|addr| addr.inet())
        .expect("it listens");
    net::connect(addr).await.expect("it accepts")
}

async fn say(stream: &mut Stream, text: &str) -> String {
    stream
        .write_all(text.as_bytes())
        .await
        .expect("the server reads");
    let mut answer = vec![0; text.len()];
    stream
        .read_exact(&mut answer)
        .await
        .expect("the server answers");
    String::from_utf8(answer).expect("it is an echo")
}

/// What is read until the end, or the kind of error that came first.
async fn rest(stream: &mut Stream) -> Result<Vec<u8>, io::ErrorKind> {
    let mut rest = Vec::new();
    stream
        .read_to_end(&mut rest)
        .await
        .map(|_| rest)
        .map_err(|error| error.kind())
}

#[aiomisc::test(runtimes(all))]
async fn tcp_answers_and_knows_its_port() {
    let server = Arc::new(TcpServer::new("127.0.0.1:0", echo));
    assert_eq!(server.port(), None);
    let ep = start(Arc::clone(&server)).await;
    assert_ne!(server.port(), Some(0));
    let mut client = connect(&server).await;
    assert_eq!(say(&mut client, "hello").await, "hello");
    ep.graceful_shutdown("done").await.expect("nothing fails");
    assert_eq!(rest(&mut client).await, Ok(vec![]));
}

#[aiomisc::test(runtimes(all))]
async fn tcp_takes_a_handler_object() {
    struct Greeter(&'static str);

    #[aiomisc::async_trait]
    impl ConnectionHandler for Greeter {
        async fn handle_client(&self, mut stream: Stream, peer: Addr) -> Result<(), BoxError> {
            stream
                .write_all(format!("{} {peer}", self.0).as_bytes())
                .await?;
            Ok(())
        }
    }

    let server = Arc::new(TcpServer::with_handler("127.0.0.1:0", Greeter("hello")));
    let ep = start(Arc::clone(&server)).await;
    let mut client = connect(&server).await;
    let me = client.local_addr().expect("it is connected");
    assert_eq!(
        rest(&mut client).await,
        Ok(format!("hello {me}").into_bytes())
    );
    ep.graceful_shutdown("done").await.expect("nothing fails");
}

#[cfg(any(feature = "smol", feature = "tokio"))]
#[aiomisc::test(runtimes(real))]
async fn a_unix_socket_is_served_and_its_file_removed() {
    let dir = shared::Folder::new();
    let path = dir.join("server.sock");
    let server = Arc::new(TcpServer::new(path.as_path(), echo));
    let ep = start(Arc::clone(&server)).await;
    assert_eq!(server.address(), Some(Addr::Unix(Some(path.clone()))));
    let mut client = net::connect(path.as_path()).await.expect("it accepts");
    assert_eq!(say(&mut client, "hello").await, "hello");

    let second = Entrypoint::builder()
        .service(TcpServer::new(path.as_path(), echo))
        .start()
        .await;
    let error = second.map(drop).expect_err("the path is taken").to_string();
    assert!(error.contains("exists; remove it"), "{error}");

    ep.graceful_shutdown("done").await.expect("nothing fails");
    assert!(!path.exists(), "the file is removed");
}

#[aiomisc::test(runtimes(all))]
async fn a_port_in_use_is_an_error_that_names_it() {
    let taken = net::bind_socket("127.0.0.1:0").listen().await;
    let taken = taken.expect("there is a port");
    let addr = taken.local_addr().expect("it is bound");
    let addr = addr.inet().expect("it has a port");
    let error = Entrypoint::builder()
        .service(TcpServer::new(addr, echo))
        .start()
        .await;
    let error = error.map(drop).expect_err("the port is taken").to_string();
    assert!(
        error.contains(&format!(
            "cannot listen on tcp://{addr}: Address already in use"
        )),
        "{error}"
    );
}

#[aiomisc::test(runtimes(all))]
async fn handlers_find_the_context_of_their_service() {
    let events = Events::default();
    let seen = events.clone();
    let server = TcpServer::new("127.0.0.1:0", move |mut stream: Stream, _| {
        let seen = seen.clone();
        async move {
            let ctx = ServiceContext::current().expect("it is a handler's");
            assert_eq!(ctx.name(), "TcpServer");
            let dropped = seen.on_drop("task of the service dropped");
            ctx.spawn(async move {
                let _dropped = dropped;
                pending().await
            });
            stream.write_all(b"!").await?;
            ctx.stopping().await;
            seen.add("handler has heard of the stop");
            Ok(())
        }
    });
    assert!(ServiceContext::current().is_none());
    let server = Arc::new(server.drain(Drain::ByHandler));
    let ep = start(Arc::clone(&server)).await;
    let mut client = connect(&server).await;
    client.read_exact(&mut [0]).await.expect("it is handled");
    ep.graceful_shutdown("done").await.expect("nothing fails");
    let expected = [
        "handler has heard of the stop",
        "task of the service dropped",
    ];
    assert_eq!(events.all(), expected);
}

#[cfg(any(feature = "smol", feature = "tokio"))]
#[aiomisc::test(runtimes(real))]
async fn what_is_not_permitted_is_an_error_that_says_so() {
    // Root may do most things, but make no socket there, and send to all without saying so.
    let server = TcpServer::new("/sys/aiomisc.sock", echo);
    let error = Entrypoint::builder().service(server).start().await;
    let error = error.map(drop).expect_err("it is no place for sockets");
    let text = error.to_string();
    assert!(
        text.contains("cannot listen on unix:///sys/aiomisc.sock: "),
        "{text}"
    );

    let everybody = Addr::Inet(([255, 255, 255, 255], 9).into());
    let sent = udp::socket().await.send_to(b"x", &everybody).await;
    let kind = sent.expect_err("nobody allowed it").kind();
    assert_eq!(kind, io::ErrorKind::PermissionDenied);
}

#[aiomisc::test(runtimes(all))]
async fn more_connections_than_allowed_wait_for_a_place() {
    let served = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&served);
    let server = TcpServer::new("127.0.0.1:0", move |stream, peer| {
        count.fetch_add(1, Ordering::SeqCst);
        echo(stream, peer)
    });
    let server = Arc::new(server.max_connections(2));
    let ep = start(Arc::clone(&server)).await;
    let (mut one, mut two) = (connect(&server).await, connect(&server).await);
    say(&mut one, "1").await;
    say(&mut two, "2").await;
    // It is connected by the system, but nobody takes it.
    let mut three = connect(&server).await;
    three.write_all(b"3").await.expect("the system buffers it");
    say(&mut one, "again").await;
    assert_eq!(served.load(Ordering::SeqCst), 2);
    drop(one);
    let mut answer = [0];
    three
        .read_exact(&mut answer)
        .await
        .expect("its turn has come");
    assert_eq!(served.load(Ordering::SeqCst), 3);
    ep.graceful_shutdown("done").await.expect("nothing fails");
}

#[aiomisc::test(runtimes(all))]
async fn nothing_moving_for_the_idle_limit_is_an_error_of_the_read() {
    let (runtime, clock) = manual();
    let events = Events::default();
    let seen = events.clone();
    let server = TcpServer::new("127.0.0.1:0", move |stream, peer| {
        let seen = seen.clone();
        async move {
            let outcome = echo(stream, peer).await;
            seen.add(format!(
                "{:?}",
                outcome.as_ref().map_err(|error| error.to_string())
            ));
            outcome
        }
    });
    let server = Arc::new(server.idle_limit(Duration::from_secs(10)));
    let ep = Entrypoint::builder()
        .runtime(runtime)
        .service(Arc::clone(&server))
        .start()
        .await;
    let ep = ep.expect("the server starts");
    let mut client = connect(&server).await;
    say(&mut client, "one").await;
    clock.wait_until_pending(1).await;
    clock.advance(Duration::from_secs(9));
    say(&mut client, "two").await;
    // The timer fires for the first wait, and is set for what is left of the second.
    clock.advance(Duration::from_secs(9));
    say(&mut client, "three").await;
    clock.advance(Duration::from_millis(9_999));
    say(&mut client, "four").await;
    assert!(events.all().is_empty());
    // The server may still be at noticing that it has written.
    while events.all().is_empty() {
        clock.advance(Duration::from_secs(10));
        aiomisc::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(
        events.all(),
        [r#"Err("nothing moved on the connection for 10s")"#]
    );
    assert_eq!(
        rest(&mut client).await,
        Ok(vec![]),
        "the handler let go of it"
    );
    ep.graceful_shutdown("done").await.expect("nothing fails");
}

#[aiomisc::test(runtimes(all))]
async fn a_stop_lets_a_request_that_has_begun_be_answered() {
    let server = Arc::new(TcpServer::new("127.0.0.1:0", lines));
    let ep = start(Arc::clone(&server)).await;
    let mut idle = connect(&server).await;
    say(&mut idle, "ready\n").await;
    let mut busy = connect(&server).await;
    say(&mut busy, "ready\n").await;
    busy.write_all(b"half a requ")
        .await
        .expect("the server reads");
    let mut untouched = connect(&server).await;
    let mut fresh = connect(&server).await;
    say(&mut fresh, "x\n").await;
    let address = server
        .address()
        .and_then(|addr| addr.inet())
        .expect("it listens");

    let stop = aiomisc::spawn(ep.graceful_shutdown("done"));
    assert_eq!(rest(&mut idle).await, Ok(vec![]), "between two requests");
    assert_eq!(rest(&mut fresh).await, Ok(vec![]), "between two requests");
    assert_eq!(rest(&mut untouched).await, Ok(vec![]), "before the first");
    assert!(net::connect(address).await.is_err(), "nobody listens");
    assert!(!stop.is_finished());
    busy.write_all(b"est\n")
        .await
        .expect("the server still reads");
    assert_eq!(rest(&mut busy).await, Ok(b"half a request\n".to_vec()));
    stop.await.expect("no panic").expect("nothing fails");
}

#[aiomisc::test(runtimes(all))]
async fn requests_that_had_arrived_are_answered_before_the_end() {
    let server = Arc::new(TcpServer::new("127.0.0.1:0", lines));
    let ep = start(Arc::clone(&server)).await;
    let mut clients = Vec::new();
    for _ in 0..20 {
        let mut client = connect(&server).await;
        say(&mut client, "ready\n").await;
        client
            .write_all(b"a\nb\nc\n")
            .await
            .expect("the system buffers it");
        clients.push(client);
    }
    ep.graceful_shutdown("done").await.expect("nothing fails");
    for mut client in clients {
        assert_eq!(rest(&mut client).await, Ok(b"a\nb\nc\n".to_vec()));
    }
}

/// The turn of the reactor that ends the 10 ms may have looked at the system before, and been held up since.
#[aiomisc::test(runtimes(all))]
async fn reads_end_in_a_turn_of_the_reactor_that_has_looked_again() {
    let (runtime, clock) = manual();
    let server = Arc::new(TcpServer::new("127.0.0.1:0", lines));
    let ep = Entrypoint::builder()
        .runtime(runtime)
        .service(Arc::clone(&server))
        .start()
        .await
        .expect("the server starts");
    let mut client = connect(&server).await;
    say(&mut client, "ready\n").await;
    let stop = aiomisc::spawn(async move { ep.graceful_shutdown("done").await });
    for millis in [10, 1].map(Duration::from_millis) {
        clock.wait_until_next_in(millis).await;
        say(&mut client, "not too late\n").await;
        clock.advance(millis);
    }
    assert_eq!(rest(&mut client).await, Ok(vec![]));
    stop.await.expect("no panic").expect("nothing fails");
}

#[aiomisc::test(runtimes(all), seeds = 200)]
async fn who_has_connected_before_the_stop_is_answered() {
    let server = Arc::new(TcpServer::new("127.0.0.1:0", lines));
    let ep = start(Arc::clone(&server)).await;
    let mut clients = Vec::new();
    for _ in 0..5 {
        let mut client = connect(&server).await;
        client.write_all(b"line\n").await.expect("it is connected");
        clients.push(client);
    }
    ep.graceful_shutdown("done").await.expect("nothing fails");
    for mut client in clients {
        assert_eq!(rest(&mut client).await, Ok(b"line\n".to_vec()));
    }
}

/// The system has made the connections, and the runtime has heard of none of them.
#[cfg(any(feature = "smol", feature = "tokio"))]
#[aiomisc::test(runtimes(real))]
async fn who_waits_in_the_backlog_at_the_stop_is_answered() {
    use std::io::{Read, Write};

    let folder = shared::Folder::new();
    let path = folder.join("server.sock");
    let tcp = Arc::new(TcpServer::new("127.0.0.1:0", lines));
    let unix = TcpServer::new(path.as_path(), lines);
    let services: [Arc<dyn Service>; 2] = [tcp.clone(), Arc::new(unix)];
    let ep = Entrypoint::builder().services(services).start().await;
    let ep = ep.expect("the servers start");
    let addr = tcp.address().and_then(|addr| addr.inet());
    let addr = addr.expect("it listens");
    let tcp = std::net::TcpStream::connect(addr).expect("the system accepts");
    let unix = std::os::unix::net::UnixStream::connect(&path).expect("the system accepts");
    for client in [&tcp as &dyn Duplex, &unix] {
        client.say(b"line\n").expect("it is connected");
    }
    ep.graceful_shutdown("done").await.expect("nothing fails");
    for client in [&tcp as &dyn Duplex, &unix] {
        assert_eq!(client.rest().expect("it is answered"), b"line\n");
    }

    /// A connection of the standard library.
    trait Duplex {
        fn say(&self, data: &[u8]) -> io::Result<()>;
        fn rest(&self) -> io::Result<Vec<u8>>;
    }

    impl<T> Duplex for T
    where
        for<'a> &'a T: Read + Write,
    {
        fn say(&self, data: &[u8]) -> io::Result<()> {
            let mut stream = self;
            stream.write_all(data)
        }

        fn rest(&self) -> io::Result<Vec<u8>> {
            let (mut stream, mut rest) = (self, Vec::new());
            stream.read_to_end(&mut rest).map(|_| rest)
        }
    }
}

#[aiomisc::test(runtimes(all))]
async fn a_connection_that_only_receives_ends_when_it_is_quiet() {
    let events = Events::default();
    let seen = events.clone();
    let (open, mut opened) = futures::channel::mpsc::unbounded();
    let sink = TcpServer::new("127.0.0.1:0", move |mut stream: Stream, _| {
        let seen = seen.clone();
        let _ = open.unbounded_send(());
        async move {
            let mut all = Vec::new();
            stream.read_to_end(&mut all).await?;
            seen.add(String::from_utf8_lossy(&all));
            Ok(())
        }
    });
    let server = Arc::new(sink.drain(Drain::WhenQuiet));
    let ep = start(Arc::clone(&server)).await;
    let mut client = connect(&server).await;
    client
        .write_all(b"some lines")
        .await
        .expect("the system buffers it");
    opened.next().await.expect("the connection is accepted");
    ep.graceful_shutdown("done").await.expect("nothing fails");
    assert_eq!(events.all(), ["some lines"]);
}

#[aiomisc::test(runtimes(all))]
async fn handlers_that_do_not_end_are_cut_at_the_drain_limit() {
    let (runtime, clock) = manual();
    let events = Events::default();
    let seen = events.clone();
    let server = TcpServer::new("127.0.0.1:0", move |mut stream: Stream, _| {
        let dropped = seen.on_drop("handler dropped");
        async move {
            let _dropped = dropped;
            stream.write_all(b"!").await?;
            pending().await
        }
    });
    let server = Arc::new(server.drain_limit(Duration::from_secs(5)));
    let ep = Entrypoint::builder()
        .runtime(runtime)
        .service(Arc::clone(&server))
        .start()
        .await;
    let ep = ep.expect("the server starts");
    let mut client = connect(&server).await;
    client.read_exact(&mut [0]).await.expect("it is handled");
    let begun = clock.now();
    let stop = aiomisc::spawn(ep.graceful_shutdown("done"));
    // The limits of the program, of the service and of the drain.
    clock.wait_until_pending(3).await;
    clock.advance(Duration::from_millis(4_999));
    assert!(events.all().is_empty());
    clock.advance(Duration::from_millis(1));
    stop.await.expect("no panic").expect("a cut is no error");
    assert_eq!(clock.now() - begun, Duration::from_secs(5));
    assert_eq!(events.all(), ["handler dropped"]);
}

#[aiomisc::test(runtimes(all))]
async fn a_handler_that_fails_or_panics_is_its_own_problem() {
    let server = TcpServer::new("127.0.0.1:0", |mut stream: Stream, _| async move {
        let mut what = [0];
        stream.read_exact(&mut what).await?;
        match what[0] {
            b'e' => Err("on request".into()),
            b'p' => panic!("on request"),
            _ => Ok(stream.write_all(b"fine").await?),
        }
    });
    let server = Arc::new(server);
    let ep = start(Arc::clone(&server)).await;
    for (what, answer) in [(b"e", &b""[..]), (b"p", b""), (b"x", b"fine")] {
        let mut client = connect(&server).await;
        client.write_all(what).await.expect("the server reads");
        assert_eq!(rest(&mut client).await, Ok(answer.to_vec()));
    }
    ep.graceful_shutdown("done").await.expect("nothing fails");
}

#[aiomisc::test(runtimes(all), timeout = "60s")]
async fn a_thousand_connections_are_served_at_once() {
    raise_descriptor_limit();
    let server = Arc::new(TcpServer::new("127.0.0.1:0", echo));
    let ep = start(Arc::clone(&server)).await;
    let mut clients = Vec::new();
    for _ in 0..1000 {
        clients.push(connect(&server).await);
    }
    for (number, client) in clients.iter_mut().enumerate() {
        let text = format!("{number:06}");
        assert_eq!(say(client, &text).await, text);
    }
    ep.graceful_shutdown("done").await.expect("nothing fails");
    for mut client in clients {
        assert_eq!(rest(&mut client).await, Ok(vec![]));
    }
}

fn raise_descriptor_limit() {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).expect("it can be asked");
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard).expect("up to the hard limit is allowed");
}
