//! Texts that nobody would log.

use super::dice::Dice;

/// The same texts for the same seed.
pub(crate) struct Random(Dice);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Dice::new(seed))
    }

    /// A number below this one.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0.below(end)
    }

    /// A text of words, wide characters, joined ones and such that a terminal obeys.
    pub(crate) fn text(&mut self) -> String {
        const PARTS: [&str; 24] = [
            " ",
            " ",
            "word",
            "a-rather-long-word-of-letters",
            "\n",
            "\t",
            "\r",
            "\x1b[31m",
            "\x1b]0;title\x07",
            "\0",
            "\u{9b}",
            "日本語",
            "😀",
            "👩\u{200d}👩\u{200d}👧",
            "e\u{301}",
            "\u{301}",
            "\u{200d}",
            "❤\u{fe0f}",
            "👍🏽",
            "🇩🇪",
            "\u{202e}",
            "  12: core::name::h0123456789abcdef\n",
            "      at /some/where.rs:1:2\n",
            "1: app::main\n",
        ];
        let count = self.below(12);
        let mut text = String::new();
        for _ in 0..count {
            match self.below(4) {
                0 => text.extend(char::from_u32(self.below(0x11_0000) as u32)),
                _ => text.push_str(PARTS[self.below(PARTS.len())]),
            }
        }
        text
    }
}

/// More of them in the long tier.
pub(crate) fn rounds(usually: u64) -> u64 {
    #[allow(
        clippy::disallowed_methods,
        reason = "who runs the tests says how long"
    )]
    let factor = std::env::var("AIOMISC_STRESS").ok();
    usually
        * factor
            .and_then(|text| text.parse::<u64>().ok())
            .unwrap_or(1)
}
