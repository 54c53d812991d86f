//! One seed is one run; another seed is another one.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use aiomisc::adapters::simulation::{Conditions, Trace};
use aiomisc::{TcpServer, services, time};

use super::*;
use smol::future::yield_now;

/// A server, some clients, a bad network, blocking jobs, and tasks that take turns.
fn run(seed: u64) -> Trace {
    let sim = Simulation::builder().seed(seed).trace(1_000_000).build();
    let server = sim.host(SERVER);
    let net = sim.network();
    net.set(Conditions::new().latency_between(ms(1)..=ms(20)).loss(0.2));
    net.at(ms(300), |net| net.cut(SERVER, CLIENT));
    net.at(ms(350), |net| net.partition(SERVER, CLIENT));
    net.at(ms(900), |net| net.heal(SERVER, CLIENT));
    let echo = TcpServer::new("0.0.0.0:80", |mut stream: Stream, _| async move {
        let mut buf = [0; 64];
        loop {
            match stream.read(&mut buf).await? {
                0 => return Ok(()),
                count => stream.write_all(&buf[..count]).await?,
            }
        }
    });
    let entrypoint = aiomisc::Entrypoint::builder()
        .runtime(server)
        .environment(|_| None)
        .log_config(false)
        .catch_signals([])
        .services(services![echo]);
    let client = sim.host(CLIENT);
    let main = async move {
        let clients: Vec<_> = (0..5).map(|_| client.spawn(client_of(SERVER))).collect();
        let mut datagrams = bind_socket("0.0.0.0:0").datagram().await.unwrap();
        let to = SocketAddr::new(CLIENT, 9).into();
        for number in 0..10 {
            datagrams.send_to(&[number], &to).await.unwrap();
            Runtime::current()
                .unwrap()
                .spawn_blocking(move || number)
                .await
                .unwrap();
        }
        for client in clients {
            client.await.unwrap();
        }
    };
    entrypoint.run(main).unwrap();
    sim.trace()
}

async fn client_of(server: IpAddr) {
    let mut answers = 0;
    while answers < 20 {
        let Ok(mut stream) = aiomisc::net::connect(SocketAddr::new(server, 80)).await else {
            time::sleep(ms(100)).await;
            continue;
        };
        while answers < 20 {
            let exchange = async {
                stream.write_all(b"hello").await?;
                read_exact(&mut stream, 5).await
            };
            match exchange.await {
                Ok(_) => answers += 1,
                Err(_) => break,
            }
            time::sleep(ms(17)).await;
        }
    }
}

#[test]
fn one_seed_gives_the_same_run_event_by_event() {
    for seed in [0, 1, u64::MAX] {
        let (first, second) = (run(seed), run(seed));
        let differs = first.iter().zip(second.iter()).find(|(a, b)| a != b);
        assert!(differs.is_none(), "{differs:?}");
        assert_eq!(first, second);
        assert_eq!(first.left_out(), 0);
        assert!(first.len() > 500, "{}", first.len());
        for kind in [
            "spawn", "poll", "timer", "send", "deliver", "reset", "job", "end",
        ] {
            assert!(first.iter().any(|event| event.kind() == kind), "{kind}");
        }
    }
}

#[test]
fn three_hundred_seeds_give_three_hundred_runs() {
    let runs: HashSet<String> = (0..300).map(|seed| run(seed).to_string()).collect();
    assert_eq!(runs.len(), 300);
}

/// The orders in which ten tasks run differ, and every one of them comes first some time.
#[test]
fn the_order_of_tasks_is_left_to_chance() {
    let mut orders = HashSet::new();
    let mut firsts = HashSet::new();
    for seed in 0..300 {
        let order = Arc::new(Mutex::new(Vec::new()));
        Simulation::new(seed).block_on(async {
            let tasks: Vec<_> = (0..10)
                .map(|number| {
                    let order = Arc::clone(&order);
                    aiomisc::spawn(async move { order.lock().unwrap().push(number) })
                })
                .collect();
            for task in tasks {
                task.await.unwrap();
            }
        });
        let order = order.lock().unwrap().clone();
        firsts.insert(order[0]);
        orders.insert(order);
    }
    assert!(orders.len() >= 299, "{} orders", orders.len());
    assert_eq!(firsts.len(), 10);
}

#[test]
fn chance_comes_from_the_seed_and_does_not_disturb_the_schedule() {
    let numbers = |seed| {
        let runtime = Simulation::new(seed).runtime();
        [runtime.backend().seed(), runtime.backend().seed()]
    };
    assert_eq!(numbers(1), numbers(1));
    assert_ne!(numbers(1), numbers(2));
    assert_ne!(numbers(1)[0], numbers(1)[1]);
}

#[test]
fn a_trace_keeps_the_last_events_and_nothing_unless_told() {
    let run = |events| {
        let sim = Simulation::builder().trace(events).build();
        sim.block_on(async {
            for _ in 0..10 {
                yield_now().await;
            }
        });
        sim.trace()
    };
    assert!(run(0).is_empty());
    let all = run(1_000);
    let last = run(3);
    assert_eq!((last.len(), last.left_out() as usize), (3, all.len() - 3));
    assert!(last.iter().eq(all.iter().skip(all.len() - 3)));
    let text = all.to_string();
    assert_eq!(text.lines().count(), all.len());
    assert!(text.contains("poll      `block_on`"), "{text}");
}

static RUNS: AtomicUsize = AtomicUsize::new(0);
static SEEDS: AtomicU64 = AtomicU64::new(0);

/// The attribute runs it so often in one test function.
#[aiomisc::test(simulation, seeds = 300)]
async fn a_test_with_seeds() {
    RUNS.fetch_add(1, Ordering::SeqCst);
    let runtime = Runtime::current().unwrap();
    SEEDS.fetch_xor(runtime.backend().seed(), Ordering::SeqCst);
    time::sleep(secs(3_600)).await;
}

#[test]
fn a_test_with_seeds_has_run_with_each_of_them() {
    let replayed = {
        #[allow(
            clippy::disallowed_methods,
            reason = "whoever runs the tests may replay one seed"
        )]
        std::env::var_os("AIOMISC_SIMULATION_SEED").is_some()
    };
    let before = RUNS.load(Ordering::SeqCst);
    a_test_with_seeds();
    let runs = RUNS.load(Ordering::SeqCst) - before;
    assert!(replayed || runs >= 300, "{runs}");
}

#[aiomisc::test(runtimes(simulation), seeds = 3, timeout = "5s")]
async fn a_test_in_a_module() {
    assert_eq!(Runtime::current().unwrap().name(), "simulation");
}
