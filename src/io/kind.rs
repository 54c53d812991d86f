//! Files of text and files of bytes.

use std::io;
use std::task::{Context, Poll, ready};

use super::core::Core;
use super::options::OpenOptions;

/// What a file consists of: [`Text`] or [`Binary`].
///
/// It gives what is written, `str` or `[u8]`, and what is read, `String` or `Vec<u8>`.
pub trait Kind: sealed::Kind {}

/// The kind of files of text.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Text;

/// The kind of files of bytes.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Binary;

impl Kind for Text {}

impl Kind for Binary {}

#[allow(
    private_interfaces,
    unnameable_types,
    reason = "that is what seals the trait above"
)]
pub(super) mod sealed {
    use super::{Context, Core, OpenOptions, Poll, io};

    /// What the kinds do differently.
    pub trait Kind: Send + Sync + Sized + 'static {
        /// What is written: `str` or `[u8]`.
        type Slice: ?Sized;
        /// What is read: `String` or `Vec<u8>`.
        type Owned: Send + 'static;
        #[doc(hidden)]
        type State: Send + Sync + Unpin;
        #[doc(hidden)]
        const BINARY: bool;

        #[doc(hidden)]
        fn state(options: &OpenOptions) -> io::Result<Self::State>;

        /// Reads so many characters or bytes, or all.
        #[doc(hidden)]
        fn poll_read(
            core: &mut Core,
            state: &mut Self::State,
            cx: &mut Context<'_>,
            count: Option<usize>,
        ) -> Poll<io::Result<Self::Owned>>;

        /// Reads a line with its end; `None` at the end of the file.
        #[doc(hidden)]
        fn poll_line(
            core: &mut Core,
            state: &mut Self::State,
            cx: &mut Context<'_>,
        ) -> Poll<io::Result<Option<Self::Owned>>>;

        /// Takes the end of a line off.
        #[doc(hidden)]
        fn chomp(line: &mut Self::Owned);

        /// Waits until something can be put.
        #[doc(hidden)]
        fn poll_takes(
            core: &mut Core,
            state: &mut Self::State,
            cx: &mut Context<'_>,
        ) -> Poll<io::Result<()>>;

        /// Puts what is written into the buffer; true if it is to go on to the file.
        #[doc(hidden)]
        fn put(core: &mut Core, state: &mut Self::State, data: &Self::Slice) -> io::Result<bool>;

        /// What can be done with this place.
        #[doc(hidden)]
        fn check_place(to: io::SeekFrom) -> io::Result<()>;
    }
}

#[allow(
    private_interfaces,
    reason = "that is what seals the trait of the kinds"
)]
impl sealed::Kind for Binary {
    type Slice = [u8];
    type Owned = Vec<u8>;
    type State = ();
    const BINARY: bool = true;

    fn state(options: &OpenOptions) -> io::Result<()> {
        options.check_binary()
    }

    fn poll_read(
        core: &mut Core,
        (): &mut (),
        cx: &mut Context<'_>,
        count: Option<usize>,
    ) -> Poll<io::Result<Vec<u8>>> {
        let count = ready!(core.poll_look(cx, |ahead, at_end| {
            let count = count.unwrap_or(usize::MAX);
            (at_end || ahead.len() >= count).then(|| ahead.len().min(count))
        }))?;
        Poll::Ready(Ok(core.take(count)))
    }

    fn poll_line(
        core: &mut Core,
        (): &mut (),
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<Option<Vec<u8>>>> {
        let count = ready!(core.poll_look(cx, |ahead, at_end| {
            let found = find_lf(ahead).map(|at| at + 1);
            found.or_else(|| at_end.then_some(ahead.len()))
        }))?;
        Poll::Ready(Ok((count > 0).then(|| core.take(count))))
    }

    fn chomp(line: &mut Vec<u8>) {
        if line.last() == Some(&b'\n') {
            line.pop();
            if line.last() == Some(&b'\r') {
                line.pop();
            }
        }
    }

    fn poll_takes(core: &mut Core, (): &mut (), cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        core.poll_takes(cx)
    }

    fn put(core: &mut Core, (): &mut (), data: &[u8]) -> io::Result<bool> {
        core.front().extend_from_slice(data);
        core.took();
        Ok(false)
    }

    fn check_place(_: io::SeekFrom) -> io::Result<()> {
        Ok(())
    }
}

/// Where the first line feed is, as fast as the standard library finds it.
pub(super) fn find_lf(bytes: &[u8]) -> Option<usize> {
    let mut rest = bytes;
    let count = io::BufRead::skip_until(&mut rest, b'\n').unwrap_or(0);
    (count > 0 && bytes[count - 1] == b'\n').then(|| count - 1)
}
