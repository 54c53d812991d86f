//! An entrypoint around the main job: in a line, with every option written out, and around code that
//! is not asynchronous.
//!
//! ```sh
//! cargo run --example entrypoint -- --mode generic
//! cargo run --example entrypoint -- --mode complete
//! cargo run --example entrypoint -- --mode block
//! ```
//!
//! Each ends by itself; Ctrl-C ends it earlier. `--runtime` takes `smol` or `tokio`.
#![allow(clippy::print_stdout, reason = "this is what the example shows")]

use std::thread;
use std::time::Duration;

use aiomisc::entrypoint::{OsSignal, Settings};
use aiomisc::log::{LogFormat, LogLevel};
use aiomisc::{BoxError, Entrypoint, ServiceContext, service_fn, time};

#[path = "common/cli.rs"]
mod cli;

fn main() -> Result<(), BoxError> {
    let args = cli::Args::parse(&["--mode", "--runtime"])?;
    match args.get("--mode", "generic").as_str() {
        "generic" => generic(&args),
        "complete" => complete(&args),
        "block" => block(&args),
        other => Err(format!("--mode {other}: expected generic, complete or block").into()),
    }
}

/// All that most programs need.
fn generic(args: &cli::Args) -> Result<(), BoxError> {
    let outcome = args.entrypoint()?.run(async {
        time::sleep(Duration::from_millis(100)).await;
        "hello there"
    })?;
    match outcome.stop_reason() {
        Some(reason) => println!("stopped before the main job was done: {reason}"),
        None => println!(
            "the main job said: {}",
            outcome.finished().unwrap_or_default()
        ),
    }
    Ok(())
}

/// Every option, with the value that it has anyway.
#[allow(
    clippy::disallowed_methods,
    reason = "the process's environment is a default here"
)]
fn complete(args: &cli::Args) -> Result<(), BoxError> {
    let processors = thread::available_parallelism().map_or(4, usize::from);
    let outcome = args
        .entrypoint()? // .runtime(…): smol, where neither this nor the environment names one
        .pool_size(processors.clamp(4, 32))
        .log_config(true)
        .log_level(LogLevel::Info)
        .log_format(LogFormat::default()) // what suits the terminal, the journal or the file
        .log_date_format("%Y-%m-%d %H:%M:%S")
        .log_buffering(true)
        .log_buffer_size(1024)
        .log_flush_interval(Duration::from_millis(200))
        .debug(false)
        .catch_signals([OsSignal::INT, OsSignal::TERM])
        .shutdown_timeout(Duration::from_secs(60))
        .exit_on_overrun(true)
        .environment(|variable| std::env::var(variable).ok())
        .run(async {
            tracing::info!("hello there");
            Entrypoint::current().map(|entrypoint| entrypoint.settings().clone())
        })?;
    if let Some(settings) = outcome.finished().flatten() {
        print(&settings);
    }
    Ok(())
}

fn print(settings: &Settings) {
    println!("pool size         {}", settings.pool_size());
    println!("log level         {}", settings.log_level());
    println!("log format        {}", settings.log_format());
    println!("log buffering     {}", settings.log_buffering());
    println!("log buffer size   {}", settings.log_buffer_size());
    println!("log flushed after {:?}", settings.log_flush_interval());
    println!("debug             {}", settings.debug());
    println!("signals           {:?}", settings.catch_signals());
    println!("shutdown timeout  {:?}", settings.shutdown_timeout());
}

/// Code that is not asynchronous, while services run around it.
fn block(args: &cli::Args) -> Result<(), BoxError> {
    let greeter = service_fn("greeter", |ctx: ServiceContext| async move {
        println!("the service has started");
        ctx.ready();
        ctx.stopping().await;
        println!("the service stops");
        Ok(())
    });
    let reason = args.entrypoint()?.service(greeter).block(|ep| {
        // As often as needed. After Ctrl-C each of them is `Outcome::Stopped`, at once.
        let forty = ep.block_on(async { 40 });
        let two = ep.block_on(async {
            time::sleep(Duration::from_millis(10)).await;
            2
        });
        println!("two waits: {:?}, {:?}", forty.finished(), two.finished());

        let handle = Entrypoint::clone(ep);
        let ticking = ep.spawn(async move {
            let mut ticks = time::interval(Duration::from_millis(100));
            for count in 1..=3 {
                ticks.tick().await;
                println!("tick {count}");
            }
            handle.request_stop("three ticks are enough");
        });
        ticking.detach();
        ep.run_forever()
    })?;
    println!("ended: {reason}");
    Ok(())
}
