//! Programs run as a user runs them: as processes, with what they print and real signals.
#![allow(
    clippy::disallowed_methods,
    reason = "processes are waited for in real time"
)]

use std::cell::RefCell;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// A program that runs. It is killed if the test ends before it does.
pub(crate) struct Program {
    child: Child,
    lines: mpsc::Receiver<Line>,
    /// What was printed and not asked for yet.
    seen: RefCell<Vec<Line>>,
}

struct Line {
    /// Of the standard error.
    err: bool,
    text: String,
}

impl Program {
    /// Starts it, with both its streams read line by line.
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .stdin(Stdio::null())
            .spawn()
            .expect("cargo builds programs together with the tests");
        let (send, lines) = mpsc::channel();
        let (out, err) = (
            child.stdout.take().expect("piped"),
            child.stderr.take().expect("piped"),
        );
        let streams = [Box::new(out) as Box<dyn Read + Send>, Box::new(err)];
        for (stream, err) in streams.into_iter().zip([false, true]) {
            let send = send.clone();
            thread::spawn(move || {
                for text in BufReader::new(stream).lines().map_while(Result::ok) {
                    // The test may have what it wanted.
                    let _ = send.send(Line { err, text });
                }
            });
        }
        Self {
            child,
            lines,
            seen: RefCell::default(),
        }
    }

    /// Waits for a line that begins like this, and gives the rest of it.
    pub(crate) fn line(&self, start: &str) -> String {
        let mut seen = self.seen.borrow_mut();
        if let Some(at) = seen.iter().position(|line| line.text.starts_with(start)) {
            return seen.remove(at).text[start.len()..].to_owned();
        }
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => match line.text.strip_prefix(start) {
                    Some(rest) => return rest.to_owned(),
                    None => seen.push(line),
                },
                Err(error) => {
                    let seen: Vec<_> = seen.iter().map(|line| &line.text).collect();
                    panic!("no line begins with `{start}` ({error}): {seen:#?}")
                }
            }
        }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.child.id().try_into().expect("a process number"));
        kill(pid, signal).expect("it runs");
    }

    /// Waits until it has ended, and gives what it printed and nobody has asked for: first all of the standard
    /// output, then the standard error, since nothing tells which line of the one came before which of the other.
    pub(crate) fn wait(mut self) -> (ExitStatus, Vec<String>) {
        let (send, done) = mpsc::channel();
        let pid = self.child.id();
        let watchdog = thread::spawn(move || {
            if done.recv_timeout(Duration::from_secs(40)).is_err() {
                let _ = kill(
                    Pid::from_raw(pid.try_into().expect("a number")),
                    Signal::SIGKILL,
                );
            }
        });
        let status = self.child.wait().expect("it was started");
        let _ = send.send(());
        watchdog.join().expect("it does not panic");
        let mut lines = self.seen.take();
        // Until both streams are at their end.
        while let Ok(line) = self.lines.recv_timeout(Duration::from_secs(10)) {
            lines.push(line);
        }
        lines.sort_by_key(|line| line.err);
        (status, lines.into_iter().map(|line| line.text).collect())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It has mostly ended by now.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
