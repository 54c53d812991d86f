//! Bytes by chance: there is an end, and it is data or an error.

use super::*;

/// As much as is read of a file that would give more.
const ENOUGH: u64 = 4 << 20;

#[test]
fn bytes_by_chance_are_an_error() {
    for seed in 0..300 * stress() {
        let mut random = Random(seed);
        for format in formats() {
            let start = start_of(format, &mut random);
            let size = random.below(5000);
            let bytes = [start, random.bytes(size)].concat();
            survives(format, &bytes, seed);
        }
    }
}

#[test]
fn damaged_files_are_data_or_an_error() {
    let mut random = Random(30);
    for format in formats() {
        let files = [
            compressed_at(format, Some(1), &random.text(100_000)),
            compressed(format, &random.text(3000)),
            compressed(format, &random.bytes(3000)),
            compressed(format, &[b'a'; 100_000]),
            [compressed(format, b"one"), compressed(format, b"two")].concat(),
        ];
        for seed in 0..300 * stress() {
            let mut random = Random(seed);
            let mut bytes = files[random.below(files.len())].clone();
            for _ in 0..=random.below(5) {
                mutate(&mut bytes, &mut random);
            }
            survives(format, &bytes, seed);
        }
    }
}

/// Changes a bit or a byte, takes some away, puts some in, doubles some.
fn mutate(bytes: &mut Vec<u8>, random: &mut Random) {
    let at = random.below(bytes.len() + 1);
    let end = (at + random.below(40)).min(bytes.len());
    match random.below(6) {
        0 => bytes.truncate(at),
        1 => drop(bytes.drain(at..end)),
        2 => {
            let piece = bytes[at..end].to_vec();
            bytes.splice(at..at, piece);
        }
        3 => {
            let size = random.below(40);
            bytes.splice(at..at, random.bytes(size));
        }
        4 => bytes[at..end]
            .iter_mut()
            .for_each(|byte| *byte = random.next() as u8),
        _ => bytes[at..end]
            .iter_mut()
            .take(1)
            .for_each(|byte| *byte ^= 1 << random.below(8)),
    }
}

/// The beginning that has the decoder go further.
fn start_of(format: Compression, random: &mut Random) -> Vec<u8> {
    let start: &[u8] = match format {
        Compression::Gzip => &[0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF],
        Compression::Bzip2 => b"BZh91AY&SY",
        Compression::Xz => b"\xFD7zXZ\0\0\x04\xE6\xD6\xB4\x46",
        Compression::Lzma => &[
            0x5D, 0, 0, 0x80, 0, 255, 255, 255, 255, 255, 255, 255, 255, 0,
        ],
        _ => &[0x28, 0xB5, 0x2F, 0xFD, 0, 0x58],
    };
    start[..random.below(start.len() + 1)].to_vec()
}

fn survives(format: Compression, bytes: &[u8], seed: u64) {
    let file = Temp::new(bytes);
    let mut decoder = decoder(format, file.open()).unwrap();
    let mut data = Vec::new();
    // Whichever it is; one that panics or goes on for ever fails the test.
    let result = (&mut decoder).take(ENOUGH).read_to_end(&mut data);
    if let Err(error) = result {
        let text = error.to_string();
        let after = format!("after {} bytes of data", data.len());
        assert!(text.ends_with(&after), "{format}, seed {seed}: {text}");
        assert_eq!(decoder.read(&mut [0]).unwrap_err().to_string(), text);
    }
}

/// How many times more seeds than usual.
#[allow(
    clippy::disallowed_methods,
    reason = "how much is tested is the caller's affair"
)]
fn stress() -> u64 {
    let factor = std::env::var("AIOMISC_STRESS").ok();
    factor.and_then(|text| text.parse().ok()).unwrap_or(1)
}
