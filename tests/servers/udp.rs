//! `UdpServer`.

use super::*;

pub(crate) async fn socket() -> net::DatagramSocket {
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
    // Of before, so that it has no address of those that go.
    let mut asking = socket().await;
    for _ in 0..3 {
        // Gone before the answer: the system reports that to the server.
        let mut gone = socket().await;
        let sent = gone.send_to(b"x", &addr).await;
        sent.expect("the system takes it");
        drop(gone);
        assert_eq!(ask(&mut asking, b"y", &addr).await, b"y");
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
