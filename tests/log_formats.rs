//! How the formats of the log look (rows E2, E9 and E10 of the parity table): golden files, and what
//! holds whatever is logged. `UPDATE_GOLDEN=1` writes the files anew; look at them before they are
//! committed.
#![cfg(all(
    feature = "rich",
    feature = "testing",
    any(feature = "smol", feature = "tokio")
))]
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails at that place"
)]

#[path = "log_formats/events.rs"]
mod events;
#[path = "log_formats/random.rs"]
mod random;
mod shared;

use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aiomisc::log::format::{Color, ColorChoice, Format, Plain, Rich};
use aiomisc::log::{DateFormat, Handler};
use shared::dice;
use tracing_subscriber::prelude::*;

/// What a handler has written.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Written {
    fn take(&self) -> String {
        let bytes = std::mem::take(&mut *self.0.lock().unwrap());
        String::from_utf8(bytes).unwrap()
    }
}

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What the format makes of what the body logs.
fn written(format: impl Format, body: impl FnOnce()) -> String {
    let written = Written::default();
    let handler = Handler::new(format, written.clone());
    let subscriber = tracing_subscriber::registry().with(handler);
    tracing::subscriber::with_default(subscriber, body);
    written.take()
}

/// The same time at all times, in every time zone.
fn noon(form: &str) -> DateFormat {
    DateFormat::strftime(form).unwrap()
}

fn rich(tracebacks: bool, width: usize, color: ColorChoice) -> Rich {
    let rich = if tracebacks {
        Rich::with_tracebacks()
    } else {
        Rich::new()
    };
    rich.width(width)
        .color(color)
        .ascii(false)
        .date(noon("[12:00:00]"))
}

fn assert_golden(name: &str, found: &str) {
    // As a picture of the escape, so that a terminal shows the file and does not obey it.
    let found = found.replace('\x1b', "␛");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/log_formats/golden");
    let path = folder.join(format!("{name}.txt"));
    #[allow(
        clippy::disallowed_methods,
        reason = "who runs the test says whether it writes"
    )]
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &found).unwrap();
        return;
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    if found == expected {
        return;
    }
    let mut difference = String::new();
    let (mut left, mut right) = (expected.lines(), found.lines());
    for number in 1.. {
        match (left.next(), right.next()) {
            (None, None) => break,
            (old, new) if old == new => {}
            (old, new) => writeln!(
                difference,
                "{number}: expected {old:?}\n{number}: found    {new:?}"
            )
            .unwrap(),
        }
    }
    panic!("{name} looks otherwise (UPDATE_GOLDEN=1 accepts it):\n{difference}");
}

#[test]
fn rich_looks_as_it_did() {
    for width in [40, 80, 120] {
        let plain = written(rich(false, width, ColorChoice::Never), events::log_all);
        assert_golden(&format!("rich-{width}"), &plain);
        let colored = written(rich(false, width, ColorChoice::Always), events::log_all);
        assert_golden(&format!("rich-{width}-colors"), &colored);
        assert_eq!(without_colors(&colored), plain);
    }
}

#[test]
fn rich_with_tracebacks_looks_as_it_did() {
    for width in [40, 80, 120] {
        let plain = written(rich(true, width, ColorChoice::Never), events::log_all);
        assert_golden(&format!("rich_tb-{width}"), &plain);
        let colored = written(rich(true, width, ColorChoice::Always), events::log_all);
        assert_golden(&format!("rich_tb-{width}-colors"), &colored);
        assert_eq!(without_colors(&colored), plain);
    }
    let ascii = rich(true, 80, ColorChoice::Never).ascii(true);
    assert_golden("rich_tb-80-ascii", &written(ascii, events::log_all));
}

#[test]
fn color_looks_as_it_did() {
    let color = |choice| Color::new().color(choice).date(noon("2026-11-22 12:00:00"));
    let plain = written(color(ColorChoice::Never), events::log_all);
    assert_golden("color", &plain);
    let colored = written(color(ColorChoice::Always), events::log_all);
    assert_golden("color-colors", &colored);
    assert_eq!(without_colors(&colored), plain);
}

#[test]
fn a_handler_of_plain_writes_what_it_gets() {
    let text = written(Plain::new(), || tracing::info!(answer = 42, "ready"));
    assert_eq!(text, "ready answer=42\n");
}

/// Takes our own escape sequences away, and fails at any other.
fn without_colors(text: &str) -> String {
    let mut parts = text.split("\x1b[");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (code, rest) = part.split_once('m').expect("a colour");
        assert!(
            code.bytes()
                .all(|byte| byte.is_ascii_digit() || byte == b';'),
            "{code}"
        );
        plain.push_str(rest);
    }
    plain
}

/// The time stands where it is another one than before.
#[aiomisc::test(runtimes(all), timeout = "60s")]
async fn rich_shows_each_time_once() {
    let (runtime, clock) = shared::manual();
    let task = runtime.spawn(async move {
        let rich = Rich::new()
            .width(60)
            .color(ColorChoice::Never)
            .date(DateFormat::strftime("[12:00:%S]").unwrap());
        written(rich, || {
            for millis in [0, 999, 1, 0, 60_000, 1000] {
                clock.advance(Duration::from_millis(millis));
                tracing::info!(target: "here", millis);
            }
        })
    });
    let text = task.await.unwrap();
    let times: Vec<_> = text.lines().map(|line| &line[..10]).collect();
    assert_eq!(
        times,
        [
            "[12:00:00]",
            "          ",
            "[12:00:01]",
            "          ",
            "          ",
            "[12:00:02]"
        ]
    );
}

/// Whatever is logged, at whatever width: no panic, no line that is too wide, and nothing that a
/// terminal obeys.
#[test]
fn no_text_breaks_the_layout() {
    let rounds = random::rounds(3000);
    for seed in 0..rounds {
        let mut random = random::Random::new(seed);
        let width = 1 + random.below(if seed % 2 == 0 { 30 } else { 200 });
        let (tracebacks, ascii) = (random.below(2) == 0, random.below(2) == 0);
        let choice = [ColorChoice::Always, ColorChoice::Never][random.below(2)];
        let format = rich(tracebacks, width, choice).ascii(ascii);
        let (message, field, shown) = (random.text(), random.text(), random.text());
        let failure = events::Failure::chain(&[random.text().leak(), random.text().leak()]);
        let text = written(format, || {
            let span = tracing::error_span!("span", shown);
            let _inside = span.enter();
            tracing::error!(
                field, shown = %shown, backtrace = %random.text(),
                error = &failure as &dyn std::error::Error, "{message}"
            );
        });
        let plain = without_colors(&text);
        for line in plain.lines() {
            let columns = unicode_width::UnicodeWidthStr::width(line);
            // A wide character in a single column is the one that cannot be helped.
            assert!(
                columns <= width.max(2),
                "seed {seed}: {columns} > {width}: {line:?}"
            );
        }
        let obeyed = plain.chars().find(|c| c.is_control() && *c != '\n');
        assert_eq!(obeyed, None, "seed {seed}: {plain:?}");
    }
}
