//! Lines for people, laid out for the width of their terminal.

mod backtrace;
mod errors;
mod layout;
mod wrap;

use std::error::Error;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use self::errors::Report;
use self::layout::{Columns, Page};
use super::describe::{Aside, describe};
use super::surroundings::{draws_unicode, variable};
use super::{ColorChoice, Format};
use crate::log::date::DateFormat;
use crate::log::record::Record;

/// Columns, colours, and lines that end where the terminal does: `rich`, and
/// [with tracebacks](Self::with_tracebacks) `rich_tb`.
///
/// ```text
/// [12:00:00] INFO     listening address="127.0.0.1:8080"                 tcp.rs:112
///            WARNING  slow query seconds=1.5 in request{id=7}          store.rs:40
/// ```
///
/// The time is written when it differs from that of the record before. On the right is the file and the
/// line, or the target where they are unknown. On a narrow terminal the time has a line of its own, and the
/// file follows the text. Of an error each cause has a line; of a field `backtrace` those frames are
/// written that are the program's own. Control characters are written as escapes (`\x1b`), so that what
/// a program logs of its input cannot command the terminal.
///
/// Threads that log in the same moment may write their lines in another order than they were formatted
/// in; then a time can stand one line too late.
///
/// # Cost
///
/// It is made to be read, not to be fast: several allocations for a record, and a question to the system
/// for the width of the terminal.
#[derive(Debug)]
pub struct Rich {
    date: DateFormat,
    colors: bool,
    unicode: bool,
    tracebacks: bool,
    width: Option<usize>,
    /// The time that was written last.
    last: Mutex<Vec<u8>>,
}

/// The columns of a terminal that does not say.
const WIDTH: usize = 80;

impl Rich {
    /// Makes the format for the standard error stream: colours as [`ColorChoice::Auto`] decides, the
    /// width as `COLUMNS` says, else the terminal, each time, else 80; the time as `[%X]`, which is
    /// `[12:00:00]`.
    #[must_use]
    pub fn new() -> Self {
        let columns = variable("COLUMNS").and_then(|text| text.trim().parse().ok());
        Self {
            date: DateFormat::known("[%X]"),
            colors: ColorChoice::Auto.decide_for_stderr(),
            unicode: draws_unicode(&variable),
            tracebacks: false,
            width: columns.filter(|columns| *columns > 0),
            last: Mutex::new(Vec::new()),
        }
    }

    /// Makes the format that shows all of an error: its causes with numbers, and its backtrace, in a
    /// frame. Of frames that belong to libraries only the number is shown.
    #[must_use]
    pub fn with_tracebacks() -> Self {
        Self {
            tracebacks: true,
            ..Self::new()
        }
    }

    /// For what is written elsewhere than to the standard error stream.
    pub(in crate::log) fn elsewhere(mut self) -> Self {
        self.colors = ColorChoice::Auto.decide(false);
        self.width = self.width.or(Some(WIDTH));
        self
    }

    /// Decides about colours. [`ColorChoice::Auto`] looks at the standard error stream.
    #[must_use]
    pub fn color(mut self, choice: ColorChoice) -> Self {
        self.colors = choice.decide_for_stderr();
        self
    }

    /// Sets the width in columns, whatever the terminal has. Zero counts as one.
    #[must_use]
    pub fn width(mut self, columns: usize) -> Self {
        self.width = Some(columns.max(1));
        self
    }

    /// Draws frames with ASCII alone. Default: if the locale names another encoding than UTF-8.
    #[must_use]
    pub fn ascii(mut self, ascii: bool) -> Self {
        self.unicode = !ascii;
        self
    }

    /// Sets how times look.
    #[must_use]
    pub fn date(mut self, date: DateFormat) -> Self {
        self.date = date;
        self
    }

    fn columns(&self) -> usize {
        self.width
            .or_else(|| {
                let (width, _) = terminal_size::terminal_size_of(std::io::stderr())?;
                Some(usize::from(width.0)).filter(|width| *width > 0)
            })
            .unwrap_or(WIDTH)
    }

    /// The time, and whether it is another one than the last.
    fn time(&self, record: &Record<'_>) -> (String, bool) {
        let mut now = Vec::new();
        self.date.write(record.time(), &mut now);
        let text = String::from_utf8_lossy(&now).into_owned();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let differs = *last != now;
        *last = now;
        (text, differs)
    }
}

impl Default for Rich {
    fn default() -> Self {
        Self::new()
    }
}

impl Format for Rich {
    fn format(&self, record: &Record<'_>, out: &mut Vec<u8>) {
        let (time, differs) = self.time(record);
        let location = location_of(record);
        let mut columns =
            Columns::new(self.columns(), &time, differs, record.severity(), &location);
        let mut apart = Apart::default();
        describe(record, &mut columns.text, &mut apart);

        let mut page = Page {
            out,
            colors: self.colors,
            unicode: self.unicode,
        };
        let inside = columns.write(&mut page);
        for report in &apart.reports {
            if self.tracebacks {
                report.write_framed(&inside, &mut page);
            } else {
                report.write_short(&inside, &mut page);
            }
        }
    }
}

/// `file.rs:12`; `folder/mod.rs:12` for files whose own name says nothing.
fn location_of(record: &Record<'_>) -> String {
    let Some(path) = record.file() else {
        return record.target().to_owned();
    };
    let mut parts = path.rsplit(['/', '\\']);
    let file = parts.next().unwrap_or(path);
    let folder = parts
        .next()
        .filter(|_| matches!(file, "mod.rs" | "lib.rs" | "main.rs"));
    let folder = folder.filter(|folder| !matches!(*folder, "" | "src" | "."));
    let mut text = String::new();
    for part in [
        folder.unwrap_or_default(),
        if folder.is_some() { "/" } else { "" },
        file,
    ] {
        text.push_str(part);
    }
    if let Some(line) = record.line() {
        text.push_str(&format!(":{line}"));
    }
    text
}

/// What is written below the text.
#[derive(Default)]
struct Apart {
    reports: Vec<Report>,
}

impl Aside for Apart {
    fn error(&mut self, error: &(dyn Error + 'static)) -> bool {
        self.reports.push(Report::of(error));
        true
    }

    fn backtrace(&mut self, text: &dyn fmt::Display) -> bool {
        let text = text.to_string();
        match self.reports.last_mut() {
            Some(report) if report.backtrace.is_none() => report.backtrace = Some(text),
            _ => self.reports.push(Report::of_backtrace(text)),
        }
        true
    }
}
