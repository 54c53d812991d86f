//! A tokio program that uses the library here and there, without an entrypoint around it.
#![allow(clippy::print_stdout, reason = "that is what the tests read")]

use std::thread;

use additivity::{ask, found, observe, server, tasks};
use aiomisc::adapters::Tokio;
use aiomisc::{Entrypoint, Outcome, Runtime, services};

#[tokio::main]
async fn main() {
    observe("#[tokio::main]").await;
    tasks().await;
    join(tokio::spawn(observe("tokio::spawn"))).await;
    let found_there = tokio::task::spawn_blocking(found);
    println!("tokio::task::spawn_blocking: {}", join(found_there).await);
    let inside = tokio::spawn(async {
        // A timer and a task of the program's own, beside ours.
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        aiomisc::spawn(observe("a task in tokio::spawn")).await
    });
    join(inside).await.expect("a task runs to its end");

    let running = Entrypoint::builder()
        .service(server())
        .log_config(false)
        .start()
        .await
        .expect("the server starts");
    ask().await;
    let stopped = running.graceful_shutdown("enough").await;
    println!("stopped: {}", stopped.expect("the server stops"));

    // Threads that are not tokio's, and `run`, find what the program installs.
    let ours: Runtime = Tokio::current().into();
    ours.install_default().expect("it is the first");
    let thread = thread::spawn(|| {
        println!("thread: {}", found());
        let runtime = Runtime::current().expect("it was installed");
        runtime.block_on(observe("block_on in a thread"));
        let outcome = aiomisc::run(observe("run"), services![server()]);
        println!("run: {}", matches!(outcome, Ok(Outcome::Finished(()))));

        let own = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let own = own.expect("a runtime can be made");
        own.block_on(observe("a current-thread runtime"));
    });
    join(tokio::task::spawn_blocking(|| thread.join()))
        .await
        .expect("it does not panic");
}

async fn join<T>(task: tokio::task::JoinHandle<T>) -> T {
    task.await.expect("a task runs to its end")
}
