//! Code of the user's that panics or fails, at each place where it is called.

use std::error::Error as _;
use std::io;

use aiomisc::BoxError;
use aiomisc::thread::IterateError;
use aiomisc::thread::iterate::Yielder;

use super::*;
use crate::shared::log;

async fn only_error<T: std::fmt::Debug>(mut stream: ThreadedIter<T>) -> IterateError {
    let error = stream.next().await.expect("an error").unwrap_err();
    assert!(stream.next().await.is_none());
    stream.wait_closed().await;
    error
}

/// Panics when it is dropped, unless that is during a panic.
struct Bomb(&'static str);

impl Drop for Bomb {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            std::panic::panic_any(self.0);
        }
    }
}

/// Panics when it is dropped, also during another panic.
struct WorstBomb;

impl Drop for WorstBomb {
    fn drop(&mut self) {
        panic!("dropping panics as well");
    }
}

#[aiomisc::test(runtimes(all))]
async fn a_constructor_that_panics() {
    #[allow(unreachable_code, reason = "it has to have a type")]
    let stream = thread::iterate(|| -> std::ops::Range<u8> { panic!("cannot be opened") });
    assert_eq!(
        only_error(stream).await.panic_text(),
        Some("cannot be opened")
    );

    struct NotThis;
    impl IntoIterator for NotThis {
        type Item = u8;
        type IntoIter = std::ops::Range<u8>;
        fn into_iter(self) -> Self::IntoIter {
            panic!("not this")
        }
    }
    let error = only_error(thread::iterate_separate(|| NotThis)).await;
    assert_eq!(error.panic_text(), Some("not this"));
}

#[aiomisc::test(runtimes(all))]
async fn a_clean_up_that_panics() {
    let mut stream = thread::iterate(|| {
        let bomb = Bomb("cannot be closed");
        (0..3).inspect(move |_| {
            let _ = &bomb;
        })
    });
    for item in 0..3 {
        assert_eq!(stream.try_next().await.unwrap(), Some(item));
    }
    assert_eq!(
        only_error(stream).await.panic_text(),
        Some("cannot be closed")
    );

    // The same, of one that is closed.
    let mut stream = thread::iterate(|| {
        let bomb = Bomb("cannot be closed");
        (0..).inspect(move |_| {
            let _ = &bomb;
        })
    });
    stream.next().await.unwrap().unwrap();
    let error = stream.close().await.unwrap_err();
    assert_eq!(error.panic_text(), Some("cannot be closed"));
    assert_eq!(
        *error.into_panic().unwrap().downcast::<&str>().unwrap(),
        "cannot be closed"
    );
    stream.close().await.expect("it is told once");
}

#[aiomisc::test(runtimes(all))]
async fn an_iterator_that_panics_and_then_its_clean_up_does() {
    let mut stream = thread::iterate(|| {
        let bomb = WorstBomb;
        (0..).inspect(move |item| {
            let _ = &bomb;
            assert!(*item < 2, "the first panic");
        })
    });
    assert_eq!(stream.try_next().await.unwrap(), Some(0));
    assert_eq!(stream.try_next().await.unwrap(), Some(1));
    assert_eq!(
        only_error(stream).await.panic_text(),
        Some("the first panic")
    );
}

#[aiomisc::test(runtimes(all))]
async fn an_item_that_panics_when_it_is_dropped() {
    // By `close`, before the producer has ended or after it.
    let mut stream = thread::iterate(|| (0..3).map(|_| Bomb("an item")));
    stream.wait_closed().await;
    let error = stream.close().await.unwrap_err();
    assert_eq!(error.panic_text(), Some("an item"));
    assert!(
        error
            .to_string()
            .ends_with(" left an item that panicked when it was dropped: an item")
    );
    assert_eq!(
        *error.into_panic().unwrap().downcast::<String>().unwrap(),
        "an item"
    );
    stream.close().await.expect("it is told once");

    // By the producer, which finds its consumer gone.
    let (release, released) = oneshot::channel::<()>();
    let begun = Count::default();
    let has_begun = begun.clone();
    let mut stream = Iterate::new().push(move |yielder| {
        has_begun.add_one();
        drop(sync_wait(released));
        yielder.send(Bomb("not taken"))?;
        Ok(())
    });
    until(|| begun.get() == 1).await;
    drop(futures::poll!(std::pin::pin!(stream.close())));
    release.send(()).unwrap();
    let error = stream.close().await.unwrap_err();
    assert_eq!(error.panic_text(), Some("not taken"));
}

#[aiomisc::test(runtimes(all))]
async fn errors_of_the_function_keep_their_type() {
    let make = || {
        Iterate::new().name("reader").push(|yielder| {
            yielder.send(1)?;
            Err(io::Error::from(io::ErrorKind::InvalidData).into())
        })
    };
    let mut stream = make();
    let line = line!() - 2;
    assert_eq!(stream.try_next().await.unwrap(), Some(1));
    let error = only_error(stream).await;
    assert_eq!(error.name(), "reader");
    assert_eq!(
        (error.made_at().file(), error.made_at().line()),
        (file!(), line - 4)
    );
    let text = format!("job `reader` (submitted at {}) failed", error.made_at());
    assert_eq!(error.to_string(), text);
    assert!(error.source().unwrap().is::<io::Error>());
    let error = error.downcast::<std::fmt::Error>().unwrap_err();
    let error = error.into_panic().unwrap_err();
    assert_eq!(
        error.downcast::<io::Error>().unwrap().kind(),
        io::ErrorKind::InvalidData
    );

    // In the middle of a loop over results, which is what `?` is for.
    let mut lines = Iterate::new().push(|yielder| {
        for line in ["1", "2", "drei", "4"] {
            yielder.send(line.parse::<u8>()?)?;
        }
        Ok(())
    });
    assert_eq!(lines.try_next().await.unwrap(), Some(1));
    assert_eq!(lines.try_next().await.unwrap(), Some(2));
    let error = only_error(lines).await;
    assert!(error.downcast::<std::num::ParseIntError>().is_ok());
}

/// One that wraps the news that its consumer has gone is not told as a failure.
#[aiomisc::test(runtimes(all))]
async fn that_the_consumer_has_gone_is_no_failure() {
    #[derive(Debug)]
    struct Outer(BoxError);
    impl std::fmt::Display for Outer {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("outer")
        }
    }
    impl std::error::Error for Outer {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&*self.0)
        }
    }
    let mut stream = Iterate::new().push(|yielder| {
        (0..)
            .try_for_each(|item| yielder.send(item))
            .map_err(|gone| Outer(gone.into()).into())
    });
    stream.next().await.unwrap().unwrap();
    stream.close().await.unwrap();
}

/// What nobody asks for any more goes to the log.
#[aiomisc::test(runtimes(all), strict = false)]
async fn what_comes_after_the_consumer_has_gone_is_logged() {
    log::keep();
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let name = format!("unheard {}", NUMBER.fetch_add(1, Ordering::SeqCst));
    let iterate = || Iterate::new().name(name.clone());
    let logged = async |level: &str, what: &str| {
        until(|| {
            let lines = log::with(&name);
            let mut lines = lines.iter().filter(|line| line.starts_with(level));
            lines.any(|line| line.contains(what))
        })
        .await;
    };

    for panics in [false, true] {
        let mut stream = iterate().push(move |yielder| {
            while yielder.send(0).is_ok() {
                sync_wait(time::sleep(Duration::from_micros(1)))?;
            }
            assert!(!panics, "late panic");
            Err("late failure".into())
        });
        stream.next().await.unwrap().unwrap();
        drop(stream);
    }
    logged("WARN", "late failure").await;
    logged("ERROR", "late panic").await;

    // Those that came before, and were not asked for.
    let early = iterate().run(|| -> [u8; 0] { panic!("early panic") });
    early.wait_closed().await;
    drop(early);
    logged("ERROR", "early panic").await;
    let early = iterate().push(|_: &mut Yielder<u8>| Err("early failure".into()));
    early.wait_closed().await;
    drop(early);
    logged("WARN", "early failure").await;

    let bombs = iterate().run(|| [Bomb("a bomb"), Bomb("another")]);
    bombs.wait_closed().await;
    drop(bombs);
    logged("ERROR", "a bomb").await;
}

/// And so does what it panics with.
#[aiomisc::test(runtimes(all), strict = false)]
async fn items_whose_drop_panics_twice_are_all_dropped() {
    struct Worse(Arc<AtomicUsize>);
    impl Drop for Worse {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
            std::panic::panic_any(WorstBomb);
        }
    }

    let dropped = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&dropped);
    let mut stream = thread::iterate(move || (0..3).map(move |_| Worse(Arc::clone(&count))));
    stream.wait_closed().await;
    assert!(stream.close().await.unwrap_err().is_panic());
    assert_eq!(dropped.load(Ordering::SeqCst), 3);
}

/// It is asked for its text when it goes to the log.
#[aiomisc::test(runtimes(all), strict = false)]
async fn an_error_that_panics_when_it_is_written_harms_nobody() {
    #[derive(Debug)]
    struct Unspeakable;
    impl std::fmt::Display for Unspeakable {
        fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            panic!("there is no text")
        }
    }
    impl std::error::Error for Unspeakable {}
    impl Drop for Unspeakable {
        fn drop(&mut self) {
            panic!("nor an end")
        }
    }

    log::keep();
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let name = format!("unspeakable {}", NUMBER.fetch_add(1, Ordering::SeqCst));
    let pool = ThreadPool::new(1).unwrap();
    let iterate = Iterate::new().name(name.clone()).pool(pool.clone());
    let stream = iterate.push(|_: &mut Yielder<u8>| Err(Unspeakable.into()));
    until(|| pool.running() == 0).await;
    drop(stream);
    let lines = log::with(&name);
    assert!(
        lines.iter().any(|line| line.starts_with("WARN")),
        "{lines:?}"
    );
}
