//! Logging: what is written where, and what happens when it cannot be written (rows E1 and E3 to E8 of the
//! parity table).
#![cfg(feature = "log")]

#[path = "log/config.rs"]
mod config;
#[path = "log/faults.rs"]
mod faults;
#[path = "log/hostile.rs"]
mod hostile;
#[path = "log/json.rs"]
mod json;
#[path = "log/text.rs"]
mod text;
#[path = "log/tools.rs"]
mod tools;
