use std::io;

use super::address::Resolved;
use super::{Address, SocketError, Stream};
use crate::runtime::Runtime;

/// Connects to a TCP or Unix address on the current runtime.
///
/// A name with several addresses is tried one address after another. Small writes go out at once.
/// There is no time limit here; put a [`timeout`](crate::time::timeout) around it.
///
/// # Errors
///
/// [`SocketError`] with the address and the last cause; it is
/// [`NotConnected`](io::ErrorKind::NotConnected) when no runtime is at hand.
///
/// # Cancel safety
///
/// Dropping the future closes the half-made connection.
///
/// ```no_run
/// # // It needs a server.
/// # async fn example() -> Result<(), aiomisc::net::SocketError> {
/// let stream = aiomisc::net::connect("localhost:6379").await?;
/// # Ok(()) }
/// ```
pub async fn connect(address: impl Into<Address>) -> Result<Stream, SocketError> {
    let address = address.into();
    let stream = async {
        let runtime = Runtime::current()
            .map_err(|error| io::Error::new(io::ErrorKind::NotConnected, error))?;
        open(&runtime, &address).await
    };
    stream.await.map_err(|source| {
        let scheme = if address.is_unix() { "unix" } else { "tcp" };
        SocketError::new("connect to", format_args!("{scheme}://{address}"), source)
    })
}

async fn open(runtime: &Runtime, address: &Address) -> io::Result<Stream> {
    match address.resolve(runtime).await? {
        #[cfg(unix)]
        Resolved::Unix(path) => {
            // What is no address of a socket is the same error on every runtime.
            socket2::SockAddr::unix(&path)?;
            let raw = runtime.backend().connect_unix(path).await?;
            Ok(Stream::from_raw(raw))
        }
        #[cfg(not(unix))]
        Resolved::Unix(_) => Err(io::ErrorKind::Unsupported.into()),
        Resolved::Inet(addrs) if addrs.iter().all(|addr| addr.port() == 0) => {
            let text = "a port is needed to connect to, as in HOST:PORT";
            Err(io::Error::new(io::ErrorKind::InvalidInput, text))
        }
        Resolved::Inet(addrs) => {
            let mut last = None;
            for addr in addrs {
                match runtime.backend().connect_tcp(addr).await {
                    Ok(raw) => {
                        let stream = Stream::from_raw(raw);
                        stream.set_nodelay(true)?;
                        return Ok(stream);
                    }
                    Err(error) => last = Some(error),
                }
            }
            Err(last.unwrap_or_else(|| io::ErrorKind::NotFound.into()))
        }
    }
}
