use std::time::SystemTime;

use super::Simulation;

/// A simulation about to be made; from [`Simulation::builder`].
#[derive(Clone, Debug)]
#[must_use = "nothing is simulated until `build`"]
pub struct SimulationBuilder {
    settings: Settings,
}

#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) seed: u64,
    pub(super) trace: usize,
    pub(super) poll_limit: u64,
    pub(super) outside_wakes: bool,
    pub(super) wall_start: SystemTime,
}

impl SimulationBuilder {
    pub(super) fn new() -> Self {
        let settings = Settings {
            seed: 0,
            trace: 0,
            poll_limit: 10_000_000,
            outside_wakes: false,
            wall_start: SystemTime::UNIX_EPOCH + Simulation::WALL_START,
        };
        Self { settings }
    }

    /// Sets the seed. Default: 0.
    pub fn seed(mut self, seed: u64) -> Self {
        self.settings.seed = seed;
        self
    }

    /// Records the last so many events for [`Simulation::trace`]. Default: 0, which is none and
    /// costs nothing.
    pub fn trace(mut self, events: usize) -> Self {
        self.settings.trace = events;
        self
    }

    /// After how many polls at one moment tasks are said to run for ever (at least 1). Default:
    /// 10 000 000.
    pub fn poll_limit(mut self, polls: u64) -> Self {
        self.settings.poll_limit = polls.max(1);
        self
    }

    /// Whether threads outside of the simulation wake its tasks. It then waits for them where it
    /// would report a deadlock. Time still jumps when nothing is ready, and what such threads do
    /// comes when it comes: a run with them cannot be repeated. Default: false.
    pub fn outside_wakes(mut self, on: bool) -> Self {
        self.settings.outside_wakes = on;
        self
    }

    /// What the calendar shows at the start. Default: [`Simulation::WALL_START`].
    pub fn wall_start(mut self, start: SystemTime) -> Self {
        self.settings.wall_start = start;
        self
    }

    /// Makes the simulation.
    #[must_use]
    pub fn build(self) -> Simulation {
        Simulation::with_settings(self.settings)
    }
}
