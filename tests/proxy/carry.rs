//! What goes through without trouble.

use std::io;

use aiomisc::spawn;

use super::*;

/// Bytes whose place can be told.
fn pattern(count: usize, seed: u8) -> Vec<u8> {
    let byte = |i: usize| (i.wrapping_mul(31) >> 3) as u8 ^ seed;
    (0..count).map(byte).collect()
}

async fn send_all(mut stream: impl futures::AsyncWrite + Unpin, data: Vec<u8>) {
    stream.write_all(&data).await.unwrap();
    stream.close().await.unwrap();
}

async fn receive_all(mut stream: impl futures::AsyncRead + Unpin) -> Vec<u8> {
    let mut data = Vec::new();
    stream.read_to_end(&mut data).await.unwrap();
    data
}

/// Sends a mebibyte each way at the same time, and looks at every byte.
async fn a_mebibyte_each_way(lab: &mut Lab) {
    const COUNT: usize = 1024 * 1024;
    let (client, server) = lab.pair().await;
    let (to_server, to_client) = (pattern(COUNT, 1), pattern(COUNT, 2));
    let before = lab.proxy.statistics();
    let (client_reads, client_writes) = client.split();
    let (server_reads, server_writes) = server.split();
    let tasks = [
        spawn(send_all(client_writes, to_server.clone())),
        spawn(send_all(server_writes, to_client.clone())),
    ];
    let received = [
        spawn(receive_all(server_reads)),
        spawn(receive_all(client_reads)),
    ];
    for task in tasks {
        task.await.unwrap();
    }
    for (received, sent) in received.into_iter().zip([to_server, to_client]) {
        assert!(received.await.unwrap() == sent, "every byte in its place");
    }
    lab.proxy.wait_disconnected().await;
    let after = lab.proxy.statistics();
    assert_eq!(after.read - before.read, COUNT as u64);
    assert_eq!(after.written - before.written, COUNT as u64);
}

#[aiomisc::test(runtimes(all), timeout = "60s")]
async fn a_mebibyte_goes_each_way_byte_for_byte() {
    let mut lab = Lab::new().await;
    a_mebibyte_each_way(&mut lab).await;
}

/// At rates where it takes some hundredths of a second; another one for each way.
#[aiomisc::test(runtimes(all), timeout = "60s")]
async fn a_mebibyte_goes_each_way_byte_for_byte_under_limits() {
    let mut lab = Lab::new().await;
    lab.proxy.set_read_rate(32 * 1024 * 1024);
    lab.proxy.set_write_rate(64 * 1024 * 1024);
    lab.proxy.set_read_delay(ms(2));
    a_mebibyte_each_way(&mut lab).await;
}

/// Settings change all the time while bytes are on their way. The sleeps only spread the changes:
/// whenever they come, every byte arrives.
#[aiomisc::test(runtimes(all), timeout = "60s")]
async fn a_mebibyte_goes_each_way_while_everything_is_changed() {
    let mut lab = Lab::new().await;
    let proxy = TcpProxy::start(lab.proxy.addr()).await.unwrap();
    let changing = {
        // Outside of the proxy that the bytes go through first.
        let inner = std::mem::replace(&mut lab.proxy, proxy);
        spawn(async move {
            let rates = [None, Some(20_000_000), Some(3_000_000), Some(0), None];
            for round in 0..50 {
                let rate = rates[round % rates.len()];
                inner.set_read_rate(rate);
                inner.set_write_rate(rates[(round + 2) % rates.len()]);
                let slow = inner.slowdown(ms(round as u64 % 3), ms(round as u64 % 2));
                aiomisc::time::sleep(ms(1)).await;
                drop(slow);
            }
            inner.set_read_rate(None);
            inner.set_write_rate(None);
            inner
        })
    };
    a_mebibyte_each_way(&mut lab).await;
    let inner = changing.await.unwrap();
    inner.wait_disconnected().await;
}

#[aiomisc::test(runtimes(all))]
async fn one_way_ends_and_the_other_goes_on() {
    for client_first in [true, false] {
        let mut lab = Lab::new().await;
        let (client, server) = lab.pair().await;
        let (mut one, mut other) = match client_first {
            true => (client, server),
            false => (server, client),
        };
        one.write_all(b"a question").await.unwrap();
        one.close().await.unwrap();
        assert_eq!(read_to_end(&mut other).await, b"a question");
        say(&mut other, &mut one, b"an answer").await;
        assert_eq!(lab.proxy.connections(), 1);
        other.close().await.unwrap();
        assert_eq!(read_to_end(&mut one).await, b"");
        lab.proxy.wait_disconnected().await;
    }
}

#[aiomisc::test(runtimes(all))]
async fn a_reset_of_one_end_is_one_for_the_other_after_what_came_before() {
    for client_first in [true, false] {
        let mut lab = Lab::new().await;
        let (client, server) = lab.pair().await;
        let (mut one, mut other) = match client_first {
            true => (client, server),
            false => (server, client),
        };
        one.write_all(b"last words").await.unwrap();
        assert_eq!(read_exact(&mut other, 4).await, b"last");
        one.reset_on_drop().unwrap();
        drop(one);
        let mut rest = Vec::new();
        let error = other.read_to_end(&mut rest).await.unwrap_err();
        assert_eq!(rest, b" words");
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        lab.proxy.wait_disconnected().await;
        assert!(lab.proxy.last_error().is_none(), "it is no fault of ours");
    }
}

#[aiomisc::test(runtimes(all))]
async fn connections_are_counted_and_waited_for() {
    let mut lab = Lab::new().await;
    lab.proxy.wait_connected(0).await;
    lab.proxy.wait_disconnected().await;
    let (first, _first) = lab.pair().await;
    let (_second, second) = lab.pair().await;
    lab.proxy.wait_connected(2).await;
    assert_eq!(lab.proxy.connections(), 2);
    let mut third = Box::pin(lab.proxy.wait_connected(3));
    assert!(futures::poll!(&mut third).is_pending());
    drop(third);
    drop((first, _first, second, _second));
    lab.proxy.wait_disconnected().await;
    assert_eq!(lab.proxy.statistics().accepted, 2);
    let text = format!("{:?}", lab.proxy);
    assert!(text.contains(&lab.proxy.addr().to_string()), "{text}");
}

/// The target may be a Unix socket, or a name.
#[cfg(unix)]
#[aiomisc::test(runtimes(all))]
async fn a_target_is_any_address() {
    let folder = shared::Folder::new();
    let path = folder.join("server.sock");
    let mut server = bind_socket(path.as_path()).listen().await.unwrap();
    let proxy = TcpProxy::start(path.as_path()).await.unwrap();
    assert_eq!(proxy.target(), &path.as_path().into());
    let mut client = connect(proxy.addr()).await.unwrap();
    let (mut there, _) = server.accept().await.unwrap();
    say(&mut client, &mut there, b"hello").await;
    proxy.close().await;
}

/// Whoever writes faster than the other end reads waits: for 64 KiB of ours, and the windows of the two
/// connections, of 64 KiB each in a simulation.
#[cfg(all(unix, feature = "simulation"))]
#[aiomisc::test(simulation)]
async fn a_writer_waits_for_the_reader_at_the_other_end() {
    for (delay, most) in [(ms(0), 3 * 65_536), (ms(5), 18 * 65_536)] {
        let mut lab = Lab::new().await;
        lab.proxy.set_read_delay(delay);
        let (mut client, mut server) = lab.pair().await;
        let (data, mut written) = (pattern(65_536, 3), 0);
        for _ in 0..100 {
            while let std::task::Poll::Ready(count) = futures::poll!(client.write(&data)) {
                written += count.unwrap();
            }
            aiomisc::time::sleep(ms(1)).await;
        }
        assert_eq!(written, most, "with a delay of {delay:?}");
        let reading = spawn(async move { read_to_end(&mut server).await.len() });
        client.close().await.unwrap();
        assert_eq!(reading.await.unwrap(), written);
    }
}
