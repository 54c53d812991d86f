//! The seats of a batch: no order of threads leaves a call without an answer, or gives one twice.

#[allow(dead_code, reason = "the models leave the tasks of the aggregator out")]
#[path = "../../../src/aggregate"]
mod aggregate {
    mod batch;

    use std::future::poll_fn;
    use std::task::Poll;

    use loom::future::block_on;
    use loom::sync::{Arc, Mutex};
    use loom::thread;

    use self::batch::Batch;

    type Model = Arc<Mutex<Batch<u32, u32>>>;

    /// A call that waits for its answer.
    fn call(model: &Model, value: u32) -> u32 {
        let mut seat = None;
        block_on(poll_fn(|cx| {
            let mut batch = model.lock().unwrap();
            let Some(at) = seat else {
                seat = Some(batch.join(value, cx.waker().clone()));
                return Poll::Pending;
            };
            let (looked, old) = batch.look(at, cx.waker());
            drop(batch);
            drop(old);
            looked
        }))
    }

    /// Works on what is there, as the task of a batch does: gives all but the first, and the rest at the end.
    fn work(model: &Model) -> Vec<u32> {
        let values = model.lock().unwrap().begin();
        for (at, value) in values.iter().skip(1) {
            let given = model.lock().unwrap().give(*at, value * 10);
            if let Ok(waker) = given {
                waker.wake();
            }
        }
        let wakers = model.lock().unwrap().give_all(|| 0);
        wakers.into_iter().for_each(|waker| waker.wake());
        values.into_iter().map(|(_, value)| value).collect()
    }

    #[test]
    fn who_stays_gets_an_answer() {
        loom::model(|| {
            let model: Model = Arc::new(Mutex::new(Batch::new()));
            let calls = [1, 2].map(|value| {
                let model = Arc::clone(&model);
                thread::spawn(move || call(&model, value))
            });
            // The table lets nobody join after the beginning.
            while model.lock().unwrap().waiting() < 2 {
                thread::yield_now();
            }
            let worked = work(&model);
            let [one, two] = calls.map(|call| call.join().expect("no panic"));
            assert_eq!(worked.len(), 2);
            assert!((one == 0 && two == 20) || (one == 10 && two == 0));
        });
    }

    #[test]
    fn who_leaves_takes_nothing_from_the_others() {
        loom::model(|| {
            let model: Model = Arc::new(Mutex::new(Batch::new()));
            let seat = model
                .lock()
                .unwrap()
                .join(1, std::task::Waker::noop().clone());
            let other = model
                .lock()
                .unwrap()
                .join(2, std::task::Waker::noop().clone());
            let leaves = {
                let model = Arc::clone(&model);
                thread::spawn(move || drop(model.lock().unwrap().leave(seat)))
            };
            let worked = work(&model);
            leaves.join().expect("no panic");
            assert!(worked == [1, 2] || worked == [2]);
            let (looked, _) = model.lock().unwrap().look(other, std::task::Waker::noop());
            let expected = if worked.len() == 2 { 20 } else { 0 };
            assert_eq!(looked, Poll::Ready(expected));
        });
    }
}
