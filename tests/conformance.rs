//! Every adapter of this house passes the suite, alone and in parts.
#![cfg(all(
    unix,
    feature = "testing",
    any(feature = "smol", feature = "tokio", feature = "simulation")
))]
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a foreign executor is driven by hand, and a test that cannot go on fails at that place"
)]

mod common;

use std::time::Duration;

use aiomisc::testing::conformance::{Outcome, Report, Subject};

/// Runs the suite, and sees to it that nothing is skipped that this machine could show.
#[cfg(any(feature = "smol", feature = "tokio"))]
#[track_caller]
fn prove(subject: Subject) {
    let report = examine(subject);
    if cfg!(target_os = "linux") {
        assert_eq!(report.skipped().count(), 0, "{report}");
    }
}

#[track_caller]
fn examine(subject: Subject) -> Report {
    common::raise_descriptor_limit();
    let report = subject.time_limit(Duration::from_secs(10)).run();
    report.assert();
    assert!(
        report.checks().len() > 100,
        "only {} checks",
        report.checks().len()
    );
    for check in report.checks() {
        assert_ne!(check.text(), "");
        assert!(!matches!(check.outcome(), Outcome::Failed(_)));
    }
    report
}

#[cfg(feature = "smol")]
mod smol {
    use std::sync::Arc;

    use aiomisc::adapters::Smol;
    use async_executor::Executor;

    use super::*;
    use crate::common::DrivenElsewhere;

    /// Something to be inside of: another one of the kind.
    fn other() -> aiomisc::runtime::Runtime {
        Smol::new().into()
    }

    #[test]
    fn one_thread() {
        let subject = Subject::new("smol, one thread", Smol::new());
        prove(subject.beside(other()).disposable(|| Smol::new().into()));
    }

    #[test]
    fn three_threads() {
        let make = || Smol::with_threads(3).unwrap().into();
        let subject = Subject::new("smol, three threads", make());
        prove(subject.beside(other()).disposable(make));
    }

    #[test]
    fn an_executor_that_a_thread_drives() {
        let executor = Arc::new(Executor::new());
        let (stop, stopped) = async_channel();
        let driven = Arc::clone(&executor);
        let driver = std::thread::spawn(move || {
            async_io::block_on(driven.run(async { stopped.await.unwrap_or(()) }));
        });
        let subject = Subject::new("smol, a foreign executor", Smol::from_executor(executor));
        prove(
            subject
                .beside(other())
                .disposable(|| Smol::from_executor(Arc::new(Executor::new())).into()),
        );
        stop.send(()).unwrap();
        driver.join().unwrap();
    }

    #[test]
    fn one_thread_while_another_one_blocks_on_it() {
        let driven = DrivenElsewhere::new(Smol::new());
        let subject = Subject::new("smol, blocked on twice", driven.runtime.clone());
        prove(subject.beside(other()).disposable(|| Smol::new().into()));
    }

    fn async_channel() -> (
        futures::channel::oneshot::Sender<()>,
        futures::channel::oneshot::Receiver<()>,
    ) {
        futures::channel::oneshot::channel()
    }
}

#[cfg(feature = "tokio")]
mod tokio {
    use aiomisc::adapters::Tokio;
    use aiomisc::runtime::Runtime;

    use super::*;
    use crate::common::DrivenElsewhere;

    /// A runtime without timers and sockets: what is bound to it by mistake panics at once.
    fn other() -> Runtime {
        static BARE: std::sync::OnceLock<::tokio::runtime::Runtime> = std::sync::OnceLock::new();
        let bare = BARE.get_or_init(|| {
            ::tokio::runtime::Builder::new_multi_thread()
                .worker_threads(1)
                .build()
                .unwrap()
        });
        Tokio::from_handle(bare.handle().clone()).into()
    }

    #[test]
    fn two_threads() {
        let make = || Tokio::multi_thread(2).unwrap().into();
        let subject = Subject::new("tokio, two threads", make());
        prove(subject.beside(other()).disposable(make));
    }

    #[test]
    fn the_current_thread() {
        let make = || Tokio::current_thread().unwrap().into();
        let subject = Subject::new("tokio, current thread", make());
        prove(subject.beside(other()).disposable(make));
    }

    #[test]
    fn inside_of_a_runtime_that_stands_still() {
        let subject = Subject::new("tokio, in another one", Tokio::multi_thread(1).unwrap());
        prove(
            subject
                .beside(Tokio::current_thread().unwrap())
                .disposable(|| Tokio::current_thread().unwrap().into()),
        );
    }

    #[test]
    fn a_handle_from_outside() {
        let theirs = ::tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let subject = Subject::new(
            "tokio, a handle",
            Tokio::from_handle(theirs.handle().clone()),
        );
        prove(
            subject
                .beside(other())
                .disposable(|| Tokio::multi_thread(1).unwrap().into()),
        );
    }

    #[test]
    fn the_current_thread_while_another_one_blocks_on_it() {
        let driven = DrivenElsewhere::new(Tokio::current_thread().unwrap());
        let subject = Subject::new("tokio, blocked on twice", driven.runtime.clone());
        prove(
            subject
                .beside(other())
                .disposable(|| Tokio::current_thread().unwrap().into()),
        );
    }
}

#[cfg(all(feature = "smol", feature = "tokio"))]
mod mixed {
    use aiomisc::adapters::{Smol, Tokio};
    use aiomisc::runtime::{Parts, Runtime};

    use super::*;

    #[test]
    fn tasks_of_smol_with_sockets_and_time_of_tokio() {
        let tokio: Runtime = Tokio::multi_thread(1).unwrap().into();
        let mixed = Parts::of(Smol::new())
            .net_of(&tokio)
            .timer_of(&tokio)
            .build();
        let subject = Subject::new("smol with parts of tokio", mixed);
        let (beside, sockets) = (Tokio::current_thread().unwrap(), tokio.clone());
        prove(subject.beside(beside).disposable(move || {
            Parts::of(Smol::new())
                .net_of(&sockets)
                .timer_of(&sockets)
                .build()
        }));
    }

    #[test]
    fn tasks_of_tokio_with_sockets_and_time_of_smol() {
        let smol: Runtime = Smol::new().into();
        let mixed = Parts::of(Tokio::multi_thread(2).unwrap())
            .net_of(&smol)
            .timer_of(&smol)
            .build();
        let subject = Subject::new("tokio with parts of smol", mixed);
        prove(subject.beside(Smol::new()).disposable(move || {
            Parts::of(Tokio::current_thread().unwrap())
                .net_of(&smol)
                .timer_of(&smol)
                .build()
        }));
    }

    #[test]
    fn smol_inside_of_tokio() {
        let subject = Subject::new("smol, in tokio", Smol::new());
        prove(
            subject
                .beside(Tokio::current_thread().unwrap())
                .disposable(|| Smol::with_threads(2).unwrap().into()),
        );
    }

    #[test]
    fn tokio_inside_of_smol() {
        let subject = Subject::new("tokio, in smol", Tokio::current_thread().unwrap());
        prove(
            subject
                .beside(Smol::new())
                .disposable(|| Tokio::multi_thread(2).unwrap().into()),
        );
    }
}

#[cfg(feature = "simulation")]
mod simulation {
    use aiomisc::adapters::Simulation;
    use aiomisc::runtime::Runtime;
    use aiomisc::testing::conformance::Capability;

    use super::*;
    use crate::common::DrivenElsewhere;

    /// A simulation that waits for threads of the suite.
    fn simulation(seed: u64) -> Runtime {
        Simulation::builder()
            .seed(seed)
            .outside_wakes(true)
            .build()
            .into()
    }

    /// What is left out, apart from what needs sockets of the system.
    #[track_caller]
    fn prove_simulated(subject: Subject) {
        prove_all_but(&[], subject);
    }

    /// Where another thread drives it, its time jumps while the checks of these lines look at it.
    const OF_TIME: [&str; 6] = ["T2", "T3", "T4", "T5", "T6", "T7"];

    #[track_caller]
    fn prove_all_but(lines: &[&str], mut subject: Subject) {
        for line in lines {
            subject = subject.except(*line);
        }
        let subject = subject.simulated().without(Capability::StdSockets);
        let report = examine(subject);
        let lacks = "the adapter has no StdSockets";
        let mut skipped: Vec<_> = report
            .skipped()
            .filter(|check| *check.outcome() != Outcome::Skipped(lacks.to_owned()))
            .map(|check| check.name())
            .collect();
        skipped.sort_unstable();
        let expected = [
            "Unix sockets: the file goes with the listener",
            "ended by one of its own blocking jobs' threads",
            "the caller goes on while the job blocks",
            "the job uses the runtime",
        ];
        assert_eq!(skipped, expected, "{report}");
    }

    #[test]
    fn three_seeds() {
        for seed in 0..3 {
            let subject = Subject::new("simulation", simulation(seed));
            prove_simulated(
                subject
                    .beside(simulation(seed + 10))
                    .disposable(move || Simulation::new(seed + 20).into()),
            );
        }
    }

    #[test]
    fn a_host_of_it() {
        let simulation = Simulation::builder().outside_wakes(true).build();
        let host = simulation.host([10, 0, 0, 1]);
        let subject = Subject::new("a host of a simulation", host);
        prove_simulated(
            subject
                .beside(self::simulation(1))
                .disposable(|| self::simulation(2)),
        );
    }

    #[test]
    fn while_another_thread_blocks_on_it() {
        let driven = DrivenElsewhere::new(simulation(0));
        let subject = Subject::new("simulation, blocked on twice", driven.runtime.clone());
        prove_all_but(
            &OF_TIME,
            subject.beside(simulation(1)).disposable(|| simulation(2)),
        );
    }

    #[cfg(feature = "smol")]
    #[test]
    fn inside_of_smol() {
        let subject = Subject::new("simulation, in smol", simulation(0));
        let other = aiomisc::adapters::Smol::new();
        prove_simulated(subject.beside(other).disposable(|| simulation(1)));
    }

    #[cfg(feature = "smol")]
    #[test]
    fn tasks_of_a_simulation_with_sockets_of_smol() {
        let smol: Runtime = aiomisc::adapters::Smol::new().into();
        let mixed = |seed: u64, smol: &Runtime| {
            let parts = aiomisc::runtime::Parts::of(simulation(seed));
            parts.net_of(smol).build()
        };
        let subject = Subject::new("a simulation with sockets of smol", mixed(0, &smol));
        let report = examine(
            subject
                .simulated()
                .beside(simulation(1))
                .disposable(move || mixed(2, &smol)),
        );
        assert_eq!(report.skipped().count(), 4, "{report}");
    }

    #[cfg(feature = "smol")]
    #[test]
    fn tasks_of_smol_with_sockets_and_time_of_a_simulation() {
        // Somebody has to drive it.
        let driven = DrivenElsewhere::new(simulation(0));
        let mixed = |simulation: &Runtime| {
            let parts = aiomisc::runtime::Parts::of(aiomisc::adapters::Smol::new());
            parts.net_of(simulation).timer_of(simulation).build()
        };
        let subject = Subject::new(
            "smol with sockets and time of a simulation",
            mixed(&driven.runtime),
        );
        let runtime = driven.runtime.clone();
        prove_all_but(
            &OF_TIME,
            subject
                .beside(simulation(1))
                .disposable(move || mixed(&runtime)),
        );
    }
}
