//! Text in files: what is read is cut out of the bytes that are read ahead, and decoded piece by piece. So the
//! place of a text file is always that of a byte.

use std::borrow::Cow;
use std::io;
use std::task::{Context, Poll, ready};

use super::charset::{Charset, Step};
use super::core::Core;
use super::encoding::{DecodeError, EncodeError, Encoding, TextErrors};
use super::error::unsupported;
use super::kind::{Text, find_lf, sealed};
use super::newline::{Newline, Newlines, to_lf};
use super::options::OpenOptions;

/// How a file's text is encoded, and what was seen of it.
#[derive(Debug)]
#[allow(
    unnameable_types,
    reason = "it is the state of a sealed trait, which no one else sees"
)]
pub struct TextState {
    pub(super) encoding: Encoding,
    /// With the order of bytes that the file's mark says.
    charset: Charset,
    /// Whether the order of bytes is certain.
    certain: bool,
    pub(super) errors: TextErrors,
    pub(super) newline: Newline,
    newlines: Newlines,
    /// The place behind a `\r` that was read last: it may be half of a `\r\n`.
    torn: Option<u64>,
    pub(super) line_buffering: bool,
}

impl TextState {
    pub(super) fn new(
        encoding: Encoding,
        errors: TextErrors,
        newline: Newline,
        line_buffering: bool,
    ) -> Self {
        Self {
            charset: encoding.charset,
            certain: !encoding.marked || encoding.charset == Charset::Utf8,
            encoding,
            errors,
            newline,
            newlines: Newlines::default(),
            torn: None,
            line_buffering,
        }
    }

    /// Reads the mark at the beginning of the file, if this is the place, or if what it says is needed.
    fn poll_mark(&mut self, core: &mut Core, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.encoding.marked {
            return Poll::Ready(Ok(()));
        }
        ready!(core.poll_placed(cx))?;
        let encoding = &self.encoding;
        if core.position() == 0 {
            let (charset, len) = ready!(core.poll_look(cx, |ahead, at_end| {
                let enough = at_end || ahead.len() >= Encoding::LONGEST_MARK;
                enough.then(|| encoding.mark(ahead))
            }))?;
            core.consume(len);
            self.charset = charset;
            self.certain |= len > 0;
        } else if !self.certain && core.seekable && core.mode.readable() {
            let first = ready!(core.poll_first_bytes(cx))?;
            (self.charset, _) = encoding.mark(&first);
            self.certain = true;
        }
        Poll::Ready(Ok(()))
    }

    /// Where the first line ends; its end is part of it.
    fn line_end(&self, bytes: &[u8], at_end: bool) -> Option<usize> {
        let width = self.charset.width();
        if width == 1 {
            // Most lines are short, and have no `\r`.
            let near = &bytes[..bytes.len().min(1024)];
            let near = if self.newline == Newline::Lf {
                bytes
            } else {
                near
            };
            if let Some(at) = find_lf(near)
                && (self.newline == Newline::Lf
                    || matches!(self.newline, Newline::Universal | Newline::Untranslated)
                        && !near[..at].contains(&b'\r'))
            {
                return Some(at + 1);
            }
        }
        let mut units = bytes
            .chunks_exact(width)
            .map(|unit| self.charset.unit(unit));
        let (lf, cr) = (u32::from('\n'), u32::from('\r'));
        let mut at = 0;
        while let Some(unit) = units.next() {
            at += width;
            let found = match self.newline {
                Newline::Lf => unit == lf,
                Newline::Cr => unit == cr,
                Newline::CrLf => unit == cr && units.clone().next() == Some(lf),
                Newline::Universal | Newline::Untranslated => unit == lf || unit == cr,
            };
            if !found {
                continue;
            }
            if unit == lf || self.newline == Newline::Cr {
                return Some(at);
            }
            return match units.next() {
                Some(next) if next == lf => Some(at + width),
                Some(_) => Some(at),
                None => at_end.then_some(at),
            };
        }
        at_end.then_some(bytes.len())
    }

    /// How many bytes so many characters have, as they are read.
    fn chars_end(&self, bytes: &[u8], at_end: bool, wanted: usize) -> Option<usize> {
        let (mut at, mut count) = (0, 0);
        while count < wanted {
            match self.charset.step(&bytes[at..], at_end) {
                Step::One('\r', len) if self.newline == Newline::Universal => {
                    at += len;
                    count += 1;
                    match self.charset.step(&bytes[at..], at_end) {
                        Step::One('\n', len) => at += len,
                        // It may be half of a `\r\n`.
                        Step::More if !at_end => return None,
                        _ => {}
                    }
                }
                Step::One(_, len) => {
                    at += len;
                    count += 1;
                }
                #[cfg(feature = "encodings")]
                Step::Two(_, _, len) => {
                    at += len;
                    count += 2;
                }
                Step::Invalid(len) => {
                    at += len;
                    match self.errors {
                        TextErrors::Strict => break,
                        TextErrors::Replace => count += 1,
                        TextErrors::Ignore => {}
                    }
                }
                Step::More if at_end => break,
                Step::More => return None,
            }
        }
        Some(at)
    }

    /// Decodes what is read ahead. What is no text stays where it is.
    fn decode(&mut self, core: &mut Core, count: usize) -> io::Result<String> {
        let decoded = self.charset.decode(&core.ahead()[..count], self.errors);
        let text = decoded.map_err(|at| {
            let error = DecodeError {
                encoding: self.encoding.name.clone(),
                offset: core.position() + at as u64,
            };
            io::Error::new(io::ErrorKind::InvalidData, error)
        })?;
        core.consume(count);
        Ok(text)
    }

    fn translate(&self, text: String) -> String {
        match self.newline {
            Newline::Universal => to_lf(text),
            _ => text,
        }
    }

    /// Looks at the ends of lines in a text that was read from one place to another.
    fn see(&mut self, mut text: &str, from: u64, to: u64) {
        let seen = matches!(self.newline, Newline::Universal | Newline::Untranslated);
        if !seen || text.is_empty() {
            return;
        }
        if let Some(place) = self.torn.take() {
            match text.strip_prefix('\n').filter(|_| place == from) {
                Some(rest) => {
                    self.newlines.crlf = true;
                    text = rest;
                }
                None => self.newlines.cr = true,
            }
        }
        if let Some(rest) = text.strip_suffix('\r') {
            self.torn = Some(to);
            text = rest;
        }
        self.newlines.see(text);
    }

    pub(super) fn newlines(&self) -> Newlines {
        let mut newlines = self.newlines;
        newlines.cr |= self.torn.is_some();
        newlines
    }
}

#[allow(
    private_interfaces,
    reason = "that is what seals the trait of the kinds"
)]
impl sealed::Kind for Text {
    type Slice = str;
    type Owned = String;
    type State = TextState;
    const BINARY: bool = false;

    fn state(options: &OpenOptions) -> io::Result<TextState> {
        options.text_state()
    }

    fn poll_read(
        core: &mut Core,
        state: &mut TextState,
        cx: &mut Context<'_>,
        count: Option<usize>,
    ) -> Poll<io::Result<String>> {
        ready!(state.poll_mark(core, cx))?;
        let end = ready!(core.poll_look(cx, |ahead, at_end| match count {
            None => at_end.then_some(ahead.len()),
            Some(count) => state.chars_end(ahead, at_end, count),
        }))?;
        let from = core.position();
        let text = state.decode(core, end)?;
        state.see(&text, from, core.position());
        Poll::Ready(Ok(state.translate(text)))
    }

    fn poll_line(
        core: &mut Core,
        state: &mut TextState,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<Option<String>>> {
        ready!(state.poll_mark(core, cx))?;
        let end = ready!(core.poll_look(cx, |ahead, at_end| state.line_end(ahead, at_end)))?;
        if end == 0 {
            return Poll::Ready(Ok(None));
        }
        let from = core.position();
        let mut line = state.decode(core, end)?;
        let ending = line.trim_end_matches(['\r', '\n']).len();
        state.see(&line[ending..], from + ending as u64, core.position());
        if state.newline == Newline::Universal && line.as_bytes()[ending..].contains(&b'\r') {
            line.truncate(ending);
            line.push('\n');
        }
        Poll::Ready(Ok(Some(line)))
    }

    fn chomp(line: &mut String) {
        for end in ["\r\n", "\n", "\r"] {
            if line.ends_with(end) {
                line.truncate(line.len() - end.len());
                return;
            }
        }
    }

    fn poll_takes(
        core: &mut Core,
        state: &mut TextState,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        if !state.certain && core.mode.readable() {
            ready!(core.poll_home(cx))?;
            if core.position() > 0 && core.seekable {
                ready!(state.poll_mark(core, cx))?;
            }
        }
        core.poll_takes(cx)
    }

    fn put(core: &mut Core, state: &mut TextState, data: &str) -> io::Result<bool> {
        if data.is_empty() {
            return Ok(false);
        }
        let marked = state.encoding.marked && core.is_at_start();
        let text = match state.newline.written() {
            Some(end) if data.contains('\n') => Cow::Owned(data.replace('\n', end)),
            _ => Cow::Borrowed(data),
        };
        let front = core.front();
        let before = front.len();
        if marked {
            state.charset.put('\u{FEFF}', front);
        }
        if let Err((index, character)) = state.charset.encode(&text, state.errors, front) {
            front.truncate(before);
            let error = EncodeError {
                encoding: state.encoding.name.clone(),
                character,
                index,
            };
            return Err(io::Error::new(io::ErrorKind::InvalidInput, error));
        }
        state.certain |= marked;
        core.took();
        Ok(state.line_buffering && data.contains(['\n', '\r']))
    }

    fn check_place(to: io::SeekFrom) -> io::Result<()> {
        match to {
            io::SeekFrom::Current(by) | io::SeekFrom::End(by) if by != 0 => Err(unsupported(
                "in a text file one can only go to its beginning, its end, and where `tell` was",
            )),
            _ => Ok(()),
        }
    }
}
