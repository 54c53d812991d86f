use aiomisc::signal::{Lifecycle, PRE_START};

#[aiomisc::receiver(PRE_START)]
fn not_async(_: Lifecycle) {}

#[aiomisc::receiver(PRE_START)]
async fn no_argument() {}

#[aiomisc::receiver(PRE_START)]
async fn two_arguments(_: Lifecycle, _: u8) {}

#[aiomisc::receiver(PRE_START)]
async fn generic<T>(_: T) {}

#[aiomisc::receiver(PRE_START)]
async fn another_event(_: u8) {}

#[aiomisc::receiver(PRE_START)]
async fn not_a_result(_: Lifecycle) -> u8 {
    7
}

struct Methods;

impl Methods {
    #[aiomisc::receiver(PRE_START)]
    async fn method(&self, _: Lifecycle) {}
}

#[aiomisc::receiver(PRE_START)]
struct NotAFunction;

fn main() {}
