//! Logging: what is written where, and what happens when it cannot be written.
#![cfg(feature = "log")]

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
