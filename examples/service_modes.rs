//! The ways in which services live, and the states that they go through.
//!
//! ```sh
//! cargo run --example service_modes
//! ```
//!
//! It ends by itself; Ctrl-C ends it earlier. `--runtime` takes `smol` or `tokio`.
#![allow(clippy::print_stdout, reason = "this is what the example shows")]

use std::time::Duration;

use aiomisc::service::ServiceHandle;
use aiomisc::signal::{POST_STOP, PRE_START};
use aiomisc::{
    BoxError, Entrypoint, Key, Service, ServiceContext, StopReason, async_trait, service_fn, time,
};

#[path = "common/cli.rs"]
mod cli;

/// It has started when `start` returns, and has nothing to do until `stop`.
struct Cache;

#[async_trait]
impl Service for Cache {
    async fn start(&self, ctx: ServiceContext) -> Result<(), BoxError> {
        tell(&ctx, "`start` returns");
        Ok(())
    }

    async fn stop(&self, reason: &StopReason) -> Result<(), BoxError> {
        if let Some(ctx) = ServiceContext::current() {
            tell(&ctx, &format!("`stop` is called, since {reason}"));
        }
        Ok(())
    }
}

/// It has started when it says so, and works until it is asked to stop.
struct Worker;

#[async_trait]
impl Service for Worker {
    async fn start(&self, ctx: ServiceContext) -> Result<(), BoxError> {
        tell(&ctx, "warms up");
        ctx.ready();
        ctx.until_stopping(async {
            let mut rounds = time::interval(Duration::from_millis(10));
            loop {
                rounds.tick().await;
            }
        })
        .await;
        tell(&ctx, "finishes what it has begun");
        Ok(())
    }
}

/// How many rows there are to import.
static ROWS: Key<u32> = Key::new("rows");

/// It has started when it says so, and is done before the program is: that is no failure.
struct Import;

#[async_trait]
impl Service for Import {
    async fn start(&self, ctx: ServiceContext) -> Result<(), BoxError> {
        ctx.ready();
        let rows = ctx.context().get(&ROWS).await?;
        tell(&ctx, &format!("is done with {rows} rows"));
        Ok(())
    }
}

fn main() -> Result<(), BoxError> {
    let args = cli::Args::parse(&["--runtime"])?;

    // The shortest way: `start` is a closure. This one never looks out for the stop, so that it is
    // dropped as soon as that begins.
    let closure = service_fn("closure", |ctx: ServiceContext| async move {
        ctx.ready();
        std::future::pending().await
    });

    let outcome = args
        .entrypoint()?
        .service(Cache)
        .service(Worker)
        .service(Import)
        .service(closure)
        .connect(&PRE_START, |event| async move {
            print_states("before the start", &event.services);
            Ok(())
        })
        .connect(&POST_STOP, |event| async move {
            print_states("after the stop", &event.services);
            Ok(())
        })
        .run_with(main_job)?;
    outcome.transpose()?;
    Ok(())
}

async fn main_job(entrypoint: Entrypoint) -> Result<(), BoxError> {
    print_states("all have started", &entrypoint.services());

    entrypoint.context().set(&ROWS, 1000);
    let import = entrypoint.service("Import").ok_or("it was added")?;
    import.until(|status| status.state.is_over()).await;
    print_states("the import is done", &entrypoint.services());
    Ok(())
}

/// A line of what a service does, with its state.
fn tell(ctx: &ServiceContext, text: &str) {
    println!("  {} ({}) {text}", ctx.name(), ctx.status().state);
}

fn print_states(moment: &str, services: &[ServiceHandle]) {
    let states = services.iter().map(|service| {
        let (name, state) = (service.name(), service.state());
        format!("{name} {state}")
    });
    println!("{moment}: {}", states.collect::<Vec<_>>().join(", "));
}
