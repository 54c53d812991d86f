//! Receivers of an entrypoint's signals and of a program's own, and what becomes of those that fail.
//!
//! ```sh
//! cargo run --example signals
//! cargo run --example signals -- --fail POST_START
//! ```
//!
//! It ends by itself. `--fail` takes `PRE_START`, `POST_START`, `PRE_STOP` or `POST_STOP`; `--runtime`
//! takes `smol` or `tokio`.
#![allow(clippy::print_stdout, reason = "this is what the example shows")]

use aiomisc::service::ServiceHandle;
use aiomisc::signal::{
    Lifecycle, POST_START, POST_STOP, PRE_START, PRE_STOP, START_FAILED, Signal, StartFailed,
};
use aiomisc::{BoxError, receiver, service_fn, services};

#[path = "common/cli.rs"]
mod cli;

// Receivers may stand anywhere in the program. The attribute connects them to every entrypoint.

#[receiver(PRE_START)]
async fn prepare_database(event: Lifecycle) -> Result<(), BoxError> {
    println!("PRE_START: a database for {}", names(&event.services));
    Ok(())
}

#[receiver(POST_START)]
async fn startup_notifier(event: Lifecycle) {
    println!("POST_START: up are {}", names(&event.services));
}

#[receiver(START_FAILED)]
async fn explain(event: StartFailed) {
    for error in event.errors.iter() {
        println!("START_FAILED: {error}");
    }
}

#[receiver(PRE_STOP)]
async fn shutdown_notifier(event: Lifecycle) {
    println!("PRE_STOP: about to stop {}", names(&event.services));
}

#[receiver(POST_STOP)]
async fn cleanup(_: Lifecycle) {
    println!("POST_STOP: nothing runs any more");
}

/// An event of this program.
#[derive(Clone)]
struct Reloaded {
    version: u32,
}

static RELOADED: Signal<Reloaded> = Signal::new("RELOADED");

#[receiver(RELOADED)]
async fn forget_caches(event: Reloaded) {
    println!("RELOADED: caches are for version {} now", event.version);
}

fn main() -> Result<(), BoxError> {
    let args = cli::Args::parse(&["--fail", "--runtime"])?;
    let mut entrypoint = args
        .entrypoint()?
        .services(services![
            service_fn("api", |_| async { Ok(()) }),
            service_fn("mail", |_| async { Ok(()) }),
        ])
        // For this entrypoint alone.
        .connect(&POST_START, |event| async move {
            let state = event.entrypoint.state();
            println!("POST_START: the entrypoint is {state:?}");
            Ok(())
        });

    let fail = args.get("--fail", "");
    let signals = [&PRE_START, &POST_START, &PRE_STOP, &POST_STOP];
    match signals.into_iter().find(|signal| signal.name() == fail) {
        Some(signal) => entrypoint = entrypoint.connect(signal, refuse),
        None if fail.is_empty() => {}
        None => return Err(format!("--fail {fail} is no signal of an entrypoint").into()),
    }

    let outcome = entrypoint.run(main_job())?;
    outcome.finished().unwrap_or(Ok(()))
}

async fn refuse(_: Lifecycle) -> Result<(), BoxError> {
    Err("it was told to fail".into())
}

async fn main_job() -> Result<(), BoxError> {
    let audit = RELOADED.connect(|event: Reloaded| async move {
        println!("RELOADED: version {} is in the audit log", event.version);
        Ok(())
    })?;
    RELOADED.call(Reloaded { version: 2 }).await?;
    RELOADED.disconnect(audit)?;

    // One that fails keeps no other from being called, and the caller learns of it.
    let fails = |_| async { Err("the replica is down".into()) };
    RELOADED.connect_as("replicate", fails)?;
    if let Err(error) = RELOADED.call(Reloaded { version: 3 }).await {
        println!("not all did well: {error}");
    }
    Ok(())
}

fn names(services: &[ServiceHandle]) -> String {
    let names: Vec<_> = services.iter().map(ServiceHandle::name).collect();
    names.join(" and ")
}
