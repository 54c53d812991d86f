use super::{Json, LogFormat, Plain, Stream};
use crate::log::date::DateFormat;
use crate::log::{Handler, LogError, Output};

/// What a format is made with.
pub(crate) struct Look {
    pub(crate) date: Option<DateFormat>,
    pub(crate) output: Option<Output>,
}

impl LogFormat {
    /// The handler of this format; none if it is disabled.
    pub(crate) fn handler(self, look: Look) -> Result<Option<Handler>, LogError> {
        let output = look.output.unwrap_or_else(Output::stderr);
        Ok(match self {
            Self::Disabled => None,
            Self::Plain => Some(Handler::new(Plain::new(), output)),
            Self::Stream => Some(Handler::new(
                look.date
                    .map_or_else(Stream::new, |date| Stream::new().date(date)),
                output,
            )),
            Self::Json => Some(Handler::new(
                look.date
                    .map_or_else(Json::new, |date| Json::new().date(date)),
                output,
            )),
        })
    }
}
