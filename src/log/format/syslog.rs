//! Records for the system's log.

use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::io::Write as _;

use super::Format;
use super::plain::write_text;
use super::priority::number_of;
use crate::error::Chain;
use crate::log::date::DateFormat;
use crate::log::identity::program;
use crate::log::record::{Record, Visitor};
use crate::log::value::{Careful, Value};

/// A record of syslog, by [RFC 3164](https://www.rfc-editor.org/rfc/rfc3164) or
/// [RFC 5424](https://www.rfc-editor.org/rfc/rfc5424): `syslog`.
///
/// ```text
/// <14>Nov 22 12:00:00 app[4242]: app::store: slow query seconds=1.5
/// <14>1 2026-11-22T12:00:00.000000+00:00 - app 4242 app::store [fields@32473 seconds="1.5"] slow query
/// ```
///
/// It is written to [`SyslogSocket`](crate::log::SyslogSocket), a datagram for each; for a stream, such as a file, give
/// [`lines`](Self::lines). Text is UTF-8, bytes above 127 included; line feeds and other control characters are written
/// as Rust escapes them (`\n`, `\x1b`), so that a record is always one line. Levels become severities: critical 2,
/// error 3, warning 4, info 6, debug and trace 7.
#[derive(Clone, Debug)]
pub struct Syslog {
    version: Version,
    facility: Facility,
    identifier: String,
    host: Option<String>,
    structured_data: String,
    max_size: usize,
    lines: bool,
    date: DateFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    Rfc3164,
    Rfc5424,
}

/// What kind of program logs; syslog sorts by it. The numbers are those of RFC 5424, section 6.2.1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u8)]
pub enum Facility {
    /// Programs of users; the default.
    #[default]
    User = 1,
    /// Mail.
    Mail = 2,
    /// Daemons of the system.
    Daemon = 3,
    /// Security and authorization.
    Auth = 4,
    /// Printing.
    Lpr = 6,
    /// News.
    News = 7,
    /// Clock daemons.
    Cron = 9,
    /// Security and authorization, not for everybody's eyes.
    AuthPriv = 10,
    /// FTP.
    Ftp = 11,
    /// For local use.
    Local0 = 16,
    /// For local use.
    Local1 = 17,
    /// For local use.
    Local2 = 18,
    /// For local use.
    Local3 = 19,
    /// For local use.
    Local4 = 20,
    /// For local use.
    Local5 = 21,
    /// For local use.
    Local6 = 22,
    /// For local use.
    Local7 = 23,
}

/// What rsyslog and syslog-ng take when nobody says otherwise.
const MAX_SIZE: usize = 8192;
/// The mark of a record that was longer.
const CUT: &[u8] = b"...";
/// RFC 5424 has limits for its names.
const MAX_HOST: usize = 255;
const MAX_APP_NAME: usize = 48;
const MAX_ID: usize = 32;

impl Syslog {
    /// Makes the older form, as the C library writes it to `/dev/log`: without the host's name, the fields within the text.
    #[must_use]
    pub fn rfc3164() -> Self {
        Self {
            version: Version::Rfc3164,
            facility: Facility::default(),
            identifier: program(),
            host: None,
            structured_data: "fields@32473".to_owned(),
            max_size: MAX_SIZE,
            lines: false,
            date: DateFormat::known("%b %e %H:%M:%S"),
        }
    }

    /// Makes the newer form, for servers: at its socket on the host itself, rsyslog expects the older one unless it is told
    /// otherwise. It has the time with a fraction and its zone, the host's name, the target as the identity of the
    /// message, and the fields as structured data.
    #[must_use]
    pub fn rfc5424() -> Self {
        Self {
            version: Version::Rfc5424,
            host: host_name(),
            date: DateFormat::known("%Y-%m-%dT%H:%M:%S%.6f%:z"),
            ..Self::rfc3164()
        }
    }

    /// Sets the facility. Default: user.
    #[must_use]
    pub fn facility(mut self, facility: Facility) -> Self {
        self.facility = facility;
        self
    }

    /// Sets the name of the program. Default: that of its file.
    #[must_use]
    pub fn identifier(mut self, name: &str) -> Self {
        self.identifier = name.to_owned();
        self
    }

    /// Sets the name of the host. Default: in the older form none, which is how it is done on the host itself; in the
    /// newer form what the system says.
    #[must_use]
    pub fn host(mut self, name: &str) -> Self {
        self.host = Some(name.to_owned());
        self
    }

    /// Sets the name of the structured data that holds the fields. Default: `fields@32473`, whose number RFC 5612 gives
    /// to examples; who has a number of IANA uses that.
    #[must_use]
    pub fn structured_data(mut self, name: &str) -> Self {
        self.structured_data = sanitized(name, MAX_ID, is_sd_name).into_owned();
        self
    }

    /// Sets how many bytes a record has at most; what is longer is cut, and ends with `...`. Default: 8192, which is
    /// what rsyslog and syslog-ng take; at least 480, which everybody has to take.
    #[must_use]
    pub fn max_size(mut self, bytes: usize) -> Self {
        self.max_size = bytes.max(480);
        self
    }

    /// Ends each record with a line feed, for streams (RFC 6587, section 3.4.2). Default: no, for datagrams.
    #[must_use]
    pub fn lines(mut self, lines: bool) -> Self {
        self.lines = lines;
        self
    }

    fn write_rfc3164(&self, record: &Record<'_>, out: &mut Vec<u8>) {
        self.date.write(record.time(), out);
        if let Some(host) = &self.host {
            let host = sanitized(host, MAX_HOST, is_graphic);
            // Writing to memory does not fail, here and below.
            let _ = write!(out, " {host}");
        }
        // A colon or a bracket would end the tag.
        let tag = sanitized(&self.identifier, MAX_APP_NAME, |c| {
            is_graphic(c) && !matches!(c, ':' | '[' | ']')
        });
        let _ = write!(out, " {tag}[{}]: ", std::process::id());
        let start = out.len();
        let _ = write!(out, "{}: ", record.target());
        write_text(record, out);
        escape(out, start);
    }

    fn write_rfc5424(&self, record: &Record<'_>, out: &mut Vec<u8>) {
        let host = self.host.as_deref().unwrap_or_default();
        out.extend_from_slice(b"1 ");
        let start = out.len();
        self.date.write(record.time(), out);
        if out.len() == start {
            // A time that no calendar has.
            out.push(b'-');
        }
        let _ = write!(
            out,
            " {} {} {} {} ",
            name_or_nil(host, MAX_HOST),
            name_or_nil(&self.identifier, MAX_APP_NAME),
            std::process::id(),
            name_or_nil(record.target(), MAX_ID),
        );
        let mut parts = Parts {
            data: Vec::new(),
            message: Vec::new(),
        };
        record.visit(&mut parts);
        record.each_span(|_, fields| {
            for (name, value) in fields {
                parts.field(name, value.get());
            }
        });
        if parts.data.is_empty() {
            out.push(b'-');
        } else {
            let _ = write!(out, "[{}", self.structured_data);
            out.extend_from_slice(&parts.data);
            out.push(b']');
        }
        if !parts.message.is_empty() {
            out.push(b' ');
            let start = out.len();
            out.extend_from_slice(&parts.message);
            escape(out, start);
        }
    }
}

impl Default for Syslog {
    fn default() -> Self {
        Self::rfc3164()
    }
}

impl Format for Syslog {
    fn format(&self, record: &Record<'_>, out: &mut Vec<u8>) {
        let priority = self.facility as u8 * 8 + number_of(record.severity());
        let _ = write!(out, "<{priority}>");
        match self.version {
            Version::Rfc3164 => self.write_rfc3164(record, out),
            Version::Rfc5424 => self.write_rfc5424(record, out),
        }
        cut(out, self.max_size - usize::from(self.lines));
        if self.lines {
            out.push(b'\n');
        }
    }
}

/// Structured data and the message, which come in one walk.
struct Parts {
    data: Vec<u8>,
    message: Vec<u8>,
}

impl Visitor for Parts {
    fn message(&mut self, value: Value<'_>) {
        let _ = write!(self.message, "{value}");
    }

    fn field(&mut self, name: &'static str, value: Value<'_>) {
        let name = sanitized(name, MAX_ID, is_sd_name);
        let _ = write!(self.data, " {name}=\"");
        let mut quoted = Quoted(&mut self.data);
        let _ = match value {
            Value::Error(error) => write!(quoted, "{}", Careful(Chain(error))),
            value => write!(quoted, "{value}"),
        };
        self.data.push(b'"');
    }
}

/// Escapes what would end a value of structured data (RFC 5424, section 6.3.3). Line feeds are escaped
/// as well, because many readers take one line for one record; of that escape the backslash is escaped
/// like any other.
struct Quoted<'a>(&'a mut Vec<u8>);

impl fmt::Write for Quoted<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            match byte {
                b'"' | b'\\' | b']' => self.0.extend([b'\\', byte]),
                byte if byte.is_ascii_control() => {
                    self.0.push(b'\\');
                    self.0.extend(byte.escape_ascii());
                }
                byte => self.0.push(byte),
            }
        }
        Ok(())
    }
}

/// Escapes the control characters from this place on.
fn escape(out: &mut Vec<u8>, start: usize) {
    // A line feed at the end of a message is a habit, not a second line.
    while out.len() > start && out.ends_with(b"\n") {
        out.pop();
    }
    if out[start..].iter().any(u8::is_ascii_control) {
        let text = out.split_off(start);
        for byte in text {
            if byte.is_ascii_control() {
                out.extend(byte.escape_ascii());
            } else {
                out.push(byte);
            }
        }
    }
}

/// Shortens a record at the beginning of a character, with a mark.
fn cut(out: &mut Vec<u8>, max: usize) {
    if out.len() <= max {
        return;
    }
    let mut end = max - CUT.len();
    while end > 0 && out[end] & 0b1100_0000 == 0b1000_0000 {
        end -= 1;
    }
    out.truncate(end);
    out.extend_from_slice(CUT);
}

/// A name of RFC 5424, or the dash that stands for none.
fn name_or_nil(name: &str, max: usize) -> Cow<'_, str> {
    if name.is_empty() {
        Cow::Borrowed("-")
    } else {
        sanitized(name, max, is_graphic)
    }
}

/// The name with other characters replaced, not longer than this.
fn sanitized(name: &str, max: usize, allowed: impl Fn(char) -> bool) -> Cow<'_, str> {
    if name.len() <= max && !name.is_empty() && name.chars().all(&allowed) {
        return Cow::Borrowed(name);
    }
    let valid = name.chars().map(|c| if allowed(c) { c } else { '_' });
    let valid: String = valid.take(max).collect();
    Cow::Owned(if valid.is_empty() {
        "_".to_owned()
    } else {
        valid
    })
}

fn is_graphic(c: char) -> bool {
    c.is_ascii_graphic()
}

fn is_sd_name(c: char) -> bool {
    is_graphic(c) && !matches!(c, '=' | ']' | '"')
}

#[cfg(unix)]
fn host_name() -> Option<String> {
    let name = nix::unistd::gethostname().ok()?.into_string().ok()?;
    Some(name).filter(|name| !name.is_empty())
}

#[cfg(not(unix))]
fn host_name() -> Option<String> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_records_are_cut_between_characters() {
        let cut_to = |text: &str, max| {
            let mut out = text.as_bytes().to_vec();
            cut(&mut out, max);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(cut_to("12345678", 8), "12345678");
        assert_eq!(cut_to("123456789", 8), "12345...");
        assert_eq!(cut_to("1234ä6789", 8), "1234...");
    }

    #[test]
    fn names_are_made_valid() {
        assert_eq!(sanitized("a b=c]", 32, is_sd_name), "a_b_c_");
        assert_eq!(sanitized("größe", 32, is_sd_name), "gr__e");
        assert_eq!(sanitized("", 32, is_sd_name), "_");
        assert_eq!(sanitized("abcdef", 3, is_sd_name), "abc");
        assert_eq!(name_or_nil("", 32), "-");
    }
}
