use std::fmt;
use std::str::FromStr;

use super::surroundings::Surroundings;

/// How the log looks. In text: a name, or the number that Python gives it.
///
/// Every format can be named, whatever is compiled in; what asks for one whose feature is missing
/// gets an error that names the feature ([`Self::feature`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LogFormat {
    /// Time, level, origin, message and fields (`stream`, 0).
    Stream,
    /// The same in colours (`color`, 1).
    Color,
    /// An object of JSON on each line (`json`, 2).
    Json,
    /// Datagrams for the system's log: `/dev/log`, else UDP to this host (`syslog`, 3).
    Syslog,
    /// The message and its fields alone (`plain`, 4).
    Plain,
    /// Entries of the journal of systemd, with every field as a field (`journald`, 5).
    Journald,
    /// Columns, colours, and lines that end where the terminal does (`rich`, 6).
    Rich,
    /// The same, with errors and backtraces in full (`rich_tb`, 7).
    RichTb,
    /// Nothing at all (`disabled`, -1).
    Disabled,
}

impl LogFormat {
    const ALL: [(&'static str, i8, Self); 9] = [
        ("stream", 0, Self::Stream),
        ("color", 1, Self::Color),
        ("json", 2, Self::Json),
        ("syslog", 3, Self::Syslog),
        ("plain", 4, Self::Plain),
        ("journald", 5, Self::Journald),
        ("rich", 6, Self::Rich),
        ("rich_tb", 7, Self::RichTb),
        ("disabled", -1, Self::Disabled),
    ];

    /// The names of the formats.
    pub fn choices() -> impl Iterator<Item = &'static str> {
        Self::ALL.iter().map(|(name, _, _)| *name)
    }

    /// The feature without which this format does not exist; none for one that always does.
    #[must_use]
    pub fn feature(self) -> Option<&'static str> {
        match self {
            Self::Disabled => None,
            Self::Stream | Self::Color | Self::Json | Self::Plain => Some("log"),
            Self::Syslog => Some("syslog"),
            Self::Journald => Some("journald"),
            Self::Rich | Self::RichTb => Some("rich"),
        }
    }

    /// Whether the feature of this format is compiled in.
    #[must_use]
    pub fn is_available(self) -> bool {
        match self.feature() {
            None => true,
            Some("log") => cfg!(feature = "log"),
            Some("syslog") => cfg!(feature = "syslog"),
            Some("journald") => cfg!(feature = "journald"),
            Some("rich") => cfg!(feature = "rich"),
            Some(_) => false,
        }
    }

    /// The default in these surroundings, when these formats are there.
    fn choose(around: &Surroundings<'_>, available: impl Fn(Self) -> bool) -> Self {
        if around.is_journal() && available(Self::Journald) {
            Self::Journald
        } else if !around.terminal {
            Self::Plain
        } else if available(Self::Rich) {
            Self::Rich
        } else {
            Self::Color
        }
    }
}

/// What suits the standard error stream: `journald` when the journal reads it (`JOURNAL_STREAM`, as
/// under systemd), `plain` when it is no terminal; on a terminal `rich`, else `color`. Formats that are
/// not compiled in are passed over.
impl Default for LogFormat {
    fn default() -> Self {
        Surroundings::of_process(|around| Self::choose(around, Self::is_available))
    }
}

impl fmt::Display for LogFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found = Self::ALL.iter().find(|(_, _, format)| format == self);
        f.write_str(found.map_or("disabled", |(name, _, _)| name))
    }
}

impl FromStr for LogFormat {
    type Err = String;

    /// # Errors
    ///
    /// What was expected.
    fn from_str(text: &str) -> Result<Self, String> {
        let number = text.parse::<i8>().ok();
        let found = Self::ALL
            .iter()
            .find(|(name, n, _)| name.eq_ignore_ascii_case(text) || Some(*n) == number);
        found.map(|(_, _, format)| *format).ok_or_else(|| {
            let names: Vec<_> = Self::choices().collect();
            format!("one of {}", names.join(", "))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(
        terminal: bool,
        stream: Option<(u64, u64)>,
        journal: &'static str,
        available: impl Fn(LogFormat) -> bool,
    ) -> LogFormat {
        let variable = |name: &str| (name == "JOURNAL_STREAM").then(|| journal.to_owned());
        let around = Surroundings {
            terminal,
            stream,
            variable: &variable,
        };
        LogFormat::choose(&around, available)
    }

    #[test]
    fn names_and_numbers_are_read() {
        let mut numbers = Vec::new();
        for (name, number, format) in LogFormat::ALL {
            assert_eq!(name.parse(), Ok(format));
            assert_eq!(name.to_uppercase().parse(), Ok(format));
            assert_eq!(number.to_string().parse(), Ok(format));
            assert_eq!(format.to_string(), name);
            numbers.push(number);
        }
        numbers.sort_unstable();
        assert_eq!(numbers, [-1, 0, 1, 2, 3, 4, 5, 6, 7]);
        let expected =
            "one of stream, color, json, syslog, plain, journald, rich, rich_tb, disabled";
        assert_eq!("8".parse::<LogFormat>(), Err(expected.to_owned()));
        assert_eq!("".parse::<LogFormat>(), Err(expected.to_owned()));
    }

    #[test]
    fn the_default_suits_the_standard_error_stream() {
        let all = |_| true;
        let here = Some((8, 4242));
        assert_eq!(chosen(false, here, "8:4242", all), LogFormat::Journald);
        assert_eq!(chosen(true, here, "8:4242", all), LogFormat::Journald);
        // Redirected since: the variable is inherited, the stream is another.
        assert_eq!(chosen(false, here, "8:4243", all), LogFormat::Plain);
        assert_eq!(chosen(false, here, "9:4242", all), LogFormat::Plain);
        assert_eq!(chosen(false, here, "nonsense", all), LogFormat::Plain);
        assert_eq!(chosen(false, None, "8:4242", all), LogFormat::Plain);
        assert_eq!(chosen(true, here, "", all), LogFormat::Rich);

        let few = |format| matches!(format, LogFormat::Color | LogFormat::Plain);
        assert_eq!(chosen(false, here, "8:4242", few), LogFormat::Plain);
        assert_eq!(chosen(true, here, "", few), LogFormat::Color);
    }
}
