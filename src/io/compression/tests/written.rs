//! What an encoder promises.

use super::*;
use std::io::ErrorKind;

#[test]
fn a_level_that_is_none_is_told_with_those_there_are() {
    for (format, level, text) in [
        (
            Compression::Gzip,
            10,
            "gzip has no level 10, its levels are 0 to 9",
        ),
        (
            Compression::Gzip,
            -1,
            "gzip has no level -1, its levels are 0 to 9",
        ),
        (
            Compression::Bzip2,
            0,
            "bzip2 has no level 0, its levels are 1 to 9",
        ),
        (
            Compression::Bzip2,
            10,
            "bzip2 has no level 10, its levels are 1 to 9",
        ),
        (
            Compression::Xz,
            10,
            "xz has no level 10, its levels are 0 to 9",
        ),
        (
            Compression::Lzma,
            -9,
            "lzma has no level -9, its levels are 0 to 9",
        ),
        (
            Compression::Zstd,
            23,
            "zstd has no level 23, its levels are -131072 to 22",
        ),
        (Compression::None, 1, "level 1 without a compression"),
    ] {
        let file = Temp::new(b"");
        let error = encoder(format, file.append(), Some(level)).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert_eq!(error.to_string(), text);
    }
}

#[test]
#[cfg(feature = "zstd")]
fn the_levels_of_zstd_are_those_of_its_library() {
    assert_eq!(
        Compression::Zstd.levels(),
        Some(zstd::compression_level_range())
    );
    assert_eq!(
        Compression::Zstd.level(None).unwrap(),
        zstd::DEFAULT_COMPRESSION_LEVEL
    );
}

#[test]
fn a_format_that_is_not_compiled_in_is_named_with_its_feature() {
    for (format, feature) in [
        (Compression::Gzip, "gzip"),
        (Compression::Bzip2, "bzip2"),
        (Compression::Xz, "xz"),
        (Compression::Lzma, "xz"),
        (Compression::Zstd, "zstd"),
    ] {
        let text = format!("{format} needs aiomisc's feature `{feature}`");
        assert_eq!(format.missing().to_string(), text);
        assert_eq!(format.missing().kind(), ErrorKind::Unsupported);
        let file = Temp::new(b"");
        let there = formats().contains(&format);
        assert_eq!(decoder(format, file.open()).is_ok(), there);
        assert_eq!(encoder(format, file.append(), None).is_ok(), there);
    }
}

#[test]
fn higher_levels_make_smaller_files() {
    let text = Random(20).text(400_000);
    for format in formats() {
        let levels = format.levels().unwrap();
        let greatest = (*levels.end()).min(15);
        let least = compressed_at(format, Some(1), &text).len();
        let greatest = compressed_at(format, Some(greatest), &text).len();
        assert!(greatest < least, "{format}: {greatest} {least}");
    }
}

#[test]
fn a_file_into_which_nothing_is_written_has_an_empty_member() {
    for format in formats() {
        let bytes = compressed(format, b"");
        assert!(bytes.len() > 4, "{format}");
        assert_eq!(read_all(format, &bytes), b"");
    }
}

#[test]
fn an_end_is_one_end_and_what_follows_is_another_member() {
    for format in formats() {
        let file = Temp::new(b"");
        let mut encoder = encoder(format, file.append(), None).unwrap();
        encoder.write_all(b"one").unwrap();
        encoder.finish().unwrap();
        assert_eq!(read_all(format, &file.bytes()), b"one", "{format}");
        let length = file.bytes().len();
        encoder.finish().unwrap();
        encoder.flush().unwrap();
        assert_eq!(encoder.write(b"").unwrap(), 0);
        encoder.finish().unwrap();
        assert_eq!(file.bytes().len(), length, "{format}");
        encoder.write_all(b" two").unwrap();
        encoder.finish().unwrap();
        assert_eq!(read_all(format, &file.bytes()), b"one two", "{format}");
    }
}

#[test]
fn what_is_flushed_can_be_read_where_the_format_allows_it() {
    let mut random = Random(21);
    for format in [Compression::Gzip, Compression::Zstd] {
        if !formats().contains(&format) {
            continue;
        }
        let file = Temp::new(b"");
        let mut encoder = encoder(format, file.append(), None).unwrap();
        let mut data = Vec::new();
        for size in [0, 1, 1000, 300_000, 0, 10] {
            let piece = random.text(size);
            encoder.write_all(&piece).unwrap();
            data.extend(piece);
            encoder.flush().unwrap();
            encoder.flush().unwrap();
            let (found, result) = read(format, &file.bytes());
            assert_same(format, &found, &data);
            assert_eq!(result.unwrap_err().kind(), ErrorKind::UnexpectedEof);
        }
        encoder.finish().unwrap();
        assert_same(format, &read_all(format, &file.bytes()), &data);
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_told_and_memory_is_bounded() {
    let data = Random(22).bytes(64 * 1024);
    for format in formats() {
        let full = || File::options().write(true).open("/dev/full").unwrap();
        let mut small = encoder(format, full(), None).unwrap();
        small.write_all(b"little").unwrap();
        for _ in 0..3 {
            let error = small.finish().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::StorageFull, "{format}");
        }

        // What is taken is bounded: in the block that is compressed, in front of it and behind it.
        let mut large = encoder(format, full(), Some(1)).unwrap();
        let pieces = (0..1000).take_while(|_| large.write_all(&data).is_ok());
        assert!(pieces.count() < 100, "{format}");
        for _ in 0..3 {
            let error = large.write(b"more").unwrap_err();
            assert_eq!(error.kind(), ErrorKind::StorageFull, "{format}");
        }
        large.finish().unwrap_err();
    }
}

/// A pipe that does not wait takes nothing for a while, as a disk that is full.
#[test]
#[cfg(unix)]
fn what_could_not_be_written_is_written_later() {
    let mut random = Random(23);
    for format in formats() {
        let data = random.bytes(700_000);
        let (mut reader, writer) = io::pipe().unwrap();
        let flags = nix::fcntl::OFlag::O_NONBLOCK;
        nix::fcntl::fcntl(&writer, nix::fcntl::FcntlArg::F_SETFL(flags)).unwrap();
        nix::fcntl::fcntl(&reader, nix::fcntl::FcntlArg::F_SETFL(flags)).unwrap();
        let file = File::from(std::os::fd::OwnedFd::from(writer));
        let mut encoder = encoder(format, file, Some(1)).unwrap();
        let mut bytes = Vec::new();
        let mut refused = 0;
        let mut left = &data[..];
        loop {
            let result = match left.is_empty() {
                true => encoder.finish().map(|()| 0),
                false => encoder.write(left),
            };
            match result {
                Ok(0) => break,
                Ok(count) => left = &left[count..],
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::WouldBlock);
                    refused += 1;
                    let mut some = vec![0; 1 + random.below(50_000)];
                    let count = reader.read(&mut some).unwrap();
                    bytes.extend_from_slice(&some[..count]);
                }
            }
        }
        drop(encoder);
        reader.read_to_end(&mut bytes).unwrap();
        assert!(refused > 5, "{format}: {refused}");
        assert_same(format, &read_all(format, &bytes), &data);
    }
}

#[test]
fn an_encoder_that_is_dropped_leaves_a_file_that_is_cut() {
    for format in formats() {
        let file = Temp::new(b"");
        let mut encoder = encoder(format, file.append(), None).unwrap();
        encoder.write_all(&Random(24).bytes(300_000)).unwrap();
        drop(encoder);
        let (_, result) = read(format, &file.bytes());
        let kind = result.err().map(|error| error.kind());
        let empty = format == Compression::Gzip && file.bytes().is_empty();
        assert_eq!(
            kind,
            (!empty).then_some(ErrorKind::UnexpectedEof),
            "{format}"
        );
    }
}
