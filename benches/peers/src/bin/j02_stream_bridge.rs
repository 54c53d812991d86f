//! Job 2: a thread produces numbers, a task takes them one by one.

use std::hint::black_box;

use aiomisc::Runtime;
use aiomisc::adapters::{Smol, Tokio};
use aiomisc::thread::Iterate;
use futures_lite::StreamExt as _;
use peers::contest::wanted;
use peers::{Bar, Contest, bare, in_task, tokio_ct, tokio_mt};
use std::time::Instant;

/// Items of a run, where as many are ahead.
const ITEMS: [(usize, u64, f64); 3] = [(1024, 4_000_000, 4.0), (8, 400_000, 5.0), (1, 40_000, 0.0)];

fn main() {
    for (max_size, items, bar) in ITEMS {
        smol(max_size, items, bar);
        tokio("tokio-current", tokio_ct(), max_size, items, bar);
        tokio("tokio-1-thread", tokio_mt(1), max_size, items, bar);
    }
}

fn smol(max_size: usize, items: u64, bar: f64) {
    let job = format!("j02-iterate-{max_size}/smol");
    if !wanted(&job) {
        return;
    }
    let smol: Runtime = Smol::new().into();
    let ours = || {
        million_per_second(items, || {
            smol.block_on(smol.spawn(ours(max_size, items)))
                .expect("no panic")
        })
    };
    let contest = Contest::new(job, "M/s", ours)
        .rival("async-channel", Bar::AtLeast(bar), || {
            million_per_second(items, || bare(|_| async_channel(max_size, items)))
        })
        .peer("kanal", || {
            million_per_second(items, || bare(|_| kanal(max_size, items)))
        })
        .peer("blocking::Unblock", || {
            million_per_second(items, || bare(|_| unblock(max_size, items)))
        });
    floor(contest, max_size, || {
        million_per_second(items, || bare(|_| chunks(items)))
    })
    .run();
}

fn tokio(name: &str, runtime: tokio::runtime::Runtime, max_size: usize, items: u64, bar: f64) {
    let job = format!("j02-iterate-{max_size}/{name}");
    if !wanted(&job) {
        return;
    }
    let handle: Runtime = Tokio::from_handle(runtime.handle().clone()).into();
    let contest = Contest::new(job, "M/s", || {
        million_per_second(items, || {
            in_task(&runtime, handle.scope(ours(max_size, items)))
        })
    })
    .rival("async-channel", Bar::AtLeast(bar), || {
        million_per_second(items, || in_task(&runtime, async_channel(max_size, items)))
    })
    .peer("kanal", || {
        million_per_second(items, || in_task(&runtime, kanal(max_size, items)))
    })
    .peer("blocking::Unblock", || {
        million_per_second(items, || in_task(&runtime, unblock(max_size, items)))
    });
    floor(contest, max_size, || {
        million_per_second(items, || in_task(&runtime, chunks(items)))
    })
    .run();
}

/// With a floor where it is one: chunks do not hold the promise of a small `max_size`.
fn floor<'a>(
    contest: Contest<'a, 1>,
    max_size: usize,
    run: impl FnMut() -> f64 + 'a,
) -> Contest<'a, 1> {
    if max_size < 1024 {
        return contest;
    }
    contest.peer("floor:chunks-of-256", run)
}

fn million_per_second(items: u64, f: impl FnOnce() -> u64) -> f64 {
    let begun = Instant::now();
    assert_eq!(f(), items * (items - 1) / 2);
    items as f64 / begun.elapsed().as_secs_f64() / 1e6
}

async fn ours(max_size: usize, items: u64) -> u64 {
    let mut stream = Iterate::new().max_size(max_size).run(move || 0..items);
    let mut sum = 0;
    while let Some(item) = stream.next().await {
        sum += black_box(item.expect("a range does not fail"));
    }
    sum
}

async fn async_channel(max_size: usize, items: u64) -> u64 {
    let (send, receive) = async_channel::bounded(max_size);
    let producer = blocking::unblock(move || {
        (0..items).for_each(|item| send.send_blocking(item).expect("somebody receives"));
    });
    let mut sum = 0;
    while let Ok(item) = receive.recv().await {
        sum += black_box(item);
    }
    producer.await;
    sum
}

async fn kanal(max_size: usize, items: u64) -> u64 {
    let (send, receive) = kanal::bounded(max_size);
    let producer = blocking::unblock(move || {
        (0..items).for_each(|item| send.send(item).expect("somebody receives"));
    });
    let receive = receive.to_async();
    let mut sum = 0;
    while let Ok(item) = receive.recv().await {
        sum += black_box(item);
    }
    producer.await;
    sum
}

async fn unblock(max_size: usize, items: u64) -> u64 {
    let mut stream = blocking::Unblock::with_capacity(max_size, 0..items);
    let mut sum = 0;
    while let Some(item) = stream.next().await {
        sum += black_box(item);
    }
    sum
}

/// Chunks over a channel: an item is held back until its chunk is full.
async fn chunks(items: u64) -> u64 {
    let (send, receive) = async_channel::bounded(4);
    let producer = blocking::unblock(move || {
        let mut chunk = Vec::with_capacity(256);
        for item in 0..items {
            chunk.push(item);
            if chunk.len() == 256 {
                let full = std::mem::replace(&mut chunk, Vec::with_capacity(256));
                send.send_blocking(full).expect("somebody receives");
            }
        }
        send.send_blocking(chunk).expect("somebody receives");
    });
    let mut sum = 0;
    while let Ok(chunk) = receive.recv().await {
        for item in chunk {
            sum += black_box(item);
        }
    }
    producer.await;
    sum
}
