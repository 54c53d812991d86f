//! Where the lines of a text end.

use std::ops::Range;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// How many columns a text takes.
pub(super) fn width(text: &str) -> usize {
    clusters(text).map(|(_, width)| width).sum()
}

/// Divides the text into lines that take at most so many columns, the first one and those after it;
/// between words where that is possible. Line feeds end lines. A character that takes two columns stands
/// on a line of its own where there is but one.
///
/// The spaces at which lines are broken are in none of them.
pub(super) fn wrap(text: &str, first: usize, others: usize) -> Vec<Range<usize>> {
    let mut lines = Vec::new();
    let mut start = 0;
    for line in text.split('\n') {
        wrap_line(text, start..start + line.len(), first, others, &mut lines);
        start += line.len() + 1;
    }
    lines
}

/// Where a line may end, and the next one begin.
struct Break {
    end: usize,
    next: usize,
    /// The columns up to the beginning of the next one.
    used: usize,
}

fn wrap_line(
    text: &str,
    line: Range<usize>,
    first: usize,
    others: usize,
    lines: &mut Vec<Range<usize>>,
) {
    let limit = |lines: &Vec<_>| if lines.is_empty() { first } else { others }.max(1);
    let mut start = line.start;
    let mut used = 0;
    let mut gap: Option<Break> = None;
    for (at, width) in clusters(&text[line.clone()]) {
        let at = line.start + at;
        let is_space = text[at..].starts_with(' ');
        while used + width > limit(lines) && at > start {
            if is_space {
                lines.push(start..at);
                (start, used, gap) = (at, 0, None);
            } else if let Some(found) = gap.take()
                && !is_wider(&text[found.next..line.end], others.max(1))
            {
                lines.push(start..found.end);
                (start, used) = (found.next, used - found.used);
            } else {
                lines.push(start..at);
                (start, used) = (at, 0);
            }
        }
        if is_space && at == start && at > line.start {
            // Spaces after a broken line belong to the break.
            start = at + 1;
            continue;
        }
        used += width;
        if is_space {
            gap = Some(Break {
                end: at,
                next: at + 1,
                used,
            });
        }
    }
    if start < line.end || start == line.start {
        lines.push(start..line.end);
    }
}

/// Whether the first word is wider than this. Such a word has to be cut, and is cut where it stands.
fn is_wider(text: &str, columns: usize) -> bool {
    let mut widths = clusters(text).scan(0, |used, (at, width)| {
        *used += width;
        (!text[at..].starts_with(' ')).then_some(*used)
    });
    widths.any(|used| used > columns)
}

/// The parts of a text that stand together, with their columns: a character with the marks, joiners and
/// modifiers after it.
fn clusters(text: &str) -> impl Iterator<Item = (usize, usize)> {
    let mut rest = text.char_indices().peekable();
    std::iter::from_fn(move || {
        let (start, first) = rest.next()?;
        let (mut end, mut joined) = (start + first.len_utf8(), first == JOINER);
        while let Some((_, c)) = rest.peek().copied() {
            let next = end + c.len_utf8();
            let belongs = belongs_to_the_last(c) || joined && is_one(text, start, next);
            // Lines end at spaces, whatever mark was put on them.
            if first == ' ' || !belongs {
                break;
            }
            joined = c == JOINER;
            end = next;
            rest.next();
        }
        let width = if end == start + 1 {
            1
        } else {
            text[start..end].width()
        };
        Some((start, width))
    })
}

/// Joins two emoji to one.
const JOINER: char = '\u{200d}';
/// Makes an emoji of a sign that can be one.
const COLORED: char = '\u{fe0f}';
/// The columns of an emoji.
const WIDEST: usize = 2;

/// Whether what was joined takes the room of one, with the mark behind it that asks for colours.
fn is_one(text: &str, start: usize, end: usize) -> bool {
    let colored = text[end..].starts_with(COLORED);
    let end = if colored {
        end + COLORED.len_utf8()
    } else {
        end
    };
    text[start..end].width() <= WIDEST
}

fn belongs_to_the_last(c: char) -> bool {
    // The tones of skin take two columns on their own, and none after an emoji.
    !c.is_ascii() && (c.width() == Some(0) || matches!(c, '\u{1f3fb}'..='\u{1f3ff}'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str, first: usize, others: usize) -> Vec<&str> {
        let lines = wrap(text, first, others);
        lines.into_iter().map(|line| &text[line]).collect()
    }

    #[test]
    fn lines_end_between_words() {
        assert_eq!(lines("one two three", 20, 20), ["one two three"]);
        assert_eq!(lines("one two three", 13, 13), ["one two three"]);
        assert_eq!(lines("one two three", 12, 12), ["one two", "three"]);
        assert_eq!(lines("one two three", 7, 3), ["one two", "thr", "ee"]);
        assert_eq!(lines("one   two", 4, 4), ["one ", "two"]);
        assert_eq!(lines("", 4, 4), [""]);
        assert_eq!(lines("a\n\nb\n", 4, 4), ["a", "", "b", ""]);
        assert_eq!(lines("  a", 4, 4), ["  a"], "what was indented stays so");
    }

    #[test]
    fn long_words_are_cut() {
        assert_eq!(lines("abcdefgh", 3, 3), ["abc", "def", "gh"]);
        assert_eq!(lines("a abcdefgh", 3, 3), ["a a", "bcd", "efg", "h"]);
        assert_eq!(lines("abc abc", 1, 1), ["a", "b", "c", "a", "b", "c"]);
        assert_eq!(lines("ab", 0, 0), ["a", "b"]);
    }

    #[test]
    fn wide_and_joined_characters_are_counted_and_not_torn() {
        assert_eq!(width("日本語"), 6);
        assert_eq!(lines("日本語", 5, 5), ["日本", "語"]);
        assert_eq!(lines("日本", 1, 1), ["日", "本"]);
        let family = "👩\u{200d}👩\u{200d}👧";
        assert_eq!(width(family), 2);
        assert_eq!(lines(&format!("{family}{family}"), 2, 2), [family, family]);
        assert_eq!(lines("e\u{301}e\u{301}", 1, 1), ["e\u{301}", "e\u{301}"]);
        assert_eq!(width("❤\u{fe0f}"), 2);
        assert_eq!(width("👍🏽"), 2);
    }
}
