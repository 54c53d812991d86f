//! What `#[aiomisc::test]` makes.

use aiomisc::runtime::Runtime;
use aiomisc::signal::PRE_START;
use aiomisc::{Context, Entrypoint, Key, ServiceContext, service_fn, services};

use super::{Ended, alone, end, on_purpose, this_program};

// ---- which name ----

/// Names that the attribute uses are none of the test's.
#[aiomisc::test(runtimes(all))]
async fn harness() {}

// ---- which runtime ----

#[cfg(feature = "smol")]
async fn threads_of_six_tasks() -> usize {
    use aiomisc::runtime::Placement;
    let runtime = Runtime::current().expect("a test is on a runtime");
    let mut threads = std::collections::HashSet::new();
    for task in 0..6 {
        let task = runtime
            .task(format!("task {task}"))
            .placement(Placement::Spread);
        let thread = task.spawn(async { std::thread::current().id() });
        threads.insert(thread.await.expect("it does not panic"));
    }
    threads.len()
}

#[cfg(feature = "smol")]
#[aiomisc::test(runtimes(smol))]
async fn on_smol() {
    assert_eq!(Runtime::current().expect("it is there").name(), "smol");
    assert_eq!(threads_of_six_tasks().await, 1);
}

#[cfg(feature = "smol")]
#[aiomisc::test(runtimes(smol_threads))]
async fn on_smol_with_threads() {
    assert_eq!(Runtime::current().expect("it is there").name(), "smol");
    assert_eq!(threads_of_six_tasks().await, 3);
}

#[cfg(feature = "tokio")]
#[aiomisc::test(runtimes(tokio))]
async fn on_tokio() {
    use tokio::runtime::{Handle, RuntimeFlavor};
    assert_eq!(Runtime::current().expect("it is there").name(), "tokio");
    assert_eq!(
        Handle::current().runtime_flavor(),
        RuntimeFlavor::MultiThread
    );
    assert_eq!(Handle::current().metrics().num_workers(), 2);
}

#[cfg(feature = "tokio")]
#[aiomisc::test(runtimes(tokio_current_thread))]
async fn on_tokio_current_thread() {
    use tokio::runtime::{Handle, RuntimeFlavor};
    assert_eq!(Runtime::current().expect("it is there").name(), "tokio");
    assert_eq!(
        Handle::current().runtime_flavor(),
        RuntimeFlavor::CurrentThread
    );
}

#[cfg(feature = "smol")]
#[aiomisc::test]
#[allow(
    clippy::disallowed_methods,
    reason = "whoever runs the tests may name a runtime"
)]
async fn on_the_default() {
    let name = std::env::var("AIOMISC_RUNTIME").unwrap_or_else(|_| "smol".to_owned());
    assert_eq!(Runtime::current().expect("it is there").name(), name);
}

#[aiomisc::test(runtimes(all))]
async fn on_all() {
    let _ = Runtime::current().expect("it is there");
}

#[aiomisc::test(runtimes(real))]
async fn on_real() {
    assert_ne!(
        Runtime::current().expect("it is there").name(),
        "simulation"
    );
}

#[cfg(feature = "smol")]
#[aiomisc::test(runtimes(smol, smol_threads,))]
async fn on_two() {}

/// The names of the tests, as a filter or an IDE sees them.
#[test]
fn tests_are_called_after_their_runtimes() {
    let mut list = this_program();
    list.args(["--list", "--include-ignored"]);
    let list = end(list).out;
    let of = |function: &str| -> Vec<_> {
        let names = list.lines().filter_map(|line| line.strip_suffix(": test"));
        let prefix = format!("tests::{function}");
        names
            .filter_map(|name| name.strip_prefix(&prefix))
            .filter(|name| name.is_empty() || name.starts_with("::"))
            .collect()
    };
    let mut all = of("on_all");
    all.sort_unstable();
    let expected: &[&str] = &[
        #[cfg(feature = "simulation")]
        "::simulation",
        #[cfg(feature = "smol")]
        "::smol",
        #[cfg(feature = "tokio")]
        "::tokio",
        #[cfg(feature = "tokio")]
        "::tokio_current_thread",
    ];
    assert_eq!(all, expected);
    #[cfg(feature = "smol")]
    {
        let mut two = of("on_two");
        two.sort_unstable();
        assert_eq!(two, ["::smol", "::smol_threads"]);
        assert_eq!(of("on_the_default"), [""]);
    }
}

// ---- results, panics, other attributes ----

#[aiomisc::test(runtimes(all))]
async fn a_result_may_be_returned() -> Result<(), std::num::ParseIntError> {
    let number: u8 = "7".parse()?;
    assert_eq!(number, 7);
    Ok(())
}

#[aiomisc::test(runtimes(all))]
#[should_panic(expected = "as it should")]
async fn a_panic_may_be_expected() {
    aiomisc::time::sleep(std::time::Duration::from_millis(1)).await;
    panic!("as it should");
}

#[aiomisc::test(runtimes(all))]
async fn returns_an_error() -> Result<(), String> {
    match on_purpose() {
        true => Err("not today".to_owned()),
        false => Ok(()),
    }
}

#[aiomisc::test(runtimes(all))]
async fn panics() {
    println!("said before");
    aiomisc::spawn(async { println!("said by a task") })
        .await
        .expect("it does not panic");
    assert!(!on_purpose(), "all is lost");
}

#[aiomisc::test(runtimes(all), timeout = "1s")]
async fn blocks_its_thread() {
    while on_purpose() {
        std::thread::park();
    }
}

/// Attributes of the compiler hold inside.
#[aiomisc::test(runtimes(all))]
#[deny(unused_variables)]
#[expect(non_snake_case, reason = "it has to be carried over")]
async fn attributes_are_carried_over() {
    let Unusual = 1;
    assert_eq!(Unusual, 1);
}

#[aiomisc::test(runtimes(all))]
#[cfg(any())]
async fn what_is_configured_out_is_gone() {
    this_does_not_exist();
}

#[aiomisc::test]
#[cfg(any())]
async fn what_is_configured_out_is_gone() {
    this_does_not_exist();
}

const RUNTIMES: &[&str] = &[
    #[cfg(feature = "simulation")]
    "simulation",
    #[cfg(feature = "smol")]
    "smol",
    #[cfg(feature = "tokio")]
    "tokio",
    #[cfg(feature = "tokio")]
    "tokio_current_thread",
];

/// What the library's user sees of tests that fail, with the output that belongs to them.
#[test]
fn failures_are_told_apart() {
    for runtime in RUNTIMES {
        let failure = |function: &str| {
            let Ended { status, out, err } = end(alone(&format!("tests::{function}::{runtime}")));
            assert_eq!(status.code(), Some(101), "{out}{err}");
            assert!(!err.contains("said"), "the output is captured: {err}");
            let start = format!("---- tests::{function}::{runtime} stdout ----");
            let (_, out) = out
                .split_once(&start)
                .expect("a failed test shows its output");
            let (out, _) = out.split_once("failures:").expect("a summary ends it");
            out.to_owned()
        };

        let out = failure("returns_an_error");
        let expected = format!("test `returns_an_error` on {runtime} failed: \"not today\"");
        assert_eq!(out.matches(&expected).count(), 1, "{out}");

        let out = failure("panics");
        let thread = format!("thread 'tests::panics::{runtime}'");
        for expected in ["said before", "said by a task", "all is lost", &thread] {
            assert_eq!(out.matches(expected).count(), 1, "{expected}: {out}");
        }

        let out = failure("blocks_its_thread");
        let expected = format!("test `blocks_its_thread` on {runtime} did not finish within 1 s");
        assert_eq!(out.matches(&expected).count(), 1, "{out}");
    }
}

/// The seed that fails is told, and can be run alone.
#[cfg(feature = "simulation")]
#[aiomisc::test(simulation, seeds = 50)]
async fn fails_with_some_seeds() {
    let seed = Runtime::current().expect("it is there").backend().seed();
    assert!(
        !on_purpose() || !seed.is_multiple_of(8),
        "this seed is not good"
    );
}

#[cfg(feature = "simulation")]
#[test]
fn a_seed_that_fails_can_be_replayed() {
    let run = |seed: &str| {
        let mut command = alone("tests::fails_with_some_seeds");
        command.env("AIOMISC_SIMULATION_SEED", seed);
        end(command)
    };
    let told = |ended: &Ended| {
        let (_, rest) = ended
            .out
            .split_once("test `fails_with_some_seeds` failed on simulation with seed ")?;
        let (seed, rest) = rest.split_once("; ")?;
        let replay = format!("AIOMISC_SIMULATION_SEED={seed} runs that one again");
        assert!(rest.starts_with(&replay), "{rest}");
        Some(seed.to_owned())
    };
    // What is set to nothing is not set.
    let first = told(&run("")).expect("one of fifty fails");
    let again = run(&first);
    assert_eq!(again.status.code(), Some(101));
    assert_eq!(told(&again).as_ref(), Some(&first));
    if let Some(before) = first.parse::<u64>().expect("a number").checked_sub(1) {
        assert_eq!(run(&before.to_string()).status.code(), Some(0));
    }
    let bad = run("seven");
    let text = "AIOMISC_SIMULATION_SEED: expected a whole number, got `seven`";
    assert!(bad.out.contains(text), "{}", bad.out);
}

// ---- services ----

#[aiomisc::test(
    runtimes(all),
    services = services![
        service_fn("first", |ctx| async move {
            ctx.ready();
            ctx.stopping().await;
            Ok(())
        }),
        service_fn("second", |_| async { Ok(()) }),
    ],
    timeout = "10s",
)]
async fn services_run_around_the_test() {
    let entrypoint = Entrypoint::current().expect("it is an entrypoint's");
    let services = entrypoint.services();
    let names: Vec<_> = services.iter().map(|service| service.name()).collect();
    assert_eq!(names, ["first", "second"]);
    assert!(
        services
            .iter()
            .all(|service| service.state() == aiomisc::service::ServiceState::Running)
    );
}

#[aiomisc::test(runtimes(all))]
async fn without_services_there_is_no_entrypoint() {
    assert!(Entrypoint::current().is_none());
}

// ---- the entrypoint ----

static NUMBER: Key<u32> = Key::new("number");

#[aiomisc::test(runtimes(all), context = |context| context.set(&NUMBER, 7))]
async fn a_context_makes_an_entrypoint() {
    let context = Context::current().expect("it is an entrypoint's");
    assert_eq!(context.try_get(&NUMBER), Some(7));
}

#[aiomisc::test(runtimes(all), entrypoint = |builder| builder.pool_size(3).debug(true))]
async fn settings_make_an_entrypoint() {
    let entrypoint = Entrypoint::current().expect("it is an entrypoint's");
    let settings = entrypoint.settings();
    assert_eq!((settings.pool_size(), settings.debug()), (3, true));
    assert_eq!(entrypoint.services().len(), 0);
}

fn fill(context: &Context) {
    context.set(&NUMBER, 1);
    context.insert("from the option");
}

/// Services find what was filled in without waiting, and so do receivers, whoever connected them.
#[aiomisc::test(
    runtimes(all),
    services = services![service_fn("reads", |ctx: ServiceContext| async move {
        let number = ctx.context().try_get(&NUMBER).ok_or("it is not filled yet")?;
        ctx.context().set(&NUMBER, number + 1);
        Ok(())
    })],
    context = fill,
    entrypoint = |builder| builder
        .service(service_fn("more", |_| async { Ok(()) }))
        .context(|context| context.set(&NUMBER, context.try_get(&NUMBER).unwrap_or(0) + 10))
        .connect(&PRE_START, |event| async move {
            let number = event.entrypoint.context().try_get(&NUMBER);
            assert_eq!(number, Some(11));
            Ok(())
        }),
)]
async fn services_context_and_settings_go_together() {
    let entrypoint = Entrypoint::current().expect("it is an entrypoint's");
    let names: Vec<_> = entrypoint
        .services()
        .iter()
        .map(|s| s.name().to_owned())
        .collect();
    assert_eq!(names, ["reads", "more"]);
    assert_eq!(entrypoint.context().try_get(&NUMBER), Some(12));
    assert_eq!(entrypoint.context().try_get_type(), Some("from the option"));
}

// ---- tasks that fail ----

#[aiomisc::test(runtimes(all))]
async fn a_detached_task_panics() {
    if on_purpose() {
        let runtime = Runtime::current().expect("it is there");
        runtime
            .task("lost")
            .spawn(async { panic!("nobody asks") })
            .detach();
        std::future::pending::<()>().await;
    }
}

#[aiomisc::test(runtimes(all), strict = false)]
async fn a_detached_task_may_panic() {
    let runtime = Runtime::current().expect("it is there");
    let (dropped, gone) = std::sync::mpsc::channel::<()>();
    let lost = async move {
        let _dropped = dropped;
        panic!("nobody asks")
    };
    runtime.task("lost").spawn(lost).detach();
    while gone.try_recv() != Err(std::sync::mpsc::TryRecvError::Disconnected) {
        smol::future::yield_now().await;
    }
}

#[test]
fn a_task_that_fails_unseen_fails_the_test_at_once() {
    for runtime in RUNTIMES {
        let Ended { status, out, err } =
            end(alone(&format!("tests::a_detached_task_panics::{runtime}")));
        assert_eq!(status.code(), Some(101), "{out}{err}");
        let start = format!(
            "test `a_detached_task_panics` on {runtime} failed: nobody waited for what failed: task `lost` (spawned at "
        );
        assert!(out.contains(&start), "{out}");
        assert_eq!(out.matches("panicked: nobody asks").count(), 1, "{out}");
    }
}

// ---- another name of the library ----

#[cfg(feature = "smol")]
static BY_ANOTHER_NAME: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);

/// Looks like the library under another name, and notices that it is used.
#[cfg(feature = "smol")]
mod other_name {
    pub(super) mod deeper {
        pub(in super::super) mod testing {
            pub(in super::super::super) struct Harness;

            impl Harness {
                #[expect(clippy::new_ret_no_self, reason = "the real one is used from here on")]
                pub(in super::super::super) fn new(
                    test: &'static str,
                ) -> aiomisc::testing::Harness {
                    use std::sync::atomic::Ordering;
                    super::super::super::BY_ANOTHER_NAME.store(true, Ordering::SeqCst);
                    aiomisc::testing::Harness::new(test)
                }
            }
        }
    }
}

#[cfg(feature = "smol")]
#[aiomisc::test(crate = other_name::deeper)]
async fn the_library_may_have_another_name() {
    assert!(BY_ANOTHER_NAME.load(std::sync::atomic::Ordering::SeqCst));
}
