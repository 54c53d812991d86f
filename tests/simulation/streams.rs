//! Streams behave as those of TCP do.

use std::io;

use super::*;

#[test]
fn a_stream_takes_as_much_as_its_window_until_it_is_read() {
    let lab = Lab::new();
    lab.sim.block_on(async {
        let (mut near, mut far) = lab.pair().await;
        let written = write_until_full(&mut near).await;
        assert_eq!(written, aiomisc::adapters::simulation::WINDOW);
        read_exact(&mut far, 1_000).await.unwrap();
        assert_eq!(write_until_full(&mut near).await, 1_000);
    });
}

/// Writes until a write would wait.
pub(crate) async fn write_until_full(stream: &mut Stream) -> usize {
    let (mut written, data) = (0, vec![1; 10_000]);
    loop {
        let polled = futures::poll!(stream.write(&data));
        match polled {
            std::task::Poll::Ready(count) => written += count.unwrap(),
            std::task::Poll::Pending => return written,
        }
    }
}

#[test]
fn a_stream_that_is_dropped_with_bytes_unread_is_reset() {
    let lab = Lab::new();
    lab.sim.block_on(async {
        let (mut near, mut far) = lab.pair().await;
        write(&mut near, b"unread").await;
        write(&mut far, b"last words").await;
        drop(far);
        // What was sent before arrives.
        assert_eq!(read_exact(&mut near, 10).await.unwrap(), b"last words");
        let error = near.read(&mut [0]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        let error = near.write(b"x").await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        let error = near.write(b"x").await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    });
}

#[test]
fn a_stream_that_is_dropped_with_nothing_unread_ends() {
    let lab = Lab::new();
    lab.sim.block_on(async {
        let (mut near, mut far) = lab.pair().await;
        write(&mut far, b"last words").await;
        drop(far);
        let mut all = Vec::new();
        near.read_to_end(&mut all).await.unwrap();
        assert_eq!(all, b"last words");
        // The first write finds out that nobody is there, the second one knows.
        near.write_all(b"x").await.unwrap();
        let error = near.write_all(b"x").await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    });
}

#[test]
fn a_listener_that_is_dropped_resets_those_it_has_not_accepted() {
    let lab = Lab::new();
    lab.sim.block_on(async {
        let (listener, addr) = lab.listen().await;
        let mut near = lab.connect(addr).await.unwrap();
        drop(listener);
        let error = near.read(&mut [0]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        let error = lab.connect(addr).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    });
}

/// As on Linux: who finds the queue full hears nothing, and tries again after a second.
#[test]
fn the_backlog_is_limited() {
    let lab = Lab::new();
    lab.sim.block_on(async {
        let listener = bind_socket("0.0.0.0:80")
            .runtime(lab.server.clone())
            .backlog(2);
        let mut listener = listener.listen().await.unwrap();
        let addr = SocketAddr::new(SERVER, 80);
        let (_one, _two) = (
            lab.connect(addr).await.unwrap(),
            lab.connect(addr).await.unwrap(),
        );
        let accepting = async {
            aiomisc::time::sleep(ms(500)).await;
            listener.accept().await.unwrap()
        };
        let third = lab.timed(lab.connect(addr));
        let ((third, took), _) = futures::join!(third, accepting);
        third.unwrap();
        assert_eq!(took, secs(1));
    });
}

#[test]
fn a_connect_that_is_dropped_leaves_nothing() {
    let lab = Lab::new();
    let net = lab.sim.network();
    net.set(aiomisc::adapters::simulation::Conditions::new().latency(ms(10)));
    lab.sim.block_on(async {
        let (mut listener, addr) = lab.listen().await;
        // The wish has arrived, the answer has not.
        let limit = aiomisc::time::timeout(ms(15), lab.connect(addr)).await;
        assert!(limit.is_err());
        let (mut far, _) = listener.accept().await.unwrap();
        let error = far.read(&mut [0]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        drop(far);
        // The wish is under way.
        let limit = aiomisc::time::timeout(ms(5), lab.connect(addr)).await;
        assert!(limit.is_err());
        let accepted = aiomisc::time::timeout(secs(1_000), listener.accept()).await;
        assert!(accepted.is_err());
    });
}

#[test]
fn many_streams_at_once() {
    let lab = Lab::new();
    lab.sim.block_on(async {
        let (mut listener, addr) = lab.listen().await;
        let echo = lab.server.spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let task = aiomisc::spawn(async move {
                    let mut all = Vec::new();
                    stream.read_to_end(&mut all).await.unwrap();
                    stream.write_all(&all).await.unwrap();
                });
                task.detach();
            }
        });
        let clients: Vec<_> = (0..200_usize)
            .map(|number| {
                lab.client.spawn(async move {
                    let data = vec![number as u8; 1 + number * 1_000];
                    let mut stream = aiomisc::net::connect(addr).await.unwrap();
                    stream.write_all(&data).await.unwrap();
                    stream.close().await.unwrap();
                    let mut answer = Vec::new();
                    stream.read_to_end(&mut answer).await.unwrap();
                    assert!(answer == data);
                })
            })
            .collect();
        for client in clients {
            client.await.unwrap();
        }
        drop(echo.abort_on_drop());
    });
}
