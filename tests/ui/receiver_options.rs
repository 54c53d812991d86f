use aiomisc::signal::{Lifecycle, PRE_START};

#[aiomisc::receiver]
async fn no_signal(_: Lifecycle) {}

#[aiomisc::receiver("PRE_START")]
async fn a_text(_: Lifecycle) {}

#[aiomisc::receiver(PRE_START, once)]
async fn unknown_option(_: Lifecycle) {}

#[aiomisc::receiver(PRE_START, crate = 7)]
async fn not_a_path(_: Lifecycle) {}

#[aiomisc::receiver(PRE_START crate = "aiomisc")]
async fn no_comma(_: Lifecycle) {}

fn main() {}
