use std::fmt::Write as _;
use std::sync::PoisonError;

use super::task::Task;
use super::wait::At;
use super::world::World;

/// More tasks than these are counted, not named.
const NAMED: usize = 100;

/// What is said when nothing is ready, no wait will end, and the future is not done.
pub(super) fn deadlock(world: &World) -> String {
    let mut text = format!(
        "the simulation (seed {}) stands still at {}: nothing is ready, no timer runs and nothing is \
         under way, but somebody still waits",
        world.settings.seed,
        At(world.now)
    );
    tasks(&mut text, world);
    text.push_str(
        "\n(if a thread outside of the simulation is to wake one of them, say \
         `Simulation::builder().outside_wakes(true)`)",
    );
    text
}

/// What is said when tasks run on and on and the clock stands.
pub(super) fn livelock(world: &World) -> String {
    let mut text = format!(
        "the simulation (seed {}) does not get on: {} polls at {} without an end \
         (`Simulation::builder().poll_limit(…)`); the tasks, and what they waited for last",
        world.settings.seed,
        world.settings.poll_limit,
        At(world.now)
    );
    tasks(&mut text, world);
    text
}

fn tasks(text: &mut String, world: &World) {
    text.push(':');
    for task in world.tasks.values().take(NAMED) {
        // Writing to a text does not fail.
        let _ = write!(text, "\n  task {} `{}`", task.id, task.name);
        if let (Some(parent), at) = task.origin {
            let _ = write!(text, " (spawned by task {parent} at {})", At(at));
        }
        let _ = write!(text, ": {}", waits(task));
    }
    let more = world.tasks.len().saturating_sub(NAMED);
    if more > 0 {
        let _ = write!(text, "\n  and {more} more");
    }
    for job in world.jobs.values().take(NAMED) {
        let _ = write!(text, "\n  blocking job `{}` waits", job.name());
    }
}

fn waits(task: &Task) -> String {
    let waits = task.waits.lock().unwrap_or_else(PoisonError::into_inner);
    if waits.is_empty() {
        return "something outside of the simulation, e.g. a channel or an event".to_owned();
    }
    let texts: Vec<_> = waits.iter().map(ToString::to_string).collect();
    texts.join(", or ")
}
