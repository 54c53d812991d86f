//! Compressed files, written here and read by the formats' own programs, and the other way round.

use std::fs::{self, File};
use std::io;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use aiomisc::io::{Compression, codecs};
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

    fn write(&self, folder: &Folder, level: Option<i32>, data: &[u8]) -> String {
        let path = folder.path(&format!("ours.{}", self.ending));
        let file = File::create(&path).expect("a file");
        codecs::write(self.format, file, level, data.chunks(10_000)).expect("it is written");
        path
    }

    fn read(&self, folder: &Folder, bytes: &[u8]) -> io::Result<Vec<u8>> {
        let path = folder.path("theirs");
        fs::write(&path, bytes).expect("a file");
        codecs::read(self.format, File::open(&path).expect("a file"))
    }

    #[track_caller]
    fn assert_read(&self, folder: &Folder, bytes: &[u8], data: &[u8]) {
        let found = self.read(folder, bytes);
        let found = found.unwrap_or_else(|error| panic!("{}: {error}", self.ending));
        assert!(found == data, "{}: {} bytes", self.ending, found.len());
    }
}

#[test]
fn the_formats_programs_read_what_is_written_here() {
    let folder = Folder::new("written");
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
    let folder = Folder::new("read");
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
    let folder = Folder::new("options");
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
    let folder = Folder::new("members");
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
    let folder = Folder::new("broken");
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
            for bytes in [cut, damaged] {
                let broken = folder.path(&format!("broken.{}", tool.ending));
                fs::write(&broken, &bytes).expect("a file");
                let args = [tool.args, &["-d", "-c", &broken]].concat();
                let theirs = Command::new(tool.program)
                    .args(args)
                    .stderr(Stdio::null())
                    .output()
                    .expect("it runs");
                let ours =
                    codecs::read_what_is_there(tool.format, File::open(&broken).expect("a file"));
                let (ours, result) = ours.expect("the format is there");
                // .lzma has no checksum: damage may go unseen, there as here.
                let seen = result.is_err();
                assert_eq!(seen, !theirs.status.success(), "{}", tool.ending);
                let same = ours.iter().zip(&theirs.stdout);
                let same = same.take_while(|(ours, theirs)| ours == theirs).count();
                println!(
                    "{} {part}: {} of {}",
                    tool.ending,
                    same,
                    theirs.stdout.len()
                );
                // What is decoded of a damaged piece before it is noticed is nothing that anybody wants.
                let allowed = 300_000;
                assert!(
                    same + allowed >= theirs.stdout.len(),
                    "{} {part}",
                    tool.ending
                );
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
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let name = format!("aiomisc-compression-{name}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).expect("nobody else takes this name");
        Self(path)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().expect("a plain path").to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Where it fails, the system's own cleaning comes later.
        let _ = fs::remove_dir_all(&self.0);
    }
}
