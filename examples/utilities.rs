//! The small helpers: the first of several, tasks that end, functions that are awaited alike, sockets, strategies.
//!
//! ```sh
//! cargo run --example utilities
//! ```
//!
//! `--runtime` takes `smol` or `tokio`.
#![allow(clippy::print_stdout, reason = "this is what the example shows")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use aiomisc::net::bind_socket;
use aiomisc::recurring::{Next, RecurringCallback};
use aiomisc::utils::{
    AwaitableFn, awaitable, awaitable_async, cancel_tasks, chunk_list, fast_uuid4, select_all,
};
use aiomisc::{BoxError, select, time};

#[path = "common/cli.rs"]
mod cli;

fn main() -> Result<(), BoxError> {
    let args = cli::Args::parse(&["--runtime"])?;
    let outcome = args.entrypoint()?.log_config(false).run(async {
        first_of_several().await;
        end_of_tasks().await;
        functions_alike().await;
        socket().await?;
        strategies().await?;
        shielded().await;
        lists_and_names();
        Ok::<(), BoxError>(())
    })?;
    outcome.finished().ok_or("a signal came")??;
    Ok(())
}

async fn first_of_several() {
    let slow = async {
        time::sleep(Duration::from_secs(60)).await;
        "slow"
    };
    let result = select![slow, async { "quick" }].await;
    println!("select: {:?}", result.result());

    let waits = [300, 100].map(|seconds| time::sleep(Duration::from_secs(seconds)));
    let result = select_all(waits).timeout(Duration::from_millis(1)).await;
    println!("select in time: {}", result.done());
}

async fn end_of_tasks() {
    let tasks = (0..3).map(|_| aiomisc::spawn(std::future::pending::<()>()));
    let results = cancel_tasks(tasks).await;
    let gone = results.iter().filter(|result| result.is_err()).count();
    println!("cancel_tasks: {gone} have gone");
}

async fn functions_alike() {
    let steps: [AwaitableFn<u32, u32>; 2] = [
        awaitable(|number| number + 1),
        awaitable_async(|number| async move {
            time::sleep(Duration::from_millis(1)).await;
            number * 2
        }),
    ];
    let mut number = 1;
    for step in &steps {
        number = step(number).await;
    }
    println!("awaitable: {number}");
}

async fn socket() -> Result<(), BoxError> {
    let listener = bind_socket("127.0.0.1:0").listen().await?;
    println!("bind_socket: {}", listener.local_addr()?.port().is_some());
    Ok(())
}

/// A call after each of the pauses but those that are skipped, and then none.
async fn strategies() -> Result<(), BoxError> {
    let calls = Arc::new(AtomicU32::new(0));
    let counts = Arc::clone(&calls);
    let callback = RecurringCallback::new(move || {
        let call = counts.fetch_add(1, Ordering::Relaxed) + 1;
        async move { println!("strategy: call {call}") }
    });
    let mut asked = 0;
    let task = callback.start(move || {
        asked += 1;
        match asked {
            2 => Next::Skip(Duration::from_millis(2)),
            1..=4 => Next::Wait(Duration::from_millis(1)),
            _ => Next::Stop,
        }
    })?;
    println!("strategy: {}", task.await);
    Ok(())
}

async fn shielded() {
    let (done, is_done) = futures::channel::oneshot::channel();
    let save = aiomisc::utils::shield(async move {
        time::sleep(Duration::from_millis(500)).await;
        // Somebody waits for it below.
        let _ = done.send("saved");
    });
    let waited = time::timeout(Duration::from_millis(1), save).await;
    println!("shield: {}, and {:?}", waited.is_err(), is_done.await);
}

fn lists_and_names() {
    let lists: Vec<_> = chunk_list(1..=5, 2).collect();
    println!("chunk_list: {lists:?}");
    println!("fast_uuid4: {}", fast_uuid4());
}
