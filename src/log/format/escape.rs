//! Texts of JSON.

use std::fmt;

/// Appends a text as it stands between the quotation marks of a string.
pub(super) fn escape(out: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes();
    let mut start = 0;
    for (at, byte) in bytes.iter().enumerate() {
        let with = ESCAPES[usize::from(*byte)];
        if with == 0 {
            continue;
        }
        out.extend_from_slice(&bytes[start..at]);
        start = at + 1;
        if with == b'u' {
            const HEX: &[u8; 16] = b"0123456789abcdef";
            let (high, low) = (HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]);
            out.extend_from_slice(&[b'\\', b'u', b'0', b'0', high, low]);
        } else {
            out.extend_from_slice(&[b'\\', with]);
        }
    }
    out.extend_from_slice(&bytes[start..]);
}

/// Appends a string.
pub(super) fn string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    escape(out, text);
    out.push(b'"');
}

/// Appends the comma and the name of a further key.
pub(super) fn key(out: &mut Vec<u8>, name: &str) {
    out.extend_from_slice(b",\"");
    escape(out, name);
    out.extend_from_slice(b"\":");
}

/// Escapes what is formatted into it.
pub(super) struct Escaped<'a>(pub(super) &'a mut Vec<u8>);

impl fmt::Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        escape(self.0, text);
        Ok(())
    }
}

/// For each byte the letter behind the backslash, or 0 for one that stands for itself.
const ESCAPES: [u8; 256] = {
    let mut escapes = [0; 256];
    let mut byte = 0;
    while byte < 32 {
        escapes[byte] = b'u';
        byte += 1;
    }
    escapes[8] = b'b';
    escapes[9] = b't';
    escapes[10] = b'n';
    escapes[12] = b'f';
    escapes[13] = b'r';
    escapes[34] = b'"';
    escapes[92] = b'\\';
    escapes
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_json_forbids_is_escaped() {
        let mut out = Vec::new();
        escape(&mut out, "a\"b\\c\nd\te\u{1}\u{8}\u{c}\r/é😀\u{7f}");
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text, "a\\\"b\\\\c\\nd\\te\\u0001\\b\\f\\r/é😀\u{7f}");
    }
}
