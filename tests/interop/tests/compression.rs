//! Compressed files, written here and read by the formats' own programs, and the other way round.

use std::fs;
use std::io;
use std::process::{Command, Stdio};

use aiomisc::adapters::Smol;
use aiomisc::io::{BinaryFile, Compression, OpenOptions};
use interop::run;

/// A format, its program, and what the program needs to be told to write and read it.
struct Tool {
    format: Compression,
    program: &'static str,
    ending: &'static str,
    args: &'static [&'static str],
    levels: &'static [i32],
}

const TOOLS: [Tool; 5] = [
    Tool {
        format: Compression::Gzip,
        program: "gzip",
        ending: "gz",
        args: &[],
        levels: &[0, 1, 6, 9],
    },
    Tool {
        format: Compression::Bzip2,
        program: "bzip2",
        ending: "bz2",
        args: &[],
        levels: &[1, 5, 9],
    },
    Tool {
        format: Compression::Xz,
        program: "xz",
        ending: "xz",
        args: &["--format=xz"],
        levels: &[0, 3, 4, 6, 9],
    },
    Tool {
        format: Compression::Lzma,
        program: "xz",
        ending: "lzma",
        args: &["--format=lzma"],
        levels: &[0, 3, 4, 6, 9],
    },
    Tool {
        format: Compression::Zstd,
        program: "zstd",
        ending: "zst",
        args: &["--quiet"],
        levels: &[-5, 1, 3, 19],
    },
];

impl Tool {
    /// What the program says of a file, which is all right.
    fn reads(&self, path: &str) -> Vec<u8> {
        let tested = [self.args, &["-t", path]].concat();
        run(self.program, &tested, b"");
        let read = [self.args, &["-d", "-c", path]].concat();
        run(self.program, &read, b"").stdout
    }

    /// The file that the program makes of this one.
    fn writes(&self, path: &str, args: &[&str]) -> Vec<u8> {
        let args = [self.args, args, &["-k", "-c", path]].concat();
        run(self.program, &args, b"").stdout
    }

    /// A file that is written here.
    fn write(&self, folder: &Folder, level: Option<i32>, data: &[u8]) -> String {
        let path = folder.path(&format!("ours.{}", self.ending));
        let options = OpenOptions::new().mode("wb").compression(self.format);
        let options = match level {
            Some(level) => options.level(level),
            None => options,
        };
        let written = Smol::new().block_on(async {
            let mut file: BinaryFile = options.open(&path).await?;
            file.writelines(data.chunks(10_000)).await?;
            file.close().await
        });
        written.expect("it is written");
        path
    }

    /// What is read here of a file with these bytes, and what is wrong behind it.
    fn read(&self, folder: &Folder, bytes: &[u8]) -> (Vec<u8>, io::Result<()>) {
        let path = folder.path("theirs");
        fs::write(&path, bytes).expect("a file");
        let options = OpenOptions::new().mode("rb").compression(self.format);
        Smol::new().block_on(async {
            let mut file: BinaryFile = options.open(&path).await.expect("a file");
            let mut data = Vec::new();
            let mut size = 1000;
            loop {
                match file.read_up_to(size).await {
                    Ok(piece) if piece.is_empty() => return (data, Ok(())),
                    Ok(piece) => data.extend(piece),
                    // There may be less than that before the error.
                    Err(_) if size > 1 => size = 1,
                    Err(error) => return (data, Err(error)),
                }
            }
        })
    }

    #[track_caller]
    fn assert_read(&self, folder: &Folder, bytes: &[u8], data: &[u8]) {
        let (found, result) = self.read(folder, bytes);
        result.unwrap_or_else(|error| panic!("{}: {error}", self.ending));
        assert!(found == data, "{}: {} bytes", self.ending, found.len());
    }
}

#[test]
fn the_formats_programs_read_what_is_written_here() {
    let folder = Folder::new();
    for tool in TOOLS {
        for data in samples() {
            for &level in tool.levels {
                let path = tool.write(&folder, Some(level), &data);
                assert!(tool.reads(&path) == data, "{} at {level}", tool.ending);
            }
            let path = tool.write(&folder, None, &data);
            assert!(tool.reads(&path) == data, "{}", tool.ending);
        }
    }
}

#[test]
fn what_the_formats_programs_write_is_read_here() {
    let folder = Folder::new();
    for tool in TOOLS {
        for data in samples() {
            let path = folder.path("data");
            fs::write(&path, &data).expect("a file");
            for level in ["-1", "-6", "-9"] {
                tool.assert_read(&folder, &tool.writes(&path, &[level]), &data);
            }
        }
    }
}

#[test]
fn each_way_of_writing_is_read_here() {
    let folder = Folder::new();
    let data = samples().concat();
    let path = folder.path("data");
    fs::write(&path, &data).expect("a file");
    let [gzip, _, xz, lzma, zstd] = TOOLS;
    for (tool, args) in [
        (&gzip, &["--name"][..]),
        (&gzip, &["--no-name", "--rsyncable"]),
        (&xz, &["--check=none"]),
        (&xz, &["--check=crc32"]),
        (&xz, &["--check=sha256"]),
        (&xz, &["--block-size=50000"]),
        (&xz, &["--threads=2", "--block-size=100000"]),
        (&xz, &["--x86", "--lzma2=preset=6"]),
        (&xz, &["--arm", "--lzma2=preset=1,lc=0,lp=4,pb=0"]),
        (&xz, &["--delta=dist=4", "--lzma2=dict=128MiB"]),
        (&lzma, &["--lzma1=lc=0,lp=2,pb=4,dict=192KiB"]),
        (&zstd, &["--no-check"]),
        (&zstd, &["--ultra", "-22"]),
        (&zstd, &["--long=27"]),
        (&zstd, &["--threads=2", "--fast=5"]),
    ] {
        tool.assert_read(&folder, &tool.writes(&path, args), &data);
    }
}

#[test]
fn members_of_both_are_one_file_for_both() {
    let folder = Folder::new();
    for tool in TOOLS {
        // The program reads one stream of this format and calls what follows corrupt.
        if tool.format == Compression::Lzma {
            continue;
        }
        let [one, two, ..] = samples();
        let path = folder.path("data");
        fs::write(&path, &one).expect("a file");
        let theirs = tool.writes(&path, &[]);
        let ours = fs::read(tool.write(&folder, None, &two)).expect("a file");
        // As `cat a.gz b.gz` makes it.
        let bytes = [&theirs[..], &ours, &theirs].concat();
        let data = [&one[..], &two, &one].concat();
        tool.assert_read(&folder, &bytes, &data);
        let path = folder.path(&format!("members.{}", tool.ending));
        fs::write(&path, &bytes).expect("a file");
        assert!(tool.reads(&path) == data, "{}", tool.ending);
    }
}

/// No less of a file that is cut or damaged is read here than there.
#[test]
fn as_much_of_a_broken_file_is_read_as_by_the_formats_programs() {
    let folder = Folder::new();
    let data = samples().concat();
    let path = folder.path("data");
    fs::write(&path, &data).expect("a file");
    for tool in TOOLS {
        let good = tool.writes(&path, &[]);
        for part in 1..8 {
            let place = good.len() * part / 8;
            let cut = good[..place].to_vec();
            let mut damaged = good.clone();
            damaged[place..place + 4].copy_from_slice(b"WHAT");
            // The last bytes before a cut are not decoded here, if they may be part of something longer. What is
            // decoded of a damaged piece before it is noticed is nothing that anybody wants.
            for (bytes, most) in [(cut, 200), (damaged, 20_000)] {
                let broken = folder.path(&format!("broken.{}", tool.ending));
                fs::write(&broken, &bytes).expect("a file");
                let args = [tool.args, &["-d", "-c", &broken]].concat();
                let mut theirs = Command::new(tool.program);
                let theirs = theirs.args(args).stderr(Stdio::null());
                let theirs = theirs.output().expect("it runs");
                let (ours, result) = tool.read(&folder, &bytes);
                let what = format!("{}, {part} eighths", tool.ending);
                assert_eq!(result.is_err(), !theirs.status.success(), "{what}");
                let same = ours.iter().zip(&theirs.stdout);
                let same = same.take_while(|(ours, theirs)| ours == theirs).count();
                let lost = theirs.stdout.len() - same;
                assert!(lost <= most, "{what}: {lost} lost");
            }
        }
    }
}

/// Text, what cannot be compressed, what is nearly nothing then, and nothing.
fn samples() -> [Vec<u8>; 4] {
    let mut state = 1_u64;
    let mut next = move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        state >> 33
    };
    let words = (0..40_000).map(|_| format!("word{} ", next() % 1000));
    let text: String = words.collect();
    let noise = (0..200_000).map(|_| next() as u8).collect();
    [text.into_bytes(), noise, vec![b'a'; 300_000], Vec::new()]
}

/// A folder that goes with the test.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn path(&self, name: &str) -> String {
        let path = self.0.path().join(name);
        path.to_str().expect("a plain path").to_owned()
    }
}
