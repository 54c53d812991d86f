use std::time::Duration;

use super::OsSignal;
use super::environment::{Environment, boolean, count, seconds};
use crate::log::{LogFormat, LogLevel, LogOptions, check_date_format};
use crate::thread::{POOL_SIZES, default_size};

/// How long a poll may take before an entrypoint with [`debug`](super::EntrypointBuilder::debug) tells
/// of it.
pub const SLOW_POLL: Duration = Duration::from_millis(100);

/// The numbers of records that a buffer of the log can be for.
const LOG_BUFFER_SIZES: std::ops::RangeInclusive<usize> = 1..=1 << 24;

/// How an entrypoint is configured, every option settled; from
/// [`Entrypoint::settings`](super::Entrypoint::settings).
///
/// [`EntrypointBuilder`](super::EntrypointBuilder) has the table of the options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    pool_size: usize,
    log_config: bool,
    log: LogOptions,
    debug: bool,
    plugins: bool,
    catch_signals: Vec<OsSignal>,
    shutdown_timeout: Duration,
}

impl Settings {
    /// How many threads run jobs that block, at most.
    #[must_use]
    pub fn pool_size(&self) -> usize {
        self.pool_size
    }

    /// Whether the entrypoint sets up logging.
    #[must_use]
    pub fn log_config(&self) -> bool {
        self.log_config
    }

    /// The least level that is logged.
    #[must_use]
    pub fn log_level(&self) -> LogLevel {
        self.log.level.unwrap_or_default()
    }

    /// How the log looks.
    #[must_use]
    pub fn log_format(&self) -> LogFormat {
        self.log.format.unwrap_or_default()
    }

    /// How dates and times in the log look, if that was chosen.
    #[must_use]
    pub fn log_date_format(&self) -> Option<&str> {
        self.log.date_format.as_deref()
    }

    /// Whether records of the log are buffered.
    #[must_use]
    pub fn log_buffering(&self) -> bool {
        self.log.buffering.unwrap_or(true)
    }

    /// How many records the buffer of the log is for.
    #[must_use]
    pub fn log_buffer_size(&self) -> usize {
        self.log.buffer_size.unwrap_or(1024)
    }

    /// How often the buffer of the log is written out, at least.
    #[must_use]
    pub fn log_flush_interval(&self) -> Duration {
        let by_default = Duration::from_millis(200);
        self.log.flush_interval.unwrap_or(by_default)
    }

    /// Whether polls that take at least [`SLOW_POLL`] are logged.
    #[must_use]
    pub fn debug(&self) -> bool {
        self.debug
    }

    /// Whether plugins are set up.
    #[must_use]
    pub fn plugins(&self) -> bool {
        self.plugins
    }

    /// The signals that stop the program.
    #[must_use]
    pub fn catch_signals(&self) -> &[OsSignal] {
        &self.catch_signals
    }

    /// How long the stop of the whole program may take.
    #[must_use]
    pub fn shutdown_timeout(&self) -> Duration {
        self.shutdown_timeout
    }

    /// What is set up of logging, if anything.
    pub(super) fn log(&self) -> Option<&LogOptions> {
        self.log_config.then_some(&self.log)
    }
}

/// What was chosen by hand.
#[derive(Clone, Default)]
pub(super) struct Chosen {
    pub(super) pool_size: Option<usize>,
    pub(super) log_config: Option<bool>,
    pub(super) log: LogOptions,
    pub(super) debug: Option<bool>,
    pub(super) plugins: Option<bool>,
    pub(super) catch_signals: Option<Vec<OsSignal>>,
    pub(super) shutdown_timeout: Option<Duration>,
}

impl Chosen {
    /// Settles every option: what was chosen goes before the environment, and that before the
    /// defaults. What is wrong in either is added to the problems, whichever counts.
    pub(super) fn settle(
        self,
        env: &Environment,
        signals_by_default: Vec<OsSignal>,
        problems: &mut Vec<String>,
    ) -> Settings {
        self.check(problems);
        let buffer_size = |text: &str| count(text, LOG_BUFFER_SIZES);
        let buffer = env.read("AIOMISC_LOG_BUFFER", buffer_size, problems);
        let buffer_by_doc = env.read("AIOMISC_LOG_BUFFER_SIZE", buffer_size, problems);

        let pool_size = env.read(
            "AIOMISC_POOL_SIZE",
            |text| count(text, POOL_SIZES),
            problems,
        );
        let log_config = env.read("AIOMISC_LOG_CONFIG", boolean, problems);
        let log = LogOptions {
            level: env.read("AIOMISC_LOG_LEVEL", str::parse, problems),
            format: env.read("AIOMISC_LOG_FORMAT", str::parse, problems),
            date_format: env.read("AIOMISC_LOG_DATE_FORMAT", date_format, problems),
            buffering: env.read("AIOMISC_LOG_BUFFERING", boolean, problems),
            buffer_size: buffer.or(buffer_by_doc),
            flush_interval: env.read("AIOMISC_LOG_FLUSH", seconds, problems),
        };
        let debug = env.read("AIOMISC_DEBUG", boolean, problems);
        let no_plugins = env.read("AIOMISC_NO_PLUGINS", boolean, problems);
        let plugins = no_plugins != Some(true);
        let shutdown_timeout = env.read("AIOMISC_SHUTDOWN_TIMEOUT", seconds, problems);
        Settings {
            pool_size: self.pool_size.or(pool_size).unwrap_or_else(default_size),
            log_config: self.log_config.or(log_config).unwrap_or(true),
            log: self.log.or(log),
            debug: self.debug.or(debug).unwrap_or(false),
            plugins: self.plugins.unwrap_or(plugins),
            catch_signals: self.catch_signals.unwrap_or(signals_by_default),
            shutdown_timeout: (self.shutdown_timeout.or(shutdown_timeout))
                .unwrap_or(Duration::from_secs(60)),
        }
    }

    /// Looks for values that mean nothing.
    fn check(&self, problems: &mut Vec<String>) {
        for (option, value, range) in [
            ("pool_size", self.pool_size, POOL_SIZES),
            ("log_buffer_size", self.log.buffer_size, LOG_BUFFER_SIZES),
        ] {
            if let Some(value) = value.filter(|value| !range.contains(value)) {
                let (least, most) = range.into_inner();
                problems.push(format!(
                    "{option}: expected a number from {least} to {most}, got {value}"
                ));
            }
        }
        for (option, value) in [
            ("log_flush_interval", self.log.flush_interval),
            ("shutdown_timeout", self.shutdown_timeout),
        ] {
            if value.is_some_and(|value| value.is_zero()) {
                problems.push(format!("{option}: expected a duration above zero, got 0"));
            }
        }
        if let Some(text) = &self.log.date_format
            && let Err(expected) = check_date_format(text)
        {
            problems.push(format!(
                "log_date_format: expected {expected}, got `{text}`"
            ));
        }
    }
}

fn date_format(text: &str) -> Result<String, String> {
    check_date_format(text).map(|()| text.to_owned())
}
