//! What a pool promises.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread as std_thread;

use aiomisc::thread::{self, Overflow, ThreadPool};
use aiomisc::{Runtime, statistics};
use futures::channel::oneshot;
use futures::future::{join_all, poll_immediate};

use super::shared::Events;
use super::{Held, until};

#[aiomisc::test(runtimes(all))]
async fn the_result_is_awaited_and_errors_pass_through() {
    assert_eq!(thread::run(|| 6 * 7).await.unwrap(), 42);
    let error = thread::run(|| std::fs::read("/does/not/exist")).await;
    let error = error
        .expect("the job ran")
        .expect_err("there is no such file");
    assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
}

#[aiomisc::test(runtimes(all))]
async fn a_job_runs_on_another_thread_and_sees_its_runtime() {
    let (here, runtime) = (std_thread::current().id(), Runtime::current().unwrap());
    let (there, same) = thread::run(move || {
        let same = Runtime::current().unwrap().same_as(&runtime);
        (std_thread::current().id(), same)
    })
    .await
    .unwrap();
    assert_ne!(here, there);
    assert!(same);
}

#[aiomisc::test(runtimes(all))]
async fn it_is_submitted_by_the_call() {
    let (done, is_done) = oneshot::channel();
    let job = thread::run(move || done.send(()));
    is_done
        .await
        .expect("it runs although nobody has polled it");
    drop(job);
}

#[aiomisc::test(runtimes(all))]
async fn a_panic_is_the_callers_error_and_costs_no_thread() {
    let pool = ThreadPool::new(1).unwrap();
    for _ in 0..3 {
        let job = pool.run_as("bad", || panic!("oh no"));
        let here = line!() - 1;
        let error = job.await.unwrap_err();
        assert!(error.is_panic());
        assert_eq!(error.panic_text(), Some("oh no"));
        assert_eq!(
            (error.job_name(), error.submitted_at().line()),
            ("bad", here)
        );
        assert_eq!(
            error.to_string(),
            format!(
                "job `bad` (submitted at {}) panicked: oh no",
                error.submitted_at()
            )
        );
        let payload = error.into_panic().unwrap();
        assert_eq!(payload.downcast_ref::<&str>(), Some(&"oh no"));
    }
    assert_eq!(pool.run(|| 1).await.unwrap(), 1);
    assert_eq!(pool.size(), 1);
}

#[aiomisc::test(runtimes(all))]
async fn no_more_jobs_than_its_size_run_at_a_time() {
    let pool = ThreadPool::new(3).unwrap();
    let held: Vec<_> = (0..5).map(|_| Held::on(&pool)).collect();
    until(|| pool.running() == 3).await;
    for held in &held[..3] {
        held.begun().await;
    }
    assert_eq!((pool.running(), pool.waiting()), (3, 2));
    for held in &held[3..] {
        assert!(!held.has_begun());
    }
    for held in held {
        held.end().await.unwrap();
    }
    until(|| pool.running() == 0).await;
}

#[aiomisc::test(runtimes(all))]
async fn jobs_begin_in_the_order_of_their_submission() {
    let pool = ThreadPool::new(1).unwrap();
    let order = Arc::new(Mutex::new(Vec::new()));
    let jobs = (0..100).map(|number| {
        let order = Arc::clone(&order);
        pool.run(move || order.lock().unwrap().push(number))
    });
    let jobs: Vec<_> = jobs.collect();
    for result in join_all(jobs).await {
        result.unwrap();
    }
    assert_eq!(*order.lock().unwrap(), (0..100).collect::<Vec<_>>());
}

#[aiomisc::test(runtimes(all))]
async fn a_job_whose_caller_has_gone_before_it_began_never_runs() {
    let pool = ThreadPool::builder()
        .size(1)
        .queue_limit(2)
        .build()
        .unwrap();
    let held = Held::on(&pool);
    held.begun().await;
    let (events, runs) = (Events::default(), Arc::new(AtomicUsize::new(0)));
    let submit = |name: &str| {
        let (dropped, runs) = (events.on_drop(name), Arc::clone(&runs));
        pool.run(move || {
            let _dropped = dropped;
            runs.fetch_add(1, Ordering::SeqCst);
        })
    };
    let (in_queue, stays, in_line) = (submit("queue"), submit("stays"), submit("line"));
    assert_eq!(pool.waiting(), 3);
    drop(in_queue);
    assert_eq!(events.all(), ["queue"], "the closure is dropped at once");
    drop(in_line);
    assert_eq!(events.all(), ["queue", "line"]);
    assert_eq!(pool.waiting(), 1);
    held.end().await.unwrap();
    stays.await.unwrap();
    assert_eq!(runs.load(Ordering::SeqCst), 1);
}

#[aiomisc::test(runtimes(all))]
async fn a_job_whose_caller_goes_while_it_runs_goes_on() {
    let pool = ThreadPool::new(1).unwrap();
    let (events, mut held) = (Events::default(), Held::on(&pool));
    held.begun().await;
    let after = {
        let events = events.clone();
        pool.run(move || events.add("after"))
    };
    held.forget_job();
    held.release();
    after.await.unwrap();
    assert_eq!(events.all(), ["after"]);
}

#[aiomisc::test(runtimes(all))]
async fn a_detached_job_runs_although_nobody_waits() {
    let pool = ThreadPool::new(1).unwrap();
    let held = Held::on(&pool);
    held.begun().await;
    let (done, is_done) = oneshot::channel();
    pool.run(move || done.send(())).detach();
    held.end().await.unwrap();
    is_done.await.unwrap();
}

#[aiomisc::test(runtimes(all))]
async fn a_full_queue_refuses_when_told_so() {
    let pool = ThreadPool::builder()
        .size(1)
        .queue_limit(1)
        .overflow(Overflow::Refuse)
        .build()
        .unwrap();
    let held = Held::on(&pool);
    held.begun().await;
    let queued = pool.run(|| 1);
    let error = pool.run(|| 2).await.unwrap_err();
    assert!(error.is_refused() && !error.is_panic() && !error.is_closed());
    assert!(
        error
            .to_string()
            .ends_with("was refused: the queue of its pool is full, with 1 jobs")
    );
    assert!(pool.submit(|| 3).await.unwrap_err().is_refused());
    // A place that becomes free is used again.
    drop(queued);
    let queued = pool.run(|| 4);
    held.end().await.unwrap();
    assert_eq!(queued.await.unwrap(), 4);
}

#[aiomisc::test(runtimes(all))]
async fn a_full_queue_has_others_wait_in_line() {
    let pool = ThreadPool::builder()
        .size(1)
        .queue_limit(1)
        .build()
        .unwrap();
    let held = Held::on(&pool);
    held.begun().await;
    let first = pool.submit(|| 1).await.expect("there is a place");
    let mut second = Box::pin(pool.submit(|| 2));
    assert!(
        poll_immediate(&mut second).await.is_none(),
        "the queue is full"
    );
    drop(first);
    let second = second.await.expect("the place of the first one is free");
    let third = pool.run(|| 3);
    assert_eq!(pool.waiting(), 2);
    held.end().await.unwrap();
    assert_eq!((second.await.unwrap(), third.await.unwrap()), (2, 3));
}

#[aiomisc::test(runtimes(all))]
async fn without_a_queue_a_job_runs_at_once_or_is_refused() {
    let pool = ThreadPool::builder()
        .size(1)
        .queue_limit(0)
        .overflow(Overflow::Refuse)
        .build()
        .unwrap();
    assert_eq!(pool.run(|| 1).await.unwrap(), 1);
    until(|| pool.running() == 0).await;
    let held = Held::on(&pool);
    held.begun().await;
    assert!(pool.run(|| 2).await.unwrap_err().is_refused());
    held.end().await.unwrap();
}

#[test]
fn a_pool_without_threads_is_an_error_that_says_so() {
    for size in [0, 10_001] {
        let error = ThreadPool::new(size).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("size of a pool of threads: expected a number from 1 to 10000, got {size}")
        );
    }
}

#[test]
fn the_default_size_is_between_4_and_32_by_the_number_of_processors() {
    let pool = ThreadPool::builder().build().unwrap();
    let processors = std_thread::available_parallelism().unwrap().get();
    assert_eq!(pool.size(), processors.clamp(4, 32));
}

#[aiomisc::test(runtimes(all))]
async fn it_counts_what_becomes_of_its_jobs() {
    // Figures are those of the process, in which this runs on several runtimes at a time.
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let name = format!("counted-{}", COUNT.fetch_add(1, Ordering::SeqCst));
    let pool = ThreadPool::builder()
        .name(name.clone())
        .size(2)
        .build()
        .unwrap();
    let figures = || {
        let of_pool: Vec<_> = statistics()
            .filter(|figure| figure.name.as_deref() == Some(&*name))
            .filter(|figure| figure.metric != "sum_time")
            .map(|figure| format!("{} {}", figure.metric, figure.value))
            .collect();
        of_pool
    };
    pool.run(|| ()).await.unwrap();
    pool.run(|| panic!("counted")).await.unwrap_err();
    let held = Held::on(&pool);
    held.begun().await;
    until(|| pool.running() == 1).await;
    assert_eq!(
        figures(),
        ["threads 1", "submitted 3", "done 2", "success 1", "error 1",]
    );
    held.end().await.unwrap();
    drop(pool);
}

#[aiomisc::test(runtimes(all))]
async fn the_pool_of_an_entrypoint_is_used_inside_of_it() {
    let runtime = Runtime::current().unwrap();
    let (answer, is_done) = oneshot::channel();
    let answer = Mutex::new(Some(answer));
    let service = aiomisc::service_fn("asks", move |_| {
        let answer = answer.lock().unwrap().take();
        async move {
            let here = ThreadPool::current().size();
            let on_thread = thread::run(|| ThreadPool::current().size()).await?;
            let _ = answer.map(|answer| answer.send((here, on_thread)));
            Ok(())
        }
    });
    let running = aiomisc::Entrypoint::builder()
        .runtime(runtime)
        .log_config(false)
        .pool_size(7)
        .services(aiomisc::services![service])
        .start()
        .await
        .unwrap();
    assert_eq!(running.pool().size(), 7);
    assert_eq!(is_done.await.unwrap(), (7, 7));
    running.graceful_shutdown("done").await.unwrap();
    thread::run(|| ())
        .await
        .expect("out here there is another one");
}

/// A thread that is left with the fault of the original: "a job that finds its loop closed ends its
/// thread, and the pool does not replace it".
#[test]
fn a_runtime_that_has_ended_costs_the_pool_no_thread() {
    let pool = ThreadPool::new(1).unwrap();
    for runtime in super::shared::runtimes() {
        let ended = runtime.block_on(async {
            let held = Held::on(&pool);
            held.begun().await;
            // Behind it, and never reached.
            let jobs: Vec<_> = (0..1000).map(|_| pool.run(|| ())).collect();
            (held, jobs)
        });
        drop(runtime);
        let (held, jobs) = ended;
        held.release();
        drop(jobs);
    }
    for runtime in super::shared::runtimes() {
        let value = runtime.block_on(async { pool.run(|| 5).await });
        assert_eq!(value.unwrap(), 5);
    }
}
