//! Starts programs and waits for them, with limits.

use std::cell::RefCell;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// How long anything may take.
const LIMIT: Duration = Duration::from_secs(60);

/// A program of ours that runs until it is stopped; killed if the test ends before that.
pub struct Running {
    child: Child,
    lines: mpsc::Receiver<String>,
    /// What was printed and not asked for yet.
    seen: RefCell<Vec<String>>,
}

impl Running {
    /// Builds an example and starts it.
    pub fn example(name: &str, args: &[&str]) -> Self {
        Self::start(Command::new(example(name)).args(args))
    }

    fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let (send, lines) = mpsc::channel();
        let out = child.stdout.take().expect("piped");
        thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                // The test may have what it wanted.
                let _ = send.send(line);
            }
        });
        Self {
            child,
            lines,
            seen: RefCell::default(),
        }
    }

    /// Waits for a line that begins like this, and gives the rest of it.
    pub fn line(&self, start: &str) -> String {
        let mut seen = self.seen.borrow_mut();
        if let Some(at) = seen.iter().position(|line| line.starts_with(start)) {
            return seen.remove(at)[start.len()..].to_owned();
        }
        let deadline = Instant::now() + LIMIT;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let line = self.lines.recv_timeout(left);
            let line =
                line.unwrap_or_else(|error| panic!("no line begins with `{start}`: {error}"));
            if let Some(rest) = line.strip_prefix(start) {
                return rest.to_owned();
            }
            seen.push(line);
        }
    }

    /// The number of open descriptors.
    pub fn descriptors(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.child.id())).map_or(0, Iterator::count)
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id() as i32), signal).expect("it runs");
    }

    /// Waits for the end.
    pub fn wait(mut self) -> ExitStatus {
        let deadline = Instant::now() + LIMIT;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait().expect("it was started") {
                return status;
            }
            thread::sleep(Duration::from_millis(10));
        }
        panic!("it does not end");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It has mostly ended by now.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Builds an example, and gives the path of the program.
pub fn example(name: &str) -> PathBuf {
    let built = Command::new(env!("CARGO"))
        .current_dir(root())
        .args(["build", "--quiet", "--all-features", "--example", name])
        .status()
        .expect("cargo runs");
    assert!(built.success(), "example {name} does not build");
    target().join("debug/examples").join(name)
}

/// A Python that has the packages of `INTEROP_PYTHON_PACKAGES` in `verify`, which has made it.
pub fn python() -> PathBuf {
    target().join("interop-python/bin/python")
}

fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), Into::into)
}

/// Runs a foreign program with this input, and gives what it printed. One that is missing, fails or
/// takes too long fails the test.
pub fn run(program: &str, args: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(program)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap_or_else(|error| panic!("`{program}` is needed for this test: {error}"));
    let pid = Pid::from_raw(child.id() as i32);
    let (done, ended) = mpsc::channel::<()>();
    let watchdog = thread::spawn(move || {
        if ended.recv_timeout(LIMIT) == Err(mpsc::RecvTimeoutError::Timeout) {
            let _ = kill(pid, Signal::SIGKILL);
        }
    });
    child
        .stdin
        .take()
        .expect("piped")
        .write_all(input)
        .expect("it reads");
    let mut stdout = Vec::new();
    child
        .stdout
        .take()
        .expect("piped")
        .read_to_end(&mut stdout)
        .expect("it can be read");
    let status = child.wait().expect("it was started");
    drop(done);
    watchdog.join().expect("it does not panic");
    assert!(status.success(), "{program} {args:?}: {status}");
    Output {
        status,
        stdout,
        stderr: Vec::new(),
    }
}

/// The folder of the repository.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .expect("it is there")
}
