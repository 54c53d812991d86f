//! Hosts, their addresses, ports and names.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};

use aiomisc::net::{Addr, DatagramSocket, connect};
use aiomisc::runtime::BindOptions;

use super::*;

async fn datagrams(host: &Runtime, addr: &str) -> DatagramSocket {
    let socket = bind_socket(addr).runtime(host.clone());
    socket.datagram().await.unwrap()
}

#[test]
fn connections_come_from_the_address_of_the_host() {
    let lab = Lab::new();
    lab.sim.block_on(async {
        let (mut listener, addr) = lab.listen().await;
        let near = lab.connect(addr).await.unwrap();
        let (far, peer) = listener.accept().await.unwrap();
        assert_eq!(peer, SocketAddr::new(CLIENT, 49_152).into());
        assert_eq!(far.local_addr().unwrap(), addr.into());
        assert_eq!(
            (near.local_addr().unwrap(), near.peer_addr().unwrap()),
            (peer, addr.into())
        );
        // The default host is somebody else.
        let _third = connect(addr).await.unwrap();
        let (_, peer) = listener.accept().await.unwrap();
        assert_eq!(peer.inet().unwrap().ip(), Ipv4Addr::new(192, 0, 2, 1));
    });
}

#[test]
fn what_tasks_of_a_host_spawn_and_open_is_of_that_host() {
    let lab = Lab::new();
    lab.sim.block_on(async {
        let (mut listener, addr) = lab.listen().await;
        let connecting = lab.client.spawn(async move {
            aiomisc::spawn(async move { connect(addr).await.unwrap() })
                .await
                .unwrap()
        });
        let (_, peer) = listener.accept().await.unwrap();
        assert_eq!(peer.inet().unwrap().ip(), CLIENT);
        connecting.await.unwrap();
    });
}

#[test]
fn every_host_has_a_loopback_of_its_own() {
    let lab = Lab::new();
    lab.sim.block_on(async {
        let inner = bind_socket("127.0.0.1:80").runtime(lab.server.clone());
        let mut inner = inner.listen().await.unwrap();
        let refused = lab.connect((Ipv4Addr::LOCALHOST, 80).into()).await;
        assert_eq!(
            refused.unwrap_err().kind(),
            io::ErrorKind::ConnectionRefused
        );
        let refused = lab.connect((SERVER, 80).into()).await;
        assert_eq!(
            refused.unwrap_err().kind(),
            io::ErrorKind::ConnectionRefused
        );
        let near = lab
            .server
            .backend()
            .connect_tcp((Ipv4Addr::LOCALHOST, 80).into());
        let _near = near.await.unwrap();
        let (_, peer) = inner.accept().await.unwrap();
        assert_eq!(peer.inet().unwrap().ip(), Ipv4Addr::LOCALHOST);
    });
}

#[test]
fn addresses_are_bound_once_and_only_by_their_host() {
    let lab = Lab::new();
    lab.sim.block_on(async {
        let options = BindOptions::default();
        let listen = |host: &Runtime, addr: &str| {
            let addr = addr.parse().unwrap();
            host.backend()
                .listen_tcp(addr, &options)
                .map_err(|error| error.kind())
        };
        let taken = Err(io::ErrorKind::AddrInUse);
        let first = listen(&lab.server, "0.0.0.0:80").unwrap();
        assert_eq!(listen(&lab.server, "10.0.0.1:80").map(drop), taken);
        assert_eq!(listen(&lab.server, "127.0.0.1:80").map(drop), taken);
        assert_eq!(listen(&lab.server, "[::]:80").map(drop), taken);
        assert_eq!(listen(&lab.server, "[::1]:80").map(drop), Ok(()));
        assert_eq!(listen(&lab.client, "0.0.0.0:80").map(drop), Ok(()));
        let foreign = listen(&lab.server, "10.0.0.2:80").map(drop);
        assert_eq!(foreign, Err(io::ErrorKind::AddrNotAvailable));
        drop(first);
        assert_eq!(listen(&lab.server, "10.0.0.1:80").map(drop), Ok(()));
    });
}

#[test]
fn several_listeners_share_a_port_when_all_of_them_agree() {
    let lab = Lab::new();
    lab.sim.block_on(async {
        let listen = || {
            bind_socket("0.0.0.0:80")
                .runtime(lab.server.clone())
                .reuse_port(true)
        };
        let mut one = listen().listen().await.unwrap();
        let mut two = listen().listen().await.unwrap();
        assert!(listen().reuse_port(false).listen().await.is_err());
        let mut counts = [0, 0];
        for _ in 0..50 {
            let _stream = lab.connect((SERVER, 80).into()).await.unwrap();
            let (one, two) = (Box::pin(one.accept()), Box::pin(two.accept()));
            match futures::future::select(one, two).await {
                futures::future::Either::Left(_) => counts[0] += 1,
                futures::future::Either::Right(_) => counts[1] += 1,
            }
        }
        assert!(counts[0] > 10 && counts[1] > 10, "{counts:?}");
    });
}

#[test]
fn a_socket_for_both_families_sees_ipv4_as_ipv6() {
    let lab = Lab::new();
    lab.sim.block_on(async {
        let listener = bind_socket("[::]:80").runtime(lab.server.clone());
        let mut listener = listener.listen().await.unwrap();
        let near = lab.connect((SERVER, 80).into()).await.unwrap();
        let (far, peer) = listener.accept().await.unwrap();
        let mapped = Ipv4Addr::new(10, 0, 0, 2).to_ipv6_mapped();
        assert_eq!(peer.inet().unwrap().ip(), mapped);
        assert_eq!(far.peer_addr().unwrap(), peer);
        assert_eq!(
            near.peer_addr().unwrap(),
            Addr::from(SocketAddr::new(SERVER, 80))
        );

        let mut socket = datagrams(&lab.server, "[::]:53").await;
        let mut asks = datagrams(&lab.client, "0.0.0.0:0").await;
        asks.send_to(b"ask", &SocketAddr::new(SERVER, 53).into())
            .await
            .unwrap();
        let asked = socket.recv_from(&mut [0; 8]).await.unwrap();
        assert_eq!(asked.from.inet().unwrap().ip(), mapped);
        socket.send_to(b"answer", &asked.from).await.unwrap();
        let answer = asks.recv_from(&mut [0; 8]).await.unwrap();
        assert_eq!(answer.from, SocketAddr::new(SERVER, 53).into());
    });
}

#[test]
fn who_is_nowhere_cannot_be_reached() {
    let lab = Lab::new();
    lab.sim.block_on(async {
        let nobody = Ipv4Addr::new(10, 9, 9, 9);
        let error = lab.connect((nobody, 80).into()).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::HostUnreachable);
        let error = lab
            .connect((Ipv6Addr::new(1, 0, 0, 0, 0, 0, 0, 1), 80).into())
            .await;
        assert_eq!(error.unwrap_err().kind(), io::ErrorKind::NetworkUnreachable);
        // A datagram is lost without a word.
        let mut socket = datagrams(&lab.client, "0.0.0.0:0").await;
        socket
            .send_to(b"x", &SocketAddr::from((nobody, 80)).into())
            .await
            .unwrap();
    });
}

#[test]
fn names_are_those_of_the_simulation() {
    let lab = Lab::new();
    lab.sim.network().name("db.example", SERVER);
    lab.sim.block_on(async {
        let (mut listener, _) = lab.listen().await;
        let stream = connect("db.example:80").await.unwrap();
        assert_eq!(
            stream.peer_addr().unwrap(),
            SocketAddr::new(SERVER, 80).into()
        );
        listener.accept().await.unwrap();
        let error = connect("example.com:80").await.unwrap_err();
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert!(
            cause.contains("`example.com` is no name of this simulation"),
            "{cause}"
        );
        let _here = bind_socket("localhost:81").listen().await.unwrap();
        connect("localhost:81").await.unwrap();
    });
}

#[test]
fn a_thousand_connections_have_ports_of_their_own() {
    let lab = Lab::new();
    lab.sim.block_on(async {
        let (mut listener, addr) = lab.listen().await;
        let mut open = Vec::new();
        let mut ports = std::collections::HashSet::new();
        for _ in 0..1_000 {
            let near = lab.connect(addr).await.unwrap();
            ports.insert(near.local_addr().unwrap().port());
            open.push((near, listener.accept().await.unwrap()));
        }
        assert_eq!(ports.len(), 1_000);
        drop(open);
        // Ports that are free again are given out again: there are 16384.
        for _ in 0..20_000 {
            let near = lab.connect(addr).await.unwrap();
            drop((near, listener.accept().await.unwrap()));
        }
    });
}

#[test]
fn a_unix_socket_is_of_one_host_and_of_no_file() {
    let lab = Lab::new();
    lab.sim.block_on(async {
        let listener = bind_socket("/run/app.sock").runtime(lab.server.clone());
        let mut listener = listener.listen().await.unwrap();
        assert!(!std::path::Path::new("/run/app.sock").exists());
        let path = || std::path::PathBuf::from("/run/app.sock");
        let elsewhere = lab.client.backend().connect_unix(path()).await;
        assert_eq!(
            elsewhere.map(drop).unwrap_err().kind(),
            io::ErrorKind::NotFound
        );
        let near = lab.server.backend().connect_unix(path()).await;
        let mut near = Stream::from_raw(near.unwrap());
        let (mut far, _) = listener.accept().await.unwrap();
        write(&mut near, b"hello").await;
        assert_eq!(read_exact(&mut far, 5).await.unwrap(), b"hello");
        // A bad network does not concern it.
        lab.sim.network().partition(SERVER, SERVER);
        lab.sim.network().cut_all();
        write(&mut far, b"hello").await;
        assert_eq!(read_exact(&mut near, 5).await.unwrap(), b"hello");
    });
    assert_eq!(lab.sim.elapsed(), Duration::ZERO);
}

#[test]
fn what_needs_the_real_system_is_unsupported() {
    let sim = Simulation::new(1);
    sim.block_on(async {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let runtime = Runtime::current().unwrap();
        let error = runtime.backend().adopt_tcp_listener(listener).map(drop);
        assert_eq!(error.unwrap_err().kind(), io::ErrorKind::Unsupported);
        let socket = bind_socket("127.0.0.1:0").configure(|_| Ok(()));
        assert!(socket.listen().await.is_err());
    });
}
