use super::{Color, Json, LogFormat, Plain, Stream};
use crate::log::date::DateFormat;
use crate::log::{Handler, LogError, Output};

/// What a format is made with.
pub(crate) struct Look {
    pub(crate) date: Option<DateFormat>,
    pub(crate) output: Option<Output>,
}

impl LogFormat {
    /// The handler of this format; none if it is disabled. A date is for formats that have one: not for
    /// the system's logs, whose readers expect theirs.
    pub(crate) fn handler(self, look: Look) -> Result<Option<Handler>, LogError> {
        Ok(Some(match self {
            Self::Disabled => return Ok(None),
            Self::Plain => Handler::new(Plain::new(), look.stream()),
            Self::Stream => {
                let mut format = Stream::new();
                if let Some(date) = look.date.clone() {
                    format = format.date(date);
                }
                Handler::new(format, look.stream())
            }
            Self::Json => {
                let mut format = Json::new();
                if let Some(date) = look.date.clone() {
                    format = format.date(date);
                }
                Handler::new(format, look.stream())
            }
            Self::Color => {
                let mut format = Color::new();
                if !look.is_stderr() {
                    format = format.elsewhere();
                }
                if let Some(date) = look.date.clone() {
                    format = format.date(date);
                }
                Handler::new(format, look.stream())
            }
            #[cfg(feature = "rich")]
            Self::Rich | Self::RichTb => {
                use super::Rich;

                let mut format = match self {
                    Self::Rich => Rich::new(),
                    _ => Rich::with_tracebacks(),
                };
                if !look.is_stderr() {
                    format = format.elsewhere();
                }
                if let Some(date) = look.date.clone() {
                    format = format.date(date);
                }
                Handler::new(format, look.stream())
            }
            #[cfg(feature = "syslog")]
            Self::Syslog => {
                use super::Syslog;
                use crate::log::SyslogSocket;

                match look.output {
                    None => {
                        let socket = Output::datagrams(SyslogSocket::local());
                        Handler::new(Syslog::rfc3164(), socket)
                    }
                    Some(output) => Handler::new(Syslog::rfc3164().lines(true), output),
                }
            }
            #[cfg(feature = "journald")]
            Self::Journald => {
                use super::Journald;
                use crate::log::JournalSocket;

                match look.output {
                    None => {
                        let socket = Output::datagrams(JournalSocket::new());
                        Handler::new(Journald::new(), socket)
                    }
                    Some(output) => Handler::new(Journald::new().export(true), output),
                }
            }
            #[allow(unreachable_patterns, reason = "reached when a feature is missing")]
            missing => {
                let feature = missing.feature().unwrap_or("log");
                return Err(LogError::new(format!(
                    "the format `{missing}` needs the feature `{feature}`"
                )));
            }
        }))
    }
}

impl Look {
    fn is_stderr(&self) -> bool {
        self.output.as_ref().is_none_or(Output::is_stderr)
    }

    fn stream(self) -> Output {
        self.output.unwrap_or_else(Output::stderr)
    }
}
