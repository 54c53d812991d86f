//! Cuts, refusals, targets that are not there, and the end of the proxy.

use std::error::Error;
use std::io::ErrorKind;

use aiomisc::services;
use aiomisc::testing::{ProxyError, ReservedPort, reserved_port};
use smol::future::yield_now;

use super::*;

async fn reset_is_read(stream: &mut Stream) {
    let error = stream.read(&mut [0]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}

#[aiomisc::test(runtimes(all))]
async fn a_cut_ends_all_connections_at_both_ends_and_no_later_one() {
    let mut lab = Lab::new().await;
    assert_eq!(lab.proxy.disconnect_all().await, 0);
    let (mut client, mut server) = lab.pair().await;
    let (mut other, mut other_server) = lab.pair().await;
    say(&mut client, &mut server, b"hello").await;
    lab.proxy.wait_connected(2).await;
    assert_eq!(lab.proxy.disconnect_all().await, 2);
    assert_eq!(lab.proxy.connections(), 0);
    for stream in [&mut client, &mut server, &mut other, &mut other_server] {
        assert_eq!(read_to_end(stream).await, b"");
    }
    let (mut client, mut server) = lab.pair().await;
    say(&mut client, &mut server, b"again").await;
    assert!(lab.proxy.last_error().is_none());
}

#[aiomisc::test(runtimes(all))]
async fn a_hard_cut_resets_both_ends() {
    let mut lab = Lab::new().await;
    let (mut client, mut server) = lab.pair().await;
    say(&mut server, &mut client, b"hello").await;
    assert_eq!(lab.proxy.reset_all().await, 1);
    reset_is_read(&mut client).await;
    reset_is_read(&mut server).await;
    let (mut client, mut server) = lab.pair().await;
    say(&mut client, &mut server, b"again").await;
}

/// What is under way is lost, whether it waits for its time or for its reader.
#[aiomisc::test(runtimes(all))]
async fn a_cut_loses_what_is_under_way() {
    let mut lab = Lab::new().await;
    lab.proxy.set_read_delay(Duration::MAX);
    let (mut client, mut server) = lab.pair().await;
    client.write_all(b"never heard").await.unwrap();
    say(&mut server, &mut client, b"hello").await;
    lab.proxy.disconnect_all().await;
    // Bytes that the proxy had not read yet make the system say so by a reset.
    let mut heard = Vec::new();
    let _ = server.read_to_end(&mut heard).await;
    assert_eq!(heard, b"");
    let mut heard = Vec::new();
    let _ = client.read_to_end(&mut heard).await;
    assert_eq!(heard, b"");
}

/// Whoever is connected by then is cut, whether the proxy has heard of it or not.
#[aiomisc::test(runtimes(all))]
async fn a_cut_finds_those_that_were_not_accepted_yet() {
    let lab = Lab::new().await;
    let mut clients = Vec::new();
    for _ in 0..20 {
        clients.push(connect(lab.proxy.addr()).await.unwrap());
    }
    lab.proxy.disconnect_all().await;
    for mut client in clients {
        assert_eq!(read_to_end(&mut client).await, b"");
    }
    assert_eq!(lab.proxy.connections(), 0);
    // It goes on accepting.
    connect(lab.proxy.addr()).await.unwrap();
    lab.proxy.wait_connected(1).await;
}

#[aiomisc::test(runtimes(all))]
async fn who_comes_is_refused_and_later_welcome_on_the_same_port() {
    let mut lab = Lab::new().await;
    let (mut client, mut server) = lab.pair().await;
    for _ in 0..3 {
        lab.proxy.refuse_connections(true).unwrap();
        lab.proxy.refuse_connections(true).unwrap();
        let error = connect(lab.proxy.addr()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        // Who is in stays in.
        say(&mut client, &mut server, b"still here").await;
        lab.proxy.refuse_connections(false).unwrap();
        lab.proxy.refuse_connections(false).unwrap();
        let (mut late, mut late_server) = lab.pair().await;
        say(&mut late, &mut late_server, b"hello").await;
    }
}

#[aiomisc::test(runtimes(all))]
async fn a_target_that_is_not_there_is_reported_and_may_come() {
    let reserved = reserved_port().unwrap();
    let target = reserved.addr();
    let proxy = TcpProxy::start(target).await.unwrap();
    let mut client = connect(proxy.addr()).await.unwrap();
    assert_eq!(read_to_end(&mut client).await, b"");
    let error = proxy.last_error().unwrap();
    assert_eq!(
        error.to_string(),
        "the target of the proxy cannot be reached"
    );
    let cause = error.source().unwrap().to_string();
    assert_eq!(cause, format!("cannot connect to tcp://{target}"));
    let ProxyError::Unreachable(error) = error else {
        panic!("{error:?}");
    };
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    assert_eq!(proxy.connections(), 0);

    let server = bind_socket(target).listen().await.unwrap();
    let mut lab = Lab { server, proxy };
    let (mut client, mut server) = lab.pair().await;
    say(&mut client, &mut server, b"hello").await;
}

#[aiomisc::test(runtimes(all))]
async fn a_port_that_is_taken_is_an_error() {
    let taken = listen().await;
    let addr = addr_of(&taken);
    let proxy = TcpProxy::builder(addr).listen_on(addr);
    let error = proxy.start().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AddrInUse);
}

/// With bytes under way both ways, and clients of every kind. Nobody else gets its port.
async fn busy() -> (TcpProxy, Vec<Stream>, ReservedPort) {
    let server = listen().await;
    let port = reserved_port().unwrap();
    let proxy = TcpProxy::builder(addr_of(&server)).listen_on(port.addr());
    let proxy = proxy.start().await.unwrap();
    let mut lab = Lab { server, proxy };
    lab.proxy.set_read_delay(Duration::from_secs(3600));
    lab.proxy.set_write_rate(1);
    let mut streams = Vec::new();
    for _ in 0..3 {
        let (mut client, mut server) = lab.pair().await;
        client.write_all(&[1; 10_000]).await.unwrap();
        server.write_all(&[2; 10_000]).await.unwrap();
        streams.extend([client, server]);
    }
    streams.push(connect(lab.proxy.addr()).await.unwrap());
    (lab.proxy, streams, port)
}

async fn ends(mut stream: Stream) {
    let mut buf = [0; 1024];
    // By its end, or by a reset where the proxy has not read all of it.
    while stream.read(&mut buf).await.is_ok_and(|count| count > 0) {}
}

#[aiomisc::test(runtimes(all), services = services![])]
async fn a_proxy_that_is_closed_leaves_nothing() {
    let entrypoint = aiomisc::Entrypoint::current().unwrap();
    assert_eq!(entrypoint.tasks().len(), 0);
    let (proxy, streams, _port) = busy().await;
    assert!(entrypoint.tasks().len() > 3);
    let addr = proxy.addr();
    proxy.close().await;
    // A connection that was over by itself may be listed for a moment longer.
    while !entrypoint.tasks().is_empty() {
        yield_now().await;
    }
    let error = connect(addr).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    for stream in streams {
        ends(stream).await;
    }
}

#[aiomisc::test(runtimes(all), services = services![])]
async fn a_proxy_that_is_dropped_leaves_nothing_soon() {
    let entrypoint = aiomisc::Entrypoint::current().unwrap();
    for closing in [false, true] {
        let (proxy, streams, _port) = busy().await;
        let addr = proxy.addr();
        if closing {
            // The same for a close that nobody waits for.
            let _ = futures::poll!(Box::pin(proxy.close()));
        } else {
            drop(proxy);
        }
        // It listens no more at once, and the rest is soon over.
        let error = connect(addr).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        for stream in streams {
            ends(stream).await;
        }
        while !entrypoint.tasks().is_empty() {
            yield_now().await;
        }
    }
}
