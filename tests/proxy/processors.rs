//! Processors: what they make of bytes, and what becomes of those that panic.

use std::io::ErrorKind;
use std::sync::Arc;

use super::*;

#[aiomisc::test(runtimes(all))]
async fn bytes_are_changed_each_way_until_the_processors_are_cleared() {
    let mut lab = Lab::new().await;
    let (mut client, mut server) = lab.pair().await;
    lab.proxy
        .set_read_processor(|data| data.to_ascii_uppercase());
    lab.proxy.set_write_processor(|mut data| {
        data.reverse();
        data
    });
    client.write_all(b"question").await.unwrap();
    assert_eq!(read_exact(&mut server, 8).await, b"QUESTION");
    server.write_all(b"answer").await.unwrap();
    assert_eq!(read_exact(&mut client, 6).await, b"rewsna");
    // For connections that come later as well.
    let (mut other, mut other_server) = lab.pair().await;
    other.write_all(b"question").await.unwrap();
    assert_eq!(read_exact(&mut other_server, 8).await, b"QUESTION");
    lab.proxy.clear_processors();
    say(&mut client, &mut server, b"question").await;
    say(&mut other_server, &mut other, b"answer").await;
}

/// A piece may grow and vanish, and a processor may remember what it saw; bytes are counted as it leaves
/// them.
#[aiomisc::test(runtimes(all))]
async fn a_processor_has_a_state_and_any_length() {
    let server = listen().await;
    let mut number = 0;
    let proxy = TcpProxy::builder(addr_of(&server))
        .read_processor(move |data| {
            number += 1;
            data.repeat(number - 1)
        })
        .write_processor(|_| b"!".to_vec());
    let proxy = proxy.start().await.unwrap();
    let mut lab = Lab { server, proxy };
    let (mut client, mut server) = lab.pair().await;
    for (word, heard) in [("one", ""), ("two", "two"), ("three", "threethree")] {
        client.write_all(word.as_bytes()).await.unwrap();
        assert_eq!(read_exact(&mut server, heard.len()).await, heard.as_bytes());
        // An answer of one piece: the word has been read by then.
        server.write_all(b"a long answer").await.unwrap();
        assert_eq!(read_exact(&mut client, 1).await, b"!");
    }
    drop((client, server));
    lab.proxy.wait_disconnected().await;
    let statistics = lab.proxy.statistics();
    assert_eq!((statistics.read, statistics.written), (13, 3));
}

#[aiomisc::test(runtimes(all))]
async fn a_panic_of_a_processor_resets_its_connection_alone() {
    let mut lab = Lab::new().await;
    let (mut other, mut other_server) = lab.pair().await;
    let (mut client, mut server) = lab.pair().await;
    lab.proxy.set_write_processor(|data| {
        assert_ne!(data, b"poison", "on purpose");
        data
    });
    server.write_all(b"poison").await.unwrap();
    for stream in [&mut client, &mut server] {
        let error = stream.read(&mut [0]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    }
    let error = lab.proxy.last_error().unwrap().to_string();
    let start = "a processor of the proxy panicked: ";
    assert!(
        error.starts_with(start) && error.contains("on purpose"),
        "{error}"
    );
    // The processor goes on for the others.
    say(&mut other_server, &mut other, b"medicine").await;
    let (mut client, mut server) = lab.pair().await;
    say(&mut server, &mut client, b"medicine").await;
}

/// A processor may change the proxy, itself included.
#[aiomisc::test(runtimes(all))]
async fn a_processor_may_change_the_settings() {
    let Lab { mut server, proxy } = Lab::new().await;
    let proxy = Arc::new(proxy);
    let inside = Arc::downgrade(&proxy);
    proxy.set_read_processor(move |data| {
        let proxy = inside.upgrade().expect("the test holds it");
        proxy.set_read_processor(|data| data);
        proxy.set_write_processor(|data| data.to_ascii_uppercase());
        data.repeat(2)
    });
    let mut client = connect(proxy.addr()).await.unwrap();
    let (mut there, _) = server.accept().await.unwrap();
    client.write_all(b"once").await.unwrap();
    assert_eq!(read_exact(&mut there, 8).await, b"onceonce");
    say(&mut client, &mut there, b"as it is").await;
    there.write_all(b"loud").await.unwrap();
    assert_eq!(read_exact(&mut client, 4).await, b"LOUD");
}
