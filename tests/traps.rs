//! The traps of the executors, each with a test that fails without our cure. Their numbers are those
//! of the list in the project's notes on other runtimes; the tests say what each is about.
#![cfg(all(unix, feature = "testing", any(feature = "smol", feature = "tokio")))]
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "programs that embed the library are played here, and a test that cannot go on fails \
              at that place"
)]

mod common;

#[path = "traps/source.rs"]
mod source;
#[path = "traps/tasks.rs"]
mod tasks;
#[cfg(feature = "tokio")]
#[path = "traps/tokio.rs"]
mod tokio;

use std::future::pending;
use std::io::Read;
use std::time::Duration;

use aiomisc::net::{bind_socket, connect};
use aiomisc::runtime::Parts;
use aiomisc::testing::ManualClock;
use futures::AsyncWriteExt;
use futures::FutureExt;

use self::common::{limited, on_each};

/// async-io's streams only flush when they are closed: without shutting the writing half down the
/// peer waits for ever.
#[test]
fn trap_5_closing_ends_the_writing_half() {
    on_each(|runtime| {
        let (mut peer, mut stream) = runtime.block_on(async {
            let mut listener = bind_socket("127.0.0.1:0").listen().await.unwrap();
            let addr = listener.local_addr().unwrap().inet().unwrap();
            let peer = std::net::TcpStream::connect(addr).unwrap();
            (peer, listener.accept().await.unwrap().0)
        });
        runtime.block_on(async {
            stream.write_all(b"last").await.unwrap();
            stream.close().await.unwrap();
        });
        // The stream is still held here.
        let mut heard = String::new();
        peer.read_to_string(&mut heard).unwrap();
        assert_eq!(heard, "last");
        drop(stream);
    });
}

#[test]
fn trap_5_closing_a_unix_stream_ends_the_writing_half() {
    on_each(|runtime| {
        let path = common::socket_path();
        runtime.block_on(async {
            let mut listener = bind_socket(path.as_path()).listen().await.unwrap();
            let mut near = connect(path.as_path()).await.unwrap();
            let (mut far, _) = listener.accept().await.unwrap();
            near.close().await.unwrap();
            let mut heard = Vec::new();
            futures::AsyncReadExt::read_to_end(&mut far, &mut heard)
                .await
                .unwrap();
            assert!(heard.is_empty());
            drop(near);
        });
    });
}

/// The first tick is at once on tokio and not on a plain interval of async-io. Ours is immediate.
#[test]
fn trap_8_the_first_tick_is_immediate() {
    on_each(|runtime| {
        let clock = ManualClock::new();
        let runtime = Parts::of(runtime).timer(clock.clone()).build();
        let mut ticks = runtime.interval(Duration::from_secs(10));
        let first = ticks.tick().now_or_never();
        assert_eq!(first, Some(clock.now()));
        assert_eq!(ticks.tick().now_or_never(), None);
    });
}

/// Nothing blocks in a `Drop`: the last handle to a runtime goes while a thread of it is busy.
#[test]
fn trap_12_dropping_a_runtime_waits_for_nobody() {
    on_each(|runtime| {
        let (began, is_running) = std::sync::mpsc::channel();
        let (go, gate) = std::sync::mpsc::channel::<()>();
        let job = runtime.spawn_blocking(move || {
            began.send(()).unwrap();
            // Ends when the test lets go.
            let _ = gate.recv();
        });
        is_running.recv().unwrap();
        runtime.spawn(pending::<()>()).detach();
        drop(runtime);
        go.send(()).unwrap();
        futures::executor::block_on(job).unwrap();
    });
}

#[test]
fn trap_12_dropping_a_runtime_waits_for_no_poll() {
    for (name, make) in common::RUNTIMES {
        if *name == "tokio, current thread" {
            // It polls only while somebody blocks on it, who then keeps it.
            continue;
        }
        limited(common::LIMIT, move || {
            let runtime = make();
            let (began, is_running) = std::sync::mpsc::channel();
            let (go, gate) = std::sync::mpsc::channel::<()>();
            let busy = runtime.spawn(async move {
                began.send(()).unwrap();
                let _ = gate.recv();
            });
            is_running.recv().unwrap();
            drop(runtime);
            go.send(()).unwrap();
            // It was in the middle of its poll, which goes to its end.
            futures::executor::block_on(busy).unwrap();
        });
    }
}

/// smol has no current executor, and its global one never drops detached tasks: ours belongs to the
/// runtime and goes with it.
#[cfg(feature = "smol")]
#[test]
fn trap_11_smol_owns_its_executor() {
    use aiomisc::adapters::Smol;
    use aiomisc::runtime::Runtime;

    limited(common::LIMIT, || {
        let (one, other): (Runtime, Runtime) = (Smol::new().into(), Smol::new().into());
        let alive = common::Alive::default();
        let (life, kept) = (alive.one(), alive.one());
        let hold = |life| async move {
            let _life: common::Life = life;
            pending::<()>().await;
        };
        one.block_on(async {
            aiomisc::spawn(hold(life)).detach();
            let inside = Runtime::current().unwrap();
            assert!(inside.same_as(&one));
            assert!(!inside.same_as(&other));
        });
        other.spawn(hold(kept)).detach();
        drop(one);
        alive.reaches(1);
        drop(other);
        alive.reaches(0);
    });
}

/// Each tick comes late here: if it came at once, nothing else would ever run.
#[test]
fn an_interval_that_is_always_late_lets_others_run() {
    on_each(|runtime| {
        runtime.block_on(async {
            let late = aiomisc::spawn(async {
                let mut ticks = aiomisc::time::interval(Duration::from_millis(1));
                loop {
                    ticks.tick().await;
                    std::thread::sleep(Duration::from_millis(3));
                }
            });
            aiomisc::time::sleep(Duration::from_millis(20)).await;
            late.abort();
        });
    });
}

/// A timer inside of a task must not be what keeps the task's runtime.
#[test]
fn timers_do_not_keep_a_runtime_alive() {
    for (name, make) in common::RUNTIMES {
        println!("on {name}");
        limited(common::LIMIT, move || {
            let runtime = make();
            let alive = std::sync::Arc::new(());
            let (held, mut ticks) = (alive.clone(), runtime.interval(Duration::from_secs(60)));
            runtime
                .spawn(async move {
                    let _held = held;
                    loop {
                        ticks.tick().await;
                    }
                })
                .detach();
            drop(runtime);
            while std::sync::Arc::strong_count(&alive) > 1 {
                std::thread::sleep(Duration::from_millis(5));
            }
        });
    }
}

/// The thread drives the runtime already: it would wait for itself.
#[cfg(feature = "smol")]
#[test]
fn smol_may_be_blocked_on_by_its_own_task() {
    for make in [
        || aiomisc::adapters::Smol::new(),
        || aiomisc::adapters::Smol::with_threads(2).unwrap(),
    ] {
        limited(common::LIMIT, move || {
            let smol = make();
            let again = smol.clone();
            smol.block_on(async move {
                let answer = again.block_on(async { aiomisc::spawn(async { 7 }).await });
                assert_eq!(answer.unwrap(), 7);
            });
        });
    }
}
