//! The places of a circuit breaker's probes: no order of threads loses one, or gives one twice.

#[allow(dead_code, reason = "the models leave the clock and the figures out")]
#[path = "../../../src/circuit_breaker"]
mod breaker {
    mod machine;
    mod places;
    mod state;
    mod window;

    use std::time::{Duration, Instant};

    use loom::sync::atomic::{AtomicUsize, Ordering};
    use loom::sync::{Arc, Mutex};
    use loom::thread;

    use self::machine::{Entry, Machine, Probe, Settings};
    use self::state::{Recovery, State};

    const SECOND: Duration = Duration::from_secs(1);

    struct Model {
        machine: Mutex<Machine>,
        begin: Instant,
        /// Probes on their way, as the threads know of them.
        running: AtomicUsize,
    }

    impl Model {
        /// One that recovers by so many probes.
        fn new(at_once: u32, successes: u32) -> Arc<Self> {
            let begin = Instant::now();
            let mut machine = Machine::new(Settings {
                error_ratio: 0.5,
                response_time: SECOND,
                broken_time: Duration::ZERO,
                recovery_time: SECOND,
                passing_time: SECOND,
                minimum_calls: 1,
                parts: 2,
                passing_threshold: 1.0,
                recovering_threshold: 0.5,
                recovery: Recovery::Probes {
                    at_once,
                    successes,
                    limit: SECOND,
                },
                slow_call: None,
            });
            machine.open(begin, Duration::ZERO);
            machine.look(begin, 0);
            assert_eq!(machine.state(), State::Recovering);
            Arc::new(Self {
                machine: Mutex::new(machine),
                begin,
                running: AtomicUsize::new(0),
            })
        }

        fn change<T>(&self, seconds: u32, change: impl FnOnce(&mut Machine, Instant) -> T) -> T {
            let now = self.begin + seconds * SECOND;
            let mut machine = self.machine.lock().unwrap();
            machine.look(now, 0);
            change(&mut machine, now)
        }

        fn enter(&self, seconds: u32) -> Option<Entry> {
            self.change(seconds, |machine, now| machine.enter(now, 0.0).ok())
        }

        fn probe(&self, seconds: u32) -> Option<Probe> {
            match self.enter(seconds) {
                Some(Entry::Probe(probe)) => Some(probe),
                _ => None,
            }
        }

        fn end(&self, probe: Probe, outcome: usize) {
            self.change(0, |machine, now| match outcome {
                0 => machine.left(probe),
                1 => machine.succeeded(probe, now),
                _ => machine.failed(Entry::Probe(probe), now, "it fails".into()),
            });
        }

        fn ask<T>(&self, question: impl FnOnce(&Machine) -> T) -> T {
            question(&self.machine.lock().unwrap())
        }
    }

    fn model(threads: usize, run: fn(&Model, usize), make: fn() -> Arc<Model>, end: fn(&Model)) {
        loom::model(move || {
            let model = make();
            let others: Vec<_> = (1..threads)
                .map(|thread| {
                    let model = Arc::clone(&model);
                    thread::spawn(move || run(&model, thread))
                })
                .collect();
            run(&model, 0);
            for other in others {
                other.join().unwrap();
            }
            end(&model);
        });
    }

    #[test]
    fn no_more_probes_are_on_their_way_than_may_be() {
        fn run(model: &Model, _: usize) {
            let Some(probe) = model.probe(0) else { return };
            let before = model.running.fetch_add(1, Ordering::SeqCst);
            assert_eq!(before, 0);
            model.running.fetch_sub(1, Ordering::SeqCst);
            model.end(probe, 0);
        }
        model(
            3,
            run,
            || Model::new(1, 1),
            |model| {
                assert_eq!(model.ask(Machine::probes), 0);
                assert!(model.probe(0).is_some(), "the place is free");
            },
        );
    }

    #[test]
    fn however_probes_end_no_place_is_lost() {
        fn run(model: &Model, thread: usize) {
            for outcome in [thread % 3, (thread + 1) % 3] {
                if let Some(probe) = model.probe(0) {
                    model.end(probe, outcome);
                }
            }
        }
        model(
            3,
            run,
            || Model::new(2, 2),
            |model| {
                assert_eq!(model.ask(Machine::probes), 0);
            },
        );
    }

    /// One has no outcome in its time, and ends while another has its place.
    #[test]
    fn a_place_that_was_lost_is_not_given_back_twice() {
        fn run(model: &Model, thread: usize) {
            if thread == 0 {
                if let Some(probe) = model.probe(0) {
                    model.end(probe, 0);
                }
            } else if let Some(probe) = model.probe(thread as u32) {
                assert!(model.ask(Machine::probes) <= 1);
                model.end(probe, 0);
            }
        }
        model(
            3,
            run,
            || Model::new(1, 9),
            |model| {
                assert_eq!(model.ask(Machine::probes), 0);
            },
        );
    }

    #[test]
    fn an_outcome_of_another_period_does_not_count() {
        fn run(model: &Model, thread: usize) {
            match thread {
                0 => {
                    if let Some(probe) = model.probe(0) {
                        model.end(probe, 2);
                    }
                }
                _ => model.change(0, Machine::close),
            }
        }
        model(
            2,
            run,
            || Model::new(1, 1),
            |model| {
                assert_eq!(model.ask(Machine::state), State::Passing);
                assert_eq!(model.ask(Machine::counts).failures, 0);
            },
        );
    }
}
