//! What a file is opened for, and what opening fails with.

use std::fs;
use std::io::{ErrorKind, SeekFrom};
use std::os::unix::fs::PermissionsExt;

use aiomisc::io::{self, Mode, OpenOptions};
use aiomisc::thread::ThreadPool;

use super::chain;
use super::shared::Folder;

/// Each mode of Python's `open`: what it does to a file that exists, and to one that does not.
#[aiomisc::test(runtimes(all), timeout = "20s")]
async fn every_mode_does_what_python_says() {
    let folder = Folder::new();
    for (mode, readable, writable, missing, content) in [
        ("r", true, false, false, "old"),
        ("r+", true, true, false, "new"),
        ("w", false, true, true, "new"),
        ("w+", true, true, true, "new"),
        ("a", false, true, true, "oldnew"),
        ("a+", true, true, true, "oldnew"),
    ] {
        for letters in ["", "t", "b"] {
            let path = folder.join("file");
            let _ = fs::remove_file(&path);
            for exists in [false, true] {
                if exists {
                    fs::write(&path, "old").expect("it can be written");
                }
                let mode = format!("{letters}{mode}");
                let ok = if letters == "b" {
                    let opened: Result<io::BinaryFile, _> = io::async_open(&path, &*mode).await;
                    match opened {
                        Ok(mut file) => {
                            assert_eq!(file.readable(), readable, "{mode}");
                            assert_eq!(file.writable(), writable, "{mode}");
                            let start = if mode.contains('a') && exists { 3 } else { 0 };
                            assert_eq!(file.tell().await.expect("a place"), start, "{mode}");
                            assert_eq!(file.read().await.is_ok(), readable, "{mode}");
                            file.seek(0).await.expect("a place");
                            assert_eq!(file.write(b"new").await.is_ok(), writable, "{mode}");
                            file.close().await.expect("nothing fails");
                            true
                        }
                        Err(error) => {
                            assert_eq!(error.kind(), ErrorKind::NotFound);
                            assert_eq!(error.path(), path);
                            false
                        }
                    }
                } else {
                    let opened: Result<io::TextFile, _> = io::async_open(&path, &*mode).await;
                    match opened {
                        Ok(mut file) => {
                            assert_eq!(file.read().await.is_ok(), readable, "{mode}");
                            file.seek(0).await.expect("a place");
                            assert_eq!(file.write("new").await.is_ok(), writable, "{mode}");
                            file.close().await.expect("nothing fails");
                            true
                        }
                        Err(_) => false,
                    }
                };
                assert_eq!(ok, exists || missing, "{mode}");
                if exists {
                    let now = fs::read_to_string(&path).expect("it is there");
                    assert_eq!(now, content, "{mode}");
                }
            }
        }
    }
}

#[aiomisc::test(runtimes(all), timeout = "20s")]
async fn x_makes_a_file_that_must_not_exist() {
    let folder = Folder::new();
    let path = folder.join("new");
    let mut file: io::BinaryFile = io::async_open(&path, "xb+").await.expect("it is new");
    file.write(b"abc").await.expect("room");
    file.seek(SeekFrom::End(-2)).await.expect("a place");
    assert_eq!(file.read().await.expect("readable"), b"bc");
    let error = io::async_open::<io::Binary>(&path, "xb").await;
    assert_eq!(
        error.expect_err("it is there").kind(),
        ErrorKind::AlreadyExists
    );
}

/// Nothing is touched: neither made nor emptied.
#[aiomisc::test(runtimes(all), timeout = "20s")]
async fn an_invalid_mode_is_told_before_anything_is_opened() {
    let folder = Folder::new();
    let path = folder.join("file");
    fs::write(&path, "content").expect("it can be written");
    for (mode, fault) in [
        ("", "says neither"),
        ("b", "says neither"),
        ("+", "says neither"),
        ("rw", "`r` and `w` exclude each other"),
        ("wx", "`w` and `x` exclude each other"),
        ("w++", "`+` stands there twice"),
        ("ww", "`w` stands there twice"),
        ("wbt", "`b` and `t` exclude each other"),
        ("wU", "`U` means nothing"),
        ("w\n", "`\\n` means nothing"),
        ("W", "`W` means nothing"),
        ("wb", "it is for bytes"),
        ("w é", "` ` means nothing"),
    ] {
        let error = io::async_open::<io::Text>(&path, mode).await;
        let error = error.expect_err("the mode is none");
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{mode}");
        let text = chain(&error);
        assert!(
            text.starts_with(&format!("cannot open {}: ", path.display())),
            "{text}"
        );
        assert!(
            text.contains(&format!("invalid mode `{}`", mode.escape_debug())),
            "{text}"
        );
        assert!(text.contains(fault), "{text}");
    }
    let error = io::async_open::<io::Binary>(&path, "w").await;
    let text = chain(&error.expect_err("the mode is for text"));
    assert!(text.contains("wanted for bytes: add a `b`"), "{text}");
    assert_eq!(fs::read_to_string(&path).expect("it is there"), "content");
}

#[test]
fn the_letters_come_in_any_order() {
    for (text, shown) in [
        ("r", "r"),
        ("tr", "r"),
        ("+r", "r+"),
        ("b+a", "ab+"),
        ("+bx", "xb+"),
        ("wt+", "w+"),
    ] {
        let mode: Mode = text.parse().expect("valid");
        assert_eq!(mode.to_string(), shown);
        assert_eq!(shown.parse(), Ok(mode));
    }
}

#[aiomisc::test(runtimes(all), timeout = "20s")]
async fn nothing_happens_until_it_is_awaited() {
    let folder = Folder::new();
    let path = folder.join("file");
    drop(io::async_open::<io::Text>(&path, "w"));
    drop(io::write_atomic(&path, "content"));
    assert!(!path.exists());
}

#[aiomisc::test(runtimes(all), timeout = "20s")]
async fn what_cannot_be_opened_is_told_with_its_path() {
    let folder = Folder::new();
    let directory = folder.join("");
    let file = folder.join("file");
    fs::write(&file, "content").expect("it can be written");
    for mode in ["r", "r+", "w", "a"] {
        let error = io::async_open::<io::Text>(&directory, mode).await;
        let error = error.expect_err("a directory");
        assert_eq!(error.kind(), ErrorKind::IsADirectory, "{mode}");
        assert_eq!(error.path(), directory);
    }
    let missing = folder.join("no").join("file");
    let error = io::async_open::<io::Text>(&missing, "w").await;
    let error = std::io::Error::from(error.expect_err("no such directory"));
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains(&missing.display().to_string()));

    let error = io::async_open::<io::Text>(file.join("below"), "r").await;
    assert_eq!(
        error.expect_err("no directory").kind(),
        ErrorKind::NotADirectory
    );

    fs::set_permissions(&file, fs::Permissions::from_mode(0o000)).expect("ours");
    // Root may do anything.
    if fs::File::open(&file).is_err() {
        let error = io::async_open::<io::Text>(&file, "r").await;
        assert_eq!(
            error.expect_err("no right").kind(),
            ErrorKind::PermissionDenied
        );
    }
    let error = io::async_open::<io::Text>("a\0b", "r").await;
    assert_eq!(error.expect_err("no name").kind(), ErrorKind::InvalidInput);
}

#[aiomisc::test(runtimes(all), timeout = "20s")]
async fn what_is_about_text_is_refused_for_bytes() {
    let options = OpenOptions::new().mode("rb");
    for (options, name) in [
        (options.clone().encoding("utf-8"), "encoding"),
        (options.clone().errors(io::TextErrors::Replace), "errors"),
        (options.clone().newline(io::Newline::Lf), "newline"),
        (options.line_buffering(true), "line_buffering"),
    ] {
        let error = options.open::<io::Binary>("/dev/null").await;
        let text = chain(&error.expect_err("it is for text"));
        assert!(text.contains(&format!("`{name}` is for text")), "{text}");
    }
    let options = OpenOptions::new().encoding("klingon");
    let error = options
        .open::<io::Text>("/dev/null")
        .await
        .expect_err("unknown");
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(
        chain(&error).contains("unknown encoding `klingon`"),
        "{error:?}"
    );
}

#[aiomisc::test(runtimes(all), timeout = "20s")]
async fn a_file_tells_what_it_is() {
    let folder = Folder::new();
    let path = folder.join("file");
    let options = OpenOptions::new().mode("w+").permissions(0o600);
    let mut file: io::TextFile = options.open(&path).await.expect("a file");
    assert_eq!(
        fs::metadata(&path)
            .expect("it is there")
            .permissions()
            .mode()
            & 0o777,
        0o600
    );
    assert_eq!(file.name(), path);
    assert_eq!(file.mode().to_string(), "w+");
    assert!(file.readable() && file.writable() && file.seekable());
    assert!(!file.isatty() && !file.closed() && !file.line_buffering());
    assert_eq!(
        (file.encoding(), file.errors()),
        ("utf-8", io::TextErrors::Strict)
    );
    assert_eq!(file.compression(), io::Compression::None);
    assert!(file.fileno().is_ok());
    file.close().await.expect("nothing fails");
    file.close().await.expect("closed already");
    assert!(file.closed() && file.fileno().is_err() && !file.isatty());
    for error in [
        file.read().await.map(drop),
        file.readline().await.map(drop),
        file.write("x").await,
        file.flush().await,
        file.sync().await,
        file.tell().await.map(drop),
        file.seek(0).await.map(drop),
        file.truncate(None).await.map(drop),
    ] {
        let error = error.expect_err("it is closed");
        assert_eq!(error.to_string(), "the file is closed");
    }
}

#[aiomisc::test(runtimes(all), timeout = "20s")]
async fn a_file_that_is_open_is_taken_over_from_where_it_is() {
    use std::io::{Read, Seek};

    let folder = Folder::new();
    let path = folder.join("file");
    fs::write(&path, "0123456789").expect("it can be written");
    let mut std = fs::File::options()
        .read(true)
        .write(true)
        .open(&path)
        .expect("it is there");
    std.read_exact(&mut [0; 4]).expect("enough");
    let again = std.try_clone().expect("a descriptor");
    let mut file: io::BinaryFile = io::open_fp(std, "rb+").await.expect("it is open");
    assert!(file.name().to_string_lossy().starts_with("<fd "));
    assert_eq!(file.tell().await.expect("a place"), 4);
    assert_eq!(file.read_up_to(2).await.expect("enough"), b"45");
    file.write(b"xy").await.expect("room");
    file.sync_data().await.expect("a disk");
    assert_eq!(fs::read(&path).expect("it is there"), b"012345xy89");
    file.close().await.expect("nothing fails");
    assert_eq!((&again).stream_position().expect("a place"), 8);
}

#[aiomisc::test(runtimes(all), timeout = "20s")]
async fn the_work_is_done_by_the_pool_that_was_named() {
    let pool = ThreadPool::builder()
        .name("disk")
        .size(1)
        .build()
        .expect("valid");
    let options = OpenOptions::new().mode("w").pool(pool.clone());
    let folder = Folder::new();
    let path = folder.join("file");
    let mut file: io::TextFile = options.clone().open(&path).await.expect("a file");
    file.write("before").await.expect("room");
    pool.shutdown(true).await.expect("nothing is left");
    // The pool takes no more: every operation says so, and nothing is lost by it.
    let error = file.flush().await.expect_err("nobody does it");
    assert!(error.to_string().contains("pool was shut down"), "{error}");
    file.write(" after").await.expect("it goes to the buffer");
    drop(file);
    assert_eq!(
        fs::read_to_string(&path).expect("written by drop"),
        "before after"
    );
    let error = options
        .open::<io::Text>(&path)
        .await
        .expect_err("nobody does it");
    assert!(chain(&error).contains("pool was shut down"), "{error:?}");
}
