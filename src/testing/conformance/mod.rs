//! Proves an adapter: one call runs it through every line of the port's contract.
//!
//! The lines stand in the documentation of [`Spawn`](crate::runtime::Spawn),
//! [`Drive`](crate::runtime::Drive), [`Timer`](crate::runtime::Timer),
//! [`Backend`](crate::runtime::Backend), [`Net`](crate::runtime::Net) and the `Raw…` traits. A
//! report names them, such as `S4: abort drops the future soon and without another poll`.
//!
//! ```
//! # #[cfg(feature = "smol")] {
//! use aiomisc::adapters::Smol;
//! use aiomisc::testing::conformance::Subject;
//!
//! let report = Subject::new("smol", Smol::new())
//!     .disposable(|| Smol::new().into())
//!     .run();
//! report.assert();
//! # }
//! ```
//!
//! # What it does to the process
//!
//! Each check has a thread and a time limit of its own, so that an adapter that hangs fails the line
//! on which it hangs; the thread is then left behind. Checks open real sockets on this machine, up
//! to two thousand at once where the process may. Some let tasks panic, which the panic hook prints.
//! The whole takes a few seconds, most of it waiting for short sleeps in real time.

mod abort;
mod batch;
mod blocking;
mod datagram;
mod drive;
mod end;
mod io;
mod lab;
mod lines;
mod listener;
mod net;
mod outside;
mod panics;
mod report;
mod spawn;
mod stream;
mod stream_close;
mod time;
mod time_edges;
mod unix;
mod wake;

pub use self::report::{CheckReport, Outcome, Report};

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use self::lab::{Check, Failed, Lab};
use crate::runtime::Runtime;

const ALL: &[&[Check]] = &[
    spawn::CHECKS,
    abort::CHECKS,
    wake::CHECKS,
    panics::CHECKS,
    blocking::CHECKS,
    drive::CHECKS,
    time::CHECKS,
    time_edges::CHECKS,
    net::CHECKS,
    outside::CHECKS,
    stream::CHECKS,
    stream_close::CHECKS,
    listener::CHECKS,
    datagram::CHECKS,
    batch::CHECKS,
    unix::CHECKS,
    end::CHECKS,
];

/// Checks that hang are given up one by one; after so many the rest is not tried any more.
const HANGS: usize = 5;

/// A part that an adapter may lack; it then answers `Unsupported`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Capability {
    /// TCP streams and listeners.
    Tcp,
    /// UDP sockets; with [`UnixSockets`](Self::UnixSockets) also those of Unix.
    Datagrams,
    /// Unix sockets.
    UnixSockets,
    /// Taking over sockets of the standard library and giving them back, and with it errors that
    /// only a real system makes.
    StdSockets,
}

/// An adapter to be looked at.
#[derive(Clone)]
#[must_use = "nothing is checked until `run`"]
pub struct Subject {
    name: String,
    runtime: Runtime,
    beside: Option<Runtime>,
    disposable: Option<Arc<dyn Fn() -> Runtime + Send + Sync>>,
    without: Vec<Capability>,
    simulated: bool,
    only: Vec<String>,
    except: Vec<String>,
    limit: Duration,
}

impl Subject {
    /// Takes a runtime of the adapter. The checks block on it; one that is driven elsewhere must be
    /// driven all the while.
    pub fn new(name: impl Into<String>, runtime: impl Into<Runtime>) -> Self {
        Self {
            name: name.into(),
            runtime: runtime.into(),
            beside: None,
            disposable: None,
            without: Vec::new(),
            simulated: false,
            only: Vec::new(),
            except: Vec::new(),
            limit: Duration::from_secs(10),
        }
    }

    /// Says what the adapter lacks. The checks that need it are skipped, and one sees to it that the
    /// answer is `Unsupported`.
    pub fn without(mut self, capability: Capability) -> Self {
        self.without.push(capability);
        self
    }

    /// Says that the runtime is a simulation: it goes on only while a thread blocks on it, runs
    /// blocking jobs one by one while everything else stands still, and keeps its sockets in memory.
    /// The few checks that such a thing cannot pass are skipped, each with its reason; everything
    /// else holds. Threads outside of it must be able to wake its tasks.
    pub fn simulated(mut self) -> Self {
        self.simulated = true;
        self
    }

    /// Gives a runtime of another kind, inside of which this one is used as well: what an adapter
    /// makes there must not be bound to it. Default: none, and those checks are skipped.
    ///
    /// The harder it is for what gets bound to it to work, the better: one that stands still when
    /// nobody blocks on it will do.
    pub fn beside(mut self, other: impl Into<Runtime>) -> Self {
        self.beside = Some(other.into());
        self
    }

    /// Gives a way to make runtimes that the checks may end by dropping them. Default: none, and
    /// those checks are skipped.
    pub fn disposable(mut self, make: impl Fn() -> Runtime + Send + Sync + 'static) -> Self {
        self.disposable = Some(Arc::new(make));
        self
    }

    /// How long one check may take, in real time. Default: 10 s.
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Runs only the checks of one line of the contract, such as `"T4"`, for work on an adapter. May
    /// be called again for more lines.
    pub fn only(mut self, line: impl Into<String>) -> Self {
        self.only.push(line.into());
        self
    }

    /// Leaves out the checks of one line of the contract, where what is looked at cannot be had: the
    /// time of a simulation that another thread drives, say. May be called again for more lines.
    pub fn except(mut self, line: impl Into<String>) -> Self {
        self.except.push(line.into());
        self
    }

    /// Runs the checks, one after another.
    pub fn run(self) -> Report {
        let mut report = Report::new(&self.name);
        let (scratch, mut hung) = (Scratch::new(), 0);
        let lab = Lab {
            runtime: self.runtime.clone(),
            beside: self.beside.clone(),
            disposable: self.disposable.clone(),
            directory: scratch.0.clone(),
        };
        for check in ALL.iter().copied().flatten() {
            let named = |lines: &[String]| lines.iter().any(|line| line == check.line);
            if !self.only.is_empty() && !named(&self.only) || named(&self.except) {
                continue;
            }
            let lacks = check.needs.iter().find(|part| self.without.contains(part));
            let outcome = if let Some(part) = lacks {
                Outcome::Skipped(format!("the adapter has no {part:?}"))
            } else if let Some(why) = check.real.filter(|_| self.simulated) {
                Outcome::Skipped(why.to_owned())
            } else if hung >= HANGS {
                Outcome::Skipped(format!("{HANGS} checks have hung before"))
            } else {
                self.run_one(check, &lab, &mut hung)
            };
            report.push(CheckReport {
                line: check.line,
                name: check.name,
                outcome,
            });
        }
        for part in &self.without {
            report.push(CheckReport {
                line: "N6",
                name: "a part that the adapter does not have",
                outcome: outcome(net::is_unsupported(&lab, *part)),
            });
        }
        report
    }

    fn run_one(&self, check: &'static Check, lab: &Lab, hung: &mut usize) -> Outcome {
        let (send, receive) = mpsc::channel();
        let lab = lab.clone();
        let thread = thread::Builder::new()
            .name(format!("conformance {}", check.line))
            .spawn(move || {
                let outcome = (check.run)(&lab);
                drop(lab);
                // Nobody listens any more when the limit was over.
                let _ = send.send(outcome);
            });
        let thread = match thread {
            Ok(thread) => thread,
            Err(error) => return Outcome::Skipped(format!("no thread could be started: {error}")),
        };
        match receive.recv_timeout(self.limit) {
            Ok(result) => outcome(result),
            Err(RecvTimeoutError::Timeout) => {
                *hung += 1;
                Outcome::Failed(format!("it hung: not done after {:?}", self.limit))
            }
            Err(RecvTimeoutError::Disconnected) => {
                let text = match thread.join() {
                    Ok(()) => "it ended without an answer".to_owned(),
                    Err(payload) => crate::error::panic_text(&*payload),
                };
                Outcome::Failed(format!("it panicked: {text}"))
            }
        }
    }
}

fn outcome(result: lab::Result) -> Outcome {
    match result {
        Ok(()) => Outcome::Passed,
        Err(Failed::Broken(seen)) => Outcome::Failed(seen),
        Err(Failed::Skipped(why)) => Outcome::Skipped(why),
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject")
            .field("name", &self.name)
            .field("runtime", &self.runtime)
            .field("without", &self.without)
            .finish_non_exhaustive()
    }
}

/// A directory for socket files; removed with what is in it.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let mut path = PathBuf::new();
        // What an earlier process of this number may have left is not used.
        for _ in 0..1000 {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let name = format!("aiomisc-{}-{number}", std::process::id());
            path = std::env::temp_dir().join(name);
            if std::fs::create_dir(&path).is_ok() {
                break;
            }
        }
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A check that hangs may still hold a file.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every line that the documentation of the port numbers is looked at by some check, and the
    /// other way round.
    #[test]
    fn every_line_of_the_contract_is_checked() {
        let sources = [
            include_str!("../../runtime/backend.rs"),
            include_str!("../../runtime/net/mod.rs"),
            include_str!("../../runtime/net/stream.rs"),
            include_str!("../../runtime/net/listener.rs"),
            include_str!("../../runtime/net/datagram.rs"),
        ];
        let mut written: Vec<&str> = sources
            .iter()
            .flat_map(|source| source.lines())
            .filter_map(|line| line.strip_prefix("/// - **"))
            .filter_map(|rest| rest.split_once("**"))
            .map(|(line, _)| line)
            .collect();
        let mut listed: Vec<&str> = lines::LINES.iter().map(|(line, _)| *line).collect();
        written.sort_unstable();
        listed.sort_unstable();
        assert_eq!(written, listed);
        for line in written {
            // What `Unsupported` is about depends on the subject.
            let checked = ALL
                .iter()
                .copied()
                .flatten()
                .any(|check| check.line == line);
            assert!(checked || line == "N6", "{line} is looked at by no check");
        }
        for check in ALL.iter().copied().flatten() {
            assert!(
                !lines::text(check.line).is_empty(),
                "{} is no line",
                check.line
            );
        }
    }
}
