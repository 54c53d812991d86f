//! The text of a record for people: the message, the fields, and the spans around it.

use std::error::Error;
use std::fmt;

use super::text::{Ink, Text};
use crate::log::record::{Record, Severity, Visitor};
use crate::log::value::{Careful, Value};

/// How many causes of an error are shown: one whose causes have no end is not followed for ever.
pub(super) const CAUSES: usize = 32;

/// Gets what a format shows apart from the text.
pub(super) trait Aside {
    /// An error; returns whether its causes are shown apart.
    fn error(&mut self, error: &(dyn Error + 'static)) -> bool;

    /// The text of a backtrace; returns whether it is shown apart.
    fn backtrace(&mut self, text: &dyn fmt::Display) -> bool;
}

/// Shows everything in the text.
pub(super) struct Inline;

impl Aside for Inline {
    fn error(&mut self, _: &(dyn Error + 'static)) -> bool {
        false
    }

    fn backtrace(&mut self, _: &dyn fmt::Display) -> bool {
        false
    }
}

/// Appends `message name=value … in span{name=value}:span`.
pub(super) fn describe(record: &Record<'_>, text: &mut Text, aside: &mut dyn Aside) {
    let start = text.as_str().len();
    let message = match record.severity() {
        Severity::Trace => Ink::Quiet,
        _ => Ink::Plain,
    };
    record.visit(&mut Describe {
        text,
        start,
        message,
        aside,
    });
    let mut opening = "in ";
    record.each_span(|name, fields| {
        if opening == "in " && text.as_str().len() > start {
            text.push(Ink::Quiet, " ");
        }
        text.push(Ink::Quiet, opening);
        text.push(Ink::Quiet, name);
        opening = ":";
        for (index, (name, value)) in fields.iter().enumerate() {
            let before = if index == 0 { "{" } else { " " };
            text.write(Ink::Quiet, format_args!("{before}{name}={:?}", value.get()));
        }
        if !fields.is_empty() {
            text.push(Ink::Quiet, "}");
        }
    });
    text.trim_end(start);
}

/// The ink in which a level is written.
pub(super) fn ink_of(severity: Severity) -> Ink {
    match severity {
        Severity::Trace => Ink::Trace,
        Severity::Debug => Ink::Debug,
        Severity::Info => Ink::Info,
        Severity::Warning => Ink::Warning,
        Severity::Error => Ink::Error,
        Severity::Critical => Ink::Critical,
    }
}

/// The name of a level in capitals, as wide as the widest.
pub(super) fn label_of(severity: Severity) -> &'static str {
    match severity {
        Severity::Trace => "TRACE   ",
        Severity::Debug => "DEBUG   ",
        Severity::Info => "INFO    ",
        Severity::Warning => "WARNING ",
        Severity::Error => "ERROR   ",
        Severity::Critical => "CRITICAL",
    }
}

struct Describe<'a> {
    text: &'a mut Text,
    start: usize,
    message: Ink,
    aside: &'a mut dyn Aside,
}

impl Visitor for Describe<'_> {
    fn message(&mut self, value: Value<'_>) {
        self.text.write(self.message, format_args!("{value}"));
        // A line feed at the end of a message is a habit, not a second line.
        self.text.trim_end(self.start);
    }

    fn field(&mut self, name: &'static str, value: Value<'_>) {
        if name == "backtrace" && self.aside.backtrace(&value) {
            return;
        }
        if self.text.as_str().len() > self.start {
            self.text.push(Ink::Plain, " ");
        }
        self.text.push(Ink::Name, name);
        self.text.push(Ink::Equal, "=");
        if let Value::Error(error) = value {
            self.text
                .write(Ink::Fault, format_args!("{}", Careful(error)));
            if !self.aside.error(error) {
                for cause in causes(error) {
                    self.text
                        .write(Ink::Fault, format_args!(": {}", Careful(cause)));
                }
            }
        } else {
            self.text
                .write(ink_of_value(value), format_args!("{value:?}"));
        }
    }
}

/// What an error comes from, the nearest first.
pub(super) fn causes<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(error.source(), |error| (*error).source()).take(CAUSES)
}

fn ink_of_value(value: Value<'_>) -> Ink {
    match value {
        Value::Bool(true) => Ink::True,
        Value::Bool(false) => Ink::False,
        Value::I64(_) | Value::U64(_) | Value::I128(_) | Value::U128(_) | Value::F64(_) => {
            Ink::Number
        }
        Value::Str(_) => Ink::Str,
        Value::Text(_) | Value::Bytes(_) | Value::Debug(_) => Ink::Other,
        Value::Error(_) => Ink::Fault,
    }
}
