use std::collections::VecDeque;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use crate::net::Addr;

/// What happened in a simulation, event by event; from
/// [`Simulation::trace`](super::Simulation::trace).
///
/// Two runs of one seed have equal traces. It displays as one line for each event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    events: VecDeque<Event>,
    left_out: u64,
}

impl Trace {
    /// Goes through the events, oldest first.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Event> {
        self.events.iter()
    }

    /// How many events there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// Whether there are none, as there are when nothing is recorded.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// How many older events found no place.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    pub(super) fn push(&mut self, event: Event, limit: usize) {
        if self.events.len() >= limit {
            self.events.pop_front();
            self.left_out += 1;
        }
        self.events.push_back(event);
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.left_out > 0 {
            writeln!(f, "({} older events are left out)", self.left_out)?;
        }
        for event in &self.events {
            writeln!(f, "{event}")?;
        }
        Ok(())
    }
}

/// Something that happened; its `Display` is a line of the trace: the seconds since the start, the
/// task, and what it did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    at: u64,
    task: Option<u64>,
    what: What,
}

impl Event {
    pub(super) fn new(at: u64, task: Option<u64>, what: What) -> Self {
        Self { at, task, what }
    }

    /// When it happened, since the start of the simulation.
    #[must_use]
    pub fn at(&self) -> Duration {
        Duration::from_nanos(self.at)
    }

    /// The number of the task that did it, if it was one.
    #[must_use]
    pub fn task(&self) -> Option<u64> {
        self.task
    }

    /// What kind of event it is: the first word of its text, such as `send`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        self.what.kind()
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (secs, nanos) = (self.at / 1_000_000_000, self.at % 1_000_000_000);
        write!(f, "{secs:>6}.{nanos:09}  ")?;
        match self.task {
            Some(task) => write!(f, "task {task:<4}  ")?,
            None => write!(f, "{:11}", "")?,
        }
        write!(f, "{:<9} {}", self.what.kind(), self.what)
    }
}

/// Two ends, and what went between them.
type Way = (Addr, Addr);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum What {
    Spawn {
        id: u64,
        name: Arc<str>,
    },
    Poll {
        name: Arc<str>,
    },
    End {
        name: Arc<str>,
        aborted: bool,
    },
    Timer,
    Jump,
    Job {
        name: Arc<str>,
    },
    Script,
    Note(String),
    Listen(Addr),
    Bind(Addr),
    Connect {
        to: Addr,
    },
    Connected {
        local: Addr,
        peer: Addr,
    },
    Refused {
        to: Addr,
        why: &'static str,
    },
    Accept {
        local: Addr,
        peer: Addr,
    },
    Send {
        way: Way,
        bytes: usize,
    },
    Deliver {
        way: Way,
        bytes: usize,
    },
    Drop {
        way: Way,
        bytes: usize,
        why: &'static str,
    },
    Close {
        way: Way,
    },
    Reset {
        way: Way,
    },
    Network {
        what: &'static str,
        between: Option<(IpAddr, IpAddr)>,
    },
}

impl What {
    fn kind(&self) -> &'static str {
        match self {
            Self::Spawn { .. } => "spawn",
            Self::Poll { .. } => "poll",
            Self::End { .. } => "end",
            Self::Timer => "timer",
            Self::Jump => "wall",
            Self::Job { .. } => "job",
            Self::Script => "schedule",
            Self::Note(_) => "note",
            Self::Listen(_) => "listen",
            Self::Bind(_) => "bind",
            Self::Connect { .. } => "connect",
            Self::Connected { .. } => "connected",
            Self::Refused { .. } => "refused",
            Self::Accept { .. } => "accept",
            Self::Send { .. } => "send",
            Self::Deliver { .. } => "deliver",
            Self::Drop { .. } => "drop",
            Self::Close { .. } => "close",
            Self::Reset { .. } => "reset",
            Self::Network { .. } => "network",
        }
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Spawn { id, name } => write!(f, "{id} `{name}`"),
            Self::Poll { name } | Self::Job { name } => write!(f, "`{name}`"),
            Self::End { name, aborted } => {
                let how = if *aborted { " (aborted)" } else { "" };
                write!(f, "`{name}`{how}")
            }
            Self::Timer => f.write_str("a wait is over"),
            Self::Jump => f.write_str("the calendar is set"),
            Self::Script => f.write_str("a step of the network's schedule"),
            Self::Note(text) => f.write_str(text),
            Self::Listen(addr) | Self::Bind(addr) => addr.fmt(f),
            Self::Connect { to } => to.fmt(f),
            Self::Connected { local, peer } => write!(f, "{local} -> {peer}"),
            Self::Refused { to, why } => write!(f, "{to}: {why}"),
            Self::Accept { local, peer } => write!(f, "on {local} from {peer}"),
            Self::Send { way, bytes } | Self::Deliver { way, bytes } => {
                write!(f, "{} -> {}, {bytes} bytes", way.0, way.1)
            }
            Self::Drop { way, bytes, why } => {
                write!(f, "{} -> {}, {bytes} bytes: {why}", way.0, way.1)
            }
            Self::Close { way } | Self::Reset { way } => write!(f, "{} -> {}", way.0, way.1),
            Self::Network { what, between } => {
                f.write_str(what)?;
                match between {
                    Some((a, b)) if a == b => write!(f, " of {a}"),
                    Some((a, b)) => write!(f, " between {a} and {b}"),
                    None => Ok(()),
                }
            }
        }
    }
}

impl What {
    pub(super) fn connect(to: SocketAddr) -> Self {
        Self::Connect { to: to.into() }
    }
}
