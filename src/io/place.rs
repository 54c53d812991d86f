use std::io::SeekFrom;

/// A place in a file: a number of bytes from its beginning, or a [`SeekFrom`].
pub trait Place: sealed::Place {}

impl Place for u64 {}

impl Place for SeekFrom {}

mod sealed {
    use super::SeekFrom;

    #[allow(unnameable_types, reason = "that is what seals the trait above")]
    pub trait Place {
        #[doc(hidden)]
        fn seek_from(self) -> SeekFrom;
    }

    impl Place for u64 {
        fn seek_from(self) -> SeekFrom {
            SeekFrom::Start(self)
        }
    }

    impl Place for SeekFrom {
        fn seek_from(self) -> SeekFrom {
            self
        }
    }
}
