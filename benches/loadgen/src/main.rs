//! Bounded echo load generator, loopback addresses only.
//!
//!   loadgen tcp-echo --addr 127.0.0.1:PORT [--conns 32]   [--size 64] [--secs 3]
//!   loadgen udp-echo --addr 127.0.0.1:PORT [--sockets 32] [--size 64] [--secs 3]
//!
//!   loadgen serve --kind tcp|udp
//!
//! Common options: --warmup SECS (0.5, not counted), --threads N (1);
//! tcp-echo also --depth N (1).
//! Every connection (or socket) keeps exactly one request in flight. With
//! --depth N it sends N requests in one write and waits for all N replies
//! before the next N; the rate then counts requests, the latency is that of the
//! whole batch. Each request carries a sequence number that the reply must
//! repeat. An UDP request unanswered for one second counts as lost and is sent
//! anew. The program stops by itself after warmup + secs (60 s at most).
//!
//! `serve` is the floor to compare servers with: a bare single-threaded epoll
//! echo that does nothing but the system calls. It prints "READY <port>".

use mio::net::{TcpStream, UdpSocket};
use mio::{Events, Interest, Poll, Token};
use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

const LOST_AFTER: Duration = Duration::from_secs(1);
const SUB: usize = 128; // buckets per power of two: under 0.8 % error

/// Log-linear latency histogram in nanoseconds.
struct Hist {
    buckets: Vec<u64>,
    count: u64,
    max: u64,
}

impl Hist {
    fn new() -> Self {
        Hist {
            buckets: vec![0; 64 * SUB],
            count: 0,
            max: 0,
        }
    }

    fn index(ns: u64) -> usize {
        if ns < SUB as u64 {
            return ns as usize;
        }
        let exp = 63 - ns.leading_zeros() as usize; // 2^exp <= ns
        let shift = exp - SUB.trailing_zeros() as usize;
        (shift + 1) * SUB + ((ns >> shift) as usize - SUB)
    }

    fn value(index: usize) -> u64 {
        if index < SUB {
            return index as u64;
        }
        let shift = index / SUB - 1;
        ((index % SUB + SUB) as u64) << shift
    }

    fn add(&mut self, ns: u64) {
        self.buckets[Self::index(ns)] += 1;
        self.count += 1;
        self.max = self.max.max(ns);
    }

    fn merge(&mut self, other: &Hist) {
        for (a, b) in self.buckets.iter_mut().zip(&other.buckets) {
            *a += b;
        }
        self.count += other.count;
        self.max = self.max.max(other.max);
    }

    fn percentile_us(&self, p: f64) -> f64 {
        let rank = (self.count as f64 * p).ceil() as u64;
        let mut seen = 0;
        for (i, n) in self.buckets.iter().enumerate() {
            seen += n;
            if seen >= rank && *n > 0 {
                return Self::value(i) as f64 / 1e3;
            }
        }
        0.0
    }
}

struct Totals {
    hist: Hist,
    errors: u64,
    lost: u64,
}

struct Opts {
    addr: SocketAddr,
    conns: usize,
    size: usize,
    secs: f64,
    warmup: f64,
    threads: usize,
    depth: usize,
}

fn stamp(buf: &mut [u8], seq: u64) {
    let bytes = seq.to_le_bytes();
    let n = bytes.len().min(buf.len());
    buf[..n].copy_from_slice(&bytes[..n]);
}

fn same_stamp(buf: &[u8], seq: u64) -> bool {
    let bytes = seq.to_le_bytes();
    let n = bytes.len().min(buf.len());
    buf[..n] == bytes[..n]
}

struct TcpConn {
    stream: TcpStream,
    size: usize,
    out: Vec<u8>,
    input: Vec<u8>,
    written: usize,
    got: usize,
    seq: u64,
    sent_at: Instant,
    dead: bool,
}

impl TcpConn {
    fn start(&mut self) {
        self.seq += 1;
        for request in self.out.chunks_mut(self.size) {
            stamp(request, self.seq);
        }
        self.written = 0;
        self.got = 0;
        self.sent_at = Instant::now();
        self.flush();
    }

    fn flush(&mut self) {
        while self.written < self.out.len() {
            match self.stream.write(&self.out[self.written..]) {
                Ok(n) => self.written += n,
                Err(e) if e.kind() == ErrorKind::WouldBlock => return,
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(_) => {
                    self.dead = true;
                    return;
                }
            }
        }
    }

    /// True when the whole reply has been read.
    fn pump(&mut self) -> bool {
        let size = self.out.len();
        while self.got < size {
            match self.stream.read(&mut self.input[self.got..]) {
                Ok(0) => {
                    self.dead = true;
                    return false;
                }
                Ok(n) => self.got += n,
                Err(e) if e.kind() == ErrorKind::WouldBlock => return false,
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(_) => {
                    self.dead = true;
                    return false;
                }
            }
        }
        true
    }
}

fn tcp(opts: &Opts, conns: usize) -> std::io::Result<Totals> {
    let mut totals = Totals {
        hist: Hist::new(),
        errors: 0,
        lost: 0,
    };
    let mut poll = Poll::new()?;
    let mut events = Events::with_capacity(1024);
    let mut all = Vec::with_capacity(conns);
    for i in 0..conns {
        let std_stream = std::net::TcpStream::connect_timeout(&opts.addr, Duration::from_secs(5))?;
        std_stream.set_nodelay(true)?;
        std_stream.set_nonblocking(true)?;
        let mut stream = TcpStream::from_std(std_stream);
        poll.registry().register(
            &mut stream,
            Token(i),
            Interest::READABLE | Interest::WRITABLE,
        )?;
        all.push(TcpConn {
            stream,
            size: opts.size,
            out: vec![b'x'; opts.size * opts.depth],
            input: vec![0; opts.size * opts.depth],
            written: 0,
            got: 0,
            seq: (i as u64) << 40,
            sent_at: Instant::now(),
            dead: false,
        });
    }
    let begin = Instant::now();
    let from = begin + Duration::from_secs_f64(opts.warmup);
    let until = from + Duration::from_secs_f64(opts.secs);
    for conn in &mut all {
        conn.start();
    }
    let mut now = begin;
    while now < until {
        poll.poll(&mut events, Some(Duration::from_millis(50)))?;
        now = Instant::now();
        for event in &events {
            let conn = &mut all[event.token().0];
            if conn.dead {
                continue;
            }
            if event.is_writable() && conn.written < conn.out.len() {
                conn.flush();
            }
            if event.is_readable() && conn.got < conn.out.len() && conn.pump() {
                let done = Instant::now();
                if !conn
                    .input
                    .chunks(conn.size)
                    .all(|reply| same_stamp(reply, conn.seq))
                {
                    totals.errors += 1;
                }
                if done >= from && done < until {
                    totals.hist.add((done - conn.sent_at).as_nanos() as u64);
                }
                conn.start();
            }
            if conn.dead {
                totals.errors += 1;
            }
        }
        if all.iter().all(|c| c.dead) {
            break;
        }
    }
    Ok(totals)
}

struct UdpConn {
    socket: UdpSocket,
    out: Vec<u8>,
    seq: u64,
    sent_at: Instant,
}

impl UdpConn {
    fn start(&mut self, totals: &mut Totals) {
        self.seq += 1;
        stamp(&mut self.out, self.seq);
        self.sent_at = Instant::now();
        if self.socket.send(&self.out).is_err() {
            totals.errors += 1; // the request is sent anew after LOST_AFTER
        }
    }
}

fn udp(opts: &Opts, sockets: usize) -> std::io::Result<Totals> {
    let mut totals = Totals {
        hist: Hist::new(),
        errors: 0,
        lost: 0,
    };
    let mut poll = Poll::new()?;
    let mut events = Events::with_capacity(1024);
    let mut input = vec![0u8; 65536];
    let mut all = Vec::with_capacity(sockets);
    let local: SocketAddr = if opts.addr.is_ipv4() {
        "127.0.0.1:0".parse().unwrap()
    } else {
        "[::1]:0".parse().unwrap()
    };
    for i in 0..sockets {
        let mut socket = UdpSocket::bind(local)?;
        socket.connect(opts.addr)?;
        poll.registry()
            .register(&mut socket, Token(i), Interest::READABLE)?;
        all.push(UdpConn {
            socket,
            out: vec![b'x'; opts.size],
            seq: (i as u64) << 40,
            sent_at: Instant::now(),
        });
    }
    let begin = Instant::now();
    let from = begin + Duration::from_secs_f64(opts.warmup);
    let until = from + Duration::from_secs_f64(opts.secs);
    for conn in &mut all {
        conn.start(&mut totals);
    }
    let mut now = begin;
    let mut checked = begin;
    while now < until {
        poll.poll(&mut events, Some(Duration::from_millis(50)))?;
        now = Instant::now();
        for event in &events {
            let conn = &mut all[event.token().0];
            loop {
                match conn.socket.recv(&mut input) {
                    Ok(n) => {
                        if n != opts.size || !same_stamp(&input[..n], conn.seq) {
                            totals.errors += 1; // late or wrong: keep waiting
                            continue;
                        }
                        let done = Instant::now();
                        if done >= from && done < until {
                            totals.hist.add((done - conn.sent_at).as_nanos() as u64);
                        }
                        conn.start(&mut totals);
                        break; // a newer datagram raises a new edge
                    }
                    Err(e) if e.kind() == ErrorKind::WouldBlock => break,
                    Err(e) if e.kind() == ErrorKind::Interrupted => {}
                    Err(_) => {
                        totals.errors += 1;
                        break;
                    }
                }
            }
        }
        if now - checked > Duration::from_millis(100) {
            checked = now;
            for conn in &mut all {
                if now.saturating_duration_since(conn.sent_at) > LOST_AFTER {
                    totals.lost += 1;
                    conn.start(&mut totals);
                }
            }
        }
    }
    Ok(totals)
}

/// A load of so many connections.
type Load = fn(&Opts, usize) -> std::io::Result<Totals>;

const SERVE_FOR: Duration = Duration::from_secs(60);

fn serve_tcp() -> std::io::Result<()> {
    let mut listener = mio::net::TcpListener::bind("127.0.0.1:0".parse().unwrap())?;
    let mut poll = Poll::new()?;
    let mut events = Events::with_capacity(1024);
    poll.registry()
        .register(&mut listener, Token(usize::MAX), Interest::READABLE)?;
    println!("READY {}", listener.local_addr()?.port());
    let end = Instant::now() + SERVE_FOR;
    let mut conns: Vec<Option<TcpStream>> = Vec::new();
    let mut buf = vec![0u8; 65536];
    while Instant::now() < end {
        poll.poll(&mut events, Some(Duration::from_millis(500)))?;
        for event in &events {
            let Some(slot) = conns.get_mut(event.token().0) else {
                while let Ok((mut stream, _)) = listener.accept() {
                    stream.set_nodelay(true)?;
                    poll.registry().register(
                        &mut stream,
                        Token(conns.len()),
                        Interest::READABLE,
                    )?;
                    conns.push(Some(stream));
                }
                continue;
            };
            let Some(stream) = slot.as_mut() else {
                continue;
            };
            let gone = loop {
                match stream.read(&mut buf) {
                    Ok(0) => break true,
                    // A floor, not a server: short messages fit the socket buffer.
                    Ok(n) if stream.write_all(&buf[..n]).is_err() => break true,
                    // A short read has emptied the socket: the next byte is a new edge.
                    Ok(n) if n < buf.len() => break false,
                    Ok(_) => {}
                    Err(e) if e.kind() == ErrorKind::Interrupted => {}
                    Err(e) => break e.kind() != ErrorKind::WouldBlock,
                }
            };
            if gone {
                *slot = None;
            }
        }
    }
    Ok(())
}

fn serve_udp() -> std::io::Result<()> {
    let socket = std::net::UdpSocket::bind("127.0.0.1:0")?;
    socket.set_read_timeout(Some(Duration::from_millis(500)))?;
    println!("READY {}", socket.local_addr()?.port());
    let end = Instant::now() + SERVE_FOR;
    let mut buf = vec![0u8; 65536];
    while Instant::now() < end {
        if let Ok((n, peer)) = socket.recv_from(&mut buf) {
            let _ = socket.send_to(&buf[..n], peer);
        }
    }
    Ok(())
}

fn usage(message: &str) -> ! {
    eprintln!("loadgen: {message}");
    eprintln!(
        "usage: loadgen tcp-echo|udp-echo --addr LOOPBACK:PORT [--conns N | --sockets N] \
         [--size BYTES] [--secs S] [--warmup S] [--threads N] [--depth N]\n       \
         loadgen serve --kind tcp|udp"
    );
    std::process::exit(2);
}

fn main() {
    let mut args = std::env::args().skip(1);
    let command = args.next().unwrap_or_else(|| usage("no command"));
    let (label, work): (&str, Load) = match command.as_str() {
        "tcp-echo" => ("tcp_echo", tcp),
        "udp-echo" => ("udp_echo", udp),
        "serve" => ("serve", tcp),
        other => usage(&format!("unknown command {other}")),
    };
    let mut addr = None;
    let mut opts = Opts {
        addr: "127.0.0.1:0".parse().unwrap(),
        conns: 32,
        size: 64,
        secs: 3.0,
        warmup: 0.5,
        threads: 1,
        depth: 1,
    };
    let mut kind = String::new();
    while let Some(key) = args.next() {
        let value = args
            .next()
            .unwrap_or_else(|| usage(&format!("{key} needs a value")));
        let bad = || -> ! { usage(&format!("bad value {value:?} for {key}")) };
        match key.as_str() {
            "--addr" => addr = Some(value.parse::<SocketAddr>().unwrap_or_else(|_| bad())),
            "--conns" | "--sockets" => opts.conns = value.parse().unwrap_or_else(|_| bad()),
            "--size" => opts.size = value.parse().unwrap_or_else(|_| bad()),
            "--secs" => opts.secs = value.parse().unwrap_or_else(|_| bad()),
            "--warmup" => opts.warmup = value.parse().unwrap_or_else(|_| bad()),
            "--kind" => kind = value,
            "--loop" => {} // bench_net.py's servers take it: ignored
            "--depth" => opts.depth = value.parse().unwrap_or_else(|_| bad()),
            "--threads" => opts.threads = value.parse().unwrap_or_else(|_| bad()),
            _ => usage(&format!("unknown option {key}")),
        }
    }
    if command == "serve" {
        let served = match kind.as_str() {
            "tcp" | "tcp_framed" => serve_tcp(),
            "udp" => serve_udp(),
            other => usage(&format!("serve knows no kind {other:?}")),
        };
        if let Err(error) = served {
            eprintln!("loadgen: {error}");
            std::process::exit(1);
        }
        return;
    }
    opts.addr = addr.unwrap_or_else(|| usage("--addr is missing"));
    if !opts.addr.ip().is_loopback() {
        usage("only loopback addresses are allowed");
    }
    if opts.size == 0
        || opts.conns == 0
        || opts.depth == 0
        || opts.threads == 0
        || opts.threads > opts.conns
    {
        usage("--size, --conns, --depth and --threads must be positive, threads <= conns");
    }
    if !(opts.secs > 0.0 && opts.warmup >= 0.0 && opts.secs + opts.warmup <= 60.0) {
        usage("secs + warmup must be within 60");
    }

    let mut sum = Totals {
        hist: Hist::new(),
        errors: 0,
        lost: 0,
    };
    std::thread::scope(|scope| {
        let opts = &opts;
        let threads: Vec<_> = (0..opts.threads)
            .map(|i| {
                let share = opts.conns / opts.threads + usize::from(i < opts.conns % opts.threads);
                scope.spawn(move || work(opts, share))
            })
            .collect();
        for thread in threads {
            match thread.join().unwrap() {
                Ok(part) => {
                    sum.hist.merge(&part.hist);
                    sum.errors += part.errors;
                    sum.lost += part.lost;
                }
                Err(error) => {
                    eprintln!("loadgen: {error}");
                    std::process::exit(1);
                }
            }
        }
    });
    let depth = if command == "tcp-echo" { opts.depth } else { 1 };
    println!(
        "{label}.rate {:.1} req/s",
        (sum.hist.count * depth as u64) as f64 / opts.secs
    );
    println!("{label}.p50 {:.1} us", sum.hist.percentile_us(0.50));
    println!("{label}.p99 {:.1} us", sum.hist.percentile_us(0.99));
    println!("{label}.max {:.1} us", sum.hist.max as f64 / 1e3);
    println!("{label}.errors {} count", sum.errors);
    println!("{label}.lost {} count", sum.lost);
}
