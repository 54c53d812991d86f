//! The examples of work on threads (row D3 of the parity table).

use super::*;

/// The program of the document as it was when its output was printed there, as far as that is known.
const DOCUMENT: &str = "\
import asyncio
import hashlib

import aiomisc

# My first blockchain

@aiomisc.threaded_iterable
def blocking_reader(fname):
    with open(fname, \"r+\") as fp:
        md5_hash = hashlib.md5()
        for line in fp:
            bytes_line = line.encode()
            md5_hash.update(bytes_line)
            yield bytes_line, md5_hash.hexdigest().encode()


async def main():
";

/// What the document prints for these lines. (Of the second one a letter was lost there.)
const HASHES: [&str; 18] = [
    "dc80feba2326979f8976e387fbbc8121",
    "78ec3bcb1c441614ede4af5e5b28f638",
    "b7df4a0a4eac401b2f835447e5fc4139",
    "f0a94eb3d7ad23d96846c8cb5e327454",
    "0c05dde8ac593bad97235e6ae410cb58",
    "e4d639552b78adea6b7c928c5ebe2b67",
    "5f04aef64f4cacce39170142fe45e53e",
    "c0019130ba5210b15db378caf7e9f1c9",
    "a720db7e706d10f55431a921cdc1cd4c",
    "0895d7ca2984ea23228b7d653d0b38f2",
    "0feca8542916af0b130b2d68ade679cf",
    "4a9ddfea3a0344cadd7a80a8b99ff85c",
    "f66fa1df3d60b7ac8991244455dff4ee",
    "aaac23a5aa34e0f5c448a8d7e973f036",
    "2040bcaab6137b60e51ae6bd1e279546",
    "7346740fdcde6f07d42ecd2d6841d483",
    "14dfb2bae89fa0d7f9b6cba2b39122c4",
    "d69cc5fe0779f0fa800c6ec0e2a7cbbd",
];

/// Chained hashes over TCP, noise that is closed, an iterator on a pool of its own.
#[test]
fn threaded_iterable_sends_the_chain_of_the_document_and_stops_the_noise() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("document");
    std::fs::write(&path, DOCUMENT).expect("a file");
    let mut expected: Vec<_> = HASHES
        .iter()
        .zip(DOCUMENT.lines())
        .map(|(hash, line)| format!("received: {hash}\t{line}"))
        .collect();
    // The file once more, and ten pieces of noise.
    expected.push(format!("received: {} bytes", DOCUMENT.len() + 80));
    for runtime in runtimes() {
        let file = path.to_str().expect("a plain path");
        let args = ["--runtime", runtime, "--file", file];
        let example = Example::start("threaded_iterable", &args);
        example.line("listening tcp://");
        assert_eq!(example.line("the noise has stopped: "), "true");
        let hash = example.line("hash of noise: ");
        assert!(hash.len() == 32 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()));
        assert_eq!(example.line("squares: "), "[1, 4, 9, 16, 25]");
        let (status, lines) = example.wait();
        assert_eq!(status.code(), Some(0), "{lines:#?}");
        let received = lines.iter().filter(|line| line.starts_with("received: "));
        assert_eq!(Vec::from_iter(received.cloned()), expected);
    }
}

#[test]
fn threaded_iterable_says_what_is_wrong() {
    let args = ["--runtime", runtimes()[0], "--file", "/nowhere"];
    let (status, lines) = Example::start("threaded_iterable", &args).wait();
    assert_eq!(status.code(), Some(1), "{lines:#?}");
    let told = |text: &str| lines.iter().any(|line| line.contains(text));
    assert!(
        told("chained lines") && told("No such file or directory"),
        "{lines:#?}"
    );
}
