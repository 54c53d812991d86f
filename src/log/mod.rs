//! Sets up what prints the events of `tracing`.
//!
//! [`basic_config`] is what the entrypoint calls with its options; a program may call it earlier,
//! and as often as it likes: the last call counts. A program that has set up a subscriber of its
//! own keeps it.

#[cfg(feature = "log")]
mod date;
pub mod format;
#[cfg(feature = "log")]
mod handler;
#[cfg(any(feature = "syslog", feature = "journald"))]
mod identity;
#[cfg(feature = "journald")]
mod journal_socket;
mod level;
#[cfg(feature = "log")]
mod output;
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

pub use self::format::LogFormat;
#[cfg(feature = "journald")]
pub use self::journal_socket::JournalSocket;
pub use self::level::LogLevel;
#[cfg(feature = "syslog")]
pub use self::syslog_socket::SyslogSocket;
#[cfg(feature = "log")]
pub use self::{
    date::DateFormat,
    format::Format,
    handler::Handler,
    output::Output,
    record::{Record, Severity, Visitor},
    sink::Datagrams,
    value::{OwnedValue, Value},
};

use std::fmt;

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

/// Begins the set-up of logging, with the documented defaults; [`BasicConfig::init`] does it.
///
/// ```
/// use aiomisc::log::{LogFormat, LogLevel, basic_config};
///
/// # #[cfg(feature = "log")] {
/// basic_config().level(LogLevel::Debug).format(LogFormat::Plain).init()?;
/// tracing::debug!(answer = 42, "ready");
/// # }
/// # Ok::<(), aiomisc::log::LogError>(())
/// ```
pub fn basic_config() -> BasicConfig {
    BasicConfig {
        level: LogLevel::default(),
        format: None,
        date_format: None,
    }
}

/// A set-up of logging; from [`basic_config`].
#[derive(Clone, Debug)]
#[must_use = "nothing is set up until `init`"]
pub struct BasicConfig {
    level: LogLevel,
    format: Option<LogFormat>,
    date_format: Option<String>,
}

impl BasicConfig {
    /// Sets the least level that is logged. Default: info.
    pub fn level(mut self, level: LogLevel) -> Self {
        self.level = level;
        self
    }

    /// Sets how a line looks. Default: [`LogFormat::default`].
    pub fn format(mut self, format: LogFormat) -> Self {
        self.format = Some(format);
        self
    }

    /// Sets how dates and times look in formats that have them, in the words of `strftime` as
    /// [jiff](https://docs.rs/jiff/latest/jiff/fmt/strtime/index.html) understands them. Default:
    /// `%Y-%m-%d %H:%M:%S`.
    pub fn date_format(mut self, format: impl Into<String>) -> Self {
        self.date_format = Some(format.into());
        self
    }

    /// Sets it up for the whole process. Lines go to the standard error stream.
    ///
    /// # Errors
    ///
    /// [`LogError`] when a format was asked for, and logging is not compiled in (feature `log`); or
    /// when the format of dates means nothing.
    pub fn init(&self) -> Result<(), LogError> {
        if let Some(format) = &self.date_format {
            check_date_format(format).map_err(|expected| LogError {
                text: format!("expected {expected}, got `{format}`"),
            })?;
        }
        #[cfg(feature = "log")]
        return {
            let (format, date) = (self.format.unwrap_or_default(), self.date_format.clone());
            subscriber::configure(self.level, format, date);
            Ok(())
        };
        #[allow(unreachable_code, reason = "reached without the feature `log`")]
        match self.format {
            None | Some(LogFormat::Disabled) => Ok(()),
            Some(format) => Err(LogError {
                text: format!("the format `{format}` needs the feature `log`"),
            }),
        }
    }
}

/// Whether this is a format of dates, or what would be. Without the feature `log` every one is.
pub(crate) fn check_date_format(format: &str) -> Result<(), String> {
    let expected = "a format of dates such as %Y-%m-%d %H:%M:%S";
    if format.is_empty() {
        return Err(expected.to_owned());
    }
    #[cfg(feature = "log")]
    if let Err(error) = subscriber::format_date(format, &jiff::Zoned::default()) {
        return Err(format!("{expected} ({error})"));
    }
    Ok(())
}

/// Says that logging cannot look as asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogError {
    text: String,
}

#[cfg(feature = "log")]
impl LogError {
    fn new(text: String) -> Self {
        Self { text }
    }
}

impl fmt::Display for LogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for LogError {}
