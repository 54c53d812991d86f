use std::sync::Arc;

#[aiomisc::threaded]
async fn asynchronous() {}

#[aiomisc::threaded_separate]
const fn constant() {}

#[aiomisc::threaded]
unsafe fn not_safe() {}

#[aiomisc::threaded_separate]
extern "C" fn foreign() {}

#[aiomisc::threaded]
fn borrows(text: &str, list: &'static [u8], other: &mut u8) {
    let _ = (text, list, other);
}

#[aiomisc::threaded_separate]
fn endless() -> ! {
    loop {}
}

#[aiomisc::threaded_iterable]
fn nothing() {}

#[aiomisc::threaded_iterable_separate]
fn items_without_a_type() -> impl Iterator {
    0..7
}

#[aiomisc::threaded]
struct NotAFunction;

struct Methods;

impl Methods {
    #[aiomisc::threaded]
    fn by_reference(&self) {}

    #[aiomisc::threaded_iterable(max_size = 7)]
    fn by_mutable_reference(&mut self) -> [u8; 1] {
        [1]
    }

    #[aiomisc::threaded]
    fn behind_two(self: &Arc<Self>) {}
}

trait Trait {
    #[aiomisc::threaded]
    fn without_a_body(self);
}

fn main() {}
