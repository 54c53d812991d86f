//! Both changes of the clock in three zones, one of the southern hemisphere, one whose change is half an hour;
//! and a zone that has left out a day.

use super::*;

fn spec(text: &str, zone: &str) -> CronSpec {
    CronSpec::parse(text).unwrap().in_time_zone(zone).unwrap()
}

/// In Berlin 02:00 is 03:00 on 2026-03-29, and 03:00 is 02:00 on 2026-10-25.
#[test]
fn berlin() {
    let times = |text: &str, from: &str, count| upcoming(&spec(text, "Europe/Berlin"), from, count);
    let spring = "2026-03-28T12:00:00Z";
    assert_eq!(
        times("30 2 * * *", spring, 2),
        ["2026-03-29T03:00:00+02:00", "2026-03-30T02:30:00+02:00"]
    );
    assert_eq!(
        times("0 3 * * *", spring, 2),
        ["2026-03-29T03:00:00+02:00", "2026-03-30T03:00:00+02:00"]
    );
    // All that is skipped is at the jump, which is one call.
    assert_eq!(
        times("0,30 2,3 * * *", spring, 3),
        [
            "2026-03-29T03:00:00+02:00",
            "2026-03-29T03:30:00+02:00",
            "2026-03-30T02:00:00+02:00",
        ]
    );
    assert_eq!(
        times("*/30 * * * *", "2026-03-29T00:15:00Z", 4),
        [
            "2026-03-29T01:30:00+01:00",
            "2026-03-29T03:00:00+02:00",
            "2026-03-29T03:30:00+02:00",
            "2026-03-29T04:00:00+02:00",
        ]
    );
    // There is nothing of it on that day.
    assert_eq!(
        times("*/30 2 * * *", spring, 1),
        ["2026-03-30T02:00:00+02:00"]
    );
    assert_eq!(
        times("15 */2 * * *", "2026-03-28T23:30:00Z", 2),
        ["2026-03-29T04:15:00+02:00", "2026-03-29T06:15:00+02:00",]
    );

    let autumn = "2026-10-24T12:00:00Z";
    // A `*` in the seconds makes it one of each.
    let each = CronSpec::with_seconds_first("*/30 30 2 * * *").unwrap();
    let each = each.in_time_zone("Europe/Berlin").unwrap();
    assert_eq!(upcoming(&each, spring, 1), ["2026-03-30T02:30:00+02:00"]);
    assert_eq!(
        upcoming(&each, autumn, 4),
        [
            "2026-10-25T02:30:00+02:00",
            "2026-10-25T02:30:30+02:00",
            "2026-10-25T02:30:00+01:00",
            "2026-10-25T02:30:30+01:00",
        ]
    );
    assert_eq!(
        times("30 2 * * *", autumn, 2),
        ["2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"]
    );
    assert_eq!(
        times("0,30 2 * * *", autumn, 3),
        [
            "2026-10-25T02:00:00+02:00",
            "2026-10-25T02:30:00+02:00",
            "2026-10-26T02:00:00+01:00",
        ]
    );
    assert_eq!(
        times("*/30 * * * *", "2026-10-24T23:45:00Z", 6),
        [
            "2026-10-25T02:00:00+02:00",
            "2026-10-25T02:30:00+02:00",
            "2026-10-25T02:00:00+01:00",
            "2026-10-25T02:30:00+01:00",
            "2026-10-25T03:00:00+01:00",
            "2026-10-25T03:30:00+01:00",
        ]
    );
    // Asked from within the hour that is repeated: it was called for already.
    assert_eq!(
        times("45 2 * * *", "2026-10-25T01:10:00Z", 1),
        ["2026-10-26T02:45:00+01:00"]
    );
    assert_eq!(
        times("@hourly", "2026-10-24T23:30:00Z", 4),
        [
            "2026-10-25T02:00:00+02:00",
            "2026-10-25T02:00:00+01:00",
            "2026-10-25T03:00:00+01:00",
            "2026-10-25T04:00:00+01:00",
        ]
    );
}

/// In Santiago de Chile, of the southern hemisphere, the change is at midnight: 2026-04-05 24:00 is 23:00 on the day
/// before, and 2026-09-06 00:00 is 01:00.
#[test]
fn santiago() {
    let times =
        |text: &str, from: &str, count| upcoming(&spec(text, "America/Santiago"), from, count);
    assert_eq!(
        times("@daily", "2026-09-05T12:00:00Z", 2),
        ["2026-09-06T01:00:00-03:00", "2026-09-07T00:00:00-03:00",]
    );
    assert_eq!(
        times("30 0 * * SUN", "2026-09-05T12:00:00Z", 2),
        ["2026-09-06T01:00:00-03:00", "2026-09-13T00:30:00-03:00",]
    );
    assert_eq!(
        times("30 23 * * *", "2026-04-04T12:00:00Z", 2),
        ["2026-04-04T23:30:00-03:00", "2026-04-05T23:30:00-04:00",]
    );
    assert_eq!(
        times("30 * * * *", "2026-04-05T02:00:00Z", 3),
        [
            "2026-04-04T23:30:00-03:00",
            "2026-04-04T23:30:00-04:00",
            "2026-04-05T00:30:00-04:00",
        ]
    );
}

/// On Lord Howe Island the change is half an hour: 2026-04-05 02:00 is 01:30, and 2026-10-04 02:00 is 02:30.
#[test]
fn lord_howe() {
    let times =
        |text: &str, from: &str, count| upcoming(&spec(text, "Australia/Lord_Howe"), from, count);
    assert_eq!(
        times("15 2 * * *", "2026-10-03T12:00:00Z", 2),
        ["2026-10-04T02:30:00+11:00", "2026-10-05T02:15:00+11:00",]
    );
    assert_eq!(
        times("45 2 * * *", "2026-10-03T12:00:00Z", 1),
        ["2026-10-04T02:45:00+11:00"]
    );
    assert_eq!(
        times("*/15 * * * *", "2026-10-03T15:20:00Z", 3),
        [
            "2026-10-04T02:30:00+11:00",
            "2026-10-04T02:45:00+11:00",
            "2026-10-04T03:00:00+11:00",
        ]
    );
    assert_eq!(
        times("45 1 * * *", "2026-04-04T12:00:00Z", 2),
        ["2026-04-05T01:45:00+11:00", "2026-04-06T01:45:00+10:30",]
    );
    assert_eq!(
        times("15,45 * * * *", "2026-04-04T14:00:00Z", 4),
        [
            "2026-04-05T01:15:00+11:00",
            "2026-04-05T01:45:00+11:00",
            "2026-04-05T01:45:00+10:30",
            "2026-04-05T02:15:00+10:30",
        ]
    );
}

/// In Samoa there was no 30th of December 2011.
#[test]
fn a_day_that_was_left_out_is_called_for_when_the_next_one_begins() {
    let times =
        |text: &str, count| upcoming(&spec(text, "Pacific/Apia"), "2011-12-29T12:00:00Z", count);
    assert_eq!(
        times("0 12 * * *", 4),
        [
            "2011-12-29T12:00:00-10:00",
            "2011-12-31T00:00:00+14:00",
            "2011-12-31T12:00:00+14:00",
            "2012-01-01T12:00:00+14:00",
        ]
    );
    assert_eq!(
        times("0 */12 * * *", 4),
        [
            "2011-12-29T12:00:00-10:00",
            "2011-12-31T00:00:00+14:00",
            "2011-12-31T12:00:00+14:00",
            "2012-01-01T00:00:00+14:00",
        ]
    );
}
