//! The attributes, with what users read of them. What they expand to is in `macro_support`.

mod calls;
mod program;
#[cfg(feature = "testing")]
mod tests;
mod threads;

pub use self::calls::{
    aggregate, aggregate_async, asyncbackoff, asyncretry, cutout, shield, timeout,
};
pub use self::program::{dependency, main, receiver};
#[cfg(feature = "testing")]
pub use self::tests::test;
pub use self::threads::{
    threaded, threaded_iterable, threaded_iterable_separate, threaded_separate,
};
