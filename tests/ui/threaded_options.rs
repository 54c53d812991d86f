#[aiomisc::threaded(max_size = 7)]
fn unknown() {}

#[aiomisc::threaded(name = "a", name = "b")]
fn twice() {}

#[aiomisc::threaded(name = 7)]
fn not_a_text() {}

#[aiomisc::threaded(pool)]
fn no_pool() {}

#[aiomisc::threaded_separate(pool = 7)]
fn pool_of_a_separate_thread() {}

#[aiomisc::threaded_separate(detach = "yes")]
fn not_a_switch() {}

#[aiomisc::threaded_iterable(max_size)]
fn no_size() -> [u8; 1] {
    [1]
}

#[aiomisc::threaded_iterable_separate(detach = true)]
fn detached() -> [u8; 1] {
    [1]
}

#[aiomisc::threaded(associated = 7, crate = 7)]
fn not_a_flag() {}

fn main() {}
