//! Sinks that are slow, full, closed or broken, and values that panic.

use std::fmt;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use aiomisc::log::{
    Buffering, Format, Handler, LogStatistic, Output, Overflow, Record, Value, Visitor,
    format::Plain,
};
use tracing_subscriber::layer::SubscriberExt;

use super::tools::{Answer, Memory, alone, with};

/// Never due by time.
fn patient(records: usize) -> Buffering {
    Buffering::default()
        .records(records)
        .interval(Duration::from_secs(3600))
}

fn buffered(memory: &Memory, buffering: Buffering) -> (Output, Handler) {
    let output = Output::from(memory.writer()).buffered(buffering);
    (output.clone(), Handler::new(Plain::new(), output))
}

#[test]
fn many_records_are_written_at_once() {
    let memory = Memory::default();
    let (output, handler) = buffered(&memory, patient(10_000));
    with(handler, || {
        for number in 0..1000 {
            tracing::info!("{number}");
        }
        assert_eq!(memory.text(), "", "nothing is due");
        assert!(output.flush());
    });
    let expected: Vec<_> = (0..1000).map(|number| number.to_string()).collect();
    assert_eq!(memory.lines(), expected);
    assert_eq!((memory.calls(), memory.flushes()), (1, 1));
}

/// A stream may keep what it was given until then.
#[test]
fn a_flush_is_over_when_the_stream_was_flushed() {
    struct Keeps(Arc<AtomicBool>);
    impl Write for Keeps {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.store(false, Ordering::SeqCst);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            // Long enough for whoever has been told too early.
            thread::park_timeout(Duration::from_millis(10));
            self.0.store(true, Ordering::SeqCst);
            Ok(())
        }
    }
    let flushed = Arc::new(AtomicBool::new(true));
    let output = Output::from(Keeps(Arc::clone(&flushed))).buffered(patient(16));
    with(Handler::new(Plain::new(), output.clone()), || {
        for _ in 0..3 {
            tracing::info!("a line");
            assert!(output.flush());
            assert!(flushed.load(Ordering::SeqCst));
        }
    });
}

#[test]
fn half_of_the_buffer_is_written_without_being_asked_for() {
    let memory = Memory::default();
    let (_, handler) = buffered(&memory, patient(8));
    with(handler, || {
        for number in 1..=4 {
            tracing::info!("{number}");
        }
        memory.until_contains("4\n");
    });
}

#[test]
fn a_record_alone_is_written_after_the_interval() {
    let memory = Memory::default();
    let interval = Duration::from_millis(1);
    let (_, handler) = buffered(&memory, Buffering::default().interval(interval));
    with(handler, || {
        tracing::info!("alone");
        memory.until_contains("alone\n");
    });
}

#[test]
fn a_writer_gets_whole_records_in_pieces_of_a_sensible_size() {
    let memory = Memory::default();
    let (output, handler) = buffered(&memory, patient(100_000));
    let long = "x".repeat(1000);
    with(handler, || {
        for _ in 0..300 {
            tracing::info!("{long}");
        }
        tracing::info!("{}", "y".repeat(200_000));
        assert!(output.flush());
    });
    // 65 of 1001 bytes are the most that fit into 64 KiB.
    assert_eq!(memory.calls(), 300_usize.div_ceil(65) + 1);
    assert_eq!(memory.lines().len(), 301);
}

/// The call that finds no room waits until the sink moves, and then goes on: nothing is lost.
#[test]
fn who_finds_no_room_waits() {
    let memory = Memory::default();
    memory.shut();
    let (output, handler) = buffered(&memory, patient(2));
    let (send, logged) = mpsc::channel();
    let logging = thread::spawn(move || {
        with(handler, || {
            for number in 0..100 {
                tracing::info!("{number}");
                send.send(number).unwrap();
            }
        });
    });
    memory.until_somebody_waits();
    // Those that the writer has, those that fill the buffer; the next one waits.
    let before: Vec<_> = logged.iter().take(3).collect();
    assert_eq!(before, [0, 1, 2]);
    memory.open();
    logging.join().unwrap();
    assert!(output.flush());
    assert_eq!(memory.lines().len(), 100);
}

/// In real time, for that is what is promised: five seconds.
#[test]
fn a_sink_that_does_not_move_is_not_waited_for_for_ever() {
    let memory = Memory::default();
    memory.shut();
    let (output, handler) = buffered(&memory, patient(2));
    with(handler.clone(), || {
        tracing::info!("first");
        // The writer has taken it.
        memory.until_somebody_waits();
        for text in ["second", "third", "lost", "lost at once"] {
            tracing::info!("{text}");
        }
    });
    memory.open();
    assert!(output.flush());
    with(handler, || tracing::info!("again"));
    assert!(output.flush());
    let expected = ["first", "second", "third", "again"];
    assert_eq!(memory.lines(), expected);
}

#[test]
fn what_finds_no_room_is_dropped_if_that_is_wanted_and_the_count_is_logged() {
    if !alone("faults::what_finds_no_room_is_dropped_if_that_is_wanted_and_the_count_is_logged") {
        return;
    }
    let memory = Memory::default();
    memory.shut();
    let buffering = patient(4).overflow(Overflow::Drop);
    let (output, handler) = buffered(&memory, buffering);
    // The writer's thread has no subscriber of this thread: it logs to that of the process.
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(handler)).unwrap();
    tracing::info!("first");
    tracing::info!("second");
    memory.until_somebody_waits();
    for number in 0..10 {
        tracing::info!("{number}");
    }
    memory.open();
    assert!(output.flush());
    tracing::info!("after");
    assert!(output.flush());
    memory.until_contains("after\n");
    assert_eq!(
        memory.lines(),
        [
            "first",
            "second",
            "0",
            "1",
            "2",
            "3",
            "records of the log were lost records=6",
            "after"
        ]
    );
}

/// `/dev/full` answers like a full disk.
#[test]
fn a_full_disk_changes_nothing_for_the_program() {
    if alone("faults::a_full_disk_changes_nothing_for_the_program") {
        everything_is_lost(|| OpenOptions::new().write(true).open("/dev/full").unwrap());
    }
}

#[test]
fn a_pipe_that_nobody_reads_any_more_changes_nothing_for_the_program() {
    if alone("faults::a_pipe_that_nobody_reads_any_more_changes_nothing_for_the_program") {
        everything_is_lost(|| std::io::pipe().unwrap().1);
    }
}

/// Nothing is waited for, and every record is counted.
fn everything_is_lost<W: Write + Send + 'static>(sink: impl Fn() -> W) {
    for buffer in [false, true] {
        let mut output = Output::from(sink());
        if buffer {
            output = output.buffered(patient(16));
        }
        with(Handler::new(Plain::new(), output.clone()), || {
            for number in 0..1000 {
                tracing::info!("{number}");
            }
        });
        assert!(output.flush());
        let figure = |name: &str| {
            let figures = aiomisc::statistics().of_kind::<LogStatistic>();
            let named = figures.filter(|figure| figure.metric == name);
            named
                .filter_map(|figure| figure.value.as_f64())
                .sum::<f64>()
        };
        assert_eq!(
            (figure("records"), figure("lost")),
            (1000.0, 1000.0),
            "{buffer}"
        );
        assert!(figure("errors") >= 1.0);
    }
}

/// More than a pipe holds is logged before anybody reads it.
#[test]
fn a_reader_that_sleeps_gets_everything_later() {
    use std::io::Read;
    let (mut reader, writer) = std::io::pipe().unwrap();
    let output = Output::from(writer).buffered(patient(100_000));
    let handler = Handler::new(Plain::new(), output.clone());
    with(handler, || {
        for number in 0..50_000 {
            tracing::info!("{number}");
        }
    });
    let flushing = thread::spawn(move || output.flush());
    let mut text = vec![0; 288_890];
    reader.read_exact(&mut text).unwrap();
    assert!(flushing.join().unwrap());
    assert_eq!(String::from_utf8(text).unwrap().lines().count(), 50_000);
}

/// The rest of a record comes first when the sink works again; those behind it are lost.
#[test]
fn a_record_that_was_written_in_part_is_completed() {
    let memory = Memory::default();
    memory.answer([Answer::Writes(6), Answer::Fails(ErrorKind::StorageFull)]);
    let (output, handler) = buffered(&memory, patient(16));
    with(handler, || {
        for text in ["one", "two", "three"] {
            tracing::info!("{text}");
        }
        assert!(output.flush());
        assert_eq!(memory.text(), "one\ntw");
        tracing::info!("four");
        assert!(output.flush());
    });
    assert_eq!(memory.text(), "one\ntwo\nfour\n");
}

/// A panic is a failure like others.
#[test]
fn a_record_that_was_written_in_part_before_a_panic_is_completed() {
    let memory = Memory::default();
    memory.answer([Answer::Writes(6), Answer::Panics]);
    let (output, handler) = buffered(&memory, patient(16));
    with(handler, || {
        for text in ["one", "two", "three"] {
            tracing::info!("{text}");
        }
        assert!(output.flush());
        tracing::info!("four");
        assert!(output.flush());
    });
    assert_eq!(memory.text(), "one\ntwo\nfour\n");
}

#[test]
fn a_sink_that_is_interrupted_or_not_ready_is_tried_again() {
    let memory = Memory::default();
    memory.answer([
        Answer::Fails(ErrorKind::Interrupted),
        Answer::Writes(1),
        Answer::Fails(ErrorKind::WouldBlock),
    ]);
    with(Handler::new(Plain::new(), memory.writer()), || {
        tracing::info!("once")
    });
    assert_eq!(memory.text(), "once\n");
}

#[test]
fn a_sink_that_panics_costs_what_it_was_given() {
    let memory = Memory::default();
    memory.answer([Answer::Panics]);
    let (output, handler) = buffered(&memory, patient(16));
    with(handler, || {
        tracing::info!("lost");
        assert!(output.flush());
        tracing::info!("kept");
        assert!(output.flush());
    });
    assert_eq!(memory.text(), "kept\n");
}

#[test]
fn a_sink_is_closed_after_everything_was_written() {
    let memory = Memory::default();
    let (output, handler) = buffered(&memory, patient(1000));
    with(handler, || tracing::info!("the last words"));
    drop(output);
    memory.until_closed();
    assert_eq!(memory.text(), "the last words\n");
}

#[test]
fn a_value_that_panics_costs_itself_alone() {
    struct Panics;
    impl fmt::Debug for Panics {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("on purpose");
        }
    }
    let text = super::tools::written(Plain::new(), || {
        tracing::info!(target: "unit", value = ?Panics, "seen");
        tracing::info!("next");
    });
    assert_eq!(text, "seen value=<panicked: on purpose>\nnext\n");
}

/// A format that stumbles over a field says so in its own form.
#[test]
fn a_format_that_panics_at_a_field_costs_the_fields() {
    struct Picky;
    struct Sees<'a>(&'a mut Vec<u8>);
    impl Format for Picky {
        fn format(&self, record: &Record<'_>, out: &mut Vec<u8>) {
            record.visit(&mut Sees(out));
        }
    }
    impl Visitor for Sees<'_> {
        fn message(&mut self, value: Value<'_>) {
            self.0.extend_from_slice(format!("<{value}>").as_bytes());
        }

        fn field(&mut self, name: &'static str, _: Value<'_>) {
            panic!("no {name}");
        }
    }
    let text = super::tools::written(Picky, || tracing::info!(bread = 1, "hungry"));
    assert_eq!(
        text,
        "<a record could not be formatted: panicked: no bread>"
    );
}

/// A format that cannot format anything costs its records, and says so as well as it can.
#[test]
fn a_format_that_panics_costs_its_records() {
    struct Broken;
    impl Format for Broken {
        fn format(&self, _: &Record<'_>, out: &mut Vec<u8>) {
            out.extend_from_slice(b"half a rec");
            panic!("on purpose");
        }
    }
    let text = super::tools::written(Broken, || tracing::info!(target: "unit", "never seen"));
    let said = "info unit: a record could not be formatted: panicked: on purpose\n";
    assert_eq!(text, said);
}

/// The record that is being formatted is not disturbed by one that its value logs.
#[test]
fn a_value_may_log_while_it_is_formatted() {
    struct Logs;
    impl fmt::Display for Logs {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            // The scope of `with_default` keeps it from coming back to the same subscriber.
            tracing::info!("inside");
            f.write_str("outside")
        }
    }
    let text = super::tools::written(Plain::new(), || tracing::info!("{}", Logs));
    assert!(text.ends_with("outside\n"), "{text}");
}

/// Threads that log, flush and change the kind of the output at the same time: every record arrives once,
/// in the order of its thread.
#[test]
fn nothing_is_lost_between_threads() {
    const THREADS: usize = 6;
    const RECORDS: usize = 3000;
    for round in 0..4 {
        let memory = Memory::default();
        let output = Output::from(memory.writer()).buffered(patient(3 + round));
        thread::scope(|scope| {
            for number in 0..THREADS {
                let handler = Handler::new(Plain::new(), output.clone());
                let output = output.clone();
                scope.spawn(move || {
                    with(handler, || {
                        for count in 0..RECORDS {
                            tracing::info!("{number} {count}");
                            if count % 500 == number {
                                assert!(output.flush());
                                // Everything of this thread is there now.
                            }
                        }
                    });
                });
            }
        });
        assert!(output.flush());
        let mut counts = [0; THREADS];
        for line in memory.lines() {
            let (number, count) = line.split_once(' ').unwrap();
            let next = &mut counts[number.parse::<usize>().unwrap()];
            assert_eq!(count.parse(), Ok(*next), "{line}");
            *next += 1;
        }
        assert_eq!(counts, [RECORDS; THREADS]);
    }
}
