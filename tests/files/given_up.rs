//! Operations that are dropped at each of their await points.

use std::fs;
use std::io::SeekFrom;

use aiomisc::io::{self, BinaryFile, OpenOptions, TextFile};
use aiomisc::thread::{ThreadPool, sync_wait};

use super::shared::Folder;
use super::{Dice, give_up, rounds};

/// Whatever is given up and wherever: what is read is the file, without a gap and without anything twice.
#[aiomisc::test(runtimes(all), timeout = "60s")]
async fn reads_that_were_dropped_lose_nothing() {
    let folder = Folder::new();
    let path = folder.join("file");
    let content: String = (0..2_000)
        .map(|number| format!("line {number} é\r\n"))
        .collect();
    fs::write(&path, &content).expect("it can be written");
    for seed in 0..rounds(8) {
        let mut dice = Dice::new(seed);
        let options = OpenOptions::new().newline(io::Newline::Untranslated);
        let options = options.buffer([16, 100, 4096][dice.below(3)]);
        let mut file: TextFile = options.open(&path).await.expect("it is there");
        let mut seen = String::new();
        while seen.len() < content.len() {
            let polls = dice.below(4);
            let read = match dice.below(5) {
                0 => give_up(polls, file.readline())
                    .await
                    .map(|line| line.map(Option::unwrap_or_default)),
                1 => give_up(polls, file.read_up_to(dice.below(300))).await,
                2 if dice.below(40) == 0 => give_up(polls, file.read()).await,
                3 if dice.below(40) == 0 => give_up(polls, file.readlines())
                    .await
                    .map(|lines| lines.map(|lines| lines.concat())),
                _ => Some(file.readline().await.map(Option::unwrap_or_default)),
            };
            if let Some(read) = read {
                seen += &read.expect("text");
            }
        }
        assert_eq!(seen, content, "seed {seed}");
        assert_eq!(file.readline().await.expect("text"), None);
    }
}

/// A write that was dropped has taken nothing, one that was ready has taken all; both in order.
#[aiomisc::test(runtimes(all), timeout = "60s")]
async fn writes_that_were_dropped_are_all_or_nothing() {
    let folder = Folder::new();
    for seed in 0..rounds(8) {
        let path = folder.join(&seed.to_string());
        let mut dice = Dice::new(seed);
        let mode = ["wb", "ab", "xb", "wb+"][dice.below(4)];
        let options = OpenOptions::new()
            .mode(mode)
            .buffer([1, 64, 1000][dice.below(3)]);
        let mut file: BinaryFile = options.open(&path).await.expect("a file");
        let mut expected = Vec::new();
        for number in 0..300_u32 {
            let data = format!("{number},").repeat(1 + dice.below(20)).into_bytes();
            let polls = dice.below(3);
            if let Some(written) = give_up(polls, file.write(&data)).await {
                written.expect("room");
                expected.extend_from_slice(&data);
            }
            match dice.below(30) {
                0 => drop(give_up(polls, file.flush()).await),
                1 => drop(give_up(polls, file.sync_data()).await),
                2 => drop(give_up(polls, file.tell()).await),
                3 => drop(give_up(polls, file.seek(SeekFrom::End(0))).await),
                4 => assert_eq!(file.tell().await.expect("a place"), expected.len() as u64),
                5 => {
                    file.flush().await.expect("room");
                    assert_eq!(fs::read(&path).expect("it is there"), expected);
                }
                _ => {}
            }
        }
        // Closing can be given up as well, and begun again.
        drop(give_up(dice.below(3), file.close()).await);
        file.close().await.expect("nothing fails");
        assert_eq!(
            fs::read(&path).expect("it is there"),
            expected,
            "seed {seed}"
        );
    }
}

/// What a dropped operation failed with is told by the next one, which has not begun.
#[aiomisc::test(runtimes(all), timeout = "20s")]
async fn the_error_of_a_dropped_operation_is_told_by_the_next() {
    let pool = ThreadPool::new(1).expect("a size");
    let options = OpenOptions::new().mode("wb").pool(pool.clone());
    let mut file: BinaryFile = options.open("/dev/full").await.expect("it is there");
    file.write(b"x").await.expect("it goes to the buffer");
    // The flush waits for its thread.
    let (release, released) = futures::channel::oneshot::channel::<()>();
    let held = pool.run(|| sync_wait(released));
    assert!(give_up(1, file.flush()).await.is_none());
    drop(release);
    let _ = held.await.expect("no panic");
    let error = file.tell().await.expect_err("the flush has failed");
    assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
    assert_eq!(file.tell().await.expect("told once"), 1);
}

#[aiomisc::test(runtimes(all), timeout = "20s")]
async fn an_opening_that_was_dropped_leaves_nothing_open() {
    let folder = Folder::new();
    let path = folder.join("file");
    fs::write(&path, "").expect("it can be written");
    for polls in 0..10 {
        let opened = give_up(polls, io::async_open::<io::Binary>(&path, "wb")).await;
        drop(opened);
    }
    let mut file: BinaryFile = io::async_open(&path, "rb").await.expect("it is there");
    assert_eq!(file.read().await.expect("readable"), b"");
}
