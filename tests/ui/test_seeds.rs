//! Options of `#[aiomisc::test]` for the simulation that do not go together.

#[aiomisc::test(seeds = 300)]
async fn without_a_simulation() {}

#[aiomisc::test(runtimes(smol, tokio), seeds = 300)]
async fn on_others() {}

#[aiomisc::test(runtimes(real), seeds = 300)]
async fn on_none_of_them() {}

#[aiomisc::test(simulation, runtimes(smol))]
async fn twice() {}

#[aiomisc::test(simulation = "yes", seeds = 0)]
async fn wrong_form() {}

#[aiomisc::test(runtimes(real, simulation))]
async fn not_alone() {}

fn main() {}
