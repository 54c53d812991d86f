//! What becomes of a service that fails after its start: it is started again, or left alone, or the
//! program stops. And the order in which services start and stop that need each other.
//!
//! ```sh
//! cargo run --example supervision -- --policy restart --failures 2
//! cargo run --example supervision -- --policy restart --failures 4
//! cargo run --example supervision -- --policy ignore
//! cargo run --example supervision -- --policy stop-all
//! ```
//!
//! It ends by itself: the second one with the status 1, because three restarts are the limit here, and
//! the last one as well. `--runtime` takes `smol` or `tokio`.
#![allow(clippy::print_stdout, reason = "this is what the example shows")]

use std::process::ExitCode;
use std::time::Duration;

use aiomisc::service::{Policy, Restart, ServiceState, ServiceStatus};
use aiomisc::{BoxError, Entrypoint, Key, Service, ServiceContext, StopReason, async_trait};

#[path = "common/cli.rs"]
mod cli;

struct Database;

#[async_trait]
impl Service for Database {
    async fn start(&self, _: ServiceContext) -> Result<(), BoxError> {
        println!("database: up");
        Ok(())
    }

    async fn stop(&self, _: &StopReason) -> Result<(), BoxError> {
        println!("database: down");
        Ok(())
    }
}

/// Set as soon as there is work.
static WORK: Key<()> = Key::new("work");

/// Fails at its work this many times, and does well after that.
struct Worker {
    failures: u64,
}

#[async_trait]
impl Service for Worker {
    async fn start(&self, ctx: ServiceContext) -> Result<(), BoxError> {
        let status = ctx.status();
        match &status.cause {
            None => println!("worker: up"),
            Some(cause) => println!("worker: up again ({}), since {cause}", status.restarts),
        }
        ctx.ready();
        ctx.context().get(&WORK).await?;
        if status.restarts < self.failures {
            let number = status.restarts + 1;
            return Err(format!("connection {number} was lost").into());
        }
        ctx.stopping().await;
        Ok(())
    }

    /// Called for every life that had started, also for those that failed.
    async fn stop(&self, reason: &StopReason) -> Result<(), BoxError> {
        println!("worker: down, since {reason}");
        Ok(())
    }
}

struct Api;

#[async_trait]
impl Service for Api {
    async fn start(&self, _: ServiceContext) -> Result<(), BoxError> {
        println!("api: up");
        Ok(())
    }

    async fn stop(&self, _: &StopReason) -> Result<(), BoxError> {
        println!("api: down");
        Ok(())
    }
}

fn main() -> Result<ExitCode, BoxError> {
    let args = cli::Args::parse(&["--policy", "--failures", "--runtime"])?;
    let failures = args.get("--failures", "1").parse()?;
    let policy = match args.get("--policy", "restart").as_str() {
        "stop-all" => Policy::StopAll, // the default
        "ignore" => Policy::Ignore,
        // Up to three restarts within a minute, after 10, 20 and 40 ms.
        "restart" => Restart::new()
            .pause(Duration::from_millis(10))
            .jitter(false)
            .limit(3)
            .into(),
        other => return Err(format!("--policy {other}: stop-all, ignore or restart").into()),
    };

    let (worker, for_worker) = (Worker { failures }, policy.clone());
    let outcome = args
        .entrypoint()?
        .service(Api.configure(|options| options.after_type::<Worker>()))
        .service(worker.configure(|options| options.after("Database").policy(for_worker)))
        .service(Database)
        .run_with(async |ep| main_job(ep, failures, policy).await);
    Ok(match outcome {
        Ok(outcome) => {
            outcome.transpose()?;
            ExitCode::SUCCESS
        }
        Err(error) => {
            println!("the program failed: {error}");
            ExitCode::from(error.exit_code())
        }
    })
}

/// Gives the worker its work, and waits for what becomes of it; until the program stops, if that is it.
async fn main_job(ep: Entrypoint, failures: u64, policy: Policy) -> Result<(), BoxError> {
    let worker = ep.service("Worker").ok_or("it was added")?;
    println!("all have started");
    ep.context().set(&WORK, ());

    let settled = |status: &ServiceStatus| match status.state {
        ServiceState::Running => status.restarts == failures,
        ServiceState::Failed => policy == Policy::Ignore,
        _ => false,
    };
    let status = worker.until(settled).await;
    let cause = status.cause.as_deref().unwrap_or("nothing");
    println!(
        "worker: {} after {} restarts, since {cause}",
        status.state, status.restarts
    );
    Ok(())
}
