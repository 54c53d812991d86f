//! What the variables have as values in one scope.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::error::end_of_panic;
use crate::runtime::Slots;

type Shared = Arc<dyn Any + Send + Sync>;

/// Sorted by key. There are few, and they are read more often than set: each change makes a new list.
struct Values(Box<[Entry]>);

/// A variable's value, under the address of the variable.
#[derive(Clone)]
pub(super) struct Entry {
    key: usize,
    value: Shared,
}

impl Entry {
    pub(super) fn new<T: Send + Sync + 'static>(key: usize, value: Held<T>) -> Self {
        Self {
            key,
            value: Arc::new(value),
        }
    }
}

impl Values {
    fn of(slots: &Slots) -> &[Entry] {
        let values = slots.variables.as_ref();
        let values = values.and_then(|values| (**values).downcast_ref::<Self>());
        values.map_or(&[], |values| &values.0)
    }
}

/// The value of this variable, a [`Held`]. Calls nothing foreign.
pub(super) fn get(slots: &Slots, key: usize) -> Option<Shared> {
    let values = Values::of(slots);
    let at = values.binary_search_by_key(&key, |entry| entry.key).ok()?;
    Some(Arc::clone(&values[at].value))
}

/// Puts a value in. Calls nothing foreign: whoever has the old list still has the old value.
pub(super) fn put(slots: &mut Slots, entry: Entry) {
    let values = Values::of(slots);
    let (before, after) = match values.binary_search_by_key(&entry.key, |entry| entry.key) {
        Ok(at) => (&values[..at], &values[at + 1..]),
        Err(at) => values.split_at(at),
    };
    let values = [before, &[entry], after].concat();
    slots.variables = Some(Arc::new(Values(values.into())));
}

/// A value, which may be dropped anywhere: its panic then goes to the log.
pub(super) struct Held<T> {
    name: &'static str,
    /// There until the drop.
    value: Option<T>,
}

impl<T> Held<T> {
    pub(super) fn new(name: &'static str, value: T) -> Self {
        Self {
            name,
            value: Some(value),
        }
    }

    pub(super) fn value(&self) -> Option<&T> {
        self.value.as_ref()
    }
}

impl<T> Drop for Held<T> {
    fn drop(&mut self) {
        let value = self.value.take();
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(value))) {
            let (variable, panic) = (self.name, end_of_panic(payload));
            tracing::error!(variable, %panic, "the value of a context variable panicked when it was dropped");
        }
    }
}
