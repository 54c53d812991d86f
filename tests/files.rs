//! Files: modes, text and bytes, places, order, what is dropped, what is lost (row D7 of the parity table,
//! deviation 28).
#![cfg(all(
    unix,
    feature = "testing",
    feature = "macros",
    any(feature = "smol", feature = "tokio", feature = "simulation")
))]

#[path = "files/atomic.rs"]
mod atomic;
#[path = "files/bytes.rs"]
mod bytes;
#[path = "files/closing.rs"]
mod closing;
#[path = "files/compressed.rs"]
mod compressed;
#[path = "files/given_up.rs"]
mod given_up;
#[path = "files/modes.rs"]
mod modes;
#[path = "files/random.rs"]
mod random;
#[cfg(any(feature = "gzip", feature = "bzip2", feature = "xz", feature = "zstd"))]
#[path = "files/read_ahead.rs"]
mod read_ahead;
mod shared;
#[path = "files/text.rs"]
mod text;

use aiomisc::io::Compression;

use self::shared::dice::Dice;
use self::shared::given_up::give_up;

/// The formats of this build.
const FORMATS: &[Compression] = &[
    #[cfg(feature = "gzip")]
    Compression::Gzip,
    #[cfg(feature = "bzip2")]
    Compression::Bzip2,
    #[cfg(feature = "xz")]
    Compression::Xz,
    #[cfg(feature = "zstd")]
    Compression::Zstd,
];

/// How often random tests are repeated: more in the long tier.
#[allow(
    clippy::disallowed_methods,
    reason = "`./verify long` says it to the process"
)]
fn rounds(few: u64) -> u64 {
    let factor = std::env::var("AIOMISC_STRESS").ok();
    few * factor.and_then(|text| text.parse().ok()).unwrap_or(1)
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}
