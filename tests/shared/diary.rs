//! What happens, and when.

use std::fmt::Display;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use aiomisc::Runtime;

use super::Events;

/// Writes down what happens, and after how many milliseconds.
#[derive(Clone, Default)]
pub(crate) struct Diary {
    pub(crate) events: Events,
    begun: Arc<Mutex<Option<Instant>>>,
}

impl Diary {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Adds an event with the milliseconds since the first one.
    pub(crate) fn add(&self, event: impl Display) {
        let now = Runtime::current().expect("every test runs on one").now();
        let mut begun = self.begun.lock().expect("nobody panics meanwhile");
        let begun = begun.get_or_insert(now);
        let millis = now.duration_since(*begun).as_millis();
        self.events.add(format!("{millis} {event}"));
    }

    /// What happened, as it came.
    pub(crate) fn as_it_came(&self) -> Vec<String> {
        self.events.all()
    }
}
