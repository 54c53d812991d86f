//! An error below its record: its causes, and its backtrace.

use std::error::Error;
use std::fmt::Write as _;

use super::backtrace::{Line, lines_of};
use super::layout::{Inside, Page};
use super::wrap::{width, wrap};
use crate::log::format::describe::causes;
use crate::log::format::text::{Ink, Text};
use crate::log::value::Careful;

/// What is known of an error.
#[derive(Debug, Default)]
pub(super) struct Report {
    /// What happened, then what it came from.
    messages: Vec<String>,
    /// As the standard library writes it.
    pub(super) backtrace: Option<String>,
}

/// A frame is not drawn narrower than this; then it begins on the left.
const LEAST: usize = 44;
/// Below this none is drawn.
const LEAST_OF_ALL: usize = 12;
/// What stands on both sides of a line in a frame.
const SIDES: usize = 4;

/// What the error says; what it has written stands where it fails by itself.
fn text_of(error: &(dyn Error + 'static)) -> String {
    let mut text = String::new();
    let _ = write!(text, "{}", Careful(error));
    text
}

impl Report {
    pub(super) fn of(error: &(dyn Error + 'static)) -> Self {
        let messages = std::iter::once(error).chain(causes(error));
        Self {
            messages: messages.map(text_of).collect(),
            backtrace: None,
        }
    }

    pub(super) fn of_backtrace(text: String) -> Self {
        Self {
            messages: Vec::new(),
            backtrace: Some(text),
        }
    }

    /// A line for each cause, and for each frame of the program's own. (What happened stands in the
    /// record.)
    pub(super) fn write_short(&self, inside: &Inside, page: &mut Page<'_>) {
        for message in self.messages.iter().skip(1) {
            let mut entry = Entry::new("caused by: ", Ink::Quiet);
            entry.text.push(Ink::Fault, message);
            entry.write(inside.width, page, plain_sides(inside.indent));
        }
        for entry in self.frames(inside.width, page.unicode) {
            entry.write(inside.width, page, plain_sides(inside.indent));
        }
    }

    /// Everything, in a frame, if there is more than the record says.
    pub(super) fn write_framed(&self, inside: &Inside, page: &mut Page<'_>) {
        if self.messages.len() <= 1 && self.backtrace.is_none() {
            return;
        }
        let mut place = *inside;
        if place.width < LEAST {
            place = Inside {
                indent: 0,
                width: inside.indent + inside.width,
            };
        }
        if place.width < LEAST_OF_ALL {
            for entry in self.entries(place.width, page.unicode) {
                entry.write(place.width, page, plain_sides(place.indent));
            }
            return;
        }
        let inner = place.width - SIDES;
        let draw = Drawing::new(page.unicode);
        let title = if self.messages.is_empty() {
            "backtrace"
        } else {
            "error"
        };
        draw.top(title, &place, page);
        for entry in self.entries(inner, page.unicode) {
            entry.write(inner, page, |page, side| match side {
                Side::Left => {
                    page.spaces(place.indent);
                    page.paint(Ink::Fault, draw.side);
                    page.spaces(1);
                }
                Side::Right(used) => {
                    page.spaces(inner.saturating_sub(used) + 1);
                    page.paint(Ink::Fault, draw.side);
                }
            });
        }
        draw.bottom(&place, page);
    }

    fn entries(&self, columns: usize, unicode: bool) -> Vec<Entry> {
        let mut entries = Vec::new();
        let mut messages = self.messages.iter();
        if let Some(message) = messages.next() {
            let mut entry = Entry::new("", Ink::Plain);
            entry.text.push(Ink::Error, message);
            entries.push(entry);
        }
        for (index, message) in messages.enumerate() {
            if index == 0 {
                entries.push(Entry::new("caused by", Ink::Quiet));
            }
            let mut entry = Entry::new(&format!("{:>4}: ", index + 1), Ink::Number);
            entry.text.push(Ink::Plain, message);
            entries.push(entry);
        }
        let frames = self.frames(columns, unicode);
        if !frames.is_empty() && !entries.is_empty() {
            entries.push(Entry::new("backtrace", Ink::Quiet));
        }
        entries.extend(frames);
        entries
    }

    fn frames(&self, columns: usize, unicode: bool) -> Vec<Entry> {
        let dots = if unicode { "…" } else { "..." };
        let lines = lines_of(self.backtrace.as_deref().unwrap_or_default());
        let entries = lines.into_iter().map(|line| match line {
            Line::Own {
                number,
                name,
                place,
            } => {
                let mark = format!("{number:>4}: ");
                let mut entry = Entry::new(&mark, Ink::Number);
                entry.text.push(Ink::Warning, name);
                if let Some(place) = place {
                    let used = width(&mark) + width(name) + " at ".len() + width(place);
                    let before = if used <= columns { " at " } else { "\nat " };
                    entry.text.push(Ink::Quiet, before);
                    entry.text.push(Ink::Target, place);
                }
                entry
            }
            Line::Foreign(count) => {
                let frames = if count == 1 { "frame" } else { "frames" };
                Entry::new(
                    &format!("      {dots} {count} {frames} of libraries"),
                    Ink::Quiet,
                )
            }
            Line::Text(text) => {
                let mut entry = Entry::new("", Ink::Plain);
                entry.text.push(Ink::Plain, text);
                entry
            }
        });
        entries.collect()
    }
}

/// A text that begins with a mark, under which its further lines are indented.
struct Entry {
    text: Text,
    hang: usize,
}

#[derive(Clone, Copy)]
enum Side {
    Left,
    /// After so many columns.
    Right(usize),
}

impl Entry {
    fn new(mark: &str, ink: Ink) -> Self {
        let mut text = Text::default();
        text.push(ink, mark);
        // The frame's number is a column; words are not.
        let hang = if mark.ends_with(": ") { width(mark) } else { 0 };
        Self { text, hang }
    }

    fn write(
        &self,
        columns: usize,
        page: &mut Page<'_>,
        mut side: impl FnMut(&mut Page<'_>, Side),
    ) {
        // Where there is hardly any room, nothing is indented.
        let hang = if columns >= self.hang * 3 {
            self.hang
        } else {
            0
        };
        let text = self.text.as_str();
        for (index, line) in wrap(text, columns, columns - hang).into_iter().enumerate() {
            side(page, Side::Left);
            let indent = if index == 0 { 0 } else { hang };
            page.spaces(indent);
            self.text.paint(line.clone(), page.colors, page.out);
            side(page, Side::Right(indent + width(&text[line])));
            page.end_line();
        }
    }
}

/// No frame, but the columns of the record.
fn plain_sides(indent: usize) -> impl Fn(&mut Page<'_>, Side) {
    move |page, side| {
        if let Side::Left = side {
            page.spaces(indent);
        }
    }
}

/// The characters of a frame.
struct Drawing {
    corners: [&'static str; 4],
    line: &'static str,
    side: &'static str,
}

impl Drawing {
    fn new(unicode: bool) -> Self {
        if unicode {
            Self {
                corners: ["╭", "╮", "╰", "╯"],
                line: "─",
                side: "│",
            }
        } else {
            Self {
                corners: ["+"; 4],
                line: "-",
                side: "|",
            }
        }
    }

    fn top(&self, title: &str, place: &Inside, page: &mut Page<'_>) {
        let [left, right, ..] = self.corners;
        page.spaces(place.indent);
        let room = place.width - 2;
        // A line on both sides of the title, or no title.
        let used = if width(title) + 4 <= room {
            page.paint(Ink::Fault, &format!("{left}{} ", self.line));
            page.paint(Ink::Error, title);
            page.paint(Ink::Plain, " ");
            width(title) + 3
        } else {
            page.paint(Ink::Fault, left);
            0
        };
        page.paint(
            Ink::Fault,
            &format!("{}{right}", self.line.repeat(room - used)),
        );
        page.end_line();
    }

    fn bottom(&self, place: &Inside, page: &mut Page<'_>) {
        let [.., left, right] = self.corners;
        page.spaces(place.indent);
        let line = self.line.repeat(place.width - 2);
        page.paint(Ink::Fault, &format!("{left}{line}{right}"));
        page.end_line();
    }
}
