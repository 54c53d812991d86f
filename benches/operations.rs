//! What one operation costs, with its allocations: `cargo bench --all-features`. Each figure is that of
//! [`TURNS`] operations; `benches/resilience.rs` has those of the tools around calls,
//! and `benches/peers` compares with others.

use std::hint::black_box;
use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aiomisc::io::TextFile;
use aiomisc::statistics::{Counter, Gauge, Histogram, Sum};
use aiomisc::utils::{fast_uuid1, fast_uuid4};
use aiomisc::{Context, Entrypoint, Key, Runtime, ServiceContext, service_fn, statistic, time};
use divan::Bencher;
use divan::counter::ItemsCount;
use futures::FutureExt;

#[path = "common/mod.rs"]
mod common;

use common::{HOUR, RUNTIMES, TURNS, make, repeat};

fn main() {
    divan::main();
}

#[divan::bench(args = RUNTIMES)]
fn spawn_and_join(bencher: Bencher<'_, '_>, runtime: &str) {
    repeat(bencher, runtime, &async |runtime| {
        runtime
            .spawn(async {})
            .await
            .expect("a task that does not panic");
    });
}

/// As [`spawn_and_join`], in an entrypoint, which keeps a list of its tasks; ten times as often, so that
/// its start and stop do not count.
#[divan::bench(args = RUNTIMES)]
fn spawn_and_join_in_an_entrypoint(bencher: Bencher<'_, '_>, runtime: &str) {
    let runtime = make(runtime);
    bencher
        .counter(ItemsCount::new(10 * TURNS))
        .bench_local(|| {
            let builder = Entrypoint::builder()
                .runtime(runtime.clone())
                .log_config(false)
                .catch_signals([]);
            let outcome = builder.run(async {
                for _ in 0..10 * TURNS {
                    let task = runtime.spawn(async {});
                    task.await.expect("a task that does not panic");
                }
            });
            outcome.expect("nothing fails");
        });
}

#[divan::bench(args = RUNTIMES)]
fn spawn_and_detach(bencher: Bencher<'_, '_>, runtime: &str) {
    repeat(bencher, runtime, &async |runtime| {
        runtime.spawn(async {}).detach();
    });
}

#[divan::bench(args = RUNTIMES)]
fn uuid_of_version_1(bencher: Bencher<'_, '_>, runtime: &str) {
    repeat(bencher, runtime, &async |_| {
        black_box(fast_uuid1());
    });
}

#[divan::bench(args = RUNTIMES)]
fn uuid_of_version_4(bencher: Bencher<'_, '_>, runtime: &str) {
    repeat(bencher, runtime, &async |_| {
        black_box(fast_uuid4());
    });
}

/// So many lines of 100 bytes are in a file.
const LINES: u32 = 100 * TURNS;

fn line() -> String {
    format!("{:99}\n", "a line of a hundred bytes")
}

/// Written one by one, up to the end of the file's `close`.
#[divan::bench(args = RUNTIMES)]
fn file_lines_written(bencher: Bencher<'_, '_>, runtime: &str) {
    let (runtime, line) = (make(runtime), line());
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("lines");
    bencher.counter(ItemsCount::new(LINES)).bench_local(|| {
        runtime.block_on(async {
            let mut file = TextFile::create(&path).await.expect("a file");
            for _ in 0..LINES {
                file.write(&line).await.expect("room");
            }
            file.close().await.expect("nothing fails");
        });
    });
}

#[divan::bench(args = RUNTIMES)]
fn file_lines_read(bencher: Bencher<'_, '_>, runtime: &str) {
    let (runtime, line) = (make(runtime), line());
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("lines");
    std::fs::write(&path, line.repeat(100 * TURNS as usize)).expect("room");
    bencher.counter(ItemsCount::new(LINES)).bench_local(|| {
        runtime.block_on(async {
            let mut file = TextFile::open(&path).await.expect("it is there");
            while let Some(read) = file.readline().await.expect("text") {
                assert_eq!(black_box(read).len(), 100);
            }
        });
    });
}

/// The floor: what the standard library's buffer needs for [`file_lines_written`] in one thread.
#[divan::bench]
fn file_lines_written_by_std(bencher: Bencher<'_, '_>) {
    let line = line();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("lines");
    bencher.counter(ItemsCount::new(LINES)).bench_local(|| {
        let file = std::fs::File::create(&path).expect("a file");
        let mut file = std::io::BufWriter::with_capacity(64 * 1024, file);
        for _ in 0..LINES {
            file.write_all(line.as_bytes()).expect("room");
        }
        file.flush().expect("room");
    });
}

#[divan::bench(args = RUNTIMES)]
fn look_up(bencher: Bencher<'_, '_>, runtime: &str) {
    repeat(bencher, runtime, &async |_| {
        black_box(Runtime::current().expect("inside of a runtime"));
    });
}

#[divan::bench(args = RUNTIMES)]
fn timeout_of_a_ready_future(bencher: Bencher<'_, '_>, runtime: &str) {
    repeat(bencher, runtime, &async |_| {
        let result = time::timeout(HOUR, std::future::ready(7)).await;
        assert_eq!(black_box(result), Ok(7));
    });
}

#[divan::bench(args = RUNTIMES)]
fn sleep_made_and_dropped(bencher: Bencher<'_, '_>, runtime: &str) {
    repeat(bencher, runtime, &async |_| {
        assert!(time::sleep(HOUR).now_or_never().is_none());
    });
}

/// Each tick is due when it is asked for.
#[divan::bench(args = RUNTIMES)]
fn tick(bencher: Bencher<'_, '_>, runtime: &str) {
    let runtime = make(runtime);
    bencher.counter(ItemsCount::new(TURNS)).bench_local(|| {
        runtime.block_on(async {
            let mut ticks = runtime.interval(Duration::from_nanos(1));
            for _ in 0..TURNS {
                black_box(ticks.tick().await);
            }
        });
    });
}

static NUMBER: Key<u32> = Key::new("number");
static SHARED: Key<Arc<u32>> = Key::new("shared");

/// A context like that of a program, with some keys that were set before.
fn context() -> Context {
    static OTHERS: [Key<u32>; 4] = [
        Key::new("one"),
        Key::new("two"),
        Key::new("three"),
        Key::new("four"),
    ];
    let context = Context::new();
    OTHERS.iter().for_each(|key| context.set(key, 1));
    context.set(&NUMBER, 7);
    context.set(&SHARED, Arc::new(7));
    context
}

#[divan::bench(args = RUNTIMES)]
fn context_get(bencher: Bencher<'_, '_>, runtime: &str) {
    let context = context();
    repeat(bencher, runtime, &async |_| {
        assert_eq!(black_box(&context).get(&NUMBER).await, Ok(7));
    });
}

/// The value's own clone and drop come on top.
#[divan::bench(args = RUNTIMES)]
fn context_get_arc(bencher: Bencher<'_, '_>, runtime: &str) {
    let context = context();
    repeat(bencher, runtime, &async |_| {
        assert!(black_box(&context).get(&SHARED).await.is_ok());
    });
}

#[divan::bench]
fn context_try_get(bencher: Bencher<'_, '_>) {
    let context = context();
    bencher.counter(ItemsCount::new(TURNS)).bench_local(|| {
        for _ in 0..TURNS {
            black_box(black_box(&context).try_get(&NUMBER));
        }
    });
}

/// The least that a look at a shared value costs: its lock, and its count.
#[divan::bench]
fn context_floor_of_mutex_and_arc(bencher: Bencher<'_, '_>) {
    let value = Mutex::new(Arc::new(7));
    bencher.counter(ItemsCount::new(TURNS)).bench_local(|| {
        for _ in 0..TURNS {
            black_box(Arc::clone(&black_box(&value).lock().expect("not poisoned")));
        }
    });
}

aiomisc::context_var! {
    static VARIABLE: u32;
    static SHARED_VARIABLE: Arc<u32>;
    static UNSET_VARIABLE: u32 = 7;
}

/// Within a runtime, with some variables that are set.
fn with_variables(bencher: Bencher<'_, '_>, runtime: &str, op: &impl AsyncFn(&Runtime)) {
    VARIABLE.sync_scope(7, || {
        SHARED_VARIABLE.sync_scope(Arc::new(7), || repeat(bencher, runtime, op));
    });
}

#[divan::bench(args = RUNTIMES)]
fn context_var_get(bencher: Bencher<'_, '_>, runtime: &str) {
    with_variables(bencher, runtime, &async |_| {
        assert_eq!(black_box(VARIABLE.get()), Some(7));
    });
}

/// The value's own clone and drop come on top.
#[divan::bench(args = RUNTIMES)]
fn context_var_get_arc(bencher: Bencher<'_, '_>, runtime: &str) {
    with_variables(bencher, runtime, &async |_| {
        assert!(black_box(SHARED_VARIABLE.get()).is_some());
    });
}

#[divan::bench(args = RUNTIMES)]
fn context_var_get_default(bencher: Bencher<'_, '_>, runtime: &str) {
    with_variables(bencher, runtime, &async |_| {
        assert_eq!(black_box(UNSET_VARIABLE.get()), Some(7));
    });
}

#[divan::bench(args = RUNTIMES)]
fn context_var_set(bencher: Bencher<'_, '_>, runtime: &str) {
    with_variables(bencher, runtime, &async |_| {
        VARIABLE.set(black_box(7)).expect("inside of a runtime");
    });
}

#[divan::bench(args = RUNTIMES)]
fn context_var_scope(bencher: Bencher<'_, '_>, runtime: &str) {
    with_variables(bencher, runtime, &async |_| {
        VARIABLE.scope(black_box(7), async {}).await;
    });
}

/// Beside [`spawn_and_join`]: the child has the values of its parent.
#[divan::bench(args = RUNTIMES)]
fn context_var_spawn_and_join(bencher: Bencher<'_, '_>, runtime: &str) {
    with_variables(bencher, runtime, &async |runtime| {
        let child = runtime.spawn(async { black_box(VARIABLE.get()) });
        assert_eq!(child.await.expect("it does not panic"), Some(7));
    });
}

/// How many threads update one figure at the same time.
const THREADS: &[usize] = &[1, 2];

/// A million times, so that the threads do meet.
fn update(bencher: Bencher<'_, '_>, op: impl Fn() + Sync) {
    let times = TURNS * TURNS;
    bencher
        .counter(ItemsCount::new(times))
        .bench(|| (0..times).for_each(|_| op()));
}

/// Beside [`statistic_counter`]: what an atomic costs that all threads share.
#[divan::bench(threads = THREADS)]
fn statistic_floor_of_an_atomic(bencher: Bencher<'_, '_>) {
    let atomic = AtomicU64::new(0);
    update(bencher, || {
        black_box(&atomic).fetch_add(1, Ordering::Relaxed);
    });
}

#[divan::bench(threads = THREADS)]
fn statistic_counter(bencher: Bencher<'_, '_>) {
    let counter = Counter::new();
    update(bencher, || black_box(&counter).add_one());
}

#[divan::bench(threads = THREADS)]
fn statistic_sum(bencher: Bencher<'_, '_>) {
    let (sum, length) = (Sum::new(), Duration::from_micros(1_500_000));
    update(bencher, || black_box(&sum).add(black_box(length)));
}

#[divan::bench(threads = THREADS)]
fn statistic_gauge(bencher: Bencher<'_, '_>) {
    let gauge = Gauge::new();
    update(bencher, || black_box(&gauge).add(1));
}

#[divan::bench(threads = THREADS)]
fn statistic_histogram(bencher: Bencher<'_, '_>) {
    let (histogram, length) = (Histogram::new(), Duration::from_millis(30));
    update(bencher, || black_box(&histogram).observe(black_box(length)));
}

statistic! {
    /// Like that of a pool.
    struct PoolLikeStatistic {
        threads: Gauge,
        submitted: Counter,
        done: Counter,
        success: Counter,
        error: Counter,
        sum_time: Sum,
    }
}

#[divan::bench]
fn statistic_instance_made_and_dropped(bencher: Bencher<'_, '_>) {
    bencher.counter(ItemsCount::new(TURNS)).bench_local(|| {
        for _ in 0..TURNS {
            black_box(PoolLikeStatistic::unnamed());
        }
    });
}

/// The figure is that of one instance, which has six numbers.
#[divan::bench]
fn statistic_instance_read(bencher: Bencher<'_, '_>) {
    let instances: Vec<_> = (0..TURNS).map(|_| PoolLikeStatistic::unnamed()).collect();
    bencher
        .counter(ItemsCount::new(TURNS))
        .bench_local(|| aiomisc::statistics().of_kind::<PoolLikeStatistic>().count());
    drop(instances);
}

#[divan::bench(args = RUNTIMES)]
fn service_start_and_stop(bencher: Bencher<'_, '_>, runtime: &str) {
    let waits = |ctx: ServiceContext| async move {
        ctx.ready();
        ctx.stopping().await;
        Ok(())
    };
    let runtime = make(runtime);
    bencher
        .counter(ItemsCount::new(TURNS))
        .with_inputs(|| {
            let empty = Entrypoint::builder()
                .runtime(runtime.clone())
                .log_config(false)
                .catch_signals([]);
            (0..TURNS).fold(empty, |entrypoint, number| {
                entrypoint.service(service_fn(format!("service {number}"), waits))
            })
        })
        .bench_local_values(|entrypoint| entrypoint.run(async {}).expect("nothing fails"));
}

/// An hour of a server with a hundred clients, each with a request every 2 to 4 seconds, on a network
/// with some latency: some 120 000 requests. The figure is that of the whole hour.
#[cfg(feature = "simulation")]
#[divan::bench(sample_count = 10, sample_size = 1)]
fn simulated_hour() {
    use aiomisc::TcpServer;
    use aiomisc::adapters::Simulation;
    use aiomisc::adapters::simulation::Conditions;
    use aiomisc::net::Stream;
    use futures::{AsyncReadExt, AsyncWriteExt};
    use std::net::{IpAddr, SocketAddr};

    const SERVER: SocketAddr =
        SocketAddr::new(IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1)), 80);
    let simulation = Simulation::new(1);
    let latency = Duration::from_millis(1)..=Duration::from_millis(5);
    let conditions = Conditions::new().latency_between(latency);
    simulation.network().set(conditions);
    let server = TcpServer::new("0.0.0.0:80", |mut stream: Stream, _| async move {
        let mut request = [0; 16];
        while stream.read_exact(&mut request).await.is_ok() {
            stream.write_all(&request).await?;
        }
        Ok(())
    });
    let entrypoint = Entrypoint::builder()
        .runtime(simulation.host(SERVER.ip()))
        .environment(|_| None)
        .log_config(false)
        .catch_signals([])
        .service(server);
    let host = simulation.host([10, 0, 0, 2]);
    let hour = entrypoint.run(async move {
        for number in 0..100 {
            let client = async move {
                let mut stream = aiomisc::net::connect(SERVER).await?;
                let mut answer = [0; 16];
                loop {
                    stream.write_all(&answer).await?;
                    stream.read_exact(&mut answer).await?;
                    time::sleep(Duration::from_millis(2_000 + number * 20)).await;
                }
            };
            // It ends with an error when the server stops.
            host.spawn(async move {
                let outcome: Result<(), aiomisc::BoxError> = client.await;
                drop(outcome);
            })
            .detach();
        }
        time::sleep(HOUR).await;
    });
    hour.expect("nothing fails");
    assert!(black_box(simulation.elapsed()) >= HOUR);
}
