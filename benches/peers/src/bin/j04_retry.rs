//! Job 4: the success path of trying again: a future that is ready at once, and no retry.

use std::hint::black_box;
use std::io;
use std::time::Duration;

use aiomisc::Runtime;
use aiomisc::adapters::{Smol, Tokio};
use aiomisc::retry::{Backoff, RetryBudget};
use backon::Retryable;
use peers::allocs::{Counting, so_far};
use peers::contest::exact;
use peers::{Bar, Contest, in_task, ns_per_op, tokio_ct};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const OPS: u64 = 1_000_000;

#[inline(never)]
async fn op(n: u64) -> io::Result<u64> {
    Ok(black_box(n))
}

fn called(runtime: &Runtime, backoff: &Backoff) -> f64 {
    let backoff = backoff.clone();
    ns_per_op(OPS, || {
        let task = runtime.spawn(async move {
            for n in 0..OPS {
                black_box(backoff.call(|_| op(n)).await).expect("it succeeds");
            }
        });
        runtime.block_on(task).expect("no panic");
    })
}

fn retried(runtime: &Runtime) -> f64 {
    let retry = Backoff::retry(3).build().expect("settings");
    ns_per_op(OPS, || {
        let task = runtime.spawn(async move {
            for n in 0..OPS {
                black_box(retry.call(|_| op(n)).await).expect("it succeeds");
            }
        });
        runtime.block_on(task).expect("no panic");
    })
}

/// What the retries of backon are made of, for this job.
macro_rules! backon {
    ($tokio:expr, $settings:expr) => {
        ns_per_op(OPS, || {
            let settings = $settings;
            in_task($tokio, async move {
                for n in 0..OPS {
                    black_box((|| op(n)).retry(settings).await).expect("it succeeds");
                }
            });
        })
    };
}

fn main() {
    let plain = Backoff::builder().max_tries(3).build().expect("settings");
    let budgeted = Backoff::builder().budget(&RetryBudget::default());
    let budgeted = budgeted.max_tries(3).build().expect("settings");
    let limited = Backoff::builder()
        .attempt_timeout(Duration::from_secs(1))
        .deadline(Duration::from_secs(10));
    let limited = limited.build().expect("settings");
    let named = Backoff::builder().name("named").build().expect("settings");

    let smol: Runtime = Smol::new().into();
    let tokio: Runtime = Tokio::current_thread().expect("a runtime").into();
    let bare_tokio = tokio_ct();
    for (name, runtime) in [("smol", &smol), ("tokio-current", &tokio)] {
        let bar = Bar::AtMost(1.2);
        Contest::new(format!("j04-retry/{name}"), "ns/op", || {
            called(runtime, &plain)
        })
        .peer("floor:bare-future", || {
            ns_per_op(OPS, || {
                in_task(&bare_tokio, async {
                    for n in 0..OPS {
                        black_box(op(n).await).expect("it succeeds");
                    }
                });
            })
        })
        .rival("backon-exponential", bar, || {
            backon!(&bare_tokio, backon::ExponentialBuilder::default())
        })
        .rival("backon-exponential-jitter", bar, || {
            backon!(
                &bare_tokio,
                backon::ExponentialBuilder::default().with_jitter()
            )
        })
        .rival("backon-constant", bar, || {
            backon!(&bare_tokio, backon::ConstantBuilder::default())
        })
        .peer("ours-retry", || retried(runtime))
        .peer("ours-with-budget", || called(runtime, &budgeted))
        .run();
        Contest::new(format!("j04-retry-limits/{name}"), "ns/op", || {
            called(runtime, &limited)
        })
        .within(Bar::AtMost(60.0))
        .peer("ours-named", || called(runtime, &named))
        .run();
    }
    for (name, backoff) in [
        ("ours", &plain),
        ("ours-limits", &limited),
        ("ours-named", &named),
    ] {
        let (before, _) = so_far();
        called(&smol, backoff);
        let made = so_far().0 - before;
        // The task itself is a few, however many operations it has.
        let each = (made / OPS) as f64;
        let bar = Some(Bar::AtMost(0.0));
        exact("j04-retry-allocations", name, each, "allocations/op", bar);
    }
}
