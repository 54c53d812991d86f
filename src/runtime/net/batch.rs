//! Many datagrams with one system call, and the flags that plain calls do not tell.

#[cfg(unix)]
pub use self::os::{recv, recv_batch, send, send_batch};

use std::collections::VecDeque;
use std::ops::Range;

use super::Addr;

/// The most datagrams that one system call moves.
pub const MAX_BATCH: usize = 32;

/// What is known of a datagram beside its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Received {
    /// How many bytes of the buffer are filled.
    pub len: usize,
    /// Who sent it.
    pub from: Addr,
    /// Whether it was longer than the buffer.
    pub truncated: bool,
}

impl Received {
    /// Describes a datagram; for adapters.
    #[must_use]
    pub fn new(len: usize, from: Addr, truncated: bool) -> Self {
        Self {
            len,
            from,
            truncated,
        }
    }
}

/// Room for datagrams that are received together.
#[derive(Debug)]
pub struct RecvBatch {
    data: Vec<u8>,
    size: usize,
    received: Vec<Received>,
    capacity: usize,
}

impl RecvBatch {
    /// Makes room for `count` datagrams (1 to [`MAX_BATCH`], brought into this range) of at most
    /// `size` bytes each (at least 1).
    ///
    /// # Cost
    ///
    /// `count × size` bytes, allocated once.
    #[must_use]
    pub fn new(count: usize, size: usize) -> Self {
        let (capacity, size) = (count.clamp(1, MAX_BATCH), size.max(1));
        Self {
            data: vec![0; capacity * size],
            size,
            received: Vec::with_capacity(capacity),
            capacity,
        }
    }

    /// Goes through the datagrams in the order of their arrival.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&[u8], &Received)> {
        self.received
            .iter()
            .zip(self.data.chunks_exact(self.size))
            .map(|(r, data)| (&data[..r.len], r))
    }

    /// How many datagrams it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.received.len()
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.received.is_empty()
    }

    /// Forgets what it holds.
    pub fn clear(&mut self) {
        self.received.clear();
    }

    /// Takes no more than this many from now on, as far as there is room; at least one.
    pub(crate) fn limit(&mut self, count: usize) {
        self.capacity = count.clamp(1, self.data.len() / self.size);
    }

    /// The buffer for the next datagram, unless it is full; for adapters.
    pub fn free_buffer(&mut self) -> Option<&mut [u8]> {
        let at = self.received.len();
        (at < self.capacity).then(|| &mut self.data[at * self.size..(at + 1) * self.size])
    }

    /// Adds the datagram that was put into [`free_buffer`](Self::free_buffer); ignored when full.
    pub fn push(&mut self, received: Received) {
        if self.received.len() < self.capacity {
            let len = received.len.min(self.size);
            self.received.push(Received { len, ..received });
        }
    }
}

/// Datagrams that are sent together, first in, first out.
#[derive(Debug, Default)]
pub struct SendBatch {
    data: Vec<u8>,
    queue: VecDeque<(Range<usize>, Addr)>,
}

impl SendBatch {
    /// Makes an empty batch.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a copy of a datagram.
    pub fn push(&mut self, data: &[u8], to: Addr) {
        let start = self.data.len();
        self.data.extend_from_slice(data);
        self.queue.push_back((start..self.data.len(), to));
    }

    /// The datagram whose turn it is.
    #[must_use]
    pub fn first(&self) -> Option<(&[u8], &Addr)> {
        self.queue
            .front()
            .map(|(range, to)| (&self.data[range.clone()], to))
    }

    /// Goes through the datagrams that wait.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&[u8], &Addr)> {
        self.queue
            .iter()
            .map(|(range, to)| (&self.data[range.clone()], to))
    }

    /// Takes the first `count` datagrams out.
    pub fn advance(&mut self, count: usize) {
        self.queue.drain(..count.min(self.queue.len()));
        if self.queue.is_empty() {
            self.data.clear();
        }
    }

    /// How many datagrams wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.queue.len()
    }

    /// Whether none waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }
}

/// The system calls, for sockets in non-blocking mode. `WouldBlock` means: wait, and try again.
#[cfg(unix)]
mod os {
    use std::io::{self, IoSliceMut};
    use std::os::fd::{AsFd, AsRawFd};

    use nix::sys::socket::{self, MsgFlags, SockaddrLike, SockaddrStorage, UnixAddr};

    use super::{Addr, Received, RecvBatch, SendBatch};

    /// Takes one datagram from a socket of the system. `local` is the address that it is bound to.
    ///
    /// # Errors
    ///
    /// What the system answers; `WouldBlock` when none is there.
    pub fn recv(socket: &impl AsFd, local: &Addr, buf: &mut [u8]) -> io::Result<Received> {
        match local {
            Addr::Inet(_) => recv_from::<SockaddrStorage>(socket, buf, addr_of),
            // The type for every family loses the length of a path.
            Addr::Unix(_) => recv_from::<UnixAddr>(socket, buf, |addr| {
                let start = std::mem::offset_of!(nix::libc::sockaddr_un, sun_path);
                let path = addr
                    .filter(|addr| usize::try_from(addr.len()).is_ok_and(|len| len > start))
                    .and_then(UnixAddr::path);
                Addr::Unix(path.map(ToOwned::to_owned))
            }),
        }
    }

    fn recv_from<S: SockaddrLike>(
        socket: &impl AsFd,
        buf: &mut [u8],
        from: fn(Option<&S>) -> Addr,
    ) -> io::Result<Received> {
        let mut iov = [IoSliceMut::new(buf)];
        let fd = socket.as_fd().as_raw_fd();
        let message = socket::recvmsg::<S>(fd, &mut iov, None, MsgFlags::empty())?;
        Ok(Received {
            len: message.bytes,
            from: from(message.address.as_ref()),
            truncated: message.flags.contains(MsgFlags::MSG_TRUNC),
        })
    }

    /// Sends one datagram through a socket of the system.
    ///
    /// # Errors
    ///
    /// What the system answers; `WouldBlock` when its buffer is full.
    pub fn send(socket: &impl AsFd, data: &[u8], to: &Addr) -> io::Result<()> {
        let fd = socket.as_fd().as_raw_fd();
        let sent = match to {
            Addr::Inet(to) => {
                socket::sendto(fd, data, &SockaddrStorage::from(*to), MsgFlags::empty())?
            }
            Addr::Unix(Some(path)) => {
                socket::sendto(fd, data, &UnixAddr::new(path)?, MsgFlags::empty())?
            }
            Addr::Unix(None) => {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidInput,
                    "cannot send to a Unix socket without a name",
                ));
            }
        };
        if sent < data.len() {
            return Err(io::Error::new(
                io::ErrorKind::WriteZero,
                "datagram sent in part",
            ));
        }
        Ok(())
    }

    fn addr_of(addr: Option<&SockaddrStorage>) -> Addr {
        let Some(addr) = addr else {
            return Addr::Unix(None);
        };
        if let Some(v4) = addr.as_sockaddr_in() {
            Addr::Inet(std::net::SocketAddrV4::from(*v4).into())
        } else if let Some(v6) = addr.as_sockaddr_in6() {
            Addr::Inet(std::net::SocketAddrV6::from(*v6).into())
        } else {
            Addr::Unix(None)
        }
    }

    /// Takes as many datagrams as are there and fit, at least one. `local` is the address that the
    /// socket is bound to.
    ///
    /// # Errors
    ///
    /// What the system answers; `WouldBlock` when none is there.
    pub fn recv_batch(socket: &impl AsFd, local: &Addr, batch: &mut RecvBatch) -> io::Result<()> {
        #[cfg(target_os = "linux")]
        if let Addr::Inet(local) = local {
            return many::recv(socket.as_fd().as_raw_fd(), local.is_ipv6(), batch);
        }
        while let Some(buf) = batch.free_buffer() {
            match recv(socket, local, buf) {
                Ok(received) => batch.push(received),
                Err(error) if batch.is_empty() => return Err(error),
                Err(_) => break,
            }
        }
        Ok(())
    }

    /// Sends at least one datagram of a batch that is not empty, and takes what it sent out of it.
    /// A datagram that cannot be sent is taken out as well, and its error returned.
    ///
    /// # Errors
    ///
    /// What the system answers; `WouldBlock` when its buffer is full.
    pub fn send_batch(socket: &impl AsFd, batch: &mut SendBatch) -> io::Result<()> {
        let outcome = send_some(socket, batch);
        match &outcome {
            Ok(sent) => batch.advance(*sent),
            Err(error)
                if !matches!(
                    error.kind(),
                    io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
                ) =>
            {
                batch.advance(1);
            }
            Err(_) => {}
        }
        outcome.map(drop)
    }

    fn send_some(socket: &impl AsFd, batch: &SendBatch) -> io::Result<usize> {
        #[cfg(target_os = "linux")]
        if batch.len() > 1 && batch.iter().all(|(_, to)| matches!(to, Addr::Inet(_))) {
            return many::send(socket.as_fd().as_raw_fd(), batch);
        }
        let Some((data, to)) = batch.first() else {
            return Ok(0);
        };
        send(socket, data, to).map(|()| 1)
    }

    /// `recvmmsg` and `sendmmsg`. Their headers hold pointers, so that they cannot live in a socket
    /// that moves between threads: each thread keeps its own.
    #[cfg(target_os = "linux")]
    mod many {
        use std::array;
        use std::cell::RefCell;
        use std::io::{self, IoSlice, IoSliceMut};
        use std::os::fd::RawFd;

        use nix::sys::socket::{MsgFlags, MultiHeaders, SockaddrStorage, recvmmsg, sendmmsg};

        use super::super::{MAX_BATCH, Received, RecvBatch, SendBatch};
        use super::{Addr, addr_of};

        type Headers = RefCell<MultiHeaders<SockaddrStorage>>;

        fn headers() -> Headers {
            RefCell::new(MultiHeaders::preallocate(MAX_BATCH, None))
        }

        thread_local! {
            // One for each family: the system writes the length of the address it gave into the
            // header, and the next call would offer it only that much room.
            static RECV_V4: Headers = headers();
            static RECV_V6: Headers = headers();
            static SEND: (Headers, RefCell<Vec<Option<SockaddrStorage>>>) =
                (headers(), RefCell::default());
        }

        pub(super) fn recv(fd: RawFd, v6: bool, batch: &mut RecvBatch) -> io::Result<()> {
            let headers = if v6 { &RECV_V6 } else { &RECV_V4 };
            headers.with_borrow_mut(|headers| {
                let RecvBatch {
                    data,
                    size,
                    received,
                    capacity,
                } = batch;
                received.clear();
                let mut buffers = data.chunks_exact_mut(*size);
                let mut iov: [[IoSliceMut<'_>; 1]; MAX_BATCH] =
                    array::from_fn(|_| [IoSliceMut::new(buffers.next().unwrap_or_default())]);
                let messages = recvmmsg(
                    fd,
                    headers,
                    iov[..*capacity].iter_mut(),
                    MsgFlags::empty(),
                    None,
                )?;
                received.extend(messages.map(|message| Received {
                    len: message.bytes,
                    from: addr_of(message.address.as_ref()),
                    truncated: message.flags.contains(MsgFlags::MSG_TRUNC),
                }));
                Ok(())
            })
        }

        pub(super) fn send(fd: RawFd, batch: &SendBatch) -> io::Result<usize> {
            SEND.with(|(headers, addrs)| {
                let (mut headers, mut addrs) = (headers.borrow_mut(), addrs.borrow_mut());
                addrs.clear();
                addrs.extend(batch.iter().take(MAX_BATCH).map(|(_, to)| match to {
                    Addr::Inet(to) => Some(SockaddrStorage::from(*to)),
                    Addr::Unix(_) => None,
                }));
                let mut waiting = batch.iter();
                let iov: [[IoSlice<'_>; 1]; MAX_BATCH] = array::from_fn(|_| {
                    [IoSlice::new(
                        waiting.next().map_or(&[][..], |(data, _)| data),
                    )]
                });
                let flags = MsgFlags::empty();
                let sent = sendmmsg(
                    fd,
                    &mut headers,
                    iov[..addrs.len()].iter(),
                    &*addrs,
                    [],
                    flags,
                )?;
                Ok(sent.count())
            })
        }
    }
}
