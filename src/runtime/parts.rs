use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
#[cfg(unix)]
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
#[cfg(unix)]
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use futures_core::future::BoxFuture;

use super::net::{BindOptions, Net, RawDatagram, RawListener, RawStream};
use super::{
    Backend, BlockingJob, Ended, Keep, Placement, Runtime, Sleep, Spawn, TaskHandle, Timer,
};

/// A runtime put together from parts of others: a real network with a test's clock, or the tasks of
/// one executor with the sockets of another.
///
/// ```
/// # #[cfg(all(feature = "smol", feature = "testing"))] {
/// use aiomisc::{adapters::Smol, runtime::Parts, testing::ManualClock};
/// use std::time::Duration;
///
/// let clock = ManualClock::new();
/// let runtime = Parts::of(Smol::new()).timer(clock.clone()).build();
/// let before = runtime.now();
/// clock.advance(Duration::from_secs(3600));
/// assert_eq!(runtime.now() - before, Duration::from_secs(3600));
/// # }
/// ```
pub struct Parts {
    base: Runtime,
    timer: Arc<dyn Timer>,
    net: Arc<dyn Net>,
}

impl Parts {
    /// Begins with all of a runtime. Tasks, blocking jobs, the seed of chance and the driver stay
    /// those of this one.
    #[must_use]
    pub fn of(base: impl Into<Runtime>) -> Self {
        let base = base.into();
        let whole = Arc::new(Whole(Arc::clone(&base.backend)));
        Self {
            timer: whole.clone(),
            net: whole,
            base,
        }
    }

    /// Takes the time from another one.
    #[must_use]
    pub fn timer(mut self, timer: impl Timer) -> Self {
        self.timer = Arc::new(timer);
        self
    }

    /// Takes the time of another runtime.
    #[must_use]
    pub fn timer_of(mut self, runtime: &Runtime) -> Self {
        self.timer = Arc::new(Whole(Arc::clone(&runtime.backend)));
        self
    }

    /// Takes the network from another one.
    #[must_use]
    pub fn net(mut self, net: impl Net) -> Self {
        self.net = Arc::new(net);
        self
    }

    /// Takes the network of another runtime, which must be driven and kept alive by somebody.
    #[must_use]
    pub fn net_of(mut self, runtime: &Runtime) -> Self {
        self.net = Arc::new(Whole(Arc::clone(&runtime.backend)));
        self
    }

    /// Puts the parts together.
    #[must_use]
    pub fn build(self) -> Runtime {
        let Self { base, timer, net } = self;
        let name = format!("{} (in parts)", base.name());
        let backend = Arc::new(Assembled {
            name,
            base: base.backend,
            timer,
            net,
        });
        Runtime {
            backend,
            driver: base.driver,
        }
    }
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts")
            .field("base", &self.base)
            .finish_non_exhaustive()
    }
}

struct Assembled {
    name: String,
    base: Arc<dyn Backend>,
    timer: Arc<dyn Timer>,
    net: Arc<dyn Net>,
}

impl fmt::Debug for Assembled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts")
            .field("base", &self.base)
            .finish_non_exhaustive()
    }
}

impl Backend for Assembled {
    fn name(&self) -> &str {
        &self.name
    }

    fn run_blocking(&self, name: &str, job: BlockingJob) {
        self.base.run_blocking(name, job);
    }

    fn run_separate(&self, name: &str, job: BlockingJob) -> io::Result<()> {
        self.base.run_separate(name, job)
    }

    fn wait_in_job(&self, future: Pin<&mut (dyn Future<Output = ()> + '_)>) -> Result<(), Ended> {
        self.base.wait_in_job(future)
    }

    fn keep(&self) -> Option<&Keep> {
        self.base.keep()
    }

    fn next_job(&self, name: &str) -> Result<(), Ended> {
        self.base.next_job(name)
    }

    fn seed(&self) -> u64 {
        self.base.seed()
    }

    fn waits_for(&self, what: &dyn fmt::Display) {
        self.base.waits_for(what);
    }
}

impl Spawn for Assembled {
    fn spawn(
        &self,
        name: &str,
        placement: Placement,
        future: BoxFuture<'static, ()>,
    ) -> Box<dyn TaskHandle> {
        self.base.spawn(name, placement, future)
    }

    fn enter(&self, f: &mut dyn FnMut()) {
        self.base.enter(f);
    }
}

/// One part of a backend, where only that is asked for.
struct Whole(Arc<dyn Backend>);

/// Forwards `Timer` and `Net` to what these expressions name.
macro_rules! forward {
    ($type:ty, |$me:ident| $timer:expr, $net:expr) => {
        impl Timer for $type {
            fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
                let $me = self;
                $timer.sleep(duration)
            }

            fn now(&self) -> Instant {
                let $me = self;
                $timer.now()
            }

            fn wall_now(&self) -> SystemTime {
                let $me = self;
                $timer.wall_now()
            }
        }

        impl Net for $type {
            forward!(@net |$me| $net,
                fn connect_tcp(addr: SocketAddr) -> BoxFuture<'static, io::Result<Box<dyn RawStream>>>;
                fn adopt_tcp_stream(stream: TcpStream) -> io::Result<Box<dyn RawStream>>;
                fn adopt_tcp_listener(listener: TcpListener) -> io::Result<Box<dyn RawListener>>;
                fn adopt_udp(socket: UdpSocket) -> io::Result<Box<dyn RawDatagram>>;
                #[cfg(unix)]
                fn connect_unix(path: PathBuf) -> BoxFuture<'static, io::Result<Box<dyn RawStream>>>;
                #[cfg(unix)]
                fn adopt_unix_stream(stream: UnixStream) -> io::Result<Box<dyn RawStream>>;
                #[cfg(unix)]
                fn adopt_unix_listener(listener: UnixListener) -> io::Result<Box<dyn RawListener>>;
                #[cfg(unix)]
                fn adopt_unix_datagram(socket: UnixDatagram) -> io::Result<Box<dyn RawDatagram>>;
                fn listen_tcp(addr: SocketAddr, options: &BindOptions) -> io::Result<Box<dyn RawListener>>;
                fn bind_udp(addr: SocketAddr, options: &BindOptions) -> io::Result<Box<dyn RawDatagram>>;
                #[cfg(unix)]
                fn listen_unix(path: &Path, options: &BindOptions) -> io::Result<Box<dyn RawListener>>;
                #[cfg(unix)]
                fn bind_unix_datagram(path: &Path, options: &BindOptions) -> io::Result<Box<dyn RawDatagram>>;
                fn resolve(host: &str, port: u16) -> Option<BoxFuture<'static, io::Result<Vec<SocketAddr>>>>;
            );
        }
    };
    (@net |$me:ident| $net:expr, $($(#[$attr:meta])* fn $name:ident($($arg:ident: $type:ty),*) -> $out:ty;)*) => {
        $($(#[$attr])* fn $name(&self, $($arg: $type),*) -> $out {
            let $me = self;
            $net.$name($($arg),*)
        })*
    };
}

forward!(Whole, |me| me.0, me.0);
forward!(Assembled, |me| me.timer, me.net);
