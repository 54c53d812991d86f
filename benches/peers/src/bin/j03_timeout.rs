//! Job 3: a limit on the time of a future that is ready at once. No timer is to be made.

use std::hint::black_box;
use std::time::Duration;

use aiomisc::adapters::{Smol, Tokio};
use aiomisc::{Runtime, time};
use peers::allocs::{Counting, so_far};
use peers::contest::exact;
use peers::{Bar, Contest, bare, in_task, ns_per_op, tokio_ct};
use smol_timeout::TimeoutExt;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const OPS: u64 = 1_000_000;
const LIMIT: Duration = Duration::from_secs(60);

#[inline(never)]
async fn op(n: u64) -> u64 {
    black_box(n)
}

async fn ours() {
    for n in 0..OPS {
        black_box(time::timeout(LIMIT, op(n)).await).expect("it is ready");
    }
}

fn in_ours(runtime: &Runtime) -> f64 {
    ns_per_op(OPS, || {
        let task = runtime.spawn(ours());
        runtime.block_on(task).expect("no panic");
    })
}

fn main() {
    let smol: Runtime = Smol::new().into();
    let tokio: Runtime = Tokio::current_thread().expect("a runtime").into();
    let bare_tokio = tokio_ct();
    for (name, runtime) in [("smol", &smol), ("tokio-current", &tokio)] {
        Contest::new(format!("j03-timeout-ready/{name}"), "ns/op", || {
            in_ours(runtime)
        })
        .within(Bar::AtMost(10.0))
        .peer("floor:bare-future", || {
            ns_per_op(OPS, || {
                bare(|_| async {
                    for n in 0..OPS {
                        black_box(op(n).await);
                    }
                });
            })
        })
        .peer("tokio", || {
            ns_per_op(OPS, || {
                in_task(&bare_tokio, async {
                    for n in 0..OPS {
                        black_box(tokio::time::timeout(LIMIT, op(n)).await).expect("ready");
                    }
                });
            })
        })
        .peer("smol-timeout", || {
            ns_per_op(OPS, || {
                bare(|_| async {
                    for n in 0..OPS {
                        black_box(op(n).timeout(LIMIT).await).expect("ready");
                    }
                });
            })
        })
        .run();
    }
    let (before, _) = so_far();
    in_ours(&smol);
    let made = so_far().0 - before;
    // The task itself is a few, however many operations it has.
    let each = (made / OPS) as f64;
    let bar = Some(Bar::AtMost(0.0));
    exact(
        "j03-timeout-allocations",
        "ours",
        each,
        "allocations/op",
        bar,
    );
}
