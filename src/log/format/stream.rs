use super::Format;
use super::plain::write_text;
use crate::log::date::DateFormat;
use crate::log::record::Record;

/// Date, level, origin, message and fields: `stream`.
///
/// ```text
/// [2026-11-22 10:20:30] INFO shop::orders: taken order=17
/// ```
#[derive(Clone, Debug)]
pub struct Stream {
    date: DateFormat,
}

impl Stream {
    /// Makes the format with dates such as `[2026-11-22 10:20:30]`.
    #[must_use]
    pub fn new() -> Self {
        Self {
            date: DateFormat::known("[%Y-%m-%d %H:%M:%S]"),
        }
    }

    /// Sets how dates look.
    #[must_use]
    pub fn date(mut self, date: DateFormat) -> Self {
        self.date = date;
        self
    }
}

impl Default for Stream {
    fn default() -> Self {
        Self::new()
    }
}

impl Format for Stream {
    fn format(&self, record: &Record<'_>, out: &mut Vec<u8>) {
        self.date.write(record.time(), out);
        out.push(b' ');
        out.extend_from_slice(record.severity().upper_name().as_bytes());
        out.push(b' ');
        out.extend_from_slice(record.target().as_bytes());
        out.extend_from_slice(b": ");
        write_text(record, out);
        out.push(b'\n');
    }
}
