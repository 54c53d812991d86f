//! What a process finds around it: the standard error stream, and the variables that say how to write
//! to a terminal.

use std::io::IsTerminal;

/// The standard error stream and the environment. Tests make their own.
pub(super) struct Surroundings<'a> {
    /// Whether the stream is a terminal.
    pub(super) terminal: bool,
    /// The device and the inode of the stream.
    pub(super) stream: Option<(u64, u64)>,
    /// Looks a variable up.
    pub(super) variable: &'a dyn Fn(&str) -> Option<String>,
}

impl Surroundings<'_> {
    /// Calls with those of this process.
    pub(super) fn of_process<R>(call: impl FnOnce(&Surroundings<'_>) -> R) -> R {
        call(&Surroundings {
            terminal: std::io::stderr().is_terminal(),
            stream: stderr_inode(),
            variable: &variable,
        })
    }

    /// Whether what is written to the stream goes to the journal. The variable alone does not say so:
    /// children inherit it, with whatever stream they have.
    pub(super) fn is_journal(&self) -> bool {
        let text = (self.variable)("JOURNAL_STREAM").unwrap_or_default();
        let named = text.trim().split_once(':').and_then(|(device, inode)| {
            Some((device.parse::<u64>().ok()?, inode.parse::<u64>().ok()?))
        });
        named.is_some() && named == self.stream
    }
}

/// Whether formats for people write in colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ColorChoice {
    /// As the first of these says: `NO_COLOR` is set to something: no; `CLICOLOR_FORCE` is set to
    /// something other than 0: yes; it is not written to a terminal, or to one that is `dumb` by
    /// `TERM`, or `CLICOLOR` is 0: no; else yes. The default.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl ColorChoice {
    /// Decides for what is written to a terminal, or not.
    #[cfg(feature = "log")]
    pub(super) fn decide(self, terminal: bool) -> bool {
        self.decide_with(terminal, &variable)
    }

    /// Decides for the standard error stream.
    #[cfg(feature = "log")]
    pub(super) fn decide_for_stderr(self) -> bool {
        self.decide(std::io::stderr().is_terminal())
    }

    #[cfg(any(feature = "log", test))]
    fn decide_with(self, terminal: bool, variable: &dyn Fn(&str) -> Option<String>) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Auto => {
                let variable = |name| variable(name).filter(|text| !text.is_empty());
                if variable("NO_COLOR").is_some() {
                    return false;
                }
                if variable("CLICOLOR_FORCE").is_some_and(|text| text != "0") {
                    return true;
                }
                terminal
                    && variable("TERM").is_none_or(|text| text != "dumb")
                    && variable("CLICOLOR").is_none_or(|text| text != "0")
            }
        }
    }
}

/// Whether characters beyond ASCII can be drawn: unless the locale names another encoding than
/// UTF-8. No locale at all is what a container has, whose terminal is somebody's with UTF-8.
#[cfg(any(feature = "rich", test))]
pub(super) fn draws_unicode(variable: &dyn Fn(&str) -> Option<String>) -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .iter()
        .find_map(|name| variable(name).filter(|text| !text.is_empty()));
    locale.is_none_or(|locale| {
        let locale = locale.to_ascii_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}

#[allow(
    clippy::disallowed_methods,
    reason = "what a terminal is like is written in the environment of the process alone"
)]
pub(super) fn variable(name: &str) -> Option<String> {
    Some(std::env::var_os(name)?.to_string_lossy().into_owned())
}

#[cfg(unix)]
fn stderr_inode() -> Option<(u64, u64)> {
    use std::os::fd::AsFd;
    use std::os::unix::fs::MetadataExt;

    let stream = std::io::stderr().as_fd().try_clone_to_owned().ok()?;
    let metadata = std::fs::File::from(stream).metadata().ok()?;
    Some((metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn stderr_inode() -> Option<(u64, u64)> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decided(choice: ColorChoice, terminal: bool, set: &[(&str, &str)]) -> bool {
        let variable = |name: &str| {
            let found = set.iter().find(|(set, _)| *set == name);
            found.map(|(_, text)| (*text).to_owned())
        };
        choice.decide_with(terminal, &variable)
    }

    #[test]
    fn colours_are_as_the_terminal_and_the_environment_say() {
        let auto = |terminal, set: &[_]| decided(ColorChoice::Auto, terminal, set);
        assert!(auto(true, &[]));
        assert!(!auto(false, &[]));
        assert!(!auto(true, &[("NO_COLOR", "1")]));
        assert!(auto(true, &[("NO_COLOR", "")]), "set to nothing is not set");
        assert!(!auto(true, &[("NO_COLOR", "0"), ("CLICOLOR_FORCE", "1")]));
        assert!(auto(false, &[("CLICOLOR_FORCE", "1")]));
        assert!(!auto(false, &[("CLICOLOR_FORCE", "0")]));
        assert!(auto(true, &[("TERM", "xterm-256color")]));
        assert!(!auto(true, &[("TERM", "dumb")]));
        assert!(auto(true, &[("TERM", "dumb"), ("CLICOLOR_FORCE", "1")]));
        assert!(!auto(true, &[("CLICOLOR", "0")]));
        assert!(decided(ColorChoice::Always, false, &[("NO_COLOR", "1")]));
        assert!(!decided(
            ColorChoice::Never,
            true,
            &[("CLICOLOR_FORCE", "1")]
        ));
    }

    #[test]
    fn a_locale_says_what_can_be_drawn() {
        let draws = |set: &[(&str, &str)]| {
            draws_unicode(&|name| {
                let found = set.iter().find(|(set, _)| *set == name);
                found.map(|(_, text)| (*text).to_owned())
            })
        };
        assert!(draws(&[]));
        assert!(draws(&[("LANG", "de_DE.UTF-8")]));
        assert!(draws(&[("LANG", "C"), ("LC_ALL", "C.utf8")]));
        assert!(!draws(&[
            ("LANG", "de_DE.UTF-8"),
            ("LC_CTYPE", "de_DE.ISO-8859-1")
        ]));
        assert!(!draws(&[("LC_ALL", "C")]));
    }
}
