//! A runtime that is not compiled in. (Tests exist for the compiler only when it builds tests.)

aiomisc::__private::only_with_simulation! {}

fn main() {}
