use std::fmt;
use std::ptr;
use std::sync::OnceLock;

use super::error::NoScope;
use super::scope::WithValue;
use super::values::{self, Entry, Held};
use crate::runtime::Scope;

/// A variable whose value follows a chain of calls; the [module](super) says how.
///
/// It is a `static`, mostly one that [`context_var!`](crate::context_var!) declares.
///
/// # Cost
///
/// Reading takes no lock and does not allocate: some ten nanoseconds. Setting copies the list of the values
/// that are set, which are themselves shared.
pub struct ContextVar<T: 'static> {
    name: &'static str,
    default: Option<fn() -> T>,
    /// What `default` gave. Besides, it keeps two variables from sharing an address.
    made: OnceLock<T>,
}

impl<T> ContextVar<T> {
    /// Makes a variable without a value. The name is for messages.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self {
            name,
            default: None,
            made: OnceLock::new(),
        }
    }

    /// Makes a variable that has the value of `default` where none is set. It is called once, when it is first
    /// needed, and must not read the variable.
    #[must_use]
    pub const fn with_default(name: &'static str, default: fn() -> T) -> Self {
        Self {
            name,
            default: Some(default),
            made: OnceLock::new(),
        }
    }

    /// What it is called.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }
}

/// They are asked for as `&'static self`, since a variable is known by its address.
impl<T: Send + Sync + 'static> ContextVar<T> {
    /// A clone of the value here and now: what was set, else the default if there is one.
    ///
    /// # Panics
    ///
    /// With the panic of the default, or of the clone.
    #[must_use]
    pub fn get(&'static self) -> Option<T>
    where
        T: Clone,
    {
        self.with(|value| value.cloned())
    }

    /// Looks at the value here and now, without a clone: at what was set, else at the default if there is one.
    ///
    /// # Panics
    ///
    /// With the panic of the default, or of `f`.
    pub fn with<R>(&'static self, f: impl FnOnce(Option<&T>) -> R) -> R {
        let set = Scope::with_current(|scope| values::get(scope.slots(), self.key())).flatten();
        match set.and_then(|value| value.downcast::<Held<T>>().ok()) {
            Some(held) => f(held.value()),
            None => f(self.default.map(|default| self.made.get_or_init(default))),
        }
    }

    /// Sets the value from now on, until the innermost of these ends: the task, the job,
    /// [`scope`](Self::scope) or [`sync_scope`](Self::sync_scope). What has begun before keeps the value that
    /// it has.
    ///
    /// # Errors
    ///
    /// [`NoScope`] where nothing of these is around, and so nothing would end it: on a plain thread, or in a
    /// task of a foreign `spawn`. The value is dropped then.
    pub fn set(&'static self, value: T) -> Result<(), NoScope> {
        let entry = self.entry(value);
        let before = Scope::change(|slots| values::put(slots, entry));
        // With it goes the old value, if nobody else has it: within the new scope, as anything later.
        before.map(drop).ok_or(NoScope { name: self.name })
    }

    /// Runs a future with a value. It sees the other values as they are at its first poll.
    ///
    /// # Cancel safety
    ///
    /// That of the future, which is dropped with its values.
    pub fn scope<F: Future>(&'static self, value: T, future: F) -> WithValue<F> {
        WithValue::new(self.entry(value), future)
    }

    /// Calls a closure with a value.
    ///
    /// # Panics
    ///
    /// With the panic of the closure; the values from before are back then.
    pub fn sync_scope<R>(&'static self, value: T, f: impl FnOnce() -> R) -> R {
        let entry = self.entry(value);
        let scope = Scope::derived(|slots| values::put(slots, entry));
        let mut scope = Some(scope.for_closure());
        Scope::enter(&mut scope, f)
    }

    fn entry(&'static self, value: T) -> Entry {
        Entry::new(self.key(), Held::new(self.name, value))
    }

    /// Nothing else has this address as long as the program runs.
    fn key(&'static self) -> usize {
        ptr::from_ref(self).addr()
    }
}

impl<T> fmt::Debug for ContextVar<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ContextVar").field(&self.name).finish()
    }
}
