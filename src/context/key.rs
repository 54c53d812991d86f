use std::any::{TypeId, type_name};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;

/// Names a value in a [`Context`](super::Context): by a name and the value's type.
///
/// Two keys are the same when both are the same, wherever they were made: `Key::<u32>::new("limit")`
/// and `Key::<u64>::new("limit")` are two keys.
///
/// ```
/// use aiomisc::context::Key;
///
/// static LIMIT: Key<u32> = Key::new("limit");
/// assert_eq!(LIMIT.name(), Some("limit"));
/// ```
pub struct Key<T> {
    name: Option<&'static str>,
    hash: u64,
    of: PhantomData<fn() -> T>,
}

impl<T> Key<T> {
    /// Makes a key of this name.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self {
            name: Some(name),
            hash: fnv1a(name),
            of: PhantomData,
        }
    }

    /// Makes the key of the one value of this type that has no name.
    #[must_use]
    pub const fn of_type() -> Self {
        Self {
            name: None,
            hash: 0,
            of: PhantomData,
        }
    }

    /// The name; `None` for the key of a type.
    #[must_use]
    pub const fn name(&self) -> Option<&'static str> {
        self.name
    }

    /// What the value's type is called.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        type_name::<T>()
    }
}

impl<T: 'static> Key<T> {
    #[inline]
    pub(super) fn id(&self) -> Id {
        let type_id = TypeId::of::<T>();
        let mut hasher = Fold(self.hash);
        type_id.hash(&mut hasher);
        Id {
            hash: hasher.finish(),
            type_id,
            label: self.label(),
        }
    }
}

impl<T> Key<T> {
    pub(super) fn label(&self) -> Label {
        Label {
            name: self.name,
            type_name: type_name::<T>(),
        }
    }
}

impl<T> Clone for Key<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Key<T> {}

/// As it stands in errors: `` `limit` (u32) ``, or `u32` for the key of a type.
impl<T> fmt::Display for Key<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.label().fmt(f)
    }
}

impl<T> fmt::Debug for Key<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Key").field(&self.label()).finish()
    }
}

/// A key whose type is not known to the compiler.
#[derive(Clone, Copy)]
pub(super) struct Id {
    pub(super) hash: u64,
    type_id: TypeId,
    pub(super) label: Label,
}

impl Id {
    /// Names are compared by what they say: equal ones may stand at different addresses.
    #[inline]
    pub(super) fn is(&self, other: &Self) -> bool {
        self.hash == other.hash
            && self.type_id == other.type_id
            && self.label.name == other.label.name
    }
}

/// What a key is called.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Label {
    pub(super) name: Option<&'static str>,
    pub(super) type_name: &'static str,
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name {
            Some(name) => write!(f, "`{name}` ({})", self.type_name),
            None => f.write_str(self.type_name),
        }
    }
}

impl fmt::Debug for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0100_0000_01b3;

/// FNV-1a (Fowler, Noll, Vo), which can be computed by the compiler. Keys are the program's own.
const fn fnv1a(text: &str) -> u64 {
    let (bytes, mut hash, mut at) = (text.as_bytes(), FNV_OFFSET, 0);
    while at < bytes.len() {
        hash = (hash ^ bytes[at] as u64).wrapping_mul(FNV_PRIME);
        at += 1;
    }
    hash
}

/// Folds a type's id, which is a hash already, into that of a name.
struct Fold(u64);

impl Hasher for Fold {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    #[inline]
    fn write_u64(&mut self, number: u64) {
        self.0 = (self.0 ^ number).wrapping_mul(FNV_PRIME);
    }

    #[inline]
    fn finish(&self) -> u64 {
        // The lower bits choose the place.
        self.0 ^ (self.0 >> 32)
    }
}
