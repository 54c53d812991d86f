//! Services that share a pool and what is built on it: made once before them, closed after them.
//!
//! ```sh
//! cargo run --example dependencies
//! cargo run --example dependencies -- --refuse yes      # the pool cannot be opened
//! cargo run --example dependencies -- --memory yes      # as a test would do it
//! ```
//!
//! It ends by itself; `--runtime` takes `smol` or `tokio`.
#![allow(clippy::print_stdout, reason = "this is what the example shows")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aiomisc::service::ServiceOptions;
use aiomisc::{
    BoxError, Dependencies, Dependency, Provided, Service, ServiceContext, async_trait, dependency,
    services,
};

#[path = "common/cli.rs"]
mod cli;

/// Where the pool connects to: what the program knows from its command line.
struct Address(String);

/// Stands for connections to a database.
struct Pool {
    address: String,
    used: AtomicUsize,
}

/// Says "how", not "when": it is called when something needs a pool.
#[dependency(make_limit = "10s", teardown_limit = "5s")]
async fn pool(address: Arc<Address>) -> Result<Provided<Pool>, BoxError> {
    let Address(address) = &*address;
    if address.is_empty() {
        return Err("connection refused".into());
    }
    println!("the pool opens: {address}");
    let pool = Pool {
        address: address.clone(),
        used: AtomicUsize::new(0),
    };
    Ok(Provided::new(pool).on_teardown(|pool| async move {
        let used = pool.used.load(Ordering::Relaxed);
        println!("the pool closes, after {used} queries");
        Ok(())
    }))
}

/// What the services work with. As the type of a trait, so that there may be another one.
#[async_trait]
trait Users: Send + Sync {
    async fn count(&self) -> usize;
}

struct UsersInPool(Arc<Pool>);

#[async_trait]
impl Users for UsersInPool {
    async fn count(&self) -> usize {
        self.0.used.fetch_add(1, Ordering::Relaxed);
        self.0.address.len()
    }
}

#[dependency]
async fn users(pool: Arc<Pool>) -> Provided<dyn Users> {
    println!("the users are in the pool");
    Provided::shared(Arc::new(UsersInPool(pool)))
}

/// Without a pool.
struct UsersInMemory;

#[async_trait]
impl Users for UsersInMemory {
    async fn count(&self) -> usize {
        1
    }
}

struct Api;

#[async_trait]
impl Service for Api {
    fn options(&self) -> ServiceOptions {
        ServiceOptions::new().needs::<dyn Users>()
    }

    async fn start(&self, ctx: ServiceContext) -> Result<(), BoxError> {
        let users = ctx.dependency::<dyn Users>()?;
        println!("the api starts, with {} users", users.count().await);
        Ok(())
    }
}

struct Report;

#[async_trait]
impl Service for Report {
    fn options(&self) -> ServiceOptions {
        ServiceOptions::new().needs::<dyn Users>().after("Api")
    }

    async fn start(&self, ctx: ServiceContext) -> Result<(), BoxError> {
        let users = ctx.dependency::<dyn Users>()?;
        println!("the report starts, with {} users", users.count().await);
        ctx.ready();
        ctx.stopping().await;
        println!("the report ends, with {} users", users.count().await);
        Ok(())
    }
}

fn main() -> Result<(), BoxError> {
    let args = cli::Args::parse(&["--refuse", "--memory", "--runtime"])?;
    let address = match args.get("--refuse", "no").as_str() {
        "yes" => String::new(),
        _ => "db.example:5432".to_owned(),
    };
    let mut entrypoint = args
        .entrypoint()?
        .dependency(Dependency::value(Address(address)))
        // Nobody needs it, so that it is never called.
        .dependency(Dependency::new(|_: Dependencies| async {
            println!("the cache fills");
            Ok(vec![0_u8; 1 << 20])
        }))
        .services(services![Api, Report]);
    if args.get("--memory", "no") == "yes" {
        let memory = Dependency::shared::<dyn Users>(Arc::new(UsersInMemory));
        entrypoint = entrypoint.replace_dependency_with(memory);
    }
    entrypoint.run(async { println!("the program runs") })?;
    Ok(())
}
