//! Ends of lines: which there are, and how they are translated.

use std::fmt;

/// How a text file sees the ends of its lines: the `newline` of Python's `open`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Newline {
    /// A line ends with `\n`, `\r` or `\r\n`, and each of them is read as `\n`; a `\n` is written as the
    /// system has it. Python's `None`.
    #[default]
    Universal,
    /// A line ends with `\n`, `\r` or `\r\n`, and nothing is translated. Python's `''`.
    Untranslated,
    /// A line ends with `\n`, and nothing is translated.
    Lf,
    /// A line ends with `\r`; a `\n` is written as `\r`.
    Cr,
    /// A line ends with `\r\n`; a `\n` is written as `\r\n`.
    CrLf,
}

impl Newline {
    /// What a `\n` is written as, if that is another text.
    pub(super) fn written(self) -> Option<&'static str> {
        match self {
            Self::Universal => cfg!(windows).then_some("\r\n"),
            Self::Untranslated | Self::Lf => None,
            Self::Cr => Some("\r"),
            Self::CrLf => Some("\r\n"),
        }
    }
}

/// The ends of lines that were read so far, where they are [translated](Newline::Universal) or
/// [any](Newline::Untranslated) of them ends a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Newlines {
    /// There was a `\n` by itself.
    pub lf: bool,
    /// There was a `\r` by itself.
    pub cr: bool,
    /// There was a `\r\n`.
    pub crlf: bool,
}

impl Newlines {
    /// Looks at a text that does not end within a `\r\n`.
    pub(super) fn see(&mut self, text: &str) {
        if *self
            == (Self {
                lf: true,
                cr: true,
                crlf: true,
            })
        {
            return;
        }
        let bytes = text.as_bytes();
        let mut before = 0;
        for (at, byte) in bytes.iter().enumerate() {
            match byte {
                b'\n' if before == b'\r' => self.crlf = true,
                b'\n' => self.lf = true,
                b'\r' if bytes.get(at + 1) != Some(&b'\n') => self.cr = true,
                _ => {}
            }
            before = *byte;
        }
    }
}

impl fmt::Display for Newlines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seen = [(self.lf, "\\n"), (self.cr, "\\r"), (self.crlf, "\\r\\n")];
        let seen: Vec<_> = seen.iter().filter(|(is, _)| *is).map(|(_, s)| *s).collect();
        f.write_str(&seen.join(", "))
    }
}

/// Makes each `\r\n` and each `\r` a `\n`, in place.
pub(super) fn to_lf(text: String) -> String {
    if !text.contains('\r') {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(at) = rest.find('\r') {
        out.push_str(&rest[..at]);
        out.push('\n');
        rest = &rest[at + 1..];
        rest = rest.strip_prefix('\n').unwrap_or(rest);
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_end_of_a_line_becomes_a_line_feed() {
        for (from, to) in [
            ("", ""),
            ("a\nb", "a\nb"),
            ("a\r\nb\rc\n\r\r\n", "a\nb\nc\n\n\n"),
            ("\r", "\n"),
        ] {
            assert_eq!(to_lf(from.to_owned()), to, "{from:?}");
        }
    }

    #[test]
    fn the_ends_that_were_seen_are_told() {
        let mut seen = Newlines::default();
        seen.see("no end");
        assert_eq!(seen.to_string(), "");
        seen.see("a\r\nb\r\n");
        assert_eq!(seen.to_string(), "\\r\\n");
        seen.see("a\r");
        seen.see("\n");
        assert_eq!(seen.to_string(), "\\n, \\r, \\r\\n");
    }
}
