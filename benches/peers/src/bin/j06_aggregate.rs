//! Calls gathered into batches: 1000 tasks, a window of 1 ms, at most 100 in a batch.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aiomisc::Aggregator;
use peers::{Bar, Contest, ns_per_op, tokio_ct, tokio_mt};
use tokio::runtime::Runtime;

const TASKS: u64 = 1_000;
const CALLS: u64 = 200_000;
const WINDOW: Duration = Duration::from_millis(1);
const BATCH: usize = 100;

struct Same;

impl ultra_batch::Executor for Same {
    type Value = u64;
    type Result = u64;
    type Error = Infallible;

    async fn execute(&self, values: Vec<u64>) -> Result<Vec<u64>, Infallible> {
        Ok(values)
    }
}

/// The tasks take numbers from one counter, so that they end together: with a share of its own each, the last ones
/// would be too few to fill a batch, and wait for the window at every call.
#[derive(Clone, Default)]
struct Numbers(Arc<AtomicU64>);

impl Iterator for Numbers {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        let number = self.0.fetch_add(1, Ordering::Relaxed);
        (number < CALLS).then_some(number)
    }
}

/// Millions of calls a second.
fn drive<F>(runtime: &Runtime, task: impl Fn(Numbers) -> F) -> f64
where
    F: Future<Output = ()> + Send + 'static,
{
    let numbers = Numbers::default();
    let ns = ns_per_op(CALLS, || {
        runtime.block_on(async {
            let tasks = (0..TASKS).map(|_| tokio::spawn(task(numbers.clone())));
            for task in tasks.collect::<Vec<_>>() {
                task.await.expect("no panic");
            }
        })
    });
    1e3 / ns
}

fn main() {
    for (runtime, name) in [(tokio_ct(), "one-thread"), (tokio_mt(2), "two-threads")] {
        let aggregator = Aggregator::builder()
            .leeway(WINDOW)
            .max_count(BATCH)
            .build(|values: Vec<u64>| async move { values })
            .expect("the options are all right");
        let inside = runtime.enter();
        let batches = ultra_batch::BatchExecutor::build(Same)
            .eager_batch_size(Some(BATCH))
            .delay_duration(WINDOW)
            .finish();
        drop(inside);
        let batches = Arc::new(batches);
        Contest::new(format!("j06-aggregate/{name}"), "M/s", || {
            drive(&runtime, |numbers| {
                let aggregator = aggregator.clone();
                async move {
                    for number in numbers {
                        let same = aggregator.call(number).await.expect("a result");
                        assert_eq!(same, number);
                    }
                }
            })
        })
        .rival("ultra-batch", Bar::AtLeast(1.5), || {
            drive(&runtime, |numbers| {
                let batches = Arc::clone(&batches);
                async move {
                    for number in numbers {
                        let same = batches.execute(number).await.expect("no error");
                        assert_eq!(same, Some(number));
                    }
                }
            })
        })
        .run();
    }
}
