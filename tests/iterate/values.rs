//! What goes through, and what the stream tells of itself.

use std::cell::Cell;

use aiomisc::thread::iterate::IteratorStatistic;
use futures::stream::FusedStream;
use futures::{Stream, StreamExt, TryStreamExt};

use super::*;

#[aiomisc::test(runtimes(all))]
async fn it_is_a_stream() {
    let stream = thread::iterate(|| 1..=4).map(|item| 2 * item.unwrap());
    assert_eq!(stream.collect::<Vec<_>>().await, [2, 4, 6, 8]);
    let texts: Vec<String> = thread::iterate(|| ["a".to_owned(), "b".to_owned()])
        .try_collect()
        .await
        .unwrap();
    assert_eq!(texts, ["a", "b"]);

    let mut stream = thread::iterate_separate(|| Some(1));
    assert!(!stream.is_terminated());
    assert_eq!(stream.size_hint(), (0, None));
    assert_eq!(all(&mut stream).await, [1]);
    assert!(stream.is_terminated());
}

/// It is made, asked and dropped on one thread, which is not this one.
#[aiomisc::test(runtimes(all))]
async fn the_iterator_need_not_be_send() {
    let here = std::thread::current().id();
    let mut stream = thread::iterate(move || {
        let (thread, shared) = (std::thread::current().id(), Rc::new(7));
        assert_ne!(thread, here);
        (0..3).map(move |item| {
            assert_eq!(std::thread::current().id(), thread);
            item + *shared
        })
    });
    assert_eq!(all(&mut stream).await, [7, 8, 9]);
}

#[aiomisc::test(runtimes(all))]
async fn items_of_any_kind_go_through() {
    let mut nothing = Iterate::new().max_size(2).run(|| [(); 100]);
    assert_eq!(all(&mut nothing).await.len(), 100);
    let mut large = Iterate::new()
        .max_size(2)
        .run(|| (0..50_u8).map(|i| [i; 10_000]));
    for item in 0..50 {
        assert_eq!(large.try_next().await.unwrap(), Some([item; 10_000]));
    }
    let mut cells = thread::iterate(|| (0..10).map(Cell::new));
    assert_eq!(all(&mut cells).await.len(), 10);
}

#[test]
fn everything_can_be_sent() {
    fn send<T: Send + Unpin>(value: T) -> T {
        value
    }
    // An item that is neither `Sync` nor `Unpin`.
    type Item = (Cell<u8>, std::marker::PhantomPinned);
    #[allow(dead_code, reason = "its types are checked")]
    fn futures(mut stream: ThreadedIter<Item>) {
        let _: Box<dyn Future<Output = ()> + Send + 'static> = Box::new(stream.wait_closed());
        let _: Box<dyn Future<Output = _> + Send + '_> = Box::new(stream.next());
        let _: Box<dyn Future<Output = _> + Send + '_> = Box::new(stream.close());
        let _: Box<dyn Stream<Item = _> + Send> = Box::new(send(stream));
    }
}

#[aiomisc::test(runtimes(all))]
async fn it_tells_of_itself() {
    let mut stream = Iterate::new().name("numbers").max_size(5).run(|| 0..3);
    let line = line!() - 1;
    assert_eq!(stream.max_size(), 5);
    stream.wait_closed().await;
    assert!(stream.closed());
    let text = format!("{stream:?}");
    assert!(
        text.starts_with("ThreadedIter { name: \"numbers\", made_at: "),
        "{text}"
    );
    assert!(text.contains(&format!("{}:{line}:", file!())), "{text}");
    assert!(
        text.ends_with("max_size: 5, ahead: 3, closed: true }"),
        "{text}"
    );
    assert_eq!(all(&mut stream).await, [0, 1, 2]);
    assert!(format!("{stream:?}").contains("ahead: 0"));
    assert_eq!(thread::iterate(|| 0..0).max_size(), 1024);
}

/// Row C16 of the parity table; `queue_length` never moved in the original.
#[aiomisc::test(runtimes(all))]
async fn its_figures_move() {
    let name: String = format!("moving {:?}", std::thread::current().id());
    let figures = || {
        let figures = aiomisc::statistics().of_kind::<IteratorStatistic>();
        let mine = figures.filter(|figure| figure.name.as_deref() == Some(&*name));
        Vec::from_iter(mine.map(|figure| format!("{} {}", figure.metric, figure.value)))
    };
    let mut stream = Iterate::new().name(name.clone()).max_size(4).run(|| 0..10);
    until(|| figures().contains(&"started 1".to_owned())).await;
    for _ in 0..3 {
        stream.next().await.unwrap().unwrap();
    }
    assert!(figures().contains(&"queue_size 4".to_owned()));
    assert!(
        figures().contains(&"yielded 3".to_owned()),
        "{:?}",
        figures()
    );
    all(&mut stream).await;
    assert_eq!(
        figures(),
        [
            "started 1",
            "queue_size 4",
            "queue_length 0",
            "enqueued 10",
            "yielded 10"
        ]
    );
    drop(stream);
    assert_eq!(figures(), [""; 0]);

    let mut full = Iterate::new().name(name.clone()).max_size(4).run(|| 0..10);
    until(|| format!("{full:?}").contains("ahead: 4")).await;
    full.close().await.unwrap();
    let left = figures();
    assert!(left.contains(&"yielded 0".to_owned()), "{left:?}");
    assert!(left.contains(&"enqueued 4".to_owned()), "{left:?}");
    assert!(left.contains(&"queue_length 0".to_owned()), "{left:?}");
}
