//! Programs that have an executor of their own, or none.
#![allow(
    clippy::disallowed_methods,
    reason = "programs that use the library beside an executor of theirs are played here"
)]

use std::thread;

use ::smol::future::yield_now;
use futures::executor::block_on;

use super::*;

async fn works() {
    assert_eq!(NUMBER.set(1).unwrap_err().name, "NUMBER");
    let scoped = NUMBER.scope(1, async {
        yield_now().await;
        NUMBER.set(2).unwrap();
        let child = spawn(async { NUMBER.get() }).await.unwrap();
        let runtime = Runtime::current().unwrap();
        let job = runtime.spawn_blocking(|| NUMBER.get()).await.unwrap();
        (NUMBER.get(), child, job)
    });
    assert_eq!(scoped.await, (Some(2), Some(2), Some(2)));
    assert_eq!(NUMBER.get(), None);
}

#[cfg(feature = "tokio")]
#[test]
fn in_a_program_on_tokio() {
    let make: [fn() -> std::io::Result<tokio::runtime::Runtime>; 2] = [
        || tokio::runtime::Builder::new_current_thread().build(),
        tokio::runtime::Runtime::new,
    ];
    for make in make {
        make().unwrap().block_on(async {
            works().await;
            tokio::spawn(works()).await.unwrap();
        });
    }
}

#[cfg(feature = "smol")]
#[test]
fn in_a_program_on_smol() {
    smol::block_on(async {
        works().await;
        smol::spawn(works()).await;
    });
}

/// A scope around a runtime does not stand before it.
#[cfg(feature = "tokio")]
#[test]
fn a_scope_on_a_plain_thread_chooses_no_runtime() {
    let name = || Runtime::current().unwrap().name().to_owned();
    let tokio = tokio::runtime::Runtime::new().unwrap();
    let around = NUMBER.sync_scope(1, || tokio.block_on(async { (name(), NUMBER.get()) }));
    assert_eq!(around, ("tokio".to_owned(), Some(1)));
    let captured = NUMBER.sync_scope(2, context_var::capture);
    let inside = captured.run(|| tokio.block_on(async { (name(), NUMBER.get()) }));
    assert_eq!(inside, ("tokio".to_owned(), Some(2)));
    let scoped = NUMBER.scope(3, async { (name(), NUMBER.get()) });
    assert_eq!(tokio.block_on(scoped), ("tokio".to_owned(), Some(3)));
}

/// Whatever drives the runtime, what is around it is inside.
#[test]
fn a_runtime_that_is_driven_sees_the_values_around() {
    for runtime in shared::runtimes() {
        let seen = NUMBER.sync_scope(1, || {
            runtime.block_on(async {
                let child = spawn(async { NUMBER.get() });
                [NUMBER.get(), child.await.unwrap()]
            })
        });
        assert_eq!(seen, [Some(1); 2], "{}", runtime.name());
        assert_eq!(runtime.block_on(async { NUMBER.get() }), None);
    }
}

#[test]
fn without_an_executor() {
    let scoped = NUMBER.scope(1, async {
        yield_now().await;
        NUMBER.set(2).unwrap();
        NUMBER.get()
    });
    assert_eq!(block_on(scoped), Some(2));
    let nested = NUMBER.sync_scope(3, || {
        thread::scope(|threads| {
            let bound = context_var::bind(|| (NUMBER.get(), NUMBER.set(4), NUMBER.get()));
            threads.spawn(bound).join().unwrap()
        })
    });
    assert_eq!(nested, (Some(3), Ok(()), Some(4)));
}
