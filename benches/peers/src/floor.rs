//! Small loops over the calls of the system: the least that a server can cost, and the load. One thread, no runtime.
#![allow(unsafe_code, reason = "the calls of the system have no safe form here")]

use std::io::{self, Read};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsRawFd, RawFd};
use std::time::{Duration, Instant};

fn epoll() -> RawFd {
    let e = unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) };
    assert!(e >= 0);
    e
}

fn add(ep: RawFd, fd: RawFd, data: u64) {
    let mut ev = libc::epoll_event {
        events: libc::EPOLLIN as u32,
        u64: data,
    };
    assert_eq!(
        unsafe { libc::epoll_ctl(ep, libc::EPOLL_CTL_ADD, fd, &mut ev) },
        0
    );
}

fn wait(ep: RawFd, evs: &mut [libc::epoll_event], ms: i32) -> usize {
    let n = unsafe { libc::epoll_wait(ep, evs.as_mut_ptr(), evs.len() as i32, ms) };
    n.max(0) as usize
}

/// Serves connections level-triggered, one recv and one send for each ready one; the reply is
/// `canned` or what was read. It looks `spins` times for events before it sleeps.
pub fn epoll_server(
    addr: SocketAddr,
    canned: Option<&'static [u8]>,
    spins: usize,
) -> io::Result<()> {
    let l = TcpListener::bind(addr)?;
    crate::server::listening(l.local_addr()?);
    l.set_nonblocking(true)?;
    let ep = epoll();
    add(ep, l.as_raw_fd(), u64::MAX);
    let mut conns: Vec<Option<TcpStream>> = Vec::new();
    let mut evs = vec![libc::epoll_event { events: 0, u64: 0 }; 256];
    let mut buf = vec![0u8; 65536];
    loop {
        let mut n = 0;
        for _ in 0..spins {
            n = wait(ep, &mut evs, 0);
            if n > 0 {
                break;
            }
        }
        if n == 0 {
            n = wait(ep, &mut evs, -1);
        }
        for ev in &evs[..n] {
            let id = ev.u64;
            if id == u64::MAX {
                while let Ok((s, _)) = l.accept() {
                    s.set_nodelay(true)?;
                    add(ep, s.as_raw_fd(), conns.len() as u64);
                    conns.push(Some(s));
                }
                continue;
            }
            let Some(s) = &conns[id as usize] else {
                continue;
            };
            let fd = s.as_raw_fd();
            let r = unsafe { libc::recv(fd, buf.as_mut_ptr().cast(), buf.len(), 0) };
            if r <= 0 {
                conns[id as usize] = None;
                continue;
            }
            let out = canned.unwrap_or(&buf[..r as usize]);
            unsafe { libc::send(fd, out.as_ptr().cast(), out.len(), libc::MSG_NOSIGNAL) };
        }
    }
}

/// One message in flight on each of `conns` connections; echoed messages a second.
/// With `spin` the load never sleeps, so that the server spends nothing on waking it.
pub fn tcp_load(
    addr: SocketAddr,
    conns: usize,
    size: usize,
    secs: f64,
    spin: bool,
) -> io::Result<f64> {
    let ep = epoll();
    let mut socks = Vec::new();
    for i in 0..conns {
        let s = TcpStream::connect(addr)?;
        s.set_nodelay(true)?;
        s.set_read_timeout(Some(Duration::from_secs(5)))?;
        add(ep, s.as_raw_fd(), i as u64);
        socks.push((s, 0usize));
    }
    let msg = vec![b'x'; size];
    let mut buf = vec![0u8; 65536];
    let mut evs = vec![libc::epoll_event { events: 0, u64: 0 }; conns];
    for (s, _) in &socks {
        unsafe { libc::send(s.as_raw_fd(), msg.as_ptr().cast(), size, 0) };
    }
    let t = Instant::now();
    let limit = Duration::from_secs_f64(secs);
    let mut done = 0u64;
    while t.elapsed() < limit {
        let n = wait(ep, &mut evs, if spin { 0 } else { 100 });
        for ev in &evs[..n] {
            let (s, got) = &mut socks[ev.u64 as usize];
            let fd = s.as_raw_fd();
            let r = unsafe { libc::recv(fd, buf.as_mut_ptr().cast(), buf.len(), 0) };
            if r <= 0 {
                return Err(io::Error::other("the server closed a connection"));
            }
            *got += r as usize;
            if *got >= size {
                *got -= size;
                done += 1;
                unsafe { libc::send(fd, msg.as_ptr().cast(), size, 0) };
            }
        }
    }
    let rate = done as f64 / t.elapsed().as_secs_f64();
    // What is under way still comes, so that no connection is reset.
    for (s, got) in &mut socks {
        while *got < size {
            *got += s.read(&mut buf)?.max(1);
        }
    }
    Ok(rate)
}

/// One datagram in flight on each of `conns` sockets; a lost one is sent again after 100 ms.
pub fn udp_load(addr: SocketAddr, conns: usize, size: usize, secs: f64) -> io::Result<f64> {
    let ep = epoll();
    let mut socks = Vec::new();
    for i in 0..conns {
        let s = UdpSocket::bind("127.0.0.1:0")?;
        s.connect(addr)?;
        s.set_nonblocking(true)?;
        add(ep, s.as_raw_fd(), i as u64);
        socks.push(s);
    }
    let msg = vec![b'x'; size];
    let mut buf = vec![0u8; 65536];
    let mut evs = vec![libc::epoll_event { events: 0, u64: 0 }; conns];
    let send = |s: &UdpSocket| unsafe { libc::send(s.as_raw_fd(), msg.as_ptr().cast(), size, 0) };
    for s in &socks {
        send(s);
    }
    let t = Instant::now();
    let limit = Duration::from_secs_f64(secs);
    let mut done = 0u64;
    while t.elapsed() < limit {
        let n = wait(ep, &mut evs, 100);
        if n == 0 {
            for s in &socks {
                send(s);
            }
        }
        for ev in &evs[..n] {
            let s = &socks[ev.u64 as usize];
            let r = unsafe { libc::recv(s.as_raw_fd(), buf.as_mut_ptr().cast(), buf.len(), 0) };
            if r as usize == size {
                done += 1;
                send(s);
            }
        }
    }
    Ok(done as f64 / t.elapsed().as_secs_f64())
}

/// The floor of a UDP server: blocking recvfrom and sendto, or 32 at once with recvmmsg.
/// `answer` turns the datagram of a length into its reply in place and says its length.
pub fn udp_server(
    addr: SocketAddr,
    batch: bool,
    answer: impl Fn(&mut [u8; 2048], usize) -> usize,
) -> io::Result<()> {
    let s = UdpSocket::bind(addr)?;
    crate::server::listening(s.local_addr()?);
    if !batch {
        let mut buf = [0u8; 2048];
        loop {
            let Ok((n, from)) = s.recv_from(&mut buf) else {
                continue;
            };
            let n = answer(&mut buf, n);
            let _ = s.send_to(&buf[..n], from);
        }
    }
    const B: usize = 32;
    let mut bufs = vec![[0u8; 2048]; B];
    let mut names: Vec<libc::sockaddr_in> = vec![unsafe { std::mem::zeroed() }; B];
    let mut iovs: Vec<libc::iovec> = bufs
        .iter_mut()
        .map(|b| libc::iovec {
            iov_base: b.as_mut_ptr().cast(),
            iov_len: 2048,
        })
        .collect();
    let mut msgs: Vec<libc::mmsghdr> = (0..B)
        .map(|i| {
            let mut m: libc::mmsghdr = unsafe { std::mem::zeroed() };
            m.msg_hdr.msg_name = (&raw mut names[i]).cast();
            m.msg_hdr.msg_iov = &raw mut iovs[i];
            m.msg_hdr.msg_iovlen = 1;
            m
        })
        .collect();
    loop {
        for i in 0..B {
            msgs[i].msg_hdr.msg_namelen = size_of::<libc::sockaddr_in>() as u32;
            iovs[i].iov_len = 2048;
        }
        let n = unsafe {
            libc::recvmmsg(
                s.as_raw_fd(),
                msgs.as_mut_ptr(),
                B as u32,
                libc::MSG_WAITFORONE,
                std::ptr::null_mut(),
            )
        };
        if n <= 0 {
            continue;
        }
        for i in 0..n as usize {
            iovs[i].iov_len = answer(&mut bufs[i], msgs[i].msg_len as usize);
        }
        let mut sent = 0;
        while sent < n {
            let k = unsafe {
                libc::sendmmsg(
                    s.as_raw_fd(),
                    &raw mut msgs[sent as usize],
                    (n - sent) as u32,
                    0,
                )
            };
            if k <= 0 {
                break;
            }
            sent += k;
        }
    }
}

/// One connected socket, `window` datagrams in flight by sendmmsg and recvmmsg, so that the load
/// takes little of the machine; after 50 ms without an answer the window is sent anew.
/// Answered datagrams a second.
pub fn udp_window(addr: SocketAddr, msgs: &[Vec<u8>], window: usize, secs: f64) -> io::Result<f64> {
    let s = UdpSocket::bind("127.0.0.1:0")?;
    s.connect(addr)?;
    s.set_read_timeout(Some(Duration::from_millis(50)))?;
    let mut next = 0usize;
    let mut send = |n: usize| {
        let mut iovs: Vec<libc::iovec> = (0..n)
            .map(|i| {
                let m = &msgs[(next + i) % msgs.len()];
                libc::iovec {
                    iov_base: m.as_ptr() as *mut _,
                    iov_len: m.len(),
                }
            })
            .collect();
        next += n;
        let mut hs: Vec<libc::mmsghdr> = iovs
            .iter_mut()
            .map(|v| {
                let mut h: libc::mmsghdr = unsafe { std::mem::zeroed() };
                h.msg_hdr.msg_iov = v;
                h.msg_hdr.msg_iovlen = 1;
                h
            })
            .collect();
        unsafe { libc::sendmmsg(s.as_raw_fd(), hs.as_mut_ptr(), n as u32, 0) };
    };
    let mut bufs = vec![[0u8; 2048]; window];
    let mut iovs: Vec<libc::iovec> = bufs
        .iter_mut()
        .map(|b| libc::iovec {
            iov_base: b.as_mut_ptr().cast(),
            iov_len: 2048,
        })
        .collect();
    let mut hs: Vec<libc::mmsghdr> = iovs
        .iter_mut()
        .map(|v| {
            let mut h: libc::mmsghdr = unsafe { std::mem::zeroed() };
            h.msg_hdr.msg_iov = v;
            h.msg_hdr.msg_iovlen = 1;
            h
        })
        .collect();
    send(window);
    let t = Instant::now();
    let limit = Duration::from_secs_f64(secs);
    let mut done = 0u64;
    while t.elapsed() < limit {
        let n = unsafe {
            libc::recvmmsg(
                s.as_raw_fd(),
                hs.as_mut_ptr(),
                window as u32,
                libc::MSG_WAITFORONE,
                std::ptr::null_mut(),
            )
        };
        if n <= 0 {
            send(window);
            continue;
        }
        done += n as u64;
        send(n as usize);
    }
    Ok(done as f64 / t.elapsed().as_secs_f64())
}
