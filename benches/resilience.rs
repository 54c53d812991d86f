//! What the tools around calls cost where nothing stands in the way of a call, with their allocations:
//! `cargo bench --all-features --bench resilience`. Each figure is that of [`TURNS`](common::TURNS) calls.

use std::convert::Infallible;
use std::future::{Ready, pending, ready};
use std::hint::black_box;
use std::time::Duration;

use aiomisc::resilience::{Bulkhead, Fallback, Hedge, LoadShed, Policy, RateLimiter};
use aiomisc::utils::{awaitable, chunk_list, shield};
use aiomisc::{Aggregator, Backoff, CircuitBreaker, Pool, PoolManager};
use divan::Bencher;

#[path = "common/mod.rs"]
mod common;

use common::{HOUR, RUNTIMES, repeat};

fn main() {
    divan::main();
}

/// The operation that all of them call.
fn operation() -> Ready<Result<u32, Infallible>> {
    ready(Ok(black_box(7)))
}

#[divan::bench(args = RUNTIMES)]
fn floor_of_the_operation(bencher: Bencher<'_, '_>, runtime: &str) {
    repeat(bencher, runtime, &async |_| {
        black_box(operation().await.ok());
    });
}

fn breaker() -> CircuitBreaker {
    let breaker = CircuitBreaker::builder(0.5, Duration::from_secs(10));
    breaker.build().expect("valid")
}

fn bulkhead() -> Bulkhead {
    Bulkhead::builder(10).build().expect("valid")
}

/// So many that nobody waits.
fn rate_limiter() -> RateLimiter {
    let limiter = RateLimiter::builder(1_000_000_000, Duration::from_secs(1)).burst(1_000_000_000);
    limiter.build().expect("valid")
}

fn load_shed() -> LoadShed {
    LoadShed::builder(HOUR).build().expect("valid")
}

fn hedge() -> Hedge {
    Hedge::builder(HOUR).build().expect("valid")
}

fn backoff() -> Backoff {
    Backoff::builder().deadline(HOUR).build().expect("valid")
}

#[divan::bench(args = RUNTIMES)]
fn bulkhead_call(bencher: Bencher<'_, '_>, runtime: &str) {
    let bulkhead = bulkhead();
    repeat(bencher, runtime, &async |_| {
        black_box(bulkhead.call(operation()).await.ok());
    });
}

#[divan::bench(args = RUNTIMES)]
fn rate_limiter_call(bencher: Bencher<'_, '_>, runtime: &str) {
    let limiter = rate_limiter();
    repeat(bencher, runtime, &async |_| {
        black_box(limiter.call(operation()).await.expect("nobody waits"));
    });
}

#[divan::bench(args = RUNTIMES)]
fn load_shed_call(bencher: Bencher<'_, '_>, runtime: &str) {
    let load_shed = load_shed();
    repeat(bencher, runtime, &async |_| {
        black_box(load_shed.call(operation()).await.ok());
    });
}

#[divan::bench(args = RUNTIMES)]
fn hedge_call(bencher: Bencher<'_, '_>, runtime: &str) {
    let hedge = hedge();
    repeat(bencher, runtime, &async |_| {
        black_box(hedge.call(|_| operation()).await.ok());
    });
}

#[divan::bench(args = RUNTIMES)]
fn fallback_call(bencher: Bencher<'_, '_>, runtime: &str) {
    let fallback = Fallback::new(async |error: Infallible| Err(error));
    repeat(bencher, runtime, &async |_| {
        black_box(fallback.call(operation()).await.ok());
    });
}

#[divan::bench(args = RUNTIMES)]
fn policy_of_nothing(bencher: Bencher<'_, '_>, runtime: &str) {
    let policy = Policy::new();
    repeat(bencher, runtime, &async |_| {
        black_box(policy.call(|_| operation()).await.ok());
    });
}

/// A request to another program, as a rule: a limit on its time, tried again, through a breaker.
#[divan::bench(args = RUNTIMES)]
fn policy_of_timeout_retry_and_breaker(bencher: Bencher<'_, '_>, runtime: &str) {
    let policy = Policy::new().timeout(HOUR).retry(backoff());
    let policy = policy.breaker(breaker());
    repeat(bencher, runtime, &async |_| {
        black_box(policy.call(|_| operation()).await.ok());
    });
}

#[divan::bench(args = RUNTIMES)]
fn policy_of_all(bencher: Bencher<'_, '_>, runtime: &str) {
    let policy = Policy::new().timeout(HOUR).retry(backoff());
    let policy = policy.breaker(breaker()).load_shed(load_shed());
    let policy = policy.rate_limiter(rate_limiter()).bulkhead(bulkhead());
    let policy = policy.hedge(hedge());
    repeat(bencher, runtime, &async |_| {
        black_box(policy.call(|_| operation()).await.expect("nobody waits"));
    });
}

/// A batch of one, which goes at once.
#[divan::bench(args = RUNTIMES)]
fn aggregate_of_one(bencher: Bencher<'_, '_>, runtime: &str) {
    let aggregator = Aggregator::builder().leeway(HOUR).max_count(1);
    let aggregator = aggregator
        .build(async |values: Vec<u32>| values)
        .expect("valid");
    repeat(bencher, runtime, &async |_| {
        black_box(aggregator.call(7).await.expect("it is answered"));
    });
}

struct Makes;

impl PoolManager for Makes {
    type Object = u32;
    type Error = Infallible;

    async fn create(&self) -> Result<u32, Infallible> {
        Ok(7)
    }
}

#[divan::bench(args = RUNTIMES)]
fn pool_acquire_and_release(bencher: Bencher<'_, '_>, runtime: &str) {
    let pool = Pool::builder(Makes).maximum(1).build().expect("valid");
    repeat(bencher, runtime, &async |_| {
        drop(black_box(pool.acquire().await.expect("it is idle")));
    });
}

#[divan::bench(args = RUNTIMES)]
fn shielded(bencher: Bencher<'_, '_>, runtime: &str) {
    repeat(bencher, runtime, &async |_| {
        black_box(shield(operation()).await.expect("it cannot fail"));
    });
}

#[divan::bench(args = RUNTIMES)]
fn selected_of_two(bencher: Bencher<'_, '_>, runtime: &str) {
    repeat(bencher, runtime, &async |_| {
        black_box(aiomisc::select![operation(), pending()].await);
    });
}

#[divan::bench(args = RUNTIMES)]
fn awaitable_call(bencher: Bencher<'_, '_>, runtime: &str) {
    let function = awaitable(|number: u32| number + 1);
    repeat(bencher, runtime, &async |_| {
        black_box(function(black_box(7)).await);
    });
}

#[divan::bench]
fn chunks_of_a_list(bencher: Bencher<'_, '_>) {
    let numbers: Vec<u32> = (0..1000).collect();
    bencher.bench_local(|| {
        for chunk in chunk_list(black_box(&numbers), 10) {
            black_box(chunk);
        }
    });
}
