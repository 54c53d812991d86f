use std::any::TypeId;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

/// What tells one runtime from another, for as long as it lives; see [`Backend::id`](super::Backend::id).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RuntimeId(u64);

impl RuntimeId {
    /// Makes one of what the executor itself tells its runtimes by. Values of different types are
    /// different, but for one chance in 2⁶⁴.
    pub fn of<T: Hash + 'static>(value: &T) -> Self {
        let mut hasher = DefaultHasher::new();
        TypeId::of::<T>().hash(&mut hasher);
        value.hash(&mut hasher);
        Self(hasher.finish())
    }
}
