//! Code of the program's that is called while it logs, and does what it should not.

use std::fmt;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;

use aiomisc::log::{
    self, Datagrams, Format, Handler, LogFormat, LogLevel, Output, Record, basic_config,
    format::Plain,
};
use tracing::field::{Empty, debug, display};
use tracing_subscriber::layer::Context;
use tracing_subscriber::{Layer, Registry};

use super::tools::{Memory, alone, entrypoint, written};

/// Logs while it is formatted.
struct Logs;

impl fmt::Display for Logs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        tracing::info!("inside");
        f.write_str("outside")
    }
}

struct Panics;

impl fmt::Debug for Panics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("begun ")?;
        panic!("on purpose");
    }
}

struct Fails;

impl fmt::Debug for Fails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("begun")?;
        Err(fmt::Error)
    }
}

fn plain(memory: &Memory) -> log::BasicConfig {
    basic_config()
        .format(LogFormat::Plain)
        .output(memory.writer())
}

#[test]
fn a_value_of_a_span_may_log_within_that_span() {
    if !alone("hostile::a_value_of_a_span_may_log_within_that_span") {
        return;
    }
    let memory = Memory::default();
    plain(&memory).init().unwrap();
    let span = tracing::info_span!("span", early = %Logs, late = Empty).entered();
    span.record("late", display(Logs));
    tracing::info!("done");
    assert!(log::flush());
    let expected = [
        "inside",
        "inside early=outside",
        "done early=outside late=outside",
    ];
    assert_eq!(memory.lines(), expected);
}

/// The panic itself is logged, inside of the span as well.
#[test]
fn a_value_of_a_span_may_panic() {
    if !alone("hostile::a_value_of_a_span_may_panic") {
        return;
    }
    let memory = Memory::default();
    plain(&memory).init().unwrap();
    let span = tracing::info_span!("span", early = ?Panics, late = Empty).entered();
    span.record("late", debug(Panics));
    tracing::info!("done");
    assert!(log::flush());
    let lines = memory.lines();
    let late = "done early=begun <panicked: on purpose> late=begun <panicked: on purpose>";
    assert_eq!(lines.last().map(String::as_str), Some(late), "{lines:#?}");
    let panics = lines.iter().filter(|line| line.starts_with("panicked: "));
    assert_eq!(panics.count(), 2, "{lines:#?}");
}

#[test]
fn a_value_that_fails_leaves_what_it_has_written() {
    let text = written(Plain::new(), || {
        let _span = tracing::info_span!("span", of_span = ?Fails).entered();
        tracing::info!(of_event = ?Fails, "{:?}", Fails);
    });
    assert_eq!(text, "begun of_event=begun of_span=begun\n");
}

/// A writer that is wrong about itself.
#[test]
fn a_sink_may_say_that_it_has_written_more_than_there_was() {
    struct Boasts(Memory);
    impl Write for Boasts {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            Ok(self.0.writer().write(bytes)? + 1)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let memory = Memory::default();
    let handler = Handler::new(Plain::new(), Boasts(memory.clone()));
    super::tools::with(handler, || tracing::info!("once"));
    assert_eq!(memory.text(), "once\n");
}

/// It would never come to an end.
#[test]
fn a_value_that_logs_itself_is_left_out_at_last() {
    struct Itself;
    impl fmt::Debug for Itself {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            tracing::info!(?self, "deeper");
            f.write_str("it")
        }
    }
    if !alone("hostile::a_value_that_logs_itself_is_left_out_at_last") {
        return;
    }
    let memory = Memory::default();
    // What is lost is told with the next lines that are written.
    let hour = std::time::Duration::from_secs(3600);
    plain(&memory).flush_interval(hour).init().unwrap();
    tracing::info!(itself = ?Itself, "top");
    while !memory.text().contains("records of the log were lost") {
        assert!(log::flush());
    }
    let lines = memory.lines();
    assert_eq!(
        lines[..4],
        [
            "deeper self=it",
            "deeper self=it",
            "deeper self=it",
            "top itself=it"
        ]
    );
    assert_eq!(lines[4..], ["records of the log were lost records=1"]);
}

/// The hook for panics would ask them again, and a panic in a hook ends the process.
#[test]
fn formats_and_layers_that_always_panic_keep_nothing_from_others() {
    struct Never;
    impl Format for Never {
        fn format(&self, _: &Record<'_>, _: &mut Vec<u8>) {
            panic!("this format");
        }
    }
    impl Layer<Registry> for Never {
        fn on_event(&self, _: &tracing::Event<'_>, _: Context<'_, Registry>) {
            panic!("this layer");
        }
        fn on_enter(&self, _: &tracing::span::Id, _: Context<'_, Registry>) {
            panic!("this layer");
        }
    }
    if !alone("hostile::formats_and_layers_that_always_panic_keep_nothing_from_others") {
        return;
    }
    let (memory, other) = (Memory::default(), Memory::default());
    plain(&memory)
        .handler(Handler::new(Never, other.writer()))
        .layer(Never)
        .init()
        .unwrap();
    tracing::info_span!("span").in_scope(|| tracing::info!("first"));
    tracing::info!("second");
    assert!(log::flush());
    assert_eq!(memory.lines(), ["first", "second"]);
    let lines = other.lines();
    assert_eq!(lines.len(), 2, "{lines:#?}");
    assert!(lines[0].ends_with("could not be formatted: panicked: this format"));
    // Where this is not asked any more, a panic does not end the process.
    assert!(std::panic::catch_unwind(|| panic!("on purpose")).is_err());
    assert!(log::flush());
    assert!(
        memory.text().contains("panicked: on purpose"),
        "{}",
        memory.text()
    );
}

/// What a sink logs comes back to it: that has no end, but limits.
#[test]
fn a_sink_may_log() {
    struct Echo(Arc<AtomicUsize>);
    impl Datagrams for Echo {
        fn send(&mut self, _: &[u8]) -> io::Result<()> {
            self.0.fetch_add(1, Ordering::Relaxed);
            tracing::info!("sent");
            tracing::info!("sent, and said twice");
            Ok(())
        }
    }
    if !alone("hostile::a_sink_may_log") {
        return;
    }
    let sent = Arc::new(AtomicUsize::new(0));
    let output = Output::datagrams(Echo(Arc::clone(&sent)));
    let config = basic_config().format(LogFormat::Plain).output(output);
    config.clone().buffer_size(8).init().unwrap();
    tracing::info!("first");
    assert!(log::flush());
    // Each sends two more, until there is no room: most are lost, and the thread comes to its end.
    config.buffered(false).init().unwrap();
    assert!(log::flush());
    let before = sent.load(Ordering::Relaxed);
    tracing::info!("second");
    assert!(log::flush());
    assert!(sent.load(Ordering::Relaxed) > before);
}

/// Panics are the program's own again.
#[cfg(unix)]
#[test]
fn an_entrypoint_that_cannot_start_leaves_panics_alone() {
    if !alone("hostile::an_entrypoint_that_cannot_start_leaves_panics_alone") {
        return;
    }
    let told = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&told);
    std::panic::set_hook(Box::new(move |_| {
        count.fetch_add(1, Ordering::Relaxed);
    }));
    let kill = aiomisc::entrypoint::OsSignal::from_raw(9);
    let ran = entrypoint()
        .log_format(LogFormat::Plain)
        .catch_signals([kill])
        .run(async {});
    assert!(ran.is_err());
    assert!(thread::spawn(|| panic!("on purpose")).join().is_err());
    assert_eq!(told.load(Ordering::Relaxed), 1);
}

/// At the end of the process as well, when nothing else is accepted any more.
#[cfg(unix)]
#[test]
fn how_many_were_lost_is_the_last_that_is_told() {
    static ALL_LOGGED: AtomicBool = AtomicBool::new(false);

    /// Takes its time.
    struct Slow(std::fs::File);
    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            while !ALL_LOGGED.load(Ordering::SeqCst) {
                thread::yield_now();
            }
            thread::park_timeout(std::time::Duration::from_millis(200));
            self.0.write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let path = |id: u32| std::env::temp_dir().join(format!("aiomisc-log-{id}-lost"));
    if !alone("hostile::how_many_were_lost_is_the_last_that_is_told") {
        let path = path(std::process::id());
        let text = std::fs::read_to_string(&path).expect("the other process has made it");
        std::fs::remove_file(path).expect("it is ours");
        let lost = text.lines().last().unwrap_or_default();
        let lost = lost.strip_prefix("records of the log were lost records=");
        let lost: usize = lost.expect(&text).parse().expect("a number");
        assert_eq!(lost + text.lines().count() - 1, 1000, "{text}");
        return;
    }
    let file = std::fs::File::create(path(std::os::unix::process::parent_id()));
    basic_config()
        .format(LogFormat::Plain)
        .output(Slow(file.expect("a file")))
        .buffer_size(8)
        .overflow(log::Overflow::Drop)
        .init()
        .unwrap();
    for number in 0..1000 {
        tracing::info!("{number}");
    }
    ALL_LOGGED.store(true, Ordering::SeqCst);
}

/// As with the lock of the standard error stream: who holds it logs, and who writes waits for it.
#[test]
fn who_holds_what_the_sink_waits_for_may_log() {
    struct Locks(Arc<Mutex<()>>, Arc<Barrier>);
    impl Write for Locks {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.1.wait();
            drop(self.0.lock());
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let (lock, writing) = (Arc::new(Mutex::new(())), Arc::new(Barrier::new(2)));
    let output = Output::from(Locks(Arc::clone(&lock), Arc::clone(&writing)));
    let log = |text: &str| {
        let handler = Handler::new(Plain::new(), output.clone());
        super::tools::with(handler, || tracing::info!("{text}"));
    };
    thread::scope(|scope| {
        let held = lock.lock().unwrap();
        scope.spawn(|| log("waits for the lock"));
        writing.wait();
        // Lost, after five seconds; the next one at once.
        log("lost");
        log("lost as well");
        drop(held);
    });
    assert!(output.flush());
}

/// The level that was set by hand is no less the program's choice than that of its configuration.
#[test]
fn a_level_that_was_set_stays_when_an_entrypoint_starts() {
    if !alone("hostile::a_level_that_was_set_stays_when_an_entrypoint_starts") {
        return;
    }
    let memory = Memory::default();
    plain(&memory).init().unwrap();
    log::set_level(LogLevel::Error);
    let run = |builder: aiomisc::entrypoint::EntrypointBuilder| {
        let outcome = builder.catch_signals([]).run(async { log::level() });
        outcome.expect("nothing fails")
    };
    use aiomisc::entrypoint::Outcome::Finished;
    assert!(matches!(run(entrypoint()), Finished(LogLevel::Error)));
    let told = entrypoint().log_level(LogLevel::Warning);
    assert!(matches!(run(told), Finished(LogLevel::Warning)));
    plain(&memory).init().unwrap();
    assert_eq!(log::level(), LogLevel::Info);
}

/// Its level neither.
#[test]
fn a_logger_of_the_program_stays() {
    struct Own;
    impl ::log::Log for Own {
        fn enabled(&self, _: &::log::Metadata<'_>) -> bool {
            true
        }
        fn log(&self, _: &::log::Record<'_>) {}
        fn flush(&self) {}
    }
    if !alone("hostile::a_logger_of_the_program_stays") {
        return;
    }
    ::log::set_logger(&Own).unwrap();
    ::log::set_max_level(::log::LevelFilter::Trace);
    basic_config().level(LogLevel::Error).init().unwrap();
    assert_eq!(::log::max_level(), ::log::LevelFilter::Trace);
}

/// Some of the locals of the thread are gone already. (A span there is more than `tracing-subscriber` can take.)
#[test]
fn logging_works_at_the_end_of_a_thread() {
    struct Last(&'static str);
    impl Drop for Last {
        fn drop(&mut self) {
            tracing::info!(name = self.0, "last");
        }
    }
    thread_local! {
        static FIRST: Last = const { Last("made first") };
        static SECOND: Last = const { Last("made second") };
    }
    if !alone("hostile::logging_works_at_the_end_of_a_thread") {
        return;
    }
    for format in [
        LogFormat::Stream,
        LogFormat::Json,
        LogFormat::Color,
        LogFormat::Plain,
    ] {
        let memory = Memory::default();
        plain(&memory).format(format).init().unwrap();
        let thread = thread::spawn(|| {
            FIRST.with(|_| ());
            tracing::info!("before");
            SECOND.with(|_| ());
        });
        thread.join().expect("no panic");
        assert!(log::flush());
        let lines = memory.lines();
        assert_eq!(lines.len(), 3, "{format}: {lines:#?}");
    }
}

#[test]
fn a_thread_that_panics_may_set_logging_up() {
    struct SetsUp(Memory);
    impl Drop for SetsUp {
        fn drop(&mut self) {
            plain(&self.0).init().unwrap();
            tracing::info!("set up");
        }
    }
    if !alone("hostile::a_thread_that_panics_may_set_logging_up") {
        return;
    }
    let memory = Memory::default();
    let sets_up = SetsUp(memory.clone());
    let panicked = thread::spawn(move || {
        let _sets_up = sets_up;
        panic!("on purpose");
    });
    assert!(panicked.join().is_err());
    assert!(log::flush());
    assert_eq!(memory.lines(), ["set up"]);
}

/// What holds at the end is one configuration as a whole, also for an entrypoint that comes after.
#[test]
fn several_threads_may_set_logging_up() {
    if !alone("hostile::several_threads_may_set_logging_up") {
        return;
    }
    let memory = Memory::default();
    let levels = [
        LogLevel::Debug,
        LogLevel::Info,
        LogLevel::Warning,
        LogLevel::Error,
    ];
    for _ in 0..50 {
        thread::scope(|scope| {
            for level in levels {
                let memory = &memory;
                scope.spawn(move || {
                    plain(memory).level(level).init().unwrap();
                    tracing::error!("logged");
                });
            }
        });
        let level = log::level();
        let run = entrypoint().catch_signals([]).run(async { log::level() });
        use aiomisc::entrypoint::Outcome::Finished;
        assert!(matches!(run, Ok(Finished(now)) if now == level));
    }
    assert!(log::flush());
    let logged = memory.lines().into_iter().filter(|line| line == "logged");
    assert_eq!(logged.count(), 200);
}
