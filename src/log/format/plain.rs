use std::io::Write;

use super::Format;
use crate::error::Chain;
use crate::log::record::{Record, Visitor};
use crate::log::value::{Careful, Value};

/// The message and its fields alone: `plain`.
#[derive(Clone, Debug, Default)]
pub struct Plain(());

impl Plain {
    /// Makes the format; there is nothing to choose.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Format for Plain {
    fn format(&self, record: &Record<'_>, out: &mut Vec<u8>) {
        write_text(record, out);
        out.push(b'\n');
    }
}

/// The message, then the fields of the event, then those of its spans, the outermost first. Of an error all causes
/// are there.
pub(super) fn write_text(record: &Record<'_>, out: &mut Vec<u8>) {
    let start = out.len();
    record.visit(&mut Text { out, start });
    record.each_span(|_, fields| {
        for (name, value) in fields {
            field(out, start, name, value.get());
        }
    });
}

struct Text<'a> {
    out: &'a mut Vec<u8>,
    start: usize,
}

impl Visitor for Text<'_> {
    fn message(&mut self, value: Value<'_>) {
        // Writing to memory does not fail.
        let _ = write!(self.out, "{value}");
    }

    fn field(&mut self, name: &'static str, value: Value<'_>) {
        field(self.out, self.start, name, value);
    }
}

fn field(out: &mut Vec<u8>, start: usize, name: &str, value: Value<'_>) {
    if out.len() > start {
        out.push(b' ');
    }
    let _ = match value {
        Value::Error(error) => write!(out, "{name}={}", Careful(Chain(error))),
        value => write!(out, "{name}={value:?}"),
    };
}
