use std::time::Duration;

use super::{LogFormat, LogLevel};

/// What an entrypoint or a command was told about logging. The rest is as the program has set it up
/// itself, or as documented.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LogOptions {
    pub(crate) level: Option<LogLevel>,
    pub(crate) format: Option<LogFormat>,
    pub(crate) date_format: Option<String>,
    pub(crate) buffering: Option<bool>,
    pub(crate) buffer_size: Option<usize>,
    pub(crate) flush_interval: Option<Duration>,
}

impl LogOptions {
    /// What counts: this, or the other where this says nothing.
    pub(crate) fn or(self, other: Self) -> Self {
        Self {
            level: self.level.or(other.level),
            format: self.format.or(other.format),
            date_format: self.date_format.or(other.date_format),
            buffering: self.buffering.or(other.buffering),
            buffer_size: self.buffer_size.or(other.buffer_size),
            flush_interval: self.flush_interval.or(other.flush_interval),
        }
    }

    /// Sets logging up. The error says what is wrong.
    pub(crate) fn init(&self) -> Result<(), String> {
        #[cfg(feature = "log")]
        return self
            .config()
            .init_over_what_is_there()
            .map_err(|error| error.to_string());
        #[allow(unreachable_code, reason = "reached without the feature `log`")]
        match self.format {
            None | Some(LogFormat::Disabled) => Ok(()),
            Some(format) => Err(format!("the format `{format}` needs the feature `log`")),
        }
    }

    #[cfg(feature = "log")]
    fn config(&self) -> crate::log::BasicConfig {
        let mut config = crate::log::basic_config();
        if let Some(level) = self.level {
            config = config.level(level);
        }
        if let Some(format) = self.format {
            config = config.format(format);
        }
        if let Some(text) = &self.date_format {
            config = config.date_format(text);
        }
        if let Some(on) = self.buffering {
            config = config.buffered(on);
        }
        if let Some(records) = self.buffer_size {
            config = config.buffer_size(records);
        }
        if let Some(interval) = self.flush_interval {
            config = config.flush_interval(interval);
        }
        config
    }
}
