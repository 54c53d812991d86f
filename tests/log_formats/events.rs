//! What the golden files show. The numbers of these lines are in them: add at the end.

use std::error::Error;
use std::fmt;

/// An error with what it comes from.
#[derive(Debug)]
pub(crate) struct Failure(&'static str, Option<Box<Self>>);

impl Failure {
    /// The first comes from the second, and so on.
    pub(crate) fn chain(texts: &[&'static str]) -> Self {
        let (first, rest) = texts.split_first().expect("an error says something");
        let cause = (!rest.is_empty()).then(|| Box::new(Self::chain(rest)));
        Self(first, cause)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.1.as_deref().map(|cause| cause as _)
    }
}

/// As the standard library writes it, with the paths of some machine.
const BACKTRACE: &str = "   0: std::backtrace::Backtrace::capture
             at /rustc/0123456789/library/std/src/backtrace.rs:296:9
   1: shop::settings::Settings::load::h0123456789abcdef
             at ./src/settings.rs:42:17
   2: shop::orders::open
             at ./src/orders.rs:118:9
   3: <core::future::poll_fn::PollFn<F> as core::future::future::Future>::poll
   4: async_task::raw::RawTask<F,T,S,M>::run
             at /home/me/.cargo/registry/src/index.crates.io-0123/async-task-4.7.1/src/raw.rs:550:21
   5: shop::main
             at ./src/main.rs:7:5
   6: std::rt::lang_start
             at /rustc/0123456789/library/std/src/rt.rs:206:5
   7: main
";

/// Logs one of each kind.
pub(crate) fn log_all() {
    tracing::trace!("a byte came in");
    tracing::debug!(size = 17, "a frame was read");
    tracing::info!("listening");
    tracing::warn!(seconds = 1.5, "slow query");
    tracing::error!("the disk is full");
    aiomisc::log::critical!(code = 7, "the disk is gone");

    tracing::info!(
        "a long message, of which the words have to be spread over several lines, because no terminal of this \
         kind is wide enough for all of them at once, however it is turned"
    );
    tracing::info!("{}", "one-word-that-is-longer-than-".repeat(5));
    tracing::info!(
        "日本語のログメッセージは一文字が二桁の幅を持つので、折り返しの位置を数え間違えやすい"
    );
    tracing::info!("👩\u{200d}👩\u{200d}👧 and 👍🏽 and ❤\u{fe0f}, e\u{301} and 🇩🇪 in one line");
    tracing::info!("first line\nsecond line\n  third line, indented\n");
    tracing::warn!(
        name = "a\nb",
        "cleared \x1b[2J\x1b[H, rung \x07, \ttabbed, turned \u{202e}round, c1 \u{9b}31m"
    );

    tracing::info!(
        yes = true,
        no = false,
        small = -17_i64,
        large = u64::MAX,
        part = 0.25,
        text = "a text with \"quotes\"",
        shown = %"as it is",
        debugged = ?[1, 2, 3],
        missing = Option::<u8>::None.is_some(),
        "many fields"
    );
    tracing::info!(only = "fields", answer = 42);
    tracing::info!("");

    let failure = Failure::chain(&[
        "cannot start the shop",
        "cannot read the settings from `/etc/shop/settings.toml`, which is where they are on this system",
        "permission denied (os error 13)",
        "somebody was careful",
    ]);
    tracing::error!(error = &failure as &dyn Error, attempt = 3, "giving up");
    tracing::error!(error = &failure as &dyn Error, backtrace = %BACKTRACE, "giving up");
    tracing::error!(target: "panic", at = "src/main.rs:7:5", backtrace = %BACKTRACE, "panicked: no way out");
    tracing::error!(error = &Failure::chain(&["alone"]) as &dyn Error);

    let server = tracing::info_span!("server");
    let request = tracing::info_span!(parent: &server, "request", id = 7, path = "/orders");
    request.in_scope(|| tracing::info!(status = 200, "answered"));
    request.in_scope(|| tracing::info!(""));

    log_from(
        "crates/a-library-with-a-very-long-name/src/and_a_file_with_a_longer_one.rs",
        12_345,
    );
    log_from("src/orders/mod.rs", 7);
    log_from("src/main.rs", 7);
    log_without_place();
}

fn log_from(file: &'static str, line: u32) {
    let record = log::Record::builder()
        .level(log::Level::Info)
        .target("other::logger")
        .file_static(Some(file))
        .line(Some(line))
        .args(format_args!("from a file of somebody else"))
        .build();
    tracing_log::format_trace(&record).expect("it has a subscriber");
}

fn log_without_place() {
    let record = log::Record::builder()
        .level(log::Level::Warn)
        .target("a_logger")
        .args(format_args!("from nowhere"))
        .build();
    tracing_log::format_trace(&record).expect("it has a subscriber");
}
