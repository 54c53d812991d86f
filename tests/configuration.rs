//! The options of an entrypoint and the variables behind them (rows A2 and A6 of the parity table).
#![cfg(all(
    feature = "testing",
    feature = "macros",
    any(feature = "smol", feature = "tokio")
))]

use std::time::Duration;

use aiomisc::entrypoint::{EntrypointBuilder, OsSignal, Settings};
use aiomisc::log::{LogFormat, LogLevel};
use aiomisc::{Entrypoint, RunError};

/// One variable, what it means, and what goes before it.
struct Row {
    variable: &'static str,
    show: fn(&Settings) -> String,
    default: &'static str,
    /// What is understood, and as what.
    good: &'static [(&'static str, &'static str)],
    /// What is not, where something else is expected.
    bad: &'static [&'static str],
    expected: &'static str,
    by_hand: Option<fn(EntrypointBuilder) -> EntrypointBuilder>,
    shown_by_hand: &'static str,
}

const BOOLEAN: &str =
    "one of 1, enable, enabled, on, true, yes, 0, disable, disabled, off, false, no";
const YES: &[(&str, &str)] = &[
    ("1", "true"),
    ("enable", "true"),
    ("ENABLED", "true"),
    ("On", "true"),
    (" true ", "true"),
    ("yes", "true"),
    ("0", "false"),
    ("disable", "false"),
    ("Disabled", "false"),
    ("off", "false"),
    ("FALSE", "false"),
    ("no", "false"),
];
const NO_BOOLEAN: &[&str] = &["treu", "2", "y", "on off", "да"];
const SECONDS: &[(&str, &str)] = &[
    ("1", "1s"),
    ("0.25", "250ms"),
    ("90", "90s"),
    ("1e-3", "1ms"),
];
const NO_SECONDS: &[&str] = &["0", "-1", "soon", "1s", "NaN", "inf", "1e300", "0x10"];
const NO_COUNT: &[&str] = &["0", "-1", "1.5", "many", "99999999999999999999999"];
const BUFFER: &str = "a number from 1 to 16777216";

const ROWS: &[Row] = &[
    Row {
        variable: "AIOMISC_LOG_LEVEL",
        show: |settings| settings.log_level().to_string(),
        default: "info",
        good: &[("debug", "debug"), ("WARN", "warning"), ("50", "critical")],
        bad: &["loud", "15", "-10"],
        expected: "one of critical, error, warning, info, debug, notset",
        by_hand: Some(|builder| builder.log_level(LogLevel::Error)),
        shown_by_hand: "error",
    },
    Row {
        variable: "AIOMISC_LOG_FORMAT",
        show: |settings| settings.log_format().to_string(),
        // Where the standard error stream is no terminal.
        default: "",
        good: &[
            ("stream", "stream"),
            ("Plain", "plain"),
            ("2", "json"),
            ("disabled", "disabled"),
        ],
        bad: &["crayon", "9"],
        expected: "one of stream, color, json, syslog, plain, journald, rich, rich_tb, disabled",
        by_hand: Some(|builder| builder.log_format(LogFormat::Stream)),
        shown_by_hand: "stream",
    },
    Row {
        variable: "AIOMISC_LOG_DATE_FORMAT",
        show: |settings| format!("{:?}", settings.log_date_format()),
        default: "None",
        good: &[("%H:%M", "Some(\"%H:%M\")"), ("%s", "Some(\"%s\")")],
        #[cfg(feature = "log")]
        bad: &["%!", "%Y-%", "%Ä"],
        #[cfg(not(feature = "log"))]
        bad: &[],
        expected: "a format of dates such as %Y-%m-%d %H:%M:%S",
        by_hand: Some(|builder| builder.log_date_format("%Y")),
        shown_by_hand: "Some(\"%Y\")",
    },
    Row {
        variable: "AIOMISC_LOG_CONFIG",
        show: |settings| settings.log_config().to_string(),
        default: "true",
        good: YES,
        bad: NO_BOOLEAN,
        expected: BOOLEAN,
        by_hand: Some(|builder| builder.log_config(false)),
        shown_by_hand: "false",
    },
    Row {
        variable: "AIOMISC_LOG_FLUSH",
        show: |settings| format!("{:?}", settings.log_flush_interval()),
        default: "200ms",
        good: SECONDS,
        bad: NO_SECONDS,
        expected: "a number of seconds above zero",
        by_hand: Some(|builder| builder.log_flush_interval(Duration::from_secs(7))),
        shown_by_hand: "7s",
    },
    Row {
        variable: "AIOMISC_LOG_BUFFERING",
        show: |settings| settings.log_buffering().to_string(),
        default: "true",
        good: YES,
        bad: NO_BOOLEAN,
        expected: BOOLEAN,
        by_hand: Some(|builder| builder.log_buffering(false)),
        shown_by_hand: "false",
    },
    Row {
        variable: "AIOMISC_LOG_BUFFER",
        show: |settings| settings.log_buffer_size().to_string(),
        default: "1024",
        good: &[("1", "1"), ("65536", "65536"), ("16777216", "16777216")],
        bad: &["0", "-1", "1.5", "many", "16777217"],
        expected: BUFFER,
        by_hand: Some(|builder| builder.log_buffer_size(12)),
        shown_by_hand: "12",
    },
    Row {
        variable: "AIOMISC_LOG_BUFFER_SIZE",
        show: |settings| settings.log_buffer_size().to_string(),
        default: "1024",
        good: &[("1", "1"), ("65536", "65536")],
        bad: NO_COUNT,
        expected: BUFFER,
        by_hand: Some(|builder| builder.log_buffer_size(12)),
        shown_by_hand: "12",
    },
    Row {
        variable: "AIOMISC_POOL_SIZE",
        show: |settings| settings.pool_size().to_string(),
        // By the number of processors.
        default: "",
        good: &[("1", "1"), ("100", "100"), ("10000", "10000")],
        bad: &["0", "-4", "2.0", "few", "10001"],
        expected: "a number from 1 to 10000",
        by_hand: Some(|builder| builder.pool_size(3)),
        shown_by_hand: "3",
    },
    Row {
        variable: "AIOMISC_SHUTDOWN_TIMEOUT",
        show: |settings| format!("{:?}", settings.shutdown_timeout()),
        default: "60s",
        good: SECONDS,
        bad: NO_SECONDS,
        expected: "a number of seconds above zero",
        by_hand: Some(|builder| builder.shutdown_timeout(Duration::from_secs(7))),
        shown_by_hand: "7s",
    },
    Row {
        variable: "AIOMISC_DEBUG",
        show: |settings| settings.debug().to_string(),
        default: "false",
        good: YES,
        bad: NO_BOOLEAN,
        expected: BOOLEAN,
        by_hand: Some(|builder| builder.debug(true)),
        shown_by_hand: "true",
    },
    Row {
        variable: "AIOMISC_NO_PLUGINS",
        show: |settings| (!settings.plugins()).to_string(),
        default: "false",
        good: YES,
        bad: NO_BOOLEAN,
        expected: BOOLEAN,
        by_hand: None,
        shown_by_hand: "",
    },
];

/// The settings that come of these variables and a builder.
async fn settle(
    variables: &'static [(&'static str, &'static str)],
    builder: impl FnOnce(EntrypointBuilder) -> EntrypointBuilder,
) -> Result<Settings, RunError> {
    let of_test = move |name: &str| {
        let found = variables.iter().find(|(variable, _)| *variable == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    let ep = builder(Entrypoint::builder().environment(of_test))
        .start()
        .await?;
    let settings = ep.settings().clone();
    ep.graceful_shutdown("seen").await?;
    Ok(settings)
}

/// For a table that lives as long as the test.
fn variable(name: &'static str, value: &'static str) -> &'static [(&'static str, &'static str)] {
    Box::leak(Box::new([(name, value)]))
}

fn problems(error: &RunError) -> &[String] {
    let config = error.as_config();
    config.expect("a mistake of the configuration").problems()
}

#[aiomisc::test(runtimes(all))]
async fn each_variable_means_what_the_table_says() {
    for row in ROWS {
        let name = row.variable;
        let unset = settle(&[], |b| b).await.expect("nothing is wrong");
        let default = (row.show)(&unset);
        if !row.default.is_empty() {
            assert_eq!(default, row.default, "{name}");
        }
        let empty = settle(variable(name, "  "), |b| b).await;
        let empty = empty.expect("set to nothing is not set");
        assert_eq!((row.show)(&empty), default, "{name}");
        for (text, meant) in row.good {
            let settings = settle(variable(name, text), |b| b).await;
            let settings = settings.expect("it is understood");
            assert_eq!((row.show)(&settings), *meant, "{name}={text}");
        }
        for text in row.bad {
            let error = settle(variable(name, text), |b| b).await;
            let error = error.expect_err("it means nothing");
            let expected = format!("{name}: expected {}", row.expected);
            let [problem] = problems(&error) else {
                panic!("{name}={text}: {error}")
            };
            assert!(problem.starts_with(&expected), "{problem}");
            assert!(problem.ends_with(&format!(", got `{text}`")), "{problem}");
        }
        if let (Some(by_hand), Some((text, _))) = (row.by_hand, row.good.last()) {
            let settings = settle(variable(name, text), by_hand).await;
            let settings = settings.expect("nothing is wrong");
            assert_eq!((row.show)(&settings), row.shown_by_hand, "{name}");
        }
    }
}

#[aiomisc::test(runtimes(all))]
async fn the_pool_is_for_the_processors_within_bounds() {
    let settings = settle(&[], |b| b).await.expect("nothing is wrong");
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    assert_eq!(settings.pool_size(), processors.clamp(4, 32));
}

#[aiomisc::test(runtimes(all))]
async fn the_name_that_the_original_reads_goes_before_that_of_its_documents() {
    let both = &[
        ("AIOMISC_LOG_BUFFER", "10"),
        ("AIOMISC_LOG_BUFFER_SIZE", "20"),
    ];
    let settings = settle(both, |b| b).await.expect("nothing is wrong");
    assert_eq!(settings.log_buffer_size(), 10);
}

#[aiomisc::test(runtimes(all))]
async fn the_name_of_the_original_s_loop_has_no_effect() {
    for value in ["1", "0", "whatever"] {
        let settings = settle(variable("AIOMISC_USE_UVLOOP", value), |b| b).await;
        assert_eq!(
            settings.expect("nobody reads it"),
            settle(&[], |b| b).await.expect("nothing is wrong")
        );
    }
}

#[aiomisc::test(runtimes(all))]
async fn all_mistakes_are_told_at_once_those_of_the_code_and_those_of_variables() {
    let bad: Vec<_> = ROWS
        .iter()
        .filter_map(|row| Some((row.variable, *row.bad.first()?)))
        .collect();
    let count = bad.len();
    let error = settle(Box::leak(bad.into_boxed_slice()), |builder| {
        builder
            .pool_size(0)
            .log_buffer_size(0)
            .log_flush_interval(Duration::ZERO)
            .shutdown_timeout(Duration::ZERO)
            .log_date_format("")
    })
    .await
    .expect_err("everything is wrong");
    let problems = problems(&error);
    assert_eq!(problems.len(), count + 5, "{problems:#?}");
    for expected in [
        "pool_size: expected a number from 1 to 10000, got 0",
        "log_buffer_size: expected a number from 1 to 16777216, got 0",
        "log_flush_interval: expected a duration above zero, got 0",
        "shutdown_timeout: expected a duration above zero, got 0",
        "log_date_format: expected a format of dates such as %Y-%m-%d %H:%M:%S, got ``",
    ] {
        assert!(problems.iter().any(|p| p == expected), "{problems:#?}");
    }
    for row in ROWS.iter().filter(|row| !row.bad.is_empty()) {
        let of_row = format!("{}: expected", row.variable);
        let named = problems.iter().filter(|p| p.starts_with(&of_row)).count();
        assert_eq!(named, 1, "{}: {problems:#?}", row.variable);
    }
}

#[aiomisc::test(runtimes(all))]
async fn signals_are_what_was_chosen_and_none_beside_a_program() {
    let settings = settle(&[], |b| b).await.expect("nothing is wrong");
    assert!(settings.catch_signals().is_empty());
    let hangup = |b: EntrypointBuilder| b.catch_signals([OsSignal::HUP]);
    let settings = settle(&[], hangup).await.expect("nothing is wrong");
    assert_eq!(settings.catch_signals(), [OsSignal::HUP]);
}
