//! Delays: the length of the way, exactly.

use aiomisc::testing::ManualClock;
use futures::poll;

use super::*;
use shared::manual;

/// A lab whose proxy goes by a clock that the test moves.
async fn by_hand() -> (Lab, ManualClock) {
    let (runtime, clock) = manual();
    let server = listen().await;
    let proxy = TcpProxy::builder(addr_of(&server)).runtime(runtime);
    let proxy = proxy.start().await.unwrap();
    (Lab { server, proxy }, clock)
}

/// Whether there is nothing to read yet.
async fn is_silent(stream: &mut Stream) -> bool {
    poll!(stream.read(&mut [0])).is_pending()
}

#[aiomisc::test(runtimes(all))]
async fn a_delay_holds_for_its_way_alone() {
    let (mut lab, clock) = by_hand().await;
    let (mut client, mut server) = lab.pair().await;
    lab.proxy.set_read_delay(ms(100));
    say(&mut server, &mut client, b"at once").await;

    client.write_all(b"later").await.unwrap();
    clock.wait_until_pending(1).await;
    clock.advance(ms(99));
    assert!(is_silent(&mut server).await);
    clock.advance(ms(1));
    assert_eq!(read_exact(&mut server, 5).await, b"later");

    lab.proxy.set_read_delay(Duration::ZERO);
    lab.proxy.set_write_delay(ms(200));
    say(&mut client, &mut server, b"at once").await;
    server.write_all(b"later").await.unwrap();
    clock.wait_until_pending(1).await;
    clock.advance(ms(199));
    assert!(is_silent(&mut client).await);
    clock.advance(ms(1));
    assert_eq!(read_exact(&mut client, 5).await, b"later");
}

#[aiomisc::test(runtimes(all))]
async fn the_end_is_under_way_as_long_as_the_rest() {
    let (mut lab, clock) = by_hand().await;
    lab.proxy.set_read_delay(ms(100));
    let (mut client, mut server) = lab.pair().await;
    client.close().await.unwrap();
    clock.wait_until_pending(1).await;
    clock.advance(ms(99));
    assert!(is_silent(&mut server).await);
    clock.advance(ms(1));
    assert_eq!(read_to_end(&mut server).await, b"");
}

/// A change is one for what is under way as well: it arrives then, or when it is overdue at once.
#[aiomisc::test(runtimes(all))]
async fn a_delay_that_is_changed_holds_for_what_is_under_way() {
    let (mut lab, clock) = by_hand().await;
    let (mut client, mut server) = lab.pair().await;
    for (first, then) in [(100, 70), (100, 40), (60, 300)] {
        lab.proxy.set_read_delay(ms(first));
        client.write_all(b"word").await.unwrap();
        clock.wait_until_pending(1).await;
        clock.advance(ms(50));
        assert!(is_silent(&mut server).await);
        lab.proxy.set_read_delay(ms(then));
        if then > 50 {
            clock.wait_until_next_in(ms(then - 50)).await;
            clock.advance(ms(then - 51));
            assert!(is_silent(&mut server).await, "{first} ms, then {then} ms");
            clock.advance(ms(1));
        }
        assert_eq!(read_exact(&mut server, 4).await, b"word");
    }
}

#[aiomisc::test(runtimes(all))]
async fn a_slowdown_ends_with_its_guard() {
    let (mut lab, clock) = by_hand().await;
    let (mut client, mut server) = lab.pair().await;
    lab.proxy.set_write_delay(ms(5));
    {
        let _slow = lab.proxy.slowdown(ms(100), ms(200));
        {
            let _slower = lab.proxy.slowdown(ms(1_000), ms(2_000));
            client.write_all(b"a").await.unwrap();
            clock.wait_until_pending(1).await;
            clock.advance(ms(999));
            assert!(is_silent(&mut server).await);
            clock.advance(ms(1));
            assert_eq!(read_exact(&mut server, 1).await, b"a");
        }
        server.write_all(b"b").await.unwrap();
        clock.wait_until_pending(1).await;
        clock.advance(ms(199));
        assert!(is_silent(&mut client).await);
        clock.advance(ms(1));
        assert_eq!(read_exact(&mut client, 1).await, b"b");
    }
    say(&mut client, &mut server, b"c").await;
    server.write_all(b"d").await.unwrap();
    clock.wait_until_pending(1).await;
    clock.advance(ms(5));
    assert_eq!(read_exact(&mut client, 1).await, b"d");
}

#[aiomisc::test(runtimes(all))]
async fn a_connection_that_is_opened_under_a_delay_has_it() {
    let server = listen().await;
    let (runtime, clock) = manual();
    let proxy = TcpProxy::builder(addr_of(&server))
        .runtime(runtime)
        .delay(ms(10), ms(20))
        .start()
        .await
        .unwrap();
    let mut lab = Lab { server, proxy };
    let (mut client, mut server) = lab.pair().await;
    client.write_all(b"ask").await.unwrap();
    clock.wait_until_pending(1).await;
    assert_eq!(clock.advance_to_next(), Some(ms(10)));
    assert_eq!(read_exact(&mut server, 3).await, b"ask");
    server.write_all(b"answer").await.unwrap();
    clock.wait_until_pending(1).await;
    assert_eq!(clock.advance_to_next(), Some(ms(20)));
    assert_eq!(read_exact(&mut client, 6).await, b"answer");
}

#[cfg(all(unix, feature = "simulation"))]
mod exact {
    use aiomisc::{Runtime, spawn, time};

    use super::*;

    /// Pieces that are sent every 10 ms over a way of 100 ms are ten at a time under way, and each takes
    /// 100 ms, in order.
    #[aiomisc::test(simulation, seeds = 100)]
    async fn a_delay_is_a_length_and_no_pause() {
        let mut lab = Lab::new().await;
        lab.proxy.set_read_delay(ms(100));
        let (mut client, mut server) = lab.pair().await;
        let runtime = Runtime::current().unwrap();
        let begun = runtime.now();
        let writing = spawn(async move {
            for number in 0..50 {
                client.write_all(&[number]).await.unwrap();
                time::sleep(ms(10)).await;
            }
        });
        for number in 0..50 {
            assert_eq!(read_exact(&mut server, 1).await, [number]);
            let taken = runtime.now() - begun;
            assert_eq!(taken, ms(100 + 10 * u64::from(number)));
        }
        writing.await.unwrap();
    }

    #[aiomisc::test(simulation, seeds = 100)]
    async fn a_question_and_its_answer_take_both_delays() {
        let mut lab = Lab::new().await;
        let (mut client, mut server) = lab.pair().await;
        let _slow = lab.proxy.slowdown(ms(100), ms(200));
        let runtime = Runtime::current().unwrap();
        let begun = runtime.now();
        let answering = spawn(async move {
            let word = read_exact(&mut server, 4).await;
            server.write_all(&word).await.unwrap();
        });
        client.write_all(b"word").await.unwrap();
        assert_eq!(read_exact(&mut client, 4).await, b"word");
        answering.await.unwrap();
        assert_eq!(runtime.now() - begun, ms(300));
    }
}
