//! A text in colours, on its way to a terminal.

use std::fmt::{self, Write as _};
use std::ops::Range;

/// What a part of a text is, which decides its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ink {
    Plain,
    Quiet,
    Time,
    Trace,
    Debug,
    Info,
    Warning,
    Error,
    Critical,
    Target,
    Name,
    Equal,
    Number,
    Str,
    True,
    False,
    Other,
    Fault,
}

impl Ink {
    /// The parameters of the escape sequence (SGR of ECMA-48); nothing for plain text. Only the
    /// sixteen colours that every user's palette makes readable.
    fn code(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Quiet | Self::Trace => "2",
            Self::Time => "2;36",
            Self::Debug | Self::Str => "32",
            Self::Info => "34",
            Self::Warning | Self::Name => "33",
            Self::Error => "1;31",
            Self::Critical => "1;7;31",
            Self::Target => "36",
            Self::Equal => "1",
            Self::Number => "1;36",
            Self::True => "3;92",
            Self::False => "3;91",
            Self::Other => "35",
            Self::Fault => "31",
        }
    }

    /// Appends the text in this ink, if there are colours. The text is taken as it is.
    pub(super) fn paint(self, text: &str, colors: bool, out: &mut Vec<u8>) {
        let code = self.code();
        if !colors || code.is_empty() || text.is_empty() {
            out.extend_from_slice(text.as_bytes());
        } else {
            for part in ["\x1b[", code, "m", text, "\x1b[0m"] {
                out.extend_from_slice(part.as_bytes());
            }
        }
    }
}

/// A text whose parts have inks. Nothing in it moves a cursor or changes a terminal: control characters
/// that come in become escapes as Rust writes them (`\x1b`), but for line feeds, which stay, and tabs,
/// which become four spaces. The same happens to characters that turn the direction of writing, with
/// which a text can be made to look like another one.
#[derive(Debug, Default)]
pub(super) struct Text {
    text: String,
    /// Where each ink begins.
    runs: Vec<(usize, Ink)>,
}

impl Text {
    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// Appends what is formatted.
    pub(super) fn write(&mut self, ink: Ink, what: fmt::Arguments<'_>) {
        self.ink(ink);
        // Only a value that fails by itself fails here; what it has written stands.
        let _ = Cleaner(&mut self.text).write_fmt(what);
    }

    pub(super) fn push(&mut self, ink: Ink, text: &str) {
        self.ink(ink);
        clean(text, &mut self.text);
    }

    fn ink(&mut self, ink: Ink) {
        let at = self.text.len();
        match self.runs.last_mut() {
            Some((_, last)) if *last == ink => {}
            Some((start, last)) if *start == at => *last = ink,
            _ => self.runs.push((at, ink)),
        }
    }

    /// Takes line feeds and spaces at the end away, as far as this place.
    pub(super) fn trim_end(&mut self, from: usize) {
        let kept = self.text[from..].trim_end().len();
        self.text.truncate(from + kept);
        let len = self.text.len();
        self.runs.retain(|(start, _)| *start < len);
    }

    /// Appends a part of it, which begins and ends at characters.
    pub(super) fn paint(&self, part: Range<usize>, colors: bool, out: &mut Vec<u8>) {
        for (index, (start, ink)) in self.runs.iter().enumerate() {
            let end = self
                .runs
                .get(index + 1)
                .map_or(self.text.len(), |next| next.0);
            let (start, end) = ((*start).max(part.start), end.min(part.end));
            if start < end {
                ink.paint(&self.text[start..end], colors, out);
            }
        }
    }
}

struct Cleaner<'a>(&'a mut String);

impl fmt::Write for Cleaner<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        clean(text, self.0);
        Ok(())
    }
}

/// Appends the text without what a terminal would obey.
fn clean(text: &str, out: &mut String) {
    let mut rest = text;
    while let Some((at, c)) = rest.char_indices().find(|(_, c)| is_obeyed(*c)) {
        out.push_str(&rest[..at]);
        rest = &rest[at + c.len_utf8()..];
        match c {
            '\n' => out.push('\n'),
            '\t' => out.push_str("    "),
            // The end of a line as others write it.
            '\r' if rest.starts_with('\n') => {}
            // Writing to memory does not fail.
            c if c.is_ascii() => drop(write!(out, "\\x{:02x}", u32::from(c))),
            c => drop(write!(out, "\\u{{{:x}}}", u32::from(c))),
        }
    }
    out.push_str(rest);
}

/// Whether a terminal does something else than to draw it.
fn is_obeyed(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn painted(text: &Text, colors: bool) -> String {
        let mut out = Vec::new();
        text.paint(0..text.as_str().len(), colors, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn nothing_that_a_terminal_obeys_gets_through() {
        let mut text = Text::default();
        text.push(Ink::Plain, "a\x1b[2Jb\rc\r\nd\te\u{9b}f\u{202e}g\u{7f}h\0");
        let expected = "a\\x1b[2Jb\\x0dc\nd    e\\u{9b}f\\u{202e}g\\x7fh\\x00";
        assert_eq!(painted(&text, false), expected);
        assert_eq!(painted(&text, true), expected, "plain is without a code");
    }

    #[test]
    fn parts_keep_their_inks() {
        let mut text = Text::default();
        text.push(Ink::Name, "");
        text.push(Ink::Number, "12");
        text.write(Ink::Number, format_args!("{}", 34));
        text.push(Ink::Plain, " end \n");
        text.trim_end(0);
        assert_eq!(painted(&text, true), "\x1b[1;36m1234\x1b[0m end");
        let mut out = Vec::new();
        text.paint(1..6, true, &mut out);
        assert_eq!(out, b"\x1b[1;36m234\x1b[0m e");
        assert_eq!(painted(&text, false), "1234 end");
    }
}
