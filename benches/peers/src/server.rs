//! Servers under test: this same binary run again as `serve KIND`.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::process::{cpu_time, stay_on};

/// A server in a process of its own; it is killed when this is dropped.
pub struct Server {
    child: Child,
    addr: SocketAddr,
}

impl Server {
    /// Starts a server, on one CPU alone if that is said, and waits until it listens.
    pub fn start(kind: &str, cpu: Option<usize>) -> Self {
        let mut command = Command::new(std::env::current_exe().expect("the path of this program"));
        command.arg("serve").arg(kind);
        if let Some(cpu) = cpu {
            command.arg(cpu.to_string());
        }
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this program again");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("a pipe");
        BufReader::new(stdout).read_line(&mut line).expect("a line");
        let addr = line.trim().strip_prefix("listening ").expect("an address");
        Self {
            addr: addr.parse().expect("an address"),
            child,
        }
    }

    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Requests a second under a load of so many seconds, and microseconds of the server's CPU for each.
    pub fn measure(
        &self,
        secs: f64,
        load: impl FnOnce(SocketAddr) -> std::io::Result<f64>,
    ) -> [f64; 2] {
        let before = self.cpu();
        let rate = load(self.addr).expect("the server serves");
        let spent = self.cpu() - before;
        [spent.as_secs_f64() * 1e6 / (rate * secs), rate]
    }

    fn cpu(&self) -> Duration {
        cpu_time(self.child.id())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What kind of server this process is to be, if it is one.
pub fn asked() -> Option<String> {
    let mut args = std::env::args().skip(1);
    if args.next()? != "serve" {
        return None;
    }
    let kind = args.next()?;
    if let Some(cpu) = args.next() {
        stay_on(cpu.parse().expect("the number of a CPU"));
    }
    Some(kind)
}

/// Tells the parent where this server listens.
pub fn listening(addr: SocketAddr) {
    use std::io::Write;
    let mut out = std::io::stdout();
    writeln!(out, "listening {addr}").expect("the parent reads");
    out.flush().expect("the parent reads");
}
