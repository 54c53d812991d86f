//! Each promise of the codecs, for each format that is compiled in, on real files.

mod bad;
mod good;
mod hostile;
mod written;

use std::fs::{self, File};
use std::io::{self, Read, Write};

use super::{Compression, decoder, encoder};

/// The formats that are compiled in.
fn formats() -> Vec<Compression> {
    let all = [
        (Compression::Gzip, cfg!(feature = "gzip")),
        (Compression::Bzip2, cfg!(feature = "bzip2")),
        (Compression::Xz, cfg!(feature = "xz")),
        (Compression::Lzma, cfg!(feature = "xz")),
        (Compression::Zstd, cfg!(feature = "zstd")),
    ];
    let there = all.into_iter().filter(|&(_, there)| there);
    there.map(|(format, _)| format).collect()
}

/// A file, removed at the end.
struct Temp(tempfile::TempPath);

impl Temp {
    fn new(bytes: &[u8]) -> Self {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        Self(file.into_temp_path())
    }

    fn open(&self) -> File {
        File::open(&self.0).unwrap()
    }

    fn append(&self) -> File {
        File::options().append(true).open(&self.0).unwrap()
    }

    fn bytes(&self) -> Vec<u8> {
        fs::read(&self.0).unwrap()
    }
}

/// What a file of this data looks like.
fn compressed(format: Compression, data: &[u8]) -> Vec<u8> {
    compressed_at(format, None, data)
}

fn compressed_at(format: Compression, level: Option<i32>, data: &[u8]) -> Vec<u8> {
    let file = Temp::new(b"");
    let mut encoder = encoder(format, file.append(), level).unwrap();
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap();
    file.bytes()
}

/// What a file of these bytes says, and what is wrong behind it.
fn read(format: Compression, bytes: &[u8]) -> (Vec<u8>, io::Result<()>) {
    let file = Temp::new(bytes);
    let mut decoder = decoder(format, file.open()).unwrap();
    let mut data = Vec::new();
    let result = decoder.read_to_end(&mut data).map(drop);
    if let Err(first) = &result {
        let again = decoder.read(&mut [0; 10]).unwrap_err();
        assert_eq!(first.to_string(), again.to_string());
        assert_eq!(first.kind(), again.kind());
    }
    (data, result)
}

/// What a file says in which nothing is wrong.
fn read_all(format: Compression, bytes: &[u8]) -> Vec<u8> {
    let (data, result) = read(format, bytes);
    result.unwrap_or_else(|error| panic!("{format}: {error}"));
    data
}

/// Not `assert_eq`, which would print megabytes.
#[track_caller]
fn assert_same(format: Compression, found: &[u8], wanted: &[u8]) {
    let same = found.iter().zip(wanted).take_while(|(a, b)| a == b).count();
    let lengths = (found.len(), wanted.len());
    assert!(
        found == wanted,
        "{format}: {lengths:?}, the same up to {same}"
    );
}

/// Numbers by chance: SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.next() as u8).collect()
    }

    /// Words, which compress to about a third.
    fn text(&mut self, count: usize) -> Vec<u8> {
        let mut text = Vec::with_capacity(count + 16);
        while text.len() < count {
            let word = self.below(1000);
            write!(
                text,
                "word{}{} ",
                word * word,
                ["", "s", "\n"][self.below(3)]
            )
            .unwrap();
        }
        text.truncate(count);
        text
    }
}
