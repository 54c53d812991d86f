//! Two services that start together although one needs what the other makes.
//!
//! ```sh
//! cargo run --example context
//! ```
#![allow(clippy::print_stdout, reason = "this is what the example shows")]

use std::sync::Arc;
use std::time::Duration;

use aiomisc::context::ContextStatistic;
use aiomisc::{BoxError, Context, Key, Service, ServiceContext, async_trait, services, time};

struct Pool {
    size: usize,
}

static POOL: Key<Arc<Pool>> = Key::new("pool");
/// Nobody sets this one.
static CACHE: Key<String> = Key::new("cache");

/// Opens the pool for the first who asks for it.
struct Database;

#[async_trait]
impl Service for Database {
    async fn start(&self, ctx: ServiceContext) -> Result<(), BoxError> {
        let context = ctx.context();
        let asked = loop {
            let waiting = context.waiting();
            match waiting.into_iter().find(|who| who.key() == POOL.name()) {
                Some(who) => break who,
                None => time::sleep(Duration::from_millis(1)).await,
            }
        };
        println!("waiting: {asked}");
        context.set(&POOL, Arc::new(Pool { size: 10 }));
        Ok(())
    }
}

/// Needs the pool, and would like to have a cache.
struct Api;

#[async_trait]
impl Service for Api {
    async fn start(&self, ctx: ServiceContext) -> Result<(), BoxError> {
        let cache = ctx.context().get(&CACHE);
        if let Err(error) = cache.within(Duration::from_millis(10)).await {
            println!("without a cache: {error}");
        }
        let pool = ctx.context().get(&POOL).await?;
        println!("with a pool of {}", pool.size);
        Ok(())
    }
}

fn main() -> Result<(), BoxError> {
    let main = async { Context::current() };
    let outcome = aiomisc::run(main, services![Api, Database])?;
    if let Some(context) = outcome.finished().flatten() {
        let ContextStatistic { get, set, .. } = context.statistics();
        println!("values asked for: {get}, set: {set}");
    }
    Ok(())
}
