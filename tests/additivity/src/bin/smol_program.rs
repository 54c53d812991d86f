//! A smol program that uses the library here and there, without an entrypoint around it.
#![allow(clippy::print_stdout, reason = "that is what the tests read")]

use std::thread;

use additivity::{ask, found, observe, server, tasks};
use aiomisc::{Entrypoint, Outcome, services};

fn main() {
    smol::block_on(async {
        observe("smol::block_on").await;
        tasks().await;
        smol::spawn(observe("smol::spawn")).await;
        println!("smol::unblock: {}", smol::unblock(found).await);
        smol::spawn(async {
            // A timer and a task of the program's own, beside ours.
            smol::Timer::after(std::time::Duration::from_millis(1)).await;
            aiomisc::spawn(observe("a task in smol::spawn")).await
        })
        .await
        .expect("a task runs to its end");

        let running = Entrypoint::builder()
            .service(server())
            .log_config(false)
            .start()
            .await
            .expect("the server starts");
        ask().await;
        let stopped = running.graceful_shutdown("enough").await;
        println!("stopped: {}", stopped.expect("the server stops"));
    });

    let thread = thread::spawn(|| {
        println!("thread: {}", found());
        smol::block_on(observe("smol::block_on in a thread"));
    });
    thread.join().expect("it does not panic");

    let outcome = aiomisc::run(observe("run"), services![server()]);
    println!("run: {}", matches!(outcome, Ok(Outcome::Finished(()))));
}
