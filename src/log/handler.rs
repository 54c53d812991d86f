use std::fmt;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::SystemTime;

use tracing::{Event, Subscriber, span};
use tracing_log::NormalizeEvent;
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

use super::format::Format;
use super::level::LogLevel;
use super::nesting::Nested;
use super::output::Output;
use super::panic_hook;
use super::record::{Record, Spans, with_scratch};
use super::span::{Around, keep, keep_more};
use crate::error::end_of_panic;
use crate::runtime::Scope;

/// A format, and where it is written: one of the places that a log goes to.
///
/// It is given to [`BasicConfig::handler`](super::BasicConfig::handler), or is a layer of a
/// subscriber that a program makes by itself:
///
/// ```
/// # #[cfg(feature = "log")] {
/// use aiomisc::log::{Handler, LogLevel, format::Plain};
/// use tracing_subscriber::prelude::*;
///
/// let handler = Handler::new(Plain::new(), std::io::stdout()).level(LogLevel::Info);
/// let subscriber = tracing_subscriber::registry().with(handler);
/// tracing::subscriber::with_default(subscriber, || tracing::info!("ready"));
/// # }
/// ```
///
/// Clones write to the same place.
#[derive(Clone)]
pub struct Handler {
    format: Arc<dyn Format>,
    output: Output,
    level: LogLevel,
    /// Whether the format has ever panicked.
    has_panicked: Arc<AtomicBool>,
}

impl Handler {
    /// Makes a handler of everything that reaches it.
    pub fn new(format: impl Format, output: impl Into<Output>) -> Self {
        Self {
            format: Arc::new(format),
            output: output.into(),
            level: LogLevel::NotSet,
            has_panicked: Arc::default(),
        }
    }

    /// Leaves out what is below this level.
    #[must_use]
    pub fn level(mut self, level: LogLevel) -> Self {
        self.level = level;
        self
    }

    pub(super) fn output(&self) -> &Output {
        &self.output
    }

    /// Formats the event and hands it over.
    pub(super) fn handle(&self, event: &Event<'_>, spans: &dyn Spans) {
        if !self.level.allows(event.metadata()) {
            return;
        }
        // In the hook for panics another one would end the process.
        let risky = thread::panicking() && self.has_panicked.load(Ordering::Relaxed);
        let nested = Nested::enter().filter(|_| !risky);
        let Some(_nested) = nested else {
            return self.output.lose();
        };
        let normalized = event.normalized_metadata();
        let metadata = normalized.as_ref().unwrap_or_else(|| event.metadata());
        let place = panic_hook::place_of(metadata);
        let record = Record::new(now(), event, metadata, spans).at_place(place.as_ref());
        with_scratch(|line| {
            // What a value does while it is formatted is not the business of who logs it.
            if let Err(text) = self.format(&record, line) {
                let text = format!("a record could not be formatted: panicked: {text}");
                if self.format(&record.saying(&text), line).is_err() {
                    line.clear();
                    let (target, name) = (record.target(), record.severity().name());
                    // Writing to memory does not fail.
                    let _ = writeln!(line, "{name} {target}: {text}");
                }
            }
            self.output.put(line);
        });
    }

    /// Formats the record; the error is the text of a panic.
    fn format(&self, record: &Record<'_>, line: &mut Vec<u8>) -> Result<(), String> {
        line.clear();
        catch_unwind(AssertUnwindSafe(|| self.format.format(record, line))).map_err(|panic| {
            self.has_panicked.store(true, Ordering::Relaxed);
            end_of_panic(panic)
        })
    }
}

/// The time of the runtime that the task belongs to, as in a simulation; else that of the system.
#[allow(
    clippy::disallowed_methods,
    reason = "outside of any runtime there is only the system's clock"
)]
fn now() -> SystemTime {
    // What panics may be the runtime, in the middle of something.
    if thread::panicking() {
        return SystemTime::now();
    }
    let of_runtime = || Scope::with_current(|scope| Some(scope.runtime()?.wall_now())).flatten();
    // A clock of the user's is no reason to fail either.
    let now = catch_unwind(AssertUnwindSafe(of_runtime)).unwrap_or_else(|panic| {
        end_of_panic(panic);
        None
    });
    now.unwrap_or_else(SystemTime::now)
}

impl<S> Layer<S> for Handler
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(
        &self,
        attributes: &span::Attributes<'_>,
        id: &span::Id,
        context: Context<'_, S>,
    ) {
        keep(attributes, id, &context);
    }

    fn on_record(&self, id: &span::Id, values: &span::Record<'_>, context: Context<'_, S>) {
        keep_more(id, values, &context);
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        self.handle(
            event,
            &Around {
                event,
                context: &context,
            },
        );
    }
}

impl fmt::Debug for Handler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handler")
            .field("level", &self.level)
            .field("output", &self.output)
            .finish_non_exhaustive()
    }
}
