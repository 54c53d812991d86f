//! An object from a pool of ten, and back: alone, and by 100 tasks that let others run while they have it.
//!
//! `deadpool` and `bb8` are taken with their checks, which do nothing, as ours does. None has a limit on the wait
//! but where the name says so; bb8 always has one.

use std::convert::Infallible;
use std::hint::black_box;
use std::time::Duration;

use aiomisc::pool::PoolBuilder;
use aiomisc::{Pool, PoolManager};
use futures_lite::future::yield_now;
use peers::{Bar, Contest, ns_per_op, tokio_ct, tokio_mt};
use tokio::runtime::Runtime;

const ALONE: u64 = 500_000;
const TASKS: u64 = 100;
const EACH: u64 = 2_000;

struct Object(u64);

struct Makes;

impl PoolManager for Makes {
    type Object = Object;
    type Error = Infallible;

    async fn create(&self) -> Result<Object, Infallible> {
        Ok(Object(0))
    }
}

impl deadpool::managed::Manager for Makes {
    type Type = Object;
    type Error = Infallible;

    async fn create(&self) -> Result<Object, Infallible> {
        Ok(Object(0))
    }

    async fn recycle(
        &self,
        _: &mut Object,
        _: &deadpool::managed::Metrics,
    ) -> deadpool::managed::RecycleResult<Infallible> {
        Ok(())
    }
}

impl bb8::ManageConnection for Makes {
    type Connection = Object;
    type Error = Infallible;

    async fn connect(&self) -> Result<Object, Infallible> {
        Ok(Object(0))
    }

    async fn is_valid(&self, _: &mut Object) -> Result<(), Infallible> {
        Ok(())
    }

    fn has_broken(&self, _: &mut Object) -> bool {
        false
    }
}

fn ours(options: impl FnOnce(PoolBuilder<Makes>) -> PoolBuilder<Makes>) -> Pool<Makes> {
    let builder = Pool::builder(Makes).acquire_timeout(Duration::MAX);
    options(builder).build().expect("the options are all right")
}

fn deadpool() -> deadpool::managed::Pool<Makes> {
    let builder = deadpool::managed::Pool::builder(Makes).max_size(10);
    builder.build().expect("the options are all right")
}

fn bb8(runtime: &Runtime) -> bb8::Pool<Makes> {
    let _inside = runtime.enter();
    bb8::Pool::builder().max_size(10).build_unchecked(Makes)
}

fn async_object_pool() -> std::sync::Arc<async_object_pool::Pool<Object>> {
    std::sync::Arc::new(async_object_pool::Pool::new(10))
}

/// Takes an object again and again; `$hold` is awaited while it is held.
macro_rules! take {
    ($count:expr, $hold:expr, |$object:ident| $get:expr) => {
        for _ in 0..$count {
            let mut $object = $get;
            $object.0 = black_box($object.0 + 1);
            $hold.await;
        }
    };
}

macro_rules! alone {
    ($runtime:expr, $pool:expr, |$p:ident| $get:expr) => {{
        let $p = $pool;
        move || {
            let $p = $p.clone();
            ns_per_op(ALONE, || {
                $runtime.block_on(async move { take!(ALONE, async {}, |object| $get) })
            })
        }
    }};
}

/// Millions of objects a second.
macro_rules! shared {
    ($runtime:expr, $pool:expr, |$p:ident| $get:expr) => {{
        let $p = $pool;
        move || {
            let $p = $p.clone();
            let ns = ns_per_op(TASKS * EACH, || {
                $runtime.block_on(async move {
                    let tasks = (0..TASKS).map(|_| {
                        let $p = $p.clone();
                        tokio::spawn(async move { take!(EACH, yield_now(), |object| $get) })
                    });
                    for task in tasks.collect::<Vec<_>>() {
                        task.await.expect("no panic");
                    }
                })
            });
            1e3 / ns
        }
    }};
}

fn main() {
    let (one, two) = (&tokio_ct(), &tokio_mt(2));
    let plain = || ours(|builder| builder);
    let limited = || ours(|builder| builder.acquire_timeout(Duration::from_secs(30)));
    let hour = Duration::from_secs(3600);

    Contest::new(
        "j05-alone",
        "ns/op",
        alone!(one, plain(), |pool| pool.acquire().await.expect("one")),
    )
    .peer(
        "deadpool",
        alone!(one, deadpool(), |pool| pool.get().await.expect("one")),
    )
    .peer(
        "bb8",
        alone!(one, bb8(one), |pool| pool.get().await.expect("one")),
    )
    // 45 ns where that took 29.
    .rival("async-object-pool", Bar::AtMost(1.55), {
        let pool = async_object_pool();
        move || {
            let pool = pool.clone();
            ns_per_op(ALONE, || {
                one.block_on(async move {
                    for _ in 0..ALONE {
                        let mut object = pool.take_or_create(|| Object(0)).await;
                        object.0 = black_box(object.0 + 1);
                        pool.put(object).await;
                    }
                })
            })
        }
    })
    .run();

    let recycled = ours(|builder| builder.recycle(hour));
    Contest::new(
        "j05-alone-recycle",
        "ns/op",
        alone!(one, recycled, |pool| pool.acquire().await.expect("one")),
    )
    // 110 ns where that took 161.
    .rival(
        "deadpool",
        Bar::AtMost(0.68),
        alone!(one, deadpool(), |pool| pool.get().await.expect("one")),
    )
    .run();

    for (runtime, name, bar) in [(one, "one-thread", 2.0), (two, "two-threads", 1.0)] {
        Contest::new(
            format!("j05-100-tasks/{name}"),
            "M/s",
            shared!(runtime, plain(), |pool| pool.acquire().await.expect("one")),
        )
        .rival(
            "deadpool",
            Bar::AtLeast(bar),
            shared!(runtime, deadpool(), |pool| pool.get().await.expect("one")),
        )
        .peer(
            "ours-with-a-limit",
            shared!(runtime, limited(), |pool| pool
                .acquire()
                .await
                .expect("one")),
        )
        .peer(
            "bb8",
            shared!(runtime, bb8(runtime), |pool| pool.get().await.expect("one")),
        )
        .peer("async-object-pool", {
            let pool = async_object_pool();
            move || {
                let pool = pool.clone();
                let ns = ns_per_op(TASKS * EACH, || {
                    runtime.block_on(async move {
                        let tasks = (0..TASKS).map(|_| {
                            let pool = pool.clone();
                            tokio::spawn(async move {
                                for _ in 0..EACH {
                                    let mut object = pool.take_or_create(|| Object(0)).await;
                                    object.0 = black_box(object.0 + 1);
                                    yield_now().await;
                                    pool.put(object).await;
                                }
                            })
                        });
                        for task in tasks.collect::<Vec<_>>() {
                            task.await.expect("no panic");
                        }
                    })
                });
                1e3 / ns
            }
        })
        .run();
    }
}
