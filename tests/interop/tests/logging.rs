//! The formats of the log, read by programs of others: rsyslog, the journal of systemd, and jq.

use std::fs;
use std::net::UdpSocket;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use interop::{Running, run};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// A daemon that ends with the test.
struct Daemon(Child);

impl Daemon {
    fn start(program: &str, args: &[&str]) -> Self {
        let mut command = Command::new(program);
        command
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        let child = command.spawn();
        Self(child.unwrap_or_else(|error| panic!("`{program}` is needed for this test: {error}")))
    }

    fn stop(mut self) {
        let pid = Pid::from_raw(self.0.id().try_into().expect("a process"));
        kill(pid, Signal::SIGTERM).expect("it runs");
        wait_until(&mut || self.0.try_wait().is_ok_and(|status| status.is_some()));
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It has mostly ended by now.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A folder that goes with the test.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn path(&self, name: &str) -> String {
        let path = self.0.path().join(name);
        path.to_str().expect("a plain path").to_owned()
    }
}

fn wait_until(ready: &mut dyn FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !ready() {
        assert!(Instant::now() < deadline, "it does not happen");
        thread::sleep(Duration::from_millis(20));
    }
}

fn log(args: &[&str]) {
    let status = Running::example("logging", args).wait();
    assert_eq!(status.code(), Some(0), "{args:?}");
}

/// What `jq` makes of each line.
fn jq(filter: &str, lines: &str) -> Vec<String> {
    let output = run(
        "jq",
        &["--compact-output", "--raw-output", filter],
        lines.as_bytes(),
    );
    let text = String::from_utf8(output.stdout).expect("text");
    text.lines().map(str::to_owned).collect()
}

#[test]
fn rsyslog_reads_the_older_form_at_a_socket_and_the_newer_one_over_udp() {
    let folder = Folder::new();
    let (socket, out) = (folder.path("socket"), folder.path("out"));
    let config = folder.path("rsyslog.conf");
    let free = UdpSocket::bind("127.0.0.1:0").and_then(|socket| socket.local_addr());
    let port = free.expect("there is a free port").port();
    let text = format!(
        r#"
global(parser.escapeControlCharactersOnReceive="on" maxMessageSize="64k")
module(load="imuxsock" SysSock.Use="off")
input(type="imuxsock" Socket="{socket}" UseSysTimeStamp="off" RateLimit.Interval="0")
module(load="imudp")
input(type="imudp" address="127.0.0.1" port="{port}")
template(name="all" type="list") {{ property(name="jsonmesg") constant(value="\n") }}
action(type="omfile" file="{out}" template="all")
"#
    );
    fs::write(&config, text).expect("it can be written");
    let pid = folder.path("pid");
    let rsyslog = Daemon::start("rsyslogd", &["-n", "-f", &config, "-i", &pid]);
    wait_until(&mut || Path::new(&socket).exists());
    log(&["--format", "syslog", "--to", &socket]);
    let server = format!("127.0.0.1:{port}");
    log(&["--format", "syslog", "--to", &server, "--rfc", "5424"]);
    // The last record of each run.
    let mut read = String::new();
    wait_until(&mut || {
        read = fs::read_to_string(&out).unwrap_or_default();
        // A line may be half written.
        read.truncate(read.rfind('\n').map_or(0, |end| end + 1));
        ["0", "1"].iter().all(|version| {
            let filter = format!("select(.\"protocol-version\" == \"{version}\") | .msg");
            let messages = jq(&filter, &read);
            messages.iter().any(|message| message.contains("stopping"))
        })
    });
    rsyslog.stop();

    let parts = "[.syslogfacility, .syslogseverity, .programname, .msg] | join(\"|\")";
    let old = jq(
        &format!("select(.\"protocol-version\" == \"0\") | {parts}"),
        &read,
    );
    for expected in [
        "3|6|logging| logging: listening address=\"127.0.0.1:8080\" tls=false",
        "3|6|logging| logging: order taken number=1042 items=[\"tea\", \"honey\"] city=\"Göteborg\" id=7 path=\"/orders\"",
        "3|2|logging| logging: the shop is on fire code=7",
    ] {
        assert!(
            old.iter().any(|line| line == expected),
            "{expected}: {old:#?}"
        );
    }
    let parts = "[.syslogfacility, .syslogseverity, .\"app-name\", .msgid, .\"structured-data\", .msg] | join(\"|\")";
    let new = jq(
        &format!("select(.\"protocol-version\" == \"1\") | {parts}"),
        &read,
    );
    for expected in [
        r#"3|6|logging|logging|[fields@32473 address="127.0.0.1:8080" tls="false"]|listening"#,
        r#"3|2|logging|logging|[fields@32473 code="7"]|the shop is on fire"#,
        r#"3|6|logging|logging|[fields@32473 number="1042" items="[\"tea\", \"honey\"\]" city="Göteborg" id="7" path="/orders"]|order taken"#,
    ] {
        assert!(
            new.iter().any(|line| line == expected),
            "{expected}: {new:#?}"
        );
    }
    let hosts = jq("select(.\"protocol-version\" == \"1\") | .hostname", &read);
    let host = run("hostname", &[], b"").stdout;
    assert_eq!(hosts[0].as_bytes(), host.trim_ascii());
}

/// A journal of its own, in a name space; it needs root, as the tier for which programs are installed has it.
#[test]
fn the_journal_of_systemd_reads_every_field() {
    let namespace = format!("aiomisc{}", std::process::id());
    let socket = format!("/run/systemd/journal.{namespace}/socket");
    let journal = Daemon::start("/lib/systemd/systemd-journald", &[&namespace]);
    wait_until(&mut || Path::new(&socket).exists());
    log(&["--format", "journald", "--to", &socket]);
    let mut read = String::new();
    wait_until(&mut || {
        let option = format!("--namespace={namespace}");
        let output = run(
            "journalctl",
            &[&option, "--output=json", "--all", "--quiet"],
            b"",
        );
        read = String::from_utf8(output.stdout).expect("text");
        read.contains("\"MESSAGE\":\"stopping\"")
    });
    journal.stop();
    for folder in ["/run/log/journal", "/var/log/journal"] {
        for found in fs::read_dir(folder).into_iter().flatten().flatten() {
            if found
                .path()
                .extension()
                .is_some_and(|end| *end == *namespace)
            {
                fs::remove_dir_all(found.path()).expect("it is ours");
            }
        }
    }
    // Where it fails, it is a few sockets in a folder of the system's own.
    let _ = fs::remove_dir_all(format!("/run/systemd/journal.{namespace}"));

    let ours = "select(.SYSLOG_IDENTIFIER == \"logging\")";
    let parts = "[.MESSAGE, .PRIORITY, .TARGET, .CODE_FILE, .NUMBER, .CITY, .SPAN_NAME, .ID, .PATH] | join(\"|\")";
    let taken = jq(
        &format!("{ours} | select(.MESSAGE == \"order taken\") | {parts}"),
        &read,
    );
    assert_eq!(
        taken,
        ["order taken|6|logging|examples/logging.rs|1042|Göteborg|request|7|/orders"]
    );
    let critical = jq(
        &format!("{ours} | select(.PRIORITY == \"2\") | .MESSAGE"),
        &read,
    );
    assert_eq!(critical, ["the shop is on fire"]);
    let error = jq(
        &format!("{ours} | select(.ERROR != null and .PRIORITY == \"3\") | .ERROR"),
        &read,
    );
    assert_eq!(
        error,
        ["cannot load settings: No such file or directory (os error 2)"]
    );
}

#[test]
fn jq_reads_json() {
    let folder = Folder::new();
    let out = folder.path("out");
    // The log goes to the standard error stream, which the shell has in a file.
    let example = interop::example("logging");
    let command = format!("exec {} --format json 2>{out}", example.display());
    run("sh", &["-c", &command], b"");
    let read = fs::read_to_string(&out).expect("it was written");
    let taken = jq(
        "select(.msg == \"order taken\") | [.level, .\"@fields\".number, .\"@fields\".city] | join(\"|\")",
        &read,
    );
    assert_eq!(taken, ["info|1042|Göteborg"]);
    assert_eq!(
        jq(".msg | select(. == null)", &read),
        [""; 0],
        "each line is a record"
    );
    assert_eq!(jq(".level", &read).len(), read.lines().count());
}
