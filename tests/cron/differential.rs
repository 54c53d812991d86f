//! Ours beside others, over random expressions, dates and zones.

use croner::parser::CronParser;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::naive::Naive;
use super::shared::dice::Dice;
use super::*;

const ZONES: &[&str] = &[
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/Santiago",
    "America/St_Johns",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Africa/Casablanca",
    "Africa/Cairo",
    "Asia/Tehran",
    "Asia/Kathmandu",
    "Antarctica/Troll",
];

/// From 1990 to 2050; two of three shortly before a change of the clock, where the zone has one.
fn random_date(dice: &mut Dice, zone: &TimeZone) -> Timestamp {
    let seconds = 631_152_000 + i64::try_from(dice.below(1_893_456_000)).unwrap();
    let date = Timestamp::new(seconds, 0).unwrap();
    let change = zone.following(date).next().filter(|_| dice.below(3) > 0);
    match change {
        Some(change) => change.timestamp() - i64::try_from(dice.below(30)).unwrap().hours(),
        None => date,
    }
}

/// Thirty thousand times of ten thousand expressions, with all changes of clocks.
#[test]
fn ours_and_the_naive_one_agree() {
    let mut dice = Dice::new(2026);
    let (mut compared, mut never) = (0, 0);
    for _ in 0..10_000 {
        let naive = Naive::random(&mut dice);
        let name = ZONES[dice.below(ZONES.len())];
        let zone = TimeZone::get(name).unwrap();
        let mut date = random_date(&mut dice, &zone);
        let Ok(ours) = CronSpec::parse(&naive.text()) else {
            assert_eq!(naive.next_after(date, &zone), None, "{}", naive.text());
            never += 1;
            continue;
        };
        let ours = ours.in_time_zone(name).unwrap();
        for _ in 0..3 {
            let expected = naive.next_after(date, &zone).unwrap();
            let next = Timestamp::try_from(ours.next_after(date.into()).unwrap()).unwrap();
            assert_eq!(next, expected, "`{}` after {date} in {name}", naive.text());
            date = next;
            compared += 1;
        }
    }
    assert!(compared > 29_000 && never > 0, "{compared} {never}");
}

/// What `croner` makes of changes of clocks by itself. It differs where times are named by lists or ranges: it takes
/// `0,30 2 * * *` for an interval, so that it calls twice where an hour is repeated, and not at all where it is
/// skipped. Neither does it see a day that is left out. We use it for dates alone.
#[test]
fn ours_and_croner_agree_but_for_lists_of_times() {
    let mut dice = Dice::new(1976);
    let (mut compared, mut explained) = (0, 0);
    for _ in 0..10_000 {
        let naive = Naive::random(&mut dice);
        let text = naive.text();
        let Ok(ours) = CronSpec::parse(&text) else {
            continue;
        };
        let name = ZONES[dice.below(ZONES.len())];
        let zone = TimeZone::get(name).unwrap();
        let ours = ours.in_time_zone(name).unwrap();
        let date = random_date(&mut dice, &zone);
        let next = Timestamp::try_from(ours.next_after(date.into()).unwrap()).unwrap();
        let croner = CronParser::new().parse(&text).unwrap();
        let theirs = croner.find_next_occurrence(&date.to_zoned(zone), false);
        compared += 1;
        if theirs.ok().is_some_and(|theirs| theirs.timestamp() == next) {
            continue;
        }
        let list = !naive.is_interval() && naive.is_list();
        assert!(
            list || name == "Pacific/Apia",
            "`{text}` after {date} in {name}: {next}"
        );
        explained += 1;
    }
    assert!(compared > 9_000 && explained > 0, "{compared} {explained}");
}
