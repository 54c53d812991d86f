use std::iter::FusedIterator;

/// Gives the items in lists of this size; the last one may be shorter.
///
/// ```
/// use aiomisc::utils::chunk_list;
///
/// let lists: Vec<_> = chunk_list(1..=7, 3).collect();
/// assert_eq!(lists, [vec![1, 2, 3], vec![4, 5, 6], vec![7]]);
/// ```
///
/// Items are taken when they are needed, so that the source may have no end. For a slice there is
/// [`chunks`](slice::chunks), which copies nothing.
///
/// # Panics
///
/// If the size is zero.
#[track_caller]
pub fn chunk_list<I: IntoIterator>(items: I, size: usize) -> ChunkList<I::IntoIter> {
    assert!(size > 0, "chunk_list: expected a size above zero, got 0");
    ChunkList {
        items: items.into_iter().fuse(),
        size,
    }
}

/// Lists of items; from [`chunk_list`].
#[derive(Clone, Debug)]
#[must_use = "iterators do nothing unless they are asked"]
pub struct ChunkList<I> {
    items: std::iter::Fuse<I>,
    size: usize,
}

impl<I: Iterator> Iterator for ChunkList<I> {
    type Item = Vec<I::Item>;

    fn next(&mut self) -> Option<Self::Item> {
        let list: Vec<_> = self.items.by_ref().take(self.size).collect();
        (!list.is_empty()).then_some(list)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let (least, most) = self.items.size_hint();
        let lists = |items: usize| items.div_ceil(self.size);
        (lists(least), most.map(lists))
    }
}

impl<I: Iterator> FusedIterator for ChunkList<I> {}
