//! Programs that do everything at once on a network that fails all the time: one seed is one run, and
//! nothing is left of any.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::{AsyncReadExt, AsyncWriteExt, StreamExt, stream::FuturesUnordered};

use super::chance::Chance;
use super::{Conditions, Network, Simulation, Trace};
use crate::net::{Stream, bind_socket, connect};
use crate::runtime::{Runtime, Task};
use crate::time::{sleep, timeout};

const HOSTS: u8 = 4;
const CLIENTS: usize = 24;
const STEPS: usize = 12;

fn ip(host: u8) -> IpAddr {
    [10, 0, 0, host + 1].into()
}

fn chance() -> Chance {
    let runtime = Runtime::current().expect("a task has a runtime");
    Chance::new(runtime.backend().seed())
}

fn any_ip(chance: &mut Chance) -> IpAddr {
    ip(chance.below(HOSTS.into()) as u8)
}

fn pause(chance: &mut Chance, most: u64) -> Duration {
    Duration::from_micros(chance.between((0, most)))
}

/// The tasks that would go on for ever.
type Tasks = Arc<Mutex<Vec<Task<()>>>>;

fn keep(tasks: &Tasks, task: Task<()>) {
    tasks.lock().expect("nobody panics here").push(task);
}

/// Sends back what comes, and lets go of it at any moment.
async fn echo(mut stream: Stream) {
    let mut chance = chance();
    let mut buf = vec![0; 4_096];
    while let Ok(count @ 1..) = stream.read(&mut buf).await {
        if chance.hits(0.05) || stream.write_all(&buf[..count]).await.is_err() {
            return;
        }
    }
}

async fn serve(address: String, tasks: Tasks) {
    let runtime = Runtime::current().expect("a task has a runtime");
    let mut chance = chance();
    loop {
        let backlog = 1 + chance.below(4) as u32;
        let bound = bind_socket(address.as_str()).backlog(backlog);
        let mut listener = bound.listen().await.expect("the address is free again");
        // Now and then it stops listening, whoever waits.
        for _ in 0..chance.below(20) {
            let accepted = timeout(Duration::from_secs(20), listener.accept()).await;
            let Ok(Ok((stream, _))) = accepted else { break };
            keep(&tasks, runtime.spawn(echo(stream)));
        }
        drop(listener);
        sleep(pause(&mut chance, 50_000)).await;
    }
}

async fn answer_datagrams() {
    let bound = bind_socket("0.0.0.0:53").datagram().await;
    let mut socket = bound.expect("the port is free");
    let mut buf = [0; 100];
    loop {
        let received = socket.recv_from(&mut buf).await.expect("it is open");
        let _ = socket.send_to(&buf[..received.len], &received.from).await;
    }
}

async fn talk(mut stream: Stream, chance: &mut Chance) {
    let data = vec![1; chance.below(200_000)];
    let mut answer = vec![0; chance.below(data.len().max(1))];
    let (mut read, mut write) = (&mut stream).split();
    let _ = futures::future::join(write.write_all(&data), read.read_exact(&mut answer)).await;
}

async fn step(chance: &mut Chance) {
    let addr = SocketAddr::new(any_ip(chance), 80);
    match chance.below(6) {
        0 | 1 => {
            if let Ok(stream) = connect(addr).await {
                talk(stream, chance).await;
            }
        }
        2 => {
            if let Ok(stream) = connect("/server").await {
                talk(stream, chance).await;
            }
        }
        3 => {
            // Many at once, most of them given up in the middle.
            let mut many: FuturesUnordered<_> = (0..10).map(|_| connect(addr)).collect();
            let _ = timeout(pause(chance, 20_000), many.next()).await;
        }
        4 => {
            let socket = bind_socket("0.0.0.0:0").datagram().await;
            let mut socket = socket.expect("there is a port");
            let to = SocketAddr::new(addr.ip(), 53).into();
            let _ = socket.send_to(&[7; 50], &to).await;
            let _ = socket.recv_from(&mut [0; 50]).await;
        }
        _ => {
            let runtime = Runtime::current().expect("a task has a runtime");
            let inner = runtime.clone();
            let spawned = runtime.spawn_blocking(move || {
                let task = inner.spawn(async move { connect(addr).await });
                task.abort();
                inner.spawn(sleep(Duration::from_millis(3)))
            });
            if let Ok(task) = spawned.await {
                let _ = task.await;
            }
        }
    }
}

async fn client() {
    let mut chance = chance();
    for _ in 0..STEPS {
        let limit = pause(&mut chance, 3_000_000);
        let _ = timeout(limit, step(&mut chance)).await;
        sleep(pause(&mut chance, 100_000)).await;
    }
}

async fn rage(network: Network) {
    let mut chance = chance();
    loop {
        let (a, b) = (any_ip(&mut chance), any_ip(&mut chance));
        match chance.below(8) {
            0 => network.partition(a, b),
            1 => network.heal(a, b),
            2 => network.isolate(a),
            3 => network.rejoin(a),
            4 => network.cut(a, b),
            5 => network.vanish(a, b),
            6 => network.cut_all(),
            _ => {
                let low = pause(&mut chance, 5_000);
                let mut conditions = Conditions::new()
                    .latency_between(low..=low + pause(&mut chance, 2_000_000))
                    .loss(0.2)
                    .reorder(0.2)
                    .duplicate(0.2);
                if chance.hits(0.5) {
                    conditions = conditions.bandwidth(chance.between((1_000, 1_000_000)));
                }
                network.set_between(a, b, conditions);
            }
        }
        sleep(pause(&mut chance, 100_000)).await;
    }
}

fn storm(seed: u64) -> Trace {
    let simulation = Simulation::builder().seed(seed).trace(1_000_000).build();
    let hosts: Vec<_> = (0..HOSTS).map(|host| simulation.host(ip(host))).collect();
    simulation.block_on(async {
        let tasks = Tasks::default();
        for host in &hosts {
            for address in ["0.0.0.0:80", "/server"] {
                let serve = serve(address.to_owned(), Arc::clone(&tasks));
                keep(&tasks, host.spawn(serve));
            }
            keep(&tasks, host.spawn(answer_datagrams()));
        }
        keep(&tasks, hosts[0].spawn(rage(simulation.network())));
        let clients = (0..CLIENTS).map(|number| hosts[number % hosts.len()].spawn(client()));
        for client in clients.collect::<Vec<_>>() {
            client.await.expect("no client panics");
        }
        // The last of them may begin others before they hear of it.
        loop {
            let left = std::mem::take(&mut *tasks.lock().expect("nobody panics here"));
            if left.is_empty() {
                break;
            }
            for task in left {
                let cancelled = task.cancel().await;
                assert!(!cancelled.is_err_and(|error| error.is_panic()));
            }
        }
        simulation.network().heal_all();
        sleep(Duration::from_secs(1_000_000)).await;
    });
    let world = simulation.owner.shared.lock();
    world.net.assert_empty();
    assert_eq!(world.tasks.len(), 0, "tasks are left");
    assert!(!world.has_work(), "something is ready or planned");
    assert!(world.wakes.is_empty() && world.trash.is_empty());
    world.trace.clone()
}

#[test]
fn nothing_is_left_of_it_and_it_can_be_repeated() {
    for seed in 0..40 {
        let (one, two) = (storm(seed), storm(seed));
        assert!(one.left_out() == 0 && one.len() > 1_000, "{}", one.len());
        let differs = one.iter().zip(two.iter()).find(|(one, two)| one != two);
        assert!(one == two, "seed {seed}: {differs:?}");
    }
}
