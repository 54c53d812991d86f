//! What goes wrong on the network. Each test shows that it does not without the condition.

use std::io;

use aiomisc::adapters::simulation::{CONNECT_TIMEOUT, Conditions, HELD_UP, WINDOW};
use aiomisc::net::DatagramSocket;
use aiomisc::time;

use super::streams::write_until_full;
use super::*;

/// Sends numbered datagrams from the client to the server, a millisecond apart, and gives what
/// arrives, with the moments since the first was sent.
fn datagrams(conditions: Conditions, count: u8) -> Vec<(u8, Duration)> {
    let lab = Lab::new();
    lab.sim.network().set(conditions);
    lab.sim.block_on(async {
        let (mut one, mut two, to) = sockets(&lab).await;
        let start = lab.sim.elapsed();
        let sending = lab.client.spawn(async move {
            for number in 0..count {
                two.send_to(&[number], &to).await.unwrap();
                time::sleep(ms(1)).await;
            }
        });
        let mut arrived = Vec::new();
        let mut buf = [0];
        while let Ok(received) = time::timeout(secs(10), one.recv_from(&mut buf)).await {
            received.unwrap();
            arrived.push((buf[0], lab.sim.elapsed() - start));
        }
        sending.await.unwrap();
        arrived
    })
}

async fn sockets(lab: &Lab) -> (DatagramSocket, DatagramSocket, aiomisc::net::Addr) {
    let one = bind_socket("0.0.0.0:53").runtime(lab.server.clone());
    let two = bind_socket("0.0.0.0:0").runtime(lab.client.clone());
    let to = SocketAddr::new(SERVER, 53).into();
    (
        one.datagram().await.unwrap(),
        two.datagram().await.unwrap(),
        to,
    )
}

fn ideal(count: u8) -> Vec<(u8, Duration)> {
    (0..count)
        .map(|number| (number, ms(u64::from(number))))
        .collect()
}

// ---- conditions ----

#[test]
fn without_conditions_everything_arrives_at_once_and_in_order() {
    assert_eq!(datagrams(Conditions::new(), 100), ideal(100));
}

#[test]
fn latency_delays_everything_by_exactly_that() {
    let late: Vec<_> = ideal(20)
        .into_iter()
        .map(|(n, at)| (n, at + ms(30)))
        .collect();
    assert_eq!(datagrams(Conditions::new().latency(ms(30)), 20), late);

    let lab = Lab::new();
    let net = lab.sim.network();
    net.set_between(SERVER, CLIENT, Conditions::new().latency(ms(30)));
    lab.sim.block_on(async {
        let (mut listener, addr) = lab.listen().await;
        let (near, took) = lab.timed(lab.connect(addr)).await;
        assert_eq!(took, ms(60));
        let (mut far, mut near) = (listener.accept().await.unwrap().0, near.unwrap());
        let exchange = async {
            write(&mut near, b"ping").await;
            read_exact(&mut far, 4).await.unwrap();
            write(&mut far, b"pong").await;
            read_exact(&mut near, 4).await.unwrap();
        };
        assert_eq!(lab.timed(exchange).await.1, ms(60));
        let refused = lab.timed(lab.connect((SERVER, 81).into())).await;
        assert_eq!(
            refused.0.unwrap_err().kind(),
            io::ErrorKind::ConnectionRefused
        );
        assert_eq!(refused.1, ms(60));
        // Only between these two.
        let other = aiomisc::net::connect(addr);
        assert_eq!(lab.timed(other).await.1, Duration::ZERO);
    });
}

#[test]
fn latency_from_a_range_keeps_the_order() {
    let conditions = Conditions::new().latency_between(ms(5)..=ms(50));
    let arrived = datagrams(conditions, 200);
    let numbers: Vec<_> = arrived.iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, (0..200).collect::<Vec<u8>>());
    let lags: Vec<_> = arrived
        .iter()
        .map(|(number, at)| *at - ms(u64::from(*number)))
        .collect();
    assert!(
        lags.iter().all(|lag| (ms(5)..=ms(50)).contains(lag)),
        "{lags:?}"
    );
    assert!(lags.iter().any(|lag| *lag != lags[0]));
}

#[test]
fn bandwidth_is_shared_by_all_and_exact() {
    let lab = Lab::new();
    let transfer = async |count: usize| {
        let (mut listener, addr) = lab.listen().await;
        let near = lab.connect(addr).await.unwrap();
        let mut far = listener.accept().await.unwrap().0;
        let sending = lab.client.spawn(async move {
            let mut near = near;
            write(&mut near, &vec![0; count]).await;
        });
        read_exact(&mut far, count).await.unwrap();
        sending.await.unwrap();
        drop(listener);
    };
    lab.sim.block_on(async {
        assert_eq!(lab.timed(transfer(1_000_000)).await.1, Duration::ZERO);
        lab.sim.network().set(Conditions::new().bandwidth(100_000));
        assert_eq!(lab.timed(transfer(1_000_000)).await.1, secs(10));
        // Both directions have it, and datagrams have a share.
        let (mut one, mut two, to) = sockets(&lab).await;
        two.send_to(&[0; 50_000], &to).await.unwrap();
        two.send_to(&[0; 10_000], &to).await.unwrap();
        let mut buf = vec![0; 65_536];
        let (_, took) = lab.timed(one.recv_from(&mut buf)).await;
        assert_eq!(took, ms(500));
        let (_, took) = lab.timed(one.recv_from(&mut buf)).await;
        assert_eq!(took, ms(100));
        // What would wait longer than a second is lost.
        for _ in 0..10 {
            two.send_to(&[0; 50_000], &to).await.unwrap();
        }
        let mut arrived = 0;
        while time::timeout(secs(5), one.recv_from(&mut buf))
            .await
            .is_ok()
        {
            arrived += 1;
        }
        assert_eq!(arrived, 3);
    });
}

#[test]
fn loss_takes_its_share_of_the_datagrams_and_nothing_of_streams() {
    let arrived = datagrams(Conditions::new().loss(0.3), 250).len();
    assert!((140..210).contains(&arrived), "{arrived}");
    assert!(datagrams(Conditions::new().loss(1.0), 10).is_empty());

    let lab = Lab::new();
    lab.sim.network().set(Conditions::new().loss(1.0));
    lab.sim.block_on(async {
        let (mut near, mut far) = lab.pair().await;
        write(&mut near, b"whole").await;
        assert_eq!(read_exact(&mut far, 5).await.unwrap(), b"whole");
    });
}

#[test]
fn reordering_lets_later_datagrams_overtake() {
    let arrived = datagrams(Conditions::new().reorder(0.2), 200);
    let mut numbers: Vec<_> = arrived.iter().map(|(number, _)| *number).collect();
    assert!(!numbers.is_sorted());
    let late = arrived
        .iter()
        .map(|(number, at)| *at - ms(u64::from(*number)));
    assert!(late.max().unwrap() <= HELD_UP);
    numbers.sort_unstable();
    assert_eq!(numbers, (0..200).collect::<Vec<u8>>());
}

#[test]
fn duplication_gives_some_twice() {
    let arrived = datagrams(Conditions::new().duplicate(0.2), 200);
    assert!((220..265).contains(&arrived.len()), "{}", arrived.len());
    let mut numbers: Vec<_> = arrived.iter().map(|(number, _)| *number).collect();
    numbers.dedup();
    assert_eq!(numbers, (0..200).collect::<Vec<u8>>());
}

// ---- partitions ----

#[test]
fn a_partition_holds_streams_and_loses_datagrams_until_it_heals() {
    let lab = Lab::new();
    let net = lab.sim.network();
    lab.sim.block_on(async {
        let (mut near, mut far) = lab.pair().await;
        let (mut one, mut two, to) = sockets(&lab).await;
        net.partition(CLIENT, SERVER);
        net.after(secs(30), |net| net.heal(SERVER, CLIENT));
        write(&mut near, b"held").await;
        write(&mut near, b" and in order").await;
        two.send_to(b"lost", &to).await.unwrap();
        let (data, took) = lab.timed(read_exact(&mut far, 17)).await;
        assert_eq!(
            (data.unwrap(), took),
            (b"held and in order".to_vec(), secs(30))
        );
        two.send_to(b"there", &to).await.unwrap();
        let mut buf = [0; 8];
        let received = one.recv_from(&mut buf).await.unwrap();
        assert_eq!(&buf[..received.len], b"there");
    });
}

#[test]
fn a_partition_holds_what_is_under_way_and_the_end_of_a_stream() {
    let lab = Lab::new();
    let net = lab.sim.network();
    net.set(Conditions::new().latency_between(ms(10)..=ms(90)));
    lab.sim.block_on(async {
        let (mut near, mut far) = lab.pair().await;
        for number in 0..50_u8 {
            near.write_all(&[number]).await.unwrap();
        }
        drop(near);
        time::sleep(ms(30)).await;
        net.partition(SERVER, CLIENT);
        time::sleep(secs(1)).await;
        net.heal(SERVER, CLIENT);
        net.partition(SERVER, CLIENT);
        time::sleep(secs(1)).await;
        net.heal_all();
        let mut all = Vec::new();
        far.read_to_end(&mut all).await.unwrap();
        assert_eq!(all, (0..50).collect::<Vec<u8>>());
    });
}

#[test]
fn a_partition_concerns_those_two_only() {
    let lab = Lab::new();
    lab.sim.block_on(async {
        let (_listener, addr) = lab.listen().await;
        lab.sim.network().partition(SERVER, CLIENT);
        aiomisc::net::connect(addr).await.unwrap();
        lab.sim.network().isolate(SERVER);
        let limit = time::timeout(secs(100), aiomisc::net::connect(addr)).await;
        assert!(limit.is_err());
        // It reaches itself.
        lab.server.backend().connect_tcp(addr).await.unwrap();
        lab.sim.network().rejoin(SERVER);
        aiomisc::net::connect(addr).await.unwrap();
    });
}

#[test]
fn a_connect_into_a_partition_is_tried_again_and_given_up_in_the_end() {
    let lab = Lab::new();
    let net = lab.sim.network();
    lab.sim.block_on(async {
        let (_listener, addr) = lab.listen().await;
        net.partition(SERVER, CLIENT);
        let (outcome, took) = lab.timed(lab.connect(addr)).await;
        assert_eq!(outcome.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert_eq!(took, CONNECT_TIMEOUT);
        // The tries are 1, 3, 7 … seconds after the first.
        net.after(secs(5), |net| net.heal(SERVER, CLIENT));
        let (outcome, took) = lab.timed(lab.connect(addr)).await;
        outcome.unwrap();
        assert_eq!(took, secs(7));
    });
}

#[test]
fn a_host_may_be_parted_from_itself() {
    let sim = Simulation::new(1);
    let localhost = IpAddr::from([127, 0, 0, 1]);
    sim.block_on(async {
        let listener = bind_socket("127.0.0.1:80").listen().await.unwrap();
        let addr = listener.local_addr().unwrap().inet().unwrap();
        sim.network().partition(localhost, localhost);
        let limit = time::timeout(secs(60), aiomisc::net::connect(addr)).await;
        assert!(limit.is_err());
        sim.network().heal(localhost, localhost);
        aiomisc::net::connect(addr).await.unwrap();
    });
}

// ---- cuts, and peers that vanish ----

#[test]
fn a_cut_resets_what_is_connected_at_both_ends() {
    let lab = Lab::new();
    lab.sim.block_on(async {
        let (mut listener, addr) = lab.listen().await;
        let mut near = lab.connect(addr).await.unwrap();
        let (mut far, _) = listener.accept().await.unwrap();
        let mut other = aiomisc::net::connect(addr).await.unwrap();
        let (mut other_far, _) = listener.accept().await.unwrap();
        write(&mut near, b"arrived").await;
        lab.sim.network().cut(SERVER, CLIENT);
        assert_eq!(read_exact(&mut far, 7).await.unwrap(), b"arrived");
        for stream in [&mut near, &mut far] {
            let error = stream.read(&mut [0]).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
            assert!(stream.write(b"x").await.is_err());
        }
        // Others are not concerned, and new ones neither.
        write(&mut other, b"x").await;
        read_exact(&mut other_far, 1).await.unwrap();
        lab.connect(addr).await.unwrap();
    });
}

#[test]
fn a_cut_wakes_who_reads_writes_and_connects() {
    let lab = Lab::new();
    let net = lab.sim.network();
    net.set(Conditions::new().latency(ms(10)));
    lab.sim.block_on(async {
        let (mut near, mut far) = lab.pair().await;
        write_until_full(&mut near).await;
        net.after(ms(5), |net| net.cut_all());
        let writing = near.write(b"x");
        let connecting = lab.connect((SERVER, 80).into());
        let mut buf = [0];
        let reading = far.read(&mut buf);
        let (writing, connecting, reading) = futures::join!(writing, connecting, reading);
        for error in [
            writing.unwrap_err(),
            connecting.unwrap_err(),
            reading.unwrap_err(),
        ] {
            assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        }
    });
}

#[test]
fn a_peer_that_vanishes_leaves_a_stream_half_open() {
    let lab = Lab::new();
    lab.sim.block_on(async {
        let (mut near, mut far) = lab.pair().await;
        write(&mut near, b"before").await;
        lab.sim.network().vanish(SERVER, CLIENT);
        // Writes are taken until the window is full; nothing arrives, and nobody is told.
        assert_eq!(write_until_full(&mut near).await, WINDOW - 6);
        assert_eq!(read_exact(&mut far, 6).await.unwrap(), b"before");
        let nothing = time::timeout(secs(86_400), far.read(&mut [0])).await;
        assert!(nothing.is_err());
        drop(far);
        let nothing = time::timeout(secs(86_400), near.read(&mut [0])).await;
        assert!(nothing.is_err());
        assert!(futures::poll!(near.write(b"x")).is_pending());
    });
    // Without it both would have ended.
    let lab = Lab::new();
    lab.sim.block_on(async {
        let (mut near, far) = lab.pair().await;
        drop(far);
        assert_eq!(near.read(&mut [0]).await.unwrap(), 0);
    });
}

// ---- the schedule ----

#[test]
fn changes_happen_at_their_moments() {
    let lab = Lab::new();
    let net = lab.sim.network();
    net.at(secs(10), |net| {
        net.set(Conditions::new().latency(ms(100)));
        net.after(secs(10), |net| net.set(Conditions::new()));
    });
    lab.sim.block_on(async {
        let (mut near, mut far) = lab.pair().await;
        for (at, latency) in [(5, 0), (10, 0), (11, 100), (19, 100), (21, 0)] {
            time::sleep(secs(at) - lab.sim.elapsed()).await;
            if at == 10 {
                // The change was planned before this wait, and comes first.
                continue;
            }
            write(&mut near, b"x").await;
            let (_, took) = lab.timed(read_exact(&mut far, 1)).await;
            assert_eq!(took, ms(latency), "at {at} s");
        }
        // What is over happens at once.
        net.at(secs(1), |net| net.set(Conditions::new().latency(ms(7))));
        time::sleep(ms(1)).await;
        write(&mut near, b"x").await;
        assert_eq!(lab.timed(read_exact(&mut far, 1)).await.1, ms(7));
    });
}
