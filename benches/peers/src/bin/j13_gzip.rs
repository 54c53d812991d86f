//! Job 13: a file of gzip, written and read in bulk and by lines, and flate2 in one thread with a buffer of 64 KiB.

use std::fs::File;
use std::hint::black_box;
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::path::PathBuf;
use std::time::Instant;

use aiomisc::Runtime;
use aiomisc::adapters::{Smol, Tokio};
use aiomisc::io::{BinaryFile, Compression, OpenOptions};
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use peers::{Bar, Contest};

const BUFFER: usize = 64 * 1024;
/// Some 32 MB of lines of 100 bytes.
const LINES: usize = 320_000;
const LINE: usize = 100;
const BAR: Bar = Bar::AtLeast(0.95);

fn main() {
    let data = lines();
    let file = Temp::new("read");
    write_alone(&file, 6, &data, BUFFER);
    let tokio = Tokio::multi_thread(2).expect("a runtime");
    for (name, runtime) in [("smol", Smol::new().into()), ("tokio", tokio.into())] {
        let runtime: Runtime = runtime;
        for (pieces, size) in [("bulk", BUFFER), ("lines", LINE)] {
            for level in [1, 6] {
                let (ours, theirs) = (Temp::new("ours"), Temp::new("theirs"));
                let job = format!("j13-gzip-write-{pieces}/level-{level}-{name}");
                Contest::new(job, "MB/s", || {
                    per_second(|| runtime.block_on(write(&ours, level, &data, size)))
                })
                .rival("flate2", BAR, || {
                    per_second(|| write_alone(&theirs, level, &data, size))
                })
                .run();
            }
        }
        Contest::new(format!("j13-gzip-read-bulk/{name}"), "MB/s", || {
            per_second(|| runtime.block_on(read(&file)))
        })
        .rival("flate2", BAR, || per_second(|| read_alone(&file)))
        .run();
        Contest::new(format!("j13-gzip-read-lines/{name}"), "MB/s", || {
            per_second(|| runtime.block_on(read_lines(&file)))
        })
        .rival("flate2", BAR, || per_second(|| read_lines_alone(&file)))
        .run();
    }
}

async fn open(file: &Temp, mode: &str, level: i32) -> BinaryFile {
    let options = OpenOptions::new().mode(mode).level(level);
    let options = options.compression(Compression::Gzip);
    options.open(&file.0).await.expect("a file")
}

async fn write(file: &Temp, level: i32, data: &[u8], size: usize) {
    let mut file = open(file, "wb", level).await;
    for piece in data.chunks(size) {
        file.write(piece).await.expect("room on the disk");
    }
    file.close().await.expect("room on the disk");
}

fn write_alone(file: &Temp, level: i32, data: &[u8], size: usize) {
    let encoder = GzEncoder::new(file.create(), flate2::Compression::new(level as u32));
    let mut encoder = BufWriter::with_capacity(BUFFER, encoder);
    for piece in data.chunks(size) {
        encoder.write_all(piece).expect("room on the disk");
    }
    let encoder = encoder.into_inner().map_err(|error| error.into_error());
    let encoder = encoder.expect("room on the disk");
    encoder.finish().expect("room on the disk");
}

async fn read(file: &Temp) {
    let mut file = open(file, "rb", 6).await;
    let mut all = 0;
    loop {
        let piece = black_box(file.read_up_to(BUFFER).await.expect("a good file"));
        all += piece.len();
        if piece.is_empty() {
            break;
        }
    }
    assert_eq!(all, LINES * LINE);
}

fn read_alone(file: &Temp) {
    let mut decoder = MultiGzDecoder::new(BufReader::with_capacity(BUFFER, file.open()));
    let mut piece = vec![0; BUFFER];
    let mut all = 0;
    loop {
        match decoder.read(black_box(&mut piece)).expect("a good file") {
            0 => break,
            count => all += count,
        }
    }
    assert_eq!(all, LINES * LINE);
}

async fn read_lines(file: &Temp) {
    let mut file = open(file, "rb", 6).await;
    let mut all = 0;
    while let Some(line) = file.readline().await.expect("a good file") {
        all += black_box(line).len();
    }
    assert_eq!(all, LINES * LINE);
}

/// Each line is one of its own, as ours are.
fn read_lines_alone(file: &Temp) {
    let decoder = MultiGzDecoder::new(BufReader::with_capacity(BUFFER, file.open()));
    let mut decoder = BufReader::with_capacity(BUFFER, decoder);
    let mut all = 0;
    loop {
        let mut line = Vec::new();
        match decoder.read_until(b'\n', &mut line).expect("a good file") {
            0 => break,
            count => all += count,
        }
        black_box(line);
    }
    assert_eq!(all, LINES * LINE);
}

/// Megabytes a second.
fn per_second(f: impl FnOnce()) -> f64 {
    let begun = Instant::now();
    f();
    (LINES * LINE) as f64 / 1e6 / begun.elapsed().as_secs_f64()
}

/// Lines as those of a log.
fn lines() -> Vec<u8> {
    let mut state = 1_u64;
    let mut data = Vec::with_capacity(LINES * LINE);
    for number in 0..LINES {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let (user, took) = (state >> 50, state >> 40 & 0xFFF);
        let line = format!("2025-01-01 12:00:00 INFO request {number} of user {user}: {took} us");
        writeln!(data, "{line:<99}").expect("memory");
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
        File::create(&self.0).expect("a file")
    }

    fn open(&self) -> File {
        File::open(&self.0).expect("a file")
    }
}

impl Drop for Temp {
    fn drop(&mut self) {
        // Where it fails, the system's own cleaning comes later.
        let _ = std::fs::remove_file(&self.0);
    }
}
