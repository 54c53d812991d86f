//! Reading, writing and connecting, as short as the checks need it.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::Poll;

use futures_io::{AsyncRead, AsyncWrite};

use super::lab::{Failed, Result, any_port, ensure};
use crate::net::{Addr, DatagramSocket, Listener, Stream};
use crate::runtime::{Backend, BindOptions};

pub(super) async fn read(stream: &mut Stream, buf: &mut [u8]) -> io::Result<usize> {
    poll_fn(|cx| Pin::new(&mut *stream).poll_read(cx, buf)).await
}

pub(super) async fn read_exact(stream: &mut Stream, count: usize) -> Result<Vec<u8>> {
    let mut data = vec![0; count];
    let mut filled = 0;
    while filled < count {
        let got = read(stream, &mut data[filled..]).await?;
        ensure!(
            got > 0,
            "the stream ended after {filled} bytes out of {count}"
        );
        filled += got;
    }
    Ok(data)
}

pub(super) async fn read_to_end(stream: &mut Stream) -> Result<Vec<u8>> {
    let (mut data, mut buf) = (Vec::new(), vec![0; 16 * 1024]);
    loop {
        match read(stream, &mut buf).await? {
            0 => return Ok(data),
            got => data.extend_from_slice(&buf[..got]),
        }
    }
}

pub(super) async fn write_all(stream: &mut Stream, mut data: &[u8]) -> Result {
    while !data.is_empty() {
        let put = poll_fn(|cx| Pin::new(&mut *stream).poll_write(cx, data)).await?;
        ensure!(put > 0, "a write took nothing");
        data = data.get(put..).unwrap_or_default();
    }
    poll_fn(|cx| Pin::new(&mut *stream).poll_flush(cx)).await?;
    Ok(())
}

pub(super) async fn close(stream: &mut Stream) -> Result {
    poll_fn(|cx| Pin::new(&mut *stream).poll_close(cx)).await?;
    Ok(())
}

/// Sends words there and back. Each end waits for its word before it is sent, so that only an event
/// of the system can make it go on.
pub(super) async fn ping(one: &mut Stream, other: &mut Stream) -> Result {
    for _ in 0..3 {
        pass(one, other, b"ping").await?;
        pass(other, one, b"pong").await?;
    }
    Ok(())
}

async fn pass(from: &mut Stream, to: &mut Stream, word: &[u8]) -> Result {
    let mut buf = [0; 16];
    let early = poll_fn(|cx| Poll::Ready(Pin::new(&mut *to).poll_read(cx, &mut buf))).await;
    ensure!(
        early.is_pending(),
        "something was read before it was written"
    );
    write_all(from, word).await?;
    let got = read_exact(to, word.len()).await?;
    ensure!(got == word, "other bytes arrived");
    Ok(())
}

pub(super) fn listen(backend: &dyn Backend) -> Result<(Listener, SocketAddr)> {
    let options = BindOptions::default();
    let listener = Listener::from_raw(backend.listen_tcp(any_port(), &options)?);
    let addr = inet(&listener.local_addr()?)?;
    ensure!(addr.port() != 0, "the listener does not know its port");
    Ok((listener, addr))
}

pub(super) async fn connect(backend: &dyn Backend, addr: SocketAddr) -> Result<Stream> {
    Ok(Stream::from_raw(backend.connect_tcp(addr).await?))
}

/// Both ends of a TCP connection: connected and accepted.
pub(super) async fn pair(backend: &dyn Backend) -> Result<(Stream, Stream)> {
    let (mut listener, addr) = listen(backend)?;
    let near = connect(backend, addr).await?;
    let (far, _) = listener.accept().await?;
    Ok((near, far))
}

pub(super) fn bind(backend: &dyn Backend) -> Result<(DatagramSocket, Addr)> {
    let options = BindOptions::default();
    let socket = DatagramSocket::from_raw(backend.bind_udp(any_port(), &options)?);
    let addr = socket.local_addr()?;
    Ok((socket, addr))
}

pub(super) fn inet(addr: &Addr) -> Result<SocketAddr> {
    addr.inet()
        .ok_or_else(|| Failed::broken(format_args!("`{addr}` is no address of IP")))
}

/// Receives one datagram.
pub(super) async fn receive(socket: &mut DatagramSocket) -> Result<(Vec<u8>, Addr)> {
    let mut buf = vec![0; 2048];
    let received = socket.recv_from(&mut buf).await?;
    buf.truncate(received.len);
    Ok((buf, received.from))
}
