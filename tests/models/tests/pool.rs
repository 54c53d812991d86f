//! The places of a pool: no order of threads loses an object, a place or a turn.

#[allow(dead_code, reason = "the models leave the tasks of the pool out")]
#[path = "../../../src/pool"]
mod pool {
    mod line;
    mod places;
    mod turn;

    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll};
    use std::time::Instant;

    use loom::future::block_on;
    use loom::sync::{Arc, Mutex};
    use loom::thread;

    use self::places::{Grant, Places, Refused, Rests, Returned, Rules};
    use self::turn::{Host, Turn};

    /// An object that is kept for ever.
    #[derive(Debug)]
    struct Object;

    impl Rests for Object {
        fn idle_until(&self) -> Option<Instant> {
            None
        }

        fn dies(&self) -> Option<Instant> {
            None
        }
    }

    struct Model(Mutex<Places<Object>>);

    impl Model {
        fn new(maximum: usize) -> Arc<Self> {
            let rules = Rules {
                maximum,
                minimum_idle: 0,
                most_waiting: 10,
                newest_first: true,
            };
            Arc::new(Self(Mutex::new(Places::new(rules))))
        }

        /// Takes an object, or makes one.
        fn acquire(&self) -> Result<Object, Refused> {
            match block_on(Turn::new(self))? {
                Grant::Object(object) => Ok(object),
                Grant::Place => Ok(Object),
            }
        }

        fn give_back(&self, object: Object) {
            match self.change(|places| places.give_back(object)) {
                Returned::Granted(waker) => waker.wake(),
                Returned::Idle(_) => {}
                // Closed: it is destroyed at once.
                Returned::Unwanted(_) => self.free(),
            }
        }

        fn free(&self) {
            if let Some(waker) = self.change(Places::free) {
                waker.wake();
            }
        }

        /// Asks, and leaves before or after something was granted.
        fn acquire_and_leave(&self) {
            block_on(std::future::poll_fn(|cx: &mut Context<'_>| {
                let turn = pin!(Turn::new(self));
                if let Poll::Ready(Ok(grant)) = turn.poll(cx) {
                    self.give_up(grant);
                }
                Poll::Ready(())
            }));
        }

        fn ends_with(&self, taken: usize) {
            let counts = self.change(|places| places.counts());
            assert_eq!(
                (counts.taken, counts.idle, counts.waiting),
                (taken, taken, 0)
            );
        }
    }

    impl Host for Model {
        type Item = Object;

        fn change<R>(&self, f: impl FnOnce(&mut Places<Object>) -> R) -> R {
            f(&mut self.0.lock().unwrap())
        }

        fn give_up(&self, grant: Grant<Object>) {
            match grant {
                Grant::Object(object) => self.give_back(object),
                Grant::Place => self.free(),
            }
        }
    }

    #[test]
    fn an_object_goes_from_hand_to_hand() {
        loom::model(|| {
            let model = Model::new(1);
            let others = [(); 2].map(|()| {
                let model = Arc::clone(&model);
                thread::spawn(move || {
                    let object = model.acquire().expect("it is open");
                    model.give_back(object);
                })
            });
            for other in others {
                other.join().expect("no panic");
            }
            model.ends_with(1);
        });
    }

    #[test]
    fn the_turn_of_who_leaves_is_the_next_ones() {
        loom::model(|| {
            let model = Model::new(1);
            let object = model.acquire().expect("it is open");
            let leaves = {
                let model = Arc::clone(&model);
                thread::spawn(move || model.acquire_and_leave())
            };
            let stays = {
                let model = Arc::clone(&model);
                thread::spawn(move || {
                    let object = model.acquire().expect("it is open");
                    model.give_back(object);
                })
            };
            model.give_back(object);
            leaves.join().expect("no panic");
            stays.join().expect("no panic");
            model.ends_with(1);
        });
    }

    #[test]
    fn the_place_of_an_object_that_fails_is_the_next_ones() {
        loom::model(|| {
            let model = Model::new(1);
            let _object = model.acquire().expect("it is open");
            let waits = {
                let model = Arc::clone(&model);
                thread::spawn(move || {
                    let object = model.acquire().expect("it is open");
                    model.give_back(object);
                })
            };
            // Destroyed while the other asks.
            let (free, waker) = model.change(|places| {
                let free = places.doom();
                (free, if free { places.free() } else { None })
            });
            if let Some(waker) = waker {
                waker.wake();
            }
            assert!(free, "no other is destroyed");
            assert!(model.change(|places| places.bury(false)).is_none());
            waits.join().expect("no panic");
            model.ends_with(1);
        });
    }

    #[test]
    fn nobody_waits_for_a_pool_that_is_closed() {
        loom::model(|| {
            let model = Model::new(1);
            let object = model.acquire().expect("it is open");
            let waits = {
                let model = Arc::clone(&model);
                thread::spawn(move || {
                    if let Ok(object) = model.acquire() {
                        model.give_back(object);
                    }
                })
            };
            let closes = {
                let model = Arc::clone(&model);
                thread::spawn(move || {
                    let (idle, wakers) = model.change(Places::close);
                    wakers.into_iter().for_each(|waker| waker.wake());
                    idle.into_iter().for_each(|_| model.free());
                })
            };
            model.give_back(object);
            waits.join().expect("no panic");
            closes.join().expect("no panic");
            assert!(model.change(|places| places.is_over()));
        });
    }
}
