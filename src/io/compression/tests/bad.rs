//! Files that are cut, damaged, or not what they should be.

use super::*;
use std::io::ErrorKind;

#[track_caller]
fn assert_wrong(format: Compression, bytes: &[u8], kind: ErrorKind, wanted: (&[u8], &str)) {
    let (data, result) = read(format, bytes);
    let error = result.unwrap_err();
    assert_same(format, &data, wanted.0);
    assert_eq!((error.kind(), error.to_string().as_str()), (kind, wanted.1));
}

#[test]
fn a_file_that_is_cut_anywhere_is_told_after_the_data_before() {
    let data = Random(10).text(3000);
    for format in formats() {
        let bytes = compressed(format, &data);
        let mut most = 0;
        for end in 1..bytes.len() {
            let (found, result) = read(format, &bytes[..end]);
            assert_same(format, &found, &data[..found.len()]);
            // The byte that .lzma ends with may be one that says nothing.
            let Err(error) = result else {
                assert_eq!((format, end), (Compression::Lzma, bytes.len() - 1));
                continue;
            };
            assert_eq!(
                error.kind(),
                ErrorKind::UnexpectedEof,
                "{format} {end}: {error}"
            );
            let name = if format == Compression::Lzma {
                "xz"
            } else {
                &format.to_string()
            };
            let after = found.len();
            let text = format!("{name}: the file ends in the middle, after {after} bytes of data");
            assert_eq!(error.to_string(), text, "{end}");
            // More of the file is never less of the data.
            assert!(found.len() >= most, "{format} {end}");
            most = found.len();
        }
        // All of it before the checksum: of .lzma all but what the last bytes say.
        let wanted = if format == Compression::Lzma {
            data.len() - 200
        } else {
            data.len()
        };
        assert!(most >= wanted, "{format}: {most}");
    }
}

#[test]
fn a_cut_takes_no_more_than_the_piece_that_it_is_in() {
    let data = Random(11).text(2_000_000);
    for format in formats() {
        let bytes = compressed_at(format, Some(1), &data);
        let (found, result) = read(format, &bytes[..bytes.len() / 2]);
        assert_eq!(result.unwrap_err().kind(), ErrorKind::UnexpectedEof);
        assert_same(format, &found, &data[..found.len()]);
        let lost = data.len() / 2 - found.len().min(data.len() / 2);
        let most = match format {
            // What is not a whole block cannot be read: it has 100 kB at this level, and 128 KiB with zstd.
            Compression::Bzip2 | Compression::Zstd => 140_000,
            _ => 20_000,
        };
        assert!(lost < most, "{format}: {lost}");
    }
}

#[test]
fn the_members_before_one_that_is_damaged_are_read() {
    let mut random = Random(12);
    let good = random.text(20_000);
    let other = random.text(1000);
    let all = [&good[..], &other].concat();
    for format in formats() {
        let first = compressed(format, &good);
        let second = compressed(format, &other);
        for at in 0..second.len() {
            let mut bytes = [&first[..], &second].concat();
            bytes[first.len() + at] ^= 1 << random.below(8);
            let (data, result) = read(format, &bytes);
            let number = data.len().min(good.len());
            assert_same(format, &data[..number], &good);
            match result {
                // .lzma has no checksum.
                Ok(()) if format == Compression::Lzma => {}
                // Where the next stream does not begin as one it is left alone. (The last byte that tells is a
                // digit, and may have become another one.)
                Ok(()) if format == Compression::Bzip2 && at < 4 && data.len() == good.len() => {}
                // Bits that say nothing, such as the time in the header of gzip.
                Ok(()) => assert_same(format, &data, &all),
                Err(error) => {
                    let kind = error.kind();
                    // A length that has become greater, or a need of memory: not `InvalidData`, but told.
                    let told = [
                        ErrorKind::InvalidData,
                        ErrorKind::UnexpectedEof,
                        ErrorKind::OutOfMemory,
                        ErrorKind::Unsupported,
                    ];
                    assert!(told.contains(&kind), "{format} {at}: {error}");
                    let after = format!("after {} bytes of data", data.len());
                    assert!(
                        error.to_string().ends_with(&after),
                        "{format} {at}: {error}"
                    );
                }
            }
        }
    }
}

#[test]
fn a_checksum_that_is_wrong_is_told_after_the_data() {
    let data = Random(13).text(50_000);
    for format in formats() {
        // From the end of the file.
        let (at, text) = match format {
            Compression::Gzip => (8, "gzip: incorrect data check, after 50000 bytes of data"),
            Compression::Bzip2 => (2, "bzip2: the data is corrupt, after 50000 bytes of data"),
            Compression::Zstd => (
                1,
                "zstd: Restored data doesn't match checksum, after 50000 bytes of data",
            ),
            _ => continue,
        };
        let mut bytes = compressed(format, &data);
        let place = bytes.len() - at;
        bytes[place] ^= 1;
        assert_wrong(format, &bytes, ErrorKind::InvalidData, (&data, text));
    }
}

#[test]
fn a_file_of_another_format_is_told_at_once() {
    let files = [
        &b"plain text, long enough"[..],
        &[0; 100],
        b"PK\x03\x04 and more of it",
        b"\xFF",
    ];
    for format in formats() {
        for bytes in files {
            let (data, result) = read(format, bytes);
            assert_eq!(data, b"");
            let error = result.unwrap_err();
            let text = ": the file is not of this format, after 0 bytes of data";
            assert!(error.to_string().ends_with(text), "{format}: {error}");
            assert_eq!(error.kind(), ErrorKind::InvalidData);
        }
    }
}

#[test]
fn an_empty_file_is_told_but_for_gzip() {
    for format in formats() {
        let (_, result) = read(format, b"");
        match format {
            Compression::Gzip => result.unwrap(),
            _ => {
                let error = result.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
                assert!(
                    error
                        .to_string()
                        .contains(": the file is empty, after 0 bytes"),
                    "{error}"
                );
            }
        }
    }
}

#[test]
fn what_stands_behind_the_last_member_is_told_but_for_bzip2() {
    for format in formats() {
        for garbage in [&b"garbage that is long enough"[..], b"g"] {
            let bytes = [&compressed(format, b"data"), garbage].concat();
            let (data, result) = read(format, &bytes);
            assert_eq!(data, b"data");
            match format {
                Compression::Bzip2 => result.unwrap(),
                _ => drop(result.unwrap_err()),
            }
        }
    }
}

#[test]
#[cfg(feature = "xz")]
fn xz_wants_padding_of_four_bytes() {
    let stream = compressed(Compression::Xz, b"data");
    for zeros in [1, 2, 3, 5, 7] {
        let bytes = [&stream[..], &vec![0; zeros]].concat();
        let (data, result) = read(Compression::Xz, &bytes);
        assert_eq!(data, b"data");
        result.unwrap_err();
    }
}

#[test]
fn a_damaged_file_can_be_read_again() {
    let data = Random(14).bytes(10_000);
    for format in formats() {
        let bytes = compressed(format, &data);
        let file = Temp::new(&bytes[..bytes.len() - 5]);
        let mut decoder = decoder(format, file.open()).unwrap();
        let (mut first, mut second) = (Vec::new(), Vec::new());
        decoder.read_to_end(&mut first).unwrap_err();
        decoder.rewind().unwrap();
        decoder.read_to_end(&mut second).unwrap_err();
        assert_same(format, &second, &first);
        // What was missing has come.
        file.append().write_all(&bytes[bytes.len() - 5..]).unwrap();
        decoder.rewind().unwrap();
        second.clear();
        decoder.read_to_end(&mut second).unwrap();
        assert_same(format, &second, &data);
    }
}

#[test]
#[cfg(feature = "xz")]
fn a_dictionary_that_is_too_large_is_an_error() {
    // .lzma with a dictionary of 3 GiB.
    let mut bytes = compressed(Compression::Lzma, b"data");
    bytes[1..5].copy_from_slice(&0xC000_0000_u32.to_le_bytes());
    let text = "xz: 3073 MiB of memory are needed, at most 256 are allowed, after 0 bytes of data";
    assert_wrong(
        Compression::Lzma,
        &bytes,
        ErrorKind::OutOfMemory,
        (b"", text),
    );

    // .xz with one of 4 GiB less a byte: the checksum of the block's header is this one's.
    let mut bytes = compressed(Compression::Xz, b"data");
    let header = &mut bytes[12..24];
    assert_eq!(header[..4], [2, 0, 0x21, 1]);
    header[4] = 40;
    let sum = crc32(&header[..8]);
    header[8..].copy_from_slice(&sum.to_le_bytes());
    let text = "xz: 4097 MiB of memory are needed, at most 256 are allowed, after 0 bytes of data";
    assert_wrong(Compression::Xz, &bytes, ErrorKind::OutOfMemory, (b"", text));
}

#[cfg(feature = "xz")]
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |sum, &byte| {
        (0..8).fold(sum ^ u32::from(byte), |sum, _| {
            (sum >> 1) ^ (0xEDB8_8320 & 0_u32.wrapping_sub(sum & 1))
        })
    })
}

#[test]
#[cfg(feature = "zstd")]
fn a_window_that_is_too_large_is_an_error() {
    // A frame with a window of 256 MiB, and a block in it.
    let bytes = [0x28, 0xB5, 0x2F, 0xFD, 0, 18 << 3, 9, 0, 0, b'x'];
    let (data, result) = read(Compression::Zstd, &bytes);
    let error = result.unwrap_err();
    assert_eq!((data.len(), error.kind()), (0, ErrorKind::InvalidData));
    assert!(error.to_string().contains("too much memory"), "{error}");
    // With one of 128 MiB it is read.
    let bytes = [0x28, 0xB5, 0x2F, 0xFD, 0, 17 << 3, 9, 0, 0, b'x'];
    assert_eq!(read_all(Compression::Zstd, &bytes), b"x");
}
