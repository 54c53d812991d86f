//! The columns of a record: time, level, text, location.

use super::wrap::{width, wrap};
use crate::log::format::describe::{ink_of, label_of};
use crate::log::format::text::{Ink, Text};
use crate::log::record::Severity;

/// Where it is written, and with what.
pub(super) struct Page<'a> {
    pub(super) out: &'a mut Vec<u8>,
    pub(super) colors: bool,
    pub(super) unicode: bool,
}

impl Page<'_> {
    pub(super) fn spaces(&mut self, count: usize) {
        self.out.resize(self.out.len() + count, b' ');
    }

    pub(super) fn paint(&mut self, ink: Ink, text: &str) {
        ink.paint(text, self.colors, self.out);
    }

    pub(super) fn end_line(&mut self) {
        self.out.push(b'\n');
    }
}

/// The columns that the text has, for what is written below it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Inside {
    pub(super) indent: usize,
    pub(super) width: usize,
}

/// A record in columns.
pub(super) struct Columns<'a> {
    /// What stands in the column of the text.
    pub(super) text: Text,
    severity: Severity,
    time: Time<'a>,
    /// Whether the level has a column; else the text begins with it.
    level: bool,
    location: Location<'a>,
    /// The columns of the text.
    width: usize,
    total: usize,
}

enum Time<'a> {
    /// In a column of this width; nothing where it is that of the record before.
    Column(usize, &'a str),
    /// On a line of its own.
    Above(&'a str),
    /// Not written, and it has no column.
    Nowhere,
}

enum Location<'a> {
    /// On the right of the first line, shortened to so many columns.
    Right(&'a str, usize),
    /// After the text.
    Behind(&'a str),
}

/// The least columns that make a text readable beside others.
const LEAST: usize = 28;
/// The same, where there is no better way.
const LEAST_BESIDE_LEVEL: usize = 12;
/// Of so many columns the location may have one.
const SHARE_OF_LOCATION: usize = 4;
const LEVEL: usize = 8;

impl<'a> Columns<'a> {
    pub(super) fn new(
        total: usize,
        time: &'a str,
        differs: bool,
        severity: Severity,
        location: &'a str,
    ) -> Self {
        let time_width = width(time);
        let beside_level = total.saturating_sub(LEVEL + 1);
        let level = beside_level >= LEAST_BESIDE_LEVEL;
        let left = if level { beside_level } else { total };
        let (time, left) = if level && left >= time_width + 1 + LEAST {
            let shown = if differs { time } else { "" };
            (Time::Column(time_width, shown), left - time_width - 1)
        } else if differs {
            (Time::Above(time), left)
        } else {
            (Time::Nowhere, left)
        };
        let wanted = width(location).min(total / SHARE_OF_LOCATION);
        let (location, width) = if level && left >= wanted + 1 + LEAST {
            (Location::Right(location, wanted), left - wanted - 1)
        } else {
            (Location::Behind(location), left)
        };
        let mut text = Text::default();
        if !level {
            text.push(ink_of(severity), label_of(severity).trim_end());
            text.push(Ink::Plain, " ");
        }
        Self {
            text,
            severity,
            time,
            level,
            location,
            width,
            total,
        }
    }

    /// Writes the record, and says where the next lines go.
    pub(super) fn write(mut self, page: &mut Page<'_>) -> Inside {
        if let Location::Behind(location) = self.location {
            if !self.text.as_str().is_empty() {
                self.text.push(Ink::Plain, " ");
            }
            self.text.push(Ink::Quiet, location);
        }
        let mut indent = 0;
        match self.time {
            Time::Column(width_of_time, shown) => {
                page.paint(Ink::Time, shown);
                page.spaces(width_of_time + 1 - width(shown));
                indent += width_of_time + 1;
            }
            Time::Above(time) => {
                for line in wrap(time, self.total, self.total) {
                    page.paint(Ink::Time, &time[line]);
                    page.end_line();
                }
            }
            Time::Nowhere => {}
        }
        if self.level {
            page.paint(ink_of(self.severity), label_of(self.severity));
            page.spaces(1);
            indent += LEVEL + 1;
        }
        self.write_text(indent, page);
        Inside {
            indent,
            width: self.total - indent,
        }
    }

    fn write_text(&self, indent: usize, page: &mut Page<'_>) {
        let text = self.text.as_str();
        for (index, line) in wrap(text, self.width, self.width).into_iter().enumerate() {
            if index > 0 {
                page.spaces(indent);
            }
            self.text.paint(line.clone(), page.colors, page.out);
            if let (0, Location::Right(location, columns)) = (index, &self.location) {
                let used = width(&text[line]);
                let shown = shorten(location, *columns, page.unicode);
                let free = self.width.saturating_sub(used) + 1 + columns - width(&shown);
                page.spaces(free);
                page.paint(Ink::Quiet, &shown);
            }
            page.end_line();
        }
    }
}

/// The end of a text, with a mark in place of its beginning, in at most so many columns.
fn shorten(text: &str, columns: usize, unicode: bool) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mark = if unicode { "…" } else { "~" };
    let fits = text.char_indices().map(|(at, _)| &text[at..]);
    let end = fits
        .into_iter()
        .find(|end| width(end) < columns)
        .unwrap_or("");
    format!("{mark}{end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_long_location_is_kept() {
        assert_eq!(shorten("file.rs:12", 10, true), "file.rs:12");
        assert_eq!(shorten("long_file.rs:12", 10, true), "…ile.rs:12");
        assert_eq!(shorten("long_file.rs:12", 10, false), "~ile.rs:12");
        assert_eq!(shorten("日本.rs:1", 7, true), "….rs:1");
        assert_eq!(shorten("file", 1, true), "…");
    }
}
