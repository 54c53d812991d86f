//! Files of members, one after another, whatever their format is.

use std::fs::File;
use std::io::{self, Read};

use super::Decoder;
use super::damage::{Damage, Wrong};
use super::source::Source;

/// What is particular to a format, and the member of it that is being read.
pub(super) trait Format: Send {
    const NAME: &'static str;
    /// Does an empty file have an empty text?
    const MAY_BE_EMPTY: bool;
    /// How many bytes tell what begins with them; at most 64.
    const TELLING: usize;

    /// Tells what begins with these bytes, of which there are fewer than `TELLING` only at the end of the file, and at
    /// least one; `first` at the beginning of the file. For a member the decoder is made ready.
    fn begin(&mut self, bytes: &[u8], first: bool) -> Begin;

    /// Decodes a piece of the member, from bytes that are empty only at the end of the file, into some room. It takes
    /// or gives something, or ends, unless the bytes are empty.
    fn decode(&mut self, bytes: &[u8], into: &mut [u8]) -> Step;

    /// What was taken last and does not belong to the member that has ended.
    fn unused(&self) -> &[u8] {
        &[]
    }
}

/// What begins at a place of the file.
#[allow(dead_code, reason = "not every format has all of it")]
pub(super) enum Begin {
    /// A member, or less than is needed to tell that it is none.
    Member,
    /// So many bytes without a meaning.
    Padding(usize),
    /// Something else, which is left alone.
    Ignored,
    /// Something else.
    Wrong,
}

/// What came of a piece; the counts hold in every case.
pub(super) struct Step {
    pub(super) taken: usize,
    pub(super) given: usize,
    pub(super) then: Then,
}

/// How a member goes on.
pub(super) enum Then {
    More,
    End,
    Wrong(Wrong),
}

/// A file that is read.
pub(super) struct Reading<F> {
    source: Source,
    format: F,
    place: Place,
    /// How many bytes of data were read.
    given: u64,
    damage: Option<Damage>,
}

/// Where in the file.
#[derive(PartialEq)]
enum Place {
    Beginning,
    Member,
    Between,
    /// Behind all members, where something stands that is left alone.
    Behind,
}

impl<F: Format> Reading<F> {
    pub(super) fn new(file: File, format: F) -> Self {
        Self {
            source: Source::new(file),
            format,
            place: Place::Beginning,
            given: 0,
            damage: None,
        }
    }

    /// Goes to the beginning of the next member: false if there is none.
    fn next_member(&mut self) -> io::Result<bool> {
        loop {
            let first = match self.place {
                Place::Member => return Ok(true),
                Place::Behind => return Ok(false),
                Place::Beginning => true,
                Place::Between => false,
            };
            let bytes = self.source.at_least(F::TELLING)?;
            if bytes.is_empty() {
                return match first && !F::MAY_BE_EMPTY {
                    true => Err(self.damaged(Wrong {
                        what: "the file is empty".into(),
                        ..Wrong::cut()
                    })),
                    false => Ok(false),
                };
            }
            match self.format.begin(bytes, first) {
                Begin::Member => self.place = Place::Member,
                Begin::Padding(count) => self.source.take(count),
                Begin::Ignored => {
                    let format = F::NAME;
                    tracing::warn!(
                        format,
                        after = self.given,
                        "what stands behind the last member of a file is ignored"
                    );
                    self.place = Place::Behind;
                }
                Begin::Wrong => {
                    return Err(self.damaged(Wrong::corrupt(match first {
                        true => "the file is not of this format",
                        false => "what stands behind a member is none",
                    })));
                }
            }
        }
    }

    fn damaged(&mut self, wrong: Wrong) -> io::Error {
        let damage = self.damage.insert(Damage::new(F::NAME, self.given, wrong));
        damage.error()
    }
}

impl<F: Format> Read for Reading<F> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if into.is_empty() {
            return Ok(0);
        }
        loop {
            if let Some(damage) = &self.damage {
                return Err(damage.error());
            }
            if !self.next_member()? {
                return Ok(0);
            }
            let bytes = self.source.bytes()?;
            let offered = bytes.len();
            let Step { taken, given, then } = self.format.decode(bytes, into);
            self.source.take(taken);
            self.given += given as u64;
            match then {
                Then::End => {
                    self.source.put_back(self.format.unused());
                    self.place = Place::Between;
                }
                Then::Wrong(wrong) => drop(self.damaged(wrong)),
                Then::More if taken == 0 && given == 0 => {
                    let wrong = match offered {
                        0 => Wrong::cut(),
                        _ => Wrong::corrupt("the decoder cannot go on"),
                    };
                    self.damaged(wrong);
                }
                Then::More => {}
            }
            if given > 0 {
                return Ok(given);
            }
        }
    }
}

impl<F: Format> Decoder for Reading<F> {
    fn rewind(&mut self) -> io::Result<()> {
        self.source.rewind()?;
        self.place = Place::Beginning;
        self.given = 0;
        self.damage = None;
        Ok(())
    }
}
