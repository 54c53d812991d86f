//! How characters are made of bytes, and bytes of characters.

/// Which byte of a unit comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Little,
    Big,
}

impl Order {
    pub(super) const NATIVE: Self = if cfg!(target_endian = "big") {
        Self::Big
    } else {
        Self::Little
    };
}

/// A way to make bytes of characters that has no states: what a byte means depends on its neighbours in
/// the same character alone, so that reading can begin at any character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Charset {
    Utf8,
    Ascii,
    Latin1,
    Utf16(Order),
    Utf32(Order),
    #[cfg(feature = "encodings")]
    Foreign(&'static encoding_rs::Encoding),
}

/// What stands at the beginning of some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A character and how many bytes it has.
    One(char, usize),
    /// Two characters that are encoded as one.
    #[cfg(feature = "encodings")]
    Two(char, char, usize),
    /// So many bytes that are no character.
    Invalid(usize),
    /// The beginning of something.
    More,
}

impl Charset {
    /// The bytes of a unit: ends of lines are looked for unit by unit.
    pub(super) fn width(self) -> usize {
        match self {
            Self::Utf16(_) => 2,
            Self::Utf32(_) => 4,
            _ => 1,
        }
    }

    /// The value of a unit.
    pub(super) fn unit(self, bytes: &[u8]) -> u32 {
        match (self, bytes) {
            (Self::Utf16(Order::Little), &[a, b]) => u16::from_le_bytes([a, b]).into(),
            (Self::Utf16(Order::Big), &[a, b]) => u16::from_be_bytes([a, b]).into(),
            (Self::Utf32(Order::Little), &[a, b, c, d]) => u32::from_le_bytes([a, b, c, d]),
            (Self::Utf32(Order::Big), &[a, b, c, d]) => u32::from_be_bytes([a, b, c, d]),
            (_, bytes) => bytes.first().copied().unwrap_or(0).into(),
        }
    }

    /// Looks at the first character; after the last of `bytes` nothing comes if `at_end`.
    pub(super) fn step(self, bytes: &[u8], at_end: bool) -> Step {
        let Some(&first) = bytes.first() else {
            return Step::More;
        };
        let step = match self {
            Self::Utf8 => utf8(first, bytes),
            Self::Ascii if first >= 0x80 => Step::Invalid(1),
            Self::Ascii | Self::Latin1 => Step::One(char::from(first), 1),
            Self::Utf16(_) => self.utf16(bytes),
            Self::Utf32(_) => match bytes.get(..4) {
                None => Step::More,
                Some(unit) => {
                    char::from_u32(self.unit(unit)).map_or(Step::Invalid(4), |c| Step::One(c, 4))
                }
            },
            #[cfg(feature = "encodings")]
            Self::Foreign(encoding) => super::foreign::step(encoding, bytes),
        };
        match step {
            Step::More if at_end => Step::Invalid(bytes.len()),
            step => step,
        }
    }

    fn utf16(self, bytes: &[u8]) -> Step {
        let Some(first) = bytes.get(..2).map(|unit| self.unit(unit)) else {
            return Step::More;
        };
        if let Some(c) = char::from_u32(first) {
            return Step::One(c, 2);
        }
        if first >= 0xDC00 {
            return Step::Invalid(2);
        }
        match bytes.get(2..4).map(|unit| self.unit(unit)) {
            None => Step::More,
            Some(second @ 0xDC00..=0xDFFF) => {
                let code = 0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00);
                char::from_u32(code).map_or(Step::Invalid(4), |c| Step::One(c, 4))
            }
            Some(_) => Step::Invalid(2),
        }
    }

    /// Appends what a character is in bytes, or tells that there is no such thing.
    pub(super) fn put(self, c: char, out: &mut Vec<u8>) -> bool {
        match self {
            Self::Utf8 => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            Self::Ascii if !c.is_ascii() => return false,
            Self::Ascii | Self::Latin1 => match u8::try_from(c) {
                Ok(byte) => out.push(byte),
                Err(_) => return false,
            },
            Self::Utf16(order) => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    out.extend_from_slice(&match order {
                        Order::Little => unit.to_le_bytes(),
                        Order::Big => unit.to_be_bytes(),
                    });
                }
            }
            Self::Utf32(order) => out.extend_from_slice(&match order {
                Order::Little => u32::from(c).to_le_bytes(),
                Order::Big => u32::from(c).to_be_bytes(),
            }),
            #[cfg(feature = "encodings")]
            Self::Foreign(encoding) => return super::foreign::put(encoding, c, out),
        }
        true
    }
}

fn utf8(first: u8, bytes: &[u8]) -> Step {
    let width = match first {
        0..0x80 => return Step::One(char::from(first), 1),
        0xC2..0xE0 => 2,
        0xE0..0xF0 => 3,
        0xF0..0xF5 => 4,
        _ => return Step::Invalid(1),
    };
    let some = &bytes[..width.min(bytes.len())];
    match std::str::from_utf8(some) {
        Ok(text) => text
            .chars()
            .next()
            .map_or(Step::More, |c| Step::One(c, width)),
        Err(error) => error.error_len().map_or(Step::More, Step::Invalid),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Charset; 7] = [
        Charset::Utf8,
        Charset::Ascii,
        Charset::Latin1,
        Charset::Utf16(Order::Little),
        Charset::Utf16(Order::Big),
        Charset::Utf32(Order::Little),
        Charset::Utf32(Order::Big),
    ];

    #[test]
    fn every_character_that_can_be_written_is_read_again() {
        for charset in ALL {
            for c in ('\0'..=char::MAX).step_by(7) {
                let mut bytes = Vec::new();
                if charset.put(c, &mut bytes) {
                    assert_eq!(
                        charset.step(&bytes, true),
                        Step::One(c, bytes.len()),
                        "{charset:?}"
                    );
                    for cut in 1..bytes.len() {
                        assert_eq!(charset.step(&bytes[..cut], false), Step::More);
                        assert_eq!(charset.step(&bytes[..cut], true), Step::Invalid(cut));
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_no_character_is_told_with_its_length() {
        let cases: [(Charset, &[u8], usize); 9] = [
            (Charset::Utf8, b"\xFFa", 1),
            (Charset::Utf8, b"\xE2\x82a", 2),
            (Charset::Utf8, b"\xC0\xAFa", 1),
            (Charset::Utf8, b"\xED\xA0\x80", 1),
            (Charset::Ascii, b"\x80", 1),
            (Charset::Utf16(Order::Little), b"\x00\xDCa\0", 2),
            (Charset::Utf16(Order::Little), b"\x00\xD8a\0", 2),
            (Charset::Utf32(Order::Little), b"\x00\xD8\0\0", 4),
            (Charset::Utf32(Order::Big), b"\xFF\0\0\0", 4),
        ];
        for (charset, bytes, len) in cases {
            assert_eq!(
                charset.step(bytes, true),
                Step::Invalid(len),
                "{charset:?} {bytes:?}"
            );
        }
    }
}
