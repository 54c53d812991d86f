use std::error::Error;
use std::fmt::Write as _;
use std::io::{self, Write};

use super::Format;
use super::describe::CAUSES;
use super::escape::{Escaped, escape, key, string};
use super::origin::{of_process, of_thread, write_origin};
use crate::log::date::DateFormat;
use crate::log::digits::number;
use crate::log::record::{Record, Visitor};
use crate::log::value::Value;

/// One JSON object per line: `json`.
///
/// | key | value |
/// |---|---|
/// | `@timestamp` | seconds since 1970, or a text in another format of dates |
/// | `level` | `trace`, `debug`, `info`, `warn`, `error` or `critical` |
/// | `msg` | the message |
/// | `@fields` | what the event and its spans carry, and `identifier` (the target), `code_file`, `code_line`, `code_module`, `pid`, `process_name`, `thread_name`, `errno` |
/// | `stackTrace` | the sources of an error, and a field `backtrace`; only where there are any |
///
/// A field of the event hides one of its spans of the same name, and an inner span an outer one's.
/// `spans` has the names of the spans, the outermost first. A field with the name of one of those
/// above has a `_` behind it. `errno` is 0; with a field that is an error, the number that the system
/// gave it, else 255.
///
/// # Cost
///
/// Nothing is allocated where the message comes before the fields, as the macros of `tracing` have it.
#[derive(Clone, Debug)]
pub struct Json {
    date: DateFormat,
}

impl Json {
    /// Makes the format with time stamps that are numbers.
    #[must_use]
    pub fn new() -> Self {
        Self {
            date: DateFormat::seconds(),
        }
    }

    /// Sets how time stamps look: [`DateFormat::seconds`], [`DateFormat::rfc3339`] or another.
    #[must_use]
    pub fn date(mut self, date: DateFormat) -> Self {
        self.date = date;
        self
    }
}

impl Default for Json {
    fn default() -> Self {
        Self::new()
    }
}

impl Format for Json {
    fn format(&self, record: &Record<'_>, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"@timestamp\":");
        if self.date.is_number() {
            self.date.write(record.time(), out);
        } else {
            out.push(b'"');
            let start = out.len();
            self.date.write(record.time(), out);
            escape_in_place(out, start);
            out.push(b'"');
        }
        out.extend_from_slice(b",\"level\":\"");
        out.extend_from_slice(level(record).as_bytes());
        out.push(b'"');

        let mut object = Object::new(out, record);
        record.visit(&mut object);
        object.finish();
    }
}

fn level(record: &Record<'_>) -> &'static str {
    match record.severity().name() {
        "warning" => "warn",
        name => name,
    }
}

/// What is behind the level.
struct Object<'a> {
    out: &'a mut Vec<u8>,
    record: &'a Record<'a>,
    /// Whether `@fields` has been opened.
    open: bool,
    /// A message that comes behind a field.
    late: Option<String>,
    names: Names,
    stack_trace: String,
    errno: i32,
}

/// The names of the fields: as many as an event can have, and those of spans beyond.
struct Names {
    names: [&'static str; 32],
    count: usize,
    more: Vec<&'static str>,
}

impl<'a> Object<'a> {
    fn new(out: &'a mut Vec<u8>, record: &'a Record<'a>) -> Self {
        Self {
            out,
            record,
            open: false,
            late: None,
            names: Names {
                names: [""; 32],
                count: 0,
                more: Vec::new(),
            },
            stack_trace: String::new(),
            errno: 0,
        }
    }

    fn finish(mut self) {
        self.open();
        self.spans();
        self.key("errno");
        write_value(self.out, Value::I64(self.errno.into()));
        self.out.push(b'}');
        let late = self.late.take().map(|text| ("msg", text));
        let stack_trace = std::mem::take(&mut self.stack_trace);
        let stack_trace = (!stack_trace.is_empty()).then_some(("stackTrace", stack_trace));
        for (key, text) in late.into_iter().chain(stack_trace) {
            self.key(key);
            string(self.out, &text);
        }
        self.out.extend_from_slice(b"}\n");
    }

    /// Opens `@fields` with what every record has.
    fn open(&mut self) {
        if self.open {
            return;
        }
        self.open = true;
        write_origin(self.record, self.out);
        self.out.extend_from_slice(of_process().as_bytes());
        of_thread(self.out);
    }

    fn key(&mut self, name: &str) {
        key(self.out, name);
    }

    /// Writes a field, unless there was one of its name.
    fn write_field(&mut self, name: &'static str, value: Value<'_>) {
        if !self.names.add(name) {
            return;
        }
        self.key(name);
        if is_ours(name) {
            // Instead of a key that stands there twice.
            let end = self.out.len() - 2;
            self.out.insert(end, b'_');
        }
        write_value(self.out, value);
    }

    /// The fields of the spans, from the inside out, and their names.
    fn spans(&mut self) {
        let mut count = 0_usize;
        self.record.each_span(|_, _| count += 1);
        for depth in (0..count).rev() {
            let mut at = 0;
            self.record.each_span(|_, fields| {
                if at == depth {
                    for (name, value) in fields {
                        self.write_field(name, value.get());
                    }
                }
                at += 1;
            });
        }
        if count > 0 {
            self.key("spans");
            let mut before = b'[';
            self.record.each_span(|name, _| {
                self.out.push(before);
                string(self.out, name);
                before = b',';
            });
            self.out.push(b']');
        }
    }

    fn error(&mut self, error: &(dyn Error + 'static)) {
        self.errno = 255;
        let mut next = Some(error);
        for _ in 0..=CAUSES {
            let Some(error) = next else { break };
            if let Some(code) = error.downcast_ref().and_then(io::Error::raw_os_error) {
                self.errno = code;
            }
            next = error.source();
            if let Some(source) = next {
                let _ = writeln!(self.stack_trace, "caused by: {}", Value::Error(source));
            }
        }
    }
}

impl Visitor for Object<'_> {
    fn message(&mut self, value: Value<'_>) {
        if self.open {
            let mut text = String::new();
            // Only a value that fails by itself fails here; what it has written stands.
            let _ = write!(text, "{value}");
            self.late = Some(text);
        } else {
            self.out.extend_from_slice(b",\"msg\":");
            write_text(self.out, value);
        }
    }

    fn field(&mut self, name: &'static str, value: Value<'_>) {
        self.open();
        if name == "backtrace" {
            let _ = writeln!(self.stack_trace, "{value}");
            return;
        }
        if let Value::Error(error) = value {
            self.error(error);
        }
        self.write_field(name, value);
    }
}

impl Names {
    /// Whether it is a new one.
    fn add(&mut self, name: &'static str) -> bool {
        if self.names[..self.count].contains(&name) || self.more.contains(&name) {
            return false;
        }
        match self.names.get_mut(self.count) {
            Some(place) => {
                *place = name;
                self.count += 1;
            }
            None => self.more.push(name),
        }
        true
    }
}

fn is_ours(name: &str) -> bool {
    // With a `_` behind it as well: that is taken by the name without.
    matches!(
        name.trim_end_matches('_'),
        "identifier"
            | "code_file"
            | "code_line"
            | "code_module"
            | "pid"
            | "process_name"
            | "thread_name"
            | "errno"
            | "spans"
    )
}

fn write_value(out: &mut Vec<u8>, value: Value<'_>) {
    match value {
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::U64(value) => number(out, value),
        Value::I64(value) => {
            if value < 0 {
                out.push(b'-');
            }
            number(out, value.unsigned_abs());
        }
        Value::F64(value) if value.is_finite() => {
            let _ = write!(out, "{value:?}");
        }
        // What no JSON number can say, or few readers understand, is a text.
        value => write_text(out, value),
    }
}

fn write_text(out: &mut Vec<u8>, value: Value<'_>) {
    match value {
        Value::Str(text) | Value::Text(text) => string(out, text),
        value => {
            out.push(b'"');
            let _ = write!(Escaped(out), "{value}");
            out.push(b'"');
        }
    }
}

/// What was appended as it is becomes a part of a string.
fn escape_in_place(out: &mut Vec<u8>, start: usize) {
    if out[start..]
        .iter()
        .any(|byte| *byte < b' ' || *byte == b'"' || *byte == b'\\')
    {
        let raw = out.split_off(start);
        escape(out, &String::from_utf8_lossy(&raw));
    }
}
