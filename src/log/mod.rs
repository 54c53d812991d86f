//! Logging: formats, places to log to, and a thread that writes, for the events of `tracing`.
//!
//! [`basic_config`] is what the entrypoint calls with its options; a program may call it earlier,
//! and as often as it likes. What it has chosen itself then holds, but for what the entrypoint was
//! told explicitly. A program that has set up a subscriber of its own keeps it, and can put a
//! [`Handler`] into it.
//!
//! ```text
//! event ─ level ┬─ Handler: Format ─ Output: buffer ─ thread ─ file, stream, socket
//!               ├─ Handler: …
//!               └─ a layer of your own
//! ```
//!
//! # What holds
//!
//! 1. A log call does not fail: neither a sink that fails nor a value, a format or a layer that panics
//!    changes what the program does. One within four others, as of a value that logs itself while it
//!    is formatted, is left out, and counted as lost.
//! 2. It does not wait for the sink while the buffer has room; what happens when it has none is
//!    [`Overflow`].
//! 3. What was logged is written when an entrypoint ends, on a panic, at the end of `main`, by
//!    [`std::process::exit`], and before an entrypoint ends the process, for at most a second then.
//!    Whatever is written, is written in whole records.
//! 4. What is lost nevertheless is counted, and the count is logged.
//! 5. A call below the level costs what `tracing` takes: nothing is asked here.

#[cfg(feature = "log")]
mod buffer;
#[cfg(feature = "log")]
mod buffering;
#[cfg(feature = "log")]
mod config;
#[cfg(feature = "log")]
mod date;
#[cfg(feature = "log")]
mod digits;
#[cfg(feature = "log")]
mod exit;
pub mod format;
#[cfg(feature = "log")]
mod handler;
#[cfg(any(feature = "syslog", feature = "journald"))]
mod identity;
#[cfg(feature = "journald")]
mod journal_socket;
mod level;
#[cfg(feature = "log")]
mod nesting;
mod options;
#[cfg(feature = "log")]
mod output;
#[cfg(feature = "log")]
mod panic_hook;
#[cfg(feature = "log")]
mod queue;
#[cfg(feature = "log")]
mod record;
#[cfg(feature = "log")]
mod sink;
#[cfg(feature = "log")]
mod span;
#[cfg(feature = "log")]
mod subscriber;
#[cfg(feature = "syslog")]
mod syslog_socket;
#[cfg(all(unix, any(feature = "syslog", feature = "journald")))]
mod unix_socket;
#[cfg(feature = "log")]
mod value;
#[cfg(feature = "log")]
mod visit;
#[cfg(feature = "log")]
mod writer;

pub(crate) use self::options::LogOptions;

pub use self::format::LogFormat;
#[cfg(feature = "journald")]
pub use self::journal_socket::JournalSocket;
pub use self::level::LogLevel;
#[cfg(feature = "syslog")]
pub use self::syslog_socket::SyslogSocket;
#[cfg(feature = "log")]
pub use self::{
    buffer::LogStatistic,
    buffering::{Buffering, Overflow},
    config::BasicConfig,
    date::DateFormat,
    format::Format,
    handler::Handler,
    output::{Output, OutputWriter},
    panic_hook::PanicHook,
    record::{Record, Severity, Visitor},
    sink::Datagrams,
    value::{OwnedValue, Value},
};

use std::fmt;
use std::time::Duration;

/// Begins the set-up of logging, with the documented defaults; [`BasicConfig::init`] does it.
///
/// ```
/// use aiomisc::log::{LogFormat, LogLevel, basic_config};
///
/// basic_config().level(LogLevel::Debug).format(LogFormat::Plain).init()?;
/// tracing::debug!(answer = 42, "ready");
/// # Ok::<(), aiomisc::log::LogError>(())
/// ```
#[cfg(feature = "log")]
pub fn basic_config() -> BasicConfig {
    BasicConfig::default()
}

/// Changes the least level that is logged, from now on: until it is changed again, by the next
/// [`BasicConfig::init`], or by an entrypoint that was given a level.
#[cfg(feature = "log")]
pub fn set_level(level: LogLevel) {
    config::set_level(level);
}

/// The least level that is logged.
#[cfg(feature = "log")]
#[must_use]
pub fn level() -> LogLevel {
    subscriber::level()
}

/// Writes what is in the buffers; whether it is written. It gives up when nothing was written for
/// five seconds. It blocks the thread meanwhile: in a task, give it to
/// [`spawn_blocking`](crate::Runtime::spawn_blocking).
#[cfg(feature = "log")]
#[must_use = "what could not be written is still there"]
pub fn flush() -> bool {
    exit::flush(None)
}

/// Has a thread write what is written through this, with the same promises as the log: for layers
/// that format by themselves, and handlers.
///
/// ```
/// # #[cfg(feature = "log")] {
/// use aiomisc::log::{Handler, LogFormat, basic_config, format::Stream, wrap_logging_handler};
///
/// let file = tempfile()?; // or a rotating, compressed file of your own
/// let handler = Handler::new(Stream::new(), wrap_logging_handler(file));
/// basic_config().format(LogFormat::Disabled).handler(handler).init()?;
/// # fn tempfile() -> std::io::Result<std::io::Sink> { Ok(std::io::sink()) }
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[cfg(feature = "log")]
pub fn wrap_logging_handler(output: impl Into<Output>) -> Output {
    output.into().buffered(Buffering::default())
}

/// Logs an error that ends the program: as `tracing::error!`, and marked as critical.
///
/// ```
/// aiomisc::log::critical!(code = 7, "the disk is gone");
/// ```
#[doc(inline)]
pub use crate::__aiomisc_critical as critical;

#[doc(hidden)]
pub use tracing as __tracing;

/// See [`log::critical!`](crate::log::critical).
#[doc(hidden)]
#[macro_export]
macro_rules! __aiomisc_critical {
    (target: $target:expr, $($event:tt)*) => {
        $crate::log::__tracing::error!(target: $target, critical = true, $($event)*)
    };
    ($($event:tt)*) => {
        $crate::log::__tracing::error!(critical = true, $($event)*)
    };
}

/// Whether there is nothing in the buffers.
pub(crate) fn is_written() -> bool {
    #[cfg(feature = "log")]
    return exit::is_written();
    #[allow(unreachable_code, reason = "reached without the feature `log`")]
    true
}

/// Writes what is in the buffers, as long as something moves.
pub(crate) fn write_out() {
    #[cfg(feature = "log")]
    exit::flush(None);
}

/// An entrypoint is over: panics are again what they were before, or what the program has chosen.
pub(crate) fn leave_panics() {
    #[cfg(feature = "log")]
    panic_hook::set(config::panic_hook_by_hand());
}

/// The process ends now: writes what is in the buffers, for so long at most, and tells how many
/// records are left. Nothing is logged after it.
pub(crate) fn end(limit: Duration) -> u64 {
    #[cfg(feature = "log")]
    return exit::end(Some(limit));
    #[allow(unreachable_code, reason = "reached without the feature `log`")]
    {
        let _ = limit;
        0
    }
}

/// Whether this is a format of dates, or what would be. Without the feature `log` every one is.
pub(crate) fn check_date_format(text: &str) -> Result<(), String> {
    #[cfg(feature = "log")]
    DateFormat::parse(text)?;
    let _ = text;
    Ok(())
}

/// Says that logging cannot be set up as asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogError {
    text: String,
}

impl LogError {
    #[cfg(feature = "log")]
    fn new(text: impl Into<String>) -> Self {
        Self { text: text.into() }
    }
}

impl fmt::Display for LogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for LogError {}
