//! Job 7: allocations of an operation, and their bytes.

use std::hint::black_box;
use std::time::Duration;

use aiomisc::Runtime;
use aiomisc::adapters::{Smol, Tokio};
use async_executor::Executor;
use futures_lite::future::{poll_once, yield_now};
use peers::allocs::{Counting, so_far};
use peers::contest::exact;
use peers::{Bar, tokio_ct};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const OPS: u64 = 1000;
const HOUR: Duration = Duration::from_secs(3600);

fn main() {
    for (name, runtime) in [
        ("smol", Runtime::from(Smol::new())),
        (
            "tokio-current",
            Tokio::current_thread().expect("a runtime").into(),
        ),
    ] {
        let job = |what: &str| format!("j07-allocations-{what}/{name}");
        let measured = runtime.block_on(async {
            let mut measured = Vec::new();
            measured.push((
                "spawn-join",
                Some(4.0),
                counted(async || runtime.spawn(async {}).await.expect("no panic")).await,
            ));
            measured.push((
                "spawn-detached",
                None,
                counted(async || {
                    runtime.spawn(async {}).detach();
                    yield_now().await;
                })
                .await,
            ));
            measured.push((
                "look-up",
                Some(0.0),
                counted(async || drop(Runtime::current())).await,
            ));
            measured.push((
                "timeout-ready",
                Some(0.0),
                counted(async || {
                    let _ = black_box(aiomisc::time::timeout(HOUR, std::future::ready(1)).await);
                })
                .await,
            ));
            measured.push((
                "timeout-one-yield",
                None,
                counted(async || {
                    let _ = black_box(aiomisc::time::timeout(HOUR, yield_now()).await);
                })
                .await,
            ));
            measured.push((
                "timer",
                None,
                counted(async || {
                    black_box(poll_once(aiomisc::time::sleep(HOUR)).await);
                })
                .await,
            ));
            measured
        });
        for (what, bar, (allocs, bytes)) in measured {
            exact(
                &job(what),
                "ours",
                allocs,
                "allocs/op",
                bar.map(Bar::AtMost),
            );
            exact(&job(what), "ours-bytes", bytes, "B/op", None);
        }
    }
    let (allocs, bytes) = {
        let ex = Executor::new();
        async_io::block_on(ex.run(counted(async || ex.spawn(async {}).await)))
    };
    exact(
        "j07-allocations-spawn-join/smol",
        "async-executor",
        allocs,
        "allocs/op",
        None,
    );
    exact(
        "j07-allocations-spawn-join/smol",
        "async-executor-bytes",
        bytes,
        "B/op",
        None,
    );
    let (allocs, bytes) = tokio_ct().block_on(counted(async || {
        tokio::spawn(async {}).await.expect("no panic");
    }));
    exact(
        "j07-allocations-spawn-join/tokio-current",
        "tokio",
        allocs,
        "allocs/op",
        None,
    );
    exact(
        "j07-allocations-spawn-join/tokio-current",
        "tokio-bytes",
        bytes,
        "B/op",
        None,
    );
}

/// Allocations and bytes of one operation: the median of many, after some for nothing. (Now and then an executor
/// allocates a block of its queue, which is not the operation's.)
async fn counted(op: impl AsyncFn()) -> (f64, f64) {
    for _ in 0..OPS {
        op().await;
    }
    let mut counts = Vec::with_capacity(OPS as usize);
    for _ in 0..OPS {
        let before = so_far();
        op().await;
        let after = so_far();
        counts.push((after.0 - before.0, after.1 - before.1));
    }
    counts.sort_unstable();
    let (allocs, bytes) = counts[counts.len() / 2];
    (allocs as f64, bytes as f64)
}
