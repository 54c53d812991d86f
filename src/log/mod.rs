//! Sets up what prints the events of `tracing`.
//!
//! [`basic_config`] is what the entrypoint calls with its options; a program may call it earlier,
//! and as often as it likes: the last call counts. A program that has set up a subscriber of its
//! own keeps it.

mod format;
mod level;
#[cfg(feature = "log")]
mod subscriber;

pub use self::format::LogFormat;
pub use self::level::LogLevel;

use std::fmt;

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
    }
}

/// A set-up of logging; from [`basic_config`].
#[derive(Clone, Debug)]
#[must_use = "nothing is set up until `init`"]
pub struct BasicConfig {
    level: LogLevel,
    format: Option<LogFormat>,
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

    /// Sets it up for the whole process. Lines go to the standard error stream.
    ///
    /// # Errors
    ///
    /// [`LogError`] when a format was asked for, and logging is not compiled in (feature `log`).
    pub fn init(&self) -> Result<(), LogError> {
        #[cfg(feature = "log")]
        return {
            subscriber::configure(self.level, self.format.unwrap_or_default());
            Ok(())
        };
        #[allow(unreachable_code, reason = "reached without the feature `log`")]
        match self.format {
            None | Some(LogFormat::Disabled) => Ok(()),
            Some(format) => Err(LogError { format }),
        }
    }
}

/// Says that logging cannot look as asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogError {
    format: LogFormat,
}

impl fmt::Display for LogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the format `{}` needs the feature `log`", self.format)
    }
}

impl std::error::Error for LogError {}
