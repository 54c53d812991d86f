use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

/// Where the variables `AIOMISC_…` are read: the process's environment, or what a test gives.
#[derive(Clone)]
pub(super) struct Environment(Arc<LookUp>);

type LookUp = dyn Fn(&str) -> Option<String> + Send + Sync;

impl Environment {
    #[allow(
        clippy::disallowed_methods,
        reason = "the one place where the environment is read"
    )]
    pub(super) fn of_process() -> Self {
        // A value that is not Unicode cannot be one that we know: it is reported as such.
        Self(Arc::new(|name| {
            Some(std::env::var_os(name)?.to_string_lossy().into_owned())
        }))
    }

    pub(super) fn new(look_up: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(look_up))
    }

    /// Reads a variable; a value that cannot be understood is added to the problems. One that is
    /// set to nothing counts as not set.
    pub(super) fn read<T>(
        &self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, String>,
        problems: &mut Vec<String>,
    ) -> Option<T> {
        let text = (self.0)(name)?;
        let text = text.trim();
        if text.is_empty() {
            return None;
        }
        match parse(text) {
            Ok(value) => Some(value),
            Err(expected) => {
                problems.push(format!("{name}: expected {expected}, got `{text}`"));
                None
            }
        }
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Environment(..)")
    }
}

pub(super) fn boolean(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "enable" | "enabled" | "on" | "true" | "yes" => Ok(true),
        "0" | "disable" | "disabled" | "off" | "false" | "no" => Ok(false),
        _ => Err(
            "one of 1, enable, enabled, on, true, yes, 0, disable, disabled, off, false, no"
                .to_owned(),
        ),
    }
}

pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    text.parse()
        .ok()
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .filter(|duration| !duration.is_zero())
        .ok_or_else(|| "a number of seconds above zero".to_owned())
}

pub(super) fn count(text: &str, range: RangeInclusive<usize>) -> Result<usize, String> {
    text.parse()
        .ok()
        .filter(|count| range.contains(count))
        .ok_or_else(|| format!("a number from {} to {}", range.start(), range.end()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_numbers_are_read_and_nonsense_is_named() {
        let environment = Environment::new(|name| {
            let value = match name {
                "YES" => "Enabled",
                "NO" => "off",
                "TYPO" => "treu",
                "TIME" => "1.5",
                "NEGATIVE" => "-1",
                "NAN" => "NaN",
                "EMPTY" => " ",
                _ => return None,
            };
            Some(value.to_owned())
        });
        let mut problems = Vec::new();
        assert_eq!(environment.read("YES", boolean, &mut problems), Some(true));
        assert_eq!(environment.read("NO", boolean, &mut problems), Some(false));
        let time = environment.read("TIME", seconds, &mut problems);
        assert_eq!(time, Some(Duration::from_millis(1500)));
        assert_eq!(environment.read("EMPTY", boolean, &mut problems), None);
        assert_eq!(environment.read("UNSET", boolean, &mut problems), None);
        assert!(problems.is_empty(), "{problems:?}");
        assert_eq!(environment.read("TYPO", boolean, &mut problems), None);
        assert_eq!(environment.read("NEGATIVE", seconds, &mut problems), None);
        assert_eq!(environment.read("NAN", seconds, &mut problems), None);
        assert!(
            problems[0].starts_with("TYPO: expected one of 1, enable"),
            "{problems:?}"
        );
        assert_eq!(
            problems[1],
            "NEGATIVE: expected a number of seconds above zero, got `-1`"
        );
        assert_eq!(problems.len(), 3);
    }
}
