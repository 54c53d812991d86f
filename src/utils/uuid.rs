use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, SystemTime};

use crate::runtime::{Runtime, around};

/// A number of 128 bits that nobody else has; from [`fast_uuid1`] and [`fast_uuid4`], by RFC 9562.
///
/// It is shown as `f81d4fae-7dec-11d0-a765-00a0c91e6bf6`. The bytes, and with them the order, are those of the RFC.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uuid([u8; 16]);

impl Uuid {
    fn new(number: u128, version: u8) -> Self {
        let mut bytes = number.to_be_bytes();
        bytes[6] = bytes[6] & 0x0F | version << 4;
        bytes[8] = bytes[8] & 0x3F | 0x80;
        Self(bytes)
    }

    /// The bytes, the most significant one first.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// As a number.
    #[must_use]
    pub fn as_u128(&self) -> u128 {
        u128::from_be_bytes(self.0)
    }

    /// The version: 1 or 4.
    #[must_use]
    pub fn version(&self) -> u8 {
        self.0[6] >> 4
    }

    /// When it was made, to 100 ns; `None` for one of version 4.
    #[must_use]
    pub fn time(&self) -> Option<SystemTime> {
        if self.version() != 1 {
            return None;
        }
        let number = self.as_u128();
        let part = |shift: u32, bits: u32| (number >> shift) as u64 & ((1 << bits) - 1);
        let ticks = part(64, 12) << 48 | part(80, 16) << 32 | part(96, 32);
        let since = ticks.checked_sub(EPOCH)?;
        let (seconds, rest) = (since / SECOND, since % SECOND);
        let rest = u32::try_from(rest).ok()? * 100;
        SystemTime::UNIX_EPOCH.checked_add(Duration::new(seconds, rest))
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.as_u128();
        let part = |shift: u32, bits: u32| (number >> shift) & ((1 << bits) - 1);
        write!(
            f,
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            part(96, 32),
            part(80, 16),
            part(64, 16),
            part(48, 16),
            part(0, 48)
        )
    }
}

impl fmt::Debug for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Uuid({self})")
    }
}

/// Ticks of 100 ns from the beginning of the Gregorian calendar to that of Unix.
const EPOCH: u64 = 0x01B2_1DD2_1381_4000;
const SECOND: u64 = 10_000_000;

/// Makes a UUID of version 1: the time by the runtime's calendar, and 61 bits of chance in place of the number of
/// the network card, which nobody needs to know.
///
/// ```
/// let uuid = aiomisc::utils::fast_uuid1();
/// assert_eq!(uuid.version(), 1);
/// assert!(uuid.time().is_some());
/// ```
///
/// In a simulation the seed decides. Where there is no runtime around, time and chance are the system's. It is not
/// for secrets: whoever sees some can guess others.
///
/// # Cost
///
/// Some 50 ns, no allocation.
#[must_use]
pub fn fast_uuid1() -> Uuid {
    let runtime = around();
    let since = wall_now(runtime.as_ref())
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let since = since.as_secs() * SECOND + u64::from(since.subsec_nanos() / 100);
    let ticks = EPOCH.wrapping_add(since);
    let (low, middle, high) = (
        ticks & 0xFFFF_FFFF,
        ticks >> 32 & 0xFFFF,
        ticks >> 48 & 0x0FFF,
    );
    let time = u128::from(low) << 96 | u128::from(middle) << 80 | u128::from(high) << 64;
    // No network card has this bit, which stands for a group.
    const GROUP: u64 = 1 << 40;
    let chance = chance(runtime.as_ref()) | GROUP;
    Uuid::new(time | u128::from(chance), 1)
}

/// Makes a UUID of version 4: 122 bits of chance.
///
/// ```
/// let (one, other) = (aiomisc::utils::fast_uuid4(), aiomisc::utils::fast_uuid4());
/// assert_eq!(one.version(), 4);
/// assert_ne!(one, other);
/// assert_eq!(one.to_string().len(), 36);
/// ```
///
/// In a simulation the seed decides. Where there is no runtime around, chance is the system's. It is not for secrets:
/// whoever sees some can guess others.
///
/// # Cost
///
/// Some 50 ns, no allocation.
#[must_use]
pub fn fast_uuid4() -> Uuid {
    let runtime = around();
    let half = || u128::from(chance(runtime.as_ref()));
    Uuid::new(half() << 64 | half(), 4)
}

fn chance(runtime: Option<&Runtime>) -> u64 {
    match runtime {
        Some(runtime) => runtime.backend().seed(),
        None => RandomState::new().hash_one(0_u8),
    }
}

#[allow(
    clippy::disallowed_methods,
    reason = "where there is no runtime around, it is the system's calendar"
)]
fn wall_now(runtime: Option<&Runtime>) -> SystemTime {
    runtime.map_or_else(SystemTime::now, Runtime::wall_now)
}
