//! How records look. Each format writes to any [output](super::Output), as a
//! [`Handler`](super::Handler).

mod choice;
#[cfg(feature = "log")]
mod escape;
#[cfg(feature = "log")]
mod json;
#[cfg(feature = "log")]
mod look;
#[cfg(feature = "log")]
mod origin;
#[cfg(feature = "log")]
mod plain;
#[cfg(feature = "log")]
mod stream;

pub use self::choice::LogFormat;
#[cfg(feature = "log")]
pub(super) use self::look::Look;
#[cfg(feature = "log")]
pub use self::{json::Json, plain::Plain, stream::Stream};

#[cfg(feature = "log")]
use super::record::Record;

/// Turns records into bytes.
///
/// # Panics
///
/// A panic while a record is formatted costs that record: one that says so takes its place.
#[cfg(feature = "log")]
pub trait Format: Send + Sync + 'static {
    /// Appends the record to the buffer, which is empty, with the end of its line if it has lines.
    ///
    /// It is called by the thread that logs; what it costs, that thread waits for.
    fn format(&self, record: &Record<'_>, out: &mut Vec<u8>);
}
