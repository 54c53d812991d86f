use std::borrow::Cow;
use std::rc::Rc;

#[aiomisc::threaded]
fn argument_that_is_not_sent(value: Rc<u8>) -> u8 {
    *value
}

#[aiomisc::threaded_separate]
fn result_that_is_not_sent() -> Rc<u8> {
    Rc::new(7)
}

#[aiomisc::threaded]
fn hidden_borrow(text: Cow<'_, str>) -> usize {
    text.len()
}

#[aiomisc::threaded]
fn without_bounds<T>(value: T) -> T {
    value
}

#[aiomisc::threaded_iterable]
fn items_that_are_not_sent() -> impl Iterator<Item = Rc<u8>> {
    [Rc::new(7)].into_iter()
}

#[aiomisc::threaded_iterable]
fn no_iterator() -> u8 {
    7
}

#[aiomisc::threaded_iterable(max_size = "many")]
fn size_of_another_type() -> [u8; 1] {
    [1]
}

#[aiomisc::threaded(pool = 7)]
fn pool_of_another_type() {}

struct Methods;

impl Methods {
    #[aiomisc::threaded]
    fn belongs_to_a_type_and_does_not_say_so() {}
}

fn main() {}
