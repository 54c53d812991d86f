//! Every asynchronous item of the port, dropped or aborted at each await point, on every runtime:
//! nothing leaks, nothing hangs, nothing is lost.
#![cfg(all(unix, feature = "testing", any(feature = "smol", feature = "tokio")))]
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot go on fails at that place"
)]

mod common;

use std::future::{pending, poll_fn};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use aiomisc::net::{
    Addr, DatagramSocket, RecvBatch, SendBatch, SocketOption, bind_socket, connect,
};
use aiomisc::runtime::Runtime;
use aiomisc::time;
use futures::future::BoxFuture;
use futures::{AsyncReadExt, AsyncWriteExt};

use self::common::{Alive, LIMIT, RUNTIMES, limited};
use ::smol::future::yield_now;

/// In how many polls everything here has either ended or only waits.
const POLLS: usize = 12;

/// Runs the body on each runtime, one test at a time since descriptors are the process's, and sees
/// to it that it leaves none open.
fn without_leaks(body: fn(&Runtime)) {
    let _turn = turn();
    for (name, make) in RUNTIMES {
        println!("on {name}");
        limited(LIMIT, move || {
            let runtime = make();
            // What is opened once and kept: reactors, pools, what a name look-up reads.
            body(&runtime);
            let before = common::descriptors();
            body(&runtime);
            settles(&runtime, || match (&before, common::descriptors()) {
                (Some(before), Some(after)) if after.len() > before.len() => {
                    Some(format!("open before: {before:#?}, after: {after:#?}"))
                }
                _ => None,
            });
        });
    }
}

/// Descriptors are the process's: who opens some waits until nobody counts them.
fn turn() -> MutexGuard<'static, ()> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits until nothing is wrong any more; what was let go may take a moment on other threads.
#[track_caller]
fn settles(runtime: &Runtime, wrong: impl Fn() -> Option<String>) {
    for _ in 0..20_000 {
        if wrong().is_none() {
            return;
        }
        // Real time passes on purpose: threads outside of the runtime have to come to their end.
        runtime.block_on(runtime.sleep(Duration::from_millis(1)));
    }
    assert_eq!(wrong(), None);
}

/// Polls at most so often, letting others run in between, and drops the future then.
async fn drop_after<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    for _ in 0..polls {
        if let Poll::Ready(output) = poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await {
            return Some(output);
        }
        yield_now().await;
    }
    None
}

// ---- everything, for leaks and hangs ----

/// What the operations need around them.
struct Around {
    tcp: String,
    named: String,
    unix: PathBuf,
    refused: String,
    directory: PathBuf,
    udp: Addr,
    /// What the tasks and jobs of the operations hold.
    alive: Alive,
}

type Operation = fn(&Around) -> BoxFuture<'static, ()>;

#[rustfmt::skip]
const OPERATIONS: &[(&str, Operation)] = &[
    ("connect", |around| { let to = around.tcp.clone(); Box::pin(async move { drop(connect(to).await); }) }),
    ("connect by name", |around| { let to = around.named.clone(); Box::pin(async move { drop(connect(to).await); }) }),
    ("connect, refused", |around| { let to = around.refused.clone(); Box::pin(async move { drop(connect(to).await); }) }),
    ("connect, Unix", |around| { let to = around.unix.clone(); Box::pin(async move { drop(connect(to).await); }) }),
    ("listen", |_| Box::pin(async { drop(bind_socket("127.0.0.1:0").listen().await.unwrap()); })),
    ("listen by name", |_| Box::pin(async { drop(bind_socket("localhost:0").listen().await.unwrap()); })),
    ("listen, Unix", |around| { let at = file(&around.directory); Box::pin(async move { drop(bind_socket(at).listen().await.unwrap()); }) }),
    ("datagram", |_| Box::pin(async { drop(bind_socket("127.0.0.1:0").datagram().await.unwrap()); })),
    ("datagram by name", |_| Box::pin(async { drop(bind_socket("localhost:0").datagram().await.unwrap()); })),
    ("datagram, Unix", |around| { let at = file(&around.directory); Box::pin(async move { drop(bind_socket(at).datagram().await.unwrap()); }) }),
    ("accept", |_| Box::pin(async {
        let mut listener = bind_socket("127.0.0.1:0").listen().await.unwrap();
        drop(listener.accept().await);
    })),
    ("accept, Unix", |around| { let at = file(&around.directory); Box::pin(async move {
        let mut listener = bind_socket(at).listen().await.unwrap();
        drop(listener.accept().await);
    }) }),
    ("read", |around| { let to = around.tcp.clone(); Box::pin(async move {
        let mut stream = connect(to).await.unwrap();
        drop(stream.read(&mut [0; 8]).await);
    }) }),
    ("write and close", |around| { let to = around.tcp.clone(); Box::pin(async move {
        let mut stream = connect(to).await.unwrap();
        drop(stream.write_all(&[0; 100]).await);
        drop(stream.close().await);
    }) }),
    ("recv_from", |_| Box::pin(async {
        let mut socket = bind_socket("127.0.0.1:0").datagram().await.unwrap();
        drop(socket.recv_from(&mut [0; 8]).await);
    })),
    ("recv_batch", |_| Box::pin(async {
        let mut socket = bind_socket("127.0.0.1:0").datagram().await.unwrap();
        drop(socket.recv_batch(&mut RecvBatch::new(4, 64)).await);
    })),
    ("send_to", |around| { let to = around.udp.clone(); Box::pin(async move {
        let mut socket = bind_socket("127.0.0.1:0").datagram().await.unwrap();
        drop(socket.send_to(b"x", &to).await);
    }) }),
    ("send_batch", |around| { let to = around.udp.clone(); Box::pin(async move {
        let socket = bind_socket("127.0.0.1:0").datagram().await.unwrap();
        let mut batch = SendBatch::new();
        batch.push(b"x", to);
        drop(socket.sender().unwrap().send_batch(&mut batch).await);
    }) }),
    ("sleep", |_| Box::pin(time::sleep(Duration::from_millis(2)))),
    ("sleep, long", |_| Box::pin(time::sleep(Duration::from_secs(3600)))),
    ("timeout", |_| Box::pin(async { let _ = time::timeout(Duration::from_millis(2), pending::<()>()).await; })),
    ("tick", |_| Box::pin(async {
        let mut ticks = time::interval(Duration::from_millis(1));
        for _ in 0..4 {
            ticks.tick().await;
        }
    })),
    ("join", |around| { let life = around.alive.one(); Box::pin(async { aiomisc::spawn(async { yield_now().await; drop(life); }).await.unwrap(); }) }),
    ("cancel", |around| { let life = around.alive.one(); Box::pin(async { drop(aiomisc::spawn(hold(life)).cancel().await); }) }),
    ("abort_on_drop", |around| { let life = around.alive.one(); Box::pin(async { drop(aiomisc::spawn(hold(life)).abort_on_drop().await); }) }),
    ("blocking", |around| { let life = around.alive.one(); Box::pin(async { Runtime::current().unwrap().spawn_blocking(|| drop(life)).await.unwrap(); }) }),
];

async fn hold(life: common::Life) {
    let _life = life;
    pending::<()>().await;
}

fn file(directory: &Path) -> PathBuf {
    let name = common::socket_path();
    directory.join(name.file_name().unwrap())
}

/// Calls the body with everything that the operations need, and sees to it that no file is left.
fn around(runtime: &Runtime, body: impl FnOnce(&Around)) {
    let directory = common::socket_path().with_extension("d");
    std::fs::create_dir(&directory).unwrap();
    let (unix, refused) = (file(&directory), aiomisc::testing::reserved_port().unwrap());
    let (mut listener, mut unix_listener, socket) = runtime.block_on(async {
        let listener = bind_socket("127.0.0.1:0").listen().await.unwrap();
        let unix_listener = bind_socket(unix.as_path()).listen().await.unwrap();
        let socket = bind_socket("127.0.0.1:0").datagram().await.unwrap();
        (listener, unix_listener, socket)
    });
    let addr = listener.local_addr().unwrap();
    let around = Around {
        tcp: addr.to_string(),
        named: format!("localhost:{}", addr.port().unwrap()),
        unix,
        refused: refused.addr().to_string(),
        directory,
        udp: socket.local_addr().unwrap(),
        alive: Alive::default(),
    };
    // Takes what the operations connect, and closes it when they do.
    let serve = runtime.spawn(async move {
        poll_fn::<(), _>(|cx| {
            while let Poll::Ready(accepted) = listener.poll_accept(cx) {
                drop(accepted);
            }
            while let Poll::Ready(accepted) = unix_listener.poll_accept(cx) {
                drop(accepted);
            }
            Poll::Pending
        })
        .await;
    });
    body(&around);
    let ended = runtime.block_on(serve.cancel());
    assert!(ended.unwrap_err().is_cancelled());
    drop(socket);
    settles(runtime, || {
        let alive = around.alive.count();
        (alive > 0).then(|| format!("{alive} tasks or jobs are alive"))
    });
    let directory = around.directory;
    settles(runtime, || {
        let left: Vec<_> = std::fs::read_dir(&directory).unwrap().flatten().collect();
        (!left.is_empty()).then(|| format!("files are left: {left:?}"))
    });
    std::fs::remove_dir(&directory).unwrap();
}

#[test]
fn every_operation_may_be_dropped_at_each_poll() {
    without_leaks(|runtime| {
        around(runtime, |around| {
            for (_, operation) in OPERATIONS {
                for polls in 0..POLLS {
                    runtime.block_on(drop_after(polls, operation(around)));
                }
            }
        });
    });
}

#[test]
fn every_operation_may_be_aborted_at_each_turn() {
    without_leaks(|runtime| {
        let alive = Alive::default();
        around(runtime, |around| {
            for (name, operation) in OPERATIONS {
                for turns in 0..POLLS {
                    let (life, operation) = (alive.one(), operation(around));
                    runtime.block_on(async {
                        let task = runtime.spawn(async move {
                            let _life = life;
                            operation.await;
                        });
                        for _ in 0..turns {
                            yield_now().await;
                        }
                        if let Err(error) = task.cancel().await {
                            assert!(error.is_cancelled(), "{name} after {turns}: {error}");
                        }
                    });
                    assert_eq!(alive.count(), 0, "{name} after {turns}");
                }
            }
        });
    });
}

#[test]
fn every_operation_ends_with_its_runtime() {
    let _turn = turn();
    for (name, make) in RUNTIMES {
        limited(LIMIT, move || {
            let (runtime, alive) = (make(), Alive::default());
            around(&make(), |around| {
                for (_, operation) in OPERATIONS {
                    let (life, operation) = (alive.one(), operation(around));
                    let task = runtime.spawn(async move {
                        let _life = life;
                        operation.await;
                        pending::<()>().await;
                    });
                    task.detach();
                    runtime.block_on(yield_now());
                }
                println!("on {name}: {} are alive", alive.count());
                drop(runtime);
                alive.reaches(0);
            });
        });
    }
}

// ---- one by one, for what could be lost ----

#[test]
fn a_dropped_accept_loses_no_connection() {
    without_leaks(|runtime| {
        runtime.block_on(async {
            let mut listener = bind_socket("127.0.0.1:0").listen().await.unwrap();
            let addr = listener.local_addr().unwrap().inet().unwrap();
            for polls in 0..POLLS {
                // Before anybody connects, and while somebody has.
                assert!(drop_after(polls, listener.accept()).await.is_none());
                let near = connect(addr).await.unwrap();
                let (far, peer) = match drop_after(polls % 2, listener.accept()).await {
                    Some(accepted) => accepted.unwrap(),
                    None => listener.accept().await.unwrap(),
                };
                assert_eq!(near.local_addr().unwrap(), peer);
                drop(far);
            }
        });
    });
}

#[test]
fn a_dropped_receive_loses_no_datagram() {
    without_leaks(|runtime| {
        runtime.block_on(async {
            let (mut one, mut other, to) = sockets().await;
            let mut buf = [0; 8];
            for number in 0..u8::try_from(POLLS).unwrap() {
                let polls = usize::from(number);
                assert!(drop_after(polls, one.recv_from(&mut buf)).await.is_none());
                other.send_to(&[number], &to).await.unwrap();
                drop_after(0, one.recv_from(&mut buf)).await;
                let received = one.recv_from(&mut buf).await.unwrap();
                assert_eq!(buf[..received.len], [number]);
            }
        });
    });
}

#[test]
fn a_dropped_batch_receive_loses_no_datagram() {
    without_leaks(|runtime| {
        runtime.block_on(async {
            let (mut one, mut other, to) = sockets().await;
            let mut batch = RecvBatch::new(8, 16);
            for number in 0..u8::try_from(POLLS).unwrap() {
                let polls = usize::from(number);
                assert!(
                    drop_after(polls, one.recv_batch(&mut batch))
                        .await
                        .is_none()
                );
                other.send_to(&[number, 1], &to).await.unwrap();
                other.send_to(&[number, 2], &to).await.unwrap();
                let mut got = Vec::new();
                while got.len() < 2 {
                    one.recv_batch(&mut batch).await.unwrap();
                    got.extend(batch.iter().map(|(data, _)| data.to_vec()));
                }
                assert_eq!(got, [[number, 1], [number, 2]]);
            }
        });
    });
}

async fn sockets() -> (DatagramSocket, DatagramSocket, Addr) {
    let one = bind_socket("127.0.0.1:0").datagram().await.unwrap();
    let other = bind_socket("127.0.0.1:0").datagram().await.unwrap();
    let to = one.local_addr().unwrap();
    (one, other, to)
}

/// A socket whose peer reads only when it is told, so that sends have to wait.
async fn slow_peer() -> (
    DatagramSocket,
    std::os::unix::net::UnixDatagram,
    Addr,
    PathBuf,
) {
    let (mine, peer) = (common::socket_path(), common::socket_path());
    let reader = std::os::unix::net::UnixDatagram::bind(&peer).unwrap();
    reader.set_nonblocking(true).unwrap();
    let socket = bind_socket(mine)
        .option(SocketOption::SendBuffer(4096))
        .datagram()
        .await
        .unwrap();
    (socket, reader, Addr::Unix(Some(peer.clone())), peer)
}

fn drain(reader: &std::os::unix::net::UnixDatagram) -> Vec<Vec<u8>> {
    let (mut got, mut buf) = (Vec::new(), [0; 2048]);
    while let Ok(len) = reader.recv(&mut buf) {
        got.push(buf[..len].to_vec());
    }
    got
}

#[test]
fn a_dropped_send_has_sent_nothing() {
    without_leaks(|runtime| {
        runtime.block_on(async {
            let (mut socket, reader, to, path) = slow_peer().await;
            for polls in 1..POLLS {
                let mut sent = 0;
                while drop_after(polls, socket.send_to(&[7; 1000], &to))
                    .await
                    .is_some()
                {
                    sent += 1;
                    assert!(sent < 1000, "it never has to wait");
                }
                assert_eq!(drain(&reader).len(), sent, "after {polls} polls");
                // It goes on as before.
                socket.send_to(b"next", &to).await.unwrap();
                assert_eq!(drain(&reader), [b"next"]);
            }
            std::fs::remove_file(path).unwrap();
        });
    });
}

#[test]
fn a_dropped_batch_send_keeps_what_it_has_not_sent() {
    without_leaks(|runtime| {
        runtime.block_on(async {
            let (socket, reader, to, path) = slow_peer().await;
            let mut sender = socket.sender().unwrap();
            for polls in 1..POLLS {
                let mut batch = SendBatch::new();
                let all: Vec<_> = (0..40_u8).map(|number| vec![number; 500]).collect();
                for data in &all {
                    batch.push(data, to.clone());
                }
                assert!(
                    drop_after(polls, sender.send_batch(&mut batch))
                        .await
                        .is_none()
                );
                let (left, mut got) = (batch.len(), drain(&reader));
                assert_eq!(left + got.len(), all.len(), "after {polls} polls");
                while !batch.is_empty() {
                    drop_after(1, sender.send_batch(&mut batch)).await;
                    got.extend(drain(&reader));
                }
                got.extend(drain(&reader));
                assert_eq!(got, all);
            }
            std::fs::remove_file(path).unwrap();
        });
    });
}

#[test]
fn a_dropped_read_or_write_has_transferred_nothing() {
    without_leaks(|runtime| {
        runtime.block_on(async {
            let mut listener = bind_socket("127.0.0.1:0").listen().await.unwrap();
            let addr = listener.local_addr().unwrap().inet().unwrap();
            for polls in 1..POLLS {
                let mut near = connect(addr).await.unwrap();
                let (mut far, _) = listener.accept().await.unwrap();
                let mut buf = [0; 4];
                assert!(drop_after(polls, near.read(&mut buf)).await.is_none());
                far.write_all(b"data").await.unwrap();
                near.read_exact(&mut buf).await.unwrap();
                assert_eq!(&buf, b"data");

                let (block, mut written) = (vec![1; 64 * 1024], 0);
                while let Some(put) = drop_after(polls, near.write(&block)).await {
                    written += put.unwrap();
                }
                drop(near);
                let mut received = Vec::new();
                far.read_to_end(&mut received).await.unwrap();
                assert_eq!(received.len(), written, "after {polls} polls");
            }
        });
    });
}

#[test]
fn a_dropped_join_leaves_the_result() {
    without_leaks(|runtime| {
        runtime.block_on(async {
            for polls in 0..POLLS {
                let (go, gate) = futures::channel::oneshot::channel::<()>();
                let mut task = aiomisc::spawn(async move {
                    gate.await.unwrap();
                    "the result"
                });
                assert!(drop_after(polls, &mut task).await.is_none());
                go.send(()).unwrap();
                assert_eq!(task.await.unwrap(), "the result");

                let (go, gate) = std::sync::mpsc::channel::<()>();
                let mut job = runtime.spawn_blocking(move || gate.recv());
                assert!(drop_after(polls, &mut job).await.is_none());
                go.send(()).unwrap();
                job.await.unwrap().unwrap();
            }
        });
    });
}

#[test]
fn a_dropped_cancel_still_aborts() {
    without_leaks(|runtime| {
        let alive = Alive::default();
        for polls in 1..POLLS {
            let life = alive.one();
            runtime.block_on(async {
                let task = aiomisc::spawn(async move {
                    let _life = life;
                    pending::<()>().await;
                });
                yield_now().await;
                drop_after(polls, task.cancel()).await;
                while alive.count() > 0 {
                    yield_now().await;
                }
            });
        }
    });
}

#[test]
fn a_dropped_tick_comes_at_the_next_call() {
    let _turn = turn();
    let clock = aiomisc::testing::ManualClock::new();
    let period = Duration::from_secs(10);
    for (_, make) in RUNTIMES {
        let runtime = aiomisc::runtime::Parts::of(make())
            .timer(clock.clone())
            .build();
        let clock = clock.clone();
        limited(LIMIT, move || {
            runtime.block_on(async {
                let mut ticks = time::interval(period);
                let mut due = ticks.tick().await;
                for polls in 0..POLLS {
                    assert!(drop_after(polls, ticks.tick()).await.is_none());
                    assert_eq!(
                        clock.pending(),
                        usize::from(polls > 0 || due != clock.now())
                    );
                    clock.advance(period);
                    let tick = ticks.tick().await;
                    assert_eq!(tick - due, period);
                    due = tick;
                }
                assert_eq!(ticks.missed(), 0);
            });
        });
    }
}

/// The threads of a name look-up go on by themselves, and give nothing to anybody.
#[test]
fn a_dropped_look_up_leaves_the_runtime_usable() {
    without_leaks(|runtime| {
        for polls in 0..POLLS {
            let looking = connect("nosuchhost.invalid:80");
            if let Some(outcome) = runtime.block_on(drop_after(polls, looking)) {
                outcome.unwrap_err();
            }
        }
        let job = Arc::new(7);
        let there = Arc::clone(&job);
        let seven = runtime
            .block_on(runtime.spawn_blocking(move || *there))
            .unwrap();
        assert_eq!(seven, *job);
    });
}
