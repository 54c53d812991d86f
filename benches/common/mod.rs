//! What the benches of single operations share.

use std::time::Duration;

use aiomisc::Runtime;
use aiomisc::adapters::Smol;
#[cfg(feature = "tokio")]
use aiomisc::adapters::Tokio;
use divan::counter::ItemsCount;
use divan::{AllocProfiler, Bencher};

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

/// Longer than anything takes.
pub(crate) const HOUR: Duration = Duration::from_secs(3600);

/// Each figure is that of so many operations.
pub(crate) const TURNS: u32 = 1000;

pub(crate) const RUNTIMES: &[&str] = &[
    "smol",
    #[cfg(feature = "tokio")]
    "tokio current_thread",
];

pub(crate) fn make(runtime: &str) -> Runtime {
    match runtime {
        #[cfg(feature = "tokio")]
        "tokio current_thread" => Tokio::current_thread().expect("a runtime").into(),
        _ => Smol::new().into(),
    }
}

/// Repeats an operation within a runtime.
pub(crate) fn repeat(bencher: Bencher<'_, '_>, runtime: &str, op: &impl AsyncFn(&Runtime)) {
    let runtime = make(runtime);
    bencher.counter(ItemsCount::new(TURNS)).bench_local(|| {
        runtime.block_on(async {
            for _ in 0..TURNS {
                op(&runtime).await;
            }
        });
    });
}
