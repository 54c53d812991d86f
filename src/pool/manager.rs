use std::convert::Infallible;
use std::future::{Future, ready};

use crate::error::BoxError;

/// Makes the objects of a [`Pool`](super::Pool), says whether they are still good, and takes them down.
///
/// The methods are written as `async fn`; nothing is boxed:
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use aiomisc::PoolManager;
/// use aiomisc::net::{self, Stream};
/// use futures::{AsyncReadExt, AsyncWriteExt};
/// use std::io;
///
/// /// Connections to a server that answers to `PING`.
/// struct Connections(&'static str);
///
/// impl PoolManager for Connections {
///     type Object = Stream;
///     type Error = io::Error;
///
///     async fn create(&self) -> io::Result<Stream> {
///         net::connect(self.0).await.map_err(io::Error::other)
///     }
///
///     async fn check(&self, stream: &mut Stream) -> io::Result<bool> {
///         stream.write_all(b"PING\n").await?;
///         let mut answer = [0; 5];
///         stream.read_exact(&mut answer).await?;
///         Ok(answer == *b"PONG\n")
///     }
///
///     async fn destroy(&self, mut stream: Stream) -> io::Result<()> {
///         stream.close().await
///     }
/// }
/// # }
/// ```
///
/// A method that panics is an error of its call, and costs the pool nothing.
pub trait PoolManager: Send + Sync + 'static {
    /// What is lent.
    type Object: Send + 'static;

    /// Why an object cannot be made, is not good, or was not taken down. The caller of
    /// [`acquire`](super::Pool::acquire) gets that of `create` untouched; others go to the log.
    type Error: Into<BoxError> + Send + 'static;

    /// Makes an object.
    ///
    /// It runs inside the call of who needs one, and may be dropped at any await point: when the caller
    /// goes, or its limit is over.
    fn create(&self) -> impl Future<Output = Result<Self::Object, Self::Error>> + Send;

    /// Says whether an object that was idle is still good, before it is lent again. Default: it is.
    ///
    /// One that is not, or whose check fails, is destroyed, and another takes its place. If the check is
    /// dropped before it has ended, the state of the object is unknown: it is destroyed as well.
    fn check(
        &self,
        object: &mut Self::Object,
    ) -> impl Future<Output = Result<bool, Self::Error>> + Send {
        let _ = object;
        ready(Ok(true))
    }

    /// Takes an object down. It runs in a task of its own within
    /// [`destroy_timeout`](super::PoolBuilder::destroy_timeout). Default: drops it.
    fn destroy(
        &self,
        object: Self::Object,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send {
        drop(object);
        ready(Ok(()))
    }
}

/// Makes objects by a function, for those that need neither a check nor an end.
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use aiomisc::Pool;
///
/// # aiomisc::adapters::Smol::new().block_on(async {
/// let buffers = Pool::new(|| Vec::<u8>::with_capacity(65_536));
/// let mut buffer = buffers.acquire().await?;
/// buffer.extend(b"hello");
/// # Ok::<(), aiomisc::pool::AcquireError<_>>(())
/// # }).expect("it cannot fail"); }
/// ```
impl<T, F> PoolManager for F
where
    F: Fn() -> T + Send + Sync + 'static,
    T: Send + 'static,
{
    type Object = T;
    type Error = Infallible;

    async fn create(&self) -> Result<T, Infallible> {
        Ok(self())
    }
}
