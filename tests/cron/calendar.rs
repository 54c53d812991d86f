//! Dates: leap days, ends of months, the ends of time.

use super::*;

#[test]
fn a_leap_day_comes_every_four_years_but_for_some_centuries() {
    let spec = CronSpec::parse("0 12 29 2 *").unwrap();
    let years: Vec<String> = upcoming(&spec, "2024-02-29T12:00:00Z", 3);
    let expected = ["2028", "2032", "2036"].map(|year| format!("{year}-02-29T12:00:00+00:00"));
    assert_eq!(years, expected);
    assert_eq!(
        upcoming(&spec, "2096-02-29T12:00:00Z", 1),
        ["2104-02-29T12:00:00+00:00"]
    );
    assert_eq!(
        upcoming(&spec, "1999-01-01T00:00:00Z", 1),
        ["2000-02-29T12:00:00+00:00"]
    );
}

#[test]
fn the_31st_is_in_seven_months() {
    let spec = CronSpec::parse("0 0 31 * *").unwrap();
    let months: Vec<_> = upcoming(&spec, "2026-01-31T00:00:00Z", 7);
    let months: Vec<_> = months.iter().map(|time| &time[5..7]).collect();
    assert_eq!(months, ["03", "05", "07", "08", "10", "12", "01"]);
}

#[test]
fn a_time_is_never_its_own_next_one() {
    let spec = CronSpec::parse("* * * * *").unwrap();
    for (from, next) in [
        ("2026-01-01T00:00:00Z", "2026-01-01T00:01:00Z"),
        ("2026-01-01T00:00:00.000000001Z", "2026-01-01T00:01:00Z"),
        ("2025-12-31T23:59:59.999999999Z", "2026-01-01T00:00:00Z"),
        ("2026-01-01T00:00:59.5Z", "2026-01-01T00:01:00Z"),
        ("1969-12-31T23:59:00.5Z", "1970-01-01T00:00:00Z"),
    ] {
        assert_eq!(spec.next_after(at(from)), Some(at(next)), "{from}");
    }
}

#[test]
fn time_has_an_end() {
    let spec = CronSpec::parse("* * * * *").unwrap();
    assert_eq!(spec.next_after(at("5000-12-31T23:59:00Z")), None);
    let far = SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 60);
    assert_eq!(spec.next_after(far), None);
    assert_eq!(spec.upcoming(far).count(), 0);
}

#[test]
fn utc_is_the_default() {
    let spec = CronSpec::parse("0 0 * * *").unwrap();
    assert_eq!(spec.time_zone(), Some("UTC"));
    assert_eq!(
        spec.next_after(at("2026-07-01T12:00:00Z")),
        Some(at("2026-07-02T00:00:00Z"))
    );
}
