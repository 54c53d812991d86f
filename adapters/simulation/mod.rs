//! The simulation: a whole program, with its network and its clocks, on one thread and from one
//! seed.
//!
//! [`Simulation`] is the runtime, [`Network`] makes things go wrong, [`Trace`] tells what happened.
//!
//! ```
//! use aiomisc::adapters::Simulation;
//! use aiomisc::adapters::simulation::Conditions;
//! use aiomisc::net::{bind_socket, connect};
//! use std::net::IpAddr;
//! use std::time::Duration;
//!
//! let [a, b] = [1, 2].map(|last| IpAddr::from([10, 0, 0, last]));
//! let simulation = Simulation::new(7);
//! let (server, client) = (simulation.host(a), simulation.host(b));
//! simulation.network().set(Conditions::new().latency(Duration::from_millis(20)));
//!
//! let mut listener = server
//!     .block_on(async { bind_socket("0.0.0.0:80").listen().await })?;
//! client.spawn(async move { connect((a, 80)).await.unwrap() }).detach();
//! let (_stream, peer) = server.block_on(listener.accept())?;
//! assert_eq!(peer.inet().unwrap().ip(), b);
//! assert_eq!(simulation.elapsed(), Duration::from_millis(20));
//! # Ok::<(), aiomisc::BoxError>(())
//! ```
//!
//! # What is simulated
//!
//! - **The order of tasks**: of those that are ready, chance picks the next one. One thread polls
//!   all of them.
//! - **Time**: it stands still while anything is ready, and then jumps to the next timer or packet.
//!   The calendar goes with it, and can be set apart.
//! - **The network**: TCP, UDP and Unix sockets in memory, with hosts, ports and names. Streams are
//!   those of TCP as far as programs see them: a window of 64 KiB, ends of their own for both
//!   directions, resets. Streams lose nothing and keep their order; acknowledgements take no time.
//!   Datagrams are kept in order as well, unless [`Conditions`] say otherwise.
//! - **Blocking jobs**: on another thread, one by one, while everything else waits for their end. A
//!   job may use the runtime (spawn, open sockets), but must not wait for a task: nothing goes on.
//! - **Chance** of this library ([`Backend::seed`]).
//!
//! One seed gives one run, event by event, and another seed another one.
//!
//! # What is not
//!
//! What bypasses the runtime stays real, and two runs may then differ: the random order of
//! `HashMap` (take `BTreeMap`, or a fixed hasher), `Instant::now()` and `SystemTime::now()` in your
//! code or in crates that put a date somewhere (take [`Runtime::now`], [`Runtime::wall_now`]), the
//! randomness of TLS, files, processes, threads of your own. A socket of the system cannot be adopted.
//!
//! # Who drives it
//!
//! Whoever blocks on it, and nobody else: between two calls of `block_on` it stands still. A second
//! thread may block on it as well; its own future is then polled on that thread, and the order is no
//! longer that of the seed.
//!
//! # When nothing goes on
//!
//! If nothing is ready, no timer runs and nothing is under way, nothing will ever happen: `block_on`
//! panics with a text that names each task and what it waits for. That a thread outside would have
//! woken a task cannot be known; [`SimulationBuilder::outside_wakes`] says so. The same is said of
//! tasks that run on and on while no time passes ([`SimulationBuilder::poll_limit`]).

mod backend;
mod builder;
mod chance;
mod clock;
mod drive;
mod guests;
mod jobs;
mod net;
mod report;
mod shared;
mod step;
#[cfg(test)]
mod storm;
mod task;
mod trace;
mod wait;
mod world;

pub use self::builder::SimulationBuilder;
pub use self::net::{CONNECT_TIMEOUT, Conditions, HELD_UP, Network, WINDOW};
pub use self::trace::{Event, Trace};

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use self::backend::{Host, Owner};
use self::builder::Settings;
use self::shared::Shared;
use self::trace::What;
use crate::runtime::{Backend, Drive, Keep, Runtime};

/// A simulated runtime. Clones are handles to one; the last of them, and of the [`Runtime`]s made of
/// them, ends it and drops the tasks left.
///
/// ```
/// use aiomisc::adapters::Simulation;
/// use std::time::Duration;
///
/// let simulation = Simulation::new(1);
/// simulation.block_on(aiomisc::time::sleep(Duration::from_secs(3600)));
/// assert_eq!(simulation.elapsed(), Duration::from_secs(3600));
/// ```
///
/// The [module](self) says what is simulated and what is not.
#[derive(Clone)]
pub struct Simulation {
    owner: Arc<Owner>,
}

impl Simulation {
    /// Makes a simulation with this seed and the default settings.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self::builder().seed(seed).build()
    }

    /// Begins a simulation with other settings.
    pub fn builder() -> SimulationBuilder {
        SimulationBuilder::new()
    }

    fn with_settings(settings: Settings) -> Self {
        let owner = Owner {
            shared: Shared::new(settings),
            hosts: Mutex::default(),
        };
        Self {
            owner: Arc::new(owner),
        }
    }

    /// Blocks the calling thread until the future is ready, and drives the simulation meanwhile. The
    /// future runs on the default host.
    ///
    /// # Panics
    ///
    /// With the future's panic; when nothing can go on any more (a deadlock), with a text that names
    /// each task and what it waits for; when tasks run without end and no time passes; inside of a
    /// task or a blocking job of this simulation.
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.runtime().block_on(future)
    }

    /// A handle to the default host, `127.0.0.1` and `::1`; it keeps the simulation alive as well.
    #[must_use]
    pub fn runtime(&self) -> Runtime {
        self.host(Ipv4Addr::LOCALHOST)
    }

    /// A handle to the host with this address. What it spawns, and what those tasks spawn, has this
    /// address as its own: connections come from it, and who listens on `0.0.0.0` or `::` is found
    /// under it. Every host has a loopback (`127.0.0.1`, `::1`) of its own.
    ///
    /// # Panics
    ///
    /// For `0.0.0.0` and `::`, which are no addresses of a host.
    #[must_use]
    pub fn host(&self, ip: impl Into<IpAddr>) -> Runtime {
        let ip = ip.into();
        assert!(!ip.is_unspecified(), "{ip} is no address of a host");
        let owner = &self.owner;
        let number = owner.shared.lock().net.host(ip);
        let mut hosts = owner.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        let host = hosts.entry(number).or_insert_with(|| {
            Arc::new(Host {
                shared: Arc::clone(&owner.shared),
                number,
                keep: Keep::default(),
            })
        });
        Runtime::with_driver(
            Arc::clone(host) as Arc<dyn Backend>,
            Arc::clone(owner) as Arc<dyn Drive>,
        )
    }

    /// The network, to make it bad. It does not keep the simulation alive.
    #[must_use]
    pub fn network(&self) -> Network {
        Network::new(Arc::clone(&self.owner.shared))
    }

    /// The seed that everything comes from.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.owner.shared.lock().settings.seed
    }

    /// The virtual time that has passed since the start.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        Duration::from_nanos(self.owner.shared.lock().now)
    }

    /// The moment it is by the calendar: at first [`WALL_START`](Self::WALL_START).
    #[must_use]
    pub fn wall_now(&self) -> SystemTime {
        self.owner.shared.lock().wall_now()
    }

    /// Sets the calendar, to the past as well. The monotonic clock, and with it every wait, does
    /// not notice.
    pub fn set_wall_now(&self, to: SystemTime) {
        self.owner.shared.set_wall_now(to);
    }

    /// What has happened so far; empty unless [`SimulationBuilder::trace`] has switched it on.
    #[must_use]
    pub fn trace(&self) -> Trace {
        self.owner.shared.lock().trace.clone()
    }

    /// Adds an event of the program's own to the trace, if there is one.
    pub fn note(&self, text: impl Into<String>) {
        let text = text.into();
        self.owner
            .shared
            .with(|world| world.record(|| What::Note(text)));
    }

    /// The calendar at the start, 2024-01-01 00:00:00 UTC, as the time since the epoch of Unix; that
    /// of [`ManualClock`](crate::testing::ManualClock) as well.
    pub const WALL_START: Duration = Duration::from_secs(1_704_067_200);
}

impl From<Simulation> for Runtime {
    fn from(simulation: Simulation) -> Self {
        simulation.runtime()
    }
}

impl fmt::Debug for Simulation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulation")
            .field("seed", &self.seed())
            .field("elapsed", &self.elapsed())
            .finish_non_exhaustive()
    }
}
