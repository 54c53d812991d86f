use std::fmt;
use std::str::FromStr;

/// The least level that is logged. In text: a name, or the number that Python gives it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum LogLevel {
    /// Everything (`notset`, 0).
    NotSet,
    /// What helps to find a mistake (`debug`, 10).
    Debug,
    /// What a program does (`info`, 20); the default.
    #[default]
    Info,
    /// What may become a problem (`warning`, 30).
    Warning,
    /// What failed (`error`, 40).
    Error,
    /// What ends the program (`critical`, 50). `tracing` has no such level: it is an error.
    Critical,
}

impl LogLevel {
    const NAMES: [(&'static str, Self); 6] = [
        ("critical", Self::Critical),
        ("error", Self::Error),
        ("warning", Self::Warning),
        ("info", Self::Info),
        ("debug", Self::Debug),
        ("notset", Self::NotSet),
    ];

    /// The names, the gravest first.
    pub fn choices() -> impl Iterator<Item = &'static str> {
        Self::NAMES.iter().map(|(name, _)| *name)
    }

    /// The same in the words of `tracing`.
    #[cfg(feature = "log")]
    pub(super) fn filter(self) -> tracing::level_filters::LevelFilter {
        use tracing::level_filters::LevelFilter;
        match self {
            Self::NotSet => LevelFilter::TRACE,
            Self::Debug => LevelFilter::DEBUG,
            Self::Info => LevelFilter::INFO,
            Self::Warning => LevelFilter::WARN,
            Self::Error | Self::Critical => LevelFilter::ERROR,
        }
    }
}

#[cfg(feature = "log")]
impl LogLevel {
    /// Whether this level lets such a record pass.
    pub(super) fn allows(self, metadata: &tracing::Metadata<'_>) -> bool {
        *metadata.level() <= self.filter()
            && (self != Self::Critical || super::record::is_marked(metadata))
    }
}

impl fmt::Display for LogLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Self::NAMES.iter().find(|(_, level)| level == self);
        f.write_str(name.map_or("notset", |(name, _)| name))
    }
}

impl FromStr for LogLevel {
    type Err = String;

    /// # Errors
    ///
    /// What was expected.
    fn from_str(text: &str) -> Result<Self, String> {
        let wanted = match text.to_ascii_lowercase().as_str() {
            "50" | "fatal" => "critical".to_owned(),
            "40" => "error".to_owned(),
            "30" | "warn" => "warning".to_owned(),
            "20" => "info".to_owned(),
            "10" => "debug".to_owned(),
            "0" => "notset".to_owned(),
            name => name.to_owned(),
        };
        let found = Self::NAMES.iter().find(|(name, _)| *name == wanted);
        found.map(|(_, level)| *level).ok_or_else(|| {
            let names: Vec<_> = Self::choices().collect();
            format!("one of {}", names.join(", "))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_are_read() {
        for name in LogLevel::choices() {
            assert_eq!(
                name.parse::<LogLevel>()
                    .map(|level| level.to_string())
                    .as_deref(),
                Ok(name)
            );
        }
        assert_eq!("WARNING".parse(), Ok(LogLevel::Warning));
        assert_eq!("10".parse(), Ok(LogLevel::Debug));
        let expected = "one of critical, error, warning, info, debug, notset".to_owned();
        assert_eq!("loud".parse::<LogLevel>(), Err(expected));
    }
}
