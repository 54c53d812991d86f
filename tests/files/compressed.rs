//! Files that are compressed on the fly: what a handle adds to the codecs, which have tests of their own.

use std::fs;
use std::io::{ErrorKind, SeekFrom};
#[cfg(feature = "gzip")]
use std::os::fd::OwnedFd;

#[cfg(feature = "gzip")]
use aiomisc::io::Compression;
use aiomisc::io::{self, BinaryFile, OpenOptions, TextFile};
use aiomisc::thread::ThreadPool;

use super::chain;
use super::shared::Folder;
use super::{Dice, FORMATS, give_up, rounds};

/// The documents' program: text, `w+`, ten thousand lines; and what was written is read by the same handle.
#[aiomisc::test(runtimes(all), timeout = "60s")]
async fn text_is_written_and_read_again() {
    let folder = Folder::new();
    for &format in FORMATS {
        let path = folder.join("file");
        let options = OpenOptions::new().mode("w+").compression(format);
        let mut file: TextFile = options.clone().open(&path).await.expect("a file");
        assert_eq!(file.compression(), format);
        for _ in 0..10_000 {
            file.write("Hello World\n").await.expect("room");
        }
        assert_eq!(file.tell().await.expect("a place"), 120_000);
        file.seek(12).await.expect("a place");
        assert_eq!(
            file.readline().await.expect("text").as_deref(),
            Some("Hello World\n")
        );
        // At its end alone.
        let error = file.write("!").await.expect_err("in the middle");
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert_eq!(file.tell().await.expect("a place"), 24);
        assert_eq!(file.seek(SeekFrom::End(0)).await.expect("a place"), 120_000);
        file.write("the end\n").await.expect("room");
        file.seek(119_988).await.expect("a place");
        assert_eq!(
            file.readlines().await.expect("text"),
            ["Hello World\n", "the end\n"]
        );
        file.close().await.expect("nothing fails");
        assert!(
            fs::metadata(&path).expect("it is there").len() < 10_000,
            "{format:?}"
        );

        let mut file: TextFile = options.mode("a+").open(&path).await.expect("a file");
        file.write("appended").await.expect("room");
        assert_eq!(file.read().await.expect("text"), "");
        assert_eq!(file.tell().await.expect("a place"), 120_016);
        file.seek(120_000).await.expect("a place");
        assert_eq!(file.read().await.expect("text"), "the end\nappended");
        file.write("!").await.expect("room");
        file.seek(120_008).await.expect("a place");
        assert_eq!(file.read().await.expect("text"), "appended!");
    }
}

#[aiomisc::test(runtimes(all), timeout = "60s")]
async fn places_are_those_of_the_content() {
    let folder = Folder::new();
    let content: Vec<u8> = (0..20_000_u32).flat_map(u32::to_be_bytes).collect();
    for &format in FORMATS {
        let path = folder.join("file");
        let options = OpenOptions::new().compression(format).buffer(1000);
        let mut file: BinaryFile = options
            .clone()
            .mode("wb")
            .open(&path)
            .await
            .expect("a file");
        file.write(&content).await.expect("room");
        file.close().await.expect("nothing fails");
        let mut file: BinaryFile = options.mode("rb").open(&path).await.expect("it is there");
        let mut dice = Dice::new(7);
        for _ in 0..rounds(30) {
            let at = dice.below(content.len() + 100);
            let to = match dice.below(3) {
                0 => SeekFrom::Start(at as u64),
                1 => {
                    let now = file.tell().await.expect("a place");
                    SeekFrom::Current(at as i64 - now as i64)
                }
                _ => SeekFrom::End(at as i64 - content.len() as i64),
            };
            // As in Python: there is no place behind the end.
            let at = at.min(content.len());
            if dice.below(3) == 0 {
                drop(give_up(1, file.seek(SeekFrom::Start(at as u64))).await);
                assert_eq!(file.seek(at as u64).await.expect("a place"), at as u64);
            } else {
                assert_eq!(file.seek(to).await.expect("a place"), at as u64, "{to:?}");
            }
            let count = dice.below(3000);
            let read = file.read_up_to(count).await.expect("readable");
            assert_eq!(
                read,
                content[at..(at + count).min(content.len())],
                "{format:?}"
            );
        }
        let error = file.truncate(0).await.expect_err("for reading");
        assert_eq!(error.kind(), ErrorKind::Unsupported);
    }
}

/// The trailer is written by whoever closes the file.
#[aiomisc::test(runtimes(all), timeout = "60s")]
async fn a_dropped_file_is_complete() {
    let folder = Folder::new();
    for &format in FORMATS {
        for content in ["", "some words"] {
            let path = folder.join("file");
            let pool = ThreadPool::new(1).expect("valid");
            let options = OpenOptions::new()
                .mode("w")
                .compression(format)
                .pool(pool.clone());
            let mut file: TextFile = options.open(&path).await.expect("a file");
            file.write(content).await.expect("room");
            drop(file);
            pool.shutdown(true).await.expect("nothing is left");
            let options = OpenOptions::new().compression(format);
            let mut file: TextFile = options.open(&path).await.expect("it is there");
            assert_eq!(file.read().await.expect("text"), content, "{format:?}");
        }
    }
}

#[aiomisc::test(runtimes(all), timeout = "60s")]
async fn a_file_that_was_cut_is_an_error_after_the_good_data() {
    let folder = Folder::new();
    for &format in FORMATS {
        let path = folder.join("file");
        let options = OpenOptions::new().compression(format);
        let mut file: TextFile = options.clone().mode("w").open(&path).await.expect("a file");
        let mut dice = Dice::new(1);
        // More than a block of each format, which is read as a whole or not at all.
        let lines: Vec<_> = (0..60_000)
            .map(|_| format!("{}\n", dice.below(usize::MAX)))
            .collect();
        file.writelines(&lines).await.expect("room");
        file.close().await.expect("nothing fails");
        let bytes = fs::read(&path).expect("it is there");
        fs::write(&path, &bytes[..bytes.len() - 10]).expect("room");
        let mut file: TextFile = options.open(&path).await.expect("it is there");
        let mut good = 0;
        let error = loop {
            match file.readline().await {
                Ok(line) => assert_eq!(line.as_ref(), lines.get(good), "{format:?}"),
                Err(error) => break error,
            }
            good += 1;
        };
        assert!(good > 0, "{format:?}");
        assert_eq!(
            error.kind(),
            ErrorKind::UnexpectedEof,
            "{format:?}: {error}"
        );
        // Again, and not the end of the file.
        assert!(file.readline().await.is_err() && file.read().await.is_err());
        file.seek(0).await.expect("a place");
        assert_eq!(file.readline().await.expect("text").as_ref(), lines.first());
    }
}

/// Nothing is emptied by what cannot be.
#[aiomisc::test(runtimes(all), timeout = "20s")]
async fn a_level_that_the_format_lacks_is_told_before_the_file_is_opened() {
    let folder = Folder::new();
    let path = folder.join("file");
    fs::write(&path, "content").expect("room");
    let mut options = vec![OpenOptions::new().level(3)];
    for &format in FORMATS {
        options.push(OpenOptions::new().compression(format).level(23));
    }
    for options in options {
        let error = options
            .mode("w")
            .open::<io::Text>(&path)
            .await
            .expect_err("no such level");
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(chain(&error).contains("level"), "{error:?}");
    }
    assert_eq!(fs::read_to_string(&path).expect("text"), "content");
}

/// `rb+` stands at the beginning: what is written there would otherwise land behind the last member.
#[aiomisc::test(runtimes(all), timeout = "20s")]
async fn a_file_is_not_written_at_its_beginning() {
    let folder = Folder::new();
    for &format in FORMATS {
        let path = folder.join("file");
        let options = OpenOptions::new().compression(format);
        let mut file: BinaryFile = options
            .clone()
            .mode("wb")
            .open(&path)
            .await
            .expect("a file");
        file.write(b"content").await.expect("room");
        file.close().await.expect("nothing fails");
        let mut file: BinaryFile = options.mode("rb+").open(&path).await.expect("it is there");
        let error = file.write(b"!").await.expect_err("at its beginning");
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{format:?}");
        assert_eq!(file.read().await.expect("bytes"), b"content");
        file.write(b"!").await.expect("at its end");
        file.seek(0).await.expect("a place");
        assert_eq!(file.read().await.expect("bytes"), b"content!");
    }
}

/// A place behind what is damaged cannot be reached; what stands before it can be read as before.
#[aiomisc::test(runtimes(all), timeout = "20s")]
async fn a_seek_into_damage_changes_nothing() {
    let folder = Folder::new();
    let content: Vec<u8> = (0..50_000_u32).flat_map(u32::to_be_bytes).collect();
    for &format in FORMATS {
        let path = folder.join("file");
        let options = OpenOptions::new().compression(format).buffer(100);
        let mut file: BinaryFile = options
            .clone()
            .mode("wb")
            .open(&path)
            .await
            .expect("a file");
        file.write(&content).await.expect("room");
        file.close().await.expect("nothing fails");
        let whole = fs::read(&path).expect("it is there");
        fs::write(&path, &whole[..whole.len() - 9]).expect("ours");
        let mut file: BinaryFile = options.mode("rb").open(&path).await.expect("it is there");
        assert_eq!(file.read_up_to(10).await.expect("bytes"), &content[..10]);
        for to in [SeekFrom::End(0), SeekFrom::Start(1 << 40)] {
            let error = file.seek(to).await.expect_err("it is cut");
            assert_eq!(error.kind(), ErrorKind::UnexpectedEof, "{format:?} {to:?}");
            assert_eq!(file.tell().await.expect("a place"), 10, "{format:?} {to:?}");
        }
        assert_eq!(
            file.read_up_to(200).await.expect("bytes"),
            &content[10..210]
        );
    }
}

/// What a writer has flushed into a pipe is there for the reader, which has no full buffer yet.
#[cfg(feature = "gzip")]
#[aiomisc::test(runtimes(real), timeout = "20s")]
async fn what_has_come_through_a_pipe_is_not_held_back() {
    let (reader, writer) = std::io::pipe().expect("room");
    let [reader, writer] = [OwnedFd::from(reader), OwnedFd::from(writer)].map(fs::File::from);
    let options = OpenOptions::new().compression(Compression::Gzip);
    let mut writer: TextFile = options
        .clone()
        .mode("w")
        .open_fp(writer)
        .await
        .expect("open");
    let mut reader: TextFile = options.mode("r").open_fp(reader).await.expect("open");
    for line in ["one\n", "two\n"] {
        writer.write(line).await.expect("room");
        writer.flush().await.expect("nothing fails");
        assert_eq!(
            reader.readline().await.expect("text").as_deref(),
            Some(line)
        );
    }
    writer.close().await.expect("nothing fails");
    assert_eq!(reader.readline().await.expect("text"), None);
}

/// Random operations beside a model in memory: whatever was written and wherever one has gone, places and content
/// are those of the model. A write succeeds at the end alone.
#[cfg(any(feature = "gzip", feature = "bzip2", feature = "xz", feature = "zstd"))]
#[aiomisc::test(runtimes(all), timeout = "120s")]
async fn what_is_done_at_random_is_what_the_model_says() {
    let folder = Folder::new();
    for seed in 0..rounds(24) {
        let mut dice = Dice::new(seed);
        let format = FORMATS[dice.below(FORMATS.len())];
        let mode = ["rb+", "wb+", "ab+"][dice.below(3)];
        let path = folder.join("file");
        let options = OpenOptions::new().compression(format);
        let mut data = b"some\nlines\n".repeat(dice.below(30));
        let mut first: BinaryFile = options
            .clone()
            .mode("wb")
            .open(&path)
            .await
            .expect("a file");
        first.write(&data).await.expect("room");
        first.close().await.expect("nothing fails");
        let options = options.buffer([1, 3, 16, 1000][dice.below(4)]);
        let mut file: BinaryFile = options
            .clone()
            .mode(mode)
            .open(&path)
            .await
            .expect("a file");
        if mode == "wb+" {
            data.clear();
        }
        let appends = mode == "ab+";
        let mut at = if appends { data.len() } else { 0 };
        // Where something was appended, until something is read.
        let mut is_adrift = appends;
        for step in 0..40 {
            let note = format!("seed {seed}, step {step}, {mode}, {format}");
            match dice.below(8) {
                0..=1 => {
                    let count = dice.below(60);
                    if dice.below(2) == 0
                        && let Some(read) = give_up(1, file.read_up_to(count)).await
                    {
                        at += read.expect("readable").len();
                    }
                    let read = file.read_up_to(count).await.expect("readable");
                    let rest = &data[at..];
                    assert_eq!(read, rest[..count.min(rest.len())], "{note}");
                    at += read.len();
                    is_adrift &= count == 0;
                }
                2..=3 => {
                    let end = dice.below(2) == 0;
                    if end {
                        let place = file.seek(SeekFrom::End(0)).await.expect("a place");
                        assert_eq!(place, data.len() as u64, "{note}");
                        at = data.len();
                        is_adrift = false;
                    }
                    let more = b"more\n".repeat(1 + dice.below(9));
                    match file.write(&more).await {
                        Ok(()) => {
                            assert!(appends || at == data.len(), "{note}: in the middle");
                            data.extend_from_slice(&more);
                            at = data.len();
                            is_adrift |= appends;
                        }
                        Err(error) => {
                            assert!(!end && !appends, "{note}: {error}");
                            assert_eq!(error.kind(), ErrorKind::Unsupported, "{note}");
                        }
                    }
                }
                4..=5 => {
                    let to = SeekFrom::Start(dice.below(data.len() + 20) as u64);
                    if dice.below(2) == 0 {
                        drop(give_up(1, file.seek(to)).await);
                    }
                    let place = file.seek(to).await.expect("a place");
                    let SeekFrom::Start(wanted) = to else {
                        continue;
                    };
                    assert_eq!(place, wanted.min(data.len() as u64), "{note}");
                    at = usize::try_from(place).expect("small");
                    is_adrift = false;
                }
                6 => {
                    if dice.below(2) == 0 {
                        drop(give_up(1, file.flush()).await);
                    }
                    file.flush().await.expect("room");
                }
                _ if is_adrift => {}
                _ => assert_eq!(file.tell().await.expect("a place"), at as u64, "{note}"),
            }
        }
        file.close().await.expect("nothing fails");
        let mut file: BinaryFile = options.mode("rb").open(&path).await.expect("it is there");
        let read = file.read().await.expect("complete");
        assert_eq!(read, data, "seed {seed}, {mode}, {format}");
    }
}
