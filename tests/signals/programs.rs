//! The programs that get signals. They are this test itself, started once more.
#![allow(
    clippy::exit,
    clippy::print_stdout,
    reason = "programs print, and end with the code of their run"
)]

use std::convert::Infallible;
use std::future::pending;
use std::time::Duration;

use aiomisc::entrypoint::{EntrypointBuilder, OsSignal};
use aiomisc::{
    BoxError, Dependency, Entrypoint, Provided, RunError, Runtime, Service, ServiceContext,
    StopReason, async_trait, service_fn,
};

/// How long the stops of the programs may take that cannot stop.
pub(super) const LIMIT: Duration = Duration::from_millis(300);

pub(super) const RUNTIMES: &[&str] = &[
    #[cfg(feature = "smol")]
    "smol",
    #[cfg(feature = "tokio")]
    "tokio",
    #[cfg(feature = "tokio")]
    "tokio, current thread",
];

/// Runs the program that the environment names, and nothing when this is run as a test.
#[test]
fn program() {
    let (Ok(name), Ok(runtime)) = (std::env::var("PROGRAM"), std::env::var("RUNTIME")) else {
        return;
    };
    // What the harness has begun to say ends here.
    println!();
    let builder = Entrypoint::builder()
        .runtime(make(&runtime))
        .catch_signals([OsSignal::INT, OsSignal::TERM])
        .shutdown_timeout(LIMIT);
    let code = match run(&name, builder) {
        Ok(()) => 0,
        Err(error) => {
            println!("{error}");
            error.exit_code()
        }
    };
    std::process::exit(code.into())
}

fn make(runtime: &str) -> Runtime {
    match runtime {
        #[cfg(feature = "smol")]
        "smol" => aiomisc::adapters::Smol::new().into(),
        #[cfg(feature = "tokio")]
        "tokio" => aiomisc::adapters::Tokio::multi_thread(2)
            .expect("tokio")
            .into(),
        #[cfg(feature = "tokio")]
        "tokio, current thread" => aiomisc::adapters::Tokio::current_thread()
            .expect("tokio")
            .into(),
        other => panic!("no runtime is called {other}"),
    }
}

fn run(name: &str, builder: EntrypointBuilder) -> Result<(), RunError> {
    let patient = |builder: EntrypointBuilder| builder.shutdown_timeout(Duration::from_secs(60));
    let forever = |stop| builder.clone().service(Stops(stop)).run_forever().map(drop);
    match name {
        "run_forever" => {
            let builder = patient(builder).service(Stops(Stop::AtOnce));
            builder.run_forever().map(drop)
        }
        "run" => {
            let main = async {
                let _dropped = Says("main: dropped");
                println!("main: ready");
                pending::<()>().await;
            };
            let builder = patient(builder).service(Stops(Stop::AtOnce));
            builder.run(main).map(drop)
        }
        "block" => {
            let builder = patient(builder).service(Stops(Stop::AtOnce));
            builder.block(|ep| {
                println!("closure: ready");
                println!("closure: {}", ep.run_forever());
            })
        }
        "deaf_block" => builder.service(Stops(Stop::AtOnce)).block(|ep| {
            println!("closure: ready");
            ep.run_forever();
            block();
        }),
        "long_start" => {
            let starting = service_fn("starting", |_| async {
                let _dropped = Says("starting: dropped");
                println!("ready");
                pending().await
            });
            patient(builder).service(starting).run_forever().map(drop)
        }
        "patient_stop" => {
            let builder = patient(builder).service(Stops(Stop::Never));
            builder.run_forever().map(drop)
        }
        "patient_tear_down" => {
            let value = Dependency::new(|_| async {
                Ok(Provided::new(7_u8).on_teardown(|_| async {
                    println!("value: tear-down");
                    let _cut = Says("value: cut");
                    pending().await
                }))
            });
            let service = Stops(Stop::AtOnce).configure(|options| options.needs::<u8>());
            let builder = patient(builder).dependency(value).service(service);
            builder.run_forever().map(drop)
        }
        "blocked_patient_stop" => {
            let builder = patient(builder).service(Stops(Stop::Blocks));
            builder.run_forever().map(drop)
        }
        "overruns" => forever(Stop::Never),
        "blocks" => forever(Stop::Blocks),
        "swallows" => forever(Stop::Swallows),
        "leaves_a_job" => forever(Stop::LeavesAJob),
        "mute_overruns" => mute(|| forever(Stop::Never)),
        "mute_blocks" => mute(|| forever(Stop::Blocks)),
        "mute_patient_stop" => mute(|| {
            let builder = patient(builder.clone()).service(Stops(Stop::Never));
            builder.run_forever().map(drop)
        }),
        "exits" => forever(Stop::Exits),
        "ends_in_exit" => {
            NEVER_ENDS.with(|_| {});
            forever(Stop::Never)
        }
        other => panic!("no program is called {other}"),
    }
}

/// Has nobody but us write to the standard error stream, as if its reader had stopped reading.
fn mute(run: impl FnOnce() -> Result<(), RunError>) -> Result<(), RunError> {
    let (send, held) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let _stderr = std::io::stderr().lock();
        let _ = send.send(());
        block();
    });
    held.recv().expect("the thread has it");
    run()
}

/// A service that says when it is ready, and stops like this.
struct Stops(Stop);

#[derive(Clone, Copy)]
enum Stop {
    AtOnce,
    Never,
    Blocks,
    Swallows,
    LeavesAJob,
    Exits,
}

#[async_trait]
impl Service for Stops {
    fn name(&self) -> std::borrow::Cow<'_, str> {
        "service".into()
    }

    async fn start(&self, ctx: ServiceContext) -> Result<(), BoxError> {
        ctx.ready();
        println!("ready");
        ctx.stopping().await;
        Ok(())
    }

    async fn stop(&self, _: &StopReason) -> Result<(), BoxError> {
        println!("service: stop");
        match self.0 {
            Stop::AtOnce => Ok(()),
            Stop::Never => {
                let _cut = Says("service: cut");
                pending().await
            }
            Stop::Blocks => match block() {},
            Stop::Swallows => {
                let _blocks = BlocksWhenDropped;
                pending().await
            }
            Stop::LeavesAJob => {
                let runtime = Runtime::current()?;
                match runtime.spawn_blocking(block).await? {}
            }
            Stop::Exits => {
                NEVER_ENDS.with(|_| {});
                println!("service: exit");
                std::process::exit(3)
            }
        }
    }
}

struct Says(&'static str);

impl Drop for Says {
    fn drop(&mut self) {
        println!("{}", self.0);
    }
}

struct BlocksWhenDropped;

impl Drop for BlocksWhenDropped {
    fn drop(&mut self) {
        block();
    }
}

/// Has the end of its thread never end, and with it the `exit` that this thread calls.
struct NeverEnds;

thread_local! {
    static NEVER_ENDS: NeverEnds = const { NeverEnds };
}

impl Drop for NeverEnds {
    fn drop(&mut self) {
        // Not through `println`, which may be gone by now.
        let _ = nix::unistd::write(std::io::stdout(), b"never ends\n");
        block();
    }
}

fn block() -> Infallible {
    loop {
        std::thread::park();
    }
}
