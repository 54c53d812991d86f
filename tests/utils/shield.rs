//! `shield` and `#[shield]`.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aiomisc::utils::shield;
use futures::FutureExt;

use super::shared::given_up::{give_up, polled};
use super::*;

/// Counts what has come to its end.
#[derive(Clone, Default)]
struct Ends(Arc<AtomicUsize>);

impl Ends {
    fn get(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    #[aiomisc::shield]
    async fn owned(self) -> Result<usize, std::num::ParseIntError> {
        time::sleep(ms(2)).await;
        let one: usize = "1".parse()?;
        self.0.fetch_add(one, Ordering::SeqCst);
        Ok(one)
    }

    #[aiomisc::shield(crate = "aiomisc")]
    async fn shared(self: Arc<Self>) {
        time::sleep(ms(2)).await;
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Documented as any other.
#[aiomisc::shield]
async fn doubled<T>(value: T, mut list: Vec<T>) -> Vec<T>
where
    T: Clone + Send + 'static,
{
    list.push(value.clone());
    list.push(value);
    list
}

#[aiomisc::test(runtimes(all))]
async fn it_gives_what_the_future_gives() {
    assert_eq!(shield(async { 7 }).await, 7);
    assert_eq!(doubled(1, vec![0]).await, [0, 1, 1]);
    let ends = Ends::default();
    assert_eq!(ends.clone().owned().await, Ok(1));
    Arc::new(ends.clone()).shared().await;
    assert_eq!(ends.get(), 2);
}

#[aiomisc::test(runtimes(all))]
async fn it_comes_to_its_end_also_if_nobody_waits() {
    for polls in 1..4 {
        let ends = Ends::default();
        give_up(polls, ends.clone().owned()).await;
        give_up(polls, Arc::new(ends.clone()).shared()).await;
        until(|| ends.get() == 2).await;
    }
}

#[aiomisc::test(runtimes(all))]
async fn it_begins_at_the_first_poll() {
    let ends = Ends::default();
    drop(ends.clone().owned());
    assert!(polled(shield(ends.clone().owned()), 0).await.is_none());
    time::sleep(ms(5)).await;
    assert_eq!(ends.get(), 0);
    assert_eq!(Arc::strong_count(&ends.0), 1);
}

#[aiomisc::test(runtimes(all))]
async fn a_panic_is_the_callers() {
    let panics = shield(async { oh_no() });
    let panic = AssertUnwindSafe(panics).catch_unwind().await.unwrap_err();
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"oh no"));
}

/// Whoever waits on another runtime is not left to wait for ever.
#[test]
fn the_end_of_its_runtime_is_told() {
    for (runtime, other) in shared::runtimes().into_iter().zip(shared::runtimes()) {
        let mut shielded = Box::pin(shield(pending::<()>()));
        runtime.block_on(async {
            assert!(futures::poll!(&mut shielded).is_pending());
        });
        drop(runtime);
        let waits = AssertUnwindSafe(shielded).catch_unwind();
        let panic = other.block_on(waits).unwrap_err();
        let text = panic.downcast_ref::<String>().unwrap();
        assert!(text.contains("was cancelled"), "{text}");
    }
}

fn oh_no() {
    panic!("oh no");
}
