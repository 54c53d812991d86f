//! The servers of TCP, UDP and Unix sockets (rows B1 and B2), on every runtime.
#![cfg(all(
    feature = "testing",
    feature = "macros",
    any(feature = "smol", feature = "tokio", feature = "simulation")
))]

mod shared;

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
    let sent = socket().await.send_to(b"x", &everybody).await;
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
    while clock.pending() == 0 {
        clock.wait_until_pending(1).await;
    }
    clock.advance(Duration::from_secs(10));
    while events.all().is_empty() {
        clock.advance(Duration::ZERO);
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
    // The server has read it for sure once it has answered another one behind it.
    say(&mut idle, "still there?\n").await;
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

// ---------------------------------------------------------------- UDP

async fn socket() -> net::DatagramSocket {
    net::bind_socket("127.0.0.1:0")
        .datagram()
        .await
        .expect("a socket")
}

async fn ask(socket: &mut net::DatagramSocket, text: &[u8], to: &Addr) -> Vec<u8> {
    socket.send_to(text, to).await.expect("the system takes it");
    let mut buf = vec![0; 65_536];
    let received = socket.recv_from(&mut buf).await.expect("an answer");
    assert_eq!(&received.from, to);
    buf.truncate(received.len);
    buf
}

#[aiomisc::test(runtimes(all))]
async fn udp_answers_datagrams_of_every_size() {
    let server = Arc::new(UdpServer::new("127.0.0.1:0", |packet: Packet| async move {
        assert!(!packet.is_truncated());
        Ok(packet.reply(packet.data()).await?)
    }));
    assert_eq!(server.port(), None);
    let ep = start(Arc::clone(&server)).await;
    let addr = server.address().expect("it receives");
    let mut client = socket().await;
    for size in [0, 1, 64, 1500, 9000, 65_507] {
        assert_eq!(ask(&mut client, &vec![7; size], &addr).await, vec![7; size]);
    }
    ep.graceful_shutdown("done").await.expect("nothing fails");
}

#[aiomisc::test(runtimes(all))]
async fn udp_handlers_that_wait_do_not_hold_up_the_others() {
    struct Slow(Arc<event_listener::Event>);

    impl DatagramHandler for Slow {
        async fn handle_datagram(&self, packet: Packet) -> Result<(), BoxError> {
            if packet.data() == b"slow" {
                self.0.listen().await;
            }
            Ok(packet.reply(packet.data()).await?)
        }
    }

    let go = Arc::new(event_listener::Event::new());
    let server = Arc::new(UdpServer::with_handler(
        "127.0.0.1:0",
        Slow(Arc::clone(&go)),
    ));
    let ep = start(Arc::clone(&server)).await;
    let addr = server.address().expect("it receives");
    let mut client = socket().await;
    client
        .send_to(b"slow", &addr)
        .await
        .expect("the system takes it");
    assert_eq!(ask(&mut client, b"fast", &addr).await, b"fast");
    go.notify(1);
    let mut buf = [0; 16];
    let received = client.recv_from(&mut buf).await.expect("the slow answer");
    assert_eq!(&buf[..received.len], b"slow");
    ep.graceful_shutdown("done").await.expect("nothing fails");
}

#[aiomisc::test(runtimes(all))]
async fn udp_stops_after_the_handlers_that_wait() {
    let go = Arc::new(event_listener::Event::new());
    let (begun, waits) = (Arc::new(event_listener::Event::new()), Arc::clone(&go));
    let started = Arc::clone(&begun);
    let server = Arc::new(UdpServer::new("127.0.0.1:0", move |packet: Packet| {
        let (waits, started) = (Arc::clone(&waits), Arc::clone(&started));
        async move {
            let go = waits.listen();
            started.notify(1);
            go.await;
            Ok(packet.reply(b"late").await?)
        }
    }));
    let ep = start(Arc::clone(&server)).await;
    let addr = server.address().expect("it receives");
    let mut client = socket().await;
    let handling = begun.listen();
    client
        .send_to(b"x", &addr)
        .await
        .expect("the system takes it");
    handling.await;
    let stop = aiomisc::spawn(ep.graceful_shutdown("done"));
    go.notify(1);
    let mut buf = [0; 16];
    let received = client
        .recv_from(&mut buf)
        .await
        .expect("the answer is still sent");
    assert_eq!(&buf[..received.len], b"late");
    stop.await.expect("no panic").expect("nothing fails");
    let error = server
        .send_to(b"x", &addr)
        .await
        .expect_err("it has stopped");
    assert_eq!(error.kind(), io::ErrorKind::NotConnected);
}

#[aiomisc::test(runtimes(all))]
async fn udp_cuts_what_is_too_long_and_says_so() {
    let server = Arc::new(
        UdpServer::new("127.0.0.1:0", |packet: Packet| async move {
            let answer = if packet.is_truncated() {
                &b"cut"[..]
            } else {
                b"whole"
            };
            Ok(packet.reply(answer).await?)
        })
        .max_size(8),
    );
    let ep = start(Arc::clone(&server)).await;
    let addr = server.address().expect("it receives");
    let mut client = socket().await;
    assert_eq!(ask(&mut client, b"12345678", &addr).await, b"whole");
    assert_eq!(ask(&mut client, b"123456789", &addr).await, b"cut");
    ep.graceful_shutdown("done").await.expect("nothing fails");
}

#[aiomisc::test(runtimes(all))]
async fn udp_sends_by_itself_and_refuses_before_its_start() {
    let server = Arc::new(UdpServer::new("127.0.0.1:0", |_| async { Ok(()) }));
    let mut client = socket().await;
    let me = client.local_addr().expect("it is bound");
    let error = server
        .send_to(b"early", &me)
        .await
        .expect_err("it has not started");
    assert_eq!(error.kind(), io::ErrorKind::NotConnected);
    let ep = start(Arc::clone(&server)).await;
    server.send_to(b"now", &me).await.expect("it runs");
    let mut buf = [0; 16];
    let received = client.recv_from(&mut buf).await.expect("it arrives");
    assert_eq!(
        (&buf[..received.len], &received.from),
        (&b"now"[..], &server.address().expect("runs"))
    );
    ep.graceful_shutdown("done").await.expect("nothing fails");
}

#[aiomisc::test(runtimes(all))]
async fn udp_handlers_that_fail_or_panic_are_their_own_problem() {
    let server = Arc::new(UdpServer::new("127.0.0.1:0", |packet: Packet| async move {
        match packet.data() {
            b"e" => Err("on request".into()),
            b"p" => panic!("on request"),
            other => Ok(packet.reply(other).await?),
        }
    }));
    let ep = start(Arc::clone(&server)).await;
    let addr = server.address().expect("it receives");
    let mut client = socket().await;
    client
        .send_to(b"e", &addr)
        .await
        .expect("the system takes it");
    client
        .send_to(b"p", &addr)
        .await
        .expect("the system takes it");
    assert_eq!(ask(&mut client, b"fine", &addr).await, b"fine");
    ep.graceful_shutdown("done").await.expect("nothing fails");
}

#[aiomisc::test(runtimes(all))]
async fn udp_goes_on_after_an_answer_that_nobody_takes() {
    let server = Arc::new(UdpServer::new("127.0.0.1:0", |packet: Packet| async move {
        Ok(packet.reply(packet.data()).await?)
    }));
    let ep = start(Arc::clone(&server)).await;
    let addr = server.address().expect("it receives");
    for _ in 0..3 {
        // Gone before the answer: the system reports that to the server.
        let gone = std::net::UdpSocket::bind("127.0.0.1:0").expect("a socket");
        gone.send_to(b"x", addr.inet().expect("an address"))
            .expect("the system takes it");
        drop(gone);
        assert_eq!(ask(&mut socket().await, b"y", &addr).await, b"y");
    }
    ep.graceful_shutdown("done").await.expect("nothing fails");
}

#[aiomisc::test(runtimes(all))]
async fn udp_never_has_more_handlers_waiting_than_allowed() {
    let (now, most) = (Arc::new(()), Arc::new(AtomicUsize::new(0)));
    let seen = Arc::clone(&most);
    let handler = move |packet: Packet| {
        let (now, seen) = (Arc::clone(&now), Arc::clone(&seen));
        async move {
            // The handler has one as well.
            seen.fetch_max(Arc::strong_count(&now) - 1, Ordering::SeqCst);
            aiomisc::time::sleep(Duration::from_millis(5)).await;
            drop(now);
            Ok(packet.reply(packet.data()).await?)
        }
    };
    let server = Arc::new(UdpServer::new("127.0.0.1:0", handler).max_waiting(2));
    let ep = start(Arc::clone(&server)).await;
    let addr = server.address().expect("it receives");
    let mut client = socket().await;
    // They are there together, and would be received together.
    for _ in 0..20 {
        client.send_to(b"x", &addr).await.expect("sent");
    }
    for _ in 0..20 {
        client.recv_from(&mut [0]).await.expect("an answer");
    }
    ep.graceful_shutdown("done").await.expect("nothing fails");
    assert_eq!(most.load(Ordering::SeqCst), 2);
}

#[aiomisc::test(runtimes(all))]
async fn udp_refuses_absurd_sizes() {
    for size in [0, 1 << 30, usize::MAX] {
        let server = UdpServer::new("127.0.0.1:0", |_| async { Ok(()) }).max_size(size);
        let error = Entrypoint::builder()
            .service(server)
            .start()
            .await
            .expect_err("no such size");
        assert!(error.as_config().is_some(), "{error}");
    }
}

/// Others send through the server, on threads of their own, as fast as they can.
#[cfg(any(feature = "smol", feature = "tokio"))]
#[aiomisc::test(runtimes(real), timeout = "60s")]
async fn udp_receives_and_stops_while_others_send_without_a_pause() {
    let server = Arc::new(UdpServer::new("127.0.0.1:0", |packet: Packet| async move {
        Ok(packet.reply(packet.data()).await?)
    }));
    let ep = start(Arc::clone(&server)).await;
    let addr = server.address().expect("it receives");
    let sink = socket().await;
    let to = sink.local_addr().expect("it is bound");
    let senders: Vec<_> = (0..4)
        .map(|_| {
            let (server, to) = (Arc::clone(&server), to.clone());
            let send_all = async move { while server.send_to(b"x", &to).await.is_ok() {} };
            let runtime = aiomisc::Runtime::current().expect("the test runs on one");
            std::thread::spawn(move || runtime.block_on(send_all))
        })
        .collect();
    aiomisc::time::sleep(Duration::from_millis(200)).await;
    let mut client = socket().await;
    assert_eq!(ask(&mut client, b"hello", &addr).await, b"hello");
    ep.graceful_shutdown("done").await.expect("nothing fails");
    for sender in senders {
        sender.join().expect("no panic");
    }
}

#[aiomisc::test(runtimes(all))]
async fn udp_over_a_unix_socket() {
    let dir = shared::Folder::new();
    let (server_path, client_path) = (dir.join("server.sock"), dir.join("client.sock"));
    let server = Arc::new(UdpServer::new(
        server_path.as_path(),
        |packet: Packet| async move { Ok(packet.reply(packet.data()).await?) },
    ));
    let ep = start(Arc::clone(&server)).await;
    let addr = server.address().expect("it receives");
    let mut client = net::bind_socket(client_path.as_path())
        .datagram()
        .await
        .expect("a socket");
    assert_eq!(ask(&mut client, b"hello", &addr).await, b"hello");
    drop(client);
    ep.graceful_shutdown("done").await.expect("nothing fails");
    assert!(!server_path.exists() && !client_path.exists());
}
