//! Traps of tasks: dropping, panics, blocking jobs, and wakers that come back.

use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use aiomisc::runtime::{
    Backend, BlockingJob, Net, Placement, RawStream, Runtime, Sleep, Spawn, Task, TaskHandle, Timer,
};
use futures::future::BoxFuture;

use crate::common::{Alive, LIMIT, limited, on_each};
use ::smol::future::yield_now;

/// Dropping smol's task cancels it, dropping tokio's detaches it. Ours detaches.
#[test]
fn trap_6_dropping_a_task_detaches_it() {
    on_each(|runtime| {
        let (go, gate) = futures::channel::oneshot::channel::<()>();
        let (done, ended) = futures::channel::oneshot::channel();
        runtime.block_on(async {
            drop(aiomisc::spawn(async move {
                gate.await.unwrap();
                done.send("went on").unwrap();
            }));
            yield_now().await;
            go.send(()).unwrap();
            assert_eq!(ended.await, Ok("went on"));
        });
    });
}

#[test]
fn trap_6_abort_and_abort_on_drop_say_otherwise() {
    on_each(|runtime| {
        runtime.block_on(async {
            let alive = Alive::default();
            let hold = || {
                let life = alive.one();
                async move {
                    let _life = life;
                    pending::<()>().await;
                }
            };
            let aborted = aiomisc::spawn(hold());
            aborted.abort();
            assert!(aborted.await.unwrap_err().is_cancelled());
            assert!(
                aiomisc::spawn(hold())
                    .cancel()
                    .await
                    .unwrap_err()
                    .is_cancelled()
            );
            let tied = aiomisc::spawn(hold()).abort_on_drop();
            yield_now().await;
            drop(tied);
            while alive.count() > 0 {
                yield_now().await;
            }
        });
    });
}

/// tokio reports panics, async-executor resumes them in whoever awaits and loses those of detached
/// tasks. We catch, report, and log by name.
#[test]
fn trap_7_panics_are_reported() {
    on_each(|runtime| {
        let bad: Task<()> = runtime
            .task("bad")
            .spawn(async { panic!("seven {}", std::hint::black_box(7)) });
        let error = runtime.block_on(bad).unwrap_err();
        assert!(error.is_panic());
        assert_eq!(
            (error.task_name(), error.panic_text()),
            ("bad", Some("seven 7"))
        );
        assert!(error.spawned_at().file().ends_with("tasks.rs"));
        let text = error.to_string();
        assert!(
            text.contains("task `bad`") && text.ends_with("panicked: seven 7"),
            "{text}"
        );
        let payload = error.into_panic().unwrap();
        assert_eq!(payload.downcast_ref::<String>().unwrap(), "seven 7");
    });
}

#[test]
fn trap_7_panics_of_detached_tasks_are_logged_by_name() {
    for (name, make) in crate::common::RUNTIMES {
        limited(LIMIT, move || {
            let log = Log::default();
            // Detached while it runs, and detached when it has ended already.
            let runtime = make();
            let _here = tracing::subscriber::set_default(log.clone());
            let dispatch = tracing::dispatcher::get_default(Clone::clone);
            runtime.block_on(async {
                let bad = |dispatch: tracing::Dispatch| {
                    // A runtime with threads of its own logs from there.
                    async move {
                        let _there = tracing::dispatcher::set_default(&dispatch);
                        panic!("on purpose")
                    }
                };
                let early: Task<()> = runtime.task("early").spawn(bad(dispatch.clone()));
                while !early.is_finished() {
                    yield_now().await;
                }
                drop(early);
            });
            let lines = log.0.lock().unwrap().clone();
            let found = lines
                .iter()
                .any(|line| line.contains("task=early") && line.contains("panic=on purpose"));
            assert!(found, "{name}: {lines:?}");
        });
    }
}

#[test]
fn trap_7_a_panic_in_a_task_that_was_detached_before_is_logged_by_name() {
    // On this thread alone, where the log is.
    let only: &[fn() -> Runtime] = &[
        #[cfg(feature = "smol")]
        || aiomisc::adapters::Smol::new().into(),
        #[cfg(feature = "tokio")]
        || aiomisc::adapters::Tokio::current_thread().unwrap().into(),
    ];
    for make in only {
        limited(LIMIT, move || {
            let (log, runtime) = (Log::default(), make());
            let _here = tracing::subscriber::set_default(log.clone());
            runtime.block_on(async {
                let (done, ended) = futures::channel::oneshot::channel::<()>();
                let late: Task<()> = runtime.task("late").spawn(async move {
                    yield_now().await;
                    let _done = done;
                    panic!("on purpose")
                });
                late.detach();
                assert!(ended.await.is_err());
                yield_now().await;
            });
            let lines = log.0.lock().unwrap().clone();
            let found = |line: &String| line.contains("task=late") && line.contains("on purpose");
            assert!(lines.iter().any(found), "{lines:?}");
        });
    }
}

/// Keeps the events that are traced, one line each.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl tracing::Subscriber for Log {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        struct Line(String);
        impl tracing::field::Visit for Line {
            fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
                self.0 += &format!("{}={value:?} ", field.name());
            }
        }
        let mut line = Line(String::new());
        event.record(&mut line);
        self.0.lock().unwrap().push(line.0);
    }

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}
}

/// `blocking` resumes a panic in whoever waits, and drops work that has not started with its task.
#[test]
fn trap_10_a_panic_in_a_blocking_job_is_its_error() {
    on_each(|runtime| {
        let job: Task<()> = runtime.spawn_blocking(|| panic!("in the job"));
        let error = runtime.block_on(job).unwrap_err();
        assert_eq!(error.panic_text(), Some("in the job"));
    });
}

#[test]
fn trap_10_blocking_jobs_see_their_runtime_and_its_context() {
    on_each(|runtime| {
        let job = runtime.spawn_blocking(Runtime::current);
        let seen = runtime.block_on(job).unwrap().unwrap();
        assert!(seen.same_as(&runtime));
        #[cfg(feature = "tokio")]
        if runtime.name() == "tokio" {
            let job = runtime.spawn_blocking(|| ::tokio::runtime::Handle::try_current().is_ok());
            assert!(
                runtime.block_on(job).unwrap(),
                "code written for tokio finds it"
            );
        }
    });
}

/// A backend that keeps blocking jobs until they are let go.
#[derive(Clone, Default)]
struct Holding(Arc<Mutex<Vec<BlockingJob>>>);

impl std::fmt::Debug for Holding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Holding")
    }
}

impl Backend for Holding {
    fn name(&self) -> &str {
        "holding"
    }

    fn run_blocking(&self, _name: &str, job: BlockingJob) {
        self.0.lock().unwrap().push(job);
    }
}

impl Holding {
    fn let_go(&self) {
        let jobs = std::mem::take(&mut *self.0.lock().unwrap());
        for job in jobs {
            job();
        }
    }
}

impl Spawn for Holding {
    fn spawn(&self, _: &str, _: Placement, _: BoxFuture<'static, ()>) -> Box<dyn TaskHandle> {
        unreachable!("no task is spawned")
    }
}

impl Timer for Holding {
    fn sleep(&self, _: Duration) -> Pin<Box<dyn Sleep>> {
        unreachable!("nobody sleeps")
    }

    fn now(&self) -> Instant {
        unreachable!("nobody asks")
    }
}

impl Net for Holding {
    fn connect_tcp(&self, _: SocketAddr) -> BoxFuture<'static, io::Result<Box<dyn RawStream>>> {
        unreachable!("nobody connects")
    }
}

#[test]
fn trap_10_a_job_whose_task_was_dropped_still_runs() {
    let (holding, alive) = (Holding::default(), Alive::default());
    let runtime = Runtime::new(holding.clone());
    let life = alive.one();
    drop(runtime.spawn_blocking(move || drop(life)));
    assert_eq!(alive.count(), 1);
    holding.let_go();
    assert_eq!(alive.count(), 0);
}

#[test]
fn trap_10_an_aborted_job_does_not_start() {
    let (holding, ran) = (Holding::default(), Alive::default());
    let runtime = Runtime::new(holding.clone());
    let there = ran.clone();
    let kept = Arc::new(Mutex::new(Vec::new()));
    let keep = Arc::clone(&kept);
    let job = runtime.spawn_blocking(move || keep.lock().unwrap().push(there.one()));
    job.abort();
    holding.let_go();
    assert_eq!(ran.count(), 0, "it ran");
    let error = futures::executor::block_on(job).unwrap_err();
    assert!(error.is_cancelled());
}

#[test]
fn trap_10_a_job_that_is_dropped_cancels_its_task() {
    let holding = Holding::default();
    let job = Runtime::new(holding.clone()).spawn_blocking(|| ());
    holding.0.lock().unwrap().clear();
    assert!(futures::executor::block_on(job).unwrap_err().is_cancelled());
}

#[test]
fn trap_10_a_job_that_runs_is_not_stopped() {
    on_each(|runtime| {
        let (began, is_running) = std::sync::mpsc::channel();
        let (go, gate) = std::sync::mpsc::channel::<()>();
        let job = runtime.spawn_blocking(move || {
            began.send(()).unwrap();
            gate.recv().unwrap();
            "to its end"
        });
        is_running.recv().unwrap();
        job.abort();
        go.send(()).unwrap();
        assert_eq!(runtime.block_on(job).unwrap(), "to its end");
    });
}

/// A waker that uses the very task that it is woken by.
struct Reenters {
    task: Mutex<Option<Task<u8>>>,
    how: fn(&mut Option<Task<u8>>, &Waker),
    done: std::sync::mpsc::Sender<()>,
}

impl Wake for Reenters {
    fn wake(self: Arc<Self>) {
        let waker = Waker::from(Arc::clone(&self));
        (self.how)(&mut self.task.lock().unwrap(), &waker);
        self.done.send(()).unwrap();
    }
}

fn reenter(runtime: &Runtime, how: fn(&mut Option<Task<u8>>, &Waker)) {
    let (go, gate) = futures::channel::oneshot::channel::<()>();
    let (done, ended) = std::sync::mpsc::channel();
    let mut task = runtime.spawn(async move {
        gate.await.unwrap();
        7
    });
    let reenters = Arc::new(Reenters {
        task: Mutex::new(None),
        how,
        done,
    });
    let waker = Waker::from(Arc::clone(&reenters));
    assert!(
        Pin::new(&mut task)
            .poll(&mut Context::from_waker(&waker))
            .is_pending()
    );
    *reenters.task.lock().unwrap() = Some(task);
    go.send(()).unwrap();
    // Some runtimes go on only while somebody blocks on them.
    runtime.block_on(async {
        while ended.try_recv().is_err() {
            yield_now().await;
        }
    });
    *reenters.task.lock().unwrap() = None;
}

/// Waking under a lock deadlocks when the waker comes back.
#[test]
fn trap_15_a_waker_may_poll_the_task_that_wakes_it() {
    on_each(|runtime| {
        reenter(&runtime, |task, waker| {
            let task = task.as_mut().unwrap();
            let poll = Pin::new(task).poll(&mut Context::from_waker(waker));
            assert!(matches!(poll, Poll::Ready(Ok(7))));
        });
    });
}

#[test]
fn trap_15_a_waker_may_drop_the_task_that_wakes_it() {
    on_each(|runtime| reenter(&runtime, |task, _| drop(task.take())));
}

#[test]
fn trap_15_a_waker_may_abort_the_task_that_wakes_it() {
    on_each(|runtime| {
        reenter(&runtime, |task, _| {
            let task = task.as_ref().unwrap();
            task.abort();
            assert!(task.is_finished());
        });
    });
}
