//! Log calls within log calls: of values that log while they are formatted, of formats and of layers.

use std::cell::Cell;

thread_local! {
    /// How many of them this thread is in.
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

/// A call of the program's code within a log call, until this is dropped.
pub(super) struct Nested(());

impl Nested {
    /// Nothing where it is too deep: a value that logs itself would never come to an end.
    pub(super) fn enter() -> Option<Self> {
        const DEEPEST: usize = 4;
        let depth = DEPTH.get();
        (depth < DEEPEST).then(|| {
            DEPTH.set(depth + 1);
            Self(())
        })
    }

    /// Whether this thread is in one.
    pub(super) fn is_inside() -> bool {
        DEPTH.get() > 0
    }
}

impl Drop for Nested {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get() - 1);
    }
}
