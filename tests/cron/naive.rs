//! Another implementation: it goes from day to day and from minute to minute, and asks of each one whether it is one
//! of the expression's. It shares nothing with ours but the database of time zones: the expressions are made
//! here, as sets of numbers, and need no parser.
//!
//! Of the crates that there are, `cron` knows no five fields and leaves out times that are skipped, and `saffron`
//! knows no zones and is not kept up to date; `croner` is what we use for dates.

use jiff::civil::{Date, DateTime};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Timestamp, ToSpan};

use super::shared::dice::Dice;

/// A field: which values are in it, and how it is written.
#[derive(Clone, Debug)]
struct Field {
    values: Vec<i8>,
    text: String,
}

#[derive(Clone, Debug)]
pub(super) struct Naive {
    minute: Field,
    hour: Field,
    day: Field,
    month: Field,
    weekday: Field,
}

impl Field {
    fn each(least: i8, most: i8) -> Self {
        let (values, text) = ((least..=most).collect(), "*".to_owned());
        Self { values, text }
    }

    fn any(dice: &mut Dice, least: i8, most: i8) -> Self {
        match dice.below(4) {
            0 => Self::each(least, most),
            1 => {
                let step = Self::number(dice, 1, most);
                let values = (least..=most).step_by(step as usize).collect();
                let text = format!("*/{step}");
                Self { values, text }
            }
            _ => Self::named(dice, least, most),
        }
    }

    fn named(dice: &mut Dice, least: i8, most: i8) -> Self {
        let (mut values, mut texts) = (Vec::new(), Vec::new());
        let items = [1, 1, 1, 2, 3][dice.below(5)];
        for _ in 0..items {
            let first = Self::number(dice, least, most);
            match dice.below(4) {
                0 => {
                    let last = Self::number(dice, first, most);
                    values.extend(first..=last);
                    texts.push(format!("{first}-{last}"));
                }
                1 => {
                    let (last, step) =
                        (Self::number(dice, first, most), Self::number(dice, 1, most));
                    values.extend((first..=last).step_by(step as usize));
                    texts.push(format!("{first}-{last}/{step}"));
                }
                _ => {
                    values.push(first);
                    texts.push(first.to_string());
                }
            }
        }
        let text = texts.join(",");
        Self { values, text }
    }

    fn number(dice: &mut Dice, least: i8, most: i8) -> i8 {
        let count = usize::try_from(most - least).unwrap() + 1;
        least + i8::try_from(dice.below(count)).unwrap()
    }

    fn has(&self, value: i8) -> bool {
        self.values.contains(&value)
    }
}

impl Naive {
    pub(super) fn random(dice: &mut Dice) -> Self {
        let whole = |dice: &mut Dice, least, most| match dice.below(3) {
            0 => Field::any(dice, least, most),
            _ => Field::each(least, most),
        };
        Self {
            minute: Field::any(dice, 0, 59),
            hour: match dice.below(3) {
                // Where clocks are changed.
                0 => Field::named(dice, 0, 3),
                _ => Field::any(dice, 0, 23),
            },
            day: whole(dice, 1, 31),
            month: whole(dice, 1, 12),
            weekday: whole(dice, 0, 7),
        }
    }

    pub(super) fn text(&self) -> String {
        let fields = [
            &self.minute,
            &self.hour,
            &self.day,
            &self.month,
            &self.weekday,
        ];
        fields.map(|field| field.text.as_str()).join(" ")
    }

    pub(super) fn is_interval(&self) -> bool {
        self.minute.text.starts_with('*') || self.hour.text.starts_with('*')
    }

    /// Whether it names times of the day by more than one number.
    pub(super) fn is_list(&self) -> bool {
        let number = |field: &Field| field.text.bytes().all(|byte| byte.is_ascii_digit());
        !number(&self.minute) || !number(&self.hour)
    }

    /// The first time after this one, within nine years.
    pub(super) fn next_after(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        // A clock that is set back mixes hours: no more than two are looked at before and behind.
        let begin = zone.to_datetime(after) - 2.hours();
        let mut found: Option<(DateTime, Timestamp)> = None;
        for civil in self.dates_from(begin.date()) {
            if civil < begin {
                continue;
            }
            if found.is_some_and(|(first, _)| civil > first + 2.hours()) {
                break;
            }
            for time in self.moments(civil, zone) {
                if time > after && found.is_none_or(|(_, best)| time < best) {
                    found = Some((found.map_or(civil, |(first, _)| first), time));
                }
            }
        }
        found.map(|(_, time)| time)
    }

    fn dates_from(&self, day: Date) -> impl Iterator<Item = DateTime> {
        let days = day
            .series(1.day())
            .take(9 * 366)
            .filter(|day| self.has_day(*day));
        let hours = || (0..24).filter(|hour| self.hour.has(*hour));
        let minutes = || (0..60).filter(|minute| self.minute.has(*minute));
        days.flat_map(move |day| {
            hours().flat_map(move |hour| minutes().map(move |minute| day.at(hour, minute, 0, 0)))
        })
    }

    fn has_day(&self, day: Date) -> bool {
        let weekday = day.weekday().to_sunday_zero_offset();
        let weekday = self.weekday.has(weekday) || weekday == 0 && self.weekday.has(7);
        let date = self.day.has(day.day());
        let either = match (self.day.text == "*", self.weekday.text == "*") {
            (false, false) => date || weekday,
            _ => date && weekday,
        };
        either && self.month.has(day.month())
    }

    /// The moments at which this date is to be called for.
    fn moments(&self, mut civil: DateTime, zone: &TimeZone) -> Vec<Timestamp> {
        loop {
            let (one, other) = match zone.to_ambiguous_timestamp(civil).offset() {
                AmbiguousOffset::Unambiguous { offset } => (offset, None),
                AmbiguousOffset::Fold { before, after } => (before, Some(after)),
                AmbiguousOffset::Gap { .. } if self.is_interval() => return Vec::new(),
                AmbiguousOffset::Gap { .. } => {
                    civil = civil.checked_add(1.minute()).unwrap();
                    continue;
                }
            };
            let other = other.filter(|_| self.is_interval());
            let offsets = [Some(one), other].into_iter().flatten();
            return offsets
                .map(|offset| offset.to_timestamp(civil).unwrap())
                .collect();
        }
    }
}
