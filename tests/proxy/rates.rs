//! Rates: how long bytes take, exactly, in simulated time.

use std::time::Duration;

use aiomisc::{Runtime, spawn, time};

use super::*;

/// How long these bytes take from one end to the other; the sender writes them at once.
async fn transfer(from: &mut Stream, to: &mut Stream, count: usize) -> Duration {
    let runtime = Runtime::current().unwrap();
    let begun = runtime.now();
    let data = vec![7; count];
    let (written, read) = futures::join!(from.write_all(&data), read_exact(to, count));
    written.unwrap();
    assert!(read == data);
    runtime.now() - begun
}

#[aiomisc::test(simulation, seeds = 20)]
async fn bytes_take_their_time_each_way() {
    let mut lab = Lab::new().await;
    lab.proxy.set_read_rate(1024 * 1024);
    lab.proxy.set_write_rate(256 * 1024);
    let (mut client, mut server) = lab.pair().await;
    let up = transfer(&mut client, &mut server, 1024 * 1024).await;
    assert_eq!(up, Duration::from_secs(1));
    // Time that nobody uses is not saved up.
    time::sleep(Duration::from_secs(5)).await;
    let down = transfer(&mut server, &mut client, 512 * 1024).await;
    assert_eq!(down, Duration::from_secs(2));
    let up = transfer(&mut client, &mut server, 512 * 1024).await;
    assert_eq!(up, ms(500));
    lab.proxy.set_write_rate(None);
    let down = transfer(&mut server, &mut client, 1024 * 1024).await;
    assert_eq!(down, ms(0));
}

/// Bytes flow: after a tenth of the time a tenth is there.
#[aiomisc::test(simulation, seeds = 20)]
async fn bytes_come_a_hundredth_of_a_second_at_a_time() {
    let mut lab = Lab::new().await;
    lab.proxy.set_write_rate(100_000);
    let (mut client, mut server) = lab.pair().await;
    let writing = spawn(async move { server.write_all(&[1; 50_000]).await });
    let runtime = Runtime::current().unwrap();
    let begun = runtime.now();
    for piece in 1..=50 {
        assert_eq!(read_exact(&mut client, 1_000).await, [1; 1_000]);
        assert_eq!(runtime.now() - begun, ms(10 * piece));
    }
    writing.await.unwrap().unwrap();

    // A rate below a hundred bytes goes byte by byte.
    lab.proxy.set_write_rate(4);
    let (mut client, mut server) = lab.pair().await;
    let taken = transfer(&mut server, &mut client, 6).await;
    assert_eq!(taken, ms(1_500));
}

/// Each connection has a link of its own.
#[aiomisc::test(simulation, seeds = 20)]
async fn connections_do_not_share_a_rate() {
    let mut lab = Lab::new().await;
    lab.proxy.set_read_rate(10_000);
    let (mut one, mut one_there) = lab.pair().await;
    let (mut two, mut two_there) = lab.pair().await;
    let taken = futures::join!(
        transfer(&mut one, &mut one_there, 5_000),
        transfer(&mut two, &mut two_there, 10_000)
    );
    assert_eq!(taken, (ms(500), ms(1_000)));
}

#[aiomisc::test(simulation, seeds = 20)]
async fn the_last_byte_has_the_delay_as_well() {
    let mut lab = Lab::new().await;
    lab.proxy.set_read_rate(100_000);
    lab.proxy.set_read_delay(ms(100));
    let (mut client, mut server) = lab.pair().await;
    let taken = transfer(&mut client, &mut server, 10_000).await;
    assert_eq!(taken, ms(200));
}

/// Half of it at one rate, and half at twice that. What is in the middle of its way begins anew.
#[aiomisc::test(simulation, seeds = 50)]
async fn a_rate_changes_in_the_middle_of_a_transfer() {
    let mut lab = Lab::new().await;
    lab.proxy.set_read_rate(100_000);
    let (mut client, mut server) = lab.pair().await;
    let changing = async {
        time::sleep(ms(505)).await;
        lab.proxy.set_read_rate(200_000);
    };
    let transfer = transfer(&mut client, &mut server, 100_000);
    let (taken, ()) = futures::join!(transfer, changing);
    assert_eq!(taken, ms(505 + 250));
}

#[aiomisc::test(simulation, seeds = 50)]
async fn a_rate_of_nothing_holds_everything_back_and_lets_go_in_order() {
    let mut lab = Lab::new().await;
    let (mut client, mut server) = lab.pair().await;
    lab.proxy.set_read_rate(0);
    client.write_all(b"words").await.unwrap();
    client.close().await.unwrap();
    // The other way goes on.
    say(&mut server, &mut client, b"hello").await;
    let reading = async {
        let words = read_to_end(&mut server).await;
        (words, Runtime::current().unwrap().now())
    };
    let letting_go = async {
        time::sleep(Duration::from_secs(3600)).await;
        let now = Runtime::current().unwrap().now();
        lab.proxy.set_read_rate(None);
        now
    };
    let ((words, at), then) = futures::join!(reading, letting_go);
    assert_eq!(words, b"words");
    assert_eq!(at, then);
}

/// What was held back does not come faster for that, once the rate is changed.
#[aiomisc::test(simulation, seeds = 20)]
async fn waiting_saves_nothing_up() {
    let mut lab = Lab::new().await;
    lab.proxy.set_read_delay(Duration::MAX);
    lab.proxy.set_read_rate(1_000);
    let (mut client, mut server) = lab.pair().await;
    let changing = async {
        time::sleep(Duration::from_secs(10)).await;
        lab.proxy.set_read_delay(ms(0));
    };
    let transfer = transfer(&mut client, &mut server, 2_000);
    let (taken, ()) = futures::join!(transfer, changing);
    assert_eq!(taken, Duration::from_secs(12));
}

/// Who did not read for a while gets no more at once than the connections' buffers hold.
#[aiomisc::test(simulation, seeds = 20)]
async fn a_reader_that_comes_back_has_the_same_rate() {
    let mut lab = Lab::new().await;
    lab.proxy.set_read_rate(65_536);
    let (mut client, mut server) = lab.pair().await;
    let writing = spawn(async move {
        client.write_all(&[1; 4 * 65_536]).await.unwrap();
        client
    });
    // The window of the server is full after a second.
    time::sleep(Duration::from_secs(60)).await;
    let runtime = Runtime::current().unwrap();
    let begun = runtime.now();
    read_exact(&mut server, 65_536).await;
    assert_eq!(runtime.now() - begun, ms(0));
    read_exact(&mut server, 3 * 65_536).await;
    let taken = runtime.now() - begun;
    // The piece that was due before goes at once; it is a hundredth of a second long.
    assert!(
        ms(2_980) <= taken && taken <= ms(3_000),
        "{taken:?} for three seconds' worth"
    );
    writing.await.unwrap();
}
