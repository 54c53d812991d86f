use std::fmt;
use std::io::IsTerminal;
use std::str::FromStr;

/// How a line of the log looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LogFormat {
    /// Time, level, origin, message and fields (`stream`).
    Stream,
    /// The message and its fields alone (`plain`).
    Plain,
    /// One JSON object per line (`json`).
    Json,
    /// Nothing at all (`disabled`).
    Disabled,
}

impl LogFormat {
    const NAMES: [(&'static str, Self); 4] = [
        ("stream", Self::Stream),
        ("json", Self::Json),
        ("plain", Self::Plain),
        ("disabled", Self::Disabled),
    ];

    /// The names of the formats.
    pub fn choices() -> impl Iterator<Item = &'static str> {
        Self::NAMES.iter().map(|(name, _)| *name)
    }
}

/// `stream` on a terminal, else `plain`.
impl Default for LogFormat {
    fn default() -> Self {
        if std::io::stderr().is_terminal() {
            Self::Stream
        } else {
            Self::Plain
        }
    }
}

impl fmt::Display for LogFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Self::NAMES.iter().find(|(_, format)| format == self);
        f.write_str(name.map_or("disabled", |(name, _)| name))
    }
}

impl FromStr for LogFormat {
    type Err = String;

    /// # Errors
    ///
    /// What was expected.
    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::NAMES
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(text));
        found.map(|(_, format)| *format).ok_or_else(|| {
            let names: Vec<_> = Self::choices().collect();
            format!("one of {}", names.join(", "))
        })
    }
}
