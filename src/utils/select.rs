use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::time::{Sleep, sleep};

/// Waits for the first of several futures of one type; [`select!`](crate::select!) takes futures of different types.
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use aiomisc::time::sleep;
/// use aiomisc::utils::select_all;
/// use std::time::Duration;
///
/// # aiomisc::adapters::Smol::new().block_on(async {
/// let result = select_all([50, 1, 70].map(|millis| async move {
///     sleep(Duration::from_millis(millis)).await;
///     millis
/// }))
/// .await;
/// assert_eq!(result.result_idx(), Some(1));
/// assert_eq!(result.result(), [None, Some(&1), None]);
/// # }); }
/// ```
///
/// If several are ready at the same time, it is the first in the list. With no futures it is ready at once, and
/// [`done`](SelectResult::done) is false.
///
/// # The others
///
/// They are dropped before this is ready. To keep one, give `&mut future`. A [`Task`](crate::Task) that is dropped
/// goes on by itself: give [`task.abort_on_drop()`](crate::Task::abort_on_drop), or `&mut task` and end it by
/// [`cancel_tasks`](super::cancel_tasks).
///
/// # Cancel safety
///
/// Dropping this drops all of them.
///
/// # Cost
///
/// An allocation for each future. Each wake-up polls all of them: it is for a few, not for thousands.
pub fn select_all<F: Future>(futures: impl IntoIterator<Item = F>) -> SelectAll<Pin<Box<F>>> {
    SelectAll::new(futures.into_iter().map(Box::pin).collect())
}

/// Waits for the first of several futures that give the same; [`select_all`](crate::utils::select_all) says the rest.
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use aiomisc::{select, time};
/// use std::time::Duration;
///
/// # aiomisc::adapters::Smol::new().block_on(async {
/// let result = select![
///     async { time::sleep(Duration::from_millis(50)).await; "slow" },
///     std::future::ready("quick"),
/// ]
/// .timeout(Duration::from_secs(1))
/// .await;
/// assert_eq!(result.into_value(), Some("quick"));
/// # }); }
/// ```
#[macro_export]
macro_rules! select {
    ($($future:expr),* $(,)?) => {
        $crate::utils::SelectAll::<
            ::core::pin::Pin<
                ::std::boxed::Box<
                    dyn ::core::future::Future<Output = _> + ::core::marker::Send + '_,
                >,
            >,
        >::new(::std::vec![$(::std::boxed::Box::pin($future)),*])
    };
}

/// Waits for the first of several futures; from [`select_all`] and [`select!`](crate::select!).
#[must_use = "futures do nothing unless polled"]
pub struct SelectAll<F> {
    futures: Vec<F>,
    limit: Option<Sleep>,
}

impl<F> SelectAll<F> {
    #[doc(hidden)]
    pub fn new(futures: Vec<F>) -> Self {
        Self {
            futures,
            limit: None,
        }
    }

    /// Waits no longer than this, counted from the first poll. Then all are dropped, and
    /// [`done`](SelectResult::done) is false.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.limit = Some(sleep(limit));
        self
    }
}

impl<F: Future + Unpin> Future for SelectAll<F> {
    type Output = SelectResult<F::Output>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let me = &mut *self;
        let mut found = None;
        for (index, future) in me.futures.iter_mut().enumerate() {
            if let Poll::Ready(value) = Pin::new(future).poll(cx) {
                found = Some((index, value));
                break;
            }
        }
        let over = found.is_some()
            || me.futures.is_empty()
            || me
                .limit
                .as_mut()
                .is_some_and(|limit| Pin::new(limit).poll(cx).is_ready());
        if !over {
            return Poll::Pending;
        }
        let len = me.futures.len();
        // The losers are gone before anybody hears of it.
        me.futures.clear();
        Poll::Ready(SelectResult { found, len })
    }
}

impl<F> fmt::Debug for SelectAll<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SelectAll")
            .field("futures", &self.futures.len())
            .field("limit", &self.limit.is_some())
            .finish()
    }
}

/// What came of a selection: a row with one place for each future.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SelectResult<T> {
    found: Option<(usize, T)>,
    len: usize,
}

impl<T> SelectResult<T> {
    /// The row: the value is at the place of its future, and nothing at the others.
    #[must_use]
    pub fn result(&self) -> Vec<Option<&T>> {
        let mut row: Vec<_> = (0..self.len).map(|_| None).collect();
        if let Some((index, value)) = &self.found {
            row[*index] = Some(value);
        }
        row
    }

    /// The value of the future that was ready.
    #[must_use]
    pub fn value(&self) -> Option<&T> {
        self.found.as_ref().map(|(_, value)| value)
    }

    /// The value of the future that was ready, to keep.
    #[must_use]
    pub fn into_value(self) -> Option<T> {
        self.found.map(|(_, value)| value)
    }

    /// The place of the future that was ready.
    #[must_use]
    pub fn result_idx(&self) -> Option<usize> {
        self.found.as_ref().map(|(index, _)| *index)
    }

    /// Whether one was ready; else the time was over, or there were none.
    #[must_use]
    pub fn done(&self) -> bool {
        self.found.is_some()
    }

    /// How many futures there were.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there were no futures.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

impl<T, E> SelectResult<Result<T, E>> {
    /// Whether the value is an error.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.value().is_some_and(Result::is_err)
    }
}

/// The row.
impl<T> IntoIterator for SelectResult<T> {
    type Item = Option<T>;
    type IntoIter = std::vec::IntoIter<Option<T>>;

    fn into_iter(self) -> Self::IntoIter {
        let mut row: Vec<_> = (0..self.len).map(|_| None).collect();
        if let Some((index, value)) = self.found {
            row[index] = Some(value);
        }
        row.into_iter()
    }
}
