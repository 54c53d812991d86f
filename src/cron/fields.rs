//! Reads the text of a cron expression, field by field: what is wrong is found here, with its place, and what
//! is right is written down in numbers alone.

use std::fmt::Write as _;
use std::ops::{Range, RangeInclusive};

use super::error::CronError;

/// Where the seconds are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// Five fields: there are none.
    Classic,
    SecondsFirst,
    SecondsLast,
}

/// An expression that was read.
pub(super) struct Fields {
    /// Six fields in numbers, seconds first.
    pub(super) normal: String,
    /// Whether it is said by the second, minute or hour that it runs at each one of some (`*`), and not at times
    /// that are named.
    pub(super) interval: bool,
}

struct Field {
    name: &'static str,
    values: RangeInclusive<u16>,
    /// Names of its values, from the first one on.
    names: &'static [&'static str],
    special: Special,
}

#[derive(PartialEq)]
enum Special {
    None,
    /// `L`, `LW`, `15W`, `?`.
    DayOfMonth,
    /// `FRI#2`, `FRIL`, `?`.
    DayOfWeek,
}

const SECOND: Field = Field::plain("second", 0..=59);
const CLASSIC: [Field; 5] = [
    Field::plain("minute", 0..=59),
    Field::plain("hour", 0..=23),
    Field {
        special: Special::DayOfMonth,
        ..Field::plain("day of month", 1..=31)
    },
    Field {
        names: &[
            "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
        ],
        ..Field::plain("month", 1..=12)
    },
    Field {
        names: &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"],
        special: Special::DayOfWeek,
        ..Field::plain("day of week", 0..=7)
    },
];

const ALIASES: [(&str, &str); 7] = [
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
    ("@monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * 0"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@hourly", "0 * * * *"),
];

/// Reads an expression.
pub(super) fn read(text: &str, layout: Layout) -> Result<Fields, CronError> {
    let mut words = words(text);
    if let [word] = &words[..]
        && text[word.clone()].starts_with('@')
    {
        return alias(text, word);
    }
    let wanted = if layout == Layout::Classic { 5 } else { 6 };
    if words.len() != wanted {
        return Err(wrong_number(text, layout, wanted, &words));
    }
    let second = match layout {
        Layout::Classic => None,
        Layout::SecondsFirst => Some(words.remove(0)),
        Layout::SecondsLast => words.pop(),
    };
    let (mut normal, mut interval) = (String::with_capacity(text.len() + 2), false);
    match second {
        Some(word) => SECOND.read(text, word, &mut normal, &mut interval)?,
        None => normal.push('0'),
    }
    for (at, (field, word)) in CLASSIC.iter().zip(words).enumerate() {
        normal.push(' ');
        let mut each = false;
        field.read(text, word, &mut normal, &mut each)?;
        interval |= each && at < 2;
    }
    Ok(Fields { normal, interval })
}

fn words(text: &str) -> Vec<Range<usize>> {
    let start = |word: &str| word.as_ptr().addr() - text.as_ptr().addr();
    text.split_whitespace()
        .map(|word| start(word)..start(word) + word.len())
        .collect()
}

fn alias(text: &str, word: &Range<usize>) -> Result<Fields, CronError> {
    let found = ALIASES
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(&text[word.clone()]));
    match found {
        Some((_, expression)) => read(expression, Layout::Classic),
        None => {
            let names: Vec<_> = ALIASES.iter().map(|(name, _)| *name).collect();
            let problem = format!("expected one of {}", names.join(", "));
            Err(CronError::new(text, word.clone(), problem))
        }
    }
}

fn wrong_number(text: &str, layout: Layout, wanted: usize, words: &[Range<usize>]) -> CronError {
    // What is too much, or the end where something is missing.
    let span = match words.get(wanted) {
        Some(first) => first.start..words.last().map_or(first.end, |last| last.end),
        None => text.trim_end().len()..text.len(),
    };
    let order = match layout {
        Layout::Classic => "minute, hour, day of month, month, day of week",
        Layout::SecondsFirst => "second, minute, hour, day of month, month, day of week",
        Layout::SecondsLast => "minute, hour, day of month, month, day of week, second",
    };
    let hint = match (layout, words.len()) {
        (Layout::Classic, 6) => "; with seconds use `with_seconds_first` or `with_seconds_last`",
        _ => "",
    };
    let got = words.len();
    let problem = format!("expected {wanted} fields ({order}), got {got}{hint}");
    CronError::new(text, span, problem)
}

impl Field {
    const fn plain(name: &'static str, values: RangeInclusive<u16>) -> Self {
        Self {
            name,
            values,
            names: &[],
            special: Special::None,
        }
    }

    /// Adds the field in numbers; says whether it has a `*`.
    fn read(
        &self,
        text: &str,
        word: Range<usize>,
        normal: &mut String,
        each: &mut bool,
    ) -> Result<(), CronError> {
        *each = text[word.clone()].contains('*');
        let (mut at, begun) = (word.start, normal.len());
        for (number, item) in text[word].split(',').enumerate() {
            if number > 0 {
                normal.push(',');
            }
            let item = Item { text, at, item };
            self.item(&item, normal)
                .map_err(|error| error.in_field(self.name))?;
            at += item.item.len() + 1;
        }
        // croner knows it alone.
        if normal[begun..].split(',').any(|item| item == "*") {
            normal.truncate(begun);
            normal.push('*');
        }
        Ok(())
    }

    fn item(&self, item: &Item<'_>, normal: &mut String) -> Result<(), CronError> {
        if self.special(item, normal)? {
            return Ok(());
        }
        let (base, step) = match item.item.split_once('/') {
            Some((base, step)) => (item.part(base), Some(item.part(step))),
            None => (item.part(item.item), None),
        };
        match base.item.split_once('-') {
            _ if base.item == "*" => normal.push('*'),
            Some((first, last)) => {
                let first = self.value(&item.part(first))?;
                let mut last = self.value(&item.part(last))?;
                // A week may end with its Sunday.
                if self.special == Special::DayOfWeek && last == 0 && first > 0 {
                    last = 7;
                }
                if first > last {
                    let problem = format!("expected a range that goes up, got `{}`", base.item);
                    return Err(base.error(problem));
                }
                write(normal, format_args!("{first}-{last}"));
            }
            None if step.is_some() => {
                let problem = format!(
                    "expected `*` or a range before the step, got `{}`",
                    base.item
                );
                return Err(base.error(problem));
            }
            None => {
                let value = self.value(&base)?;
                write(normal, format_args!("{value}"));
            }
        }
        if let Some(step) = step {
            let most = *self.values.end();
            let value = number(step.item).filter(|step| (1..=most).contains(step));
            let Some(value) = value else {
                let problem = format!("expected a step from 1 to {most}, got `{}`", step.item);
                return Err(step.error(problem));
            };
            write(normal, format_args!("/{value}"));
        }
        Ok(())
    }

    /// What only days have; `false` if it is nothing of this kind.
    fn special(&self, item: &Item<'_>, normal: &mut String) -> Result<bool, CronError> {
        if self.special == Special::None {
            return Ok(false);
        }
        let upper = item.item.to_ascii_uppercase();
        if upper == "?" {
            normal.push('*');
            return Ok(true);
        }
        if self.special == Special::DayOfMonth {
            if upper == "L" || upper == "LW" {
                normal.push_str(&upper);
                return Ok(true);
            }
            if let Some(day) = upper.strip_suffix('W') {
                let value = self.value(&item.part(&item.item[..day.len()]))?;
                write(normal, format_args!("{value}W"));
                return Ok(true);
            }
            return Ok(false);
        }
        if let Some((day, nth)) = item.item.split_once('#') {
            let day = self.value(&item.part(day))?;
            let nth = item.part(nth);
            if nth.item.eq_ignore_ascii_case("L") {
                write(normal, format_args!("{day}#L"));
                return Ok(true);
            }
            let Some(value) = number(nth.item).filter(|nth| (1..=5).contains(nth)) else {
                let problem = format!("expected a number from 1 to 5, or `L`, got `{}`", nth.item);
                return Err(nth.error(problem));
            };
            write(normal, format_args!("{day}#{value}"));
            return Ok(true);
        }
        if let Some(day) = upper.strip_suffix('L') {
            let value = self.value(&item.part(&item.item[..day.len()]))?;
            write(normal, format_args!("{value}#L"));
            return Ok(true);
        }
        Ok(false)
    }

    fn value(&self, word: &Item<'_>) -> Result<u16, CronError> {
        let named = self
            .names
            .iter()
            .position(|name| name.eq_ignore_ascii_case(word.item));
        let value = match named {
            Some(at) => u16::try_from(at).ok().map(|at| at + *self.values.start()),
            None => number(word.item),
        };
        value
            .filter(|value| self.values.contains(value))
            .ok_or_else(|| {
                let (least, most) = (self.values.start(), self.values.end());
                let names = match (self.names.first(), self.names.last()) {
                    (Some(first), Some(last)) => format!(" or a name from {first} to {last}"),
                    _ => String::new(),
                };
                let got = word.item;
                word.error(format!(
                    "expected a number from {least} to {most}{names}, got `{got}`"
                ))
            })
    }
}

/// A part of an expression, which knows where it is.
struct Item<'a> {
    text: &'a str,
    at: usize,
    item: &'a str,
}

impl<'a> Item<'a> {
    /// A part of this part.
    fn part(&self, part: &'a str) -> Self {
        Item {
            text: self.text,
            at: part.as_ptr().addr() - self.text.as_ptr().addr(),
            item: part,
        }
    }

    fn error(&self, problem: String) -> CronError {
        CronError::new(self.text, self.at..self.at + self.item.len(), problem)
    }
}

/// Digits alone: `parse` would take a sign.
fn number(text: &str) -> Option<u16> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits)
}

fn write(to: &mut String, what: std::fmt::Arguments<'_>) {
    // A string takes everything.
    let _ = to.write_fmt(what);
}
