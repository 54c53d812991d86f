use std::cell::RefCell;
use std::fmt;
use std::time::SystemTime;

use tracing::callsite::Identifier;
use tracing::{Event, Level, Metadata};

use super::value::{OwnedValue, Value};
use super::visit::EachField;

/// An event on its way to a log, as a [`Format`](super::Format) sees it.
pub struct Record<'a> {
    time: SystemTime,
    severity: Severity,
    metadata: &'a Metadata<'a>,
    event: &'a Event<'a>,
    spans: &'a dyn Spans,
    /// Where it comes from, if that is not where it was logged.
    place: Option<&'a (String, u32)>,
    /// What is said instead of what the event carries.
    instead: Option<&'a str>,
}

/// The spans that an event is in, whatever keeps them.
pub(super) trait Spans {
    /// Calls with the name and the fields of each, the outermost first.
    fn each(&self, call: &mut EachSpan<'_>);
}

/// Called with the name of a span and its fields.
pub(super) type EachSpan<'a> = dyn FnMut(&'static str, &[(&'static str, OwnedValue)]) + 'a;

/// How grave a record is, from [`Record::severity`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Severity {
    /// `tracing::trace!`
    Trace,
    /// `tracing::debug!`
    Debug,
    /// `tracing::info!`
    Info,
    /// `tracing::warn!`
    Warning,
    /// `tracing::error!`
    Error,
    /// [`log::critical!`](crate::log::critical), which is an error of `tracing` with a field `critical`.
    Critical,
}

/// Gets what an event carries, in the order of the event; see [`Record::visit`].
pub trait Visitor {
    /// The text of the event. Not called for one that has none.
    fn message(&mut self, value: Value<'_>);

    /// A field.
    fn field(&mut self, name: &'static str, value: Value<'_>);
}

impl<'a> Record<'a> {
    pub(super) fn new(
        time: SystemTime,
        event: &'a Event<'a>,
        metadata: &'a Metadata<'a>,
        spans: &'a dyn Spans,
    ) -> Self {
        Self {
            time,
            severity: Severity::of(event.metadata()),
            metadata,
            event,
            spans,
            place: None,
            instead: None,
        }
    }

    /// The same from another place: the file and the line.
    pub(super) fn at_place(self, place: Option<&'a (String, u32)>) -> Self {
        Self { place, ..self }
    }

    /// The same with this text alone.
    pub(super) fn saying(&self, instead: &'a str) -> Self {
        Self {
            instead: Some(instead),
            ..*self
        }
    }

    /// When it was logged.
    #[must_use]
    pub fn time(&self) -> SystemTime {
        self.time
    }

    /// How grave it is.
    #[must_use]
    pub fn severity(&self) -> Severity {
        self.severity
    }

    /// What it belongs to: the module, if the event does not say otherwise; the name of the logger for
    /// one of the crate `log`.
    #[must_use]
    pub fn target(&self) -> &str {
        self.metadata.target()
    }

    /// The path of the module where it was logged.
    #[must_use]
    pub fn module(&self) -> Option<&str> {
        self.metadata.module_path().filter(|_| self.place.is_none())
    }

    /// The file where it was logged.
    #[must_use]
    pub fn file(&self) -> Option<&str> {
        match self.place {
            Some((file, _)) => Some(file),
            None => self.metadata.file(),
        }
    }

    /// The line in that file.
    #[must_use]
    pub fn line(&self) -> Option<u32> {
        match self.place {
            Some((_, line)) => Some(*line),
            None => self.metadata.line(),
        }
    }

    /// Where in the program it was logged, for what is the same each time: the target, the module, the
    /// file and the line. None for a record of the crate `log` and for a panic, all of which come
    /// through one place.
    #[must_use]
    pub fn callsite(&self) -> Option<Identifier> {
        let metadata = self.event.metadata();
        let its_own = std::ptr::eq(self.metadata, metadata) && self.place.is_none();
        its_own.then(|| metadata.callsite())
    }

    /// Hands the message and the fields to the visitor. Those that are only marks, or say where an
    /// event of the crate `log` comes from, are left out.
    pub fn visit(&self, visitor: &mut dyn Visitor) {
        if let Some(text) = self.instead {
            return visitor.message(Value::Str(text));
        }
        let critical = self.severity == Severity::Critical;
        let from_log = !std::ptr::eq(self.metadata, self.event.metadata());
        self.event
            .record(&mut EachField(|name: &'static str, value: Value<'_>| {
                if name == "message" {
                    visitor.message(value);
                } else if !(critical && name == MARK || from_log && name.starts_with("log.")) {
                    visitor.field(name, value);
                }
            }));
    }

    /// Calls with the name and the fields of each span that the event is in, the outermost first.
    pub fn each_span(&self, mut call: impl FnMut(&'static str, &[(&'static str, OwnedValue)])) {
        self.spans.each(&mut call);
    }
}

impl fmt::Debug for Record<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record")
            .field("time", &self.time)
            .field("severity", &self.severity)
            .field("event", &self.event)
            .finish_non_exhaustive()
    }
}

/// The field that makes an error critical.
const MARK: &str = "critical";

impl Severity {
    fn of(metadata: &Metadata<'_>) -> Self {
        match *metadata.level() {
            Level::TRACE => Self::Trace,
            Level::DEBUG => Self::Debug,
            Level::INFO => Self::Info,
            Level::WARN => Self::Warning,
            Level::ERROR if is_marked(metadata) => Self::Critical,
            Level::ERROR => Self::Error,
        }
    }

    /// In small letters: `trace`, `debug`, `info`, `warning`, `error`, `critical`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Critical => "critical",
        }
    }

    /// In capital letters.
    #[must_use]
    pub fn upper_name(self) -> &'static str {
        match self {
            Self::Trace => "TRACE",
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warning => "WARNING",
            Self::Error => "ERROR",
            Self::Critical => "CRITICAL",
        }
    }
}

pub(super) fn is_marked(metadata: &Metadata<'_>) -> bool {
    metadata.fields().iter().any(|field| field.name() == MARK)
}

/// A buffer of this thread, empty; a new one where that is in use, because a value logs while it is
/// formatted, or where the thread ends.
pub(super) fn with_scratch<R>(call: impl FnOnce(&mut Vec<u8>) -> R) -> R {
    thread_local! {
        static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    }
    /// More than this is not kept for the next one.
    const KEPT: usize = 64 * 1024;

    let taken =
        SCRATCH.try_with(|scratch| Some(std::mem::take(&mut *scratch.try_borrow_mut().ok()?)));
    let mut buffer = taken.ok().flatten().unwrap_or_default();
    buffer.clear();
    let result = call(&mut buffer);
    if buffer.capacity() <= KEPT {
        // Where it cannot be kept, it is made anew.
        let _ = SCRATCH.try_with(|scratch| scratch.replace(buffer));
    }
    result
}
