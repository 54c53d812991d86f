//! Traps of tokio alone.

use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use aiomisc::adapters::Tokio;
use aiomisc::net::{bind_socket, connect};
use aiomisc::runtime::Runtime;
use aiomisc::time;
use futures::executor::block_on;
use tokio::runtime::Builder;

use crate::common::{Alive, LIMIT, limited};

/// tokio binds timers, new sockets and accepted sockets to the runtime that is current, not to the
/// one that they are asked of. Here none is current.
#[test]
fn trap_1_sockets_and_timers_on_a_plain_thread() {
    limited(LIMIT, || {
        let runtime = Tokio::multi_thread(1).unwrap().runtime();
        block_on(runtime.clone().scope(async move {
            time::sleep(Duration::from_millis(1)).await;
            let mut listener = bind_socket("127.0.0.1:0").listen().await.unwrap();
            let addr = listener.local_addr().unwrap().inet().unwrap();
            let stream = connect(addr).await.unwrap();
            let (accepted, peer) = listener.accept().await.unwrap();
            assert_eq!(accepted.peer_addr().unwrap(), peer);
            let socket = bind_socket("127.0.0.1:0").datagram().await.unwrap();
            drop((stream, socket));
        }));
    });
}

/// Here another runtime of tokio is current, which has neither timers nor sockets.
#[test]
fn trap_1_sockets_and_timers_inside_of_another_tokio_runtime() {
    limited(LIMIT, || {
        let runtime = Tokio::multi_thread(1).unwrap().runtime();
        let bare = Builder::new_current_thread().build().unwrap();
        bare.block_on(runtime.clone().scope(async move {
            time::sleep(Duration::from_millis(1)).await;
            let mut sleep = runtime.sleep(Duration::from_millis(1));
            (&mut sleep).await;
            sleep.reset(Duration::from_millis(1));
            sleep.await;
            let mut listener = bind_socket("127.0.0.1:0").listen().await.unwrap();
            let addr = listener.local_addr().unwrap().inet().unwrap();
            let stream = connect(addr).await.unwrap();
            let (accepted, _) = listener.accept().await.unwrap();
            drop((stream, accepted));
        }));
    });
}

/// A guard that is held while a future is built does nothing when it is polled, and one that is held
/// across an await makes the future `!Send`.
#[test]
fn trap_2_futures_enter_when_they_are_polled() {
    fn is_send<T: Send>(value: T) -> T {
        value
    }
    limited(LIMIT, || {
        let runtime = Tokio::multi_thread(1).unwrap().runtime();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let connecting = is_send(runtime.backend().connect_tcp(addr));
        // Built here, polled on another thread.
        let polled = std::thread::spawn(move || block_on(connecting).map(drop));
        polled.join().unwrap().unwrap();
    });
}

/// What users see when the runtime ends under them.
fn ended() -> Runtime {
    let theirs = Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let ours = Tokio::from_handle(theirs.handle().clone()).runtime();
    let (clone, alive) = (ours.clone(), Alive::default());
    let life = alive.one();
    clone
        .spawn(async move {
            let _life = life;
            std::future::pending::<()>().await;
        })
        .detach();
    // Our handles do not keep it: this ends it and drops its tasks.
    drop(theirs);
    assert_eq!(alive.count(), 0);
    ours
}

/// A handle of tokio does not keep its runtime alive, and neither does ours.
#[test]
fn trap_3_spawning_on_a_runtime_that_was_shut_down_is_an_error() {
    limited(LIMIT, || {
        let alive = Alive::default();
        let life = alive.one();
        let task = ended().spawn(async move { drop(life) });
        let error = block_on(task).unwrap_err();
        assert!(error.is_cancelled(), "{error}");
        assert_eq!(alive.count(), 0);
    });
}

#[test]
fn trap_3_sockets_of_a_runtime_that_was_shut_down_are_errors() {
    limited(LIMIT, || {
        let runtime = ended();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let errors = block_on(runtime.clone().scope(async move {
            [
                bind_socket("127.0.0.1:0")
                    .listen()
                    .await
                    .map(drop)
                    .unwrap_err(),
                bind_socket("127.0.0.1:0")
                    .datagram()
                    .await
                    .map(drop)
                    .unwrap_err(),
                connect(addr).await.map(drop).unwrap_err(),
            ]
        }));
        for error in errors {
            let cause = error.source().unwrap().to_string();
            assert!(cause.contains("shutdown"), "{error}: {cause}");
        }
    });
}

#[test]
fn trap_3_sockets_that_outlive_their_runtime_are_errors() {
    limited(LIMIT, || {
        let theirs = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let runtime = Tokio::from_handle(theirs.handle().clone()).runtime();
        let mut listener = block_on(bind_socket("127.0.0.1:0").runtime(runtime).listen()).unwrap();
        drop(theirs);
        let error = block_on(listener.accept()).map(drop).unwrap_err();
        assert!(error.to_string().contains("shutdown"), "{error}");
    });
}

#[test]
fn trap_3_a_sleep_of_a_runtime_that_was_shut_down_says_so() {
    limited(LIMIT, || {
        let mut sleep = ended().backend().sleep(Duration::from_millis(1));
        let panic = catch_unwind(AssertUnwindSafe(|| block_on(sleep.as_mut()))).unwrap_err();
        let text = panic
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string))
            .unwrap();
        assert!(text.contains("being shutdown"), "{text}");
    });
}

#[test]
fn trap_3_what_a_task_holds_does_not_keep_a_runtime_of_ours() {
    limited(LIMIT, || {
        for tokio in [Tokio::multi_thread(1), Tokio::current_thread()] {
            let runtime: Runtime = tokio.unwrap().into();
            let inside = runtime.block_on(async { Runtime::current().unwrap() });
            let alive = Alive::default();
            let life = alive.one();
            runtime
                .spawn(async move {
                    let _life = life;
                    std::future::pending::<()>().await;
                })
                .detach();
            drop(runtime);
            alive.reaches(0);
            assert!(block_on(inside.spawn(async {})).unwrap_err().is_cancelled());
        }
    });
}

/// Dropping a runtime of tokio in an asynchronous context panics.
#[test]
fn trap_4_an_owned_runtime_may_be_dropped_in_async_context() {
    limited(LIMIT, || {
        let outer = Tokio::current_thread().unwrap();
        outer.block_on(async {
            drop(Tokio::multi_thread(1).unwrap());
            drop(Tokio::current_thread().unwrap());
            let runtime: Runtime = Tokio::multi_thread(1).unwrap().into();
            runtime.spawn(std::future::pending::<()>()).detach();
            drop(runtime);
        });
    });
}

#[test]
fn trap_4_a_runtime_may_be_dropped_by_its_own_task() {
    limited(LIMIT, || {
        let runtime: Runtime = Tokio::multi_thread(2).unwrap().into();
        let (send, outcome) = std::sync::mpsc::channel();
        let owned = runtime.clone();
        let (go, gate) = futures::channel::oneshot::channel::<()>();
        runtime
            .spawn(async move {
                gate.await.unwrap();
                let dropped = catch_unwind(AssertUnwindSafe(|| drop(owned)));
                send.send(dropped.is_ok()).unwrap();
            })
            .detach();
        drop(runtime);
        go.send(()).unwrap();
        assert!(outcome.recv().unwrap(), "the drop panicked");
    });
}

/// tokio's clock can be paused.
#[test]
fn trap_9_a_paused_clock_is_followed() {
    limited(LIMIT, || {
        let theirs = Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap();
        theirs.block_on(async {
            let hour = Duration::from_secs(3600);
            let runtime = Runtime::current().unwrap();
            let start = runtime.now();
            time::sleep(hour).await;
            assert_eq!(runtime.now() - start, hour);

            let endless = std::future::pending::<()>();
            assert!(time::timeout(hour, endless).await.is_err());
            assert_eq!(runtime.now() - start, hour * 2);

            let mut ticks = time::interval(hour);
            assert_eq!(ticks.tick().await - start, hour * 2);
            assert_eq!(ticks.tick().await - start, hour * 3);
            tokio::time::advance(hour * 3 + hour / 2).await;
            assert_eq!(ticks.tick().await - start, hour * 4);
            assert_eq!(ticks.missed(), 2);
            assert_eq!(ticks.tick().await - start, hour * 7);

            let mut sleep = time::sleep(hour);
            assert!(futures::poll!(&mut sleep).is_pending());
            sleep.reset(hour * 5);
            sleep.await;
            assert_eq!(runtime.now() - start, hour * 12);

            let before = runtime.now();
            tokio::time::advance(hour).await;
            assert_eq!(runtime.now() - before, hour);
        });
    });
}

#[test]
fn trap_9_a_paused_clock_is_followed_from_outside() {
    limited(LIMIT, || {
        let theirs = Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap();
        let runtime = Tokio::from_handle(theirs.handle().clone()).runtime();
        // On a thread in no context, the clock stands still all the same.
        let (one, other) = (runtime.now(), runtime.now());
        assert_eq!(one, other);
        theirs.block_on(tokio::time::advance(Duration::from_secs(60)));
        assert_eq!(runtime.now() - one, Duration::from_secs(60));
    });
}

#[test]
fn trap_3_an_entrypoint_on_a_runtime_that_was_shut_down_is_an_error() {
    limited(LIMIT, || {
        let builder = || {
            let service = aiomisc::service_fn("service", |_| async { Ok(()) });
            aiomisc::Entrypoint::builder()
                .runtime(ended())
                .service(service)
        };
        let started = block_on(builder().start()).map(drop);
        let ran = builder().run(async {}).map(drop);
        for outcome in [started, ran] {
            let error = outcome.expect_err("it has ended");
            assert!(error.to_string().contains("has ended"), "{error}");
        }
    });
}
