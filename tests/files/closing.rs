//! What becomes of what is written: flushed, closed, dropped, or lost.

use std::fs;
use std::io::{ErrorKind, SeekFrom};
use std::sync::mpsc;

use aiomisc::io::{self, BinaryFile, OpenOptions, TextFile};
use aiomisc::thread::ThreadPool;
use aiomisc::{Entrypoint, Runtime};

use super::shared::{Folder, log};

/// Waits until the jobs of the pool are done.
async fn jobs_are_done(pool: &ThreadPool) {
    pool.shutdown(true).await.expect("nothing is left");
}

fn pool() -> ThreadPool {
    ThreadPool::builder()
        .name("files")
        .size(1)
        .build()
        .expect("valid")
}

#[aiomisc::test(runtimes(all), timeout = "20s")]
async fn a_dropped_file_is_written_by_a_job() {
    log::keep();
    let folder = Folder::new();
    for buffer in [1, 4, 64 * 1024] {
        let pool = pool();
        let path = folder.join("file");
        let options = OpenOptions::new()
            .mode("w")
            .pool(pool.clone())
            .buffer(buffer);
        let mut file: TextFile = options.open(&path).await.expect("a file");
        for number in 0..10 {
            file.write(number.to_string()).await.expect("room");
        }
        drop(file);
        jobs_are_done(&pool).await;
        assert_eq!(
            fs::read_to_string(&path).expect("it is there"),
            "0123456789"
        );
    }
}

/// `/dev/full` takes nothing: the error comes with the write that finds it, with `flush`, with `close`,
/// and what was not written stays.
#[aiomisc::test(runtimes(all), timeout = "20s")]
async fn a_full_disk_is_told_to_whoever_waits() {
    log::keep();
    let options = OpenOptions::new().mode("wb").buffer(16);
    let mut file: BinaryFile = options.open("/dev/full").await.expect("it is there");
    let mut taken = 0;
    let error = loop {
        match file.write([7; 10]).await {
            Ok(()) => taken += 10,
            Err(error) => break error,
        }
        assert!(taken <= 64, "the buffers are bounded");
    };
    assert_eq!(error.kind(), ErrorKind::StorageFull);
    for error in [file.flush().await, file.sync().await, file.close().await] {
        assert_eq!(
            error.expect_err("it is full").kind(),
            ErrorKind::StorageFull
        );
    }
    assert!(!file.closed());
    assert_eq!(
        file.seek(SeekFrom::End(0))
            .await
            .expect_err("unwritten")
            .kind(),
        ErrorKind::StorageFull
    );
    let again = file.close().await.expect_err("it is full");
    assert_eq!(again.kind(), ErrorKind::StorageFull);
}

/// A program that ignores errors does not fill its memory with what cannot be written.
#[aiomisc::test(runtimes(all), timeout = "20s")]
async fn what_cannot_be_written_is_bounded() {
    log::keep();
    let options = OpenOptions::new().mode("wb").buffer(16);
    let mut file: BinaryFile = options.open("/dev/full").await.expect("it is there");
    let mut taken = 0;
    for _ in 0..1000 {
        if file.write([7; 10]).await.is_ok() {
            taken += 10;
        }
    }
    assert!(taken <= 64, "{taken} bytes are kept");
}

#[aiomisc::test(runtimes(all), timeout = "20s")]
async fn a_full_disk_is_in_the_log_when_the_file_was_dropped() {
    log::keep();
    let folder = Folder::new();
    // Each test looks for names of its own.
    let path = folder.join("link-to-full");
    std::os::unix::fs::symlink("/dev/full", &path).expect("ours");
    let pool = pool();
    let options = OpenOptions::new().mode("w").pool(pool.clone());
    let mut file: TextFile = options.clone().open(&path).await.expect("it is there");
    file.write("lost").await.expect("it goes to the buffer");
    drop(file);
    // A job is under way when this one is dropped.
    let mut file: TextFile = options.buffer(2).open(&path).await.expect("it is there");
    file.write("lost").await.expect("it goes to the buffer");
    drop(file);
    jobs_are_done(&pool).await;
    let lines = log::with(&path.display().to_string());
    assert!(lines.len() >= 2, "{lines:#?}");
    for line in &lines {
        assert!(
            line.starts_with("ERROR message=a dropped file could not be completed"),
            "{line}"
        );
        assert!(
            line.contains("No space left on device") && line.contains("unwritten=4"),
            "{line}"
        );
    }
}

#[test]
fn an_entrypoint_waits_for_files_that_were_dropped() {
    log::keep();
    for runtime in super::shared::runtimes() {
        let folder = Folder::new();
        let paths: Vec<_> = (0..20)
            .map(|number| folder.join(&number.to_string()))
            .collect();
        let inside = paths.clone();
        let builder = Entrypoint::builder()
            .runtime(runtime)
            .log_config(false)
            .pool_size(2);
        let outcome = builder.run(async move {
            for path in inside {
                let mut file: TextFile = io::async_open(path, "w").await.expect("a file");
                file.write("all of it").await.expect("room");
            }
        });
        outcome.expect("nothing fails");
        for path in paths {
            assert_eq!(fs::read_to_string(path).expect("it is there"), "all of it");
        }
    }
}

/// Outside of every runtime, and after the runtime has ended.
#[test]
fn where_no_job_can_run_a_dropped_file_is_written_at_once() {
    log::keep();
    for runtime in super::shared::runtimes() {
        let folder = Folder::new();
        let path = folder.join("file");
        let (send, receive) = mpsc::channel();
        let inside = path.clone();
        runtime.block_on(async move {
            let pool = pool();
            let options = OpenOptions::new().mode("w").pool(pool.clone());
            let mut file: TextFile = options.open(inside).await.expect("a file");
            file.write("all of it").await.expect("room");
            pool.shutdown(true).await.expect("nothing is left");
            send.send(file).expect("somebody takes it");
        });
        let file = receive.recv().expect("it was sent");
        drop(runtime);
        assert_eq!(fs::read_to_string(&path).expect("it is there"), "");
        drop(file);
        assert_eq!(fs::read_to_string(&path).expect("it is there"), "all of it");
    }
}

/// The pool has one thread, which is taken: the job of the write waits in the queue when the pool gives up.
#[cfg(any(feature = "smol", feature = "tokio"))]
#[aiomisc::test(runtimes(real), timeout = "20s")]
async fn a_job_that_never_begins_loses_nothing() {
    log::keep();
    let folder = Folder::new();
    let path = folder.join("file");
    let pool = pool();
    let options = OpenOptions::new().mode("wb").pool(pool.clone()).buffer(4);
    let mut file: BinaryFile = options.open(&path).await.expect("a file");
    let (go, wait) = mpsc::channel::<()>();
    let (begins, begun) = mpsc::channel();
    let blocked = pool.run(move || {
        begins.send(()).expect("the test waits for it");
        wait.recv()
    });
    begun.recv().expect("it begins");
    file.write(b"12345").await.expect("it goes to a job");
    file.write(b"67").await.expect("it goes to the buffer");
    pool.shutdown(false).await.expect_err("one is running");
    let error = file.flush().await.expect_err("nobody does it");
    assert!(error.to_string().contains("pool was shut down"), "{error}");
    drop(file);
    assert_eq!(fs::read(&path).expect("it is there"), b"1234567");
    go.send(()).expect("it waits");
    blocked.await.expect("no panic").expect("it was sent");
}

#[aiomisc::test(runtimes(all), timeout = "20s")]
async fn dropped_files_need_no_task_to_be_polled() {
    log::keep();
    let folder = Folder::new();
    let path = folder.join("file");
    let pool = pool();
    let runtime = Runtime::current().expect("inside");
    let inside = (path.clone(), pool.clone());
    let task = runtime.spawn(async move {
        let (path, pool) = inside;
        let mut file: TextFile = OpenOptions::new().mode("x").pool(pool).open(path).await?;
        file.write("kept").await?;
        std::future::pending::<()>().await;
        std::io::Result::Ok(())
    });
    while !path.exists() {
        ::smol::future::yield_now().await;
    }
    ::smol::future::yield_now().await;
    task.abort();
    let _ = task.await;
    jobs_are_done(&pool).await;
    // It was aborted before the write, or after it.
    let content = fs::read_to_string(&path).expect("it is there");
    assert!(content.is_empty() || content == "kept", "{content}");
}
