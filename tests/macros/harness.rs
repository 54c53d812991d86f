//! The harness by hand: what the attribute does not show, and what it says about failures.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aiomisc::runtime::Runtime;
use aiomisc::testing::Harness;
use aiomisc::{Entrypoint, service_fn, services};

/// Each runtime, under the name that messages are to have.
fn runtimes() -> Vec<(&'static str, Runtime)> {
    vec![
        #[cfg(feature = "smol")]
        ("smol", aiomisc::adapters::Smol::new().into()),
        #[cfg(feature = "tokio")]
        (
            "tokio",
            aiomisc::adapters::Tokio::multi_thread(2)
                .expect("threads can be started")
                .into(),
        ),
        #[cfg(feature = "tokio")]
        (
            "tokio_current_thread",
            aiomisc::adapters::Tokio::current_thread()
                .expect("a runtime can be made")
                .into(),
        ),
    ]
}

/// The message of the panic that a test ends with.
fn failure(run: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(run)).expect_err("the test fails");
    match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => (*panic.downcast::<&str>().expect("a panic with a text")).to_owned(),
    }
}

/// Blocks the thread for good.
fn block() {
    loop {
        std::thread::park();
    }
}

/// Panics with something else than a text.
fn panic_any_number() {
    std::panic::panic_any(42_u8);
}

fn each(check: impl Fn(&'static str, Harness)) {
    for (name, runtime) in runtimes() {
        check(name, Harness::new("x").named_runtime(name, runtime));
    }
}

#[test]
fn a_test_that_blocks_its_thread_fails_in_time() {
    each(|name, harness| {
        let harness = harness.timeout(Duration::from_millis(50));
        let text = failure(|| {
            harness.run(|| async { block() });
        });
        assert_eq!(
            text,
            format!("test `x` on {name} did not finish within 50 ms")
        );
    });
}

#[test]
fn a_test_that_waits_for_ever_fails_in_time() {
    each(|name, harness| {
        let harness = harness.timeout(Duration::from_millis(50));
        let text = failure(|| harness.run(std::future::pending::<()>));
        assert_eq!(
            text,
            format!("test `x` on {name} did not finish within 50 ms")
        );
    });
}

#[test]
fn blocking_in_a_service_or_at_the_end_of_the_runtime_counts_as_well() {
    struct Blocks;

    impl Drop for Blocks {
        fn drop(&mut self) {
            block();
        }
    }

    each(|name, harness| {
        let harness = harness.timeout(Duration::from_millis(50)).services(|| {
            services![service_fn("blocks", |_| async {
                block();
                Ok(())
            })]
        });
        let text = failure(|| harness.run(|| async {}));
        assert_eq!(
            text,
            format!("test `x` on {name} did not finish within 50 ms")
        );
    });
    each(|name, harness| {
        let harness = harness.timeout(Duration::from_millis(50));
        let text = failure(|| {
            harness.run(|| async {
                let _blocks = Blocks;
            });
        });
        assert_eq!(
            text,
            format!("test `x` on {name} did not finish within 50 ms")
        );
    });
}

#[test]
fn a_panic_is_passed_on_as_it_is() {
    each(|_, harness| {
        let body = || async { panic_any_number() };
        let run = || harness.run(body);
        let panic = catch_unwind(AssertUnwindSafe(run)).expect_err("the test fails");
        assert_eq!(panic.downcast_ref(), Some(&42_u8));
    });
}

#[test]
fn an_error_names_test_and_runtime() {
    each(|name, harness| {
        let text = failure(|| harness.run(|| async { Err::<(), _>("no") }));
        assert_eq!(text, format!("test `x` on {name} failed: \"no\""));
    });
}

#[test]
fn a_service_that_fails_fails_the_test() {
    each(|name, harness| {
        let reached = Arc::new(AtomicBool::new(false));
        let harness =
            harness.services(|| services![service_fn("broken", |_| async { Err("no".into()) })]);
        let set = Arc::clone(&reached);
        let text = failure(|| harness.run(|| async move { set.store(true, Ordering::SeqCst) }));
        let why = "service `broken` failed to start: no";
        assert_eq!(text, format!("test `x` on {name} failed: {why}"));
        assert!(!reached.load(Ordering::SeqCst), "the body does not run");
    });
}

#[test]
fn a_stop_before_the_end_fails_the_test() {
    each(|name, harness| {
        let text = failure(|| {
            harness.services(|| services![]).run(|| async {
                let entrypoint = Entrypoint::current().expect("it is an entrypoint's");
                entrypoint.request_stop("enough");
                std::future::pending::<()>().await;
            });
        });
        let start = format!("test `x` on {name} failed: stopped before its end: ");
        assert!(
            text.starts_with(&start) && text.contains("enough"),
            "{text}"
        );
    });
}

/// Whatever is set, a stop that takes too long fails the test and leaves the process alone.
#[test]
fn a_stop_that_takes_too_long_fails_the_test() {
    each(|name, harness| {
        let harness = harness.entrypoint(|builder| {
            let stays = service_fn("stays", |ctx| async move {
                ctx.ready();
                std::future::pending::<()>().await;
                Ok(())
            });
            let never = std::future::pending::<Result<(), aiomisc::BoxError>>;
            builder
                .service(stays)
                .connect(&aiomisc::signal::PRE_STOP, move |_| never())
                .shutdown_timeout(Duration::from_millis(10))
        });
        let text = failure(|| harness.run(|| async {}));
        let start = format!("test `x` on {name} failed: ");
        assert!(text.starts_with(&start), "{text}");
    });
}

/// The runtime is the one that is tested, whatever the entrypoint is set to.
#[test]
fn the_runtime_of_the_test_stays() {
    each(|_, harness| {
        let found = Arc::new(std::sync::OnceLock::new());
        let set = Arc::clone(&found);
        let harness = harness.entrypoint(move |builder| {
            let runtime = Runtime::current().expect("it is called on the test's");
            set.set(runtime).expect("it is called once");
            let (_, other) = runtimes().remove(0);
            builder.runtime(other)
        });
        harness.run(|| async move {
            let entrypoint = Entrypoint::current().expect("it is an entrypoint's");
            let made_on = found.get().expect("it was called");
            assert!(entrypoint.runtime().same_as(made_on));
        });
    });
}

#[test]
fn a_panic_while_the_context_is_filled_is_passed_on() {
    each(|_, harness| {
        let harness = harness.context(|_| panic!("no values today"));
        let text = failure(|| harness.run(|| async {}));
        assert_eq!(text, "no values today");
    });
}

/// A task fails with nobody waiting for it: in the body, in a service, in a task of a task, on a thread.
#[test]
fn a_task_that_fails_unseen_fails_the_test() {
    type Spawn = fn();
    let ways: [(Spawn, &str); 5] = [
        (
            || aiomisc::spawn(async { panic!("one") }).detach(),
            "panicked: one",
        ),
        (
            || aiomisc::spawn(async { Err::<(), _>("two") }).detach_logged(),
            "failed: two",
        ),
        (
            || {
                aiomisc::spawn(async {
                    assert!(false_of_a_kind(), "three");
                    Ok::<(), String>(())
                })
                .detach_logged()
            },
            "panicked: three",
        ),
        (
            || aiomisc::spawn(async { aiomisc::spawn(async { panic!("four") }).detach() }).detach(),
            "panicked: four",
        ),
        (
            || {
                Runtime::current()
                    .expect("it is there")
                    .spawn_blocking(|| panic!("five"))
                    .detach()
            },
            "panicked: five",
        ),
    ];
    for (spawn, expected) in ways {
        for in_service in [false, true] {
            each(|name, harness| {
                let harness = harness.services(move || {
                    services![service_fn("spawns", move |_| async move {
                        if in_service {
                            spawn();
                        }
                        Ok(())
                    })]
                });
                let text = failure(|| {
                    harness.run(move || async move {
                        if !in_service {
                            spawn();
                        }
                        std::future::pending::<()>().await;
                    });
                });
                let start =
                    format!("test `x` on {name} failed: nobody waited for what failed: task `");
                assert!(
                    text.starts_with(&start) && text.ends_with(expected),
                    "{text}"
                );
            });
        }
    }
}

fn false_of_a_kind() -> bool {
    std::hint::black_box(false)
}

/// What somebody waits for is theirs to judge, and so is what was aborted.
#[test]
fn a_failure_that_is_seen_is_none_of_the_test() {
    each(|_, harness| {
        harness.run(|| async {
            let task = aiomisc::spawn(async { panic!("seen") });
            assert!(task.await.expect_err("it panics").is_panic());
            let task = aiomisc::spawn(std::future::pending::<()>());
            task.abort();
            drop(task);
            let task = aiomisc::spawn(std::future::pending::<Result<(), String>>());
            task.abort();
            task.detach_logged();
        });
    });
}

/// One test's tasks are not another's, though they run side by side in one process.
#[test]
fn tests_do_not_fail_by_the_tasks_of_others() {
    each(|name, harness| {
        let inner = Harness::new("inner").named_runtime("other", runtimes().remove(0).1);
        let text = std::thread::spawn(move || {
            failure(|| {
                inner.run(|| async {
                    aiomisc::spawn(async { panic!("its own") }).detach();
                    std::future::pending::<()>().await;
                });
            })
        });
        harness.run(|| async move {
            let text = text.join().expect("it fails as it should");
            assert!(text.ends_with("its own"), "{text}");
        });
        let _ = name;
    });
}

/// Services are made where the test runs, so that what they hold finds the test's runtime.
#[test]
fn services_are_made_on_the_runtime_of_the_test() {
    each(|_, harness| {
        let found = Arc::new(std::sync::OnceLock::new());
        let set = Arc::clone(&found);
        let make = move || {
            let runtime = Runtime::current().expect("it is there");
            set.set(runtime).expect("they are made once");
            services![]
        };
        harness.services(make).run(|| async move {
            let runtime = Runtime::current().expect("it is there");
            assert!(found.get().is_some_and(|made_on| made_on.same_as(&runtime)));
        });
    });
}

/// Every seed has its runtime and its services; the first that fails ends the test.
#[cfg(feature = "simulation")]
#[test]
fn each_seed_has_a_run_of_its_own_until_one_fails() {
    use std::sync::Mutex;

    let seeds = Arc::new(Mutex::new(Vec::new()));
    let runs = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let (made, counts) = (Arc::clone(&seeds), Arc::clone(&runs));
    let make = move |seed| {
        made.lock().expect("nobody panics").push(seed);
        aiomisc::adapters::Simulation::new(seed)
    };
    let harness = Harness::new("x").seeded_runtime("mine", make).seeds(9);
    let harness = harness.services(|| services![service_fn("one", |_| async { Ok(()) })]);
    let text = failure(|| {
        harness.run_each(move || {
            let run = counts.fetch_add(1, Ordering::SeqCst);
            async move {
                assert!(Entrypoint::current().is_some());
                if run < 4 { Ok(()) } else { Err("enough") }
            }
        });
    });
    assert_eq!(text, "test `x` on mine failed: \"enough\"");
    assert_eq!(*seeds.lock().expect("nobody panics"), [0, 1, 2, 3, 4]);
}

/// The limit when none is set. It is the one that `Debug` shows; waiting for it would take long.
#[test]
fn the_limit_is_thirty_seconds_by_default() {
    let text = format!("{:?}", Harness::new("x"));
    assert!(text.contains("limit: 30s"), "{text}");
}

/// Here the default runtime is one that was installed; this process installs no other.
#[cfg(all(feature = "tokio", not(feature = "smol")))]
#[test]
fn without_a_runtime_the_failure_says_what_to_do() {
    let text = failure(|| Harness::new("x").run(|| async {}));
    assert!(text.starts_with("test `x`: no runtime at hand"), "{text}");
}
