//! Files in which nothing is wrong.

use super::*;

#[test]
fn what_is_written_is_read_at_each_level() {
    let mut random = Random(1);
    let text = random.text(150_000);
    for format in formats() {
        let levels = match format {
            Compression::Zstd => vec![-131_072, -7, 0, 1, 3, 12, 19],
            _ => format.levels().unwrap().collect(),
        };
        for level in levels {
            let bytes = compressed_at(format, Some(level), &text);
            assert!(bytes.len() < text.len() + 1000, "{format} {level}");
            assert_same(format, &read_all(format, &bytes), &text);
        }
    }
}

#[test]
fn the_size_of_pieces_does_not_matter() {
    const KIB: usize = 1024;
    let mut random = Random(2);
    for format in formats() {
        for size in [0, 1, 1000, 64 * KIB - 1, 64 * KIB, 64 * KIB + 1, 500 * KIB] {
            for data in [random.text(size), random.bytes(size), vec![0; size]] {
                let file = Temp::new(b"");
                let mut encoder = encoder(format, file.append(), None).unwrap();
                let mut left = &data[..];
                while !left.is_empty() {
                    let most = [10, 1000, 200 * KIB][random.below(3)];
                    let piece = left.len().min(random.below(most));
                    encoder.write_all(&left[..piece]).unwrap();
                    left = &left[piece..];
                    if random.below(50) == 0 {
                        encoder.flush().unwrap();
                    }
                }
                encoder.finish().unwrap();

                let mut decoder = decoder(format, file.open()).unwrap();
                let mut found = Vec::new();
                loop {
                    let most = [10, 1000, 200 * KIB][random.below(3)];
                    let mut piece = vec![0; 1 + random.below(most)];
                    match decoder.read(&mut piece).unwrap() {
                        0 => break,
                        count => found.extend_from_slice(&piece[..count]),
                    }
                    assert_eq!(decoder.read(&mut []).unwrap(), 0);
                }
                assert_same(format, &found, &data);
            }
        }
    }
}

#[test]
fn all_members_are_read() {
    let mut random = Random(3);
    for format in formats() {
        let mut bytes = Vec::new();
        let mut data = Vec::new();
        for size in [0, 10, 0, 70_000, 1, 0, 0, 300, 200_000, 0] {
            let member = random.text(size);
            bytes.extend(compressed(format, &member));
            data.extend(member);
        }
        assert_same(format, &read_all(format, &bytes), &data);
    }
}

#[test]
fn what_is_appended_is_a_further_member() {
    for format in formats() {
        let file = Temp::new(&compressed(format, b"one "));
        for word in ["two ", "", "three"] {
            let mut encoder = encoder(format, file.append(), None).unwrap();
            encoder.write_all(word.as_bytes()).unwrap();
            encoder.finish().unwrap();
        }
        assert_eq!(read_all(format, &file.bytes()), b"one two three");
    }
}

/// As `tail -f` would see it.
#[test]
fn a_member_that_comes_after_the_end_is_read() {
    for format in formats() {
        let file = Temp::new(&compressed(format, b"one"));
        let mut decoder = decoder(format, file.open()).unwrap();
        let mut data = Vec::new();
        decoder.read_to_end(&mut data).unwrap();
        file.append()
            .write_all(&compressed(format, b" two"))
            .unwrap();
        decoder.read_to_end(&mut data).unwrap();
        assert_eq!(data, b"one two", "{format}");
    }
}

/// A byte at a time: nothing depends on how much of the file is in the buffer.
#[test]
fn a_slow_pipe_is_read() {
    let mut random = Random(4);
    for format in formats() {
        let words = [random.text(3000), Vec::new(), random.bytes(2000)];
        let bytes: Vec<u8> = words
            .iter()
            .flat_map(|word| compressed(format, word))
            .collect();
        let (reader, mut writer) = io::pipe().unwrap();
        let writing = std::thread::spawn(move || {
            for byte in bytes {
                writer.write_all(&[byte]).unwrap();
            }
        });
        let file = File::from(std::os::fd::OwnedFd::from(reader));
        let mut decoder = decoder(format, file).unwrap();
        let mut data = Vec::new();
        decoder.read_to_end(&mut data).unwrap();
        writing.join().unwrap();
        assert_same(format, &data, &words.concat());
        // It cannot be read again, and is as it was.
        decoder.rewind().unwrap_err();
        assert_eq!(decoder.read(&mut [0; 10]).unwrap(), 0);
    }
}

#[test]
fn a_file_is_read_again_from_its_beginning() {
    use std::io::{Seek, SeekFrom};
    let mut random = Random(5);
    for format in formats() {
        let data = [random.text(200_000), random.text(100_000)];
        let mut bytes = b"not of it".to_vec();
        data.iter()
            .for_each(|data| bytes.extend(compressed(format, data)));
        let data = data.concat();
        let file = Temp::new(&bytes);
        let mut opened = file.open();
        opened.seek(SeekFrom::Start(9)).unwrap();
        let mut decoder = decoder(format, opened).unwrap();
        for count in [0, 1, 199_999, 200_000, 250_000, 300_000, 300_000] {
            let mut start = vec![0; count];
            decoder.read_exact(&mut start).unwrap();
            assert_same(format, &start, &data[..count]);
            decoder.rewind().unwrap();
        }
        let mut all = Vec::new();
        decoder.read_to_end(&mut all).unwrap();
        assert_same(format, &all, &data);
    }
}

#[test]
fn without_compression_the_bytes_are_the_data() {
    let file = Temp::new(b"");
    let mut encoder = encoder(Compression::None, file.append(), None).unwrap();
    encoder.write_all(b"as they are").unwrap();
    encoder.finish().unwrap();
    assert_eq!(file.bytes(), b"as they are");
    let mut decoder = decoder(Compression::None, file.open()).unwrap();
    for _ in 0..2 {
        let mut data = Vec::new();
        decoder.read_to_end(&mut data).unwrap();
        assert_eq!(data, b"as they are");
        decoder.rewind().unwrap();
    }
}

#[test]
#[cfg(feature = "gzip")]
fn gzip_skips_zeros_between_members_and_behind_them() {
    let member = compressed(Compression::Gzip, b"data");
    let zeros = vec![0; 100_000];
    let bytes = [&member[..], &zeros, &member, &[0]].concat();
    assert_eq!(read_all(Compression::Gzip, &bytes), b"datadata");
}

#[test]
#[cfg(feature = "gzip")]
fn gzip_writes_neither_the_time_nor_a_name() {
    let bytes = compressed(Compression::Gzip, b"data");
    assert_eq!(bytes[3..8], [0; 5]);
}

#[test]
#[cfg(feature = "xz")]
fn xz_skips_padding_between_streams_and_behind_them() {
    let stream = compressed(Compression::Xz, b"data");
    for zeros in [4, 8, 100_000] {
        let zeros = vec![0; zeros];
        let bytes = [&stream[..], &zeros, &stream, &zeros].concat();
        assert_eq!(read_all(Compression::Xz, &bytes), b"datadata");
    }
}

#[test]
#[cfg(feature = "xz")]
fn xz_and_lzma_read_either_format() {
    for written in [Compression::Xz, Compression::Lzma] {
        for opened in [Compression::Xz, Compression::Lzma] {
            assert_eq!(read_all(opened, &compressed(written, b"data")), b"data");
        }
    }
    let both = [
        compressed(Compression::Lzma, b"one "),
        compressed(Compression::Xz, b"two"),
    ];
    assert_eq!(read_all(Compression::Xz, &both.concat()), b"one two");
}

#[test]
#[cfg(feature = "zstd")]
fn zstd_skips_frames_that_are_to_be_skipped() {
    let frame = compressed(Compression::Zstd, b"data");
    let mut skipped = vec![0x5A, 0x2A, 0x4D, 0x18, 0x70, 0x11, 0x01, 0x00];
    skipped.resize(8 + 0x11170, b'x');
    let bytes = [&skipped[..], &frame, &skipped, &frame, &skipped].concat();
    assert_eq!(read_all(Compression::Zstd, &bytes), b"datadata");
}
