//! What is read, and what is refused, with its place.

use aiomisc::cron::CronError;

use super::shared::dice::Dice;
use super::*;

fn error(text: &str) -> CronError {
    CronSpec::parse(text).expect_err(text)
}

#[test]
fn a_mistake_is_told_with_its_place() {
    for (text, field, wrong, expected) in [
        ("60 * * * *", "minute", "60", "a number from 0 to 59"),
        ("* 24 * * *", "hour", "24", "a number from 0 to 23"),
        ("* * 0 * *", "day of month", "0", "a number from 1 to 31"),
        (
            "* * * 13 *",
            "month",
            "13",
            "a number from 1 to 12 or a name from JAN to DEC",
        ),
        (
            "* * * * 8",
            "day of week",
            "8",
            "a number from 0 to 7 or a name from SUN to SAT",
        ),
        (
            "* * * * MONDAY",
            "day of week",
            "MONDAY",
            "a name from SUN to SAT",
        ),
        // croner itself replaces names wherever they are: this would be November.
        ("* * * JAN1 *", "month", "JAN1", "a name from JAN to DEC"),
        ("MON * * * *", "minute", "MON", "a number from 0 to 59"),
        ("1,2,x,4 * * * *", "minute", "x", "a number from 0 to 59"),
        ("1,,4 * * * *", "minute", "", "a number from 0 to 59"),
        ("5-x * * * *", "minute", "x", "a number from 0 to 59"),
        ("30-10 * * * *", "minute", "30-10", "a range that goes up"),
        (
            "* * * * SAT-MON",
            "day of week",
            "SAT-MON",
            "a range that goes up",
        ),
        ("*/0 * * * *", "minute", "0", "a step from 1 to 59"),
        ("*/60 * * * *", "minute", "60", "a step from 1 to 59"),
        (
            "5/10 * * * *",
            "minute",
            "5",
            "`*` or a range before the step",
        ),
        ("*/ * * * *", "minute", "", "a step from 1 to 59"),
        ("+5 * * * *", "minute", "+5", "a number from 0 to 59"),
        ("-5 * * * *", "minute", "", "a number from 0 to 59"),
        ("** * * * *", "minute", "**", "a number from 0 to 59"),
        ("L * * * *", "minute", "L", "a number from 0 to 59"),
        ("* * 32W * *", "day of month", "32", "a number from 1 to 31"),
        (
            "* * * * FRI#6",
            "day of week",
            "6",
            "a number from 1 to 5, or `L`",
        ),
        (
            "* * * * FOO#1",
            "day of week",
            "FOO",
            "a name from SUN to SAT",
        ),
        ("* ? * * *", "hour", "?", "a number from 0 to 23"),
        ("٣ * * * *", "minute", "٣", "a number from 0 to 59"),
        (
            "99999999999999999999 * * * *",
            "minute",
            "99999999999999999999",
            "from 0 to 59",
        ),
    ] {
        let error = error(text);
        assert_eq!(error.field(), Some(field), "{error}");
        assert_eq!(&error.text()[error.span()], wrong, "{error}");
        assert!(error.to_string().contains(expected), "{error}");
        assert!(
            error.to_string().contains(&format!("got `{wrong}`")),
            "{error}"
        );
    }
}

#[test]
fn the_column_counts_characters() {
    let text = "\u{a0}0  ٣ * * *";
    let error = error(text);
    assert!(error.to_string().contains(", hour, column 5: "), "{error}");
}

#[test]
fn the_number_of_fields_is_told() {
    let missing = error("* * * *");
    assert_eq!(missing.span(), 7..7);
    let text = "cron expression `* * * *`, column 8: expected 5 fields \
                (minute, hour, day of month, month, day of week), got 4";
    assert_eq!(missing.to_string(), text);
    let more = error("* * * * * 2026 x");
    assert_eq!(&more.text()[more.span()], "2026 x");
    assert!(
        error("* * * * * *")
            .to_string()
            .contains("use `with_seconds_first` or `with_seconds_last`")
    );
    assert!(error("").to_string().contains("got 0"));
    assert!(CronSpec::with_seconds_first("* * * * *").is_err());
    let last = CronSpec::with_seconds_last("* * * * * 60").unwrap_err();
    assert_eq!((last.field(), last.span()), (Some("second"), 10..12));
    let first = CronSpec::with_seconds_first("60 * * * * *").unwrap_err();
    assert_eq!((first.field(), first.span()), (Some("second"), 0..2));
}

#[test]
fn a_date_that_never_comes_is_refused() {
    for text in ["0 0 30 2 *", "0 0 31 4,6,9,11 *"] {
        assert!(error(text).to_string().ends_with(": there is no such date"));
    }
    assert!(CronSpec::parse("0 0 29 2 *").is_ok());
    assert!(CronSpec::parse("0 0 30 2 MON").is_ok());
}

#[test]
fn aliases_are_those_of_vixies_cron() {
    for (alias, same) in [
        ("@yearly", "0 0 1 1 *"),
        ("@annually", "0 0 1 1 *"),
        ("@monthly", "0 0 1 * *"),
        ("@weekly", "0 0 * * 0"),
        ("@daily", "0 0 * * *"),
        ("@midnight", "0 0 * * *"),
        (" @HOURLY ", "0 * * * *"),
    ] {
        let (alias, same) = (
            CronSpec::parse(alias).unwrap(),
            CronSpec::parse(same).unwrap(),
        );
        let from = "2026-03-14T15:09:26Z";
        assert_eq!(upcoming(&alias, from, 5), upcoming(&same, from, 5));
        // With seconds or without, an alias is the same.
        let first = CronSpec::with_seconds_first(alias.text()).unwrap();
        assert_eq!(upcoming(&first, from, 5), upcoming(&same, from, 5));
    }
    let unknown = error("@reboot");
    assert!(
        unknown.to_string().contains("expected one of @yearly, "),
        "{unknown}"
    );
}

/// A sixth field is first in most libraries of Rust, and last in the original.
#[test]
fn the_same_six_fields_mean_what_the_constructor_says() {
    let text = "1 2 3 4 5 6";
    let from = "2026-01-01T00:00:00Z";
    let first = CronSpec::with_seconds_first(text).unwrap();
    assert_eq!(upcoming(&first, from, 1), ["2026-05-02T03:02:01+00:00"]);
    let last = CronSpec::with_seconds_last(text).unwrap();
    // On the 3rd of April, or on a Friday of April.
    assert_eq!(
        upcoming(&last, from, 2),
        ["2026-04-03T02:01:06+00:00", "2026-04-10T02:01:06+00:00"]
    );
}

#[test]
fn names_ranges_steps_and_lists_are_read() {
    let times = |text: &str, count| {
        upcoming(
            &CronSpec::parse(text).unwrap(),
            "2026-01-01T00:00:00Z",
            count,
        )
    };
    assert_eq!(
        times("0 9-17/4 * * mon-FRI", 4),
        [
            "2026-01-01T09:00:00+00:00",
            "2026-01-01T13:00:00+00:00",
            "2026-01-01T17:00:00+00:00",
            "2026-01-02T09:00:00+00:00",
        ]
    );
    assert_eq!(
        times("0 0 1 JAN-MAR/2,dec *", 3),
        [
            "2026-03-01T00:00:00+00:00",
            "2026-12-01T00:00:00+00:00",
            "2027-01-01T00:00:00+00:00",
        ]
    );
    // Sunday is 0 and 7, and may end a week.
    for text in ["0 0 * * SUN", "0 0 * * 0", "0 0 * * 7", "0 0 * * 7-7"] {
        assert_eq!(times(text, 1), ["2026-01-04T00:00:00+00:00"], "{text}");
    }
    assert_eq!(times("0 0 * * SAT-SUN", 3), times("0 0 * * 6,0", 3));
}

/// The days that only some cron programs know.
#[test]
fn special_days_are_read() {
    let days = |text: &str, count| -> Vec<String> {
        let spec = CronSpec::parse(text).unwrap();
        let times = upcoming(&spec, "2026-01-01T00:00:00Z", count);
        times.iter().map(|time| time[..10].to_owned()).collect()
    };
    assert_eq!(
        days("0 12 L * *", 3),
        ["2026-01-31", "2026-02-28", "2026-03-31"]
    );
    assert_eq!(
        days("0 12 LW * ?", 3),
        ["2026-01-30", "2026-02-27", "2026-03-31"]
    );
    // The 15th of February and of March are Sundays, that of August is a Saturday.
    assert_eq!(
        days("0 12 15w 2,3,8 *", 3),
        ["2026-02-16", "2026-03-16", "2026-08-14"]
    );
    assert_eq!(days("0 12 ? * FRI#2", 2), ["2026-01-09", "2026-02-13"]);
    assert_eq!(days("0 12 * * friL", 2), ["2026-01-30", "2026-02-27"]);
    assert_eq!(days("0 12 * * 5#L", 2), ["2026-01-30", "2026-02-27"]);
    // Both: one of them is enough.
    assert_eq!(
        days("0 12 13 * FRI", 4),
        ["2026-01-02", "2026-01-09", "2026-01-13", "2026-01-16"]
    );
}

#[test]
fn a_time_zone_that_is_not_there_is_told() {
    let spec = CronSpec::parse("@daily").unwrap();
    let error = spec.clone().in_time_zone("Europe/Atlantis").unwrap_err();
    assert!(
        error.to_string().contains("time zone `Europe/Atlantis`"),
        "{error}"
    );
    assert_eq!(spec.to_string(), "@daily (UTC)");
    let spec = spec.in_time_zone("Europe/Berlin").unwrap();
    assert_eq!(spec.to_string(), "@daily (Europe/Berlin)");
    assert_eq!(format!("{spec:?}"), "CronSpec(\"@daily (Europe/Berlin)\")");
}

/// Texts that are nearly right, and some that are not.
#[test]
fn the_parser_never_panics() {
    let parts = [
        "*", "/", "-", ",", "#", "L", "W", "?", "@", " ", "\t", "\u{3000}", "0", "1", "5", "7",
        "12", "31", "59", "60", "65536", "MON", "sun", "JAN", "dec", "LW", "+", "é", "٣", "@daily",
        "* * * * ", "\0",
    ];
    let mut dice = Dice::new(7);
    let (mut good, mut bad) = (0, 0);
    for _ in 0..30_000 {
        let count = dice.below(14);
        let text: String = (0..count).map(|_| parts[dice.below(parts.len())]).collect();
        for read in [
            CronSpec::parse,
            CronSpec::with_seconds_first,
            CronSpec::with_seconds_last,
        ] {
            match read(&text) {
                Ok(spec) => {
                    good += 1;
                    assert!(
                        spec.next_after(at("2026-01-01T00:00:00Z")).is_some(),
                        "{text}"
                    );
                }
                Err(error) => {
                    bad += 1;
                    // The place is one of the text, at the ends of characters.
                    assert!(text.get(error.span()).is_some(), "{text}: {error}");
                    // All that croner refuses was refused before, with its place.
                    let known = ["expected", "there is no such date"];
                    let text = error.to_string();
                    assert!(known.iter().any(|known| text.contains(known)), "{text}");
                }
            }
        }
    }
    assert!(good > 150 && bad > 30_000, "{good} {bad}");
}
