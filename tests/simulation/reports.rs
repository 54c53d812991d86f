//! What is said when nothing goes on any more.

use aiomisc::time;

use super::*;

#[test]
fn a_deadlock_names_each_task_and_what_it_waits_for() {
    let sim = Simulation::new(42);
    let host = sim.host(SERVER);
    let text = panic_of(|| {
        sim.block_on(async {
            time::sleep(ms(1_500)).await;
            let (mut listener, addr) = {
                let listener = bind_socket("127.0.0.1:80").listen().await.unwrap();
                let addr = listener.local_addr().unwrap().inet().unwrap();
                (listener, addr)
            };
            let runtime = Runtime::current().unwrap();
            let mut near = aiomisc::net::connect(addr).await.unwrap();
            let (mut far, _) = listener.accept().await.unwrap();
            let reader = runtime.task("reader").spawn(async move {
                read_exact(&mut near, 1).await.unwrap();
                near
            });
            let writer = runtime.task("writer").spawn(async move {
                let _ = far.write_all(&vec![0; 100_000]).await;
            });
            let acceptor = runtime.task("acceptor").spawn(async move {
                let _ = listener.accept().await;
            });
            let mut socket = bind_socket("127.0.0.1:53").datagram().await.unwrap();
            let receiver = host.task("receiver").spawn(async move {
                let _ = socket.recv_from(&mut [0]).await;
            });
            let sleeper = runtime.task("sleeper").spawn(time::sleep(Duration::MAX));
            let stuck = runtime.task("stuck").spawn(std::future::pending::<()>());
            // It has what it waits for, and reads no more.
            let _near = reader.await.unwrap();
            drop((writer, acceptor, receiver, sleeper, stuck));
            std::future::pending::<()>().await;
        });
    });
    let expected = "\
the simulation (seed 42) stands still at +1.5s: nothing is ready, no timer runs and nothing is under way, but somebody still waits:
  task 1 `block_on`: something outside of the simulation, e.g. a channel or an event
  task 3 `writer` (spawned by task 1 at +1.5s): writing to tcp 127.0.0.1:80 -> 127.0.0.1:49152
  task 4 `acceptor` (spawned by task 1 at +1.5s): accepting on tcp 127.0.0.1:80
  task 5 `receiver` (spawned by task 1 at +1.5s): receiving on udp 127.0.0.1:53
  task 6 `sleeper` (spawned by task 1 at +1.5s): sleeping for ever
  task 7 `stuck` (spawned by task 1 at +1.5s): something outside of the simulation, e.g. a channel or an event
(if a thread outside of the simulation is to wake one of them, say `Simulation::builder().outside_wakes(true)`)";
    assert_eq!(text, expected);
}

#[test]
fn what_a_task_waits_for_is_of_its_last_poll() {
    let sim = Simulation::new(1);
    let text = panic_of(|| {
        sim.block_on(async {
            let mut socket = bind_socket("127.0.0.1:53").datagram().await.unwrap();
            time::sleep(secs(1)).await;
            let _ = time::timeout(secs(1), socket.recv_from(&mut [0])).await;
            let mut other = bind_socket("127.0.0.1:54").datagram().await.unwrap();
            let (mut one, mut two) = ([0], [0]);
            futures::future::select(
                Box::pin(socket.recv_from(&mut one)),
                Box::pin(other.recv_from(&mut two)),
            )
            .await;
        });
    });
    let line = "`block_on`: receiving on udp 127.0.0.1:53, or receiving on udp 127.0.0.1:54";
    assert!(text.contains(line), "{text}");
}

/// Nobody sets the key that both of them need.
#[test]
fn a_deadlock_names_the_keys_that_are_waited_for() {
    static POOL: aiomisc::context::Key<u32> = aiomisc::context::Key::new("pool");

    let sim = Simulation::new(1);
    let text = panic_of(|| {
        sim.block_on(async {
            let context = aiomisc::Context::new();
            let theirs = context.clone();
            let runtime = Runtime::current().unwrap();
            let api = runtime.task("api");
            let api = api.spawn(async move { theirs.get(&POOL).await });
            // What it waited for before is over.
            let _ = time::timeout(secs(1), context.get_type::<u8>()).await;
            time::sleep(ms(1)).await;
            let _ = (context.get(&POOL).await, api.await);
        });
    });
    for task in ["`block_on`: ", "`api` (spawned by task 1 at +0ns): "] {
        let line = format!("{task}waiting for the key `pool` (u32) at tests/simulation/reports.rs");
        assert!(text.contains(&line), "{text}");
    }
    assert_eq!(text.matches("the key").count(), 2, "{text}");
}

#[test]
fn a_name_given_by_nobody_is_the_type_of_the_future() {
    let sim = Simulation::new(1);
    let text = panic_of(|| {
        sim.block_on(async {
            let task = aiomisc::spawn(async { std::future::pending::<()>().await });
            task.await.unwrap();
        });
    });
    assert!(text.contains("a_name_given_by_nobody"), "{text}");
}

#[test]
fn tasks_that_run_without_end_are_reported() {
    let sim = Simulation::builder().seed(3).poll_limit(1_000).build();
    let text = panic_of(|| {
        sim.block_on(async {
            let runtime = Runtime::current().unwrap();
            let spinner = runtime.task("spinner").spawn(async {
                loop {
                    smol::future::yield_now().await;
                }
            });
            let _: () = spinner.await.unwrap();
        });
    });
    assert!(
        text.starts_with(
            "the simulation (seed 3) does not get on: 1000 polls at +0ns without an end"
        ),
        "{text}"
    );
    assert!(text.contains("task 2 `spinner`"), "{text}");
    // Time that passes is enough of an end.
    let sim = Simulation::builder().poll_limit(1_000).build();
    sim.block_on(async {
        for _ in 0..5_000 {
            time::sleep(Duration::from_nanos(1)).await;
        }
    });
}

#[test]
fn after_a_deadlock_the_simulation_is_usable() {
    let sim = Simulation::new(1);
    panic_of(|| sim.block_on(std::future::pending()));
    assert_eq!(
        sim.block_on(async { aiomisc::spawn(async { 7 }).await.unwrap() }),
        7
    );
}

#[test]
fn a_thread_from_outside_may_wake_when_that_was_said() {
    let sim = Simulation::builder().outside_wakes(true).build();
    let (send, receive) = futures::channel::oneshot::channel();
    let thread = std::thread::spawn(move || send.send(7).unwrap());
    assert_eq!(sim.block_on(receive), Ok(7));
    thread.join().unwrap();
}

#[test]
fn a_task_cannot_block_on_its_simulation() {
    let sim = Simulation::new(1);
    let inner = sim.clone();
    let text = panic_of(move || sim.block_on(async move { inner.block_on(async {}) }));
    assert_eq!(
        text,
        "a task of a simulation cannot block on the simulation"
    );
}
