//! `basic_config`: for the whole process, so each test is a process of its own.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier, Mutex};

use aiomisc::log::{
    self, Handler, LogFormat, LogLevel, Output, PanicHook, basic_config,
    format::{Json, Plain},
};
use tracing_subscriber::{Layer, Registry};

use super::tools::{Memory, alone, entrypoint};

fn plain(memory: &Memory) -> log::BasicConfig {
    basic_config()
        .format(LogFormat::Plain)
        .output(memory.writer())
}

#[test]
fn the_last_configuration_counts_and_what_was_logged_before_is_there() {
    if !alone("config::the_last_configuration_counts_and_what_was_logged_before_is_there") {
        return;
    }
    let (first, second) = (Memory::default(), Memory::default());
    plain(&first).init().unwrap();
    tracing::info!("to the first");
    tracing::debug!("not logged");
    plain(&second).level(LogLevel::Debug).init().unwrap();
    assert_eq!(first.lines(), ["to the first"]);
    tracing::debug!("to the second");
    assert!(log::flush());
    assert_eq!(second.lines(), ["to the second"]);
    basic_config().format(LogFormat::Disabled).init().unwrap();
    tracing::error!("to nobody");
    assert!(log::flush());
    assert_eq!((first.lines().len(), second.lines().len()), (1, 1));
}

#[test]
fn the_level_changes_while_running() {
    if !alone("config::the_level_changes_while_running") {
        return;
    }
    let memory = Memory::default();
    plain(&memory).buffered(false).init().unwrap();
    for (number, level) in [
        LogLevel::Info,
        LogLevel::Debug,
        LogLevel::Critical,
        LogLevel::NotSet,
    ]
    .into_iter()
    .enumerate()
    {
        log::set_level(level);
        assert_eq!(log::level(), level);
        tracing::trace!("{number} trace");
        tracing::debug!("{number} debug");
        tracing::info!("{number} info");
        tracing::error!("{number} error");
        log::critical!("{number} critical");
    }
    let expected = "0 info,0 error,0 critical,1 debug,1 info,1 error,1 critical,2 critical,\
                    3 trace,3 debug,3 info,3 error,3 critical";
    assert_eq!(memory.lines().join(","), expected);
}

/// Records of the crate `log` have their own places and targets.
#[test]
fn records_of_the_crate_log_arrive() {
    if !alone("config::records_of_the_crate_log_arrive") {
        return;
    }
    let memory = Memory::default();
    basic_config()
        .format(LogFormat::Json)
        .output(memory.writer())
        .init()
        .unwrap();
    ::log::info!(target: "theirs", "from the crate {}", "log");
    let line = line!() - 1;
    ::log::debug!("below the level");
    assert!(log::flush());
    let lines = memory.lines();
    assert_eq!(lines.len(), 1, "{lines:?}");
    let record: serde_json::Value = serde_json::from_str(&lines[0]).unwrap();
    assert_eq!(record["msg"], "from the crate log");
    let fields = &record["@fields"];
    assert_eq!(fields["identifier"], "theirs");
    assert_eq!(
        (&fields["code_file"], &fields["code_line"]),
        (&file!().into(), &line.into())
    );
    assert!(fields.get("log.target").is_none(), "{record}");
}

#[test]
fn handlers_and_layers_stand_beside_ours() {
    struct Names(Arc<Mutex<Vec<String>>>);
    impl Layer<Registry> for Names {
        fn on_event(
            &self,
            event: &tracing::Event<'_>,
            context: tracing_subscriber::layer::Context<'_, Registry>,
        ) {
            let span = context.event_span(event).map_or("none", |span| span.name());
            self.0
                .lock()
                .unwrap()
                .push(format!("{} {span}", event.metadata().level()));
        }
    }
    if !alone("config::handlers_and_layers_stand_beside_ours") {
        return;
    }
    let (all, grave, names) = (Memory::default(), Memory::default(), Arc::default());
    let handler = Handler::new(Plain::new(), grave.writer()).level(LogLevel::Error);
    plain(&all)
        .handler(handler)
        .layer(Names(Arc::clone(&names)))
        .init()
        .unwrap();
    tracing::info!("a");
    tracing::info_span!("inside").in_scope(|| tracing::error!("b"));
    tracing::debug!("c");
    assert!(log::flush());
    assert_eq!(
        (all.lines(), grave.lines()),
        (vec!["a".into(), "b".into()], vec!["b".to_owned()])
    );
    assert_eq!(*names.lock().unwrap(), ["INFO none", "ERROR inside"]);
}

/// What the program has set up stays, but for what the entrypoint was told; after its end the log is written.
#[test]
fn an_entrypoint_builds_upon_what_is_there() {
    if !alone("config::an_entrypoint_builds_upon_what_is_there") {
        return;
    }
    let memory = Memory::default();
    plain(&memory).level(LogLevel::Debug).init().unwrap();
    entrypoint()
        .run(async { tracing::debug!("inside") })
        .unwrap();
    assert!(
        memory.lines().contains(&"inside".to_owned()),
        "{:?}",
        memory.lines()
    );
    entrypoint()
        .environment(|name| (name == "AIOMISC_LOG_LEVEL").then(|| "error".to_owned()))
        .run(async { tracing::warn!("not logged") })
        .unwrap();
    assert!(
        !memory.text().contains("not logged"),
        "{:?}",
        memory.lines()
    );
    entrypoint()
        .log_format(LogFormat::Json)
        .run(async { tracing::info!("as JSON") })
        .unwrap();
    let last = memory
        .lines()
        .into_iter()
        .rfind(|line| line.contains("as JSON"));
    assert!(last.is_some_and(|line| line.starts_with("{\"@timestamp\"")));
}

/// Threads log while the buffer comes and goes: every record arrives once, in the order of its thread.
#[test]
fn nothing_is_lost_while_the_buffer_comes_and_goes() {
    const THREADS: usize = 4;
    if !alone("config::nothing_is_lost_while_the_buffer_comes_and_goes") {
        return;
    }
    let memory = Memory::default();
    let handler = Handler::new(Plain::new(), memory.writer());
    let config = basic_config()
        .format(LogFormat::Disabled)
        .buffer_size(3)
        .handler(handler);
    config.init().unwrap();
    let over = AtomicBool::new(false);
    let at_work = Barrier::new(THREADS + 1);
    let log = |number: usize| {
        tracing::info!("{number} 0");
        at_work.wait();
        let mut count = 1;
        while !over.load(Ordering::Relaxed) {
            tracing::info!("{number} {count}");
            count += 1;
        }
        count
    };
    let log = &log;
    let counts: Vec<usize> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|number| scope.spawn(move || log(number)))
            .collect();
        at_work.wait();
        for round in 0..300 {
            config.clone().buffered(round % 2 == 0).init().unwrap();
        }
        over.store(true, Ordering::Relaxed);
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    assert!(log::flush());
    let mut seen = vec![0; THREADS];
    for line in memory.lines() {
        let (number, count) = line.split_once(' ').unwrap();
        let next = &mut seen[number.parse::<usize>().unwrap()];
        assert_eq!(count.parse(), Ok(*next), "{line}");
        *next += 1;
    }
    assert_eq!(seen, counts);
}

#[test]
fn a_subscriber_of_the_program_stays() {
    if !alone("config::a_subscriber_of_the_program_stays") {
        return;
    }
    use tracing_subscriber::layer::SubscriberExt;
    let (theirs, ours) = (Memory::default(), Memory::default());
    let handler = Handler::new(Plain::new(), theirs.writer());
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(handler)).unwrap();
    plain(&ours).init().unwrap();
    tracing::info!("x");
    assert!(log::flush());
    assert_eq!(
        (theirs.lines(), ours.lines()),
        (vec!["x".to_owned()], vec![])
    );
}

#[test]
fn a_layer_that_formats_by_itself_writes_behind_our_buffer() {
    if !alone("config::a_layer_that_formats_by_itself_writes_behind_our_buffer") {
        return;
    }
    use tracing_subscriber::fmt;
    let memory = Memory::default();
    let output = log::wrap_logging_handler(memory.writer());
    let layer = fmt::layer()
        .with_ansi(false)
        .without_time()
        .with_writer(output.clone());
    basic_config()
        .format(LogFormat::Disabled)
        .layer(layer)
        .init()
        .unwrap();
    tracing::info!(target: "unit", "theirs");
    assert!(output.flush());
    assert_eq!(memory.text(), " INFO unit: theirs\n");
}

#[test]
fn a_panic_is_an_error_with_its_place_and_its_service() {
    if !alone("config::a_panic_is_an_error_with_its_place_and_its_service") {
        return;
    }
    let memory = Memory::default();
    let json = Memory::default();
    let handler = Handler::new(Json::new(), json.writer());
    plain(&memory).handler(handler).init().unwrap();
    let panics = aiomisc::service_fn("feeder", |_| async { panic!("the belt is torn") });
    let panic_line = line!() - 1;
    let error = entrypoint()
        .log_level(LogLevel::Error)
        .service(panics)
        .run(async {})
        .unwrap_err();
    assert!(error.to_string().contains("the belt is torn"), "{error}");
    let lines = memory.lines();
    let line = lines
        .iter()
        .find(|line| line.starts_with("panicked: the belt is torn"));
    let line = line.unwrap_or_else(|| panic!("{lines:?}"));
    assert!(line.contains(&format!("at=\"{}:", file!())), "{line}");
    assert!(line.contains("service=\"feeder\""), "{line}");
    let record = json
        .lines()
        .into_iter()
        .find(|line| line.contains("panicked: the belt"));
    let record: serde_json::Value =
        serde_json::from_str(&record.expect("it is there too")).unwrap();
    assert_eq!(record["@fields"]["code_file"], file!(), "{record}");
    assert_eq!(record["@fields"]["code_line"], panic_line, "{record}");
    // Also where it was caught.
    assert!(
        lines
            .iter()
            .any(|line| line.contains("feeder") && !line.starts_with("panicked")),
        "{lines:?}"
    );
}

#[test]
fn panics_can_be_left_alone() {
    if !alone("config::panics_can_be_left_alone") {
        return;
    }
    let memory = Memory::default();
    let seen = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&seen);
    std::panic::set_hook(Box::new(move |_| *counted.lock().unwrap() += 1));
    let config = plain(&memory);
    for (hook, logged) in [
        (PanicHook::Leave, 0),
        (PanicHook::LogAndChain, 1),
        (PanicHook::Log, 2),
    ] {
        config.clone().panic_hook(hook).init().unwrap();
        let caught = std::panic::catch_unwind(|| panic!("on purpose"));
        assert!(caught.is_err());
        assert_eq!(memory.lines().len(), logged, "{hook:?}");
    }
    // The log does not go to the standard error stream, so the hook before is called each time.
    assert_eq!(*seen.lock().unwrap(), 3);
}

#[test]
fn nonsense_is_refused_and_changes_nothing() {
    if !alone("config::nonsense_is_refused_and_changes_nothing") {
        return;
    }
    let memory = Memory::default();
    plain(&memory).init().unwrap();
    let error = plain(&Memory::default())
        .date_format("%!")
        .init()
        .unwrap_err();
    assert!(error.to_string().contains("got `%!`"), "{error}");
    let error = entrypoint()
        .environment(|name| (name == "AIOMISC_LOG_FORMAT").then(|| "jsn".to_owned()))
        .run(async {})
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("AIOMISC_LOG_FORMAT: expected one of") && error.contains("`jsn`"),
        "{error}"
    );
    tracing::info!("still here");
    assert!(log::flush());
    assert_eq!(memory.lines(), ["still here"]);
    drop(Output::stdout());
}
