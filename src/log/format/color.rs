use super::describe::{Inline, describe, ink_of, label_of};
use super::text::{Ink, Text};
use super::{ColorChoice, Format};
use crate::log::date::DateFormat;
use crate::log::record::Record;

/// Time, level, target, message, fields and spans, in colours: `color`.
///
/// `2026-11-22 12:00:00 WARNING app::store: slow query seconds=1.5 in request{id=7}`
///
/// Causes of errors follow them on the same line. Further lines of a text are indented by four spaces.
/// Control characters are written as escapes (`\x1b`), so that what a program logs of its input cannot
/// command the terminal.
#[derive(Clone, Debug)]
pub struct Color {
    date: DateFormat,
    colors: bool,
}

/// What stands before each further line.
const INDENT: &[u8] = b"\n    ";

impl Color {
    /// Makes the format, with colours if the standard error stream is to have them
    /// ([`ColorChoice::Auto`]) and the date as `%Y-%m-%d %H:%M:%S`.
    #[must_use]
    pub fn new() -> Self {
        Self {
            date: DateFormat::known("%Y-%m-%d %H:%M:%S"),
            colors: ColorChoice::Auto.decide_for_stderr(),
        }
    }

    /// For what is written elsewhere than to the standard error stream.
    pub(super) fn elsewhere(mut self) -> Self {
        self.colors = ColorChoice::Auto.decide(false);
        self
    }

    /// Decides about colours. [`ColorChoice::Auto`] looks at the standard error stream.
    #[must_use]
    pub fn color(mut self, choice: ColorChoice) -> Self {
        self.colors = choice.decide_for_stderr();
        self
    }

    /// Sets how dates look.
    #[must_use]
    pub fn date(mut self, date: DateFormat) -> Self {
        self.date = date;
        self
    }
}

impl Default for Color {
    fn default() -> Self {
        Self::new()
    }
}

impl Format for Color {
    fn format(&self, record: &Record<'_>, out: &mut Vec<u8>) {
        let mut stamp = Vec::new();
        self.date.write(record.time(), &mut stamp);
        let mut text = Text::default();
        text.push(Ink::Time, &String::from_utf8_lossy(&stamp));
        text.push(Ink::Plain, " ");
        let severity = record.severity();
        text.push(ink_of(severity), label_of(severity).trim_end());
        text.push(Ink::Plain, " ");
        text.push(Ink::Target, record.target());
        text.push(Ink::Plain, ": ");
        describe(record, &mut text, &mut Inline);

        let mut start = 0;
        for line in text.as_str().split_inclusive('\n') {
            let end = start + line.len();
            text.paint(start..start + line.trim_end().len(), self.colors, out);
            if line.ends_with('\n') {
                out.extend_from_slice(INDENT);
            }
            start = end;
        }
        out.push(b'\n');
    }
}
