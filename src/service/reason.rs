use std::borrow::Cow;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::entrypoint::OsSignal;

/// Why the services are being stopped.
#[derive(Debug)]
pub struct StopReason {
    kind: StopKind,
    /// Set when the default `stop` was called: nothing told the running part.
    unheard: AtomicBool,
}

/// The kinds of [`StopReason`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StopKind {
    /// The main future of the program is ready.
    Finished,
    /// Somebody asked for it, and said why.
    Requested(Cow<'static, str>),
    /// The operating system sent a signal.
    Signal(OsSignal),
    /// A service failed, either at the start or later.
    Failed {
        /// Which service it was.
        service: String,
    },
    /// A receiver of a signal failed at the start.
    Receiver {
        /// Which signal it was.
        signal: &'static str,
    },
    /// The main future of the program panicked.
    Panicked,
    /// The handle of an entrypoint was dropped without a shutdown.
    Abandoned,
}

impl StopReason {
    pub(crate) fn new(kind: StopKind) -> Self {
        Self {
            kind,
            unheard: AtomicBool::new(false),
        }
    }

    /// What kind of reason it is.
    #[must_use]
    pub fn kind(&self) -> &StopKind {
        &self.kind
    }

    /// The signal, if it was one.
    #[must_use]
    pub fn signal(&self) -> Option<OsSignal> {
        match self.kind {
            StopKind::Signal(signal) => Some(signal),
            _ => None,
        }
    }

    pub(super) fn nobody_listens(&self) {
        self.unheard.store(true, Ordering::Relaxed);
    }

    pub(super) fn was_unheard(&self) -> bool {
        self.unheard.load(Ordering::Relaxed)
    }
}

impl Clone for StopReason {
    fn clone(&self) -> Self {
        Self::new(self.kind.clone())
    }
}

impl fmt::Display for StopReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            StopKind::Finished => f.write_str("the main job has finished"),
            StopKind::Requested(why) => f.write_str(why),
            StopKind::Signal(signal) => write!(f, "signal {signal}"),
            StopKind::Failed { service } => write!(f, "service `{service}` failed"),
            StopKind::Receiver { signal } => write!(f, "a receiver of {signal} failed"),
            StopKind::Panicked => f.write_str("the main job panicked"),
            StopKind::Abandoned => f.write_str("the entrypoint was dropped"),
        }
    }
}
