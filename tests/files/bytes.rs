//! Bytes: reading, writing, places, and the traits of `futures-io`.

use std::fs;
use std::io::{ErrorKind, SeekFrom};
use std::os::fd::OwnedFd;

use aiomisc::io::{self, BinaryFile, OpenOptions};
use aiomisc::thread;
use futures::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt, StreamExt};

use super::shared::Folder;

#[aiomisc::test(runtimes(all), timeout = "20s")]
async fn reads_and_writes_share_one_position() {
    let folder = Folder::new();
    let path = folder.join("file");
    fs::write(&path, "one\ntwo\nthree\n").expect("it can be written");
    let mut file: BinaryFile = io::async_open(&path, "rb+").await.expect("it is there");
    assert_eq!(
        file.readline().await.expect("readable"),
        Some(b"one\n".to_vec())
    );
    // Not where the file was read ahead.
    file.write(b"2").await.expect("room");
    assert_eq!(file.read_up_to(3).await.expect("readable"), b"wo\n");
    assert_eq!(file.tell().await.expect("a place"), 8);
    assert_eq!(file.seek(SeekFrom::Current(-5)).await.expect("a place"), 3);
    assert_eq!(file.truncate(None).await.expect("it can be cut"), 3);
    assert_eq!(file.read().await.expect("readable"), b"");
    file.seek(5).await.expect("a place");
    file.write(b"x").await.expect("room");
    file.seek(0).await.expect("a place");
    assert_eq!(file.read().await.expect("readable"), b"one\0\0x");
    assert_eq!(file.truncate(8).await.expect("it can grow"), 8);
    assert_eq!(file.tell().await.expect("a place"), 6);
    assert_eq!(file.read().await.expect("readable"), b"\0\0");
    for to in [
        SeekFrom::Current(-9),
        SeekFrom::End(-9),
        SeekFrom::Start(u64::MAX),
    ] {
        let error = file.seek(to).await.expect_err("there is no such place");
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{to:?}");
    }
    assert_eq!(file.tell().await.expect("a place"), 8);
}

#[aiomisc::test(runtimes(all), timeout = "20s")]
async fn what_is_appended_goes_to_the_end() {
    let folder = Folder::new();
    let path = folder.join("file");
    fs::write(&path, "123").expect("it can be written");
    let mut file: BinaryFile = io::async_open(&path, "ab+").await.expect("it is there");
    file.seek(0).await.expect("a place");
    assert_eq!(file.read_up_to(1).await.expect("readable"), b"1");
    // Somebody else appends meanwhile.
    fs::write(&path, "12345").expect("it can be written");
    file.write(b"6").await.expect("room");
    assert_eq!(file.tell().await.expect("a place"), 6);
    file.seek(0).await.expect("a place");
    assert_eq!(file.read().await.expect("readable"), b"123456");
}

#[aiomisc::test(runtimes(all), timeout = "20s")]
async fn lines_come_one_by_one_all_at_once_and_as_a_stream() {
    let folder = Folder::new();
    let path = folder.join("file");
    let long = "x".repeat(100_000);
    let content = format!("one\n\n{long}\r\nlast");
    fs::write(&path, &content).expect("it can be written");
    let with_ends =
        ["one\n", "\n", &format!("{long}\r\n"), "last"].map(|line| line.as_bytes().to_vec());
    let without = ["one", "", &long, "last"].map(|line| line.as_bytes().to_vec());
    for buffer in [1, 7, 64 * 1024] {
        let options = OpenOptions::new().mode("rb").buffer(buffer);
        let mut file: BinaryFile = options.open(&path).await.expect("it is there");
        let lines: Vec<_> = (&mut file)
            .map(|line| line.expect("readable"))
            .collect()
            .await;
        assert_eq!(lines, with_ends);
        file.seek(0).await.expect("a place");
        let lines: Vec<_> = file
            .lines()
            .map(|line| line.expect("readable"))
            .collect()
            .await;
        assert_eq!(lines, without);
        file.seek(4).await.expect("a place");
        assert_eq!(file.readlines().await.expect("readable"), with_ends[1..]);
        assert_eq!(file.readline().await.expect("readable"), None);
        // A file may grow.
        let mut end = fs::OpenOptions::new()
            .append(true)
            .open(&path)
            .expect("it is there");
        std::io::Write::write_all(&mut end, b"!").expect("room");
        assert_eq!(
            file.readline().await.expect("readable"),
            Some(b"!".to_vec())
        );
        fs::write(&path, &content).expect("it can be written");
    }
}

/// More than there is memory.
#[aiomisc::test(runtimes(all), timeout = "20s")]
async fn a_buffer_takes_what_is_used_of_it() {
    let folder = Folder::new();
    let path = folder.join("file");
    for size in [1 << 44, usize::MAX] {
        let options = || OpenOptions::new().buffer(size);
        let mut file: BinaryFile = options().mode("wb").open(&path).await.expect("a file");
        file.write(b"line\n").await.expect("room");
        file.write(vec![b'x'; 300_000]).await.expect("room");
        file.close().await.expect("nothing fails");
        let mut file: BinaryFile = options().mode("rb").open(&path).await.expect("it is there");
        let line = file.readline().await.expect("readable");
        assert_eq!(line, Some(b"line\n".to_vec()));
        assert_eq!(file.read().await.expect("readable").len(), 300_000);

        let (reader, mut writer) = std::io::pipe().expect("a pipe");
        std::io::Write::write_all(&mut writer, b"some").expect("room");
        drop(writer);
        let pipe = fs::File::from(OwnedFd::from(reader));
        let mut pipe: BinaryFile = options().mode("rb").open_fp(pipe).await.expect("open");
        assert_eq!(pipe.read().await.expect("readable"), b"some");
    }
}

#[aiomisc::test(runtimes(all), timeout = "20s")]
async fn what_it_was_not_opened_for_is_refused() {
    let folder = Folder::new();
    let path = folder.join("file");
    let mut file: BinaryFile = BinaryFile::create(&path).await.expect("a file");
    let error = file.read().await.expect_err("not for reading");
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert_eq!(
        error.to_string(),
        "the file is not readable: its mode is `wb`"
    );
    file.writelines([b"a", b"b"]).await.expect("room");
    file.close().await.expect("nothing fails");
    let mut file: BinaryFile = BinaryFile::open(&path).await.expect("it is there");
    for error in [file.write(b"x").await, file.truncate(0).await.map(drop)] {
        let error = error.expect_err("not for writing");
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert_eq!(
            error.to_string(),
            "the file is not writable: its mode is `rb`"
        );
    }
    assert_eq!(file.read().await.expect("readable"), b"ab");
}

#[aiomisc::test(runtimes(all), timeout = "60s")]
async fn the_traits_of_streams_work_as_the_methods() {
    use futures::AsyncBufReadExt;

    let folder = Folder::new();
    for buffer in [50, 333, 4096] {
        let options = OpenOptions::new().mode("wb+").buffer(buffer);
        let mut file: BinaryFile = options.open(folder.join("file")).await.expect("a file");
        let content: Vec<u8> = (0..=255).cycle().take(10_000).collect();
        AsyncWriteExt::write_all(&mut file, &content)
            .await
            .expect("room");
        AsyncWriteExt::flush(&mut file).await.expect("room");
        let place = AsyncSeekExt::seek(&mut file, SeekFrom::End(-9_000)).await;
        assert_eq!(place.expect("a place"), 1_000);
        let mut part = [0; 500];
        file.read_exact(&mut part).await.expect("enough");
        assert_eq!(part, content[1_000..1_500]);
        let mut line = Vec::new();
        file.read_until(7, &mut line).await.expect("readable");
        assert_eq!(line, content[1_500..=1_543]);
        let mut rest = Vec::new();
        file.read_to_end(&mut rest).await.expect("readable");
        assert_eq!(rest, content[1_544..]);
        let copied: BinaryFile = BinaryFile::create(folder.join("copy"))
            .await
            .expect("a file");
        file.seek(0).await.expect("a place");
        let mut copied = copied;
        let count = futures::io::copy(&mut file, &mut copied)
            .await
            .expect("room");
        assert_eq!(count, 10_000);
        AsyncWriteExt::close(&mut copied)
            .await
            .expect("nothing fails");
        assert!(copied.closed());
        assert_eq!(fs::read(folder.join("copy")).expect("it is there"), content);
    }
}

/// A pipe has no places, and gives what there is.
#[cfg(any(feature = "smol", feature = "tokio"))]
#[aiomisc::test(runtimes(real), timeout = "20s")]
async fn a_pipe_is_read_and_written() {
    let folder = Folder::new();
    let path = folder.join("pipe");
    nix::unistd::mkfifo(&path, nix::sys::stat::Mode::from_bits_truncate(0o600)).expect("ours");
    let opening = {
        let path = path.clone();
        aiomisc::spawn(async move { io::async_open::<io::Binary>(path, "rb").await })
    };
    let mut to: BinaryFile = io::async_open(&path, "wb").await.expect("a reader comes");
    let mut from = opening.await.expect("no panic").expect("a writer has come");
    assert!(!from.seekable());
    for error in [
        from.seek(0).await,
        from.tell().await,
        to.seek(SeekFrom::End(0)).await,
    ] {
        let error = error.expect_err("it has no places");
        assert_eq!(
            (error.kind(), &*error.to_string()),
            (ErrorKind::Unsupported, "the file is not seekable")
        );
    }
    // Nothing has come yet.
    let nothing = AsyncReadExt::read(&mut from, &mut []).await;
    assert_eq!(nothing.expect("readable"), 0);
    AsyncReadExt::read(&mut to, &mut [])
        .await
        .expect_err("not for reading");
    to.write(b"one\ntw").await.expect("room");
    to.flush().await.expect("a reader is there");
    assert_eq!(
        from.readline().await.expect("readable"),
        Some(b"one\n".to_vec())
    );
    let mut some = [0; 16];
    assert_eq!(
        AsyncReadExt::read(&mut from, &mut some)
            .await
            .expect("readable"),
        2
    );
    to.write(b"o").await.expect("room");
    to.close().await.expect("nothing fails");
    assert_eq!(from.read().await.expect("readable"), b"o");
}

#[aiomisc::test(runtimes(all), timeout = "20s")]
async fn a_file_without_an_end_is_read_in_parts_and_can_be_given_up() {
    let mut file: BinaryFile = io::async_open("/dev/urandom", "rb")
        .await
        .expect("it is there");
    assert_eq!(
        file.read_up_to(100_000).await.expect("readable").len(),
        100_000
    );
    // Several jobs are done, and it goes on.
    assert!(super::give_up(30, file.read()).await.is_none());
    assert_eq!(file.read_up_to(10).await.expect("readable").len(), 10);
}

#[aiomisc::test(runtimes(all), timeout = "20s")]
async fn a_file_is_used_from_several_tasks_one_after_another() {
    let folder = Folder::new();
    let path = folder.join("file");
    let file: BinaryFile = io::async_open(&path, "wb+").await.expect("a file");
    let writing = aiomisc::spawn(async move {
        let mut file = file;
        file.write(b"from a task").await.expect("room");
        file
    });
    let mut file = writing.await.expect("no panic");
    file.flush().await.expect("room");
    let path = path.clone();
    let seen = thread::run(move || fs::read(path)).await.expect("no panic");
    assert_eq!(seen.expect("it is there"), b"from a task");
}
