//! Random operations, beside a model in memory.

use std::fs;
use std::io::SeekFrom;

use aiomisc::io::{BinaryFile, Newline, OpenOptions, TextFile};

use super::shared::Folder;
use super::{Dice, give_up, rounds};

/// A file as the standard says.
struct Model {
    data: Vec<u8>,
    at: usize,
    readable: bool,
    writable: bool,
    appends: bool,
}

impl Model {
    fn rest(&self) -> &[u8] {
        self.data.get(self.at..).unwrap_or_default()
    }

    fn read(&mut self, count: usize) -> Vec<u8> {
        let read = self.rest()[..count.min(self.rest().len())].to_vec();
        self.at += read.len();
        read
    }

    fn line(&mut self) -> Vec<u8> {
        let end = self.rest().iter().position(|byte| *byte == b'\n');
        self.read(end.map_or(usize::MAX, |end| end + 1))
    }

    fn write(&mut self, data: &[u8]) {
        if self.appends {
            self.at = self.data.len();
        }
        let end = self.at + data.len();
        self.data.resize(self.data.len().max(end), 0);
        self.data[self.at..end].copy_from_slice(data);
        self.at = end;
    }
}

fn bytes(dice: &mut Dice, most: usize) -> Vec<u8> {
    let count = dice.below(most);
    (0..count).map(|_| b"ab\n\0"[dice.below(4)]).collect()
}

#[aiomisc::test(runtimes(all), timeout = "120s")]
async fn bytes_are_those_of_the_model() {
    let folder = Folder::new();
    for seed in 0..rounds(40) {
        let mut dice = Dice::new(seed);
        let path = folder.join("file");
        let old = bytes(&mut dice, 200);
        fs::write(&path, &old).expect("room");
        let mode = ["rb+", "wb+", "ab+", "xb+", "rb", "wb", "ab"][dice.below(7)];
        if mode.starts_with('x') {
            fs::remove_file(&path).expect("it is there");
        }
        let kept = mode.starts_with(['r', 'a']);
        let appends = mode.starts_with('a');
        let mut model = Model {
            at: if appends { old.len() } else { 0 },
            data: if kept { old } else { Vec::new() },
            readable: mode.contains(['r', '+']),
            writable: mode != "rb",
            appends,
        };
        let options = OpenOptions::new()
            .mode(mode)
            .buffer([1, 3, 16, 1000][dice.below(4)]);
        let mut file: BinaryFile = options.open(&path).await.expect("a file");
        for step in 0..120 {
            operate(
                &mut dice,
                &mut file,
                &mut model,
                &format!("seed {seed}, step {step}, {mode}"),
            )
            .await;
        }
        file.close().await.expect("nothing fails");
        assert_eq!(
            fs::read(&path).expect("it is there"),
            model.data,
            "seed {seed}"
        );
    }
}

async fn operate(dice: &mut Dice, file: &mut BinaryFile, model: &mut Model, note: &str) {
    match dice.below(14) {
        0..=1 if model.readable => {
            let count = dice.below(60);
            // Given up before it is done.
            if dice.below(2) == 0
                && let Some(read) = give_up(1, file.read_up_to(count)).await
            {
                assert_eq!(read.expect("readable"), model.read(count), "{note}");
            }
            let read = file.read_up_to(count).await.expect("readable");
            assert_eq!(read, model.read(count), "{note}");
        }
        2 if model.readable => {
            if dice.below(2) == 0
                && let Some(read) = give_up(2, file.read()).await
            {
                assert_eq!(read.expect("readable"), model.read(usize::MAX), "{note}");
            }
            let read = file.read().await.expect("readable");
            assert_eq!(read, model.read(usize::MAX), "{note}");
        }
        3..=4 if model.readable => {
            let line = file.readline().await.expect("readable");
            assert_eq!(line.unwrap_or_default(), model.line(), "{note}");
        }
        5..=7 if model.writable => {
            let data = bytes(dice, 40);
            let written = if dice.below(2) == 0 {
                give_up(1, file.write(&data)).await
            } else {
                Some(file.write(&data).await)
            };
            if let Some(written) = written {
                written.expect("room");
                if !data.is_empty() {
                    model.write(&data);
                }
            }
        }
        8..=10 => {
            let to = match dice.below(3) {
                0 => SeekFrom::Start(dice.below(250) as u64),
                1 => SeekFrom::Current(i64::try_from(dice.below(60)).expect("small") - 30),
                _ => SeekFrom::End(-i64::try_from(dice.below(40)).expect("small")),
            };
            let expected = match to {
                SeekFrom::Start(at) => usize::try_from(at).ok(),
                SeekFrom::Current(by) => model
                    .at
                    .checked_add_signed(isize::try_from(by).expect("small")),
                SeekFrom::End(by) => model
                    .data
                    .len()
                    .checked_add_signed(isize::try_from(by).expect("small")),
            };
            match (file.seek(to).await, expected) {
                (Ok(place), Some(at)) => {
                    assert_eq!(place, at as u64, "{note} {to:?}");
                    model.at = at;
                }
                (Err(_), None) => {}
                (place, expected) => panic!("{note}: {to:?} {place:?} {expected:?}"),
            }
        }
        11 if model.writable => {
            let size = (dice.below(2) == 0).then(|| dice.below(250));
            if dice.below(2) == 0 {
                // It may happen or not: it is done again.
                drop(give_up(1, file.truncate(size.map(|size| size as u64))).await);
            }
            let size_is = file
                .truncate(size.map(|size| size as u64))
                .await
                .expect("writable");
            let size = size.unwrap_or(model.at);
            assert_eq!(size_is, size as u64, "{note}");
            model.data.resize(size, 0);
        }
        12 => {
            if dice.below(2) == 0 {
                drop(give_up(1, file.flush()).await);
            }
            file.flush().await.expect("room");
            assert_eq!(
                fs::read(file.name()).expect("it is there"),
                model.data,
                "{note}"
            );
        }
        _ => assert_eq!(
            file.tell().await.expect("a place"),
            model.at as u64,
            "{note}"
        ),
    }
}

/// What the model of a text is: its characters as they are read, with the place of each.
fn decoded(newline: Newline, data: &str, from: usize) -> Vec<(usize, char)> {
    let mut chars = Vec::new();
    let mut rest = data[from..].char_indices().peekable();
    while let Some((at, c)) = rest.next() {
        let mut c = c;
        if newline == Newline::Universal && c == '\r' {
            c = '\n';
            rest.next_if(|(_, next)| *next == '\n');
        }
        chars.push((from + at, c));
    }
    chars
}

/// So many characters are in the first line.
fn first_line(newline: Newline, chars: &[(usize, char)]) -> usize {
    let mut chars = chars.iter().map(|(_, c)| *c).enumerate().peekable();
    while let Some((at, c)) = chars.next() {
        let next_is_lf = chars.peek().is_some_and(|(_, c)| *c == '\n');
        let ends = match newline {
            Newline::Untranslated if c == '\r' => return at + 1 + usize::from(next_is_lf),
            Newline::Cr => c == '\r',
            Newline::CrLf if c == '\r' && next_is_lf => return at + 2,
            Newline::CrLf => false,
            _ => c == '\n',
        };
        if ends {
            return at + 1;
        }
    }
    chars.count() + usize::MAX / 2
}

#[aiomisc::test(runtimes(all), timeout = "120s")]
async fn texts_are_those_of_the_model() {
    let folder = Folder::new();
    let newlines = [
        Newline::Universal,
        Newline::Untranslated,
        Newline::Lf,
        Newline::Cr,
        Newline::CrLf,
    ];
    for seed in 0..rounds(40) {
        let mut dice = Dice::new(seed);
        let newline = newlines[dice.below(5)];
        let path = folder.join("file");
        let mut data: String = words(&mut dice, 80);
        fs::write(&path, &data).expect("room");
        let options = OpenOptions::new().mode("r+").newline(newline);
        let options = options.buffer([1, 3, 16, 1000][dice.below(4)]);
        let mut file: TextFile = options.open(&path).await.expect("it is there");
        let (mut at, mut places) = (0, vec![0]);
        for step in 0..100 {
            let note = format!("seed {seed}, step {step}, {newline:?}");
            let chars = decoded(newline, &data, at);
            let take = |count: usize| {
                let text: String = chars.iter().take(count).map(|(_, c)| *c).collect();
                let end = chars.get(count).map_or(data.len(), |(at, _)| *at);
                (text, end)
            };
            match dice.below(8) {
                0..=1 => {
                    let count = dice.below(12);
                    let (text, end) = take(count);
                    if dice.below(2) == 0
                        && let Some(read) = give_up(1, file.read_up_to(count)).await
                    {
                        assert_eq!(read.expect("text"), text, "{note}");
                    } else {
                        let read = file.read_up_to(count).await.expect("text");
                        assert_eq!(read, text, "{note}");
                    }
                    at = end;
                }
                2..=3 => {
                    let (text, end) = take(first_line(newline, &chars));
                    let line = file.readline().await.expect("text");
                    assert_eq!(line.unwrap_or_default(), text, "{note}");
                    at = end;
                }
                4 => {
                    let (text, end) = take(usize::MAX);
                    assert_eq!(file.read().await.expect("text"), text, "{note}");
                    at = end;
                }
                // In the middle a write might cut a character.
                5 => {
                    let place = file.seek(SeekFrom::End(0)).await.expect("a place");
                    assert_eq!(place, data.len() as u64, "{note}");
                    let text = words(&mut dice, 10);
                    file.write(&text).await.expect("room");
                    data += &match newline {
                        Newline::Cr => text.replace('\n', "\r"),
                        Newline::CrLf => text.replace('\n', "\r\n"),
                        _ => text,
                    };
                    at = data.len();
                }
                6 => {
                    let place = places[dice.below(places.len())];
                    file.seek(place).await.expect("a place");
                    at = usize::try_from(place).expect("small");
                }
                _ => {
                    let place = file.tell().await.expect("a place");
                    assert_eq!(place, at as u64, "{note}");
                    places.push(place);
                }
            }
        }
        file.close().await.expect("nothing fails");
        assert_eq!(
            fs::read_to_string(&path).expect("text"),
            data,
            "seed {seed}"
        );
    }
}

fn words(dice: &mut Dice, most: usize) -> String {
    let count = dice.below(most);
    let parts = ["a", "é", "\n", "\r", "\r\n", "\u{1F600}", "word "];
    (0..count).map(|_| parts[dice.below(parts.len())]).collect()
}
