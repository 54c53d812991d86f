//! What arrives at the daemons of the system, read by the rules of their protocols (row E2 of the
//! parity table).
#![cfg(all(target_os = "linux", feature = "syslog", feature = "journald"))]
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails at that place"
)]

mod shared;

use std::error::Error;
use std::fs::File;
use std::io::{ErrorKind, IoSliceMut, Read};
use std::net::UdpSocket;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::time::Duration;

use aiomisc::log::format::{Facility, Format, Journald, Syslog};
use aiomisc::log::{Datagrams, Handler, JournalSocket, Output, SyslogSocket};
use nix::fcntl::{FcntlArg, fcntl};
use nix::sys::socket::{ControlMessageOwned, MsgFlags, UnixAddr, recvmsg};
use shared::Folder;
use tracing_subscriber::prelude::*;

/// A daemon's socket, whose records are read one by one.
struct Daemon {
    socket: UnixDatagram,
    path: PathBuf,
}

impl Daemon {
    fn new(folder: &Folder) -> Self {
        let path = folder.join("socket");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket
            .set_read_timeout(Some(Duration::from_secs(10)))
            .unwrap();
        Self { socket, path }
    }

    fn record(&self) -> Vec<u8> {
        let mut buffer = vec![0; 1 << 20];
        let len = self.socket.recv(&mut buffer).unwrap();
        buffer.truncate(len);
        buffer
    }
}

fn logging(format: impl Format, to: impl Datagrams, body: impl FnOnce()) {
    let handler = Handler::new(format, Output::datagrams(to));
    let subscriber = tracing_subscriber::registry().with(handler);
    tracing::subscriber::with_default(subscriber, body);
}

fn text(record: Vec<u8>) -> String {
    String::from_utf8(record).unwrap()
}

// ---- syslog ----

#[test]
fn rfc_3164_arrives_at_a_socket_of_the_system() {
    let folder = Folder::new();
    let daemon = Daemon::new(&folder);
    let format = Syslog::rfc3164()
        .identifier("my app:[1]")
        .facility(Facility::Daemon);
    logging(format, SyslogSocket::unix(&daemon.path), || {
        tracing::info!(seconds = 1.5, name = "größe", "slow\nquery\x1b[2J\n");
        aiomisc::log::critical!("gone");
        tracing::warn!("w");
        tracing::error!("e");
        tracing::debug!("d");
        tracing::trace!("t");
    });
    let record = text(daemon.record());
    // `<PRI>Mmm dd hh:mm:ss TAG[PID]: CONTENT`
    let rest = record.strip_prefix("<30>").unwrap();
    let (date, rest) = rest.split_at("Nov 22 12:00:00".len());
    const MONTHS: &str = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec";
    assert!(
        MONTHS.split(' ').any(|month| month == &date[..3]),
        "{record}"
    );
    let digits: String = date[3..]
        .chars()
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .collect();
    assert!(
        matches!(digits.as_str(), " 00 00:00:00" | "  0 00:00:00"),
        "{record}"
    );
    let tag = format!(" my_app__1_[{}]: ", std::process::id());
    let content = rest.strip_prefix(&tag).unwrap();
    assert_eq!(
        content,
        "log_sockets: slow\\nquery\\x1b[2J\\n seconds=1.5 name=\"größe\""
    );
    // Three for the facility, times eight, and the severity.
    let priorities: Vec<_> = (0..5)
        .map(|_| text(daemon.record()).split_once('>').unwrap().0.to_owned())
        .collect();
    assert_eq!(priorities, ["<26", "<28", "<27", "<31", "<31"]);
}

#[test]
fn rfc_5424_arrives_over_udp() {
    let server = UdpSocket::bind("127.0.0.1:0").unwrap();
    server
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    let format = Syslog::rfc5424().host("my host").identifier("app");
    let socket = SyslogSocket::udp(server.local_addr().unwrap()).unwrap();
    logging(format, socket, || {
        let span = tracing::info_span!("request", id = 7);
        let _inside = span.enter();
        tracing::warn!(target: "app::store", path = "a\"b\\c]d\ne", "slow query");
        tracing::warn!(target: "app::a::very::long::target::that::goes::on", "");
    });
    let mut buffer = [0; 1024];
    let len = server.recv(&mut buffer).unwrap();
    let record = text(buffer[..len].to_vec());
    let parts: Vec<_> = record.splitn(7, ' ').collect();
    let pid = std::process::id().to_string();
    assert_eq!(parts[0], "<12>1");
    assert!(parts[1].parse::<jiff::Timestamp>().is_ok(), "{record}");
    assert_eq!(
        parts[1].split_once('.').unwrap().1.len(),
        "123456+00:00".len(),
        "{record}"
    );
    assert_eq!(parts[2..6], ["my_host", "app", &pid, "app::store"]);
    assert_eq!(
        parts[6],
        r#"[fields@32473 path="a\"b\\c\]d\\ne" id="7"] slow query"#
    );

    let len = server.recv(&mut buffer).unwrap();
    let record = text(buffer[..len].to_vec());
    let parts: Vec<_> = record.splitn(7, ' ').collect();
    assert_eq!(parts[5], "app::a::very::long::target::that");
    assert_eq!(
        parts[6], "[fields@32473 id=\"7\"]",
        "no message, and no space for one"
    );
}

#[test]
fn a_long_record_is_cut_and_a_stream_has_lines() {
    let folder = Folder::new();
    let daemon = Daemon::new(&folder);
    logging(Syslog::rfc3164(), SyslogSocket::unix(&daemon.path), || {
        tracing::info!("{}", "ä".repeat(10_000));
    });
    let record = text(daemon.record());
    assert!(record.ends_with("ä..."), "{record}");
    assert!((8190..=8192).contains(&record.len()), "{}", record.len());

    let format = Syslog::rfc3164().lines(true).max_size(480);
    logging(format, SyslogSocket::unix(&daemon.path), || {
        tracing::info!("a\nb");
        tracing::info!("{}", "x".repeat(1000));
    });
    assert!(text(daemon.record()).ends_with("a\\nb\n"));
    let record = text(daemon.record());
    assert_eq!(record.len(), 480);
    assert!(record.ends_with("x...\n"));
}

/// The daemon goes away, and comes back at the same path.
#[test]
fn a_daemon_that_was_restarted_is_found_again() {
    let folder = Folder::new();
    let path = folder.join("socket");
    let mut socket = SyslogSocket::unix(&path);
    assert!(socket.send(b"nobody is there yet").is_err());
    let daemon = Daemon::new(&folder);
    socket.send(b"one").unwrap();
    assert_eq!(daemon.record(), b"one");

    drop(daemon);
    assert!(
        socket.send(b"lost").is_err(),
        "its file is there, and nobody reads"
    );
    std::fs::remove_file(&path).unwrap();
    assert!(socket.send(b"lost").is_err());
    let daemon = Daemon::new(&folder);
    socket.send(b"two").unwrap();
    assert_eq!(daemon.record(), b"two");

    drop(daemon);
    std::fs::remove_file(&path).unwrap();
    let daemon = Daemon::new(&folder);
    socket
        .send(b"three, and nothing is lost by a quick restart")
        .unwrap();
    assert_eq!(
        daemon.record(),
        b"three, and nothing is lost by a quick restart"
    );
}

/// A daemon that does not read costs the record, not the program.
#[test]
fn a_daemon_that_does_not_read_is_not_waited_for_without_end() {
    let folder = Folder::new();
    let daemon = Daemon::new(&folder);
    let mut socket = SyslogSocket::unix(&daemon.path);
    let sent = (0..100_000)
        .take_while(|_| socket.send(b"record").is_ok())
        .count();
    assert!(sent < 100_000, "its queue has an end");
    // The second that the first of them has waited is not waited for again.
    for _ in 0..100 {
        let error = socket.send(b"lost").unwrap_err();
        assert_eq!(
            error.kind(),
            ErrorKind::TimedOut,
            "which nobody tries again"
        );
    }
    for _ in 0..sent {
        assert_eq!(daemon.record(), b"record");
    }
    socket.send(b"later").unwrap();
    assert_eq!(daemon.record(), b"later");
}

// ---- journald ----

/// Reads an entry as the protocol says: `NAME=value`, or the name, a line feed, eight bytes of
/// length, the value and a line feed.
fn fields(mut entry: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut fields = Vec::new();
    while !entry.is_empty() {
        let end = entry.iter().position(|byte| *byte == b'\n').unwrap();
        let line = &entry[..end];
        let (name, value);
        if let Some(at) = line.iter().position(|byte| *byte == b'=') {
            (name, value) = (&line[..at], line[at + 1..].to_vec());
            entry = &entry[end + 1..];
        } else {
            name = line;
            let len = u64::from_le_bytes(entry[end + 1..end + 9].try_into().unwrap()) as usize;
            value = entry[end + 9..end + 9 + len].to_vec();
            assert_eq!(entry[end + 9 + len], b'\n');
            entry = &entry[end + 10 + len..];
        }
        let name = text(name.to_vec());
        let valid = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
        assert!(
            name.chars().all(valid) && name.starts_with(|c: char| c.is_ascii_uppercase()),
            "{name}"
        );
        assert!(name.len() <= 64, "{name}");
        fields.push((name, value));
    }
    fields
}

fn values<'a>(fields: &'a [(String, Vec<u8>)], name: &str) -> Vec<&'a str> {
    let found = fields.iter().filter(|(found, _)| found == name);
    found
        .map(|(_, value)| std::str::from_utf8(value).unwrap())
        .collect()
}

#[test]
fn an_entry_of_the_journal_has_every_field() {
    let folder = Folder::new();
    let daemon = Daemon::new(&folder);
    let format = Journald::new().identifier("app");
    logging(format, JournalSocket::at(&daemon.path), || {
        let outer = tracing::info_span!("server", port = 80);
        let _outer = outer.enter();
        let inner = tracing::info_span!("request", id = 7, user = "of the span");
        let _inner = inner.enter();
        tracing::warn!(
            target: "app::store", user = "first\nsecond", message_id = "m", _private = 1, http.status = 200,
            bytes = &b"\x00\xff\n="[..], empty = "", yes = true, "slow\nquery = bad",
        );
        tracing::info!(only = "fields");
        aiomisc::log::critical!("gone");
        let cause = std::io::Error::other("inner");
        let error = std::io::Error::other(cause);
        tracing::error!(error = &error as &dyn Error, "failed");
    });
    let entry = fields(&daemon.record());
    for (name, expected) in [
        ("MESSAGE", &["slow\nquery = bad"][..]),
        ("PRIORITY", &["4"]),
        ("SYSLOG_IDENTIFIER", &["app"]),
        ("SYSLOG_PID", &[&*std::process::id().to_string()]),
        ("TARGET", &["app::store"]),
        ("CODE_MODULE", &["log_sockets"]),
        ("CODE_FILE", &["tests/log_sockets.rs"]),
        ("USER", &["first\nsecond", "of the span"]),
        ("F_MESSAGE_ID", &["m"]),
        ("F__PRIVATE", &["1"]),
        ("HTTP_STATUS", &["200"]),
        ("EMPTY", &[""]),
        ("YES", &["true"]),
        ("SPAN_NAME", &["server", "request"]),
        ("PORT", &["80"]),
        ("ID", &["7"]),
    ] {
        assert_eq!(values(&entry, name), expected, "{name}: {entry:?}");
    }
    assert!(values(&entry, "CODE_LINE")[0].parse::<u32>().is_ok());
    let bytes = entry.iter().find(|(name, _)| name == "BYTES").unwrap();
    assert_eq!(bytes.1, b"\x00\xff\n=");

    let entry = fields(&daemon.record());
    assert_eq!(values(&entry, "PRIORITY"), ["6"]);
    assert!(values(&entry, "MESSAGE")[0].starts_with("only=\"fields\""));
    let entry = fields(&daemon.record());
    assert_eq!(values(&entry, "PRIORITY"), ["2"]);
    assert_eq!(values(&entry, "CRITICAL"), [""; 0], "only a mark");
    let entry = fields(&daemon.record());
    assert_eq!(values(&entry, "ERROR"), ["inner"]);
}

/// What is larger than a datagram arrives as a sealed file.
#[test]
fn a_large_entry_arrives_in_memory() {
    let folder = Folder::new();
    let daemon = Daemon::new(&folder);
    let large = "x".repeat(4 << 20);
    logging(Journald::new(), JournalSocket::at(&daemon.path), || {
        tracing::info!(large, "a large one");
        tracing::info!("a small one");
    });
    let mut buffer = [0; 16];
    let mut space = nix::cmsg_space!([i32; 1]);
    let mut parts = [IoSliceMut::new(&mut buffer)];
    let socket = daemon.socket.as_raw_fd();
    let message =
        recvmsg::<UnixAddr>(socket, &mut parts, Some(&mut space), MsgFlags::empty()).unwrap();
    assert_eq!(message.bytes, 0);
    let Some(ControlMessageOwned::ScmRights(rights)) = message.cmsgs().unwrap().next() else {
        panic!("no descriptor came");
    };
    let mut entry = Vec::new();
    // The descriptor is ours, and closed with this process; opening it again needs no unsafe code.
    let mut file = File::open(format!("/proc/self/fd/{}", rights[0])).unwrap();
    file.read_to_end(&mut entry).unwrap();
    let seals = fcntl(&file, FcntlArg::F_GET_SEALS).unwrap();
    assert_eq!(
        seals, 0b1111,
        "nobody can change it, which the journal insists on"
    );
    let entry = fields(&entry);
    assert_eq!(values(&entry, "MESSAGE"), ["a large one"]);
    assert_eq!(values(&entry, "LARGE"), [large]);
    let entry = fields(&daemon.record());
    assert_eq!(values(&entry, "MESSAGE"), ["a small one"]);
}
