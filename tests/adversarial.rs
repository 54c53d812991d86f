//! A thousand lives of programs whose services do the worst that they can, at random moments: they
//! fail, panic, hang, wait for what never comes, do not listen, and start others, while something else
//! stops some of them or all. What `src/docs/lifecycle.md` promises holds for each of them.
#![cfg(all(feature = "simulation", feature = "testing"))]
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails at that place"
)]

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::future::pending;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aiomisc::adapters::Simulation;
use aiomisc::context::Key;
use aiomisc::entrypoint::EntrypointState;
use aiomisc::service::{Policy, Restart, ServiceOptions, ServiceState};
use aiomisc::{
    BoxError, Entrypoint, Runtime, Service, ServiceContext, StopReason, async_trait, time,
};

const SEEDS: u64 = 1000;
const SHUTDOWN: Duration = Duration::from_secs(15);

static KEYS: [Key<u32>; 3] = [Key::new("a"), Key::new("b"), Key::new("c")];

/// SplitMix64, for what a seed makes of a program.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % sides
    }

    fn millis(&mut self, most: u64) -> Duration {
        Duration::from_millis(self.roll(most))
    }
}

#[derive(Clone, Copy, Debug)]
enum Act {
    Sleep(Duration),
    /// Calls `ready`.
    Ready,
    Fail,
    Panic,
    Hang,
    /// Waits for the stop, as one should.
    LookOut,
    WaitFor(usize),
    Set(usize),
    /// Spawns a task that fails after this time.
    Task(Duration),
    /// Spawns a task that spawns another one when it is dropped.
    Hydra,
    /// Holds something that panics when it is dropped.
    PanicLater,
    /// Starts another service, and waits for it or not.
    StartOther(bool),
    /// Stops itself and does not wait.
    StopItself,
}

/// What is known of all services of a program.
#[derive(Default)]
struct World {
    /// By name: what has become of it.
    records: Mutex<BTreeMap<String, Record>>,
    /// Futures of services that are there, with what they are.
    alive: Mutex<BTreeMap<usize, String>>,
    count: AtomicUsize,
    log: Mutex<Vec<String>>,
}

#[derive(Default)]
struct Record {
    /// Calls of `start`, those that came as far as being started, and calls of `stop`.
    starts: usize,
    started: usize,
    stops: usize,
    stops_over: usize,
    needs: Vec<String>,
}

impl World {
    fn log(&self, text: &str) {
        let now = Runtime::current().map_or(Duration::ZERO, |runtime| {
            runtime
                .wall_now()
                .duration_since(std::time::UNIX_EPOCH)
                .unwrap_or_default()
        });
        self.log
            .lock()
            .unwrap()
            .push(format!("{} {text}", now.as_millis()));
    }

    fn with<R>(&self, name: &str, change: impl FnOnce(&mut Record) -> R) -> R {
        change(
            self.records
                .lock()
                .unwrap()
                .entry(name.to_owned())
                .or_default(),
        )
    }

    fn alive(self: &Arc<Self>, what: impl Into<String>) -> Alive {
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        self.alive.lock().unwrap().insert(number, what.into());
        Alive(Arc::clone(self), number)
    }
}

struct Alive(Arc<World>, usize);

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.alive.lock().unwrap().remove(&self.1);
    }
}

struct Hydra(ServiceContext, Arc<World>);

impl Drop for Hydra {
    fn drop(&mut self) {
        let alive = self.1.alive("head of a hydra");
        self.0.spawn(async move {
            let _alive = alive;
            pending().await
        });
    }
}

struct PanicLater;

impl Drop for PanicLater {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            panic!("when dropped");
        }
    }
}

struct Villain {
    name: String,
    world: Arc<World>,
    /// For each life, what it does; the last one is repeated.
    lives: Vec<Vec<Act>>,
    stop: Vec<Act>,
    options: ServiceOptions,
    count: AtomicUsize,
}

impl Villain {
    fn random(name: String, world: &Arc<World>, dice: &mut Dice, others: &[String]) -> Self {
        let lives = (0..=dice.roll(3)).map(|_| Self::life(dice)).collect();
        let stop = match dice.roll(8) {
            0 => vec![Act::Hang],
            1 => vec![Act::Sleep(dice.millis(3000)), Act::Fail],
            2 => vec![Act::Panic],
            3 => vec![Act::Sleep(dice.millis(40_000))],
            4 => vec![Act::PanicLater, Act::Hang],
            5 => vec![Act::Sleep(dice.millis(3000))],
            _ => vec![],
        };
        let mut options = ServiceOptions::new()
            .start_limit(Duration::from_secs(1 + dice.roll(20)))
            .stop_limit(Duration::from_secs(1 + dice.roll(20)))
            .policy(match dice.roll(4) {
                0 => Policy::StopAll,
                1 => Policy::Ignore,
                _ => Restart::new()
                    .limit(1 + usize::try_from(dice.roll(4)).unwrap())
                    .into(),
            });
        let mut needs = Vec::new();
        for other in others {
            if dice.roll(5) == 0 {
                options = options.after(other.clone());
                needs.push(other.clone());
            }
        }
        world.with(&name, |record| record.needs = needs);
        Self {
            name,
            world: Arc::clone(world),
            lives,
            stop,
            options,
            count: AtomicUsize::new(0),
        }
    }

    fn life(dice: &mut Dice) -> Vec<Act> {
        let mut acts = Vec::new();
        for _ in 0..dice.roll(4) {
            acts.push(match dice.roll(100) {
                0 => Act::Fail,
                1 => Act::Panic,
                2 => Act::Hang,
                3 | 4 => Act::WaitFor(usize::try_from(dice.roll(3)).unwrap()),
                5..15 => Act::Set(usize::try_from(dice.roll(3)).unwrap()),
                15..20 => Act::StartOther(dice.roll(2) == 0),
                20..25 => Act::Hydra,
                25..28 => Act::PanicLater,
                _ => Act::Sleep(dice.millis(3000)),
            });
        }
        if dice.roll(3) == 0 {
            return acts;
        }
        acts.push(Act::Ready);
        for _ in 0..dice.roll(3) {
            acts.push(match dice.roll(12) {
                0 => Act::Task(dice.millis(5000)),
                1 => Act::Hydra,
                2 => Act::PanicLater,
                3 => Act::StartOther(dice.roll(2) == 0),
                4 => Act::Set(usize::try_from(dice.roll(3)).unwrap()),
                5 => Act::StopItself,
                _ => Act::Sleep(dice.millis(8000)),
            });
        }
        acts.push(match dice.roll(6) {
            0 => Act::Fail,
            1 => Act::Panic,
            2 => Act::Hang,
            3 => Act::Sleep(Duration::ZERO),
            _ => Act::LookOut,
        });
        acts
    }

    async fn play(&self, acts: &[Act], ctx: Option<&ServiceContext>) -> Result<(), BoxError> {
        let _alive = self.world.alive(format!("{}: {acts:?}", self.name));
        let mut panic_later = None;
        for act in acts {
            match (*act, ctx) {
                (Act::Sleep(duration), _) => time::sleep(duration).await,
                (Act::Fail, _) => return Err("as planned".into()),
                (Act::Panic, _) => panic!("as planned"),
                (Act::Hang, _) => pending().await,
                (Act::PanicLater, _) => panic_later = Some(PanicLater),
                (Act::Ready, Some(ctx)) => {
                    self.has_started();
                    ctx.ready();
                }
                (Act::LookOut, Some(ctx)) => ctx.stopping().await,
                (Act::WaitFor(key), Some(ctx)) => {
                    ctx.context().get(&KEYS[key]).await?;
                }
                (Act::Set(key), Some(ctx)) => ctx.context().set(&KEYS[key], 7),
                (Act::Task(after), Some(ctx)) => {
                    let alive = self.world.alive(format!("{}: {act:?}", self.name));
                    ctx.spawn(async move {
                        let _alive = alive;
                        time::sleep(after).await;
                        Err("a task, as planned".into())
                    });
                }
                (Act::Hydra, Some(ctx)) => {
                    let hydra = Hydra(ctx.clone(), Arc::clone(&self.world));
                    let alive = self.world.alive(format!("{}: {act:?}", self.name));
                    ctx.spawn(async move {
                        let (_alive, _hydra) = (alive, hydra);
                        pending().await
                    });
                }
                (Act::StartOther(wait), Some(ctx)) => self.start_other(ctx, wait).await?,
                (Act::StopItself, Some(ctx)) => {
                    let entrypoint = ctx.entrypoint();
                    if let Some(me) = entrypoint.service(ctx.name()) {
                        let stop = entrypoint.stop_services([me], "had enough");
                        // Dropped at once: the stop goes on.
                        let _ = time::timeout(Duration::from_millis(1), stop).await;
                    }
                }
                (act, None) => unreachable!("{act:?} in a stop"),
            }
        }
        drop(panic_later);
        Ok(())
    }

    async fn start_other(&self, ctx: &ServiceContext, wait: bool) -> Result<(), BoxError> {
        let number = self.count.load(Ordering::Relaxed);
        let name = format!("{}'s child {number}", self.name);
        let mut dice = Dice(name.len() as u64 ^ number as u64);
        let child = Self::random(name, &self.world, &mut dice, &[]);
        let start = ctx
            .entrypoint()
            .start_services([Arc::new(child) as Arc<dyn Service>]);
        if wait {
            start.await?;
        } else {
            // Dropped at some moment: undone.
            let _ = time::timeout(Duration::from_millis(700), start).await;
        }
        Ok(())
    }

    /// Counts a start that is about to be told, unless it was given up before.
    fn has_started(&self) {
        let entrypoint = Entrypoint::current().expect("in its scope");
        let me = entrypoint.service(&self.name);
        if me.is_some_and(|me| me.state() == ServiceState::Starting) {
            self.world.with(&self.name, |record| record.started += 1);
        }
    }
}

#[async_trait]
impl Service for Villain {
    fn name(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.name)
    }

    async fn start(&self, ctx: ServiceContext) -> Result<(), BoxError> {
        self.world.log(&format!("{}: start", self.name));
        let needs = self.world.with(&self.name, |record| {
            record.starts += 1;
            record.needs.clone()
        });
        for need in &needs {
            // O1
            let started = self.world.with(need, |need| need.started);
            assert!(started > 0, "{} before {need}", self.name);
        }
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let acts = &self.lives[number.min(self.lives.len() - 1)];
        let before = self.world.with(&self.name, |record| record.started);
        self.play(acts, Some(&ctx)).await?;
        if self.world.with(&self.name, |record| record.started) == before {
            self.has_started();
        }
        Ok(())
    }

    async fn stop(&self, _: &StopReason) -> Result<(), BoxError> {
        self.world.log(&format!("{}: stop", self.name));
        let dependents: Vec<_> = {
            let records = self.world.records.lock().unwrap();
            let needing = records
                .iter()
                .filter(|(_, record)| record.needs.contains(&self.name));
            needing
                .map(|(name, record)| (name.clone(), record.starts, record.started))
                .collect()
        };
        let entrypoint = Entrypoint::current().expect("in its scope");
        let me = entrypoint.service(&self.name);
        let restarting = me.is_some_and(|me| me.state() == ServiceState::Restarting);
        for (name, _, started) in dependents {
            // O2: a dependent is gone, unless this is the end of a life that failed.
            let state = entrypoint.service(&name).map(|service| service.state());
            let gone = state.is_none_or(ServiceState::is_over);
            assert!(
                restarting || started == 0 || gone,
                "{} before {name}, which is {state:?}",
                self.name
            );
        }
        self.world.with(&self.name, |record| record.stops += 1);
        let result = self.play(&self.stop, None).await;
        self.world.with(&self.name, |record| record.stops_over += 1);
        result
    }

    fn options(&self) -> ServiceOptions {
        self.options.clone()
    }
}

/// What became of a program, to see that all kinds of things happen.
#[derive(Debug, Default)]
struct Tally {
    not_started: usize,
    overran: usize,
    clean: usize,
    failed: usize,
    restarts: u64,
    dynamic: usize,
}

async fn run(seed: u64, world: &Arc<World>, tally: &mut Tally) {
    let mut dice = Dice(seed);
    let mut builder = Entrypoint::builder()
        .environment(|_| None)
        .log_config(false)
        .shutdown_timeout(SHUTDOWN);
    let mut names = Vec::new();
    for number in 0..=dice.roll(7) {
        let name = format!("villain {number}");
        builder = builder.service(Villain::random(name.clone(), world, &mut dice, &names));
        names.push(name);
    }
    let runtime = Runtime::current().expect("in a simulation");
    let deadline = Duration::from_secs(60) + SHUTDOWN;
    let start = time::timeout(deadline, builder.start());
    let running = match start.await.expect("a start ends within its limits") {
        Ok(running) => running,
        Err(error) => {
            tally.not_started += 1;
            settle().await;
            return check(seed, world, error.overran(), &error);
        }
    };
    let handle = running.handle().clone();
    let meddler = {
        let (handle, mut dice) = (handle.clone(), Dice(!seed));
        aiomisc::spawn(async move {
            for _ in 0..dice.roll(3) {
                time::sleep(dice.millis(6000)).await;
                let services = handle.services();
                let at = usize::try_from(dice.roll(services.len().max(1) as u64)).unwrap();
                let Some(service) = services.get(at).cloned() else {
                    continue;
                };
                let stop = handle.stop_services([service], "meddling");
                let _ = time::timeout(dice.millis(3000), stop).await;
            }
        })
    };
    let _ = time::timeout(dice.millis(20_000), running.closing()).await;
    for service in handle.services() {
        tally.restarts += service.status().restarts;
        tally.dynamic += usize::from(service.name().contains("child"));
    }
    let closing = {
        let handle = handle.clone();
        aiomisc::spawn(async move {
            handle.closing().await;
            handle.runtime().now()
        })
    };
    let result = running.graceful_shutdown("enough").await;
    let begun = closing.await.expect("it does not panic");
    // E4
    let took = runtime.now().duration_since(begun);
    assert!(took <= SHUTDOWN, "seed {seed}: the stop took {took:?}");
    assert_eq!(handle.state(), EntrypointState::Stopped);
    meddler.await.expect("it does not panic");
    match &result {
        Ok(_) => tally.clean += 1,
        Err(error) if error.overran() => tally.overran += 1,
        Err(_) => tally.failed += 1,
    }
    for service in handle.services() {
        assert!(service.state().is_over(), "seed {seed}: {service:?}");
    }
    settle().await;
    // E5: nothing of a service is left, neither a task nor what it held.
    for task in handle.tasks() {
        let of_a_service = task.name.contains("villain");
        assert!(!of_a_service, "seed {seed}: {task} is left");
    }
    match result {
        Ok(_) => check(seed, world, false, ""),
        Err(error) => check(seed, world, error.overran(), &error),
    }
}

/// Lets what was aborted at the last moment be dropped.
async fn settle() {
    time::sleep(Duration::from_nanos(1)).await;
}

/// What holds at the end.
fn check(seed: u64, world: &Arc<World>, overran: bool, error: impl std::fmt::Display) {
    let alive = world.alive.lock().unwrap().clone();
    assert!(alive.is_empty(), "seed {seed}: {alive:?} is left; {error}");
    for (name, record) in world.records.lock().unwrap().iter() {
        let Record {
            starts,
            started,
            stops,
            ..
        } = record;
        assert!(started <= starts, "seed {seed}: {name}");
        // P4; where the time was over, a stop may not have come.
        let right = match overran {
            true => stops <= started,
            false => stops == started,
        };
        assert!(
            right,
            "seed {seed}: {name} has started {started} times, stopped {stops}; {error}"
        );
    }
}

/// Keeps planned panics out of the output.
fn quiet() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let planned = info.payload_as_str();
        if !planned.is_some_and(|text| ["as planned", "when dropped"].contains(&text)) {
            before(info);
        }
    }));
}

fn simulate(seed: u64, tally: &mut Tally) -> Vec<String> {
    let world = Arc::<World>::default();
    let simulation = Simulation::new(seed);
    simulation.block_on(run(seed, &world, tally));
    let log = world.log.lock().unwrap();
    log.clone()
}

/// O1, O2, P4, E4, E5, S3: for every seed.
#[test]
fn a_thousand_adversarial_lives_keep_every_promise() {
    quiet();
    let mut tally = Tally::default();
    for seed in 0..SEEDS {
        simulate(seed, &mut tally);
    }
    // Something of everything has happened, or this shows less than it says.
    for (what, count) in [
        ("failed starts", tally.not_started),
        ("stops that overran", tally.overran),
        ("clean stops", tally.clean),
        ("stops with failures", tally.failed),
        ("restarts", usize::try_from(tally.restarts).unwrap()),
        ("services that came later", tally.dynamic),
    ] {
        assert!(count > 20, "only {count} {what}: {tally:?}");
    }
}

/// One seed twice is the same life, event by event; different seeds are different lives.
#[test]
fn a_seed_decides_everything() {
    quiet();
    let mut lives = Vec::new();
    for seed in 0..100 {
        let life = simulate(seed, &mut Tally::default());
        assert_eq!(life, simulate(seed, &mut Tally::default()), "seed {seed}");
        lives.push(life);
    }
    lives.sort();
    lives.dedup();
    assert!(lives.len() > 90, "{} different lives", lives.len());
}
