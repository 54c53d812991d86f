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
