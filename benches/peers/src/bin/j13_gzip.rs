//! Job 13: a file of gzip, written and read as a whole, through the codec and through flate2 with a buffer of 64 KiB.

use std::fs::File;
use std::hint::black_box;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::PathBuf;
use std::time::Instant;

use aiomisc::io::{Compression, codecs};
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use peers::{Bar, Contest};

const BUFFER: usize = 64 * 1024;
/// Some 32 MB of lines of 100 bytes.
const LINES: usize = 320_000;
const BAR: Bar = Bar::AtLeast(0.95);

fn main() {
    let data = lines();
    for level in [1, 6] {
        for (pieces, size) in [("bulk", BUFFER), ("lines", 100)] {
            let (ours, theirs) = (Temp::new("ours"), Temp::new("theirs"));
            Contest::new(
                format!("j13-gzip-write-{pieces}/level-{level}"),
                "MB/s",
                || {
                    per_second(data.len(), || {
                        let pieces = data.chunks(size);
                        codecs::write(Compression::Gzip, ours.create(), Some(level), pieces)
                            .unwrap();
                    })
                },
            )
            .rival("flate2", BAR, || {
                per_second(data.len(), || {
                    let compression = flate2::Compression::new(level as u32);
                    let encoder = GzEncoder::new(theirs.create(), compression);
                    let mut encoder = BufWriter::with_capacity(BUFFER, encoder);
                    for piece in data.chunks(size) {
                        encoder.write_all(piece).unwrap();
                    }
                    let encoder = encoder.into_inner().map_err(|error| error.into_error());
                    encoder.unwrap().finish().unwrap();
                })
            })
            .run();
        }
    }

    let file = Temp::new("read");
    codecs::write(Compression::Gzip, file.create(), None, data.chunks(BUFFER)).unwrap();
    Contest::new("j13-gzip-read", "MB/s", || {
        per_second(data.len(), || {
            assert_eq!(
                codecs::count(Compression::Gzip, file.open(), BUFFER).unwrap(),
                data.len()
            );
        })
    })
    .rival("flate2", BAR, || {
        per_second(data.len(), || {
            let file = BufReader::with_capacity(BUFFER, file.open());
            let mut decoder = MultiGzDecoder::new(file);
            let mut piece = vec![0; BUFFER];
            let mut read = 0;
            loop {
                match decoder.read(black_box(&mut piece)).unwrap() {
                    0 => break,
                    count => read += count,
                }
            }
            assert_eq!(read, data.len());
        })
    })
    .run();
}

/// Megabytes a second.
fn per_second(bytes: usize, f: impl FnOnce()) -> f64 {
    let begun = Instant::now();
    f();
    bytes as f64 / 1e6 / begun.elapsed().as_secs_f64()
}

/// Lines as those of a log.
fn lines() -> Vec<u8> {
    let mut state = 1_u64;
    let mut data = Vec::with_capacity(LINES * 101);
    for number in 0..LINES {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let (user, took) = (state >> 50, state >> 40 & 0xFFF);
        let line = format!(
            "2025-01-01 12:00:00 INFO request {number} of user {user} took {took} us, status {}",
            200 + took % 5
        );
        writeln!(data, "{line:<99}").unwrap();
    }
    data
}

/// A file, removed at the end.
struct Temp(PathBuf);

impl Temp {
    fn new(name: &str) -> Self {
        let name = format!("aiomisc-j13-{name}-{}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }

    fn create(&self) -> File {
        File::create(&self.0).unwrap()
    }

    fn open(&self) -> File {
        File::open(&self.0).unwrap()
    }
}

impl Drop for Temp {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}
