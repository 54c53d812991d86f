//! The format `json`, read by another reader.

use std::error::Error;
use std::fmt;

use aiomisc::log::format::Json;
use aiomisc::log::{DateFormat, critical};
use serde_json::{Value, json};

use super::tools::written;

fn records(log: impl FnOnce()) -> Vec<Value> {
    let text = written(Json::new(), log);
    text.lines()
        .map(|line| serde_json::from_str(line).expect(line))
        .collect()
}

fn record(log: impl FnOnce()) -> Value {
    let mut records = records(log);
    assert_eq!(records.len(), 1, "{records:?}");
    records.remove(0)
}

#[test]
fn a_record_has_the_documented_keys() {
    let record = record(|| tracing::info!(target: "unit", user = 7_u64, "request served"));
    let line = line!() - 1;
    assert_eq!(record["msg"], "request served");
    assert_eq!(record["level"], "info");
    assert!(record["@timestamp"].as_f64().unwrap() > 1.7e9, "{record}");
    assert!(record.get("stackTrace").is_none(), "{record}");
    let fields = &record["@fields"];
    assert_eq!(fields["identifier"], "unit");
    assert_eq!(fields["code_file"], file!());
    assert_eq!(fields["code_line"], line);
    assert_eq!(fields["code_module"], module_path!());
    assert_eq!(fields["pid"], std::process::id());
    assert_eq!(fields["user"], 7);
    assert_eq!(fields["errno"], 0);
    assert_eq!(
        fields["thread_name"],
        std::thread::current().name().unwrap()
    );
    assert!(
        fields["process_name"].as_str().unwrap().starts_with("log-"),
        "{record}"
    );
}

#[test]
fn levels_have_their_names() {
    let levels: Vec<_> = records(|| {
        tracing::trace!("");
        tracing::debug!("");
        tracing::info!("");
        tracing::warn!("");
        tracing::error!("");
        critical!("");
        critical!(target: "unit", code = 1, "");
    })
    .iter()
    .map(|record| record["level"].as_str().unwrap().to_owned())
    .collect();
    assert_eq!(
        levels,
        [
            "trace", "debug", "info", "warn", "error", "critical", "critical"
        ]
    );
}

#[test]
fn values_keep_their_types() {
    let record = record(|| {
        tracing::info!(
            yes = true,
            no = false,
            least = i64::MIN,
            most = u64::MAX,
            huge = u128::MAX,
            half = 0.5,
            nan = f64::NAN,
            text = "a \"b\"\n\\ \u{1} é",
            debug = ?Some("x"),
            "message with {} and \"marks\"",
            1
        );
    });
    let fields = &record["@fields"];
    assert_eq!(record["msg"], "message with 1 and \"marks\"");
    for (name, value) in [
        ("yes", json!(true)),
        ("no", json!(false)),
        ("least", json!(i64::MIN)),
        ("most", json!(u64::MAX)),
        ("huge", json!(u128::MAX.to_string())),
        ("half", json!(0.5)),
        ("nan", json!("NaN")),
        ("text", json!("a \"b\"\n\\ \u{1} é")),
        ("debug", json!("Some(\"x\")")),
    ] {
        assert_eq!(fields[name], value, "{name}");
    }
}

/// A key that stands there twice would hide one of them.
#[test]
fn no_key_stands_there_twice() {
    let text = written(Json::new(), || {
        let outer = tracing::info_span!("outer", id = 1, city = "Oslo", street = "x");
        let _outer = outer.enter();
        let inner =
            tracing::info_span!("inner", id = 2, street = "y", later = tracing::field::Empty);
        let _inner = inner.enter();
        inner.record("later", "now");
        tracing::info!(id = 3, pid = "mine", spans = "mine", errno = 4, "x");
    });
    let record: Value = serde_json::from_str(&text).unwrap();
    let fields = &record["@fields"];
    assert_eq!(fields["id"], 3);
    assert_eq!(fields["street"], "y");
    assert_eq!(fields["city"], "Oslo");
    assert_eq!(fields["later"], "now");
    assert_eq!(fields["pid_"], "mine");
    assert_eq!(fields["errno_"], 4);
    assert_eq!(fields["spans_"], "mine");
    assert_eq!(fields["pid"], std::process::id());
    assert_eq!(fields["spans"], json!(["outer", "inner"]));
    for key in ["id", "street", "city", "pid", "errno", "spans"] {
        assert_eq!(
            text.matches(&format!("\"{key}\":")).count(),
            1,
            "{key}: {text}"
        );
    }
}

#[test]
fn the_sources_of_an_error_and_a_backtrace_are_the_stack_trace() {
    let error = Outer(std::io::Error::from_raw_os_error(2));
    let record = record(|| {
        tracing::error!(
            error = &error as &dyn Error,
            backtrace = "0: main",
            "failed"
        );
    });
    assert_eq!(record["@fields"]["error"], "cannot read the configuration");
    assert_eq!(record["@fields"]["errno"], 2);
    let trace = record["stackTrace"].as_str().unwrap();
    let source = std::io::Error::from_raw_os_error(2);
    assert_eq!(trace, format!("caused by: {source}\n0: main\n"));
}

#[test]
fn a_message_that_comes_late_is_the_message() {
    let record = record(|| tracing::info!(user = 1, message = "late"));
    assert_eq!(
        (&record["msg"], &record["@fields"]["user"]),
        (&json!("late"), &json!(1))
    );
    let record = self::record(|| tracing::info!(user = 1));
    assert_eq!(
        (record.get("msg"), &record["@fields"]["user"]),
        (None, &json!(1))
    );
}

#[test]
fn time_stamps_are_numbers_or_texts() {
    let rfc = Json::new().date(DateFormat::rfc3339());
    let text = written(rfc, || tracing::info!("x"));
    let record: Value = serde_json::from_str(&text).unwrap();
    let stamp = record["@timestamp"].as_str().unwrap();
    assert!(
        stamp.ends_with('Z') && stamp.len() == "2026-11-22T10:20:30.123456Z".len(),
        "{stamp}"
    );

    let quoted = Json::new().date(DateFormat::strftime("\"%Y\"\\").unwrap());
    let text = written(quoted, || tracing::info!("x"));
    let record: Value = serde_json::from_str(&text).unwrap();
    let stamp = record["@timestamp"].as_str().unwrap();
    assert!(stamp.starts_with('"') && stamp.ends_with("\"\\"), "{stamp}");
}

#[derive(Debug)]
struct Outer(std::io::Error);

impl fmt::Display for Outer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cannot read the configuration")
    }
}

impl Error for Outer {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

/// Names of spans and fields are texts like others.
#[test]
fn names_that_nobody_would_give_make_valid_records() {
    let record = record(|| {
        let span = tracing::info_span!("a \"span\"\u{7f}\u{200b}\0\n", "f\"\\\n" = 1).entered();
        tracing::info!("v\"\u{1}" = 2, pid_ = 3, pid = 4, errno__ = 5, "x");
        drop(span);
    });
    let fields = &record["@fields"];
    assert_eq!(fields["spans"], json!(["a \"span\"\u{7f}\u{200b}\0\n"]));
    assert_eq!(
        (&fields["f\"\\\n"], &fields["v\"\u{1}"]),
        (&json!(1), &json!(2))
    );
    assert_eq!((&fields["pid__"], &fields["pid_"]), (&json!(3), &json!(4)));
    assert_eq!(fields["errno___"], 5);
}

/// More names than one event can have.
#[test]
fn fields_of_many_spans_stand_there_once() {
    macro_rules! span {
        ($($name:ident)*) => { tracing::info_span!("span", $($name = 1),*).entered() };
    }
    let text = written(Json::new(), || {
        let _outermost = span!(a0 b8 b9 c9 d9 e3 f0);
        let _outer = span!(a0 a1 a2 a3 a4 a5 a6 a7 a8 a9 b0 b1 b2 b3 b4 b5 b6 b7 b8 b9);
        let _middle = span!(c0 c1 c2 c3 c4 c5 c6 c7 c8 c9 d0 d1 d2 d3 d4 d5 d6 d7 d8 d9 a0);
        let _inner = span!(a0 a1 c0 e1 e2 e3);
        tracing::info!("x");
    });
    serde_json::from_str::<Value>(&text).unwrap();
    for name in ["a0", "a1", "a9", "b8", "b9", "c0", "d9", "e3", "f0"] {
        assert_eq!(
            text.matches(&format!("\"{name}\":")).count(),
            1,
            "{name}: {text}"
        );
    }
}

#[test]
fn causes_without_an_end_are_not_followed_for_ever() {
    #[derive(Debug)]
    struct Round;
    impl fmt::Display for Round {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("round")
        }
    }
    impl Error for Round {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&Self)
        }
    }
    let record = record(|| tracing::error!(error = &Round as &dyn Error, "x"));
    let causes = record["stackTrace"].as_str().unwrap().lines().count();
    assert!((2..100).contains(&causes), "{causes}");
}

#[test]
fn a_value_that_panics_leaves_a_valid_record() {
    struct Panics;
    impl fmt::Debug for Panics {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("half \"")?;
            panic!("on \"purpose\"");
        }
    }
    let record = record(|| tracing::info!(value = ?Panics, after = 1, "{:?}", Panics));
    assert_eq!(record["msg"], "half \"<panicked: on \"purpose\">");
    assert_eq!(record["@fields"]["value"], record["msg"]);
    assert_eq!(record["@fields"]["after"], 1);
}
