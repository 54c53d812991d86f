//! What tests need.

mod harness;

pub use self::harness::{Harness, TestOutput};
