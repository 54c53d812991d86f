//! The command that lists the plugins.

use std::ffi::{OsStr, OsString};
use std::io::{self, ErrorKind, Write};
use std::path::Path;
use std::process::ExitCode;

use super::Plugin;
use super::arguments::{Options, Wish, parse};
use crate::log::{LogFormat, LogLevel, LogOptions};

/// The status of a program that was called wrongly.
const WRONG_USAGE: u8 = 2;

/// Lists the plugins that are linked into the program: for people to the log, which is the standard error
/// stream, and their names to standard output, one on a line, for pipes. It is a whole `main`:
///
/// ```no_run
/// use that_crate_with_plugins as _;
/// # mod that_crate_with_plugins {}
///
/// fn main() -> std::process::ExitCode {
///     aiomisc::plugins::cli()
/// }
/// ```
///
/// | argument | what it does |
/// |---|---|
/// | `-q`, `-s`, `--quiet`, `--silent` | logs nothing: as `--log-level critical` |
/// | `-n`, `--no-output` | writes no names to standard output |
/// | `-l LEVEL`, `--log-level LEVEL` | sets the [level](LogLevel) of the log. Default: info |
/// | `-F FORMAT`, `--log-format FORMAT` | sets the [format](LogFormat) of the log |
/// | `-h`, `--help` | tells these |
///
/// Without the feature `log` the lines go to the standard error stream as they are.
///
/// The status is 0; 2 when the arguments are wrong; 1 when the names could not be written. A reader that has
/// seen enough (`| head -1`) is no failure. No plugin is set up.
#[must_use]
pub fn cli() -> ExitCode {
    let mut args = std::env::args_os();
    let program = args.next().unwrap_or_default();
    let mut command = Command {
        program: &program,
        plugins: super::all(),
        out: &mut io::stdout(),
        err: &mut io::stderr(),
        log: &mut log,
    };
    ExitCode::from(command.run(args))
}

/// Says these lines at the level of information.
fn log(level: LogLevel, format: Option<LogFormat>, lines: &[String]) -> Result<(), String> {
    let options = LogOptions {
        level: Some(level),
        format,
        ..LogOptions::default()
    };
    options.init()?;
    // A program without a log of its own has it all the same.
    let wanted = level <= LogLevel::Info && format != Some(LogFormat::Disabled);
    let unheard = wanted && !tracing::enabled!(tracing::Level::INFO);
    for line in lines {
        tracing::info!("{line}");
        if unheard {
            // Nobody is left to hear of a failure.
            let _ = writeln!(io::stderr(), "{line}");
        }
    }
    Ok(())
}

type Log<'a> = dyn FnMut(LogLevel, Option<LogFormat>, &[String]) -> Result<(), String> + 'a;

struct Command<'a> {
    program: &'a OsStr,
    plugins: Vec<&'a Plugin>,
    out: &'a mut dyn Write,
    err: &'a mut dyn Write,
    log: &'a mut Log<'a>,
}

impl Command<'_> {
    fn run(&mut self, args: impl Iterator<Item = OsString>) -> u8 {
        let done = match parse(args) {
            Ok(Wish::Help) => self.help(),
            Ok(Wish::List(options)) => match self.list(&options) {
                Ok(done) => done,
                Err(why) => return self.refuse(&why),
            },
            Err(why) => return self.refuse(&why),
        };
        match done {
            Ok(()) => 0,
            Err(error) if error.kind() == ErrorKind::BrokenPipe => 0,
            Err(error) => {
                // Nobody is left to hear of a failure.
                let _ = writeln!(self.err, "{}: cannot write: {error}", self.name());
                1
            }
        }
    }

    fn list(&mut self, options: &Options) -> Result<io::Result<()>, String> {
        let lines: Vec<_> = match self.plugins.len() {
            1 => vec!["1 plugin is available".to_owned()],
            count => vec![format!("{count} plugins are available")],
        };
        let plugins = self.plugins.iter();
        let plugins = plugins.map(|plugin| format!("`{}`: {}", plugin.name(), plugin.doc()));
        let lines: Vec<_> = lines.into_iter().chain(plugins).collect();
        (self.log)(options.level, options.format, &lines)?;
        Ok(match options.names {
            true => self.names(),
            false => Ok(()),
        })
    }

    fn names(&mut self) -> io::Result<()> {
        for plugin in &self.plugins {
            writeln!(self.out, "{}", plugin.name())?;
        }
        self.out.flush()
    }

    fn help(&mut self) -> io::Result<()> {
        let (usage, levels, formats) = (self.usage(), choices().0, choices().1);
        writeln!(
            self.out,
            "{usage}\n\n\
             Lists the plugins of this program: for people to the log, on the standard error stream, and \
             their\nnames to standard output.\n\n  \
             -h, --help            show this and exit\n  \
             -q, -s, --quiet, --silent\n                        \
             log nothing, only write the names: as --log-level critical\n  \
             -n, --no-output       write no names to standard output\n  \
             -l, --log-level LEVEL\n                        \
             the level of the log: {levels}\n  \
             -F, --log-format FORMAT\n                        \
             the format of the log: {formats}"
        )?;
        self.out.flush()
    }

    fn refuse(&mut self, why: &str) -> u8 {
        // As above.
        let _ = writeln!(self.err, "{}\n{}: {why}", self.usage(), self.name());
        WRONG_USAGE
    }

    fn usage(&self) -> String {
        format!(
            "usage: {} [-h] [-q] [-n] [-l LEVEL] [-F FORMAT]",
            self.name()
        )
    }

    fn name(&self) -> String {
        let name = Path::new(self.program).file_name();
        name.map_or_else(
            || "plugins".to_owned(),
            |name| name.to_string_lossy().into_owned(),
        )
    }
}

fn choices() -> (String, String) {
    let levels: Vec<_> = LogLevel::choices().collect();
    let formats: Vec<_> = LogFormat::choices().collect();
    (levels.join(", "), formats.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    static PLUGINS: [Plugin; 2] = [
        Plugin::__new("one", "The first.", "a", || Ok(())),
        Plugin::__new("two", "The second.", "b", || panic!("it is not set up")),
    ];

    /// What the command does with these arguments.
    #[derive(Default)]
    struct Done {
        status: u8,
        out: String,
        err: String,
        logged: Vec<String>,
        log: Option<(LogLevel, Option<LogFormat>)>,
    }

    fn run(args: &[&str]) -> Done {
        let (mut out, mut err, mut done) = (Vec::new(), Vec::new(), Done::default());
        let mut log = |level, format, lines: &[String]| {
            done.log = Some((level, format));
            done.logged = lines.to_vec();
            Ok(())
        };
        // The log is the caller's: it lives as long as the command.
        let status = with(args, &mut out, &mut err, &mut log);
        let text = |bytes| String::from_utf8(bytes).expect("it is text");
        Done {
            status,
            out: text(out),
            err: text(err),
            ..done
        }
    }

    fn with<'a>(
        args: &[&str],
        out: &'a mut dyn Write,
        err: &'a mut dyn Write,
        log: &'a mut Log<'a>,
    ) -> u8 {
        let mut command = Command {
            program: OsStr::new("/usr/bin/list"),
            plugins: PLUGINS.iter().collect(),
            out,
            err,
            log,
        };
        command.run(args.iter().map(OsString::from))
    }

    #[test]
    fn people_read_the_log_and_programs_the_names() {
        let done = run(&[]);
        assert_eq!(
            done.logged,
            [
                "2 plugins are available",
                "`one`: The first.",
                "`two`: The second."
            ]
        );
        assert_eq!(done.log, Some((LogLevel::Info, None)));
        assert_eq!((done.status, &*done.out, &*done.err), (0, "one\ntwo\n", ""));
    }

    #[test]
    fn every_way_to_say_it_is_understood() {
        for quiet in ["-q", "-s", "--quiet", "--silent", "-lcritical"] {
            let done = run(&[quiet]);
            assert_eq!(done.log, Some((LogLevel::Critical, None)), "{quiet}");
            assert_eq!((done.status, &*done.out), (0, "one\ntwo\n"), "{quiet}");
        }
        let debug = Some((LogLevel::Debug, Some(LogFormat::Stream)));
        for args in [
            &["-n", "-l", "debug", "-F", "stream"][..],
            &["--no-output", "--log-level", "DEBUG", "--log-format=stream"],
            &["--log-level=debug", "-nFstream"],
            &["-qnldebug", "-Fstream"],
        ] {
            let done = run(args);
            assert_eq!(done.log, debug, "{args:?}");
            assert_eq!((done.status, &*done.out), (0, ""), "{args:?}");
        }
    }

    #[test]
    fn help_tells_all_of_it() {
        for help in [&["-h"][..], &["--help"], &["-qh"]] {
            let done = run(help);
            assert_eq!((done.status, &*done.err), (0, ""), "{help:?}");
            assert!(done.log.is_none(), "{help:?}");
            for part in [
                "usage: list [-h]",
                "-q, -s, --quiet, --silent",
                "-n, --no-output",
                "-l, --log-level LEVEL",
                "critical, error, warning, info, debug, notset",
                "-F, --log-format FORMAT",
                "plain",
            ] {
                assert!(done.out.contains(part), "{part}: {}", done.out);
            }
        }
    }

    #[test]
    fn wrong_arguments_are_explained() {
        let levels = "one of critical, error, warning, info, debug, notset";
        for (args, expected) in [
            (&["-x"][..], "unknown option -x".to_owned()),
            (&["--loud"], "unknown option --loud".to_owned()),
            (&["--quiet=yes"], "--quiet takes no value".to_owned()),
            (&["list"], "unexpected argument list".to_owned()),
            (&["-"], "unexpected argument -".to_owned()),
            (&["-l"], "--log-level needs a value".to_owned()),
            (
                &["-l", "loud"],
                format!("--log-level: expected {levels}, got `loud`"),
            ),
            (&["-nFnice"], "--log-format: expected one of ".to_owned()),
        ] {
            let done = run(args);
            assert_eq!((done.status, &*done.out), (2, ""), "{args:?}");
            assert!(done.err.starts_with("usage: list "), "{}", done.err);
            assert!(
                done.err.contains(&format!("\nlist: {expected}")),
                "{}",
                done.err
            );
        }
    }

    #[test]
    fn a_reader_that_has_seen_enough_is_no_failure() {
        struct Closed(ErrorKind);
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(self.0.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let mut log = |_: LogLevel, _: Option<LogFormat>, _: &[String]| Ok(());
        for (kind, status, expected) in [
            (ErrorKind::BrokenPipe, 0, ""),
            (
                ErrorKind::StorageFull,
                1,
                "list: cannot write: no storage space\n",
            ),
        ] {
            let mut err = Vec::new();
            assert_eq!(with(&[], &mut Closed(kind), &mut err, &mut log), status);
            assert_eq!(String::from_utf8_lossy(&err), expected);
        }
    }
}
