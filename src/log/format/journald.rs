//! Entries for the journal of systemd.

use std::io::Write as _;

use super::Format;
use super::plain::write_text;
use super::priority::number_of;
use crate::error::Chain;
use crate::log::identity::program;
use crate::log::record::{Record, Visitor};
use crate::log::value::{Careful, Value};

/// An entry of the journal, in the journal's own protocol
/// (<https://systemd.io/JOURNAL_NATIVE_PROTOCOL>): `journald`.
///
/// | field | what it is |
/// |---|---|
/// | `MESSAGE` | the message; the fields, if there is none |
/// | `PRIORITY` | critical 2, error 3, warning 4, info 6, debug and trace 7 |
/// | `SYSLOG_IDENTIFIER`, `SYSLOG_PID` | the name of the program, its process |
/// | `TARGET`, `CODE_MODULE`, `CODE_FILE`, `CODE_LINE` | where it was logged |
/// | `SPAN_NAME` | a span that it is in, once for each, the outermost first |
///
/// Each field of the event and of its spans is a field with the same name in capitals; what a name of the journal
/// cannot have becomes `_`. One that would be none, or be one of the above, gets `F_` before it. Fields that repeat are
/// there as often. Values are not escaped: they may have several lines, and bytes stay bytes. Of an error all
/// causes are there, on one line.
///
/// It is written to [`JournalSocket`](crate::log::JournalSocket). The time is the journal's.
#[derive(Clone, Debug)]
pub struct Journald {
    identifier: String,
    stream: bool,
}

/// Names that only this format gives.
const OURS: [&str; 11] = [
    "MESSAGE",
    "MESSAGE_ID",
    "PRIORITY",
    "SYSLOG_IDENTIFIER",
    "SYSLOG_PID",
    "SYSLOG_FACILITY",
    "TARGET",
    "CODE_MODULE",
    "CODE_FILE",
    "CODE_LINE",
    "SPAN_NAME",
];

/// No name of the journal is longer.
const MAX_NAME: usize = 64;

impl Journald {
    /// Makes the format.
    #[must_use]
    pub fn new() -> Self {
        Self {
            identifier: program(),
            stream: false,
        }
    }

    /// Sets the name of the program. Default: that of its file.
    #[must_use]
    pub fn identifier(mut self, name: &str) -> Self {
        self.identifier = name.to_owned();
        self
    }

    /// Makes the
    /// [export format](https://systemd.io/JOURNAL_EXPORT_FORMATS), whose entries have their time and an empty line after
    /// them, for files and other streams. `systemd-journal-remote` reads it. Default: no, for datagrams.
    #[must_use]
    pub fn export(mut self, export: bool) -> Self {
        self.stream = export;
        self
    }
}

impl Default for Journald {
    fn default() -> Self {
        Self::new()
    }
}

impl Format for Journald {
    fn format(&self, record: &Record<'_>, out: &mut Vec<u8>) {
        let mut entry = Entry {
            out,
            message: false,
        };
        if self.stream {
            let since = record.time().duration_since(std::time::UNIX_EPOCH);
            let micros = since.unwrap_or_default().as_micros();
            entry.put_value("__REALTIME_TIMESTAMP", Value::U128(micros));
        }
        record.visit(&mut entry);
        record.each_span(|name, fields| {
            entry.put("SPAN_NAME", name.as_bytes());
            for (name, value) in fields {
                entry.field(name, value.get());
            }
        });
        if !entry.message {
            let mut text = Vec::new();
            write_text(record, &mut text);
            entry.put("MESSAGE", &text);
        }
        entry.put_number("PRIORITY", u32::from(number_of(record.severity())));
        entry.put("SYSLOG_IDENTIFIER", self.identifier.as_bytes());
        entry.put_number("SYSLOG_PID", std::process::id());
        entry.put("TARGET", record.target().as_bytes());
        if let Some(module) = record.module() {
            entry.put("CODE_MODULE", module.as_bytes());
        }
        if let Some(file) = record.file() {
            entry.put("CODE_FILE", file.as_bytes());
        }
        if let Some(line) = record.line() {
            entry.put_number("CODE_LINE", line);
        }
        if self.stream {
            out.push(b'\n');
        }
    }
}

struct Entry<'a> {
    out: &'a mut Vec<u8>,
    message: bool,
}

impl Entry<'_> {
    /// Appends a field: `NAME=value`, or with its length when the value has several lines.
    fn put(&mut self, name: &str, value: &[u8]) {
        self.out.extend_from_slice(name.as_bytes());
        self.put_behind_name(value);
    }

    fn put_behind_name(&mut self, value: &[u8]) {
        if value.contains(&b'\n') {
            self.out.push(b'\n');
            self.out
                .extend_from_slice(&(value.len() as u64).to_le_bytes());
        } else {
            self.out.push(b'=');
        }
        self.out.extend_from_slice(value);
        self.out.push(b'\n');
    }

    fn put_number(&mut self, name: &str, number: u32) {
        self.put_value(name, Value::U64(u64::from(number)));
    }

    fn put_value(&mut self, name: &str, value: Value<'_>) {
        self.out.extend_from_slice(name.as_bytes());
        self.put_value_behind_name(value);
    }

    fn put_value_behind_name(&mut self, value: Value<'_>) {
        match value {
            Value::Str(text) | Value::Text(text) => self.put_behind_name(text.as_bytes()),
            Value::Bytes(bytes) => self.put_behind_name(bytes),
            value => {
                self.out.push(b'=');
                let start = self.out.len();
                // Writing to memory does not fail.
                let _ = match value {
                    Value::Error(error) => write!(self.out, "{}", Careful(Chain(error))),
                    value => write!(self.out, "{value}"),
                };
                if self.out[start..].contains(&b'\n') {
                    // It needs its length before it.
                    let len = (self.out.len() - start) as u64;
                    self.out[start - 1] = b'\n';
                    self.out.splice(start..start, len.to_le_bytes());
                }
                self.out.push(b'\n');
            }
        }
    }
}

impl Visitor for Entry<'_> {
    fn message(&mut self, value: Value<'_>) {
        self.message = true;
        self.put_value("MESSAGE", value);
    }

    fn field(&mut self, name: &'static str, value: Value<'_>) {
        write_name(name, self.out);
        self.put_value_behind_name(value);
    }
}

/// Appends the name that a field has in the journal: capitals, digits and `_`, not beginning with the last two, of
/// which the first is the journal's own.
fn write_name(name: &str, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend(name.chars().map(|c| match c.to_ascii_uppercase() {
        c @ ('A'..='Z' | '0'..='9') => c as u8,
        _ => b'_',
    }));
    let valid = &out[start..];
    let is_ours = OURS.iter().any(|ours| ours.as_bytes() == valid);
    if is_ours || !valid.first().is_some_and(u8::is_ascii_uppercase) {
        out.splice(start..start, *b"F_");
    }
    out.truncate(start + MAX_NAME);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name_of(name: &str) -> String {
        let mut out = Vec::new();
        write_name(name, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn names_are_made_valid() {
        assert_eq!(name_of("user"), "USER");
        assert_eq!(name_of("http.status-code"), "HTTP_STATUS_CODE");
        assert_eq!(name_of("größe"), "GR__E");
        assert_eq!(name_of("_hidden"), "F__HIDDEN");
        assert_eq!(name_of("2nd"), "F_2ND");
        assert_eq!(name_of(""), "F_");
        assert_eq!(name_of("message"), "F_MESSAGE");
        assert_eq!(name_of("code_line"), "F_CODE_LINE");
        assert_eq!(name_of(&"x".repeat(100)), "X".repeat(64));
    }
}
