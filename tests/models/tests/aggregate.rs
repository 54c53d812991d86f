//! The seats of a batch: no order of threads leaves a call without an answer, or gives one twice.

#[allow(dead_code, reason = "the models leave the tasks of the aggregator out")]
#[path = "../../../src/aggregate"]
mod aggregate {
    mod batch;

    use std::future::poll_fn;
    use std::task::{Poll, Waker};

    use loom::future::block_on;
    use loom::sync::{Arc, Mutex};
    use loom::thread;

    use self::batch::Batch;

    type Model = Arc<Mutex<Batch<u32, u32>>>;

    /// The wait of a call for its answer.
    fn wait(model: &Model, seat: usize) -> u32 {
        block_on(poll_fn(|cx| {
            let (looked, old) = model.lock().unwrap().look(seat, cx.waker());
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
        let (wakers, _) = model.lock().unwrap().give_all(|| 0);
        wakers.into_iter().for_each(|waker| waker.wake());
        values.into_iter().map(|(_, value)| value).collect()
    }

    #[test]
    fn who_stays_gets_an_answer() {
        loom::model(|| {
            let model: Model = Arc::new(Mutex::new(Batch::new()));
            // The table lets nobody join after the beginning.
            let calls = [1, 2].map(|value| {
                let seat = model.lock().unwrap().join(value, Waker::noop().clone());
                let model = Arc::clone(&model);
                (seat, model)
            });
            let calls = calls.map(|(seat, model)| thread::spawn(move || wait(&model, seat)));
            let worked = work(&model);
            let [one, two] = calls.map(|call| call.join().expect("no panic"));
            assert_eq!((worked, one, two), (vec![1, 2], 0, 20));
        });
    }

    #[test]
    fn who_leaves_takes_nothing_from_the_others() {
        loom::model(|| {
            let model: Model = Arc::new(Mutex::new(Batch::new()));
            let seat = model.lock().unwrap().join(1, Waker::noop().clone());
            let other = model.lock().unwrap().join(2, Waker::noop().clone());
            let leaves = {
                let model = Arc::clone(&model);
                thread::spawn(move || drop(model.lock().unwrap().leave(seat)))
            };
            let worked = work(&model);
            leaves.join().expect("no panic");
            assert!(worked == [1, 2] || worked == [2]);
            let (looked, _) = model.lock().unwrap().look(other, Waker::noop());
            let expected = if worked.len() == 2 { 20 } else { 0 };
            assert_eq!(looked, Poll::Ready(expected));
        });
    }
}
