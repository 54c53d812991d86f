//! The end of a pool.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aiomisc::Runtime;
use aiomisc::thread::{SyncWaitError, ThreadPool, sync_wait};

use super::Held;
use super::shared::log;

#[aiomisc::test(runtimes(all))]
async fn it_drains_what_it_has() {
    let pool = ThreadPool::new(2).unwrap();
    let count = Arc::new(AtomicUsize::new(0));
    for _ in 0..100 {
        let count = Arc::clone(&count);
        pool.run(move || count.fetch_add(1, Ordering::SeqCst))
            .detach();
    }
    pool.shutdown(true).await.unwrap();
    assert_eq!(count.load(Ordering::SeqCst), 100);
    assert_eq!((pool.running(), pool.waiting()), (0, 0));
    let error = pool.run(|| ()).await.unwrap_err();
    assert!(error.is_closed());
    assert!(
        error
            .to_string()
            .ends_with("did not run: its pool was shut down")
    );
    pool.shutdown(true).await.expect("once more is fine");
}

#[aiomisc::test(runtimes(all))]
async fn without_waiting_those_that_have_not_begun_are_given_up() {
    let pool = ThreadPool::new(1).unwrap();
    let held = Held::on(&pool);
    held.begun().await;
    let queued = pool.run_as("queued", || ());
    let left = pool.shutdown(false).await.unwrap_err();
    let names: Vec<_> = left.jobs().iter().map(|job| &*job.name).collect();
    assert_eq!(names, ["held", "queued"]);
    assert!(queued.await.unwrap_err().is_closed());
    held.end()
        .await
        .expect("what waits in `sync_wait` gets an error, and returns");
}

#[aiomisc::test(runtimes(all))]
async fn dropping_the_shutdown_keeps_the_pool_closed() {
    let pool = ThreadPool::new(1).unwrap();
    let held = Held::on(&pool);
    held.begun().await;
    let queued = pool.run(|| 1);
    assert!(
        futures::future::poll_immediate(pool.shutdown(true))
            .await
            .is_none()
    );
    assert!(pool.is_closed());
    assert!(pool.run(|| ()).await.unwrap_err().is_closed());
    held.end().await.unwrap();
    assert_eq!(queued.await.unwrap(), 1);
    pool.shutdown(true).await.unwrap();
}

#[cfg(feature = "simulation")]
#[aiomisc::test(runtimes(simulation))]
async fn ten_thousand_jobs_are_left_at_the_limit_and_named() {
    let runtime = Runtime::current().unwrap();
    let pool = ThreadPool::builder()
        .name("busy")
        .size(2)
        .shutdown_timeout(Duration::from_secs(3))
        .build()
        .unwrap();
    let held = [Held::on(&pool), Held::on(&pool)];
    let mut jobs = Vec::new();
    for _ in 0..10_000 {
        jobs.push(pool.run_as("later", || ()));
    }
    let begun = runtime.now();
    let left = pool.shutdown(true).await.unwrap_err();
    assert_eq!(runtime.now() - begun, Duration::from_secs(3));
    assert_eq!(left.jobs().len(), 10_002);
    assert!(left.jobs()[..2].iter().all(|job| job.name == "held"));
    assert!(left.jobs()[2..].iter().all(|job| job.name == "later"));
    let here = left.jobs()[9_000].spawned_at;
    assert_eq!((here.file(), here.line()), (file!(), begun_line()));
    let text = left.to_string();
    assert!(
        text.starts_with("the pool `busy` was shut down, and after 3.0s 10002 of its jobs were left: `held` (submitted at "),
        "{text}"
    );
    assert!(text.ends_with(", and 9982 more"), "{text}");
    for job in jobs {
        assert!(job.await.unwrap_err().is_closed());
    }
    for held in held {
        held.end().await.unwrap();
    }
}

/// Where the ten thousand are submitted.
fn begun_line() -> u32 {
    let text = include_str!("shutdown.rs");
    let line = text
        .lines()
        .position(|line| line.contains("run_as(\"later\""));
    u32::try_from(line.unwrap() + 1).unwrap()
}

#[cfg(feature = "simulation")]
#[aiomisc::test(runtimes(simulation))]
async fn a_wait_ends_with_an_error_when_the_time_is_over() {
    let pool = ThreadPool::new(1).unwrap();
    let waits = pool.run(|| sync_wait(std::future::pending::<()>()));
    let runtime = Runtime::current().unwrap();
    let begun = runtime.now();
    let left = pool.shutdown(true).await.unwrap_err();
    assert_eq!(
        runtime.now() - begun,
        Duration::from_secs(10),
        "the default"
    );
    assert_eq!(left.jobs().len(), 1);
    let error: SyncWaitError = waits.await.unwrap().unwrap_err();
    assert!(error.is_cut());
    assert_eq!(
        error.to_string(),
        "the pool of threads was shut down, and its time is over"
    );
}

/// A job that blocks for ever does not keep the program; it is named, with its place.
#[cfg(feature = "simulation")]
#[test]
fn the_jobs_of_an_entrypoint_are_drained_and_those_left_are_named() {
    log::keep();
    let simulation = aiomisc::adapters::Simulation::new(1);
    let runtime = Runtime::from(simulation);
    let (begun, ended) = runtime.block_on(async {
        let runtime = Runtime::current().unwrap();
        let begun = runtime.now();
        let running = aiomisc::Entrypoint::builder()
            .runtime(runtime.clone())
            .log_config(false)
            .start()
            .await
            .unwrap();
        running
            .pool()
            .run_as("stuck", || sync_wait(std::future::pending::<()>()))
            .detach();
        running.graceful_shutdown("enough").await.unwrap();
        (begun, runtime.now())
    });
    assert_eq!(ended - begun, Duration::from_secs(10));
    let records = log::with("job=stuck ");
    assert_eq!(records.len(), 1, "{records:?}");
    let record = &records[0];
    assert!(
        record.contains("left after 10.0s") && record.contains("tests/thread/shutdown.rs"),
        "{record}"
    );
}

/// The entrypoint does not shut down pools that the program has made; what they have left is named.
#[test]
fn the_jobs_of_other_pools_are_named_at_the_end_of_a_program() {
    log::keep();
    for runtime in super::shared::RUNTIME_NAMES {
        let pool = ThreadPool::new(1).unwrap();
        let name = format!("left of {runtime}");
        let held = aiomisc::Entrypoint::builder()
            .environment(super::shared::made(runtime))
            .run(async {
                let name = name.clone();
                let held = Held::with(|run| pool.run_as(name, run));
                held.begun().await;
                held
            })
            .unwrap();
        let records = log::with(&format!("task={name} "));
        assert_eq!(records.len(), 1, "{records:?}");
        assert!(
            records[0].contains("at the end of the program"),
            "{records:?}"
        );
        drop(held);
    }
}
