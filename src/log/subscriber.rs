//! One layer for the whole process, whose level and format can be changed at any time.

use std::cell::RefCell;
use std::fmt::{self, Write as _};
use std::io::Write as _;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{OnceLock, RwLock};

use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry;

use super::{LogFormat, LogLevel};

static LEVEL: RwLock<LevelFilter> = RwLock::new(LevelFilter::OFF);
static FORMAT: AtomicU8 = AtomicU8::new(0);
static DATE_FORMAT: RwLock<Option<String>> = RwLock::new(None);
static OURS: OnceLock<bool> = OnceLock::new();

/// How dates look when nobody says.
const DATE_FORMAT_BY_DEFAULT: &str = "%Y-%m-%d %H:%M:%S";

pub(super) fn configure(level: LogLevel, format: LogFormat, date_format: Option<String>) {
    let filter = if format == LogFormat::Disabled {
        LevelFilter::OFF
    } else {
        level.filter()
    };
    *LEVEL
        .write()
        .unwrap_or_else(std::sync::PoisonError::into_inner) = filter;
    *DATE_FORMAT
        .write()
        .unwrap_or_else(std::sync::PoisonError::into_inner) = date_format;
    FORMAT.store(u8::from(format == LogFormat::Stream), Ordering::Relaxed);
    // Somebody else's subscriber stays; then nothing here is ever called.
    let ours = OURS
        .get_or_init(|| tracing::subscriber::set_global_default(registry().with(Output)).is_ok());
    if *ours {
        tracing::callsite::rebuild_interest_cache();
    }
}

struct Output;

impl<S: Subscriber> Layer<S> for Output {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if is_on(metadata) {
            Interest::always()
        } else {
            Interest::never()
        }
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        is_on(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(level())
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        thread_local! {
            static LINE: RefCell<String> = const { RefCell::new(String::new()) };
        }
        let written = LINE.try_with(|line| {
            // A value whose formatting logs again gets a line of its own.
            if let Ok(mut line) = line.try_borrow_mut() {
                line.clear();
                write_line(&mut line, event);
            } else {
                write_line(&mut String::new(), event);
            }
        });
        if written.is_err() {
            write_line(&mut String::new(), event);
        }
    }
}

fn level() -> LevelFilter {
    *LEVEL
        .read()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn is_on(metadata: &Metadata<'_>) -> bool {
    *metadata.level() <= level()
}

/// Formats the event and writes it in one go. A program does not fail because nobody reads its log.
fn write_line(line: &mut String, event: &Event<'_>) {
    if FORMAT.load(Ordering::Relaxed) == 1 {
        let metadata = event.metadata();
        let now = now();
        let _ = write!(line, "[{now}] {} {}: ", metadata.level(), metadata.target());
    }
    let mut fields = Fields {
        line,
        rest: String::new(),
    };
    event.record(&mut fields);
    let Fields { line, rest } = fields;
    line.push_str(&rest);
    line.push('\n');
    let _ = std::io::stderr().lock().write_all(line.as_bytes());
}

fn now() -> String {
    let format = DATE_FORMAT
        .read()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let format = format.as_deref().unwrap_or(DATE_FORMAT_BY_DEFAULT);
    // It was tried when it was set; a date that it cannot say all the same is no reason to fail.
    format_date(format, &jiff::Zoned::now()).unwrap_or_default()
}

pub(super) fn format_date(format: &str, when: &jiff::Zoned) -> Result<String, jiff::Error> {
    jiff::fmt::strtime::format(format, when)
}

/// Puts the message first and the fields behind it.
struct Fields<'a> {
    line: &'a mut String,
    rest: String,
}

impl Visit for Fields<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            self.line.push_str(value);
        } else {
            let _ = write!(self.rest, " {}={value:?}", field.name());
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            let _ = write!(self.line, "{value:?}");
        } else {
            let _ = write!(self.rest, " {}={value:?}", field.name());
        }
    }
}
