//! Encodings of text by their names, and whole texts in them.

use std::fmt;
use std::io;

use super::charset::{Charset, Order, Step};

/// What becomes of bytes that are no characters, and of characters that have no bytes: the `errors` of
/// Python's `open`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TextErrors {
    /// An error, with the place.
    #[default]
    Strict,
    /// U+FFFD is read in their place, and `?` is written.
    Replace,
    /// They are left out.
    Ignore,
}

/// An encoding, as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Encoding {
    pub(super) name: String,
    /// The native one until the mark at the beginning of the file says another.
    pub(super) charset: Charset,
    /// Whether the file begins with a mark of the order of bytes.
    pub(super) marked: bool,
}

impl Encoding {
    pub(super) fn find(name: &str) -> Result<Self, io::Error> {
        let plain: String = name
            .chars()
            .filter(|c| !matches!(c, '-' | '_' | ' '))
            .map(|c| c.to_ascii_lowercase())
            .collect();
        let (charset, marked) = match plain.as_str() {
            "utf8" | "u8" | "utf" => (Charset::Utf8, false),
            "utf8sig" => (Charset::Utf8, true),
            "ascii" | "usascii" | "646" => (Charset::Ascii, false),
            "latin1" | "iso88591" | "latin" | "l1" | "88591" => (Charset::Latin1, false),
            "utf16" | "u16" => (Charset::Utf16(Order::NATIVE), true),
            "utf16le" => (Charset::Utf16(Order::Little), false),
            "utf16be" => (Charset::Utf16(Order::Big), false),
            "utf32" | "u32" => (Charset::Utf32(Order::NATIVE), true),
            "utf32le" => (Charset::Utf32(Order::Little), false),
            "utf32be" => (Charset::Utf32(Order::Big), false),
            _ => (foreign(name)?, false),
        };
        Ok(Self {
            name: name.to_owned(),
            charset,
            marked,
        })
    }

    /// The mark that bytes begin with: what it says, and its length.
    pub(super) fn mark(&self, bytes: &[u8]) -> (Charset, usize) {
        if !self.marked {
            return (self.charset, 0);
        }
        match (self.charset, bytes) {
            (Charset::Utf8, [0xEF, 0xBB, 0xBF, ..]) => (Charset::Utf8, 3),
            (Charset::Utf16(_), [0xFF, 0xFE, ..]) => (Charset::Utf16(Order::Little), 2),
            (Charset::Utf16(_), [0xFE, 0xFF, ..]) => (Charset::Utf16(Order::Big), 2),
            (Charset::Utf32(_), [0xFF, 0xFE, 0, 0, ..]) => (Charset::Utf32(Order::Little), 4),
            (Charset::Utf32(_), [0, 0, 0xFE, 0xFF, ..]) => (Charset::Utf32(Order::Big), 4),
            (charset, _) => (charset, 0),
        }
    }

    /// So many bytes are enough to tell the mark.
    pub(super) const LONGEST_MARK: usize = 4;
}

fn foreign(name: &str) -> io::Result<Charset> {
    #[cfg(feature = "encodings")]
    if let Some(found) = super::foreign::find(name) {
        return Ok(Charset::Foreign(found));
    }
    let others = if cfg!(feature = "encodings") {
        "those of the web that have no states"
    } else {
        "with the feature `encodings` those of the web"
    };
    let text = format!(
        "unknown encoding `{}`: there are utf-8, utf-8-sig, ascii, latin-1, utf-16, utf-16-le, \
         utf-16-be, utf-32, utf-32-le, utf-32-be, and {others}",
        name.escape_debug()
    );
    Err(io::Error::new(io::ErrorKind::Unsupported, text))
}

impl Charset {
    /// Reads all of these bytes. An error is the place of what is no character.
    pub(super) fn decode(self, bytes: &[u8], errors: TextErrors) -> Result<String, usize> {
        let mut text = String::new();
        let mut at = 0;
        while at < bytes.len() {
            if self == Self::Utf8 {
                let valid = valid_utf8(&bytes[at..]);
                text.push_str(valid);
                at += valid.len();
                if at == bytes.len() {
                    break;
                }
            }
            match self.step(&bytes[at..], true) {
                Step::One(c, len) => {
                    text.push(c);
                    at += len;
                }
                #[cfg(feature = "encodings")]
                Step::Two(one, two, len) => {
                    text.extend([one, two]);
                    at += len;
                }
                Step::Invalid(len) => {
                    match errors {
                        TextErrors::Strict => return Err(at),
                        TextErrors::Replace => text.push(char::REPLACEMENT_CHARACTER),
                        TextErrors::Ignore => {}
                    }
                    at += len;
                }
                Step::More => break,
            }
        }
        Ok(text)
    }

    /// Appends a text; if there is an error, nothing of it.
    pub(super) fn encode(
        self,
        text: &str,
        errors: TextErrors,
        out: &mut Vec<u8>,
    ) -> Result<(), (usize, char)> {
        if self == Self::Utf8 || (text.is_ascii() && self.width() == 1) {
            out.extend_from_slice(text.as_bytes());
            return Ok(());
        }
        let before = out.len();
        for (at, c) in text.char_indices() {
            if self.put(c, out) {
                continue;
            }
            match errors {
                TextErrors::Strict => {
                    out.truncate(before);
                    return Err((at, c));
                }
                TextErrors::Replace => {
                    self.put('?', out);
                }
                TextErrors::Ignore => {}
            }
        }
        Ok(())
    }
}

fn valid_utf8(bytes: &[u8]) -> &str {
    match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default(),
    }
}

/// Says where the bytes of a file are no text: the cause in the [`io::Error`] of kind
/// [`InvalidData`](io::ErrorKind::InvalidData) that reading gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeError {
    pub(super) encoding: String,
    pub(super) offset: u64,
}

impl DecodeError {
    /// The place of the first byte that is no text, from the beginning of the file (of a compressed file,
    /// from that of its content).
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.offset
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invalid {} at byte {}", self.encoding, self.offset)
    }
}

impl std::error::Error for DecodeError {}

/// Says which character an encoding does not have: the cause in the [`io::Error`] of kind
/// [`InvalidInput`](io::ErrorKind::InvalidInput) that writing gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodeError {
    pub(super) encoding: String,
    pub(super) character: char,
    pub(super) index: usize,
}

impl EncodeError {
    /// The character.
    #[must_use]
    pub fn character(&self) -> char {
        self.character
    }

    /// The byte of the text where it begins.
    #[must_use]
    pub fn index(&self) -> usize {
        self.index
    }
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            encoding,
            character,
            index,
        } = self;
        write!(
            f,
            "{encoding} has no {character:?} (byte {index} of the text)"
        )
    }
}

impl std::error::Error for EncodeError {}
