//! Text in encodings, written here and read by `iconv` and Python, and the other way round (row D7 of the
//! parity table).

use std::fs;

use aiomisc::adapters::Smol;
use aiomisc::io::{Newline, OpenOptions, TextFile};
use interop::run;

const ALL: &str = "plain, naïve — β, \u{1F600}\nsecond line\n";
const WESTERN: &str = "plain, naïve, façade\nsecond line\n";
const RUSSIAN: &str = "Привет, мир\nвторая строка\n";
const JAPANESE: &str = "日本語のテキスト\nカナ\n";

/// Our name, that of `iconv`, and a text that the encoding has.
const ENCODINGS: &[(&str, &str, &str)] = &[
    ("utf-8", "UTF-8", ALL),
    ("utf-16", "UTF-16", ALL),
    ("utf-16-le", "UTF-16LE", ALL),
    ("utf-16-be", "UTF-16BE", ALL),
    ("utf-32", "UTF-32", ALL),
    ("utf-32-le", "UTF-32LE", ALL),
    ("utf-32-be", "UTF-32BE", ALL),
    ("latin-1", "ISO-8859-1", WESTERN),
    ("ascii", "ASCII", "plain\nsecond line\n"),
    ("windows-1251", "WINDOWS-1251", RUSSIAN),
    ("koi8-r", "KOI8-R", RUSSIAN),
    ("iso-8859-2", "ISO-8859-2", "plain, Łódź\n"),
    ("shift_jis", "SHIFT-JIS", JAPANESE),
    ("euc-jp", "EUC-JP", JAPANESE),
    ("gb18030", "GB18030", ALL),
    ("big5", "BIG5", "中文\n"),
    ("euc-kr", "EUC-KR", "한국어\n"),
];

#[test]
fn iconv_reads_what_is_written_and_writes_what_is_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("text");
    let name = path.to_str().expect("a plain path");
    for (encoding, theirs, text) in ENCODINGS {
        Smol::new().block_on(async {
            let options = OpenOptions::new().encoding(*encoding).mode("w");
            let mut file: TextFile = options.open(&path).await.expect("a file");
            for line in text.split_inclusive('\n') {
                file.write(line).await.expect("room");
            }
            file.close().await.expect("nothing fails");
        });
        let read = run("iconv", &["-f", theirs, "-t", "UTF-8", name], b"");
        assert_eq!(String::from_utf8_lossy(&read.stdout), *text, "{encoding}");

        let written = run("iconv", &["-f", "UTF-8", "-t", theirs], text.as_bytes());
        fs::write(&path, written.stdout).expect("room");
        Smol::new().block_on(async {
            let options = OpenOptions::new().encoding(*encoding);
            let mut file: TextFile = options.open(&path).await.expect("it is there");
            let lines = file.readlines().await.expect("text");
            let expected: Vec<_> = text.split_inclusive('\n').collect();
            assert_eq!(lines, expected, "{encoding}");
        });
    }
}

/// The same file, the same options, the same lines as Python's `open`; and written, the same bytes.
#[test]
fn python_sees_the_same_lines() {
    const READ: &str = r#"
import sys
path, encoding, newline = sys.argv[1:]
newline = None if newline == "None" else newline.encode().decode("unicode_escape")
with open(path, encoding=encoding, newline=newline) as fp:
    print(ascii([fp.read(3)] + list(fp)))
with open(path, "w", encoding=encoding, newline=newline) as fp:
    fp.write("x\ny\r\n")
    fp.seek(0, 2)
    fp.write("z\n")
"#;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("text");
    let name = path.to_str().expect("a plain path");
    let content = "aé\nb\r\nc\rd\r\n\r\n\re";
    for encoding in [
        "utf-8",
        "utf-8-sig",
        "utf-16",
        "utf-32",
        "utf-16-be",
        "latin-1",
    ] {
        for (newline, theirs) in [
            (Newline::Universal, "None"),
            (Newline::Untranslated, ""),
            (Newline::Lf, "\\n"),
            (Newline::Cr, "\\r"),
            (Newline::CrLf, "\\r\\n"),
        ] {
            let options = OpenOptions::new().encoding(encoding).newline(newline);
            let lines = Smol::new().block_on(async {
                let plain = OpenOptions::new().encoding(encoding).newline(Newline::Lf);
                let mut file: TextFile = plain.mode("w").open(&path).await.expect("a file");
                file.write(content).await.expect("room");
                file.close().await.expect("nothing fails");

                let mut file: TextFile = options.clone().open(&path).await.expect("it is there");
                let mut lines = vec![file.read_up_to(3).await.expect("text")];
                lines.extend(file.readlines().await.expect("text"));
                lines
            });
            let shown = run("python3", &["-c", READ, name, encoding, theirs], b"");
            let shown = String::from_utf8(shown.stdout).expect("ascii");
            let ours: Vec<_> = lines.iter().map(|line| python(line)).collect();
            assert_eq!(
                format!("[{}]\n", ours.join(", ")),
                shown,
                "{encoding} {newline:?}"
            );

            let theirs = fs::read(&path).expect("it is there");
            Smol::new().block_on(async {
                let mut file: TextFile = options.mode("w").open(&path).await.expect("a file");
                file.write("x\ny\r\n").await.expect("room");
                file.seek(std::io::SeekFrom::End(0)).await.expect("a place");
                file.write("z\n").await.expect("room");
                file.close().await.expect("nothing fails");
            });
            assert_eq!(
                fs::read(&path).expect("it is there"),
                theirs,
                "{encoding} {newline:?}"
            );
        }
    }
}

/// A text as Python's `ascii` shows it.
fn python(text: &str) -> String {
    let shown: String = text
        .chars()
        .map(|c| match c {
            '\n' => "\\n".to_owned(),
            '\r' => "\\r".to_owned(),
            c if c.is_ascii() => c.to_string(),
            c => format!("\\x{:02x}", u32::from(c)),
        })
        .collect();
    format!("'{shown}'")
}
