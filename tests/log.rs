//! Logging: what is written where, and what happens when it cannot be written (rows E1 and E3 to E8 of the
//! parity table).
#![cfg(all(unix, feature = "log", any(feature = "smol", feature = "tokio")))]

#[path = "log/config.rs"]
mod config;
#[path = "log/faults.rs"]
mod faults;
#[path = "log/hostile.rs"]
mod hostile;
#[path = "log/json.rs"]
mod json;
#[path = "log/random.rs"]
mod random;
#[path = "log/text.rs"]
mod text;
#[path = "log/tools.rs"]
mod tools;
