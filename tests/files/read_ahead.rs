//! Compressed files that are read from one end to the other: the next buffer is read before it is asked for.

use std::fs;
use std::io::{ErrorKind, SeekFrom};
use std::path::Path;

use aiomisc::io::{BinaryFile, Compression, OpenOptions, TextFile};
use aiomisc::thread::ThreadPool;
use futures::{AsyncBufReadExt, AsyncReadExt};

use super::shared::Folder;
use super::{Dice, FORMATS, give_up, rounds};

fn numbers(count: u32) -> Vec<u8> {
    (0..count).flat_map(u32::to_be_bytes).collect()
}

async fn write(path: &Path, format: Compression, content: &[u8]) {
    let options = OpenOptions::new().compression(format).mode("wb");
    let mut file: BinaryFile = options.open(path).await.expect("a file");
    file.write(content).await.expect("room");
    file.close().await.expect("nothing fails");
}

/// A pool with threads to spare.
fn roomy() -> ThreadPool {
    ThreadPool::new(8).expect("valid")
}

/// A file with a buffer of a hundred bytes.
async fn open(path: &Path, format: Compression, mode: &str, pool: &ThreadPool) -> BinaryFile {
    let options = OpenOptions::new().pool(pool.clone()).buffer(100);
    let options = options.compression(format).mode(mode);
    options.open(path).await.expect("it is there")
}

/// The pool is shut down after the first read: what comes out of the file then was read before.
#[aiomisc::test(runtimes(all), timeout = "20s")]
async fn the_next_buffer_is_read_while_nobody_asks() {
    let folder = Folder::new();
    let content = numbers(1000);
    for &format in FORMATS {
        let path = folder.join("file");
        write(&path, format, &content).await;
        let pool = roomy();
        let mut file = open(&path, format, "rb", &pool).await;
        assert_eq!(file.read_up_to(10).await.expect("bytes"), &content[..10]);
        pool.shutdown(true).await.expect("nothing hangs");
        let read = file.read_up_to(190).await.expect("two buffers");
        assert_eq!(read, &content[10..200], "{format}");
        let error = file.read_up_to(1).await.expect_err("nobody reads");
        assert!(error.to_string().contains("pool was shut down"), "{error}");
        assert_eq!(file.tell().await.expect("a place"), 200);
    }
}

/// Also where each line is preceded by a look at where it begins, for the mark of the encoding.
#[aiomisc::test(runtimes(all), timeout = "20s")]
async fn no_more_than_the_next_buffer_is_read_ahead() {
    let folder = Folder::new();
    let line = b"just twenty letters\n";
    for &format in FORMATS {
        let path = folder.join("file");
        write(&path, format, &line.repeat(1000)).await;
        for encoding in ["utf-8", "utf-8-sig"] {
            let pool = roomy();
            let options = OpenOptions::new().pool(pool.clone()).buffer(100);
            let options = options.compression(format).encoding(encoding);
            let mut file: TextFile = options.open(&path).await.expect("it is there");
            for _ in 0..30 {
                file.readline().await.expect("text").expect("a line");
            }
            pool.shutdown(true).await.expect("nothing hangs");
            let mut left = 0;
            while file.readline().await.is_ok() {
                left += 1;
            }
            assert!((5..=10).contains(&left), "{format} {encoding}: {left}");
        }
    }
}

/// Which has been told to read on, and has not begun, as a rule.
#[aiomisc::test(runtimes(all), timeout = "20s")]
async fn where_it_is_does_not_depend_on_what_is_read_ahead() {
    let folder = Folder::new();
    for &format in FORMATS {
        let path = folder.join("file");
        write(&path, format, &numbers(1000)).await;
        let mut file = open(&path, format, "rb", &roomy()).await;
        file.read_up_to(10).await.expect("bytes");
        let told = give_up(1, file.tell()).await.expect("nothing to wait for");
        assert_eq!(told.expect("a place"), 10);
        assert_eq!(file.read().await.expect("bytes").len(), 3990);
    }
}

/// A job that nobody has asked for leaves a thread to those who ask.
#[aiomisc::test(runtimes(all), timeout = "20s")]
async fn a_pool_without_a_thread_to_spare_reads_what_it_is_asked_for() {
    let folder = Folder::new();
    let path = folder.join("file");
    let content = numbers(1000);
    for &format in FORMATS {
        write(&path, format, &content).await;
        let pool = ThreadPool::new(1).expect("valid");
        let mut file = open(&path, format, "rb", &pool).await;
        assert_eq!(file.read_up_to(10).await.expect("bytes"), &content[..10]);
        pool.shutdown(true).await.expect("nothing hangs");
        file.read_up_to(90).await.expect("the rest of the buffer");
        file.read_up_to(1).await.expect_err("nobody reads");
    }
}

/// What may be written, and what is no file with an end, is read when it is asked for alone.
#[aiomisc::test(runtimes(all), timeout = "20s")]
async fn nothing_is_read_ahead_where_it_would_be_in_the_way() {
    let folder = Folder::new();
    let path = folder.join("file");
    let mut cases = vec![(Compression::None, "rb")];
    cases.extend(FORMATS.iter().map(|format| (*format, "rb+")));
    for (format, mode) in cases {
        write(&path, format, &numbers(1000)).await;
        let pool = roomy();
        let mut file = open(&path, format, mode, &pool).await;
        file.read_up_to(10).await.expect("bytes");
        pool.shutdown(true).await.expect("nothing hangs");
        file.read_up_to(90).await.expect("the rest of the buffer");
        file.read_up_to(1).await.expect_err("nobody reads");
    }
}

#[aiomisc::test(runtimes(all), timeout = "20s")]
async fn damage_that_nobody_has_come_to_is_told_to_nobody() {
    let folder = Folder::new();
    let content = numbers(10_000);
    for &format in FORMATS {
        let path = folder.join("file");
        write(&path, format, &content).await;
        let whole = fs::read(&path).expect("it is there");
        fs::write(&path, &whole[..whole.len() - 5]).expect("ours");
        let options = OpenOptions::new().compression(format).mode("rb");
        // How far one comes.
        let mut file: BinaryFile = options.clone().open(&path).await.expect("it is there");
        let mut good = 0;
        let error = loop {
            match file.read_up_to(1).await {
                Ok(byte) => good += byte.len(),
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof, "{format}");
        // A buffer that ends there: what comes next is nothing but the error.
        let mut file: BinaryFile = options.buffer(good).open(&path).await.expect("there");
        for _ in 0..2 {
            let read = file.read_up_to(good).await.expect("good");
            assert_eq!(read, &content[..good], "{format}");
            assert_eq!(file.tell().await.expect("a place"), good as u64);
            file.seek(0).await.expect("a place");
        }
        file.read_up_to(good).await.expect("good");
        for _ in 0..2 {
            let error = file.read_up_to(1).await.expect_err("damage");
            assert_eq!(error.kind(), ErrorKind::UnexpectedEof, "{format}");
        }
        file.seek(0).await.expect("a place");
        file.read_up_to(good).await.expect("good");
        file.close().await.expect("nothing is wrong with that");
    }
}

#[aiomisc::test(runtimes(all), timeout = "20s")]
async fn a_file_goes_away_while_it_is_read_ahead() {
    let folder = Folder::new();
    for &format in FORMATS {
        let path = folder.join("file");
        write(&path, format, &numbers(1000)).await;
        for closes in [true, false] {
            let pool = roomy();
            let mut file = open(&path, format, "rb", &pool).await;
            file.read_up_to(1).await.expect("a byte");
            if closes {
                file.close().await.expect("nothing fails");
                file.read_up_to(1).await.expect_err("it is closed");
            }
            drop(file);
            pool.shutdown(true).await.expect("nothing hangs");
        }
    }
}

#[aiomisc::test(runtimes(all), timeout = "120s")]
async fn what_is_read_at_random_is_what_is_there() {
    let folder = Folder::new();
    for seed in 0..rounds(40) {
        let mut dice = Dice::new(seed);
        let format = FORMATS[dice.below(FORMATS.len())];
        let path = folder.join("file");
        // Lines of up to eighty bytes: longer than the smallest buffers.
        let mut data = Vec::new();
        for _ in 0..dice.below(60) {
            data.extend_from_slice(&vec![b'a' + (seed % 26) as u8; dice.below(80)]);
            data.extend_from_slice(data.len().to_string().as_bytes());
            data.push(b'\n');
        }
        write(&path, format, &data).await;
        let options = OpenOptions::new().compression(format).mode("rb");
        let options = options.buffer([1, 7, 64, 300, 1000][dice.below(5)]);
        let mut file: BinaryFile = options.open(&path).await.expect("it is there");
        let mut at = 0;
        for step in 0..60 {
            let note = format!("seed {seed}, step {step}, {format}");
            let rest = &data[at..];
            match dice.below(10) {
                0..=2 => {
                    let count = dice.below(120);
                    if dice.below(3) == 0
                        && let Some(read) = give_up(1, file.read_up_to(count)).await
                    {
                        at += read.expect("readable").len();
                    }
                    let rest = &data[at..];
                    let read = file.read_up_to(count).await.expect("readable");
                    assert_eq!(read, rest[..count.min(rest.len())], "{note}");
                    at += read.len();
                }
                3..=5 => {
                    let line = file.readline().await.expect("readable").unwrap_or_default();
                    let end = rest.iter().position(|byte| *byte == b'\n');
                    assert_eq!(
                        line,
                        rest[..end.map_or(rest.len(), |end| end + 1)],
                        "{note}"
                    );
                    at += line.len();
                }
                6 => {
                    let mut some = vec![0; dice.below(50)];
                    let count = AsyncReadExt::read(&mut file, &mut some)
                        .await
                        .expect("readable");
                    assert_eq!(some[..count], rest[..count], "{note}");
                    assert!(count > 0 || some.is_empty() || rest.is_empty(), "{note}");
                    at += count;
                }
                7 => {
                    let some = file.fill_buf().await.expect("readable");
                    assert!(rest.starts_with(some), "{note}");
                    assert_eq!(some.is_empty(), rest.is_empty(), "{note}");
                    let count = dice.below(some.len() + 1);
                    AsyncBufReadExt::consume_unpin(&mut file, count);
                    at += count;
                }
                8 => {
                    let to = SeekFrom::Start(dice.below(data.len() + 20) as u64);
                    if dice.below(2) == 0 {
                        drop(give_up(1, file.seek(to)).await);
                    }
                    let place = file.seek(to).await.expect("a place");
                    at = usize::try_from(place).expect("small");
                    assert!(at <= data.len(), "{note}");
                }
                _ => assert_eq!(file.tell().await.expect("a place"), at as u64, "{note}"),
            }
        }
        assert_eq!(
            file.read().await.expect("complete"),
            data[at..],
            "seed {seed}"
        );
    }
}

/// Text that is cut in the middle of a character by the end of a buffer.
#[aiomisc::test(runtimes(all), timeout = "20s")]
async fn characters_and_lines_go_over_the_ends_of_buffers() {
    let folder = Folder::new();
    let lines: Vec<_> = (0..40)
        .map(|number| format!("{number} naïve \u{1F600}\r\n"))
        .collect();
    for &format in FORMATS {
        for encoding in ["utf-8", "utf-8-sig", "utf-16"] {
            let path = folder.join("file");
            let options = OpenOptions::new().compression(format).encoding(encoding);
            let mut file: TextFile = options.clone().mode("w").open(&path).await.expect("a file");
            file.writelines(&lines).await.expect("room");
            file.close().await.expect("nothing fails");
            for buffer in [1, 5, 16, 100] {
                let options = options.clone().buffer(buffer);
                let mut file: TextFile = options.open(&path).await.expect("it is there");
                for line in &lines {
                    let read = file.readline().await.expect("text").expect("a line");
                    assert_eq!(
                        read,
                        line.replace("\r\n", "\n"),
                        "{format} {encoding} {buffer}"
                    );
                }
                assert_eq!(file.readline().await.expect("text"), None);
            }
        }
    }
}
