//! Jobs, iterators and files, plain and compressed, side by side in one small pool, whose operations are dropped at any of their
//! await points: no job is lost, no item, no byte, and nothing is left when the pool is closed.
#![cfg(all(
    unix,
    feature = "testing",
    feature = "macros",
    any(feature = "smol", feature = "tokio", feature = "simulation")
))]

mod shared;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aiomisc::io::{BinaryFile, Compression, OpenOptions};
use aiomisc::thread::{Iterate, ThreadPool};
use futures::future::join_all;

use self::shared::Folder;
use self::shared::dice::Dice;
use self::shared::given_up::give_up;

const FORMATS: &[Compression] = &[
    Compression::None,
    #[cfg(feature = "gzip")]
    Compression::Gzip,
    #[cfg(feature = "zstd")]
    Compression::Zstd,
];

#[aiomisc::test(runtimes(all), timeout = "100s")]
async fn nothing_is_lost_and_nothing_is_left() {
    for seed in 0..rounds(40) {
        let folder = Folder::new();
        let pool = ThreadPool::builder().size(3).queue_limit(4).build();
        let pool = pool.expect("a pool");
        let captured = Arc::new(AtomicUsize::new(0));
        let mut tasks = Vec::new();
        for number in 0..4 {
            let dice = Dice::new(seed * 100 + number);
            tasks.push(aiomisc::spawn(jobs(pool.clone(), captured.clone(), dice)));
        }
        let dice = Dice::new(seed * 100 + 40);
        tasks.push(aiomisc::spawn(numbers(
            pool.clone(),
            captured.clone(),
            dice,
        )));
        for (number, &format) in FORMATS.iter().enumerate() {
            let dice = Dice::new(seed * 100 + 50 + number as u64);
            let path = folder.join(&number.to_string());
            tasks.push(aiomisc::spawn(file(pool.clone(), path, format, dice)));
        }
        for done in join_all(tasks).await {
            done.unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        }
        pool.shutdown(true).await.expect("all of it ends");
        assert_eq!((pool.running(), pool.waiting()), (0, 0), "seed {seed}");
        // What jobs had with them is gone, whether they have run or not.
        assert_eq!(captured.load(Ordering::SeqCst), 0, "seed {seed}");
    }
}

/// Whoever stays gets what the job gave; whoever goes takes the job along if it has not begun.
async fn jobs(pool: ThreadPool, captured: Arc<AtomicUsize>, mut dice: Dice) {
    for number in 0..50 {
        let captured = Captured::new(&captured);
        let job = pool.run(move || {
            let _captured = captured;
            number
        });
        if let Some(given) = give_up(dice.below(4), job).await {
            assert_eq!(given.expect("no panic"), number);
        }
    }
}

/// Takes what iterators give; now and then it goes, or closes one and goes meanwhile.
async fn numbers(pool: ThreadPool, captured: Arc<AtomicUsize>, mut dice: Dice) {
    for _ in 0..20 {
        let count = dice.below(30);
        let captured = Captured::new(&captured);
        let iterate = Iterate::new().pool(pool.clone()).max_size(dice.below(5));
        let mut stream = iterate.run(move || {
            let captured = captured;
            (0..count).inspect(move |_| _ = &captured)
        });
        let mut taken = 0;
        loop {
            match give_up(dice.below(4), stream.next()).await {
                Some(Some(item)) => {
                    assert_eq!(item.expect("a range does not fail"), taken);
                    taken += 1;
                }
                Some(None) => {
                    assert_eq!(taken, count);
                    break;
                }
                None if dice.below(20) > 0 => {}
                None => {
                    let closed = give_up(dice.below(3), stream.close()).await;
                    assert!(closed.is_none_or(|closed| closed.is_ok()));
                    break;
                }
            }
        }
    }
}

/// Writes records, reads them, appends others, and reads all of them.
async fn file(pool: ThreadPool, path: PathBuf, format: Compression, mut dice: Dice) {
    let options = OpenOptions::new().pool(pool).compression(format);
    let mut content = Vec::new();
    for mode in ["wb", "ab", "ab"] {
        let options = options.clone().buffer(1 + dice.below(300));
        let mut file: BinaryFile = open(&options.clone().mode(mode), &path, &mut dice).await;
        for number in 0..dice.below(100) {
            let record = format!("{mode} {number} {}\n", dice.below(1000));
            if dice.below(10) == 0 {
                drop(give_up(dice.below(4), file.flush()).await);
            }
            if let Some(written) = give_up(dice.below(4), file.write(&record)).await {
                written.expect("room");
                content.extend(record.into_bytes());
            }
        }
        drop(give_up(dice.below(4), file.close()).await);
        file.close().await.expect("room");
        let file = open(&options.mode("rb"), &path, &mut dice).await;
        assert_eq!(read(file, &mut dice).await, content, "{format}, {mode}");
    }
}

async fn open(options: &OpenOptions, path: &PathBuf, dice: &mut Dice) -> BinaryFile {
    // What was opened and not wanted is closed.
    let _ = give_up(
        dice.below(4),
        reading(options).open::<aiomisc::io::Binary>(path),
    )
    .await;
    options.clone().open(path).await.expect("a file")
}

/// The same without emptying anything.
fn reading(options: &OpenOptions) -> OpenOptions {
    options.clone().mode("rb")
}

async fn read(mut file: BinaryFile, dice: &mut Dice) -> Vec<u8> {
    let mut content = Vec::new();
    loop {
        let polls = dice.below(4);
        let read = match dice.below(3) {
            0 => give_up(polls, file.read_up_to(1 + dice.below(100))).await,
            1 => give_up(polls, file.readline())
                .await
                .map(|line| line.map(Option::unwrap_or_default)),
            _ => Some(file.read_up_to(1 + dice.below(100)).await),
        };
        match read.map(|read| read.expect("a good file")) {
            Some(piece) if piece.is_empty() => return content,
            Some(piece) => content.extend(piece),
            None => {}
        }
    }
}

/// Counts what is captured by jobs that are there.
struct Captured(Arc<AtomicUsize>);

impl Captured {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(count))
    }
}

impl Drop for Captured {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// How many seeds: more in the long tier.
#[allow(
    clippy::disallowed_methods,
    reason = "how much is tested is the caller's affair"
)]
fn rounds(few: u64) -> u64 {
    let factor = std::env::var("AIOMISC_STRESS").ok();
    few * factor.and_then(|text| text.parse().ok()).unwrap_or(1)
}
