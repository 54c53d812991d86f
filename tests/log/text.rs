//! The formats `stream` and `plain`.

use aiomisc::log::format::{Plain, Stream};
use aiomisc::log::{DateFormat, Handler, LogLevel, critical};

use super::tools::{Memory, with, written};

#[test]
fn plain_is_the_message_and_its_fields() {
    let text = written(Plain::new(), || {
        let span = tracing::info_span!("request", id = 7, path = "/a b");
        span.in_scope(|| tracing::info!(user = "eve", count = 2, "hello {}", "you"));
        tracing::info!(only = 1);
    });
    assert_eq!(
        text,
        "hello you user=\"eve\" count=2 id=7 path=\"/a b\"\nonly=1\n"
    );
}

/// What a program says of a failure is of little use without what it came from.
#[test]
fn errors_have_their_causes() {
    #[derive(Debug)]
    struct Outer(std::io::Error);
    impl std::fmt::Display for Outer {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("cannot load")
        }
    }
    impl std::error::Error for Outer {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&self.0)
        }
    }
    let outer = Outer(std::io::Error::other("no disk"));
    let error = &outer as &dyn std::error::Error;
    let text = written(Plain::new(), || {
        let _span = tracing::info_span!("span", because = error).entered();
        tracing::error!(error, "x");
    });
    let expected = "x error=cannot load: no disk because=cannot load: no disk\n";
    assert_eq!(text, expected);
}

#[test]
fn stream_has_date_level_and_origin() {
    let format = Stream::new().date(DateFormat::strftime("now").unwrap());
    let text = written(format, || {
        tracing::warn!(target: "unit", code = 3, "careful");
        critical!(target: "unit", "over");
    });
    assert_eq!(
        text,
        "now WARNING unit: careful code=3\nnow CRITICAL unit: over\n"
    );
    let text = written(Stream::new(), || tracing::info!(target: "unit", "x"));
    let (date, rest) = text.split_once("] ").unwrap();
    assert_eq!(
        (date.len(), rest),
        ("[2026-11-22 10:20:30".len(), "INFO unit: x\n")
    );
}

#[test]
fn a_handler_leaves_out_what_is_below_its_level() {
    for (level, expected) in [
        (LogLevel::NotSet, "tdiwec"),
        (LogLevel::Info, "iwec"),
        (LogLevel::Error, "ec"),
        (LogLevel::Critical, "c"),
    ] {
        let memory = Memory::default();
        with(
            Handler::new(Plain::new(), memory.writer()).level(level),
            || {
                tracing::trace!("t");
                tracing::debug!("d");
                tracing::info!("i");
                tracing::warn!("w");
                tracing::error!("e");
                critical!("c");
            },
        );
        assert_eq!(memory.lines().concat(), expected, "{level}");
    }
}
