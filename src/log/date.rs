use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use super::LogError;
use super::digits::{number, six_digits};

/// How dates and times look.
///
/// # Cost
///
/// What changes once a second is formatted once a second, by each thread that logs.
#[derive(Clone, Debug)]
pub struct DateFormat(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Seconds,
    Rfc3339 {
        id: u64,
    },
    Strftime {
        id: u64,
        text: Arc<str>,
        /// Whether it shows parts of a second.
        fine: bool,
    },
}

impl DateFormat {
    /// In the words of `strftime`, as
    /// [jiff](https://docs.rs/jiff/latest/jiff/fmt/strtime/index.html) understands them, in the local
    /// time zone. `%s` alone is [`seconds`](Self::seconds).
    ///
    /// # Errors
    ///
    /// When the text means nothing.
    pub fn strftime(text: &str) -> Result<Self, LogError> {
        Self::parse(text)
            .map_err(|expected| LogError::new(format!("expected {expected}, got `{text}`")))
    }

    /// As `strftime`; the error is what would be a format.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        const EXPECTED: &str = "a format of dates such as %Y-%m-%d %H:%M:%S";
        if text.is_empty() {
            return Err(EXPECTED.to_owned());
        }
        jiff::fmt::strtime::format(text, &Zoned::default())
            .map_err(|error| format!("{EXPECTED} ({error})"))?;
        if text == "%s" {
            return Ok(Self::seconds());
        }
        Ok(Self(Kind::Strftime {
            id: next_id(),
            text: text.into(),
            fine: shows_fractions(text),
        }))
    }

    /// Seconds since the beginning of 1970 with six places behind the point: a number.
    #[must_use]
    pub fn seconds() -> Self {
        Self(Kind::Seconds)
    }

    /// As in `2026-11-22T10:20:30.123456Z`, in UTC.
    #[must_use]
    pub fn rfc3339() -> Self {
        Self(Kind::Rfc3339 { id: next_id() })
    }

    /// For a text that is known to be one.
    pub(super) fn known(text: &'static str) -> Self {
        Self::strftime(text).unwrap_or_else(|_| Self::rfc3339())
    }

    /// Whether it is a number.
    #[must_use]
    pub fn is_number(&self) -> bool {
        matches!(self.0, Kind::Seconds)
    }

    /// Appends the time.
    pub fn write(&self, time: SystemTime, out: &mut Vec<u8>) {
        let (second, micros) = split(time);
        match &self.0 {
            Kind::Seconds => {
                // Before 1970 the fraction counts the other way.
                let (second, micros) = match (second < 0, micros) {
                    (true, 1..) => (second + 1, 1_000_000 - micros),
                    _ => (second, micros),
                };
                if time < UNIX_EPOCH {
                    out.push(b'-');
                }
                number(out, second.unsigned_abs());
                out.push(b'.');
                six_digits(out, micros);
            }
            Kind::Rfc3339 { id } => {
                cached(*id, second, out, || {
                    let date = Timestamp::from_second(second).unwrap_or_default();
                    date.strftime("%Y-%m-%dT%H:%M:%S").to_string()
                });
                out.push(b'.');
                six_digits(out, micros);
                out.push(b'Z');
            }
            Kind::Strftime {
                text, fine: true, ..
            } => {
                out.extend_from_slice(local(text, time).as_bytes());
            }
            Kind::Strftime { id, text, .. } => cached(*id, second, out, || local(text, time)),
        }
    }
}

/// A date that the format cannot say all the same is no reason to fail.
fn local(text: &str, time: SystemTime) -> String {
    let time = Timestamp::try_from(time).unwrap_or_default();
    let zoned = time.to_zoned(TimeZone::system());
    jiff::fmt::strtime::format(text, &zoned).unwrap_or_default()
}

/// Whether it has one of `%f`, `%.f`, `%3N` and so on.
fn shows_fractions(text: &str) -> bool {
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        rest = &rest[at + 1..];
        let word = rest.trim_start_matches(|c: char| ".-_0^#:123456789".contains(c));
        if word.starts_with(['f', 'N']) {
            return true;
        }
        rest = word.get(1..).unwrap_or_default();
    }
    false
}

/// Seconds since 1970, and the microseconds of the next one.
fn split(time: SystemTime) -> (i64, u32) {
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => (since.as_secs().cast_signed(), since.subsec_micros()),
        Err(before) => {
            let before = before.duration();
            let whole = -before.as_secs().cast_signed();
            match before.subsec_micros() {
                0 => (whole, 0),
                micros => (whole - 1, 1_000_000 - micros),
            }
        }
    }
}

fn next_id() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Appends what was made for this second, or makes it.
fn cached(id: u64, second: i64, out: &mut Vec<u8>, make: impl FnOnce() -> String) {
    /// For so many formats at the same time.
    const PLACES: usize = 4;
    #[derive(Default)]
    struct Made {
        id: u64,
        second: i64,
        text: String,
    }
    thread_local! {
        static MADE: RefCell<[Made; PLACES]> = RefCell::default();
    }
    let mut make = Some(make);
    let known = MADE.try_with(|made| {
        let made = &mut made.borrow_mut()[(id % PLACES as u64) as usize];
        if made.id != id || made.second != second {
            if let Some(make) = make.take() {
                made.text = make();
            }
            (made.id, made.second) = (id, second);
        }
        out.extend_from_slice(made.text.as_bytes());
    });
    // Without a cache, in a thread that ends.
    if known.is_err()
        && let Some(make) = make
    {
        out.extend_from_slice(make().as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn text(format: &DateFormat, time: SystemTime) -> String {
        let mut out = Vec::new();
        format.write(time, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn times_are_written() {
        let time = UNIX_EPOCH + Duration::new(1_700_000_000, 42_000_999);
        assert_eq!(text(&DateFormat::seconds(), time), "1700000000.042000");
        assert_eq!(
            text(&DateFormat::rfc3339(), time),
            "2023-11-14T22:13:20.042000Z"
        );
        let early = UNIX_EPOCH - Duration::from_micros(1_500_000);
        assert_eq!(text(&DateFormat::seconds(), early), "-1.500000");
        let just_before = UNIX_EPOCH - Duration::from_micros(1);
        assert_eq!(text(&DateFormat::seconds(), just_before), "-0.000001");
        assert_eq!(
            text(&DateFormat::rfc3339(), early),
            "1969-12-31T23:59:58.500000Z"
        );
        assert!(DateFormat::strftime("%s").unwrap().is_number());
        assert_eq!(
            text(&DateFormat::strftime("at %s").unwrap(), time),
            "at 1700000000"
        );
    }

    /// What is kept is that of the same format and the same second.
    #[test]
    fn what_is_kept_is_right() {
        let formats: Vec<_> = (0..9)
            .map(|n| DateFormat::strftime(&format!("{n} %s")).unwrap())
            .collect();
        for second in [5, 5, 6, 5] {
            for (n, format) in formats.iter().enumerate() {
                let time = UNIX_EPOCH + Duration::from_secs(second);
                assert_eq!(text(format, time), format!("{n} {second}"));
            }
        }
    }

    #[test]
    fn fractions_are_never_kept() {
        let format = DateFormat::strftime("%S%.3f").unwrap();
        for millis in [1001, 1002] {
            let time = UNIX_EPOCH + Duration::from_millis(millis);
            assert_eq!(text(&format, time), format!("01.{:03}", millis % 1000));
        }
        for (text, fine) in [
            ("%H:%M", false),
            ("%%f %S", false),
            ("%f", true),
            ("%3f", true),
            ("%.N", true),
        ] {
            assert_eq!(shows_fractions(text), fine, "{text}");
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for nonsense in ["", "%", "%!"] {
            let error = DateFormat::strftime(nonsense).unwrap_err().to_string();
            assert!(
                error.starts_with("expected a format of dates such as"),
                "{error}"
            );
        }
    }
}
