//! Job 1: a closure that does nothing, handed to a thread and awaited: one after another, and 64 in flight.

use aiomisc::adapters::{Smol, Tokio};
use aiomisc::{Runtime, thread};
use peers::{Bar, Contest, bare, in_task, ns_per_op, tokio_ct, tokio_mt};

const CALLS: u64 = 20_000;
const IN_FLIGHT: u64 = 64;
/// Calls of each of the tasks in flight.
const EACH: u64 = 1000;

fn main() {
    for (name, runtime) in adapters() {
        let one_by_one = Contest::new(format!("j01-call/{name}"), "ns/op", || {
            ns_per_op(CALLS, || {
                ours(&runtime, async {
                    for _ in 0..CALLS {
                        thread::run(|| ()).await.expect("no panic");
                    }
                });
            })
        });
        against(one_by_one, name, Bar::AtMost(1.1), CALLS, one_by_one_of);
        let in_flight = Contest::new(format!("j01-calls-64-in-flight/{name}"), "ns/op", || {
            ns_per_op(IN_FLIGHT * EACH, || {
                ours(&runtime, async {
                    let tasks: Vec<_> = (0..IN_FLIGHT)
                        .map(|_| {
                            aiomisc::spawn(async {
                                for _ in 0..EACH {
                                    thread::run(|| ()).await.expect("no panic");
                                }
                            })
                        })
                        .collect();
                    for task in tasks {
                        task.await.expect("no panic");
                    }
                });
            })
        });
        against(
            in_flight,
            name,
            Bar::AtMost(1.0),
            IN_FLIGHT * EACH,
            in_flight_of,
        );
    }
}

fn adapters() -> [(&'static str, Runtime); 3] {
    [
        ("smol", Smol::new().into()),
        (
            "tokio-current",
            Tokio::current_thread().expect("a runtime").into(),
        ),
        (
            "tokio-2-threads",
            Tokio::multi_thread(2).expect("a runtime").into(),
        ),
    ]
}

fn ours<F>(runtime: &Runtime, future: F) -> F::Output
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    runtime
        .block_on(runtime.spawn(future))
        .expect("a task that does not panic")
}

#[derive(Clone, Copy)]
enum Call {
    Unblock,
    SpawnBlocking,
}

impl Call {
    async fn once(self) {
        match self {
            Self::Unblock => blocking::unblock(|| ()).await,
            Self::SpawnBlocking => tokio::task::spawn_blocking(|| ()).await.expect("no panic"),
        }
    }
}

/// Runs the job on the executor that the adapter of this name is for, without us.
fn against(
    contest: Contest<'_, 1>,
    name: &str,
    bar: Bar,
    ops: u64,
    job: fn(Call, Spawn) -> futures_lite::future::Boxed<()>,
) {
    match name {
        "smol" => contest.rival("unblock", bar, || {
            ns_per_op(ops, || {
                bare(|executor| job(Call::Unblock, Spawn::Executor(executor)));
            })
        }),
        name => {
            let tokio = if name == "tokio-current" {
                tokio_ct()
            } else {
                tokio_mt(2)
            };
            let tokio = std::sync::Arc::new(tokio);
            let other = tokio.clone();
            contest
                .rival("unblock", bar, move || {
                    ns_per_op(ops, || in_task(&tokio, job(Call::Unblock, Spawn::Tokio)))
                })
                .peer("spawn_blocking", move || {
                    ns_per_op(ops, || {
                        in_task(&other, job(Call::SpawnBlocking, Spawn::Tokio))
                    })
                })
        }
    }
    .run();
}

/// Where tasks go.
#[derive(Clone)]
enum Spawn {
    Executor(std::sync::Arc<async_executor::Executor<'static>>),
    Tokio,
}

fn one_by_one_of(call: Call, _: Spawn) -> futures_lite::future::Boxed<()> {
    Box::pin(async move {
        for _ in 0..CALLS {
            call.once().await;
        }
    })
}

fn in_flight_of(call: Call, spawn: Spawn) -> futures_lite::future::Boxed<()> {
    let task = move || async move {
        for _ in 0..EACH {
            call.once().await;
        }
    };
    Box::pin(async move {
        match spawn {
            Spawn::Executor(executor) => {
                let tasks: Vec<_> = (0..IN_FLIGHT).map(|_| executor.spawn(task())).collect();
                for task in tasks {
                    task.await;
                }
            }
            Spawn::Tokio => {
                let tasks: Vec<_> = (0..IN_FLIGHT).map(|_| tokio::spawn(task())).collect();
                for task in tasks {
                    task.await.expect("no panic");
                }
            }
        }
    })
}
