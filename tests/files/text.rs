//! Text: encodings, ends of lines, places, and bytes that are none.

use std::fs;
use std::io::{ErrorKind, SeekFrom};

use aiomisc::io::{self, DecodeError, EncodeError, Newline, OpenOptions, TextErrors, TextFile};
use futures::{AsyncReadExt, AsyncWriteExt, StreamExt};

use super::shared::Folder;

const TEXT: &str = "naïve\nβ-test\r\n\u{1F600}\rend";

#[aiomisc::test(runtimes(all), timeout = "20s")]
async fn what_is_written_in_an_encoding_is_read_again() {
    let folder = Folder::new();
    let path = folder.join("file");
    for (encoding, ascii) in [
        ("utf-8", &b"a"[..]),
        ("UTF8", b"a"),
        ("utf-8-sig", b"\xEF\xBB\xBFa"),
        ("utf-16-le", b"a\0"),
        ("utf_16_be", b"\0a"),
        ("utf-32-le", b"a\0\0\0"),
        ("utf-32-be", b"\0\0\0a"),
        #[cfg(target_endian = "little")]
        ("utf-16", b"\xFF\xFEa\0"),
        #[cfg(target_endian = "little")]
        ("utf-32", b"\xFF\xFE\0\0a\0\0\0"),
    ] {
        for buffer in [1, 3, 64 * 1024] {
            let options = OpenOptions::new().encoding(encoding).buffer(buffer);
            let options = options.newline(Newline::Untranslated);
            let mut file: TextFile = options
                .clone()
                .mode("w+")
                .open(&path)
                .await
                .expect("a file");
            file.write("a").await.expect("room");
            file.flush().await.expect("room");
            assert_eq!(fs::read(&path).expect("it is there"), ascii, "{encoding}");
            file.write(TEXT).await.expect("room");
            file.seek(0).await.expect("a place");
            let whole = format!("a{TEXT}");
            assert_eq!(file.read().await.expect("text"), whole, "{encoding}");
            // The mark of the order stands at the beginning alone.
            let mut file: TextFile = options.clone().mode("a").open(&path).await.expect("a file");
            file.write("ß").await.expect("room");
            file.close().await.expect("nothing fails");
            let mut file: TextFile = options.open(&path).await.expect("it is there");
            let mut parts = String::new();
            loop {
                let part = file.read_up_to(3).await.expect("text");
                if part.is_empty() {
                    break;
                }
                assert!(part.chars().count() <= 3);
                parts += &part;
            }
            assert_eq!(parts, format!("{whole}ß"), "{encoding}");
        }
    }
}

/// The mark says which order, also to a handle that has not read it, and to what is written.
#[aiomisc::test(runtimes(all), timeout = "20s")]
async fn the_mark_of_a_file_decides() {
    let folder = Folder::new();
    let path = folder.join("file");
    let options = OpenOptions::new().encoding("utf-16").mode("r+");
    for (mark, a, b) in [(b"\xFE\xFF", b"\0a", b"\0b"), (b"\xFF\xFE", b"a\0", b"b\0")] {
        fs::write(&path, [&mark[..], a].concat()).expect("it can be written");
        let mut file: TextFile = options.clone().open(&path).await.expect("it is there");
        file.seek(2).await.expect("a place");
        assert_eq!(file.read().await.expect("text"), "a");

        let mut file: TextFile = options.clone().open(&path).await.expect("it is there");
        file.seek(SeekFrom::End(0)).await.expect("a place");
        file.write("b").await.expect("room");
        file.close().await.expect("nothing fails");
        let now = fs::read(&path).expect("it is there");
        assert_eq!(now, [&mark[..], a, b].concat());
    }
    // Without a mark the order is that of the machine.
    fs::write(&path, 0x61_u16.to_ne_bytes()).expect("it can be written");
    let mut file: TextFile = options.open(&path).await.expect("it is there");
    assert_eq!(file.read().await.expect("text"), "a");
}

#[aiomisc::test(runtimes(all), timeout = "20s")]
async fn ends_of_lines_are_what_python_says() {
    let folder = Folder::new();
    let path = folder.join("file");
    let content = "a\nb\r\nc\rd\r\n\r\ne";
    for (newline, lines, written) in [
        (
            Newline::Universal,
            vec!["a\n", "b\n", "c\n", "d\n", "\n", "e"],
            "x\ny\r\n",
        ),
        (
            Newline::Untranslated,
            vec!["a\n", "b\r\n", "c\r", "d\r\n", "\r\n", "e"],
            "x\ny\r\n",
        ),
        (
            Newline::Lf,
            vec!["a\n", "b\r\n", "c\rd\r\n", "\r\n", "e"],
            "x\ny\r\n",
        ),
        (
            Newline::Cr,
            vec!["a\nb\r", "\nc\r", "d\r", "\n\r", "\ne"],
            "x\ry\r\r",
        ),
        (
            Newline::CrLf,
            vec!["a\nb\r\n", "c\rd\r\n", "\r\n", "e"],
            "x\r\ny\r\r\n",
        ),
    ] {
        for (encoding, wide) in [("utf-8", 1), ("utf-16-le", 2), ("utf-32-be", 4)] {
            for buffer in [1, 2, 3, 4096] {
                let options = OpenOptions::new()
                    .newline(newline)
                    .encoding(encoding)
                    .buffer(buffer);
                let bytes: Vec<u8> = content
                    .bytes()
                    .flat_map(|byte| match wide {
                        1 => vec![byte],
                        2 => vec![byte, 0],
                        _ => vec![0, 0, 0, byte],
                    })
                    .collect();
                fs::write(&path, &bytes).expect("it can be written");
                let mut file: TextFile = options.clone().open(&path).await.expect("it is there");
                assert_eq!(
                    file.readlines().await.expect("text"),
                    lines,
                    "{newline:?} {buffer}"
                );
                let seen = file.newlines().to_string();
                match newline {
                    Newline::Universal | Newline::Untranslated => {
                        assert_eq!(seen, "\\n, \\r, \\r\\n");
                    }
                    _ => assert_eq!(seen, ""),
                }
                file.seek(0).await.expect("a place");
                assert_eq!(file.read().await.expect("text"), lines.concat());
                file.seek(0).await.expect("a place");
                let mut one_by_one = String::new();
                while let Some(c) = file.read_up_to(1).await.expect("text").chars().next() {
                    one_by_one.push(c);
                }
                assert_eq!(one_by_one, lines.concat(), "{newline:?} {buffer}");
                file.seek(0).await.expect("a place");
                let bare: Vec<_> = file.lines().map(|line| line.expect("text")).collect().await;
                let expected: Vec<_> = lines
                    .iter()
                    .map(|line| {
                        let line = line.strip_suffix('\n').unwrap_or(line);
                        line.strip_suffix('\r').unwrap_or(line)
                    })
                    .collect();
                assert_eq!(bare, expected);
            }
        }
        let options = OpenOptions::new().newline(newline).mode("w");
        let mut file: TextFile = options.open(&path).await.expect("a file");
        file.write("x\ny\r\n").await.expect("room");
        file.close().await.expect("nothing fails");
        assert_eq!(
            fs::read_to_string(&path).expect("text"),
            written,
            "{newline:?}"
        );
    }
}

#[aiomisc::test(runtimes(all), timeout = "20s")]
async fn an_end_of_a_line_that_is_read_in_two_parts_is_one() {
    let folder = Folder::new();
    let path = folder.join("file");
    for (content, ends) in [
        ("a\r\n\r\nb", "\\r\\n"),
        ("a\r\rb", "\\r"),
        ("a\r\n\r", "\\r, \\r\\n"),
        ("\n\r\n", "\\n, \\r\\n"),
    ] {
        fs::write(&path, content).expect("it can be written");
        let options = OpenOptions::new().newline(Newline::Untranslated);
        let mut file: TextFile = options.open(&path).await.expect("it is there");
        for character in content.chars() {
            let read = file.read_up_to(1).await.expect("text");
            assert_eq!(read, character.to_string());
        }
        assert_eq!(file.read().await.expect("text"), "");
        assert_eq!(file.newlines().to_string(), ends, "{content:?}");
    }
}

#[aiomisc::test(runtimes(all), timeout = "20s")]
async fn bytes_that_are_no_text_are_told_with_their_place() {
    let folder = Folder::new();
    let path = folder.join("file");
    for (encoding, content, offset, lossy, ignored) in [
        (
            "utf-8",
            &b"good\nb\xC3\xA4d \xFF\xC3"[..],
            10,
            "bäd \u{FFFD}\u{FFFD}",
            "bäd ",
        ),
        ("ascii", b"good\nb\xC3\xA4d", 6, "b\u{FFFD}\u{FFFD}d", "bd"),
        (
            "utf-16-le",
            b"g\0o\0o\0d\0\n\0b\0\x00\xDCd\0x",
            12,
            "b\u{FFFD}d\u{FFFD}",
            "bd",
        ),
        (
            "utf-32-be",
            b"\0\0\0\n\0\0\0b\0\xFF\0\0\0\0\0d",
            8,
            "b\u{FFFD}d",
            "bd",
        ),
    ] {
        for buffer in [1, 5, 64 * 1024] {
            fs::write(&path, content).expect("it can be written");
            let options = OpenOptions::new().encoding(encoding).buffer(buffer);
            let mut file: TextFile = options.clone().open(&path).await.expect("it is there");
            assert!(file.readline().await.expect("text").is_some());
            let place = file.tell().await.expect("a place");
            // All ways to read say the same, and nothing is lost by it.
            for error in [
                file.readline().await.map(drop),
                file.read().await.map(drop),
                file.read_up_to(100).await.map(drop),
                file.readlines().await.map(drop),
                file.next().await.expect("an error").map(drop),
            ] {
                let error = error.expect_err("no text");
                assert_eq!(error.kind(), ErrorKind::InvalidData);
                assert_eq!(
                    error.to_string(),
                    format!("invalid {encoding} at byte {offset}")
                );
                let cause = error
                    .get_ref()
                    .and_then(|cause| cause.downcast_ref::<DecodeError>());
                assert_eq!(cause.map(DecodeError::offset), Some(offset));
                assert_eq!(file.tell().await.expect("a place"), place);
            }
            // The stream of lines ends after an error.
            assert!(file.next().await.is_none());
            let mut lines = file.lines();
            assert!(lines.next().await.expect("an error").is_err());
            assert!(lines.next().await.is_none());
            let mut rest = Vec::new();
            file.buffer().read_to_end(&mut rest).await.expect("bytes");
            assert_eq!(rest, content[usize::try_from(place).expect("small")..]);

            for (errors, expected) in [(TextErrors::Replace, lossy), (TextErrors::Ignore, ignored)]
            {
                let options = options.clone().errors(errors);
                let mut file: TextFile = options.open(&path).await.expect("it is there");
                file.readline().await.expect("lossy");
                assert_eq!(file.read().await.expect("lossy"), expected, "{encoding}");
                file.seek(place).await.expect("a place");
                let mut parts = String::new();
                for _ in 0..20 {
                    parts += &file.read_up_to(1).await.expect("lossy");
                }
                assert_eq!(parts, expected, "{encoding}");
            }
        }
    }
}

#[aiomisc::test(runtimes(all), timeout = "20s")]
async fn characters_that_an_encoding_lacks_are_told() {
    let folder = Folder::new();
    let path = folder.join("file");
    for (errors, expected) in [
        (TextErrors::Strict, &b"ok"[..]),
        (TextErrors::Replace, b"oka?\xE9"),
        (TextErrors::Ignore, b"oka\xE9"),
    ] {
        let options = OpenOptions::new()
            .mode("w")
            .encoding("latin-1")
            .errors(errors);
        let mut file: TextFile = options.open(&path).await.expect("a file");
        file.write("ok").await.expect("room");
        let outcome = file.write("a€é").await;
        assert_eq!(outcome.is_err(), errors == TextErrors::Strict);
        if let Err(error) = outcome {
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert_eq!(error.to_string(), "latin-1 has no '€' (byte 1 of the text)");
            let cause = error
                .get_ref()
                .and_then(|cause| cause.downcast_ref::<EncodeError>());
            assert_eq!(
                cause.map(|cause| (cause.character(), cause.index())),
                Some(('€', 1))
            );
        }
        file.close().await.expect("nothing fails");
        assert_eq!(fs::read(&path).expect("it is there"), expected);
    }
}

#[aiomisc::test(runtimes(all), timeout = "20s")]
async fn places_that_tell_gave_are_right_again() {
    let folder = Folder::new();
    let path = folder.join("file");
    for encoding in ["utf-8", "utf-8-sig", "utf-16", "utf-32-be"] {
        let options = OpenOptions::new().mode("w+").encoding(encoding).buffer(8);
        let mut file: TextFile = options.open(&path).await.expect("a file");
        for _ in 0..5 {
            file.write("é\r\nβ\r\u{1F600}").await.expect("room");
        }
        file.seek(0).await.expect("a place");
        let mut places = Vec::new();
        loop {
            let place = file.tell().await.expect("a place");
            let c = file.read_up_to(1).await.expect("text");
            if c.is_empty() {
                break;
            }
            places.push((place, c));
        }
        assert_eq!(places.len(), 25);
        for (place, c) in places.iter().rev() {
            file.seek(*place).await.expect("a place");
            assert_eq!(file.read_up_to(1).await.expect("text"), *c, "{encoding}");
        }
        for to in [SeekFrom::Current(1), SeekFrom::End(-1)] {
            let error = file.seek(to).await.expect_err("within a character, maybe");
            assert_eq!(error.kind(), ErrorKind::Unsupported);
        }
    }
}

#[aiomisc::test(runtimes(all), timeout = "20s")]
async fn text_and_bytes_of_a_file_have_one_position() {
    let folder = Folder::new();
    let path = folder.join("file");
    let mut file: TextFile = io::async_open(&path, "w+").await.expect("a file");
    file.write("text\n").await.expect("room");
    file.buffer().write_all(b"bytes\n").await.expect("room");
    file.write("text").await.expect("room");
    file.seek(0).await.expect("a place");
    assert_eq!(
        file.readline().await.expect("text").as_deref(),
        Some("text\n")
    );
    let mut some = [0; 5];
    file.buffer().read_exact(&mut some).await.expect("enough");
    assert_eq!(&some, b"bytes");
    assert_eq!(file.read().await.expect("text"), "\ntext");
}

#[aiomisc::test(runtimes(all), timeout = "20s")]
async fn with_line_buffering_a_line_is_in_the_file_when_it_is_written() {
    let folder = Folder::new();
    let path = folder.join("file");
    let options = OpenOptions::new().mode("w").line_buffering(true);
    let mut file: TextFile = options.open(&path).await.expect("a file");
    for (text, seen) in [
        ("a", ""),
        ("b\nc", "ab\nc"),
        ("d", "ab\nc"),
        ("\r", "ab\ncd\r"),
    ] {
        file.write(text).await.expect("room");
        assert_eq!(fs::read_to_string(&path).expect("text"), seen);
    }
}

#[cfg(feature = "encodings")]
#[aiomisc::test(runtimes(all), timeout = "20s")]
async fn the_encodings_of_the_web_are_read_and_written() {
    let folder = Folder::new();
    let path = folder.join("file");
    for (encoding, text, bytes) in [
        (
            "windows-1251",
            "Привет\nмир",
            &b"\xCF\xF0\xE8\xE2\xE5\xF2\n\xEC\xE8\xF0"[..],
        ),
        ("shift_jis", "日本\n語", b"\x93\xFA\x96\x7B\n\x8C\xEA"),
        ("gb18030", "中\n\u{1F600}", b"\xD6\xD0\n\x94\x39\xFC\x36"),
    ] {
        for buffer in [1, 2, 4096] {
            let options = OpenOptions::new()
                .mode("w+")
                .encoding(encoding)
                .buffer(buffer);
            let mut file: TextFile = options.open(&path).await.expect("a file");
            file.write(text).await.expect("room");
            file.seek(0).await.expect("a place");
            assert_eq!(fs::read(&path).expect("it is there"), bytes, "{encoding}");
            assert_eq!(file.readlines().await.expect("text").concat(), text);
            file.seek(0).await.expect("a place");
            for c in text.chars() {
                assert_eq!(file.read_up_to(1).await.expect("text"), c.to_string());
            }
        }
    }
    let options = OpenOptions::new().mode("w").encoding("iso-2022-jp");
    let error = options
        .open::<io::Text>(&path)
        .await
        .expect_err("it has states");
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

/// What is appended goes to the end, wherever one has gone before: there is no second mark.
#[aiomisc::test(runtimes(all), timeout = "20s")]
async fn a_file_that_is_appended_to_has_one_mark() {
    let folder = Folder::new();
    let path = folder.join("file");
    let options = OpenOptions::new().mode("a+").encoding("utf-8-sig");
    let mut file: TextFile = options.open(&path).await.expect("a file");
    for text in ["one", "two"] {
        file.write(text).await.expect("room");
        file.seek(0).await.expect("a place");
    }
    file.close().await.expect("nothing fails");
    assert_eq!(fs::read(&path).expect("it is there"), b"\xEF\xBB\xBFonetwo");
}
