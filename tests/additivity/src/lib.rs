//! Features add: a program that uses one adapter behaves the same when a dependency enables the
//! other one.
//!
//! The programs in `src/bin` use the library through the adapter of `smol-app` or `tokio-app` and
//! print what they find. The tests compare that with one text for each program, the same whether
//! `tokio-elsewhere` or `smol-elsewhere` is on or not. What an adapter more may change is only this:
//! what failed for want of a runtime may begin to work, see `tests/without_a_choice.rs`.
#![allow(
    clippy::print_stdout,
    reason = "what the programs print is what the tests read"
)]

pub mod extension;

use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use aiomisc::net::{Addr, Stream};
use aiomisc::runtime::Runtime;
use aiomisc::{Service, TcpServer};
use futures::{AsyncReadExt as _, AsyncWriteExt as _};

/// The runtime that free functions find here.
#[must_use]
pub fn found() -> String {
    match Runtime::current() {
        Ok(runtime) => runtime.name().to_owned(),
        Err(_) => "none".to_owned(),
    }
}

/// Prints what free functions find and do at a place of a program.
///
/// # Panics
///
/// If something does not work there.
pub async fn observe(place: &str) {
    let here = found();
    let inside = aiomisc::spawn(async { found() }).await;
    let inside = inside.expect("a task runs to its end");
    let runtime = Runtime::current().expect("tasks run");
    let blocking = runtime.spawn_blocking(found).await;
    let blocking = blocking.expect("a job runs to its end");

    let short = Duration::from_millis(1);
    aiomisc::time::sleep(short).await;
    let late = aiomisc::time::timeout(short, std::future::pending::<()>()).await;
    assert!(late.is_err(), "nothing is ready");
    println!("{place}: {here}, task: {inside}, blocking: {blocking}, timers: yes");
}

/// Prints what tasks are called, and what becomes of their panics.
///
/// # Panics
///
/// If a task is not as documented.
pub async fn tasks() {
    let unnamed = aiomisc::spawn(an_unnamed_future());
    println!("unnamed task: {}", unnamed.name());
    assert!(
        unnamed.spawned_at().file().ends_with("lib.rs"),
        "{unnamed:?}"
    );
    unnamed.await.expect("it ends");

    let runtime = Runtime::current().expect("this is a task");
    let named = runtime
        .task("counter")
        .spawn(async { panic!("out of numbers") });
    println!("named task: {}", named.name());
    let error = named.await.map(|()| "ended").expect_err("it panics");
    let text = error.panic_text().unwrap_or("no panic");
    println!("its panic: {} of {}", text, error.task_name());

    let endless = aiomisc::spawn(std::future::pending::<()>());
    let error = endless.cancel().await.expect_err("it has no end");
    println!(
        "an aborted task: cancelled {}, panicked {}",
        error.is_cancelled(),
        error.is_panic()
    );
}

async fn an_unnamed_future() {
    std::future::ready(()).await;
}

/// Where the server listens that was started last.
static PORT: AtomicU16 = AtomicU16::new(0);

/// A server that says on which runtime its handler is.
#[must_use]
pub fn server() -> impl Service {
    let handler = |mut stream: Stream, _| async move {
        let mut question = [0; 4];
        stream.read_exact(&mut question).await?;
        let answer = format!("handled on {}", found());
        stream.write_all(answer.as_bytes()).await?;
        Ok(())
    };
    let keep_port = |address: &Addr| {
        let port = address.port().unwrap_or_default();
        PORT.store(port, Ordering::SeqCst);
    };
    TcpServer::new("127.0.0.1:0", handler).on_listening(keep_port)
}

/// Prints what the server answers.
///
/// # Panics
///
/// If the connection does not work.
pub async fn ask() {
    let port = PORT.load(Ordering::SeqCst);
    let stream = aiomisc::net::connect(("127.0.0.1", port)).await;
    let mut stream = stream.expect("the server listens");
    stream.write_all(b"ping").await.expect("it reads");
    let mut answer = String::new();
    stream
        .read_to_string(&mut answer)
        .await
        .expect("it answers");
    println!("server: {answer}");
}

/// Sends this process SIGTERM, and waits for what comes of it.
///
/// # Panics
///
/// Where there are no signals.
pub async fn terminate() {
    #[cfg(unix)]
    nix::sys::signal::raise(nix::sys::signal::Signal::SIGTERM).expect("a signal can be sent");
    std::future::pending::<()>().await;
}
