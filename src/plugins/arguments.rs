//! What the command that lists the plugins was told.

use std::ffi::OsString;
use std::str::FromStr;

use crate::log::{LogFormat, LogLevel};

#[derive(Debug, PartialEq)]
pub(super) enum Wish {
    Help,
    List(Options),
}

#[derive(Debug, PartialEq)]
pub(super) struct Options {
    pub(super) level: LogLevel,
    pub(super) format: Option<LogFormat>,
    /// Whether names are written.
    pub(super) names: bool,
}

/// `-qn`, `-l LEVEL`, `-lLEVEL`, `--log-level LEVEL`, `--log-level=LEVEL`.
pub(super) fn parse(args: impl Iterator<Item = OsString>) -> Result<Wish, String> {
    let mut options = Options {
        level: LogLevel::default(),
        format: None,
        names: true,
    };
    let mut args = args.map(|arg| arg.to_string_lossy().into_owned());
    while let Some(arg) = args.next() {
        let mut flags = match arg.strip_prefix('-').map(|rest| rest.strip_prefix('-')) {
            Some(Some(long)) => {
                let (name, value) = match long.split_once('=') {
                    Some((name, value)) => (name, Some(value.to_owned())),
                    None => (long, None),
                };
                let flag = match name {
                    "help" => 'h',
                    "quiet" | "silent" => 'q',
                    "no-output" => 'n',
                    "log-level" => 'l',
                    "log-format" => 'F',
                    _ => return Err(format!("unknown option --{name}")),
                };
                if value.is_some() && !matches!(flag, 'l' | 'F') {
                    return Err(format!("--{name} takes no value"));
                }
                Flags(vec![flag], value)
            }
            Some(None) if arg.len() > 1 => Flags::short(&arg[1..]),
            _ => return Err(format!("unexpected argument {arg}")),
        };
        for flag in std::mem::take(&mut flags.0) {
            match flag {
                'h' => return Ok(Wish::Help),
                'q' | 's' => options.level = LogLevel::Critical,
                'n' => options.names = false,
                'l' => options.level = value("log-level", flags.1.take(), &mut args)?,
                'F' => options.format = Some(value("log-format", flags.1.take(), &mut args)?),
                _ => return Err(format!("unknown option -{flag}")),
            }
        }
    }
    Ok(Wish::List(options))
}

/// The flags of one argument, and the value in it that the last of them has.
struct Flags(Vec<char>, Option<String>);

impl Flags {
    /// What stands behind a flag that takes a value is the value.
    fn short(text: &str) -> Self {
        match text.find(['l', 'F']) {
            Some(at) if at + 1 < text.len() => {
                let (flags, value) = text.split_at(at + 1);
                Self(flags.chars().collect(), Some(value.to_owned()))
            }
            _ => Self(text.chars().collect(), None),
        }
    }
}

fn value<T: FromStr<Err = String>>(
    option: &str,
    given: Option<String>,
    args: &mut impl Iterator<Item = String>,
) -> Result<T, String> {
    let text = given.or_else(|| args.next());
    let text = text.ok_or_else(|| format!("--{option} needs a value"))?;
    text.parse()
        .map_err(|expected| format!("--{option}: expected {expected}, got `{text}`"))
}
