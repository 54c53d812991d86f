//! For job 16: a program that does nothing.
fn main() {}
