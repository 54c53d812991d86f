//! `#[aggregate]` and `#[aggregate_async]` that cannot be.

use aiomisc::{Arg, aggregate, aggregate_async};

#[aggregate(leeway_ms = 0)]
async fn zero_window(values: Vec<u32>) -> Vec<u32> {
    values
}

#[aggregate(max_count = 0, leeway_ms = "10")]
async fn zero_maximum(values: Vec<u32>) -> Vec<u32> {
    values
}

#[aggregate]
fn not_async(values: Vec<u32>) -> Vec<u32> {
    values
}

#[aggregate]
async fn two(values: Vec<u32>, _: u32) -> Vec<u32> {
    values
}

#[aggregate_async]
async fn none() {}

#[aggregate]
async fn generic<T>(values: Vec<T>) -> Vec<T> {
    values
}

struct Methods;

impl Methods {
    #[aggregate]
    async fn method(&self, values: Vec<u32>) -> Vec<u32> {
        values
    }
}

#[aggregate]
async fn one_value(value: u32) -> Vec<u32> {
    vec![value]
}

#[aggregate]
async fn no_results(_: Vec<u32>) {}

#[aggregate_async]
async fn without_senders(_: Vec<u32>) {}

#[aggregate_async]
async fn results(_: Vec<Arg<u32, u32, ()>>) -> Vec<u32> {
    Vec::new()
}

fn main() {}
