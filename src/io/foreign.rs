//! The encodings of the crate `encoding_rs`, character by character.

use encoding_rs::{DecoderResult, EncoderResult, Encoding, ISO_2022_JP, REPLACEMENT};

use super::charset::Step;

/// Finds an encoding that has no states.
pub(super) fn find(name: &str) -> Option<&'static Encoding> {
    let found = Encoding::for_label(name.as_bytes())?;
    let usable = found != REPLACEMENT && found != ISO_2022_JP && found.is_ascii_compatible();
    usable.then_some(found)
}

/// No character of any encoding has more bytes.
const LONGEST: usize = 4;

pub(super) fn step(encoding: &'static Encoding, bytes: &[u8]) -> Step {
    for len in 1..=bytes.len().min(LONGEST) {
        let mut decoder = encoding.new_decoder_without_bom_handling();
        let mut text = [0; 16];
        let (result, read, written) =
            decoder.decode_to_utf8_without_replacement(&bytes[..len], &mut text, false);
        if let DecoderResult::Malformed(_, after) = result {
            return Step::Invalid(read.saturating_sub(after.into()).max(1));
        }
        let text = std::str::from_utf8(&text[..written]).unwrap_or_default();
        let mut chars = text.chars();
        match (chars.next(), chars.next()) {
            (Some(one), None) => return Step::One(one, len),
            (Some(one), Some(two)) => return Step::Two(one, two, len),
            (None, _) => {}
        }
    }
    Step::More
}

pub(super) fn put(encoding: &'static Encoding, c: char, out: &mut Vec<u8>) -> bool {
    let mut bytes = [0; 16];
    let (result, _, written) = encoding.new_encoder().encode_from_utf8_without_replacement(
        c.encode_utf8(&mut [0; 4]),
        &mut bytes,
        true,
    );
    out.extend_from_slice(&bytes[..written]);
    matches!(result, EncoderResult::InputEmpty)
}

#[cfg(test)]
mod tests {
    use super::super::charset::Charset;
    use super::*;

    #[test]
    fn characters_of_many_lengths_are_written_and_read() {
        for (name, text, bytes) in [
            ("koi8-r", "Мир", &b"\xED\xC9\xD2"[..]),
            ("shift_jis", "aあ", b"a\x82\xA0"),
            ("euc-jp", "あ丂", b"\xA4\xA2\x8F\xB0\xA1"),
            ("gb18030", "中\u{1F600}", b"\xD6\xD0\x94\x39\xFC\x36"),
            ("windows-1252", "€", b"\x80"),
        ] {
            let charset = Charset::Foreign(find(name).expect("it is there"));
            let mut out = Vec::new();
            // Nothing with 0x8F can be written as EUC-JP: the standard leaves it out.
            if name != "euc-jp" {
                assert!(text.chars().all(|c| charset.put(c, &mut out)));
                assert_eq!(out, bytes, "{name}");
            }
            let (mut rest, mut read) = (bytes, String::new());
            while let Step::One(c, len) = charset.step(rest, true) {
                read.push(c);
                rest = &rest[len..];
            }
            assert_eq!(read, text, "{name}");
            assert!(rest.is_empty());
        }
    }

    #[test]
    fn what_is_no_character_ends_before_the_next_one() {
        let charset = Charset::Foreign(find("shift_jis").expect("it is there"));
        assert_eq!(charset.step(b"\x82", false), Step::More);
        assert_eq!(charset.step(b"\x82", true), Step::Invalid(1));
        assert_eq!(charset.step(b"\x82\nx", true), Step::Invalid(1));
        let big5 = Charset::Foreign(find("big5").expect("it is there"));
        assert_eq!(big5.step(b"\x88\x62", true), Step::Two('Ê', '\u{304}', 2));
        assert_eq!(find("iso-2022-jp"), None);
        assert_eq!(find("nothing"), None);
    }
}
