use aiomisc::signal::Lifecycle;

#[aiomisc::receiver(MISSING)]
async fn missing(_: Lifecycle) {}

#[aiomisc::receiver(main)]
async fn not_a_signal(_: Lifecycle) {}

fn main() {}
