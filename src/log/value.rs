use std::error::Error;
use std::fmt::{self, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::error::{Chain, end_of_panic};

/// The value of a field, or a message.
///
/// `Display` writes strings as they are, `Debug` in quotation marks. Both write `<panicked: …>` where a
/// value of the program's panics: the record is as whole as others then.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub enum Value<'a> {
    /// True or false.
    Bool(bool),
    /// A number with a sign.
    I64(i64),
    /// A number without one.
    U64(u64),
    /// A large number with a sign.
    I128(i128),
    /// A large number without one.
    U128(u128),
    /// A number with a fraction.
    F64(f64),
    /// A text.
    Str(&'a str),
    /// A text that was formatted when it was given, as the field of a span is.
    Text(&'a str),
    /// Bytes that need not be a text.
    Bytes(&'a [u8]),
    /// What can be formatted: a field given with `?` or `%`, and a message with arguments.
    Debug(&'a dyn fmt::Debug),
    /// An error with its sources: a field given as `error = &error as &dyn Error`.
    Error(&'a (dyn Error + 'static)),
}

impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => value.fmt(f),
            Self::I64(value) => value.fmt(f),
            Self::U64(value) => value.fmt(f),
            Self::I128(value) => value.fmt(f),
            Self::U128(value) => value.fmt(f),
            Self::F64(value) => value.fmt(f),
            Self::Str(value) | Self::Text(value) => f.write_str(value),
            Self::Bytes(value) => write!(f, "\"{}\"", value.escape_ascii()),
            Self::Debug(value) => careful(f, |f| value.fmt(f)),
            Self::Error(value) => Careful(value).fmt(f),
        }
    }
}

/// What a value writes, with what `Value` writes where it panics.
pub(super) struct Careful<T>(pub(super) T);

impl<T: fmt::Display> fmt::Display for Careful<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        careful(f, |f| self.0.fmt(f))
    }
}

/// Runs code of the program's that formats. What it has written before it panics or fails stands, and what
/// comes behind it is written: a value that fails is no sink that does.
fn careful(
    f: &mut fmt::Formatter<'_>,
    write: impl FnOnce(&mut fmt::Formatter<'_>) -> fmt::Result,
) -> fmt::Result {
    match catch_unwind(AssertUnwindSafe(|| write(f))) {
        Ok(_) => Ok(()),
        Err(panic) => write!(f, "<panicked: {}>", end_of_panic(panic)),
    }
}

impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Str(value) => write!(f, "{value:?}"),
            value => write!(f, "{value}"),
        }
    }
}

/// The value of a field of a span, which outlives the call that gave it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum OwnedValue {
    /// True or false.
    Bool(bool),
    /// A number with a sign.
    I64(i64),
    /// A number without one.
    U64(u64),
    /// A large number with a sign.
    I128(i128),
    /// A large number without one.
    U128(u128),
    /// A number with a fraction.
    F64(f64),
    /// A text that was given as one.
    Str(Box<str>),
    /// A text that was formatted when it was given; an error with its causes is one.
    Text(Box<str>),
}

impl OwnedValue {
    /// The value.
    #[must_use]
    pub fn get(&self) -> Value<'_> {
        match self {
            Self::Bool(value) => Value::Bool(*value),
            Self::I64(value) => Value::I64(*value),
            Self::U64(value) => Value::U64(*value),
            Self::I128(value) => Value::I128(*value),
            Self::U128(value) => Value::U128(*value),
            Self::F64(value) => Value::F64(*value),
            Self::Str(value) => Value::Str(value),
            Self::Text(value) => Value::Text(value),
        }
    }
}

impl From<Value<'_>> for OwnedValue {
    fn from(value: Value<'_>) -> Self {
        match value {
            Value::Bool(value) => Self::Bool(value),
            Value::I64(value) => Self::I64(value),
            Value::U64(value) => Self::U64(value),
            Value::I128(value) => Self::I128(value),
            Value::U128(value) => Self::U128(value),
            Value::F64(value) => Self::F64(value),
            Value::Str(value) => Self::Str(value.into()),
            value => {
                let mut text = String::new();
                // Writing to memory does not fail.
                let _ = match value {
                    Value::Error(error) => write!(text, "{}", Careful(Chain(error))),
                    value => write!(text, "{value}"),
                };
                Self::Text(text.into())
            }
        }
    }
}
