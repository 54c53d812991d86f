//! What an entrypoint knows of its tasks: their names, those left at the end, and polls that hold up
//! the others (row A2 of the parity table, option `debug`).
#![cfg(all(
    feature = "testing",
    feature = "macros",
    any(feature = "smol", feature = "tokio")
))]

mod shared;

// Every test here begins with `log::keep`: the first subscriber of a process stays.

use std::future::pending;
use std::sync::mpsc;
use std::time::Duration;

use ::smol::future::yield_now;
use aiomisc::entrypoint::SLOW_POLL;
use aiomisc::runtime::TaskInfo;
use aiomisc::{Entrypoint, Runtime, ServiceContext, service_fn};
use shared::{RUNTIME_NAMES, log, made, manual, runtimes};

fn names(ep: &Entrypoint) -> Vec<String> {
    let mut names: Vec<_> = ep.tasks().into_iter().map(|task| task.name).collect();
    names.sort();
    names
}

fn named(ep: &Entrypoint, name: &str) -> Vec<TaskInfo> {
    let mut tasks = ep.tasks();
    tasks.retain(|task| task.name == name);
    tasks
}

#[test]
fn tasks_are_listed_from_their_spawn_to_their_end() {
    log::keep();
    for runtime in runtimes() {
        let outcome = Entrypoint::builder().runtime(runtime).run(async {
            let ep = Entrypoint::current().expect("inside");
            let runtime = ep.runtime().clone();
            assert!(ep.tasks().is_empty());
            let waits = runtime.task("waits").spawn(pending::<()>());
            let here = line!() - 1;
            let parent = runtime.task("parent").spawn(async {
                let child = Runtime::current()
                    .expect("inside")
                    .task("child")
                    .spawn(pending::<()>());
                child.detach();
            });
            parent.await.expect("no panic");
            assert_eq!(names(&ep), ["child", "waits"]);
            let info = &named(&ep, "waits")[0];
            assert_eq!(info.spawned_at.file(), file!());
            assert_eq!(info.spawned_at.line(), here);
            assert_eq!(
                info.to_string(),
                format!("task `waits` (spawned at {})", waits.spawned_at())
            );
            // It has left before anybody hears of its end.
            assert!(waits.cancel().await.expect_err("aborted").is_cancelled());
            assert_eq!(names(&ep), ["child"]);
            let panics = runtime.task("panics").spawn(async { panic!("on purpose") });
            assert!(panics.await.expect_err("it panics").is_panic());
            assert_eq!(names(&ep), ["child"]);

            let (go, wait) = mpsc::channel::<()>();
            let job = runtime
                .task("job")
                .spawn_blocking(move || wait.recv().is_err());
            assert!(named(&ep, "job")[0].blocking);
            assert!(
                named(&ep, "job")[0]
                    .to_string()
                    .starts_with("blocking job `job`")
            );
            drop(go);
            assert!(job.await.expect("no panic"));
            assert_eq!(names(&ep), ["child"]);
        });
        outcome.expect("nothing fails");
    }
}

#[aiomisc::test(runtimes(all))]
async fn tasks_of_services_have_their_name_and_the_user_s_line() {
    log::keep();
    let here = line!() + 4;
    let service = service_fn("parent", |ctx: ServiceContext| async move {
        ctx.ready();
        assert_eq!(ctx.entrypoint().tasks().len(), 1, "its own start");
        ctx.spawn(pending());
        ctx.stopping().await;
        Ok(())
    });
    // No task of anybody else's is listed.
    let other = aiomisc::spawn(pending::<()>());
    let ep = Entrypoint::builder()
        .service(service)
        .start()
        .await
        .expect("it starts");
    while named(&ep, "parent").len() < 2 {
        aiomisc::time::sleep(Duration::from_millis(1)).await;
    }
    let tasks = named(&ep, "parent");
    assert!(
        tasks
            .iter()
            .any(|task| task.spawned_at.file() == file!() && task.spawned_at.line() == here),
        "{tasks:?}"
    );
    let handle = ep.handle().clone();
    ep.graceful_shutdown("done").await.expect("nothing fails");
    assert!(named(&handle, "parent").is_empty());
    other.abort();
}

#[test]
fn what_is_left_at_the_end_is_named_and_dropped_with_a_runtime_of_our_own() {
    log::keep();
    for runtime in RUNTIME_NAMES {
        let (alive, dropped) = mpsc::channel::<()>();
        let name = format!("left on {runtime}");
        let left = name.clone();
        let outcome = Entrypoint::builder().environment(made(runtime)).run(async {
            let ep = Entrypoint::current().expect("inside");
            let task = ep.runtime().task(left).spawn(async move {
                let _alive = alive;
                pending::<()>().await;
            });
            task.detach();
        });
        outcome.expect("nothing fails");
        assert_eq!(
            dropped.recv_timeout(Duration::from_secs(20)),
            Err(mpsc::RecvTimeoutError::Disconnected)
        );
        let lines = log::with(&format!("task={name} "));
        let [line] = &lines[..] else {
            panic!("{lines:?}")
        };
        assert!(
            line.starts_with("WARN message=still there at the end"),
            "{line}"
        );
        assert!(line.contains(&format!("spawned_at={}:", file!())), "{line}");
    }
}

#[test]
fn of_very_many_left_some_are_named_and_all_are_counted() {
    log::keep();
    for runtime in RUNTIME_NAMES {
        let (before, counted) = (log::with("message=more tasks are"), 1234);
        let outcome = Entrypoint::builder().environment(made(runtime)).run(async {
            let ep = Entrypoint::current().expect("inside");
            for _ in 0..counted {
                let task = ep.runtime().task(format!("many on {runtime}"));
                task.spawn(pending::<()>()).detach();
            }
        });
        outcome.expect("nothing fails");
        assert_eq!(log::with(&format!("task=many on {runtime} ")).len(), 20);
        let lines = log::with("message=more tasks are");
        assert_eq!(lines.len(), before.len() + 1);
        let line = lines.last().expect("one more");
        assert!(line.contains("count=1234 named=20"), "{line}");
    }
}

#[test]
fn on_a_runtime_that_was_given_they_are_left_alone() {
    log::keep();
    for runtime in runtimes() {
        let (go, wait) = async_pair();
        let outcome = Entrypoint::builder()
            .runtime(runtime.clone())
            .block(|ep| ep.spawn(wait));
        let task = outcome.expect("nothing fails");
        let left = format!("task={} ", task.name());
        assert!(!task.is_finished());
        go.send(7).expect("somebody waits");
        let value = runtime.block_on(task).expect("it goes on");
        assert_eq!(value, Ok(7));
        assert!(log::with(&left).is_empty());
    }
}

fn async_pair() -> (
    futures::channel::oneshot::Sender<u32>,
    futures::channel::oneshot::Receiver<u32>,
) {
    futures::channel::oneshot::channel()
}

#[test]
fn slow_polls_are_told_of_by_name_and_to_the_moment() {
    log::keep();
    for debug in [true, false] {
        // Not with several threads: there a poll may happen while another one moves the clock.
        for (number, base) in runtimes_of_one_thread().into_iter().enumerate() {
            let kind = format!("{debug} {number}");
            let clock = aiomisc::testing::ManualClock::new();
            let runtime = aiomisc::runtime::Parts::of(base)
                .timer(clock.clone())
                .build();
            let (slow, quick) = (format!("slow {kind}"), format!("quick {kind}"));
            let starts = format!("starts {kind}");
            let before = log::with("task=main ").len();
            let of_service = clock.clone();
            let service = service_fn(starts.clone(), move |_| {
                let clock = of_service.clone();
                async move {
                    clock.advance(Duration::from_millis(300));
                    Ok(())
                }
            });
            let here = line!() + 5;
            let outcome = Entrypoint::builder()
                .runtime(runtime.clone())
                .debug(debug)
                .service(service)
                .run(async {
                    let advance = |name: &str, by: Duration| {
                        let clock = clock.clone();
                        runtime.task(name.to_owned()).spawn(async move {
                            // The first poll is quick.
                            yield_now().await;
                            clock.advance(by);
                        })
                    };
                    let task = advance(&quick, Duration::from_nanos(99_999_999));
                    task.await.expect("no panic");
                    advance(&slow, SLOW_POLL).await.expect("no panic");
                    yield_now().await;
                    clock.advance(Duration::from_millis(1500));
                });
            outcome.expect("nothing fails");

            let expected = usize::from(debug);
            let of = |name: &str| log::with(&format!("task={name} "));
            assert!(of(&quick).is_empty(), "{:?}", of(&quick));
            assert_eq!(of(&slow).len(), expected, "{:?}", of(&slow));
            assert_eq!(of(&starts).len(), expected, "{:?}", of(&starts));
            assert_eq!(of("main").len(), before + expected);
            if debug {
                let line = &of(&slow)[0];
                assert!(line.starts_with("WARN message=a poll was slow"), "{line}");
                assert!(line.contains("took=100ms"), "{line}");
                assert!(line.contains(&format!("spawned_at={}:", file!())), "{line}");
                assert!(of(&starts)[0].contains("took=300ms"));
                let main = of("main").pop().expect("it was slow");
                assert!(main.contains("took=1.5s"), "{main}");
                let (line, file) = (here, file!());
                assert!(
                    main.contains(&format!("spawned_at={file}:{line}:")),
                    "{main}"
                );
            }
        }
    }
}

fn runtimes_of_one_thread() -> Vec<Runtime> {
    vec![
        #[cfg(feature = "smol")]
        aiomisc::adapters::Smol::new().into(),
        #[cfg(feature = "tokio")]
        aiomisc::adapters::Tokio::current_thread()
            .expect("tokio")
            .into(),
    ]
}

/// A clock that counts how often it is looked at.
struct Counts(std::sync::Arc<std::sync::atomic::AtomicUsize>, Runtime);

impl aiomisc::runtime::Timer for Counts {
    fn sleep(&self, duration: Duration) -> std::pin::Pin<Box<dyn aiomisc::runtime::Sleep>> {
        self.1.backend().sleep(duration)
    }

    fn now(&self) -> std::time::Instant {
        self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        self.1.now()
    }
}

#[test]
fn nobody_looks_at_the_clock_when_debug_is_off() {
    log::keep();
    for base in runtimes() {
        let looks = std::sync::Arc::default();
        let clock = Counts(std::sync::Arc::clone(&looks), base.clone());
        let runtime = aiomisc::runtime::Parts::of(base).timer(clock).build();
        let outcome = Entrypoint::builder().runtime(runtime).run(async {
            let count = || looks.load(std::sync::atomic::Ordering::SeqCst);
            let before = count();
            for _ in 0..100 {
                aiomisc::spawn(yield_now()).await.expect("no panic");
            }
            count() - before
        });
        let looked = outcome.expect("nothing fails").finished();
        assert_eq!(looked, Some(0));
    }
}

#[aiomisc::test(runtimes(all))]
async fn a_service_beside_a_program_is_timed_as_well() {
    log::keep();
    let (runtime, clock) = manual();
    static NUMBER: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    let name = format!("embedded {number}");
    let service = service_fn(name.clone(), move |ctx: ServiceContext| {
        let clock = clock.clone();
        async move {
            ctx.ready();
            ctx.stopping().await;
            clock.advance(Duration::from_millis(250));
            Ok(())
        }
    });
    let ep = Entrypoint::builder()
        .runtime(runtime)
        .debug(true)
        .service(service)
        .start()
        .await
        .expect("it starts");
    ep.graceful_shutdown("done").await.expect("nothing fails");
    let lines = log::with(&format!("task={name} "));
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("took=250ms"), "{lines:?}");
}

/// A context may be given to any thread: what is spawned with it belongs to the service all the same.
#[aiomisc::test(runtimes(real))]
async fn a_task_that_is_spawned_from_outside_belongs_to_its_service() {
    let (given, contexts) = mpsc::channel::<ServiceContext>();
    let service = service_fn("it", move |ctx| {
        given.send(ctx).expect("the test waits for it");
        async { Ok(()) }
    });
    let ep = Entrypoint::builder()
        .environment(|_| None)
        .log_config(false)
        .service(service)
        .start()
        .await
        .expect("it starts");
    let (told, names) = futures::channel::oneshot::channel();
    let outside = std::thread::spawn(move || {
        let ctx = contexts.recv().expect("the service gives it");
        ctx.spawn(async move {
            let name = ServiceContext::current().map(|ctx| ctx.name().to_owned());
            let _ = told.send(name);
            pending().await
        });
    });
    assert_eq!(names.await.expect("it is told").as_deref(), Some("it"));
    outside.join().expect("it does not panic");
    assert!(ep.tasks().iter().any(|task| task.name == "it"));
    ep.graceful_shutdown("done").await.expect("all is well");
}

/// What a service still has when the time for its stop is over is named with where it was spawned.
#[test]
fn the_tasks_of_a_service_that_overruns_are_named() {
    struct Hangs(&'static str);

    #[aiomisc::async_trait]
    impl aiomisc::Service for Hangs {
        fn name(&self) -> std::borrow::Cow<'_, str> {
            self.0.into()
        }

        async fn start(&self, ctx: ServiceContext) -> Result<(), aiomisc::BoxError> {
            ctx.spawn(pending());
            Ok(())
        }

        async fn stop(&self, _: &aiomisc::StopReason) -> Result<(), aiomisc::BoxError> {
            pending().await
        }
    }

    log::keep();
    let here = line!() - 10;
    for (runtime, name) in runtimes()
        .into_iter()
        .zip(["hangs 1", "hangs 2", "hangs 3"])
    {
        let error = Entrypoint::builder()
            .runtime(runtime)
            .exit_on_overrun(false)
            .shutdown_timeout(Duration::from_millis(1))
            .service(Hangs(name))
            .run(async {})
            .expect_err("it hangs");
        assert!(error.overran());
        let lines = log::with("still there after the shutdown timeout");
        let spawned_at = format!("spawned_at={}:{here}:", file!());
        let named = |line: &String| line.contains(name) && line.contains(&spawned_at);
        assert!(lines.iter().any(named), "{lines:?}");
    }
}
